"""From how strange a point is to the chance that it is an anomaly.

Of a semi-supervised model the chance is a weighted sum of two: what the detector says,
and what labelled rows nearby are.

Source: HeatWave User Guide, "Semi-supervised anomaly detection".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heatproxy.automl.anomaly import KINDS, Detector, Kind
from heatproxy.automl.anomaly.labels import (
    DECISION_SCORES,
    MIN_LABELS,
    NEIGHBOURS,
    WEIGHTS,
    LabelledNeighbours,
)
from heatproxy.automl.anomaly.neighbours import some
from heatproxy.automl.columns import FloatArray
from heatproxy.automl.tasks.contract import Arrays

JUDGED_ROWS = 100_000  # of the training, to find the limit


@dataclass(frozen=True, slots=True)
class Supervision:
    """What is asked of a semi-supervised model."""

    labels: FloatArray  # (n_points,) 0.0, 1.0, NaN
    neighbours: int = NEIGHBOURS
    min_labels: int = MIN_LABELS
    score: str = "f1"


@dataclass(frozen=True, slots=True)
class Judge:
    """How strange points are, as chances in 0..1, and from where on they are anomalies.

    ``usual`` is the strangeness that has the chance 0.5, which is the limit that
    contamination has set. With ``labelled`` the chance is a weighted sum, ``weight``
    of it the neighbours' of known labels; ``threshold`` belongs to that sum.
    """

    kind: Kind
    detector: Detector
    usual: float
    threshold: float
    labelled: LabelledNeighbours | None = None
    weight: float | None = None

    def chances(
        self, points: FloatArray, weight: float | None = None, threads: int = 1
    ) -> FloatArray:
        """Of each point (n_points,)."""
        strange = self.detector.strangeness(points, threads)
        found = chances_of(strange, self.usual)
        if self.labelled is None:
            return found
        share = weight if weight is not None else self.weight or 0.0
        known = self.labelled.chances(points, threads)
        return np.asarray(share * known + (1.0 - share) * found)


def chances_of(strange: FloatArray, usual: float) -> FloatArray:
    """Strangeness as chances: 0.5 at the usual limit, 1 far beyond."""
    squares = np.square(strange)
    return np.asarray(squares / (squares + max(usual, 1e-12) ** 2))


def fit_judge(
    kind: Kind,
    points: FloatArray,
    contamination: float,
    supervision: Supervision | None,
    threads: int,
) -> Judge:
    """From the training's points (n_points, dimensions), at least one.

    Raises:
        MySQLError: 3877, too few labels.
    """
    detector = kind.fit(points, threads)
    judged = some(points, JUDGED_ROWS)
    strange = detector.strangeness(judged, threads)
    usual = float(np.quantile(strange, 1.0 - contamination))
    judge = Judge(kind, detector, usual, threshold=0.5)
    if supervision is None:
        return judge
    labelled = LabelledNeighbours.fit(
        points, supervision.labels, supervision.neighbours, supervision.min_labels
    )
    known = labelled.chances(judged, threads)
    found = chances_of(strange, usual)
    own_known = labelled.chances(labelled.rows, threads)
    own_found = chances_of(detector.strangeness(labelled.rows, threads), usual)
    score = DECISION_SCORES[supervision.score]
    best: tuple[float, float, float] | None = None
    for weight in WEIGHTS:
        limit = np.quantile(weight * known + (1 - weight) * found, 1.0 - contamination)
        decisions = weight * own_known + (1 - weight) * own_found > limit
        reached = score(labelled.labels, decisions.astype(np.int64))
        if best is None or reached > best[0]:
            best = reached, float(weight), float(limit)
    assert best is not None  # there are weights
    return Judge(kind, detector, usual, best[2], labelled, best[1])


def judge_state(judge: Judge) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """JSON values and arrays; ``judge_from`` is the inverse."""
    arrays = {f"detector_{name}": a for name, a in judge.detector.arrays().items()}
    state: dict[str, Any] = {
        "kind": judge.kind.name,
        "usual": judge.usual,
        "threshold": judge.threshold,
        "weight": judge.weight,
    }
    if judge.labelled is not None:
        arrays["labelled_rows"] = judge.labelled.rows
        arrays["labelled_labels"] = judge.labelled.labels
        state["neighbours"] = judge.labelled.neighbours
    return state, arrays


def judge_from(state: Mapping[str, Any], arrays: Arrays, dimensions: int) -> Judge:
    """Raises: KeyError, ValueError or StopIteration, it is none of such a space."""
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("numbers without end")
    kind = next(kind for kind in KINDS if kind.name == state["kind"])
    detector = kind.restore(
        {
            name.removeprefix("detector_"): array
            for name, array in arrays.items()
            if name.startswith("detector_")
        },
        dimensions,
    )
    usual, threshold = float(state["usual"]), float(state["threshold"])
    if state["weight"] is None:
        return Judge(kind, detector, usual, threshold)
    rows = arrays["labelled_rows"].astype(float, copy=False)
    labels = arrays["labelled_labels"].astype(float, copy=False)
    neighbours = int(state["neighbours"])
    if rows.shape != (len(labels), dimensions) or not 1 <= neighbours < len(rows):
        raise ValueError("labelled rows of another space")
    labelled = LabelledNeighbours(rows, labels, neighbours)
    return Judge(kind, detector, usual, threshold, labelled, float(state["weight"]))
