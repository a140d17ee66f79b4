"""VARMAXForecaster: several series that tell of each other, by least squares.

A vector autoregression whose number of lags the Bayesian criterion chooses; harmonics
of the seasons and the exogenous columns are regressors beside the lags. It has no
moving averages: their likelihood takes minutes and rarely forecasts better.

Source: Lütkepohl, "New Introduction to Multiple Time Series Analysis", chapter 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.forecasting.forecaster import (
    CannotFit,
    Fit,
    History,
    Settings,
    State,
)

FEWEST = 12
MOST_LAGS = 12
MOST_HARMONICS = 3
RIDGE = 1e-6
EXPLODES = 1.001  # the largest root beyond which forecasts run away


@dataclass(frozen=True, slots=True)
class Varmax:
    """See the module."""

    name: str = "VARMAXForecaster"
    takes_one: bool = False
    takes_many: bool = True
    uses_exogenous: bool = True

    def variants(self, history: History) -> Sequence[Settings]:
        if len(history) < FEWEST:
            return ()
        cycles: list[list[float]] = [[]]
        if history.seasons:
            cycles.append(list(history.seasons))
        return [{"d": d, "waves": waves} for d in (0, 1) for waves in cycles]

    def fit(self, history: History, settings: Settings) -> Fit:
        if len(history) < FEWEST:
            raise CannotFit
        center = history.values.mean(axis=0)
        scale = history.values.std(axis=0)
        scale[scale == 0] = 1.0
        values = (history.values - center) / scale
        d, waves = int(settings["d"]), list(settings["waves"])
        known = _known(np.arange(len(values)), waves, history.exogenous)
        moves, known_moves = np.diff(values, d, axis=0), np.diff(known, d, axis=0)
        lags, weights = _best(moves, known_moves)
        state = {
            "d": d,
            "waves": waves,
            "order": [lags, d, 0],
            "center": center.tolist(),
            "scale": scale.tolist(),
            "weights": weights.tolist(),
            "tail": moves[len(moves) - lags :].tolist(),
            "last": values[-1].tolist(),
            "last_known": known[-1].tolist(),
            "start": len(values),
        }
        fitted = np.full(values.shape, np.nan)
        said = _design(moves, known_moves, lags) @ weights
        fitted[d + lags :] = said + (values[lags:-1] if d else 0.0)
        return Fit(state, fitted * scale + center)

    def forecast(self, state: State, exogenous: FloatArray) -> FloatArray:
        d, lags = int(state["d"]), int(state["order"][0])
        weights = np.array(state["weights"], dtype=np.float64)
        center = np.array(state["center"], dtype=np.float64)
        tail = np.array(state["tail"], dtype=np.float64).reshape(lags, len(center))
        places = np.arange(len(exogenous)) + int(state["start"])
        known = _known(places, state["waves"], exogenous)
        if d:
            before = np.array(state["last_known"], dtype=np.float64).reshape(1, -1)
            known = np.diff(np.vstack([before, known]), axis=0)
        moves = np.empty((len(exogenous), len(center)))
        for step in range(len(exogenous)):
            row = np.concatenate([[1.0], known[step], tail[::-1].ravel()])
            moves[step] = row @ weights
            if lags:
                tail = np.vstack([tail[1:], moves[step]])
        if d:
            moves = np.array(state["last"]) + np.cumsum(moves, axis=0)
        return np.asarray(moves * np.array(state["scale"]) + center)


def _known(places: Any, cycles: Sequence[float], exogenous: FloatArray) -> FloatArray:
    """What is known of each step beforehand (n, width): harmonics and exogenous."""
    parts = [exogenous]
    for cycle in cycles:
        count = min(MOST_HARMONICS, int(cycle) // 2)
        angles = 2.0 * np.pi * np.outer(places, np.arange(1, count + 1)) / cycle
        parts += [np.sin(angles), np.cos(angles)]
    return np.hstack(parts)


def _design(moves: FloatArray, known: FloatArray, lags: int) -> FloatArray:
    """Rows of 1, what is known, and the values before (n - lags, width)."""
    n = len(moves)
    before = [moves[lags - lag : n - lag] for lag in range(1, lags + 1)]
    return np.hstack([np.ones((n - lags, 1)), known[lags:], *before])


def _best(moves: FloatArray, known: FloatArray) -> tuple[int, FloatArray]:
    """Lags and weights (width, n_variables) by the Bayesian criterion."""
    n, variables = moves.shape
    widest = (n // 2 - 1 - known.shape[1]) // variables
    most = max(0, min(MOST_LAGS, widest))
    best = np.inf
    found: tuple[int, FloatArray] | None = None
    for lags in range(most + 1):
        design = _design(moves, known, lags)
        gram = design.T @ design + RIDGE * len(design) * np.eye(design.shape[1])
        weights = np.asarray(np.linalg.solve(gram, design.T @ moves[lags:]))
        left = (moves[lags:] - design @ weights)[most - lags :]
        spread = left.T @ left / len(left) + 1e-12 * np.eye(variables)
        size = weights.size
        cost = len(left) * np.linalg.slogdet(spread)[1] + size * np.log(len(left))
        if cost < best and _is_stable(weights[1 + known.shape[1] :], lags, variables):
            best, found = cost, (lags, weights)
    if found is None:
        raise CannotFit
    return found


def _is_stable(weights: FloatArray, lags: int, variables: int) -> bool:
    if not lags:
        return True
    companion = np.eye(lags * variables, k=-variables)
    companion[:variables] = weights.T
    return bool(np.abs(np.linalg.eigvals(companion)).max() <= EXPLODES)


VARMAX = Varmax()
