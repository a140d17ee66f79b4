"""The metrics of classification and regression; for every one higher is better.

A classification metric gets the true classes as codes (n_rows,) and probabilities
(n_rows, n_classes); the label is the class with the highest one. A regression metric
gets two arrays of numbers (n_rows,).

Source: HeatWave User Guide, "Optimization and scoring metrics"; scikit-learn.
"""

from collections.abc import Callable, Container, Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics as sk

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.target import CodeArray
from heatproxy.errors import MySQLError, ml_error

Metric = Callable[[npt.NDArray[Any], FloatArray], float]


def evaluate(
    metrics: Mapping[str, Metric],
    name: str,
    truth: npt.NDArray[Any],
    output: FloatArray,
) -> float:
    """One score, in double precision.

    Raises:
        MySQLError: 3877 ML003019, the metric means nothing on this data: a binary one
            with three classes, a logarithm of a negative number, NULL as truth.
    """
    try:
        score = metrics[name](truth, output)
    except ValueError:
        raise invalid_data(name) from None
    if not np.isfinite(score):
        raise invalid_data(name)
    return float(score)


def metric_named(metrics: Container[str], name: str, task: str) -> str:
    """The metric's own spelling.

    Raises:
        MySQLError: 3877 ML003020, the task has no such metric.
    """
    wanted = name.strip().lower()
    if wanted not in metrics:
        raise ml_error(
            "ML003020", f"Unsupported scoring metric ({name}) for task ({task})."
        )
    return wanted


def invalid_data(name: str) -> MySQLError:
    return ml_error(
        "ML003019",
        f"Invalid data for the metric ({name}). Score could not be computed.",
    )


def labels_of(probabilities: FloatArray) -> CodeArray:
    """The most probable class of each row, as codes (n_rows,)."""
    return np.asarray(np.argmax(probabilities, axis=1), dtype=np.int64)


def log_loss_of(truth: CodeArray, probabilities: FloatArray) -> float:
    """Mean negative logarithm of the true class's probability."""
    if len(truth) == 0 or truth.min() < 0:
        raise ValueError("a class that the model does not know")
    given = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.clip(given, 1e-15, 1.0)).mean())


def _neg_log_loss(truth: CodeArray, probabilities: FloatArray) -> float:
    return -log_loss_of(truth, probabilities)


def _accuracy(truth: CodeArray, probabilities: FloatArray) -> float:
    return float(sk.accuracy_score(truth, labels_of(probabilities)))


def _balanced_accuracy(truth: CodeArray, probabilities: FloatArray) -> float:
    """Mean recall over the classes that occur: scikit-learn's, without its warning."""
    return float(
        sk.recall_score(
            truth, labels_of(probabilities), labels=np.unique(truth), average="macro"
        )
    )


def _roc_auc(truth: CodeArray, probabilities: FloatArray) -> float:
    _check_binary(truth, probabilities)
    if len(np.unique(truth)) < 2:
        raise ValueError("one class only")
    return float(sk.roc_auc_score(truth, probabilities[:, 1]))


def _binary(
    truth: CodeArray, probabilities: FloatArray, score: Callable[..., float]
) -> float:
    """A score of the second class of two: ``yes`` of no and yes, 1 of 0 and 1."""
    _check_binary(truth, probabilities)
    return float(score(truth, labels_of(probabilities), zero_division=0))


def _averaged(
    truth: CodeArray, probabilities: FloatArray, score: Callable[..., float], how: str
) -> float:
    if how == "samples":
        raise ValueError("for rows with several labels each, which MySQL has not")
    return float(score(truth, labels_of(probabilities), average=how, zero_division=0))


def _check_binary(truth: CodeArray, probabilities: FloatArray) -> None:
    if probabilities.shape[1] != 2 or len(truth) == 0 or truth.min() < 0:
        raise ValueError("not two classes")


def _negative(score: Callable[..., float]) -> Metric:
    return lambda truth, output: -float(score(truth, output))


def _r2(truth: FloatArray, output: FloatArray) -> float:
    if len(truth) < 2:
        raise ValueError("one row has no variance")
    return float(sk.r2_score(truth, output))


_SCORES = {
    "f1": sk.f1_score,
    "precision": sk.precision_score,
    "recall": sk.recall_score,
}

CLASSIFICATION: dict[str, Metric] = {
    "neg_log_loss": _neg_log_loss,
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "roc_auc": _roc_auc,
    **{name: partial(_binary, score=score) for name, score in _SCORES.items()},
    **{
        f"{name}_{how}": partial(_averaged, score=score, how=how)
        for name, score in _SCORES.items()
        for how in ("macro", "micro", "samples", "weighted")
    },
}

REGRESSION: dict[str, Metric] = {
    "neg_mean_squared_error": _negative(sk.mean_squared_error),
    "neg_mean_absolute_error": _negative(sk.mean_absolute_error),
    "neg_mean_squared_log_error": _negative(sk.mean_squared_log_error),
    "neg_median_absolute_error": _negative(sk.median_absolute_error),
    "r2": _r2,
}
