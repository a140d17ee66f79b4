"""How far off a forecast may be: bounds from its errors at the ends of its own past.

The variance of an error grows with the step. A constant part and one that grows evenly
are fit to the squared errors; a step is never surer than one step ahead was.
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

    ``near`` of one step ahead; ``constant + growth x step`` of those further on.
    """

    near: FloatArray
    constant: FloatArray
    growth: FloatArray

    @classmethod
    def fit(cls, residuals: FloatArray, errors: tuple[FloatArray, ...]) -> "Spread":
        """From residuals one step ahead (n, n_variables), NaN where there is none, and
        errors (n_steps, n_variables) at the ends held out."""
        squares = residuals**2
        known = ~np.isnan(squares)
        counts = np.maximum(known.sum(axis=0), 1)
        near = np.where(known, squares, 0.0).sum(axis=0) / counts
        constant, growth = np.zeros_like(near), np.array(near)
        for place in range(len(near)):
            of_variable = [error[:, place] ** 2 for error in errors]
            seen = np.concatenate(of_variable) if of_variable else np.zeros(0)
            if len(seen) < FEWEST_ERRORS:
                continue
            steps = np.concatenate([np.arange(1, len(e) + 1) for e in errors])
            design = np.column_stack([np.ones(len(steps)), steps])
            (constant[place], growth[place]), _ = nnls(design, seen)
        return cls(near, constant, growth)

    def deviations(self, steps: FloatArray) -> FloatArray:
        """Standard deviations at steps from 1 (n_steps, n_variables); a step of 0 or
        less lies in the past and is one step ahead of its own past."""
        far = self.constant + np.outer(steps, self.growth)
        variances = np.where(steps[:, None] > 0, np.maximum(far, self.near), self.near)
        return np.asarray(np.sqrt(variances))


def quantile(share: float) -> float:
    """How many deviations to each side hold that share of a normal distribution."""
    return float(ndtri(0.5 + share / 2.0))
