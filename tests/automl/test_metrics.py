from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as sk

from heatproxy.automl import metrics
from heatproxy.automl.scoring import score
from heatproxy.errors import MySQLError
from tests.automl.conftest import customers, fit, houses

TRUTH = np.array([0, 1, 1, 0, 1, 0, 0, 0])
YES = np.array([0.1, 0.8, 0.4, 0.6, 0.9, 0.2, 0.3, 0.45])
BINARY = np.column_stack([1 - YES, YES])


@pytest.mark.parametrize(
    "name", [name for name in metrics.CLASSIFICATION if "samples" not in name]
)
def test_classification_metrics_are_those_of_scikit_learn(name: str) -> None:
    by_label = (YES > 0.5).astype(int)
    base, _, how = name.partition("_")
    expected = {
        "neg_log_loss": lambda: -sk.log_loss(TRUTH, BINARY),
        "accuracy": lambda: sk.accuracy_score(TRUTH, by_label),
        "balanced_accuracy": lambda: sk.balanced_accuracy_score(TRUTH, by_label),
        "roc_auc": lambda: sk.roc_auc_score(TRUTH, YES),
    }.get(
        name,
        lambda: getattr(sk, f"{base}_score")(TRUTH, by_label, average=how or "binary"),
    )()
    found = metrics.evaluate(metrics.CLASSIFICATION, name, TRUTH, BINARY)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("name", metrics.REGRESSION)
def test_regression_metrics_are_better_when_higher(name: str) -> None:
    truth = np.array([1.0, 2.0, 3.0, 9.0])
    near = metrics.evaluate(metrics.REGRESSION, name, truth, truth + 0.1)
    far = metrics.evaluate(metrics.REGRESSION, name, truth, truth + 3.0)
    assert metrics.evaluate(metrics.REGRESSION, name, truth, truth) > near > far


def test_a_score_is_a_float_widened(classifier: Any) -> None:
    found = score(classifier, customers(100, seed=9), "Y", "Accuracy")
    assert found == float(np.float32(found))


SAME_LABELS = {
    "text": pa.array(["0", "1"] * 10),
    "doubles": pa.array([0.0, 1.0] * 10),
    "booleans": pa.array([False, True] * 10),
    "other integers": pa.array([0, 1] * 10, pa.uint8()),
}


@pytest.mark.parametrize("labels", SAME_LABELS.values(), ids=SAME_LABELS)
def test_labels_are_matched_by_value(labels: pa.Array) -> None:
    table = pa.table({"x": [0.0, 1.0] * 10, "t": pa.array([0, 1] * 10, pa.int32())})
    model = fit(table, "t")
    assert score(model, table.set_column(1, "t", labels), "t", "accuracy") == 1.0


def test_text_classes_are_matched_by_numbers() -> None:
    table = pa.table({"x": [0.0, 1.0] * 10, "t": ["7", "8"] * 10})
    other = table.set_column(1, "t", pa.array([7, 8] * 10))
    assert score(fit(table, "t"), other, "t", "accuracy") == 1.0


def test_a_class_never_seen_counts_as_wrong(classifier: Any) -> None:
    table = customers(40, seed=3)
    half = pa.array(["maybe"] * 20 + table["y"].to_pylist()[20:])
    other = table.set_column(3, "y", half)
    assert score(classifier, other, "y", "accuracy") <= 0.5
    with pytest.raises(MySQLError, match="ML003019"):
        score(classifier, other, "y", "neg_log_loss")


SENSELESS = {
    "no such metric": ("y", "speed", "ML003020: Unsupported scoring metric"),
    "a metric of regressions": ("y", "r2", "ML003020"),
    "rows with several labels": ("y", "f1_samples", "ML003019: Invalid data"),
    "no such target": ("z", "accuracy", "ML003039"),
}


@pytest.mark.parametrize(
    ("target", "metric", "words"), SENSELESS.values(), ids=SENSELESS
)
def test_a_senseless_score_is_refused(
    classifier: Any, target: str, metric: str, words: str
) -> None:
    with pytest.raises(MySQLError, match=words):
        score(classifier, customers(20), target, metric)


def test_a_score_needs_rows_and_labels(classifier: Any, regressor: Any) -> None:
    table = customers(20)
    with pytest.raises(MySQLError, match="ML003019"):
        score(classifier, table.slice(0, 0), "y", "accuracy")
    with pytest.raises(MySQLError, match="ML003019"):
        score(classifier, table.set_column(3, "y", pa.nulls(20)), "y", "accuracy")
    one_class = table.set_column(3, "y", pa.array(["yes"] * 20))
    with pytest.raises(MySQLError, match="ML003019"):
        score(classifier, one_class, "y", "roc_auc")
    with pytest.raises(MySQLError, match="ML003019"):
        score(regressor, houses(1), "price", "r2")
