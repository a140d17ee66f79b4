"""How far off a forecast may be: bounds from its errors at the ends of its own past.

The variance of an error grows with the step: that of a random walk evenly, that of a
wrong slope with its square. Both parts, and a constant one, are fit to the squared
errors; a step is never surer than one step ahead was.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls
from scipy.special import ndtri

from heatproxy.automl.columns import FloatArray

FEWEST_ERRORS = 4


@dataclass(frozen=True, slots=True)
class Spread:
    """Variances of errors, a variable at a time (n_variables,).

    ``near`` of one step ahead; ``constant + walk x step + slope x step^2`` of those
    further on.
    """

    near: FloatArray
    constant: FloatArray
    walk: FloatArray
    slope: FloatArray

    @classmethod
    def fit(cls, residuals: FloatArray, errors: tuple[FloatArray, ...]) -> "Spread":
        """From residuals one step ahead (n, n_variables), NaN where there is none, and
        errors (n_steps, n_variables) at the ends held out."""
        squares = residuals**2
        known = ~np.isnan(squares)
        counts = np.maximum(known.sum(axis=0), 1)
        near = np.where(known, squares, 0.0).sum(axis=0) / counts
        far = np.stack([np.zeros_like(near), near, np.zeros_like(near)])
        for place in range(len(near)):
            of_variable = [error[:, place] ** 2 for error in errors]
            seen = np.concatenate(of_variable) if of_variable else np.zeros(0)
            if len(seen) < FEWEST_ERRORS:
                continue
            steps = np.concatenate([np.arange(1, len(e) + 1) for e in errors])
            span = steps.max()
            parts = np.column_stack([np.ones(len(steps)), steps, steps**2 / span])
            far[:, place], _ = nnls(parts, seen)
            far[2, place] /= span
        return cls(near, *far)

    def deviations(self, steps: FloatArray) -> FloatArray:
        """Standard deviations at steps from 1 (n_steps, n_variables); a step of 0 or
        less lies in the past and is one step ahead of its own past."""
        far = self.constant + np.outer(steps, self.walk)
        far += np.outer(steps**2, self.slope)
        variances = np.where(steps[:, None] > 0, np.maximum(far, self.near), self.near)
        return np.asarray(np.sqrt(variances))


def quantile(share: float) -> float:
    """How many deviations to each side hold that share of a normal distribution."""
    return float(ndtri(0.5 + share / 2.0))
