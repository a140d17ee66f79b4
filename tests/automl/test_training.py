import datetime
import decimal
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl.algorithms import CLASSIFIERS, REGRESSORS
from heatproxy.automl.columns import from_state, to_state
from heatproxy.automl.scoring import score
from heatproxy.automl.training import Limits, TrainOptions, train
from heatproxy.errors import MySQLError
from tests.automl.conftest import customers, fit, houses, quietly


def test_a_model_beats_guessing_on_rows_it_has_not_seen(classifier: Any) -> None:
    fresh = customers(200, seed=2)
    assert score(classifier, fresh, "y", "balanced_accuracy") > 0.8


def test_a_regression_explains_most_of_the_variance(regressor: Any) -> None:
    assert score(regressor, houses(100, seed=2), "price", "r2") > 0.9


@pytest.mark.parametrize("name", [item.name for item in CLASSIFIERS])
def test_every_classifier_can_be_asked_for_by_name(name: str) -> None:
    model = fit(customers(120), "y", model_list=[name.upper()])
    assert model.facts.algorithm_name == name
    assert score(model, customers(100, seed=3), "y", "accuracy") > 0.6


@pytest.mark.parametrize("name", [item.name for item in REGRESSORS])
def test_every_regressor_can_be_asked_for_by_name(name: str) -> None:
    model = fit(houses(120), "price", task="regression", model_list=[name])
    assert model.facts.algorithm_name == name
    assert score(model, houses(100, seed=3), "price", "r2") > 0.5


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_data_gives_the_same_model(threads: int) -> None:
    options = TrainOptions(model_list=("LGBMClassifier",))
    once = train(customers(), "y", options, quietly, threads=1)
    again = train(customers(), "y", options, quietly, threads=threads)
    assert once.predict(customers()).probabilities == pytest.approx(
        again.predict(customers()).probabilities, abs=0
    )


NAMES_OF_THE_REFERENCE = {
    "classification": (
        *("LogisticRegression", "GaussianNB", "DecisionTreeClassifier", "SVC"),
        *("RandomForestClassifier", "XGBClassifier", "LGBMClassifier", "LinearSVC"),
        "ExtraTreesClassifier",
    ),
    "regression": (
        *("DecisionTreeRegressor", "RandomForestRegressor", "LinearRegression"),
        *("LGBMRegressor", "XGBRegressor", "SVR", "LinearSVR", "ExtraTreesRegressor"),
    ),
}


@pytest.mark.parametrize("task", NAMES_OF_THE_REFERENCE)
def test_every_algorithm_of_the_reference_is_there(task: str) -> None:
    known = {item.name for item in (*CLASSIFIERS, *REGRESSORS)}
    assert set(NAMES_OF_THE_REFERENCE[task]) <= known


def test_a_time_that_is_over_at_once_leaves_a_model() -> None:
    model = fit(customers(120), "y", max_runtime_s=1e-9)
    assert len(model.predict(customers(5)).labels) == 5


def test_a_bound_of_memory_is_kept_by_learning_from_fewer_rows() -> None:
    limits = Limits(memory_bytes=1)
    options = TrainOptions(model_list=("GaussianNB",), limits=limits)
    model = train(customers(3000), "y", options, quietly, threads=1)
    metadata = model.metadata(build_timestamp=1, train_table_name="d.t")
    assert metadata["n_rows"] == 3000
    assert metadata["n_selected_rows"] == 1000
    assert score(model, customers(200, seed=2), "y", "balanced_accuracy") > 0.7


def test_amounts_are_learned_as_their_logarithms_and_met_in_the_mean() -> None:
    random = np.random.default_rng(4)
    x = random.uniform(0, 4, 4000)
    price = np.exp(2 + x + random.normal(0, 0.5, 4000))
    table = pa.table({"x": x, "z": random.normal(size=4000), "price": price})
    given = {"task": "regression", "model_list": ["LGBMRegressor"]}
    model = fit(table, "price", **given)
    predicted = model.predict(table).labels.to_numpy()
    assert (predicted > 0).all()
    assert predicted.mean() == pytest.approx(price.mean(), rel=0.05)
    again = fit(table, "price", **given)
    assert again.predict(table).labels.equals(model.predict(table).labels)


