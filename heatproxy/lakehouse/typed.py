"""Columns of files that name their types: as MySQL types, and fitted to a table's.

Source: HeatWave User Guide, "Parquet Data Type Specifications", "Avro Data Type
Specifications".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.datatypes import Column, MySQLType
from heatproxy.errors import not_supported
from heatproxy.lakehouse.catalogue import LH, Condition, failure
from heatproxy.lakehouse.inference import column_names, string_type

_INTEGERS = {8: "tinyint", 16: "smallint", 32: "int", 64: "bigint"}


@dataclass(slots=True)
class Lengths:
    """The longest value met of each string column, in characters and in bytes."""

    schema: pa.Schema
    longest: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def texts(self) -> list[int]:
        """The places of the string columns."""
        return [k for k, one in enumerate(self.schema) if is_text(one.type)]

    def meet(self, place: int, array: pa.Array) -> None:
        """Take some values of the column at ``place`` into account."""
        plain = array.cast(pa.string())
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
                one.nullable or pa.types.is_floating(one.type),
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


def fitted(
    arrays: Sequence[Any], columns: Sequence[Column], where: str
) -> list[pa.Array]:
    """The arrays in exactly the Arrow types of ``columns``.

    Raises:
        MySQLError: 6041, 6045, 6066, a value that does not fit; ``where`` is its file.
    """
    return [
        _fitted(array, column, k, where)
        for k, (array, column) in enumerate(zip(arrays, columns, strict=True), 1)
    ]


def _fitted(array: Any, column: Column, index: int, where: str) -> pa.Array:
    target = column.type.arrow()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    detail = f" (`{column.name}` {column.type.sql()})"
    try:
        if pa.types.is_time(array.type):
            array = array.cast(pa.time64("us")).cast(pa.int64())
        elif pa.types.is_timestamp(array.type) and array.type.tz:
            array = array.cast(pa.timestamp("us", array.type.tz)).cast(
                pa.timestamp("us")
            )
        array = array.cast(target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as problem:
        name = column.type.name
        raise failure(
            LH.BAD_VALUE, index, where, name, detail=f"{detail}: {problem}"
        ) from None
    if array.null_count and not column.nullable:
        raise failure(LH.COL_NOT_NULLABLE, index, where, detail=detail)
    most = column.type.length
    if most is not None and pa.types.is_string(target):
        longest = pc.max(pc.utf8_length(array)).as_py() or 0
        if longest > most:
            raise failure(LH.STRING_TOO_LONG, index, where, detail=detail)
    return array
