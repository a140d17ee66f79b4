"""The choice among forecasters, the metrics it goes by, and intervals."""

import numpy as np
import pytest

from heatproxy.automl.forecasting import FORECASTERS
from heatproxy.automl.forecasting.forecaster import CannotFit, History
from heatproxy.automl.forecasting.intervals import Spread, quantile
from heatproxy.automl.forecasting.multivariate import VARMAX
from heatproxy.automl.forecasting.naive import NAIVE, THETA
from heatproxy.automl.forecasting.scores import DEFAULT, METRICS, evaluate_forecast
from heatproxy.automl.forecasting.selection import Chosen, choose
from heatproxy.automl.forecasting.smoothing import STL_ES
from heatproxy.errors import MySQLError

QUICK = (NAIVE, THETA, STL_ES)


def quietly(fraction: float, stage: str) -> None:
    assert 0 <= fraction <= 1
    assert stage


def weekly(n: int = 140) -> History:
    random = np.random.default_rng(2)
    pattern = np.tile([5.0, 6, 7, 8, 9, 2, 1], n // 7)
    values = 100 + pattern + random.normal(0, 0.2, n)
    return History(values.reshape(-1, 1), np.zeros((n, 0)), (7.0,))


def forecast(chosen: Chosen, steps: int) -> np.ndarray:
    return sum(
        w.weight * w.forecaster.forecast(w.fit.state, np.zeros((steps, 0)))
        for w in chosen.winners
    )


def test_a_season_beats_the_last_value_and_says_how_well() -> None:
    chosen = choose(weekly(), QUICK, DEFAULT, quietly)
    truth = weekly(168).values[140:]
    assert np.abs(forecast(chosen, 28) - truth).max() < 1.0
    assert chosen.score is not None
    assert -0.01 < chosen.score < 0
    assert chosen.better
    assert sum(one.weight for one in chosen.winners) == pytest.approx(1)
    names = [one.forecaster.name for one in chosen.winners]
    assert len(set(names)) == len(names) <= 3


def test_the_same_data_choose_the_same() -> None:
    first, again = (choose(weekly(), QUICK, DEFAULT, quietly) for _ in range(2))
    assert [w.settings for w in first.winners] == [w.settings for w in again.winners]
    np.testing.assert_array_equal(forecast(first, 9), forecast(again, 9))
    assert first.score == again.score


def test_the_metric_decides() -> None:
    # a level that jumps for a moment: the median likes the last, the mean does not
    values = np.where(np.arange(80) % 20 == 19, 100.0, 0.0) + 1.0
    past = History(values.reshape(-1, 1), np.zeros((80, 0)))
    by = {
        metric: choose(past, (NAIVE,), metric, quietly).winners[0].settings["strategy"]
        for metric in ("neg_mean_squared_error", "neg_mean_absolute_error")
    }
    assert by["neg_mean_squared_error"] == "mean"


@pytest.mark.parametrize("n", [1, 2, 5, 7])
def test_what_is_too_short_to_hold_out_has_no_score(n: int) -> None:
    past = History(np.arange(1.0, n + 1).reshape(-1, 1), np.zeros((n, 0)))
    chosen = choose(past, FORECASTERS, DEFAULT, quietly)
    assert (chosen.score, chosen.errors, chosen.better) == (None, (), False)
    assert forecast(chosen, 2).shape == (2, 1)


def test_nobody_fits() -> None:
    past = History(np.ones((5, 2)), np.zeros((5, 0)))
    with pytest.raises(CannotFit):
        choose(past, (VARMAX,), DEFAULT, quietly)


def test_a_metric_that_means_nothing_is_refused() -> None:
    past = History(np.zeros((40, 1)), np.zeros((40, 0)))
    with pytest.raises(MySQLError, match="ML003019"):
        choose(past, (NAIVE,), "neg_root_mean_squared_percent_error", quietly)


def test_progress_ends_the_choice() -> None:
    class Enough(Exception):
        pass

    def stop(fraction: float, stage: str) -> None:
        if fraction > 0.2:
            raise Enough

    with pytest.raises(Enough):
        choose(weekly(), QUICK, DEFAULT, stop)


# --- metrics ------------------------------------------------------------------------

BY_HAND = {
    "neg_max_absolute_error": -2.0,
    "neg_mean_absolute_error": -1.0,
    "neg_mean_abs_scaled_error": -2.0,
    "neg_mean_squared_error": -5 / 3,
    "neg_root_mean_squared_error": -np.sqrt(5 / 3),
    "neg_root_mean_squared_percent_error": -np.sqrt((0 + 0.25 + 0.25) / 3),
    "neg_sym_mean_abs_percent_error": -(0 + 2 * 1 / 5 + 2 * 2 / 6) / 3,
}


def test_metrics_are_what_they_are_by_hand() -> None:
    truth, said = np.array([[1.0], [2.0], [4.0]]), np.array([[1.0], [3.0], [2.0]])
    changes = np.array([0.5])
    scores = {n: evaluate_forecast(n, truth, said, changes) for n in METRICS}
    assert scores == pytest.approx(BY_HAND)


@pytest.mark.parametrize(
    ("metric", "truth", "change"),
    [
        ("neg_mean_abs_scaled_error", [1.0, 2.0], 0.0),
        ("neg_root_mean_squared_percent_error", [0.0, 2.0], 1.0),
        ("neg_mean_absolute_error", [np.nan, 2.0], 1.0),
        ("neg_mean_absolute_error", [], 1.0),
    ],
)
def test_a_score_that_means_nothing_is_refused(
    metric: str, truth: list[float], change: float
) -> None:
    column = np.array(truth).reshape(-1, 1)
    with pytest.raises(MySQLError, match="ML003019"):
        evaluate_forecast(metric, column, column, np.array([change]))


def test_nothing_forecast_as_nothing_is_no_error() -> None:
    zeros = np.zeros((3, 1))
    assert evaluate_forecast(DEFAULT, zeros, zeros, np.ones(1)) == 0


# --- intervals ----------------------------------------------------------------------


def test_deviations_grow_as_the_errors_did() -> None:
    random = np.random.default_rng(4)
    walks = tuple(random.normal(size=(200, 1)).cumsum(axis=0) for _ in range(60))
    spread = Spread.fit(random.normal(size=(500, 1)), walks)
    far = spread.deviations(np.array([-3.0, 0.0, 1.0, 100.0, 400.0]))[:, 0]
    assert far[0] == far[1] == pytest.approx(1.0, rel=0.1)
    assert far[3] == pytest.approx(10.0, rel=0.25)
    assert far[4] == pytest.approx(20.0, rel=0.25)


def test_bounds_hold_the_share_of_the_errors_held_out() -> None:
    random = np.random.default_rng(5)
    ends = tuple(random.standard_t(2, size=(120, 1)) for _ in range(3))
    spread = Spread.fit(random.normal(size=(300, 1)), ends)
    steps = np.arange(1.0, 121.0)
    for share in (0.5, 0.8, 0.95, 0.99):
        reach = spread.reach(share, steps)
        inside = [np.abs(end) <= reach for end in ends]
        assert np.mean(inside) >= share
        assert (reach >= quantile(share) * spread.deviations(steps)).all()
    assert spread.reach(0.99, steps)[0, 0] > 1.2 * (
        quantile(0.99) * spread.deviations(steps)[0, 0]
    )
    # one step ahead of its own past the model has many errors to go by
    past = np.array([-5.0, 0.0])
    assert np.array_equal(
        spread.reach(0.8, past), quantile(0.8) * spread.deviations(past)
    )


def test_the_next_end_is_within_the_bounds_as_often_as_they_say() -> None:
    random = np.random.default_rng(6)
    inside = []
    for _ in range(200):
        ends = tuple(random.normal(size=(40, 1)).cumsum(axis=0) for _ in range(4))
        spread = Spread.fit(random.normal(size=(200, 1)), ends[:3])
        reach = spread.reach(0.8, np.arange(1.0, 41.0))
        inside.append(np.mean(np.abs(ends[3]) <= reach))
    assert 0.78 <= np.mean(inside) <= 0.92


@pytest.mark.parametrize("error", [0.0, 1e-150, 1e150])
def test_bounds_of_any_errors_are_numbers(error: float) -> None:
    spread = Spread.fit(np.zeros((5, 1)), (np.array([[0.0], [error]]),))
    assert np.isfinite(spread.scores).all()
    assert np.isfinite(spread.reach(0.95, np.array([1.0, 2.0]))).all()


def test_without_ends_errors_add_up() -> None:
    spread = Spread.fit(np.array([[np.nan], [2.0], [-2.0]]), ())
    assert spread.deviations(np.array([1.0, 4.0]))[:, 0].tolist() == [2.0, 4.0]


def test_quantiles_are_those_of_a_normal_distribution() -> None:
    assert quantile(0.95) == pytest.approx(1.959964)
    assert quantile(0.5) == pytest.approx(0.67449, rel=1e-4)