def test_progress_goes_from_nothing_to_done() -> None:
    heard: list[float] = []
    train(customers(60), "y", TrainOptions(), lambda f, _: heard.append(f), threads=1)
    assert heard[0] == 0.0
    assert heard[-1] == 1.0
    assert heard == sorted(heard)


def test_raising_from_progress_ends_the_training() -> None:
    def stop(fraction: float, stage: str) -> None:
        if stage.startswith("trying"):
            raise InterruptedError

    with pytest.raises(InterruptedError):
        train(customers(60), "y", TrainOptions(), stop, threads=1)


LABELS = {
    "booleans": pa.array([True, False] * 10),
    "small integers": pa.array([1, 0] * 10, pa.int8()),
    "large integers": pa.array([2**60, 2**60 + 1] * 10, pa.int64()),
    "decimals": pa.array([decimal.Decimal("1.50"), decimal.Decimal("2.00")] * 10),
    "doubles": pa.array([0.5, 1.5] * 10),
    "text with quotes": pa.array(['say "no"', "it's ü"] * 10),
    "dates": pa.array([datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)] * 10),
    "times": pa.array([datetime.timedelta(0), datetime.timedelta(1)] * 10),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_predictions_have_the_type_of_the_target(labels: pa.Array) -> None:
    table = pa.table({"x": [float(i % 2) for i in range(20)], "t": labels})
    model = fit(table, "t")
    predicted = model.predict(table).labels
    assert predicted.type == labels.type
    assert predicted.to_pylist() == labels.to_pylist()


def test_twenty_rows_with_five_of_a_class_are_enough() -> None:
    table = pa.table({"x": [*range(20)], "t": ["a"] * 5 + ["b"] * 15})
    model = fit(table, "t")
    assert score(model, table, "t", "accuracy") >= 0.9


@pytest.mark.parametrize("n_rows", [1, 2, 4, 9, 12])
def test_a_regression_takes_a_handful_of_rows(n_rows: int) -> None:
    table = (
        pa.table({"x": [float(i) for i in range(n_rows)], "w": ["u", "v"] * 6})
        if (n_rows == 12)
        else pa.table({"x": [float(i) for i in range(n_rows)], "w": [None] * n_rows})
    )
    table = table.append_column("t", pa.array([2.0 * i for i in range(n_rows)]))
    if n_rows == 1:
        with pytest.raises(MySQLError, match="ML001052"):
            fit(table, "t", task="regression")
        return
    model = fit(table, "t", task="regression")
    assert np.isfinite(model.predict(table).labels.to_numpy()).all()


ODD_NAMES = ["a b", "it's", 'q"q', "f(x)/y-1", "größe", "_id", "{}", "back`tick", "[0]"]


def test_odd_column_names_are_only_names() -> None:
    random = np.random.default_rng(0)
    columns = {name: random.normal(size=60) for name in ODD_NAMES}
    columns["ta,rget=:"] = np.where(columns["a b"] > 0, "yes", "no")
    model = fit(pa.table(columns), "ta,rget=:", model_list=["LGBMClassifier"])
    assert list(model.features.columns) == ODD_NAMES
    assert set(model.explanation["permutation_importance"]) == set(ODD_NAMES)


def test_useless_columns_are_not_selected_but_still_columns() -> None:
    table = customers(60)
    table = table.append_column("nothing", pa.nulls(60, pa.string()))
    table = table.append_column("same", pa.array(["x"] * 60))
    table = table.append_column("row_id", pa.array(range(60)))
    metadata = fit(table, "Y").metadata(build_timestamp=1, train_table_name="d.t")
    assert metadata["column_names"] == [
        *("age", "job", "balance", "nothing", "same", "row_id")
    ]
    assert metadata["selected_column_names"] == ["age", "balance", "job"]
    assert metadata["target_column_name"] == "y"


def test_an_included_column_is_not_dropped_as_a_key() -> None:
    table = customers(60).append_column("row_id", pa.array(range(60)))
    model = fit(table, "y", include_column_list=["ROW_ID"])
    assert "row_id" in [feature.name for feature in model.features.used]


