"""The grid of a time index: steps, gaps, months, ranks, and the places ahead."""

import json
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl.forecasting.clock import Clock, ticks_of
from heatproxy.errors import MySQLError


def moments(*texts: str) -> pa.Array:
    return pa.array([datetime.fromisoformat(t) for t in texts], pa.timestamp("us"))


def clock_of(column: pa.Array) -> tuple[Clock, Any]:
    ticks, kind = ticks_of(column, "d")
    return Clock.fit(ticks, "d", kind), ticks


def days(*numbers: int) -> pa.Array:
    return moments(*(str(datetime(2024, 1, 1) + timedelta(n)) for n in numbers))


GRIDS: dict[str, tuple[pa.Array, str, list[int], pa.Array, list[int]]] = {
    "days": (days(0, 1, 2, 3), "ticks", [0, 1, 2, 3], days(4, 9), [4, 9]),
    "days with one missing": (
        *(days(0, 1, 2, 4, 5), "ticks", [0, 1, 2, 4, 5]),
        *(days(6, 3), [6, 3]),
    ),
    "hours": (
        moments("2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 02:00"),
        *("ticks", [0, 1, 2], moments("2024-01-02 00:00"), [24]),
    ),
    "firsts of months": (
        moments("2023-11-01", "2023-12-01", "2024-01-01", "2024-02-01"),
        *("months", [0, 1, 2, 3], moments("2024-03-01", "2025-02-01"), [4, 15]),
    ),
    "ends of months": (
        moments("2023-11-30", "2023-12-31", "2024-01-31", "2024-02-29"),
        *("months", [0, 1, 2, 3], moments("2024-03-31"), [4]),
    ),
    "the 30th": (
        moments("2023-11-30", "2023-12-30", "2024-01-30", "2024-02-29"),
        *("months", [0, 1, 2, 3], moments("2024-03-30"), [4]),
    ),
    "quarters": (
        moments("2023-01-01", "2023-04-01", "2023-07-01", "2023-10-01"),
        *("months", [0, 1, 2, 3], moments("2024-04-01"), [5]),
    ),
    "years as YEAR": (
        pa.array([2001, 2002, 2003], pa.uint16()),
        *("ticks", [0, 1, 2], pa.array([2005], pa.uint16()), [4]),
    ),
    "a TIME": (
        pa.array([0, 60_000_000, 120_000_000], pa.duration("us")),
        *("ticks", [0, 1, 2], pa.array([240_000_000], pa.duration("us")), [4]),
    ),
    "weekdays": (
        days(0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 14, 15),
        *("ranks", list(range(12)), days(16, 17, 18, 21, 3), [12, 13, 14, 15, 3]),
    ),
    "one row": (days(0), "ticks", [0], days(1, 2), [1, 2]),
}


@pytest.mark.parametrize(
    ("trained", "unit", "places", "asked", "ahead"), GRIDS.values(), ids=GRIDS
)
def test_rows_lie_on_a_grid(
    trained: pa.Array, unit: str, places: list[int], asked: pa.Array, ahead: list[int]
) -> None:
    clock, ticks = clock_of(trained)
    assert clock.unit == unit
    assert clock.training_places(ticks).tolist() == places
    assert clock.places == places[-1] + 1
    later, _ = ticks_of(asked, "d")
    assert clock.asked_places(later, ticks).tolist() == ahead
    assert clock.asked_places(ticks, ticks).tolist() == places
    assert Clock.from_state(json.loads(json.dumps(clock.state()))) == clock


SEASONS = {
    "months": (GRIDS["firsts of months"][0], (12.0,)),
    "quarters": (GRIDS["quarters"][0], (4.0,)),
    "days": (days(0, 1, 2), (7.0, 365.25)),
    "weekdays": (GRIDS["weekdays"][0], (5.0, 268.0)),
    "numbers": (pa.array([1, 2, 3]), ()),
}


@pytest.mark.parametrize(("column", "seasons"), SEASONS.values(), ids=SEASONS)
def test_cycles_of_the_calendar(column: pa.Array, seasons: tuple[float, ...]) -> None:
    clock, _ = clock_of(column)
    assert clock.seasons() == pytest.approx(seasons, rel=0.02)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array(["2024-01-01"]), "must be a DATETIME"),
        (pa.array([1.5]), "must be a DATETIME"),
        (pa.array([1, None]), "has NULL values"),
        (moments("1677-06-01"), "between 1678 and 2261"),
        (moments("2262-01-01"), "between 1678 and 2261"),
    ],
)
def test_what_is_no_index_is_refused(column: pa.Array, words: str) -> None:
    with pytest.raises(MySQLError, match=words) as refused:
        ticks_of(column, "d")
    assert refused.value.number == 3877


@pytest.mark.parametrize("change", [{"step": 0}, {"places": 0}, {"unit": "eras"}])
def test_a_state_that_is_no_clock_is_refused(change: dict[str, Any]) -> None:
    state = clock_of(days(0, 1, 2))[0].state() | change
    with pytest.raises(ValueError, match=r"clock|unit"):
        Clock.from_state(state)


def test_a_row_between_two_places_counts_for_the_nearest() -> None:
    clock, ticks = clock_of(days(0, 1, 2))
    asked = ticks_of(moments("2024-01-05 02:00"), "d")[0]
    assert clock.asked_places(asked, np.array(ticks)).tolist() == [4]
