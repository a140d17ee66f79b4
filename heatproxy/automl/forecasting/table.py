"""From rows of a table to a series without gaps, and exogenous columns to numbers.

Rows may come in any order. A period whose row is missing, or whose value is NULL, is
drawn as a straight line between its neighbours, bent as the season usually bends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.automl import columns
from heatproxy.automl.columns import (
    Category,
    Elapsed,
    Feature,
    FloatArray,
    Moment,
    Numeric,
    is_number,
    is_text,
    numbers,
)
from heatproxy.automl.features import find_column, plain
from heatproxy.automl.forecasting.clock import Clock, PlaceArray, ticks_of
from heatproxy.errors import MySQLError, ml_error, secondary_engine

MOST_LEVELS = 10  # of a column of words


@dataclass(frozen=True, slots=True)
class Encoded:
    """An exogenous column as standardised numbers; a word is a column of its own.

    ``center`` and ``scale`` (width,).
    """

    feature: Feature
    center: tuple[float, ...]
    scale: tuple[float, ...]

    @property
    def width(self) -> int:
        return len(self.center)

    def encode(self, column: pa.Array) -> FloatArray:
        """(n_rows, width); NULL and what was never seen are the usual value.

        Raises:
            MySQLError: 3877 ML003015, a value of another kind.
        """
        raw = _raw(self.feature, column)
        standard = (raw - np.array(self.center)) / np.array(self.scale)
        return np.asarray(np.nan_to_num(standard))

    @classmethod
    def fit(cls, name: str, column: pa.Array) -> "Encoded | None":
        """None of a column that tells nothing: all NULL, or one value."""
        feature = _recognise(name, column)
        if feature is None:
            return None
        raw = _raw(feature, column)
        if np.isnan(raw).all(axis=0).any():
            return None
        center, scale = np.nanmean(raw, axis=0), np.nanstd(raw, axis=0)
        if not (scale > 0).any():
            return None
        scale[scale == 0] = 1.0
        return cls(feature, tuple(center.tolist()), tuple(scale.tolist()))

    def state(self) -> dict[str, Any]:
        """As JSON values; ``from_state`` is the inverse."""
        feature = columns.to_state(self.feature)
        return {"feature": feature, "center": self.center, "scale": self.scale}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Encoded":
        """Raises: KeyError and the like when it is no such state."""
        feature = columns.from_state(state["feature"])
        return cls(feature, tuple(state["center"]), tuple(state["scale"]))


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a training table on their grid.

    ``values`` (n_places, n_variables) and ``exogenous`` (n_places, width) have no
    gaps; ``ticks`` (n_rows,) are sorted.
    """

    clock: Clock
    ticks: PlaceArray
    values: FloatArray
    exogenous: FloatArray
    encoders: tuple[Encoded, ...]


def read_rows(
    table: pa.Table, index: str, endogenous: Sequence[str], exogenous: Sequence[str]
) -> Rows:
    """A training table; the names are in its own spelling.

    Raises:
        MySQLError: 3877, an index that repeats or has NULLs, ML001051 a variable that
            is NULL throughout, or is not numeric.
    """
    ticks, kind = ticks_of(plain(table.column(index)), index)
    order = np.argsort(ticks, kind="stable")
    ticks = ticks[order]
    if (np.diff(ticks) == 0).any():
        raise secondary_engine(
            f"The datetime_index column '{index}' has the same value in several rows."
        )
    clock = Clock.fit(ticks, index, kind)
    places = clock.training_places(ticks)
    drawn = [_variable(table, name)[order] for name in endogenous]
    period = round(min(clock.seasons(), default=0.0))
    values = np.column_stack([_drawn(v, places, clock.places, period) for v in drawn])
    found = [Encoded.fit(name, plain(table.column(name))) for name in exogenous]
    encoders = tuple(encoder for encoder in found if encoder is not None)
    known = encoded(table, encoders)[order]
    return Rows(clock, ticks, values, spread(known, places, clock.places), encoders)


def encoded(table: pa.Table, encoders: Sequence[Encoded]) -> FloatArray:
    """The exogenous columns of a table that has them (n_rows, width)."""
    parts = [np.zeros((table.num_rows, 0))]
    for encoder in encoders:
        place = find_column(table.column_names, encoder.feature.name)
        assert place is not None
        parts.append(encoder.encode(plain(table.column(place))))
    return np.hstack(parts)


def spread(known: FloatArray, places: PlaceArray, count: int) -> FloatArray:
    """Rows at some places as rows at all places from 0 (count, width)."""
    order = np.argsort(places, kind="stable")
    return np.column_stack(
        [np.zeros((count, 0))]
        + [
            np.interp(np.arange(count), places[order], column[order])
            for column in known.T
        ]
    )


def truth_of(table: pa.Table, names: Sequence[str]) -> FloatArray:
    """The true values of variables, NULL as NaN (n_rows, n_names)."""
    return np.column_stack([_variable(table, name) for name in names])


def _variable(table: pa.Table, name: str) -> FloatArray:
    place = find_column(table.column_names, name)
    assert place is not None
    column = plain(table.column(place))
    if not is_number(column.type) and not pa.types.is_null(column.type):
        raise secondary_engine(
            f"The endogenous variable '{name}' of type {column.type} is not numeric, "
            "which the forecasting task needs."
        )
    return numbers(column, name)


def _drawn(
    values: FloatArray, places: PlaceArray, count: int, period: int
) -> FloatArray:
    """Values at some places as values at all (count,)."""
    known = ~np.isnan(values)
    if not known.any():
        raise all_null()
    at, seen, everywhere = places[known], values[known], np.arange(count)
    line = np.asarray(np.interp(everywhere, at, seen), dtype=np.float64)
    if len(at) == count or period < 2 or count < 3 * period:
        return line
    window = np.ones(period) / period
    level = np.convolve(np.pad(line, period, mode="reflect"), window, mode="same")
    bends = seen - level[period:-period][at]
    usual = np.zeros(period)
    for phase in range(period):
        of_phase = bends[at % period == phase]
        usual[phase] = np.median(of_phase) if len(of_phase) else 0.0
    straight = np.interp(everywhere, at, seen - usual[at % period])
    filled = straight + usual[everywhere % period]
    filled[at] = seen
    return np.asarray(filled)


def all_null() -> MySQLError:
    return ml_error(
        "ML001051",
        "One or more rows contain all NaN values. Imputation is not possible on such "
        "rows.",
    )


def _raw(feature: Feature, column: pa.Array) -> FloatArray:
    coded = feature.encode(column)
    if not isinstance(feature, Category):
        return coded
    levels = len(feature.levels) + int(feature.null_level)
    return np.asarray(coded == np.arange(levels), dtype=np.float64)


def _recognise(name: str, column: pa.Array) -> Feature | None:
    kind = column.type
    if column.null_count == len(column):
        return None
    if is_number(kind):
        return Numeric(name)
    if pa.types.is_duration(kind):
        return Elapsed(name)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return Moment.fit(name, column)
    if is_text(kind):
        words = pc.count_distinct(column).as_py()
        try:
            numbers(column, name)
        except MySQLError:
            return Category.fit(name, column, 1, MOST_LEVELS)
        # codes such as '0' to '6' are words, long lists of numbers are numbers
        if words <= MOST_LEVELS:
            return Category.fit(name, column, 1, MOST_LEVELS)
        return Numeric(name)
    raise secondary_engine(
        f"The exogenous variable '{name}' has the unsupported type {kind}."
    )
