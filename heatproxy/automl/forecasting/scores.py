"""The metrics of forecasting; for every one higher is better.

Each gets the true values (n_steps,), the forecast ones and the mean absolute change
from row to row of the training data, which scales one of them.

Source: HeatWave User Guide, "Optimization and scoring metrics"; Hyndman and Koehler,
"Another look at measures of forecast accuracy".
"""

from collections.abc import Callable, Mapping

import numpy as np

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.metrics import invalid_data

Score = Callable[[FloatArray, FloatArray, float], float]

DEFAULT = "neg_sym_mean_abs_percent_error"


def evaluate_forecast(
    name: str, truth: FloatArray, forecast: FloatArray, changes: FloatArray
) -> float:
    """The mean over the variables of one score; arrays are (n_steps, n_variables).

    ``changes`` (n_variables,).

    Raises:
        MySQLError: 3877 ML003019, the metric means nothing here: no rows, a NULL, a
            share of nothing.
    """
    score = METRICS[name]
    if not truth.size or not np.isfinite(truth).all():
        raise invalid_data(name)
    with np.errstate(all="ignore"):
        scores = [
            score(truth[:, place], forecast[:, place], float(changes[place]))
            for place in range(truth.shape[1])
        ]
    mean = float(np.mean(scores))
    if not np.isfinite(mean):
        raise invalid_data(name)
    return mean


def _max_absolute(truth: FloatArray, forecast: FloatArray, change: float) -> float:
    return -float(np.abs(truth - forecast).max())


def _mean_absolute(truth: FloatArray, forecast: FloatArray, change: float) -> float:
    return -float(np.abs(truth - forecast).mean())


def _scaled(truth: FloatArray, forecast: FloatArray, change: float) -> float:
    return _mean_absolute(truth, forecast, change) / change if change else np.nan


def _squared(truth: FloatArray, forecast: FloatArray, change: float) -> float:
    return -float(np.mean((truth - forecast) ** 2))


def _root_squared(truth: FloatArray, forecast: FloatArray, change: float) -> float:
    return -float(np.sqrt(np.mean((truth - forecast) ** 2)))


def _root_percent(truth: FloatArray, forecast: FloatArray, change: float) -> float:
    return -float(np.sqrt(np.mean(((truth - forecast) / truth) ** 2)))


def _symmetric(truth: FloatArray, forecast: FloatArray, change: float) -> float:
    """Between 0 and -2: half the sum of both values is what an error is a share of."""
    error, size = np.abs(truth - forecast), np.abs(truth) + np.abs(forecast)
    return -float(np.mean(np.where(size > 0, 2.0 * error / size, 0.0)))


METRICS: Mapping[str, Score] = {
    "neg_max_absolute_error": _max_absolute,
    "neg_mean_absolute_error": _mean_absolute,
    "neg_mean_abs_scaled_error": _scaled,
    "neg_mean_squared_error": _squared,
    "neg_root_mean_squared_error": _root_squared,
    "neg_root_mean_squared_percent_error": _root_percent,
    "neg_sym_mean_abs_percent_error": _symmetric,
}
