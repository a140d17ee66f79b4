"""NaiveForecaster and ThetaForecaster: the last value, the last season, a slow drift.

Source: Assimakopoulos and Nikolopoulos, "The theta model"; Hyndman and Billah,
"Unmasking the Theta method".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.forecasting.forecaster import (
    CannotFit,
    Fit,
    History,
    Settings,
    State,
    column,
)
from heatproxy.automl.forecasting.layers import Layers, fitted_again, peel, put_back
from heatproxy.automl.forecasting.variants import layerings, patterns

DAYS_IN_WEEK = 7
WEEKS_IN_YEAR = 52
FEWEST_FOR_THETA = 4


@dataclass(frozen=True, slots=True)
class Naive:
    """The last value, the mean, a line through both ends, or the last season again."""

    name: str = "NaiveForecaster"
    takes_one: bool = True
    takes_many: bool = False
    uses_exogenous: bool = False

    def variants(self, history: History) -> Sequence[Settings]:
        found: list[dict[str, Any]] = [{"strategy": "last", "sp": 1}]
        if len(history) >= 3:
            found += [{"strategy": "mean", "sp": 1}, {"strategy": "drift", "sp": 1}]
        for period in _periods(history):
            found.append({"strategy": "last", "sp": period})
        return found

    def fit(self, history: History, settings: Settings) -> Fit:
        values = history.values[:, 0]
        strategy, period = settings["strategy"], int(settings["sp"])
        n = len(values)
        if n < period:
            raise CannotFit
        fitted = np.full(n, np.nan)
        fitted[period:] = values[:-period]
        pattern, slope = values[-period:], 0.0
        if strategy == "mean":
            pattern = np.array([values.mean()])
            fitted[1:] = np.cumsum(values)[:-1] / np.arange(1, n)
        elif strategy == "drift":
            slope = float(values[-1] - values[0]) / (n - 1)
            fitted[1:] = values[:-1] + slope
        state = {"pattern": pattern.tolist(), "slope": slope}
        return Fit(state, column(fitted))

    def forecast(self, state: State, exogenous: FloatArray) -> FloatArray:
        pattern = np.array(state["pattern"], dtype=np.float64)
        steps = np.arange(len(exogenous))
        slope = float(state["slope"])
        return column(pattern[steps % len(pattern)] + slope * (steps + 1))


@dataclass(frozen=True, slots=True)
class Theta:
    """Simple exponential smoothing with half of the trend's slope."""

    name: str = "ThetaForecaster"
    takes_one: bool = True
    takes_many: bool = False
    uses_exogenous: bool = False

    def variants(self, history: History) -> Sequence[Settings]:
        if len(history) < FEWEST_FOR_THETA:
            return ()
        return [layers.settings() for layers in layerings(history, "maybe")]

    def fit(self, history: History, settings: Settings) -> Fit:
        peeled = peel(history.values[:, 0], Layers.of(settings))
        rest = peeled.rest
        n = len(rest)
        if n < FEWEST_FOR_THETA:
            raise CannotFit
        slope = float(np.polyfit(np.arange(n), rest, 1)[0]) / 2.0
        alpha = float(
            minimize_scalar(
                lambda a: float(np.mean((rest[1:] - _smooth(rest, a)[:-1]) ** 2)),
                bounds=(0.01, 0.99),
                method="bounded",
            ).x
        )
        levels = _smooth(rest, alpha)
        lag = (1.0 - (1.0 - alpha) ** n) / alpha
        fitted = np.full(n, np.nan)
        behind = (1.0 - (1.0 - alpha) ** np.arange(1, n)) / alpha
        fitted[1:] = levels[:-1] + slope * behind
        state = {
            "layers": peeled.state,
            "alpha": alpha,
            "level": float(levels[-1]),
            "slope": slope,
            "lag": lag,
        }
        return Fit(state, column(fitted_again(peeled, fitted)))

    def forecast(self, state: State, exogenous: FloatArray) -> FloatArray:
        steps = np.arange(len(exogenous)) + float(state["lag"])
        rest = float(state["level"]) + float(state["slope"]) * steps
        return column(put_back(state["layers"], np.asarray(rest)))


def _periods(history: History) -> list[int]:
    """Seasons to repeat; of a year of days also one of whole weeks."""
    periods = patterns(history, at_least=1)
    for season in history.seasons:
        near = round(season)
        if season > 2 and DAYS_IN_WEEK in periods and 360 < season < 370:
            periods.append(DAYS_IN_WEEK * WEEKS_IN_YEAR)
        periods.append(near)
    return [period for period in dict.fromkeys(periods) if 1 < period <= len(history)]


def _smooth(values: FloatArray, alpha: float) -> FloatArray:
    """Exponentially weighted means of all values up to each (n,)."""
    levels = pd.Series(values).ewm(alpha=alpha, adjust=False).mean()
    return np.asarray(levels.to_numpy(), dtype=np.float64)


NAIVE, THETA = Naive(), Theta()
