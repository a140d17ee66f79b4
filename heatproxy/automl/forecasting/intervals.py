"""How far off a forecast may be: bounds from its errors at the ends of its own past.

The variance of an error grows with the step: that of a random walk evenly, that of a
wrong slope with its square. Both parts, and a constant one, are fit to the squared
errors; a step is never surer than one step ahead was. Errors are not normal: a bound
holds the share of the errors held out that it is asked for, and is wider by what so few
ends can tell of the next one.

Source: Vovk, Gammerman, Shafer, "Algorithmic Learning in a Random World" (conformal).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls
from scipy.special import ndtri

from heatproxy.automl.columns import FloatArray

FEWEST_ERRORS = 4
MOST_SCORES = 200
TINY = 1e-12
FARTHEST = 1e6  # deviations


@dataclass(frozen=True, slots=True)
class Spread:
    """Variances of errors, a variable at a time (n_variables,).

    ``near`` of one step ahead; ``constant + walk x step + slope x step^2`` of those
    further on. ``scores`` (n_scores, n_variables) ascend: the errors held out, in such
    deviations. ``ends`` is how many ends they are from.
    """

    near: FloatArray
    constant: FloatArray
    walk: FloatArray
    slope: FloatArray
    scores: FloatArray
    ends: int

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
        none = np.zeros((0, len(near)))
        unscored = cls(near, far[0], far[1], far[2], none, 0)
        if not errors:
            return unscored
        found = [
            np.minimum(np.abs(error) / unscored._of_steps(len(error)), FARTHEST)
            for error in errors
        ]
        scores = np.sort(np.concatenate(found), axis=0)
        kept = np.linspace(0, len(scores) - 1, min(len(scores), MOST_SCORES))
        return replace(
            unscored, scores=scores[np.rint(kept).astype(int)], ends=len(errors)
        )

    def _of_steps(self, count: int) -> FloatArray:
        found = self.deviations(np.arange(1.0, count + 1.0))
        return np.asarray(np.maximum(found, TINY))

    def reach(self, share: float, steps: FloatArray) -> FloatArray:
        """How far the bounds that hold a share lie from the forecast, to each side
        (n_steps, n_variables); ``steps`` as in ``deviations``."""
        within = quantile(share) * self.deviations(steps)
        if not len(self.scores):
            return within
        count = len(self.scores)
        known = min(share, count / (count + 1))  # what lies beyond, nobody has seen
        place = max((count + 1) * known - 1, 0.0)
        below = self.scores[int(place)]
        above = self.scores[min(int(place) + 1, count - 1)]
        seen = below + (place - int(place)) * (above - below)
        # as the variance of one more value is, of which so many are known
        doubt = np.sqrt((self.ends + 1) / self.ends)
        wider = np.maximum(seen / quantile(known), 1.0) * doubt
        return np.asarray(np.where(steps[:, None] > 0, within * wider, within))

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
