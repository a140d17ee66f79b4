"""Anomaly detection on tables of every kind, each model kept and read back."""

import datetime
import decimal
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl.anomaly import KINDS
from heatproxy.automl.orders import parse_options
from heatproxy.automl.storage import from_bytes, to_bytes
from heatproxy.automl.work import trained
from heatproxy.errors import MySQLError
from tests.automl.conftest import quietly
from tests.automl.tasks.trained import fit, predict_options, score_options

TASK = "anomaly_detection"
N_ROWS, N_STRANGE = 300, 6
NAMES = [kind.name for kind in KINDS]


def readings(seed: int = 1) -> pa.Table:
    """Two numbers and a word, the last rows far off, and which they are."""
    random = np.random.default_rng(seed)
    strange = np.arange(N_ROWS) >= N_ROWS - N_STRANGE
    middle = np.where(strange, 8.0, 0.0)[:, None]
    numbers = random.normal(middle, 1.0, (N_ROWS, 2))
    return pa.table(
        {
            "x": numbers[:, 0],
            "y": numbers[:, 1],
            "word": random.choice(["a", "b", "c"], N_ROWS),
            "strange": strange.astype(np.int8),
        }
    )


def results(model: Any, table: pa.Table, **options: Any) -> list[dict[str, Any]]:
    answers = model.predict(table, predict_options(TASK, **options))
    assert answers.added.column_names == ["ml_results"]
    assert not answers.own_rows
    return [json.loads(text) for text in answers.added["ml_results"].to_pylist()]


def score(model: Any, metric: str, table: pa.Table, **options: Any) -> float:
    return float(model.score(table, "strange", metric, score_options(TASK, **options)))


@pytest.mark.parametrize("name", NAMES)
def test_every_model_finds_what_lies_far_off(name: str) -> None:
    model = fit(
        readings(),
        None,
        TASK,
        model_list=[name.lower()],
        exclude_column_list=["STRANGE"],
        contamination="0.02",
    )
    assert model.facts.algorithm_name.lower() == name.lower()
    assert score(model, "roc_auc", readings()) > 0.98
    assert score(model, "roc_auc", readings(2)) > 0.98
    assert score(model, "f1", readings()) > 0.8
    assert score(model, "precision_k", readings(), topk=N_STRANGE) > 0.8
    for metric in ("accuracy", "balanced_accuracy", "precision", "recall"):
        assert score(model, metric, readings(), threshold=0.5) > 0.6
    assert -0.7 < score(model, "neg_log_loss", readings()) < 0.0


@pytest.mark.parametrize("name", NAMES)
def test_a_kept_model_answers_as_before_whatever_the_threads(name: str) -> None:
    order = parse_options({"task": TASK, "model_list": [name]})
    model: Any = trained(readings(), None, order, quietly, threads=1)
    again: Any = trained(readings(), None, order, quietly, threads=2)
    kept = from_bytes(to_bytes(model))
    expected = results(model, readings(2))
    assert results(kept, readings(2)) == expected
    assert results(again, readings(2)) == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_row_gets_the_same_answer_alone(name: str) -> None:
    model = fit(readings(), None, TASK, model_list=[name])
    together = results(model, readings())
    for place in (0, 150, 299):
        assert results(model, readings().slice(place, 1)) == [together[place]]


def test_the_share_of_anomalies_is_what_was_said() -> None:
    for contamination in (0.05, 0.2):
        model = fit(readings(), None, TASK, contamination=contamination)
        found = [r["predictions"]["is_anomaly"] for r in results(model, readings())]
        assert sum(found) == pytest.approx(contamination * N_ROWS, abs=1)


def test_chances_sum_to_one_and_go_with_the_decisions() -> None:
    model = fit(readings(), None, TASK)
    for result in results(model, readings()):
        chances = result["probabilities"]
        assert chances["normal"] + chances["anomaly"] == pytest.approx(1.0)
        if abs(chances["anomaly"] - 0.5) > 1e-4:
            decided = bool(result["predictions"]["is_anomaly"])
            assert decided == (chances["anomaly"] > 0.5)


