"""Numbers of any scale as how rare they are among those of the training."""

from dataclasses import dataclass

import numpy as np

from heatproxy.automl.columns import FloatArray

KNOTS = 1024


@dataclass(frozen=True, slots=True)
class Rarity:
    """``values`` ascending (n_knots,), and -log of the share that lies above each."""

    values: FloatArray
    heights: FloatArray

    @classmethod
    def fit(cls, values: FloatArray) -> "Rarity":
        """From the training's numbers (n_values,), at least one."""
        ordered = np.sort(values)
        count = len(ordered)
        # as many knots in the last percent as in all before
        half = np.linspace(0.0, np.log(count + 1.0), KNOTS // 2)
        shares = np.concatenate([np.linspace(0, 1, KNOTS // 2), 1.0 - np.exp(-half)])
        places = np.unique(np.minimum((shares * count).astype(np.int64), count - 1))
        knots = ordered[places]
        # equal values are as rare as the middle one of them
        first = np.searchsorted(ordered, knots, "left")
        last = np.searchsorted(ordered, knots, "right")
        above = 1.0 - (first + last + 1.0) / 2.0 / (count + 1.0)
        kept = np.concatenate([[True], np.diff(knots) > 0])
        return cls(knots[kept], -np.log(above[kept]))

    def of(self, values: FloatArray) -> FloatArray:
        """The height of each (n_values,); it goes on to grow beyond the training's."""
        inside = np.interp(values, self.values, self.heights)
        span = max(float(self.values[-1] - self.values[0]), 1e-12)
        beyond = np.maximum(values - self.values[-1], 0.0) / span
        return np.asarray(inside + np.log1p(beyond))

    def table(self) -> FloatArray:
        """Both rows, (2, n_knots); ``from_table`` is the inverse."""
        return np.stack([self.values, self.heights])

    @classmethod
    def from_table(cls, table: FloatArray) -> "Rarity":
        """Raises: ValueError when it is none."""
        if table.ndim != 2 or len(table) != 2 or not table.size:
            raise ValueError("no table of ranks")
        if not np.isfinite(table).all() or (np.diff(table, axis=1) < 0).any():
            raise ValueError("ranks that fall")
        return cls(table[0].astype(float), table[1].astype(float))
