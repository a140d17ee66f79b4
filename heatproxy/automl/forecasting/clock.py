"""The time index of a forecast: from dates, times and numbers to steps and back.

Rows of a table become places on a grid of equal steps: days, hours, whole calendar
months. A row that is missing leaves a place free. Where rows follow no grid, such as
trading days, the place of a row is its rank.

Source: HeatWave User Guide, "Train a Forecasting Model", for the types of the index
and the years it may hold.
"""

import calendar
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.errors import MySQLError, ml_error, secondary_engine

PlaceArray = npt.NDArray[np.int64]

FIRST_YEAR, LAST_YEAR = 1678, 2261
MOST_FREE = 0.2  # of the grid; a grid with more free places is none
DAY_S = 86_400
CYCLES_S = (60, 3_600, DAY_S, 7 * DAY_S, 365.25 * DAY_S)
MONTHS_IN_YEAR = 12
LONGEST_MONTH = 31
_MICROSECONDS = 1_000_000

Kind = Literal["moment", "time", "number"]


@dataclass(frozen=True, slots=True)
class Clock:
    """The grid of a training table.

    ``unit`` is what ``step`` counts: ``months`` of a calendar, ``ticks`` (microseconds
    of a moment or a time, or ones of a number), or ``ranks``, where no grid fits and
    ``step`` is the mean distance in ticks. ``first`` and ``last`` are ticks, ``places``
    how many places the training rows span; ``widest`` the widest gap between two.
    """

    column: str
    kind: Kind
    unit: Literal["months", "ticks", "ranks"]
    step: float
    first: int
    last: int
    places: int
    widest: int

    @classmethod
    def fit(cls, ticks: PlaceArray, column: str, kind: Kind) -> "Clock":
        """The grid that sorted, distinct ticks (n_rows,) lie on."""
        first, last = int(ticks[0]), int(ticks[-1])
        if len(ticks) == 1:
            step = 1.0 if kind == "number" else float(DAY_S * _MICROSECONDS)
            return cls(column, kind, "ticks", step, first, last, 1, int(step))
        gaps = np.diff(ticks)
        widest = int(gaps.max())
        if kind == "moment" and _is_monthly(ticks):
            months = np.diff(_months(ticks))
            step = int(np.gcd.reduce(months))
            places = int(months.sum()) // step + 1
            if _is_dense(len(ticks), places):
                return cls(column, kind, "months", step, first, last, places, widest)
        step = _usual(gaps)
        places = (last - first) // step + 1
        if not (gaps % step).any() and _is_dense(len(ticks), places):
            return cls(column, kind, "ticks", step, first, last, places, widest)
        mean = (last - first) / (len(ticks) - 1)
        return cls(column, kind, "ranks", mean, first, last, len(ticks), widest)

    def training_places(self, ticks: PlaceArray) -> PlaceArray:
        """The places of the sorted training rows, from 0 (n_rows,)."""
        if self.unit == "ranks":
            return np.arange(len(ticks), dtype=np.int64)
        return self._on_grid(ticks)

    def asked_places(self, ticks: PlaceArray, trained: PlaceArray) -> PlaceArray:
        """The places of rows of another table, in their order (n_rows,).

        Places from ``self.places`` on lie behind the training rows. Between two places
        of the grid the nearest counts. ``trained`` are the training ticks; they matter
        where ranks are places.
        """
        if self.unit != "ranks":
            return self._on_grid(ticks)
        places = np.searchsorted(trained, ticks).astype(np.int64)
        later = np.unique(ticks[ticks > self.last])
        if len(later):
            ahead = int(later[0]) - self.last
            steps = 1 if ahead <= self.widest else round(ahead / self.step)
            places[ticks > self.last] = (
                self.places - 1 + steps + np.searchsorted(later, ticks)
            )[ticks > self.last]
        return places

    def seasons(self) -> tuple[float, ...]:
        """How many steps the natural cycles have: 12 of months; 7 and 365.25 of days.

        Those of at least two steps, none of them twice.
        """
        if self.unit == "months":
            return (MONTHS_IN_YEAR / self.step,) if self.step <= 6 else ()
        if self.kind == "number":
            return ()
        step_s = self.step / _MICROSECONDS
        lengths = [cycle / step_s for cycle in CYCLES_S]
        if self.unit == "ranks":
            lengths = [float(round(length)) for length in lengths]
        return tuple(
            length
            for length in lengths
            if length >= 2 and (length > 60 or abs(length - round(length)) < 0.2)
        )

    def state(self) -> dict[str, Any]:
        """The clock as JSON values; ``from_state`` is the inverse."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Clock":
        """Raises: TypeError or ValueError when it is no clock's state."""
        clock = cls(**state)
        if clock.step <= 0 or clock.places < 1 or clock.widest < 1:
            raise ValueError("a clock that does not move")
        if clock.unit not in ("months", "ticks", "ranks"):
            raise ValueError("unit")
        return clock

    def _on_grid(self, ticks: PlaceArray) -> PlaceArray:
        if self.unit == "months":
            start = _months(np.array([self.first]))[0]
            places = (_months(ticks) - start) / self.step
        else:
            places = (ticks - self.first) / self.step
        return np.asarray(np.rint(places), dtype=np.int64)


