"""What is taken off a series before a core model sees it, and put back afterwards.

A logarithm, slow waves of long cycles (a year of days) as harmonics, and the seasonal
part of short ones, found by STL.

Source: Cleveland et al., "STL: A Seasonal-Trend Decomposition Procedure Based on
Loess"; Hyndman and Athanasopoulos, "Forecasting: Principles and Practice", 3rd edition,
chapters 3 and 12.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.forecasting.forecaster import CannotFit

LONG = 60.0  # a cycle of more steps is a slow wave, one of fewer a pattern
MOST_HARMONICS = 4
FEWEST_CYCLES = 1.4  # to tell a slow wave from a trend
WIDEST = 35  # cycles that one of a pattern is smoothed over; odd
MOST_ROBUST = 2_000  # rows; more take seconds, and outliers move them less


@dataclass(frozen=True, slots=True)
class Layers:
    """Which layers: a logarithm, the cycle of slow waves, the period of a pattern."""

    log: bool = False
    wave: float = 0.0
    period: int = 0

    def settings(self) -> dict[str, Any]:
        """Those that are used, as hyperparameters."""
        named = {"log": self.log, "wave": self.wave, "sp": self.period}
        return {key: value for key, value in named.items() if value}

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Layers":
        return cls(
            bool(settings.get("log", False)),
            float(settings.get("wave", 0.0)),
            int(settings.get("sp", 0)),
        )


@dataclass(frozen=True, slots=True)
class Peeled:
    """``rest`` (n,) is the series without its layers; ``taken`` (n,) what was taken
    off behind the logarithm; ``state`` puts layers on forecasts."""

    rest: FloatArray
    taken: FloatArray
    state: dict[str, Any]


def peel(values: FloatArray, layers: Layers) -> Peeled:
    """Take the layers off a series (n,).

    Raises:
        CannotFit: a logarithm of what is not positive, or too few cycles.
    """
    if layers.log and values.min() <= 0:
        raise CannotFit
    rest = np.log(values) if layers.log else np.array(values)
    taken = np.zeros(len(values))
    state: dict[str, Any] = {"log": layers.log, "start": len(values)}
    if layers.wave:
        weights = _wave_weights(rest, layers.wave)
        waves = _harmonics(np.arange(len(rest)), layers.wave, len(weights) // 2)
        taken += waves @ weights
        state |= {"wave": layers.wave, "weights": weights.tolist()}
    if layers.period:
        seasonal = _seasonal(rest - taken, layers.period)
        state["pattern"] = seasonal[-layers.period :].tolist()
        taken += seasonal
    return Peeled(rest - taken, taken, state)


def fitted_again(peeled: Peeled, fitted: FloatArray) -> FloatArray:
    """Values fitted to the rest (n,) in the units of the series."""
    whole = fitted + peeled.taken
    return np.exp(whole) if peeled.state["log"] else whole


def put_back(state: Mapping[str, Any], forecasts: FloatArray) -> FloatArray:
    """Forecasts of the rest (n_steps,) in the units of the series."""
    steps = np.arange(len(forecasts))
    whole = np.array(forecasts, dtype=np.float64)
    if "weights" in state:
        weights = np.array(state["weights"], dtype=np.float64)
        places = steps + int(state["start"])
        waves = _harmonics(places, float(state["wave"]), len(weights) // 2)
        whole += waves @ weights
    if "pattern" in state:
        pattern = np.array(state["pattern"], dtype=np.float64)
        whole += pattern[steps % len(pattern)]
    return np.exp(whole) if state["log"] else whole


def _seasonal(values: FloatArray, period: int) -> FloatArray:
    from statsmodels.tsa.stl._stl import STL  # half a second, for those who forecast

    if len(values) < 2 * period:
        raise CannotFit
    window = min(max(7, len(values) // period | 1), WIDEST)
    robust = len(values) <= MOST_ROBUST
    found = STL(values, period, seasonal=window, robust=robust).fit()
    return np.asarray(found.seasonal)


def _wave_weights(values: FloatArray, cycle: float) -> FloatArray:
    """Weights of as many harmonics as the Bayesian criterion pays for."""
    n = len(values)
    if n < FEWEST_CYCLES * cycle:
        raise CannotFit
    steps = np.arange(n)
    best = np.inf
    found: FloatArray = np.zeros(0)
    for count in range(1, MOST_HARMONICS + 1):
        waves = _harmonics(steps, cycle, count)
        design = np.column_stack([np.ones(n), steps / n, waves])
        weights, *_ = np.linalg.lstsq(design, values, rcond=None)
        left = float(np.mean((values - design @ weights) ** 2))
        cost = n * np.log(max(left, 1e-300)) + design.shape[1] * np.log(n)
        if cost < best:
            best, found = cost, np.asarray(weights[2:])
    return found


def _harmonics(places: Any, cycle: float, count: int) -> FloatArray:
    """Sines and cosines (n, 2 x count)."""
    angles = 2.0 * np.pi * np.outer(places, np.arange(1, count + 1)) / cycle
    return np.hstack([np.sin(angles), np.cos(angles)])
