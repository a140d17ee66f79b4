"""GLOF: how much thinner the neighbourhood of a point is than those of its neighbours.

The largest local outlier factor over several sizes of neighbourhood, so that a small
group of anomalies does not pass for a neighbourhood of its own.

Source: Breunig, Kriegel, Ng, Sander, "LOF: Identifying Density-Based Local Outliers".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heatproxy.automl.anomaly.neighbours import REFERENCE_ROWS, nearest, some
from heatproxy.automl.columns import FloatArray

SIZES = (20, 50, 100)
TINY = 1e-10


@dataclass(frozen=True, slots=True)
class LocalOutlierFactors:
    """``rows`` (n_reference, dimensions), and of each for each neighbourhood size:

    ``reaches`` the distance to the last neighbour, ``densities`` the local one;
    (n_sizes, n_reference) both.
    """

    rows: FloatArray
    sizes: tuple[int, ...]
    reaches: FloatArray
    densities: FloatArray

    @classmethod
    def fit(
        cls, points: FloatArray, threads: int, sizes: tuple[int, ...] = SIZES
    ) -> "LocalOutlierFactors":
        """From the training's points (n_points, dimensions)."""
        rows = some(points, REFERENCE_ROWS)
        sizes = tuple(sorted({max(1, min(size, len(rows) - 1)) for size in sizes}))
        if len(rows) < 2:
            none = np.ones((len(sizes), len(rows)))
            return cls(rows, sizes, none, none)
        far, places = nearest(rows, rows, max(sizes), threads)
        reaches = np.stack([far[:, size - 1] for size in sizes])
        densities = np.stack(
            [
                _density(far[:, :size], places[:, :size], reach)
                for size, reach in zip(sizes, reaches, strict=True)
            ]
        )
        return cls(rows, sizes, reaches, densities)

    @property
    def settings(self) -> dict[str, Any]:
        return {"max_anomaly_cluster_size": max(self.sizes)}

    def strangeness(self, points: FloatArray, threads: int = 1) -> FloatArray:
        """The largest factor of each point (n_points,)."""
        if len(self.rows) < 2 or not len(points):
            return np.zeros(len(points))
        far, places = nearest(points, self.rows, max(self.sizes), threads)
        return np.asarray(self.factors(far, places).max(axis=0))

    def factors(self, far: FloatArray, places: npt.NDArray[np.int64]) -> FloatArray:
        """The factor by each size (n_sizes, n_points), of points so near to rows."""
        found = []
        for size, reach, density in zip(
            self.sizes, self.reaches, self.densities, strict=True
        ):
            own = _density(far[:, :size], places[:, :size], reach)
            found.append(density[places[:, :size]].mean(axis=1) / own)
        return np.stack(found)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "rows": self.rows,
            "sizes": np.array(self.sizes, np.int64),
            "reaches": self.reaches,
            "densities": self.densities,
        }

    @classmethod
    def restore(
        cls, arrays: Mapping[str, npt.NDArray[Any]], dimensions: int
    ) -> "LocalOutlierFactors":
        """Raises: ValueError or KeyError, they are none for points so wide."""
        rows = np.asarray(arrays["rows"], np.float64)
        sizes = tuple(int(size) for size in arrays["sizes"])
        shape = (len(sizes), len(rows))
        reaches, densities = arrays["reaches"], arrays["densities"]
        if rows.ndim != 2 or rows.shape[1] != dimensions or not sizes:
            raise ValueError("rows of another space")
        if not all(1 <= size <= max(len(rows) - 1, 1) for size in sizes):
            raise ValueError("more neighbours than rows")
        if reaches.shape != shape or densities.shape != shape:
            raise ValueError("densities of other rows")
        return cls(rows, sizes, reaches.astype(float), densities.astype(float))


def _density(
    far: FloatArray, places: npt.NDArray[np.int64], reach: FloatArray
) -> FloatArray:
    """The local reachability density of points (n_points,)."""
    return np.asarray(1.0 / (np.maximum(far, reach[places]).mean(axis=1) + TINY))
