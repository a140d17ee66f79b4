"""Log anomaly detection: segments, what they are made of, and what is refused."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl.orders import parse_options
from heatproxy.automl.work import trained
from heatproxy.errors import MySQLError
from tests.automl.conftest import quietly
from tests.automl.tasks.trained import fit, predict_options, score_options

TASK = "log_anomaly_detection"
USUAL = (
    "connection from 10.0.{}.{} closed after {} ms",
    "GET /page/{}.html 200 {} bytes in {} ms",
    "cache {} has {} entries of {}",
)
STRANGE = "kernel panic: fatal exception {} at {} in interrupt {}"


def log(n_rows: int, strange: set[int] = frozenset(), seed: int = 1) -> pa.Table:  # type: ignore[assignment]
    random = np.random.default_rng(seed)
    lines = []
    for place in range(n_rows):
        form = STRANGE if place in strange else USUAL[random.integers(3)]
        lines.append(form.format(*random.integers(1, 250, 3)))
    return pa.table(
        {
            "id": pa.array(range(n_rows), pa.int32()),
            "line": pa.array(lines, pa.string()),
            "host": pa.array(["ab"[i % 2] for i in range(n_rows)], pa.string()),
            "label": pa.array([int(i in strange) for i in range(n_rows)], pa.int8()),
        }
    )


def options(**logad: Any) -> dict[str, Any]:
    return {
        "exclude_column_list": ["label"],
        "logad_options": {"log_source_column": "HOST", **logad},
    }


def answers(model: Any, table: pa.Table, **given: Any) -> list[dict[str, Any]]:
    found = model.predict(table, predict_options(TASK, **given))
    assert found.own_rows
    names = ["id", "parsed_log_segment", "ml_results"]
    assert found.added.column_names == names
    assert found.added["id"].to_pylist() == list(range(1, found.added.num_rows + 1))
    return [json.loads(text) for text in found.added["ml_results"].to_pylist()]


def test_segments_with_what_was_never_seen_are_found() -> None:
    model = fit(log(600), None, TASK, **options(window_size=5))
    fresh = log(60, {30, 47}, seed=2)
    found = answers(model, fresh)
    assert len(found) == 12
    strange = {
        row
        for segment in found
        if segment["predictions"]["is_anomaly"]
        for row in segment["index_map"]
    }
    assert {31, 48} <= strange
    assert model.score(fresh, "label", "roc_auc", score_options(TASK)) == 1.0
    two = answers(model, fresh, topk=2)
    marked = [s["index_map"] for s in two if s["predictions"]["is_anomaly"]]
    assert {31 in rows or 48 in rows for rows in marked} == {True}


def test_the_same_log_gives_the_same_model_and_a_kept_one_answers_as_it() -> None:
    fresh = log(40, {7}, seed=5)
    models = [fit(log(200), None, TASK, **options()) for _ in range(2)]
    order = parse_options({"task": TASK, **options()})
    models.append(trained(log(200), None, order, quietly, threads=2))
    first, *others = [answers(model, fresh) for model in models]
    assert all(other == first for other in others)


def test_what_varies_is_not_in_the_parsed_segment() -> None:
    model = fit(
        log(200),
        None,
        TASK,
        **options(window_size=2, additional_masking_regex=["/page/\\d+"]),
    )
    found = model.predict(log(8, seed=3), predict_options(TASK)).added
    text = "\n".join(found["parsed_log_segment"].to_pylist())
    assert "<IP>" in text
    assert "<MASK>.html" in text
    assert not any(character.isdigit() for character in text.replace("200", ""))


def test_known_labels_of_lines_are_learned_from() -> None:
    strange = set(range(0, 400, 25))
    table = log(400, strange).drop_columns(["host"])
    model = fit(
        table,
        "label",
        TASK,
        contamination=0.2,
        experimental={
            "semisupervised": {"supervised_submodel_options": {"min_labels": 10}}
        },
    )
    assert model.score(table, "label", "roc_auc", score_options(TASK)) > 0.95
    assert model.facts.training_params["semisupervised"] is True


ODD_LOGS = {
    "one line": ["only this"],
    "empty and NULL lines": ["", None, "  ", "a"] * 5,
    "other letters": ["füße 1", "表 2", "\U0001f600 3"] * 5,
    "the same line": ["again"] * 30,
    "every line another": [f"word{'x' * place}" for place in range(30)],
}


@pytest.mark.parametrize("lines", ODD_LOGS.values(), ids=ODD_LOGS)
def test_odd_logs_are_learned_and_answered(lines: list[str | None]) -> None:
    table = pa.table({"line": pa.array(lines, pa.string())})
    model = fit(table, None, TASK)
    found = answers(model, table)
    assert len(found) == -(-len(lines) // 10)
    for segment in found:
        assert 0.0 <= segment["probabilities"]["anomaly"] <= 1.0
    assert answers(model, table.slice(0, 0)) == []
    json.dumps(
        model.metadata(build_timestamp=1, train_table_name="a.b"), allow_nan=False
    )


UNFIT: dict[str, tuple[pa.Table, dict[str, Any], int, str]] = {
    "no rows": (log(0), options(), 3877, "ML001052"),
    "two texts": (
        log(9),
        {"exclude_column_list": ["label"]},
        3877,
        "The log_anomaly_detection task needs one column of log lines",
    ),
    "no text": (
        log(9).drop_columns(["line"]),
        options(),
        3877,
        "The log_anomaly_detection task needs one column of log lines",
    ),
    "a column of something else": (
        log(9),
        {"logad_options": {"log_source_column": "host"}},
        3877,
        "Column 'label' is neither the log, its source, a label nor a key",
    ),
    "a source that is not there": (
        log(9),
        options(log_source_column="zz"),
        3877,
        "ML003039",
    ),
    "a stride over lines": (
        log(9),
        options(window_size=2, window_stride=3),
        3877,
        "window_stride (3) must not be larger than window_size (2).",
    ),
    "a window of nothing": (
        log(9),
        options(window_size=0),
        3877,
        "ML_TRAIN: option 'logad_options' must be",
    ),
    "another keyword model": (
        log(9),
        options(keyword_model="bert"),
        1235,
        "heatproxy doesn't yet support 'keyword_model bert'",
    ),
}


@pytest.mark.parametrize(
    ("table", "given", "number", "text"), UNFIT.values(), ids=UNFIT
)
def test_what_cannot_be_learned_is_refused(
    table: pa.Table, given: dict[str, Any], number: int, text: str
) -> None:
    with pytest.raises(MySQLError) as caught:
        fit(table, None, TASK, **given)
    assert caught.value.number == number
    assert caught.value.message.startswith(text)


def test_a_log_without_its_columns_is_refused() -> None:
    model = fit(log(50), None, TASK, **options())
    for name in ("line", "host"):
        with pytest.raises(MySQLError, match="ML003011"):
            answers(model, log(9).drop_columns([name]))
