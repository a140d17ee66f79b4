"""STLwARIMAForecaster and SARIMAXForecaster: autoregression and moving averages.

Orders are chosen by the Bayesian criterion of quick regressions, and only the chosen
model is fit by maximum likelihood. Whether to difference is left to validation.

Source: Box and Jenkins, "Time Series Analysis"; Hannan and Rissanen, "Recursive
estimation of mixed autoregressive-moving average order".
"""

from collections.abc import Iterator, Sequence
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
    column,
)
from heatproxy.automl.forecasting.layers import Layers, fitted_again, peel, put_back
from heatproxy.automl.forecasting.quiet import quietly
from heatproxy.automl.forecasting.statespace import run_on, standing
from heatproxy.automl.forecasting.variants import layerings, patterns

FEWEST = 12
MOST_ROWS = 1_500  # the last ones
MOST_ITERATIONS = 30
LONGEST_SEASON = 24  # a state space of longer ones takes minutes
ORDERS = ((0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (2, 1), (1, 2), (2, 2), (3, 0))
LONG_ORDERS = (5, 8, 12)  # of autoregression alone, for cycles without a calendar
SEASONAL = ((0, 1, 1), (1, 1, 0), (1, 0, 1))


@dataclass(frozen=True, slots=True)
class Arima:
    """One of the two; ``by_stl`` has STL take off the season."""

    name: str
    by_stl: bool
    uses_exogenous: bool
    takes_one: bool = True
    takes_many: bool = False

    def variants(self, history: History) -> Sequence[Settings]:
        if len(history) < FEWEST:
            return ()
        return list(self._variants(history))

    def _variants(self, history: History) -> Iterator[dict[str, Any]]:
        for layers in layerings(history, "must" if self.by_stl else "no"):
            for d in (0, 1):
                yield {**layers.settings(), "d": d}
            if self.by_stl:
                yield {**layers.settings(), "d": 1, "drift": True}
                continue
            for period in patterns(history, at_least=2)[-1:]:
                if period <= LONGEST_SEASON:
                    for seasonal in SEASONAL:
                        order = [*seasonal, period]
                        yield {**layers.settings(), "d": 1, "seasonal_order": order}

    def fit(self, history: History, settings: Settings) -> Fit:
        values = history.values[:, 0]
        if len(values) < FEWEST:
            raise CannotFit
        peeled = peel(values, Layers.of(settings))
        rest = peeled.rest[-MOST_ROWS:]
        exogenous = history.exogenous[-len(rest) :]
        if not self.uses_exogenous:
            exogenous = exogenous[:, :0]
        center, scale = float(rest.mean()), float(rest.std()) or 1.0
        found = quietly(_fit, (rest - center) / scale, exogenous, settings)
        if found is None:
            raise CannotFit
        order, result, effects = found
        whole = np.full(len(values), np.nan)
        fitted = np.asarray(result.fittedvalues) * scale + center
        settled = max(settings["d"], *_seasonal(settings)[1::2], 1)
        whole[-len(rest) + settled :] = fitted[settled:]
        state = {
            "layers": peeled.state,
            "order": [order[0], settings["d"], order[1]],
            "center": center,
            "scale": scale,
            "space": standing(result, effects),
        }
        return Fit(state, column(fitted_again(peeled, whole)))

    def forecast(self, state: State, exogenous: FloatArray) -> FloatArray:
        seen = run_on(state["space"], exogenous)[:, 0]
        rest = seen * float(state["scale"]) + float(state["center"])
        return column(put_back(state["layers"], rest))


def _seasonal(settings: Settings) -> tuple[int, int, int, int]:
    p, d, q, period = settings.get("seasonal_order", (0, 0, 0, 0))
    return p, d, q, period


def _fit(
    values: FloatArray, exogenous: FloatArray, settings: Settings
) -> tuple[tuple[int, int], Any, FloatArray] | None:
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    seasonal = _seasonal(settings)
    order = _order(values, exogenous, settings["d"], seasonal)
    is_level = settings["d"] + seasonal[1] == 0
    model = SARIMAX(
        values,
        exog=exogenous if exogenous.shape[1] else None,
        order=(order[0], settings["d"], order[1]),
        seasonal_order=seasonal,
        trend="c" if is_level or settings.get("drift") else "n",
        concentrate_scale=True,
    )
    if order[0] in LONG_ORDERS and not order[1]:
        # least squares have found them; to climb from there takes seconds
        result = model.filter(model.start_params)
    else:
        result = model.fit(disp=0, maxiter=MOST_ITERATIONS)
    width = exogenous.shape[1]
    first = 1 if model.trend == "c" else 0
    effects = np.asarray(result.params)[first : first + width].reshape(1, width)
    if not np.isfinite(result.llf):
        return None
    return order, result, effects


def _order(
    values: FloatArray,
    exogenous: FloatArray,
    d: int,
    seasonal: tuple[int, int, int, int],
) -> tuple[int, int]:
    """(p, q) by the Bayesian criterion, on what is left of differences."""
    rest = values
    if exogenous.shape[1]:
        design = np.column_stack([np.ones(len(rest)), exogenous])
        rest = rest - design @ np.linalg.lstsq(design, rest, rcond=None)[0]
    if seasonal[1]:
        rest = rest[seasonal[3] :] - rest[: -seasonal[3]]
    rest = np.diff(rest, d)
    rest = rest - rest.mean()
    n = len(rest)
    long = min(max(10, 2 * max(LONG_ORDERS)), n // 4)
    lags = _lagged(rest, long)
    now = rest[long:]
    shocks = np.concatenate([np.zeros(long), now - lags @ _solve(lags, now)])
    wanted = list(ORDERS)
    if not seasonal[3]:
        wanted += [(p, 0) for p in LONG_ORDERS if 6 * p <= n]
    best, found = np.inf, (0, 0)
    moved = _lagged(shocks, 2)[long - 2 :] if long >= 2 else np.zeros((len(now), 2))
    for p, q in wanted:
        if p > long:
            continue
        design = np.hstack([lags[:, :p], moved[:, :q]])
        left = now - design @ _solve(design, now) if p + q else now
        variance = max(float(np.mean(left**2)), 1e-12)
        cost = len(now) * np.log(variance) + (p + q) * np.log(len(now))
        if cost < best:
            best, found = cost, (p, q)
    return found


def _lagged(values: FloatArray, count: int) -> FloatArray:
    """The values before each of the last n - count (n - count, count)."""
    n = len(values)
    return np.column_stack(
        [values[count - lag : n - lag] for lag in range(1, count + 1)]
        or [np.zeros((n, 0))]
    )


def _solve(design: FloatArray, values: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.lstsq(design, values, rcond=None)[0])


STL_ARIMA = Arima("STLwARIMAForecaster", by_stl=True, uses_exogenous=False)
SARIMAX = Arima("SARIMAXForecaster", by_stl=False, uses_exogenous=True)
