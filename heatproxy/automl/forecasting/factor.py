"""DynFactorForecaster: one hidden autoregressive factor behind all series.

With a single series the factor is the series without measurement errors.

Source: Durbin and Koopman, "Time Series Analysis by State Space Methods", chapter 3.
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
from heatproxy.automl.forecasting.quiet import quietly
from heatproxy.automl.forecasting.statespace import run_on, standing

FEWEST = 20
MOST_ROWS = 400  # the last ones: the likelihood of many takes minutes
MOST_VARIABLES = 12
MOST_ITERATIONS = 30


@dataclass(frozen=True, slots=True)
class DynFactor:
    """See the module."""

    name: str = "DynFactorForecaster"
    takes_one: bool = True
    takes_many: bool = True
    uses_exogenous: bool = True

    def variants(self, history: History) -> Sequence[Settings]:
        if len(history) < FEWEST or history.n_variables > MOST_VARIABLES:
            return ()
        return [{"d": d, "factor_order": order} for d in (0, 1) for order in (1, 2)]

    def fit(self, history: History, settings: Settings) -> Fit:
        if len(history) < FEWEST:
            raise CannotFit
        d = int(settings["d"])
        values = history.values[-MOST_ROWS:]
        exogenous = history.exogenous[-MOST_ROWS:]
        moves, known = np.diff(values, d, axis=0), np.diff(exogenous, d, axis=0)
        center, scale = moves.mean(axis=0), moves.std(axis=0)
        scale[scale == 0] = 1.0
        order = int(settings["factor_order"])
        found = quietly(_fit, (moves - center) / scale, known, order)
        if found is None:
            raise CannotFit
        result, effects = found
        said = np.asarray(result.fittedvalues).reshape(moves.shape) * scale + center
        fitted = np.full(history.values.shape, np.nan)
        fitted[-len(said) :] = said + (values[:-1] if d else 0.0)
        state = {
            "d": d,
            "order": [order, d, 0],
            "center": center.tolist(),
            "scale": scale.tolist(),
            "last": values[-1].tolist(),
            "last_known": exogenous[-1].tolist(),
            "space": standing(result, effects),
        }
        return Fit(state, fitted)

    def forecast(self, state: State, exogenous: FloatArray) -> FloatArray:
        known = exogenous
        if state["d"]:
            before = np.array(state["last_known"], dtype=np.float64).reshape(1, -1)
            known = np.diff(np.vstack([before, exogenous]), axis=0)
        moves = run_on(state["space"], known)
        moves = moves * np.array(state["scale"]) + np.array(state["center"])
        if state["d"]:
            moves = np.array(state["last"]) + np.cumsum(moves, axis=0)
        return np.asarray(moves)


def _fit(
    values: FloatArray, exogenous: FloatArray, order: int
) -> tuple[Any, FloatArray] | None:
    from statsmodels.tsa.statespace.dynamic_factor import DynamicFactor
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    variables, width = values.shape[1], exogenous.shape[1]
    known = exogenous if width else None
    if variables == 1:
        model = SARIMAX(
            values[:, 0], exog=known, order=(order, 0, 0), measurement_error=True
        )
    else:
        model = DynamicFactor(
            values, k_factors=1, factor_order=order, exog=known, error_order=1
        )
    result = model.fit(disp=0, maxiter=MOST_ITERATIONS)
    named = dict(zip(model.param_names, np.asarray(result.params), strict=True))
    if not np.isfinite(result.llf):
        return None
    if variables == 1:
        effects = np.asarray(result.params)[:width].reshape(1, width)
    else:
        effects = np.array(
            [value for name, value in named.items() if name.startswith("beta.")]
        ).reshape(variables, width)
    return result, effects


DYN_FACTOR = DynFactor()
