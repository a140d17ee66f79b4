"""Every forecaster: learns, goes on from plain JSON, and knows what is too short."""

import json
from typing import Any

import numpy as np
import pytest

from heatproxy.automl.forecasting import FORECASTERS, UNAVAILABLE
from heatproxy.automl.forecasting.arima import SARIMAX
from heatproxy.automl.forecasting.factor import DYN_FACTOR
from heatproxy.automl.forecasting.forecaster import CannotFit, Forecaster, History
from heatproxy.automl.forecasting.layers import Layers, fitted_again, peel, put_back
from heatproxy.automl.forecasting.multivariate import VARMAX
from heatproxy.automl.forecasting.naive import NAIVE, THETA
from heatproxy.automl.forecasting.smoothing import ETS
from heatproxy.automl.forecasting.variants import seasons_of

NAMES = (
    *("NaiveForecaster", "ThetaForecaster", "ExpSmoothForecaster", "ETSForecaster"),
    *("STLwESForecaster", "STLwARIMAForecaster", "SARIMAXForecaster"),
    *("VARMAXForecaster", "DynFactorForecaster", "OrbitForecaster"),
)
WAVE = 10.0 * np.sin(np.arange(200) * 2 * np.pi / 12)


def history(n: int = 72, variables: int = 1, width: int = 0) -> History:
    """Waves of twelve steps on a slope, a little noise."""
    random = np.random.default_rng(5)
    steps = np.arange(n)
    first = 50 + 0.2 * steps + WAVE[:n] + random.normal(0, 0.5, n)
    known = random.normal(size=(n, width))
    columns = [first + known.sum(axis=1)]
    columns += [first[::-1] * (i + 1) for i in range(variables - 1)]
    return History(np.column_stack(columns), known, (12.0,))


def test_the_names_are_those_of_the_reference() -> None:
    assert {one.name for one in FORECASTERS} | set(UNAVAILABLE) == set(NAMES)


def lengths_of(forecaster: Forecaster) -> int:
    return 1 if forecaster.takes_one else 2


@pytest.mark.parametrize("forecaster", FORECASTERS, ids=lambda one: one.name)
def test_a_forecaster_goes_on_from_json(forecaster: Forecaster) -> None:
    width = 2 if forecaster.uses_exogenous else 0
    past = history(variables=lengths_of(forecaster), width=width)
    known = np.zeros((15, width))
    variants = forecaster.variants(past)
    assert variants
    settings = variants[-1]
    fit = forecaster.fit(past, settings)
    ahead = forecaster.forecast(fit.state, known)
    again = forecaster.forecast(json.loads(json.dumps(dict(fit.state))), known)
    assert ahead.shape == (15, past.n_variables)
    assert np.isfinite(ahead).all()
    np.testing.assert_array_equal(ahead, again)
    assert fit.fitted.shape == past.values.shape
    assert np.isfinite(fit.fitted[-1]).all()
    json.dumps(dict(settings))


@pytest.mark.parametrize("forecaster", FORECASTERS, ids=lambda one: one.name)
@pytest.mark.parametrize("n", [1, 2, 3, 5, 11])
def test_too_short_a_past_is_said(forecaster: Forecaster, n: int) -> None:
    past = history(n, lengths_of(forecaster))
    for settings in forecaster.variants(past):
        try:
            fit = forecaster.fit(past, settings)
        except CannotFit:
            continue
        ahead = forecaster.forecast(fit.state, np.zeros((3, 0)))
        assert np.isfinite(ahead).all()
    if forecaster is not NAIVE and n < 4:
        assert not forecaster.variants(past)


@pytest.mark.parametrize("forecaster", FORECASTERS, ids=lambda one: one.name)
def test_a_constant_goes_on(forecaster: Forecaster) -> None:
    values = np.full((40, lengths_of(forecaster)), 7.0)
    past = History(values, np.zeros((40, 0)))
    said = []
    for settings in forecaster.variants(past):
        try:
            fit = forecaster.fit(past, settings)
        except CannotFit:
            continue
        said.append(forecaster.forecast(fit.state, np.zeros((5, 0))))
    for ahead in said:
        np.testing.assert_allclose(ahead, 7.0, atol=1e-3)
    assert said or forecaster is not NAIVE


STRATEGIES: list[tuple[dict[str, Any], list[float]]] = [
    ({"strategy": "last", "sp": 1}, [6, 6, 6, 6]),
    ({"strategy": "last", "sp": 3}, [3, 4, 6, 3]),
    ({"strategy": "mean", "sp": 1}, [3, 3, 3, 3]),
    ({"strategy": "drift", "sp": 1}, [7.25, 8.5, 9.75, 11]),
]


