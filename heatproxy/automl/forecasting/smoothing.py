"""ExpSmoothForecaster, ETSForecaster and STLwESForecaster: exponential smoothing.

Of the models of a family the one with the lowest corrected Akaike criterion is taken.
The first two find seasons themselves, the third has STL take them off.

Source: Hyndman et al., "Forecasting with Exponential Smoothing: The State Space
Approach".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

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
from heatproxy.automl.forecasting.quiet import quietly
from heatproxy.automl.forecasting.variants import layerings, patterns, waves

FEWEST = 10  # for the first guess of level and trend
MOST_ROWS = 4_000  # the last ones; older ones don't change what comes next
TRENDS = ((None, False), ("add", False), ("add", True))


@dataclass(frozen=True, slots=True)
class Smoothing:
    """One of the three; ``errors`` and ``seasonals`` span its family."""

    name: str
    errors: tuple[str, ...]
    seasonals: tuple[str, ...]
    by_stl: bool = False
    takes_one: bool = True
    takes_many: bool = False
    uses_exogenous: bool = False

    def variants(self, history: History) -> Sequence[Settings]:
        if len(history) < FEWEST:
            return ()
        if self.by_stl:
            return [layers.settings() for layers in layerings(history, "must")]
        periods = patterns(history, at_least=2)[-1:] or [0]
        return [
            {**Layers(wave=wave).settings(), "seasonal_periods": period}
            for wave in (0.0, *waves(history))
            for period in periods
        ]

    def fit(self, history: History, settings: Settings) -> Fit:
        values = history.values[:, 0]
        if len(values) < FEWEST:
            raise CannotFit
        peeled = peel(values, Layers.of(settings))
        rest = peeled.rest[-MOST_ROWS:]
        period = int(settings.get("seasonal_periods", 0))
        core, fitted = self._best(rest, period)
        whole = np.full(len(values), np.nan)
        whole[-len(rest) :] = fitted
        state = {"layers": peeled.state, **core}
        return Fit(state, column(fitted_again(peeled, whole)))

    def forecast(self, state: State, exogenous: FloatArray) -> FloatArray:
        steps = np.arange(1, len(exogenous) + 1)
        damping = float(state["damping"])
        if damping < 1.0:
            growth = damping * (1.0 - damping**steps) / (1.0 - damping)
        else:
            growth = steps.astype(np.float64)
        rest = float(state["level"]) + float(state["trend"]) * growth
        pattern = np.array(state["pattern"], dtype=np.float64)
        if len(pattern):
            season = pattern[(steps - 1) % len(pattern)]
            rest = rest * season if state["seasonal"] == "mul" else rest + season
        return column(put_back(state["layers"], np.asarray(rest)))

    def _best(self, values: FloatArray, period: int) -> tuple[dict[str, Any], Any]:
        """Where the best model of the family stands at the end, and what it fitted."""
        positive = values.min() > 0
        seasonals = (None, *self.seasonals) if period > 1 else (None,)
        best, found = np.inf, None
        for error, trend, seasonal in product(self.errors, TRENDS, seasonals):
            if not positive and "mul" in (error, seasonal):
                continue
            if self._is_unstable(error, seasonal):
                continue
            result = quietly(_fit_ets, values, error, trend, seasonal, period)
            if result is not None and result.aicc < best:
                best, found = result.aicc, result
        if found is None:
            raise CannotFit
        return _standing(found), np.asarray(found.fittedvalues)

    def _is_unstable(self, error: str, seasonal: str | None) -> bool:
        """Additive errors on a multiplicative season, in the wider family alone."""
        return len(self.errors) > 1 and error == "add" and seasonal == "mul"


def _fit_ets(
    values: FloatArray,
    error: str,
    trend: tuple[str | None, bool],
    seasonal: str | None,
    period: int,
) -> Any:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    model = ETSModel(
        values,
        error=error,
        trend=trend[0],
        damped_trend=trend[1],
        seasonal=seasonal,
        seasonal_periods=period if seasonal else None,
        initialization_method="heuristic",
    )
    result = model.fit(disp=0, maxiter=200)
    finite = np.isfinite(result.aicc) and np.isfinite(result.fittedvalues).all()
    return result if finite else None


def _standing(result: Any) -> dict[str, Any]:
    """Level, trend and season behind the last value."""
    model = result.model
    parameters = dict(zip(model.param_names, result.params.tolist(), strict=True))
    period = model.seasonal_periods if model.has_seasonal else 0
    pattern = np.asarray(result.season)[-period:] if period else np.zeros(0)
    return {
        "error": model.error,
        "trended": "damped" if model.damped_trend else model.trend or "none",
        "seasonal": model.seasonal,
        "parameters": {
            name: value
            for name, value in parameters.items()
            if name.startswith(("smoothing", "damping"))
        },
        "level": float(np.asarray(result.level)[-1]),
        "trend": float(np.asarray(result.slope)[-1]) if model.has_trend else 0.0,
        "damping": float(parameters.get("damping_trend", 1.0)),
        "pattern": pattern.tolist(),
    }


EXP_SMOOTH = Smoothing("ExpSmoothForecaster", ("add",), ("add", "mul"))
ETS = Smoothing("ETSForecaster", ("add", "mul"), ("add", "mul"))
STL_ES = Smoothing("STLwESForecaster", ("add",), (), by_stl=True)