def ticks_of(column: pa.Array, name: str) -> tuple[PlaceArray, Kind]:
    """A column of dates, times, years or whole numbers as ticks (n_rows,).

    Raises:
        MySQLError: 3877, another type, a NULL, or a year outside of 1678 to 2261.
    """
    kind = column.type
    if column.null_count:
        raise secondary_engine(f"The datetime_index column '{name}' has NULL values.")
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        moments = column.cast(pa.timestamp("us"))
        years = pc.min_max(pc.year(moments)).as_py()
        if len(moments) and not (
            years["min"] >= FIRST_YEAR and years["max"] <= LAST_YEAR
        ):
            raise out_of_years()
        return _integers(moments.cast(pa.int64())), "moment"
    if pa.types.is_duration(kind):
        return _integers(column.cast(pa.duration("us")).cast(pa.int64())), "time"
    if pa.types.is_integer(kind):
        return _integers(column.cast(pa.int64())), "number"
    raise ml_error(
        "ML003015",
        f"The datetime_index column '{name}' of type {kind} must be a DATETIME, "
        "TIMESTAMP, DATE, TIME or YEAR, or an auto-incrementing index.",
    )


def out_of_years() -> MySQLError:
    return secondary_engine(
        f"The years of datetime_index must lie between {FIRST_YEAR} and {LAST_YEAR}."
    )


def _integers(column: pa.Array) -> PlaceArray:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.int64)


def _usual(gaps: PlaceArray) -> int:
    """The most frequent gap, the smallest of several."""
    values, counts = np.unique(gaps, return_counts=True)
    return int(values[np.argmax(counts)])


def _is_dense(rows: int, places: int) -> bool:
    return rows >= (1.0 - MOST_FREE) * places


def _moments(ticks: PlaceArray) -> npt.NDArray[np.datetime64]:
    return ticks.astype("datetime64[us]")


def _months(ticks: PlaceArray) -> PlaceArray:
    """Months since 1970 (n_rows,)."""
    return _moments(ticks).astype("datetime64[M]").astype(np.int64)


def _is_monthly(ticks: PlaceArray) -> bool:
    """The same day of each month, or the last where a month is too short for it."""
    moments = _moments(ticks)
    days = moments.astype("datetime64[D]")
    if (np.diff(moments) < np.timedelta64(28, "D")).any():
        return False
    if len(np.unique(moments - days)) > 1:  # the time of day
        return False
    months = moments.astype("datetime64[M]")
    day = (days - months).astype(np.int64) + 1
    numbers = months.astype(np.int64)
    lengths = np.array(
        [calendar.monthrange(1970 + int(m) // 12, int(m) % 12 + 1)[1] for m in numbers]
    )
    wanted = LONGEST_MONTH if (day == lengths).all() else day.max()
    return bool((day == np.minimum(wanted, lengths)).all())