def test_excluded_columns_need_not_be_there_to_predict() -> None:
    model = fit(customers(60), "y", exclude_column_list=["Balance"])
    assert list(model.features.columns) == ["age", "job"]
    assert len(model.predict(customers(5).select(["age", "job"])).labels) == 5


def test_metadata_is_json_with_the_keys_of_the_reference(classifier: Any) -> None:
    metadata = classifier.metadata(build_timestamp=7, train_table_name="d.t", chunks=2)
    assert json.loads(json.dumps(metadata, allow_nan=False)) == metadata
    assert set(metadata) == {
        *("task", "notes", "chunks", "format", "n_rows", "status", "options"),
        *("n_columns", "column_names", "contamination", "model_quality"),
        *("training_time", "algorithm_name", "training_score", "build_timestamp"),
        *("hyperparameters", "n_selected_rows", "training_params"),
        *("train_table_name", "model_explanation", "n_selected_columns"),
        *("target_column_name", "optimization_metric", "selected_column_names"),
        "training_drift_metric",
    }
    assert metadata["n_rows"] == 300
    assert metadata["optimization_metric"] == "neg_log_loss"
    assert metadata["model_quality"] == "high"
    assert metadata["options"] == {
        "task": "classification",
        "model_explainer": "permutation_importance",
        "prediction_explainer": "permutation_importance",
    }
    score_ = metadata["training_score"]
    assert score_ == float(np.float32(score_)) < 0


def rows(**columns: Any) -> pa.Table:
    return pa.table({"x": [float(i) for i in range(20)], **columns})


REFUSED: dict[str, tuple[pa.Table, str, dict[str, Any], int, str]] = {
    "a class of four": (
        rows(t=["a"] * 4 + ["b"] * 16),
        "t",
        {},
        3877,
        "ML001031: Running as a classification task. 1 classes have less than 5 "
        "samples per class",
    ),
    "one class": (rows(t=["a"] * 20), "t", {}, 3877, "ML001031"),
    "a row of NULLs": (
        pa.table({"x": [None, *range(19)], "t": ["a", "b"] * 10}),
        "t",
        {},
        3877,
        "ML001051",
    ),
    "constant columns": (
        pa.table({"x": [1] * 20, "t": ["a", "b"] * 10}),
        "t",
        {},
        3877,
        "ML001052",
    ),
    "no columns but the target": (pa.table({"t": ["a"]}), "t", {}, 3877, "ML001052"),
    "no rows": (rows(t=["a"] * 20).slice(0, 0), "t", {}, 3877, "ML001052"),
    "NULL as label": (rows(t=["a", None] * 10), "t", {}, 3877, "ML001053"),
    "NULL as number": (
        rows(t=[1.0, None] * 10),
        "t",
        {"task": "regression"},
        3877,
        "ML001053",
    ),
    "words as numbers": (
        rows(t=["a", "b"] * 10),
        "t",
        {"task": "regression"},
        3877,
        "not numeric",
    ),
    "no such target": (rows(), "t", {}, 3877, "ML003039"),
    "no such column": (
        rows(t=["a", "b"] * 10),
        "t",
        {"exclude_column_list": ["q", "x", "p"]},
        3877,
        "missing columns are {'p', 'q'}",
    ),
    "included and excluded": (
        rows(z=["a", "b"] * 10, t=["a", "b"] * 10),
        "t",
        {"exclude_column_list": ["Z"], "include_column_list": ["z"]},
        3877,
        "'z'",
    ),
    "every model excluded": (
        rows(t=["a", "b"] * 10),
        "t",
        {"model_list": ["SVC"], "exclude_model_list": ["svc"]},
        3877,
        "ML003047",
    ),
    "an unknown model": (
        rows(t=["a", "b"] * 10),
        "t",
        {"model_list": ["Oracle"]},
        3877,
        "'Oracle' is not a model",
    ),
    "a metric of the other task": (
        rows(t=["a", "b"] * 10),
        "t",
        {"optimization_metric": "r2"},
        3877,
        r"ML003020: Unsupported scoring metric (r2) for task (classification).",
    ),
    "a binary metric for three classes": (
        rows(t=["a", "b", "c", "c"] * 5),
        "t",
        {"optimization_metric": "f1"},
        3877,
        "ML003019",
    ),
    "a logarithm of what is negative": (
        rows(t=[-2.0, 1.0] * 10),
        "t",
        {"task": "regression", "optimization_metric": "neg_mean_squared_log_error"},
        3877,
        "ML003019",
    ),
    "bytes": (
        rows(b=[b"1", b"2"] * 10, t=["a", "b"] * 10),
        "t",
        {},
        1235,
        "column 'b' of type binary",
    ),
}