def test_the_threshold_of_a_call_counts() -> None:
    model = fit(readings(), None, TASK)
    counts = [
        sum(r["predictions"]["is_anomaly"] for r in results(model, readings(), **given))
        for given in ({"threshold": 0}, {"threshold": 0.3}, {"threshold": 1})
    ]
    assert counts[0] > counts[1] > counts[2] == 0


def test_labels_of_a_few_rows_are_learned_from() -> None:
    table = readings()
    # what is strange here cannot be seen without labels
    label = (np.asarray(table["x"]) < -1.2).astype(np.int8)
    known = np.random.default_rng(3).random(N_ROWS) < 0.4
    half = table.set_column(3, "Label", pa.array(label, mask=~known))
    model = fit(
        half,
        "label",
        TASK,
        contamination=0.1,
        experimental={"semisupervised": {"ensemble_score": "recall"}},
    )
    whole = table.set_column(3, "strange", pa.array(label))
    taught = score(model, "roc_auc", whole, supervised_submodel_weight=0.95)
    alone = score(model, "roc_auc", whole, supervised_submodel_weight=0.01)
    assert taught > max(0.8, alone + 0.05)
    shown = model.facts.options["experimental"]["semisupervised"]
    assert shown["ensemble_score"] == "recall"
    assert shown["supervised_submodel_options"] == {"min_labels": 20}
    assert model.facts.target == "Label"
    (one,) = results(model, whole.slice(5, 1), supervised_submodel_weight=0.4)
    assert one == results(model, whole, supervised_submodel_weight=0.4)[5]


ODD_TABLES = {
    "NULLs": {"a": [None, 1.0, 2.0, 3.0] * 10, "b": ["p", None, "q", "q"] * 10},
    "a column of NULLs": {"a": list(range(40)), "b": pa.nulls(40, pa.float64())},
    "a constant column": {"a": list(range(40)), "b": ["same"] * 40},
    "the same row again and again": {"a": [1, 1, 1, 2] * 10, "b": [5, 5, 5, 5] * 10},
    "two rows": {"a": [1.0, 2.0], "b": ["x", "y"]},
    "names in other letters": {"ä ö": list(range(40)), "表`": [0.5, 1.5] * 20},
    "names that differ by case": {"a": list(range(40)), "A": [1, 2] * 20},
    "dates and decimals": {
        "day": [datetime.date(2024, 1, 1 + i % 28) for i in range(40)],
        "price": [decimal.Decimal(i) / 4 for i in range(40)],
        "at": [datetime.datetime(2024, 1, 1, i % 24) for i in range(40)],
        "flag": [bool(i % 2) for i in range(40)],
    },
    "many columns": {f"c{i}": [i, i + 1, 2, 3] * 10 for i in range(300)},
}


@pytest.mark.parametrize("columns", ODD_TABLES.values(), ids=ODD_TABLES)
@pytest.mark.parametrize("name", NAMES)
def test_odd_tables_are_learned_and_answered(
    name: str, columns: dict[str, Any]
) -> None:
    table = pa.table(columns)
    model = fit(table, None, TASK, model_list=[name])
    answers = results(model, table, additional_details=True)
    assert len(answers) == table.num_rows
    for answer in answers:
        assert 0.0 <= answer["probabilities"]["anomaly"] <= 1.0
        assert answer["drift"]["metric"] >= 0.0
    assert results(model, table.slice(0, 0)) == []
    json.dumps(
        model.metadata(build_timestamp=1, train_table_name="a.b"), allow_nan=False
    )


@pytest.mark.parametrize("name", NAMES)
def test_what_was_never_seen_is_answered(name: str) -> None:
    model = fit(readings(), None, TASK, model_list=[name])
    odd = pa.table({"x": [None, 1e300], "y": [0.0, -5], "word": ["new", None],
                    "strange": [0, 0]})  # fmt: skip
    for answer in results(model, odd):
        assert 0.0 <= answer["probabilities"]["anomaly"] <= 1.0


