"""Columns of files that name their types: as MySQL types, and fitted to a table's.

Source: HeatWave User Guide, "Parquet Data Type Specifications", "Avro Data Type
Specifications".
"""

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.datatypes import Column, MySQLType
from heatproxy.errors import not_supported
from heatproxy.lakehouse.catalogue import LH, Condition, failure, warning
from heatproxy.lakehouse.convert import Unforeseen, with_defaults
from heatproxy.lakehouse.declared import most_octets, require_castable, settled
from heatproxy.lakehouse.defaults import lacking
from heatproxy.lakehouse.dialect import BY_ORDER, Dialect
from heatproxy.lakehouse.inference import column_names, string_type
from heatproxy.lakehouse.layout import Layout, Warn, fields_of
from heatproxy.lakehouse.nearest import (
    Cast,
    bounds,
    microseconds,
    nearest_integers,
    salvaged,
    shortened,
)
from heatproxy.lakehouse.spelled import is_spelled, may_be_spelled, spelled
from heatproxy.lakehouse.streams import DataFile
from heatproxy.lakehouse.unfold import unfolded

_TROUBLE = (pa.ArrowInvalid, pa.ArrowNotImplementedError)
_ERRORS = {  # of strict mode, by the warning of the other
    LH.WARN_EXCEEDS_MIN_TRUNCATING: LH.EXCEEDS_MIN,
    LH.WARN_EXCEEDS_MAX_TRUNCATING: LH.EXCEEDS_MAX,
    LH.WARN_TRUNCATED: LH.BAD_VALUE,
}
_INTEGERS = {8: "tinyint", 16: "smallint", 32: "int", 64: "bigint"}


@dataclass(slots=True)
class Lengths:
    """The longest value met of each string column, in characters and in bytes."""

    schema: pa.Schema
    longest: dict[int, tuple[int, int]] = field(default_factory=dict)
    lacking: set[int] = field(default_factory=set)  # columns NULL in some other file

    def places(
        self, found: pa.Schema, dialect: Dialect, where: str
    ) -> dict[int, int] | None:
        """Where a file has the columns; None: not as the dialect wants them.

        Raises:
            MySQLError: 6062, a column that the file lacks and must not.
        """
        if self.schema.equals(found):
            return {k: k for k in range(len(found))}
        if dialect.match_columns_by == BY_ORDER:
            if len(found) != len(self.schema):
                return None
            places = {k: k for k in range(len(found))}  # whatever their names are
        else:
            fields = fields_of(self.schema.names, dialect, found.names, where)
            places = {k: at for k, at in enumerate(fields) if at is not None}
        self.lacking |= {
            k
            for k in range(len(self.schema))
            if k not in places or found.field(places[k]).nullable
        }
        same = all(
            self.schema.field(k).type == found.field(at).type
            for k, at in places.items()
        )
        return places if same else None

    @property
    def texts(self) -> list[int]:
        """The places of the string columns."""
        return [k for k, one in enumerate(self.schema) if is_text(one.type)]

    def meet(self, place: int, array: pa.Array) -> None:
        """Take some values of the column at ``place`` into account."""
        if pa.types.is_dictionary(array.type):
            array = array.dictionary
        plain = array.cast(pa.large_string())
        chars = pc.max(pc.utf8_length(plain)).as_py() or 0
        octets = pc.max(pc.binary_length(plain)).as_py() or 0
        before = self.longest.get(place, (0, 0))
        self.longest[place] = (max(before[0], chars), max(before[1], octets))

    def columns(self, what: str) -> tuple[tuple[Column, ...], tuple[Condition, ...]]:
        """The table's columns, and warnings of names that cannot be taken.

        Raises:
            MySQLError: 1235, a type that is none of MySQL's; ``what`` names the format.
        """
        names, warnings = column_names(self.schema.names, len(self.schema))
        columns = tuple(
            # NaN becomes NULL, so a float may always be NULL
            Column(
                name,
                _type_of(one, self.longest.get(k, (0, 0)), what),
                one.nullable or k in self.lacking or pa.types.is_floating(one.type),
            )
            for k, (name, one) in enumerate(zip(names, self.schema, strict=True))
        )
        return columns, warnings


def is_text(kind: pa.DataType) -> bool:
    """Whether it is a string, dictionary-encoded or not."""
    while pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _type_of(one: pa.Field, longest: tuple[int, int], what: str) -> MySQLType:
    kind = one.type
    if is_text(kind):
        return string_type(*longest)
    if pa.types.is_boolean(kind):
        return MySQLType("tinyint")
    if pa.types.is_integer(kind):
        unsigned = pa.types.is_unsigned_integer(kind)
        return MySQLType(_INTEGERS[kind.bit_width], unsigned=unsigned)
    if pa.types.is_floating(kind):
        return MySQLType("double" if kind.bit_width == 64 else "float")
    if pa.types.is_decimal(kind) and kind.precision <= 65 and 0 <= kind.scale <= 30:
        return MySQLType("decimal", precision=kind.precision, scale=kind.scale)
    if pa.types.is_date(kind):
        return MySQLType("date")
    if pa.types.is_timestamp(kind):
        digits = {"s": None, "ms": 3}.get(kind.unit, 6)
        return MySQLType("datetime", scale=digits)
    if pa.types.is_time(kind):
        return MySQLType("time", scale={"s": None, "ms": 3}.get(kind.unit, 6))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return MySQLType("longblob")
    raise not_supported(f"{what} column {one.name} of type {kind}")