@pytest.mark.parametrize(("settings", "expected"), STRATEGIES)
def test_naive_strategies(settings: dict[str, Any], expected: list[float]) -> None:
    past = History(np.array([[1.0], [1.0], [3.0], [4.0], [6.0]]), np.zeros((5, 0)))
    fit = NAIVE.fit(past, settings)
    assert NAIVE.forecast(fit.state, np.zeros((4, 0)))[:, 0].tolist() == expected


def test_theta_has_half_the_slope_of_a_line() -> None:
    past = History(np.arange(50.0).reshape(-1, 1), np.zeros((50, 0)))
    fit = THETA.fit(past, {})
    ahead = THETA.forecast(fit.state, np.zeros((10, 0)))[:, 0]
    np.testing.assert_allclose(np.diff(ahead), 0.5, atol=1e-9)
    assert abs(ahead[0] - 50) < 1


def test_ets_says_what_statsmodels_says() -> None:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    past = history()
    fit = ETS.fit(past, {"seasonal_periods": 12})
    state = fit.state
    trend = {"none": None, "add": "add", "damped": "add"}[state["trended"]]
    model = ETSModel(
        past.values[:, 0],
        error=state["error"],
        trend=trend,
        damped_trend=state["trended"] == "damped",
        seasonal=state["seasonal"],
        seasonal_periods=12 if state["seasonal"] else None,
        initialization_method="heuristic",
    )
    learned = dict(state["parameters"])
    smoothed = model.smooth([learned[name] for name in model.param_names])
    ahead = ETS.forecast(state, np.zeros((30, 0)))[:, 0]
    np.testing.assert_allclose(ahead, np.asarray(smoothed.forecast(30)), rtol=1e-9)
    np.testing.assert_allclose(
        fit.fitted[:, 0], np.asarray(smoothed.fittedvalues), rtol=1e-9
    )


def test_a_state_space_goes_on_as_statsmodels_does() -> None:
    from statsmodels.tsa.statespace.sarimax import SARIMAX as REFERENCE

    from heatproxy.automl.forecasting.statespace import run_on, standing

    past = history(width=1)
    known = np.linspace(0, 1, 20).reshape(-1, 1)
    model = REFERENCE(
        past.values[:, 0],
        exog=past.exogenous,
        order=(1, 1, 1),
        seasonal_order=(0, 1, 1, 12),
    )
    result = model.smooth([0.7, 0.3, -0.2, -0.4, 1.0])
    state = json.loads(json.dumps(standing(result, np.array([[0.7]]))))
    np.testing.assert_allclose(
        run_on(state, known)[:, 0], result.forecast(20, exog=known), rtol=1e-9
    )


@pytest.mark.parametrize("forecaster", [SARIMAX, VARMAX, DYN_FACTOR])
def test_what_is_known_beforehand_moves_the_forecast(forecaster: Forecaster) -> None:
    past = history(variables=2 if forecaster is VARMAX else 1, width=1)
    fit = forecaster.fit(past, forecaster.variants(past)[0])
    low = forecaster.forecast(fit.state, np.zeros((4, 1)))
    high = forecaster.forecast(fit.state, np.ones((4, 1)))
    assert ((high - low)[:, 0] > 0.3).all()


# --- layers -------------------------------------------------------------------------


def test_layers_come_off_and_go_back_on() -> None:
    steps = np.arange(300)
    year = 40.0 * np.sin(2 * np.pi * steps / 150.3)
    values = np.exp((500 + year + 2 * WAVE[steps % 12]) / 100)
    layers = Layers(log=True, wave=150.3, period=12)
    peeled = peel(values[:280], layers)
    assert np.ptp(peeled.rest) < 0.05 * np.ptp(np.log(values))
    np.testing.assert_allclose(fitted_again(peeled, peeled.rest), values[:280])
    ahead = put_back(json.loads(json.dumps(peeled.state)), np.full(20, 5.0))
    np.testing.assert_allclose(ahead, values[280:], rtol=0.02)
    assert Layers.of(layers.settings()) == layers


@pytest.mark.parametrize(
    "layers", [Layers(log=True), Layers(period=30), Layers(wave=100.0)]
)
def test_layers_that_do_not_fit_are_refused(layers: Layers) -> None:
    with pytest.raises(CannotFit):
        peel(np.arange(-5.0, 45.0), layers)


@pytest.mark.parametrize(
    ("values", "natural", "found"),
    [
        (np.tile([1.0, 5.0, 2.0, 9.0, 3.0], 20), (), (5.0,)),
        (np.tile([1.0, 5.0, 2.0], 8), (7.0, 365.25), (7.0,)),
        (np.arange(100.0), (), ()),
        (np.ones(100), (), ()),
        (np.random.default_rng(3).normal(size=200), (), ()),
    ],
    ids=["its own", "the calendar's", "a line", "a constant", "noise"],
)
def test_seasons(
    values: Any, natural: tuple[float, ...], found: tuple[float, ...]
) -> None:
    assert seasons_of(values, natural) == found
