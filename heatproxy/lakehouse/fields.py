"""Arrow arrays from the fields of one column, and what can be wrong with a field."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from heatproxy.datatypes import Column
from heatproxy.lakehouse.catalogue import LH
from heatproxy.lakehouse.records import Chunk
from heatproxy.lakehouse.temporal import Ops
from heatproxy.lakehouse.tokens import Bytes, Ints

Status = npt.NDArray[np.uint8]  # a row's: 0 for good
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Flaw:
    """A value that does not fit its column."""

    row: int  # in the chunk
    column: int  # from 0
    error: LH
    warning: LH
    what: str = ""  # the %s of the message, if it has one


@dataclass(frozen=True, slots=True)
class Reader:
    """A column and what it needs to read its fields.

    ``exact`` holds every value to what inference takes for this very type: what it
    would have given another one is a flaw, though the type could take it. ``default``
    gives the value that the column declares, if it does, or refuses to.
    """

    index: int  # of its field in the file's records, from 0
    column: Column
    ops: Ops  # of a date or time format
    exact: bool = False
    default: Callable[[], pa.Scalar] | None = None


def validity(good: Mask) -> pa.Buffer | None:
    return None if good.all() else pa.py_buffer(np.packbits(good, bitorder="little"))


def fixed(values: npt.NDArray[Any], good: Mask, kind: pa.DataType) -> pa.Array:
    rows = len(good)
    buffers = [validity(good), pa.py_buffer(np.ascontiguousarray(values))]
    return pa.Array.from_buffers(kind, rows, buffers)


def gather(chunk: Chunk, column: int, live: Mask, kind: pa.DataType) -> pa.Array:
    offsets = np.empty(chunk.rows + 1, np.int32)
    size = _measure(chunk.lens, chunk.columns, column, live, offsets)
    data = np.empty(size, np.uint8)
    _copy(chunk.buf, chunk.starts, chunk.columns, column, offsets, data)
    buffers = [validity(live), pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(kind, chunk.rows, buffers)


@njit(nogil=True, cache=True)
def _measure(lens: Ints, columns: int, column: int, live: Any, offsets: Ints) -> int:
    """Where each text will begin; their size together."""
    size = 0
    offsets[0] = 0
    for r in range(live.shape[0]):
        if live[r]:
            size += lens[r * columns + column]
        offsets[r + 1] = size
    return size


@njit(nogil=True, cache=True)
def _copy(
    buf: Bytes, starts: Ints, columns: int, column: int, offsets: Ints, data: Bytes
) -> None:
    for r in range(offsets.shape[0] - 1):
        w, p = offsets[r], starts[r * columns + column]
        for i in range(offsets[r + 1] - w):
            data[w + i] = buf[p + i]
