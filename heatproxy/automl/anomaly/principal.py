"""PCA: how far a point lies from the middle, in deviations along the principal axes.

Source: Shyu, Chen, Sarinnapakorn, Chang, "A Novel Anomaly Detection Scheme Based on
Principal Component Classifier".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heatproxy.automl.columns import FloatArray

LEAST_SHARE = 1e-6  # of the largest variance; a flat direction is given that much


@dataclass(frozen=True, slots=True)
class PrincipalAxes:
    """``middle`` (dimensions,), ``axes`` (dimensions, dimensions), each divided by its
    deviation."""

    middle: FloatArray
    axes: FloatArray

    @classmethod
    def fit(cls, points: FloatArray, threads: int) -> "PrincipalAxes":
        """From the training's points (n_points, dimensions)."""
        del threads
        middle = points.mean(axis=0)
        spread = (points - middle).T @ (points - middle) / max(len(points) - 1, 1)
        variances, axes = np.linalg.eigh(spread)
        least = max(float(variances.max(initial=0.0)) * LEAST_SHARE, 1e-12)
        return cls(middle, axes / np.sqrt(np.maximum(variances, least)))

    @property
    def settings(self) -> dict[str, Any]:
        return {"n_components": len(self.middle)}

    def strangeness(self, points: FloatArray, threads: int = 1) -> FloatArray:
        """The distance of each point (n_points,)."""
        del threads
        along = (points - self.middle) @ self.axes
        return np.asarray(np.sqrt(np.einsum("ij,ij->i", along, along)))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {"middle": self.middle, "axes": self.axes}

    @classmethod
    def restore(
        cls, arrays: Mapping[str, npt.NDArray[Any]], dimensions: int
    ) -> "PrincipalAxes":
        """Raises: ValueError or KeyError, they are none for points so wide."""
        middle, axes = arrays["middle"].astype(float), arrays["axes"].astype(float)
        if middle.shape != (dimensions,) or axes.shape != (dimensions, dimensions):
            raise ValueError("axes of another space")
        return cls(middle, axes)