class Fitter:
    """The columns of one file, in exactly the Arrow types of its table's."""

    def __init__(
        self,
        file: DataFile,
        found: pa.Schema,
        dialect: Dialect,
        layout: Layout,
        strict: bool,
        warn: Warn,
    ) -> None:
        """``strict`` is for files whose item and dialect say nothing.

        Raises:
            MySQLError: 6062, another number of columns, or one that is missing.
        """
        given = (file.is_strict_mode, dialect.is_strict_mode, strict)
        self._strict = next(mode for mode in given if mode is not None)
        self._where, self._layout, self._warn = file.display, layout, warn
        names = [column.name for column in layout.columns]
        self._fields = list(fields_of(names, dialect, found.names, file.display))
        if dialect.match_columns_by == BY_ORDER and len(found) != len(names):
            if len(found) > len(names) or not dialect.allow_missing_columns:
                values = (file.display, len(names), len(found))
                raise failure(LH.COLUMN_MISMATCH_ERR, *values)
            self._fields[len(found) :] = [None] * (len(names) - len(found))
        self._schema = layout.schema()

    @property
    def fields(self) -> list[int]:
        """The file's columns that are needed, in its own order."""
        needed = {self._fields[k] for k in self._layout.loaded}
        return sorted(at for at in needed if at is not None)

    def fit(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The loaded columns of a batch that has all of the file's ``fields``.

        Raises:
            MySQLError: 6041, 6042, 6045, 6066, a value that does not fit, in strict
                mode.
            Unforeseen: the layout is exact, and a text is longer than its sample's.
        """
        places = {at: n for n, at in enumerate(self.fields)}
        arrays = []
        for k in self._layout.loaded:
            at, column = self._fields[k], self._layout.columns[k]
            if at is None:
                rows = batch.num_rows
                arrays.append(
                    lacking(column, k, rows, self._where, self._strict, self._warn)
                )
            else:
                arrays.append(self._fitted(batch.column(places[at]), column, k))
        return pa.record_batch(arrays, schema=self._schema)

    def _fitted(self, array: Any, column: Column, k: int) -> pa.Array:
        target, ordinal = column.type.arrow(), k + 1
        detail = f" (`{column.name}` {column.type.sql()})"
        most = column.type.length
        is_short = most is not None and _is_short(array, most)
        require_castable(array.type, column.type, column.name)
        unit = getattr(array.type, "unit", "us")
        array = self._tried(_plain, array, column, ordinal, pa.timestamp("us"))
        if is_spelled(array.type, column.type):
            array = self._spelled(array, column, ordinal)
        else:
            array = self._cast(array, column, ordinal)
        array = self._settled(array, column, ordinal, unit)
        if array.null_count and not column.nullable:
            code = LH.COL_NOT_NULLABLE
            filled = with_defaults(array)
            if self._strict or filled.null_count:
                raise failure(code, ordinal, self._where, detail=detail)
            said = warning(code, ordinal, self._where, detail=detail)
            self._warn(said, array.null_count)
            array = filled
        if most is not None and not is_short and pa.types.is_string(target):
            array = self._cut(array, most, column, ordinal)
        return self._cut_octets(array, column, ordinal)

    def _spelled(self, array: pa.Array, column: Column, ordinal: int) -> pa.Array:
        """By its text; what is wrong with it is an error or a warning."""
        array, flaws = spelled(array, column)
        name, detail = column.type.name, f" (`{column.name}` {column.type.sql()})"
        wrong = [f.error for f in flaws if f.error is not LH.WARN_DECIMAL_ROUNDING]
        if wrong and self._strict:
            raise failure(wrong[0], ordinal, self._where, name, detail=detail)
        for code, times in Counter(flaw.warning for flaw in flaws).items():
            self._warn(warning(code, ordinal, self._where, name), times)
        return array

    def _settled(
        self, array: pa.Array, column: Column, ordinal: int, unit: str
    ) -> pa.Array:
        """As MySQL keeps it; NULL, in lenient mode, for what it would not take."""
        array, wrong = settled(array, column.type, unit)
        if wrong.any():
            values = (ordinal, self._where, column.type.name)
            if self._strict:
                detail = f" (`{column.name}` {column.type.sql()})"
                raise failure(LH.BAD_VALUE, *values, detail=detail)
            self._warn(warning(LH.BAD_VALUE, *values), int(wrong.sum()))
        return array

    def _cut_octets(self, array: pa.Array, column: Column, ordinal: int) -> pa.Array:
        """Texts and bytes of at most as many bytes as their type has."""
        most = most_octets(column.type)
        if not (pa.types.is_string(array.type) or pa.types.is_binary(array.type)):
            return array
        if (pc.max(pc.binary_length(array)).as_py() or 0) <= most:
            return array
        if self._strict or column.type.name == "json":
            detail = f" (`{column.name}` {column.type.sql()})"
            raise failure(LH.STRING_TOO_LONG, ordinal, self._where, detail=detail)
        array, times = shortened(array, most)
        values = (ordinal, self._where, column.type.name)
        self._warn(warning(LH.WARN_TRUNCATED, *values), times)
        return array

    def _cut(
        self, array: pa.Array, most: int, column: Column, ordinal: int
    ) -> pa.Array:
        """Texts of at most so many characters."""
        if (pc.max(pc.binary_length(array)).as_py() or 0) <= most:
            return array
        long = pc.sum(pc.greater(pc.utf8_length(array), most)).as_py() or 0
        if not long:
            return array
        if self._layout.exact:
            raise Unforeseen
        if self._strict:
            detail = f" (`{column.name}` {column.type.sql()})"
            raise failure(LH.STRING_TOO_LONG, ordinal, self._where, detail=detail)
        values = (ordinal, self._where, column.type.name)
        self._warn(warning(LH.WARN_TRUNCATED, *values), long)
        return pc.utf8_slice_codeunits(array, 0, most)

    def _cast(self, array: pa.Array, column: Column, ordinal: int) -> pa.Array:
        """In the column's Arrow type: what fits, or the nearest number that does."""
        kind = column.type
        try:
            return _cast(array, kind)
        except _TROUBLE:
            if may_be_spelled(array.type, kind):
                return self._spelled(array, column, ordinal)
        if bounds(kind) is None:
            cast = partial(_cast, kind=kind)
            return self._tried(cast, array, column, ordinal, kind.arrow())
        array, told = nearest_integers(array, kind)
        for code, times in told:
            values = (ordinal, self._where, kind.name)
            if self._strict:
                detail = f" (`{column.name}` {kind.sql()})"
                raise failure(_ERRORS[code], *values, detail=detail)
            self._warn(warning(code, *values), times)
        return array

    def _tried(
        self, cast: Cast, array: Any, column: Column, ordinal: int, target: pa.DataType
    ) -> pa.Array:
        """What can be cast; the rest is an error or NULL with a warning."""
        try:
            return cast(array)
        except _TROUBLE as problem:
            values = (ordinal, self._where, column.type.name)
            if self._strict:
                detail = f" (`{column.name}` {column.type.sql()}): {problem}"
                raise failure(LH.BAD_VALUE, *values, detail=detail) from None
            array, bad = salvaged(array, cast, target)
            self._warn(warning(LH.BAD_VALUE, *values), bad)
            return array


def _is_short(array: Any, most: int) -> bool:
    """Whether the dictionary of these texts, if they have one, has none too long."""
    if not pa.types.is_dictionary(array.type):
        return False
    texts = array.dictionary
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        return False
    return (pc.max(pc.binary_length(texts)).as_py() or 0) <= most


def _plain(array: pa.Array) -> pa.Array:
    """Without a dictionary, NaN and zones; TIME is microseconds."""
    if pa.types.is_dictionary(array.type):
        array = unfolded(array)
    if pa.types.is_float16(array.type):
        array = array.cast(pa.float32())
    if pa.types.is_floating(array.type):
        return pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    if getattr(array.type, "unit", "") == "ns":
        array = microseconds(array)
    if pa.types.is_time(array.type):
        return array.cast(pa.time64("us")).cast(pa.int64())
    if pa.types.is_timestamp(array.type) and array.type.tz:
        zoned = array.cast(pa.timestamp("us", array.type.tz))
        return zoned.cast(pa.timestamp("us"))
    return array


def _cast(array: pa.Array, kind: MySQLType) -> pa.Array:
    """In the Arrow type of a MySQL type.

    Raises:
        pa.ArrowInvalid: it cannot hold a value.
    """
    target = kind.arrow()
    if pa.types.is_integer(array.type):
        if pa.types.is_decimal(target):
            array = array.cast(pa.decimal128(20, 0))  # Arrow goes by the widest value
        elif pa.types.is_floating(target):
            return array.cast(target, safe=False)  # to the nearest
    array = array.cast(target)
    _require_range(array, kind)
    return array


def _require_range(array: pa.Array, kind: MySQLType) -> None:
    """Raises ArrowInvalid for values beyond a type that Arrow has no own type for."""
    ends = bounds(kind)
    if kind.name in ("float", "double") and pc.any(pc.is_inf(array)).as_py():
        raise pa.ArrowInvalid("a value is infinite")
    if kind.name != "mediumint" or ends is None:
        return
    found = pc.min_max(array)
    low, high = found["min"].as_py(), found["max"].as_py()
    if low is not None and (low < ends[0] or high > ends[1]):
        raise pa.ArrowInvalid(f"a value is not between {ends[0]} and {ends[1]}")