@pytest.mark.parametrize(
    ("table", "target", "options", "number", "words"), REFUSED.values(), ids=REFUSED
)
def test_a_senseless_training_is_refused_by_name(
    table: pa.Table, target: str, options: dict[str, Any], number: int, words: str
) -> None:
    with pytest.raises(MySQLError) as refused:
        fit(table, target, **options)
    assert refused.value.number == number
    assert words in refused.value.message


BAD_OPTIONS: dict[str, tuple[dict[str, Any], int, str]] = {
    "an unknown task": ({"task": "magic"}, 3877, "ML001016"),
    "an unknown key": ({"timeout": 5}, 3877, "unknown option 'timeout'"),
    "a list that is none": ({"model_list": "SVC"}, 3877, "model_list"),
    "an explainer that is none": ({"model_explainer": "lime"}, 3877, "lime"),
    "an option of anomalies": ({"contamination": 0.1}, 1235, "contamination"),
    "an option of recommendations": ({"users": "u"}, 1235, "users"),
}


@pytest.mark.parametrize(
    ("given", "number", "words"), BAD_OPTIONS.values(), ids=BAD_OPTIONS
)
def test_a_bad_option_is_named(given: dict[str, Any], number: int, words: str) -> None:
    with pytest.raises(MySQLError) as refused:
        TrainOptions.parse(given)
    assert refused.value.number == number
    assert words in refused.value.message


@pytest.mark.parametrize("given", [None, {}, {"task": None, "notes": None}])
def test_no_options_mean_classification(given: dict[str, Any] | None) -> None:
    assert TrainOptions.parse(given) == TrainOptions()


METRICS = ["roc_auc", "f1", "balanced_accuracy", "accuracy", "recall_macro"]


@pytest.mark.parametrize("metric", METRICS)
def test_any_metric_can_be_optimised(metric: str) -> None:
    model = fit(customers(), "y", optimization_metric=metric.upper())
    assert model.facts.optimization_metric == metric
    assert score(model, customers(200, seed=2), "y", metric) > 0.7


def test_a_rare_class_is_found_more_often_when_that_is_what_counts() -> None:
    random = np.random.default_rng(5)
    x = random.normal(size=1500)
    rare = x + random.normal(0, 1.0, 1500) > 1.9
    table = pa.table({"x": x, "t": np.where(rare, "yes", "no")})
    plain = fit(table, "t", optimization_metric="accuracy")
    pushed = fit(table, "t", optimization_metric="balanced_accuracy")
    assert score(pushed, table, "t", "balanced_accuracy") > 0.1 + score(
        plain, table, "t", "balanced_accuracy"
    )


def test_words_that_tell_the_class_are_seen_among_many_that_do_not() -> None:
    random = np.random.default_rng(9)
    rows = [random.integers(0, 200, 12) for _ in range(1800)]
    tell = np.array([np.sum(row < 10) - np.sum(row >= 190) for row in rows])
    table = pa.table(
        {
            "said": [" ".join(f"word{i}" for i in row) for row in rows],
            "y": np.where(tell + random.normal(0, 0.3, 1800) > 0, "good", "bad"),
        }
    )
    model = fit(table.slice(0, 1200), "y", model_list=["LogisticRegression"])
    again = [from_state(json.loads(json.dumps(to_state(model.features.used[0]))))]
    assert score(model, table.slice(1200), "y", "roc_auc") > 0.75
    assert again == list(model.features.used)
