"""Rows as points among which distances mean something.

Numbers are centred at the median, scaled by the span of their middle 90 % and bent, so
that one far value counts but does not drown the other columns. A word is a place of its
own, and a rare word is far from all others. What is missing lies in the middle; where
the training has seen it missing, that is a place too.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.drift import Drift

MIDDLE = (5.0, 95.0)  # percentiles
BEND = 3.0
WORD, RARITY, MISSING = 0.5, 0.25, 0.5  # weights of a word, of how rare it is, of NULL
MOST_WORDS = 12


@dataclass(frozen=True, slots=True)
class Space:
    """``centres``, ``scales``, ``missing`` (width,) of matrix columns.

    ``surprise`` has a categorical column's rarity by code, the missing one's last.
    """

    centres: FloatArray
    scales: FloatArray
    missing: FloatArray  # 1.0 where the training has seen NULLs
    surprise: dict[int, FloatArray]

    @classmethod
    def fit(cls, matrix: FloatArray, drift: Drift) -> "Space":
        """From the training matrix (n_rows, width) and what drift has noted of it."""
        width = matrix.shape[1]
        centres, scales = np.zeros(width), np.ones(width)
        missing = np.asarray(np.isnan(matrix).any(axis=0), np.float64)
        for place in range(width):
            known = matrix[~np.isnan(matrix[:, place]), place]
            if place not in drift.surprise and len(known):
                centres[place] = np.median(known)
                low, high = np.percentile(known, MIDDLE)
                scales[place] = (high - low) or 3.0 * known.std() or 1.0
        return cls(centres, scales, missing, dict(drift.surprise))

    @property
    def dimensions(self) -> int:
        words = sum(min(len(s) - 1, MOST_WORDS) + 1 for s in self.surprise.values())
        numbers = len(self.centres) - len(self.surprise)
        return int(words + numbers + sum(self.missing[self._numbers]))

    @property
    def _numbers(self) -> list[int]:
        return [p for p in range(len(self.centres)) if p not in self.surprise]

    def points(self, matrix: FloatArray) -> FloatArray:
        """The points (n_rows, dimensions) of a matrix (n_rows, width)."""
        places = self._numbers
        numbers = (matrix[:, places] - self.centres[places]) / self.scales[places]
        absent = np.isnan(numbers)
        parts = [np.arcsinh(BEND * np.where(absent, 0.0, numbers))]
        seen = self.missing[places].astype(bool)
        parts.append(MISSING * absent[:, seen])
        for place, rarity in self.surprise.items():
            # a word that was never seen is as rare as can be
            last = len(rarity) - 1
            codes = np.nan_to_num(matrix[:, place], nan=last).astype(np.int64)
            codes = np.minimum(codes, last)
            parts.append(RARITY * rarity[codes][:, None])
            parts.append(WORD * (codes[:, None] == np.arange(min(last, MOST_WORDS))))
        return np.ascontiguousarray(np.hstack(parts), dtype=np.float64)

    def state(self) -> dict[str, Any]:
        """As JSON values; ``from_state`` is the inverse."""
        return {
            "centres": self.centres.tolist(),
            "scales": self.scales.tolist(),
            "missing": self.missing.tolist(),
            "surprise": {str(k): v.tolist() for k, v in self.surprise.items()},
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], width: int) -> "Space":
        """Raises: ValueError or KeyError when it is none of a matrix so wide."""
        surprise = {int(k): np.array(v, float) for k, v in state["surprise"].items()}
        space = cls(
            np.array(state["centres"], float),
            np.array(state["scales"], float),
            np.array(state["missing"], float),
            surprise,
        )
        sizes = {len(space.centres), len(space.scales), len(space.missing)}
        if sizes != {width} or not all(0 <= p < width for p in space.surprise):
            raise ValueError("a space of another width")
        if not (space.scales > 0).all() or not all(map(len, space.surprise.values())):
            raise ValueError("an unsound space")
        return space
