"""Forecasting: the models by HeatWave's names, each in its family's module.

OrbitForecaster is known and refused by name: no maintained library fits it without a
compiler on the user's machine.
"""

from heatproxy.automl.forecasting.arima import SARIMAX, STL_ARIMA
from heatproxy.automl.forecasting.factor import DYN_FACTOR
from heatproxy.automl.forecasting.forecaster import Forecaster
from heatproxy.automl.forecasting.multivariate import VARMAX
from heatproxy.automl.forecasting.naive import NAIVE, THETA
from heatproxy.automl.forecasting.smoothing import ETS, EXP_SMOOTH, STL_ES

# the quick ones first: they tell which layers the slow ones should try
FORECASTERS: tuple[Forecaster, ...] = (
    NAIVE,
    THETA,
    STL_ES,
    EXP_SMOOTH,
    ETS,
    STL_ARIMA,
    SARIMAX,
    VARMAX,
    DYN_FACTOR,
)
UNAVAILABLE = ("OrbitForecaster",)