UNFIT = {
    "no rows": ({"a": pa.array([], pa.int64())}, {}, "ML001052"),
    "one row": ({"a": [1], "b": [2]}, {}, "ML001052"),
    "nothing but constants": ({"a": [1] * 9, "b": ["x"] * 9}, {}, "ML001052"),
    "a row of NULLs": ({"a": [1, None, 3], "b": [1, None, 2]}, {}, "ML001051"),
    "an unknown column": (
        {"a": [1, 2]},
        {"exclude_column_list": ["zz"]},
        "ML003039: Not all user specified columns are present in the input table - "
        "missing columns are {'zz'}.",
    ),
    "a column in both lists": (
        {"a": [1, 2], "b": [1, 2]},
        {"exclude_column_list": ["a"], "include_column_list": ["A"]},
        "include_column_list and exclude_column_list must not share columns",
    ),
    "all columns excluded": (
        {"a": [1, 2]},
        {"exclude_column_list": ["a"]},
        "ML001052",
    ),
    "no model left": (
        {"a": [1, 2]},
        {"exclude_model_list": ["gknn", "pca", "glof"]},
        "ML003047",
    ),
    "an unknown model": ({"a": [1, 2]}, {"model_list": ["IF"]}, "'IF' is not a model"),
    "a metric": (
        {"a": [1, 2]},
        {"optimization_metric": "roc_auc"},
        "ML_TRAIN: unknown option 'optimization_metric'",
    ),
    "contamination that is no number": (
        {"a": [1, 2]},
        {"contamination": "much"},
        "ML003071: contamination must be numeric value greater than 0 and less than "
        "0.5.",
    ),
    "contamination of nothing": ({"a": [1]}, {"contamination": 0}, "ML003071"),
    "an unknown experiment": (
        {"a": [1, 2]},
        {"experimental": {"magic": {}}},
        "ML_TRAIN: option 'experimental' must be",
    ),
    "notes that are no text": (
        {"a": [1, 2]},
        {"notes": 5},
        "ML_TRAIN: option 'notes' must be a string",
    ),
}


@pytest.mark.parametrize(("columns", "options", "text"), UNFIT.values(), ids=UNFIT)
def test_what_cannot_be_learned_is_refused(
    columns: dict[str, Any], options: dict[str, Any], text: str
) -> None:
    with pytest.raises(MySQLError) as caught:
        fit(pa.table(columns), None, TASK, **options)
    assert caught.value.number == 3877
    assert caught.value.message.startswith(text)


HALF = {"experimental": {"semisupervised": {}}}
BAD_LABELS = {
    "too few": ([1] + [None] * 39, "Semi-supervised learning needs at least 20 rows"),
    "other numbers": ([0, 1, 2, 3] * 10, "The label column 'label' must hold 0"),
    "words": (["yes"] * 40, "The label column 'label' must hold 0"),
}


@pytest.mark.parametrize(("labels", "text"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_labels_that_say_nothing_are_refused(labels: list[Any], text: str) -> None:
    table = pa.table({"a": list(range(40)), "label": labels})
    with pytest.raises(MySQLError) as caught:
        fit(table, "label", TASK, **HALF)
    assert caught.value.message.startswith(text)


def test_labels_and_their_option_need_each_other() -> None:
    for target, options, code in (("label", {}, "ML006006"), (None, HALF, "ML006016")):
        with pytest.raises(MySQLError, match=code):
            fit(readings(), target, TASK, **options)


def test_the_word_semisupervised_is_enough() -> None:
    order: Any = parse_options({"task": TASK, "experimental": "semisupervised"})
    assert order.values["experimental"] == {
        "semisupervised": {
            "supervised_submodel_options": None,
            "ensemble_score": "f1",
        }
    }


def test_a_score_needs_labels_of_both_kinds() -> None:
    model = fit(readings(), None, TASK)
    for labels in ([0] * N_ROWS, pa.nulls(N_ROWS, pa.int8())):
        table = readings().set_column(3, "strange", pa.array(labels))
        with pytest.raises(MySQLError, match="ML003019"):
            score(model, "roc_auc", table)
    with pytest.raises(MySQLError, match="ML003019"):
        score(model, "f1", readings().slice(0, 0))
    with pytest.raises(MySQLError, match="ML003039"):
        model.score(readings(), "zz", "f1", score_options(TASK))
    with pytest.raises(MySQLError, match="ML006016"):
        model.score(readings(), None, "f1", score_options(TASK))


def test_raising_from_progress_ends_the_training() -> None:
    def stop(fraction: float, stage: str) -> None:
        if "fitting" in stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(readings(), None, parse_options({"task": TASK}), stop, threads=1)
