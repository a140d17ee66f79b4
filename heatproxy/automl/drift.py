"""Data drift: how far a row lies from what the training saw.

A feature's strangeness is its distance from the training median in robust standard
deviations, or, for a category, how much rarer it is than the usual one. A row's is
the mean over features. The metric puts three standard deviations above the training
mean at 1.0, so that more than 1.0 means drift.

Source: HeatWave User Guide, "Data drift detection", for the form of the answer.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from heatproxy.automl.columns import FloatArray

STRANGEST = 10.0  # one wild value is not a hundred strange ones
_MAD_TO_DEVIATION = 1.4826


@dataclass(frozen=True, slots=True)
class Drift:
    """What a training looked like, a matrix column at a time.

    ``centres`` and ``scales`` (width,); ``surprise`` maps a categorical column to
    the strangeness of each code, NaN's last.
    """

    centres: FloatArray
    scales: FloatArray
    surprise: dict[int, FloatArray]
    mean: float
    variance: float

    @classmethod
    def fit(cls, matrix: FloatArray, categorical: tuple[int, ...]) -> "Drift":
        """From the training matrix (n_rows, width)."""
        width = matrix.shape[1]
        centres, scales = np.zeros(width), np.ones(width)
        surprise = {}
        for place in range(width):
            known = matrix[~np.isnan(matrix[:, place]), place]
            if place in categorical:
                surprise[place] = _surprise(matrix[:, place])
            elif len(known):
                centres[place] = np.median(known)
                spread = np.median(np.abs(known - centres[place])) * _MAD_TO_DEVIATION
                scales[place] = spread or known.std() or 1.0
        unmeasured = cls(centres, scales, surprise, 0.0, 1.0)
        rows = unmeasured.strangeness(matrix).mean(axis=1)
        return cls(centres, scales, surprise, float(rows.mean()), float(rows.var()))

    def strangeness(self, matrix: FloatArray) -> FloatArray:
        """Of each value (n_rows, width), 0 for what is usual or missing."""
        far = np.abs(matrix - self.centres) / self.scales
        for place, of_code in self.surprise.items():
            codes = np.nan_to_num(matrix[:, place], nan=len(of_code) - 1)
            far[:, place] = of_code[np.minimum(codes.astype(int), len(of_code) - 1)]
        return np.asarray(np.minimum(np.nan_to_num(far), STRANGEST))

    def metric(self, matrix: FloatArray) -> FloatArray:
        """Of each row (n_rows,); above 1.0 is drift."""
        limit = self.mean + 3.0 * np.sqrt(self.variance)
        return np.asarray(self.strangeness(matrix).mean(axis=1) / (limit or 1.0))

    def state(self) -> dict[str, Any]:
        """The drift detector as JSON values; ``from_state`` is the inverse."""
        return {
            "centres": self.centres.tolist(),
            "scales": self.scales.tolist(),
            "surprise": {str(k): v.tolist() for k, v in self.surprise.items()},
            "mean": self.mean,
            "variance": self.variance,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Drift":
        return cls(
            np.array(state["centres"], dtype=np.float64),
            np.array(state["scales"], dtype=np.float64),
            {int(k): np.array(v, float) for k, v in state["surprise"].items()},
            float(state["mean"]),
            float(state["variance"]),
        )


def _surprise(codes: FloatArray) -> FloatArray:
    """Log of how much rarer than the commonest each code is; NaN's comes last."""
    known = codes[~np.isnan(codes)].astype(int)
    counts = np.bincount(known, minlength=1)
    missing = max(len(codes) - len(known), 0.5)
    seen = np.maximum(np.append(counts, missing), 0.5)
    return np.asarray(np.log(seen.max() / seen))
