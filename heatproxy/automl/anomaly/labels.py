"""What is known of some rows: a column of 0 (normal), 1 (anomaly) and NULL."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn import metrics as sk

from heatproxy.automl.anomaly.neighbours import nearest
from heatproxy.automl.columns import FloatArray, numbers
from heatproxy.automl.features import plain
from heatproxy.automl.metrics import Metric, invalid_data
from heatproxy.errors import MySQLError, secondary_engine

MIN_LABELS, NEIGHBOURS = 20, 5
WEIGHTS = np.round(np.arange(0.05, 1.0, 0.05), 2)


def labels_of(column: pa.ChunkedArray, name: str) -> FloatArray:
    """0.0, 1.0 and NaN (n_rows,).

    Raises:
        MySQLError: 3877, anything else is in it.
    """
    try:
        labels = numbers(plain(column), name)
    except MySQLError:
        labels = np.full(1, 2.0)
    if not np.isin(labels[~np.isnan(labels)], (0.0, 1.0)).all():
        raise secondary_engine(
            f"The label column '{name}' must hold 0 (normal) and 1 (anomaly), and NULL "
            "for what is not known."
        )
    return labels


def _zero_for_none(score: Any) -> Metric:
    return lambda truth, found: float(score(truth, found, zero_division=0))


# of labels 0 and 1 and of decisions 0 and 1
DECISION_SCORES: Mapping[str, Metric] = {
    "accuracy": lambda truth, found: float(sk.accuracy_score(truth, found)),
    "balanced_accuracy": lambda truth, found: float(
        sk.recall_score(truth, found, labels=np.unique(truth), average="macro")
    ),
    "f1": _zero_for_none(sk.f1_score),
    "precision": _zero_for_none(sk.precision_score),
    "recall": _zero_for_none(sk.recall_score),
}
METRICS = (*DECISION_SCORES, "neg_log_loss", "roc_auc", "precision_k")


def score_of(
    name: str,
    truth: FloatArray,
    chances: FloatArray,
    decisions: npt.NDArray[np.int64],
) -> float:
    """One score of rows whose labels are known.

    ``chances`` and ``decisions`` (n_rows,); of ``precision_k`` the decisions are 1 for
    the k strangest rows.

    Raises:
        MySQLError: 3877 ML003019, the metric means nothing on these rows.
    """
    if not len(truth) or np.isnan(truth).any():
        raise invalid_data(name)
    if name == "roc_auc":
        if len(np.unique(truth)) < 2:
            raise invalid_data(name)
        return float(sk.roc_auc_score(truth, chances))
    if name == "neg_log_loss":
        sure = np.clip(np.where(truth == 1.0, chances, 1.0 - chances), 1e-15, 1.0)
        return float(np.log(sure).mean())
    if name == "precision_k":
        return float(truth[decisions == 1].mean())
    return DECISION_SCORES[name](truth, decisions.astype(np.float64))


@dataclass(frozen=True, slots=True)
class LabelledNeighbours:
    """DistanceWeightedKNNClassifier: what the nearest labelled rows are.

    ``rows`` (n_labelled, dimensions), ``labels`` (n_labelled,) 0.0 and 1.0.
    """

    rows: FloatArray
    labels: FloatArray
    neighbours: int

    @classmethod
    def fit(
        cls, points: FloatArray, labels: FloatArray, neighbours: int, min_labels: int
    ) -> "LabelledNeighbours":
        """From the training's points and their labels, NaN for those not known.

        Raises:
            MySQLError: 3877, fewer labels than ``min_labels``.
        """
        known = ~np.isnan(labels)
        if known.sum() < max(min_labels, 2):
            raise secondary_engine(
                f"Semi-supervised learning needs at least {max(min_labels, 2)} rows "
                f"with labels (min_labels), and the table has {int(known.sum())}."
            )
        most = int(known.sum()) - 1
        return cls(points[known], labels[known], min(neighbours, most))

    def chances(self, points: FloatArray, threads: int) -> FloatArray:
        """The chance that each point is an anomaly (n_points,)."""
        if not len(points):
            return np.zeros(0)
        far, places = nearest(points, self.rows, self.neighbours, threads)
        weights = 1.0 / np.maximum(far, 1e-9)
        votes = (weights * self.labels[places]).sum(axis=1)
        return np.asarray(votes / weights.sum(axis=1))
