"""Values of typed files that become a column's by way of their text.

A string in a column of numbers or moments is read as a field of delimited text is. So
are numbers where MySQL itself goes by digits: a FLOAT becomes the DECIMAL nearest to
what it prints as, and what has more digits than its column is rounded half away from 0.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from heatproxy.datatypes import INTEGERS, TEMPORAL, Column, MySQLType
from heatproxy.lakehouse.convert import convert
from heatproxy.lakehouse.fields import Flaw, Reader
from heatproxy.lakehouse.records import Chunk
from heatproxy.lakehouse.streams import DataFile
from heatproxy.lakehouse.temporal import NO_OPS
from heatproxy.lakehouse.tokens import NULL

_REAL = ("float", "double")
_NUMBERS = (*INTEGERS, *_REAL, "decimal")
_NOWHERE = DataFile(Path(), "", 0)


def is_spelled(kind: pa.DataType, target: MySQLType) -> bool:
    """Whether values of a file's type always go by their text."""
    if _is_textual(kind):
        return target.name in (*_NUMBERS, *TEMPORAL)
    if pa.types.is_floating(kind):
        return target.name == "decimal"
    return pa.types.is_decimal(kind) and target.name in _REAL


def may_be_spelled(kind: pa.DataType, target: MySQLType) -> bool:
    """Whether values that are beyond the type, or finer, go by their text."""
    if pa.types.is_floating(kind):
        return target.name in _REAL
    if pa.types.is_integer(kind):
        return target.name == "decimal"
    return pa.types.is_decimal(kind) and target.name in _NUMBERS


def spelled(array: pa.Array, column: Column) -> tuple[pa.Array, list[Flaw]]:
    """The values in the column's Arrow type, and what is wrong with them by row."""
    if pa.types.is_floating(array.type):
        array = array.cast(pa.float64())
    if not _is_textual(array.type):
        array = array.cast(pa.string())
    elif pa.types.is_large_string(array.type):
        array = array.cast(pa.string())
    elif pa.types.is_large_binary(array.type):
        array = array.cast(pa.binary())
    rows = len(array)
    _, held, data = array.buffers()
    offsets = np.frombuffer(held, np.int32)[array.offset : array.offset + rows + 1]
    buf = np.array(np.frombuffer(data, np.uint8) if data else [], np.uint8)
    is_null = array.is_null().to_numpy(zero_copy_only=False)
    chunk = Chunk(
        file=_NOWHERE,
        buf=buf,
        rows=rows,
        columns=1,
        starts=offsets[:-1].copy(),
        lens=np.diff(offsets),
        flags=np.where(is_null, NULL, 0).astype(np.uint8),
        row_at=np.zeros(rows, np.int32),
        found=np.ones(rows, np.int32),
        base=0,
    )
    return convert(chunk, Reader(0, replace(column, nullable=True), NO_OPS))


def _is_textual(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )
