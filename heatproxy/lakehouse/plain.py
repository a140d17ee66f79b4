"""The columns of a chunk whose values are plain, read together in one pass.

Plain are short numbers, texts that are no longer than their column takes, ISO dates
and moments: almost all that files have. A column with any other value is left to
``convert``, which knows what to do with it and what to say of it.

The pass goes over some rows at a time, all columns of them, so that what it reads is
still in the processor's cache when it comes to the next column.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from heatproxy.datatypes import INTEGERS, STRINGS, MySQLType
from heatproxy.lakehouse.days import epoch_days, month_days
from heatproxy.lakehouse.fields import Reader
from heatproxy.lakehouse.numbers import SHORT_DIGITS
from heatproxy.lakehouse.numeric import bounds
from heatproxy.lakehouse.records import Chunk
from heatproxy.lakehouse.tokens import EMPTY, NULL
from heatproxy.wire.native import (
    BLOCK_BYTES,
    address_of,
    copy_block,
    copy_bytes,
    load_i32,
    load_u8,
    store_8,
    store_16,
    store_32,
    store_64,
)

ROWS_AT_ONCE = 512
_TEXT, _NUMBER, _DATE, _MOMENT = range(4)
# what a plan says of a column
_FIELD, _KIND, _WIDTH, _MOST, _SCALE, _LOW, _HIGH, _EXACT, _NULLABLE = range(9)
# where its values go, and what became of it
_VALUES, _OFFSETS, _LIVE, _WRITTEN, _MISSING, _ODD = range(9, 15)
_SLOTS = 15
_NO_VALUE = NULL | EMPTY
_DAY_US = 86_400_000_000

Plan = npt.NDArray[np.int64]


class PlainColumns:
    """Reads the columns of chunks of one file; ``readers`` are known by a number."""

    def __init__(self, readers: Mapping[int, Reader]) -> None:
        planned = {k: _plan(reader) for k, reader in readers.items()}
        self._kinds = {k: readers[k].column.type for k, plan in planned.items() if plan}
        plans = [plan for plan in planned.values() if plan]
        self._plan = np.array(plans, np.int64).reshape(len(plans), _SLOTS)
        self._scratch = np.empty(ROWS_AT_ONCE, np.int64)

    def arrays(self, chunk: Chunk) -> dict[int, pa.Array]:
        """The columns, each of shape (chunk.rows,), that have plain values only."""
        plan, rows, size = self._plan.copy(), chunk.rows, len(chunk.buf)
        if not len(plan):
            return {}
        live = np.empty((len(plan), rows), np.uint8)
        values, offsets = [], []
        for one, marks in zip(plan, live, strict=True):
            is_text = one[_KIND] == _TEXT
            room = min(int(one[_MOST]) * rows, size) if is_text else one[_WIDTH] * rows
            # Arrow's own memory: DuckDB gives it back without waiting for Python
            values.append(pa.allocate_buffer(int(room) + BLOCK_BYTES))
            offsets.append(pa.allocate_buffer(4 * (rows + 1) if is_text else 0))
            one[_VALUES], one[_OFFSETS] = values[-1].address, offsets[-1].address
            one[_LIVE] = address_of(marks)
        _read(
            address_of(chunk.buf), size, address_of(chunk.starts),
            address_of(chunk.lens), address_of(chunk.flags), rows, chunk.columns, plan,
            self._scratch,
        )  # fmt: skip
        made = {}
        for n, (k, kind) in enumerate(self._kinds.items()):
            if plan[n, _ODD]:
                continue
            valid = None
            if plan[n, _MISSING]:
                valid = pa.py_buffer(np.packbits(live[n], bitorder="little"))
            held = values[n].slice(0, int(plan[n, _WRITTEN]))
            buffers = [valid, held]
            if plan[n, _KIND] == _TEXT:
                buffers = [valid, offsets[n], held]
            made[k] = pa.Array.from_buffers(kind.arrow(), rows, buffers)
        return made


def _plan(reader: Reader) -> list[int]:
    """What the compiled code is to know of a column; empty: it can't read it."""
    kind = reader.column.type
    plan = [0] * _SLOTS
    plan[_FIELD], plan[_EXACT] = reader.index, int(reader.exact)
    # what is missing is not NULL where a default is declared
    plan[_NULLABLE] = int(reader.column.nullable and reader.default is None)
    if kind.name == "varchar" or (kind.name in STRINGS and kind.name != "char"):
        most = kind.length or 1 if kind.name == "varchar" else STRINGS[kind.name]
        plan[_KIND], plan[_MOST] = _TEXT, min(most, 2**31 - 1)
        return plan
    if kind.name in ("date", "datetime") and not len(reader.ops):
        is_date = kind.name == "date"
        plan[_KIND], plan[_WIDTH] = (_DATE, 4) if is_date else (_MOMENT, 8)
        return plan
    scale = kind.scale or 0 if kind.name == "decimal" else 0
    if kind.name not in (*INTEGERS, "decimal") or scale > SHORT_DIGITS:
        return []
    width = _width(kind)
    if not width:
        return []
    low, high = bounds(kind)
    most = np.iinfo(np.int64).max
    plan[_KIND], plan[_WIDTH], plan[_SCALE] = _NUMBER, width, scale
    plan[_LOW], plan[_HIGH] = max(low, -most), min(high, most)
    return plan


def _width(kind: MySQLType) -> int:
    """Bytes of a value in Arrow; 0 for decimals too wide."""
    if kind.name == "decimal":
        return 16 if (kind.precision or 10) <= 38 else 0
    return int(kind.arrow().bit_width) // 8


@njit(nogil=True, cache=True, error_model="numpy")
def _read(
    buf: int,
    size: int,
    starts: int,
    lens: int,
    flags: int,
    rows: int,
    columns: int,
    plan: Any,
    scratch: Any,
) -> None:
    """Fill what the plan's columns point to; a column with another value is odd."""
    for n in range(plan.shape[0]):
        if plan[n, _KIND] == _TEXT:
            store_32(plan[n, _OFFSETS], 0)
    for first in range(0, rows, ROWS_AT_ONCE):
        end = min(first + ROWS_AT_ONCE, rows)
        for n in range(plan.shape[0]):
            one = plan[n]
            if one[_ODD]:
                continue
            kind, live, missing = one[_KIND], one[_LIVE], 0
            written, exact, scale = one[_WRITTEN], one[_EXACT] == 1, one[_SCALE]
            for r in range(first, end):
                k = r * columns + one[_FIELD]
                if load_u8(flags + k) & _NO_VALUE:
                    missing += 1
                    store_8(live + r, 0)
                    if kind == _TEXT:
                        store_32(one[_OFFSETS] + 4 * (r + 1), written)
                    else:
                        scratch[r - first] = 0
                    continue
                store_8(live + r, 1)
                start, length = load_i32(starts + 4 * k), load_i32(lens + 4 * k)
                if kind == _TEXT:
                    if length > one[_MOST]:
                        one[_ODD] = 1
                        break
                    to = one[_VALUES] + written
                    if length <= BLOCK_BYTES and start + BLOCK_BYTES <= size:
                        copy_block(to, buf + start)
                    else:
                        copy_bytes(to, buf + start, length)
                    written += length
                    store_32(one[_OFFSETS] + 4 * (r + 1), written)
                    continue
                at = buf + start
                if kind == _NUMBER:
                    good, value = _number(at, length, scale, exact)
                    good = good and one[_LOW] <= value <= one[_HIGH]
                else:
                    good, value = _moment(at, length, kind == _MOMENT)
                if not good:
                    one[_ODD] = 1
                    break
                scratch[r - first] = value
            one[_MISSING] += missing
            if one[_MISSING] and not one[_NULLABLE]:
                one[_ODD] = 1
            if one[_ODD]:
                continue
            if kind != _TEXT:
                _store(one[_VALUES] + written, one[_WIDTH], scratch, end - first)
                written += one[_WIDTH] * (end - first)
            one[_WRITTEN] = written


@njit(nogil=True, cache=True, error_model="numpy")
def _number(at: int, length: int, scale: int, exact: bool) -> Any:
    """(whether it is a plain number, its value times 10**scale)."""
    end, negative = at + length, False
    if length and load_u8(at) == 45:
        negative = True
        at += 1
    first, value = at, 0
    while at < end and at - first < SHORT_DIGITS:
        digit = load_u8(at) - 48
        if digit < 0 or digit > 9:
            break
        value = value * 10 + digit
        at += 1
    digits = at - first
    if not digits or (exact and digits > 1 and load_u8(first) == 48):
        return False, 0
    left = scale
    if digits + scale > SHORT_DIGITS:
        return False, 0
    if left and at < end and load_u8(at) == 46:
        at += 1
        while at < end and left:
            digit = load_u8(at) - 48
            if digit < 0 or digit > 9:
                break
            value = value * 10 + digit
            left -= 1
            at += 1
    if at < end:
        return False, 0
    for _ in range(left):
        value *= 10
    return True, -value if negative else value


@njit(nogil=True, cache=True, error_model="numpy")
def _two(at: int) -> int:
    """The number of two digits; below 0 if they are none."""
    tens, ones = load_u8(at) - 48, load_u8(at + 1) - 48
    if 0 <= tens <= 9 and 0 <= ones <= 9:
        return tens * 10 + ones
    return -10_000


@njit(nogil=True, cache=True, error_model="numpy")
def _moment(at: int, length: int, with_clock: bool) -> Any:
    """(whether it is YYYY-MM-DD [hh:mm:ss], days or microseconds since 1970)."""
    if length != (19 if with_clock else 10):
        return False, 0
    if load_u8(at + 4) != 45 or load_u8(at + 7) != 45:
        return False, 0
    century, year = _two(at), _two(at + 2)
    month, day = _two(at + 5), _two(at + 8)
    if century < 0 or year < 0 or century + year == 0 or not 1 <= month <= 12:
        return False, 0
    year += 100 * century
    if not 1 <= day <= month_days(year, month):
        return False, 0
    days = epoch_days(year, month, day)
    if not with_clock:
        return True, days
    mark = load_u8(at + 10)
    hours, minutes, seconds = _two(at + 11), _two(at + 14), _two(at + 17)
    if (mark != 32 and mark != 84) or load_u8(at + 13) != 58 or load_u8(at + 16) != 58:
        return False, 0
    if not (0 <= hours <= 23 and 0 <= minutes <= 59 and 0 <= seconds <= 59):
        return False, 0
    clock = (hours * 3600 + minutes * 60 + seconds) * 1_000_000
    return True, days * _DAY_US + clock


@njit(nogil=True, cache=True, error_model="numpy")
def _store(at: int, width: int, values: Any, count: int) -> None:
    """The values as little-endian integers of so many bytes."""
    for i in range(count):
        value = values[i]
        if width == 1:
            store_8(at + i, value)
        elif width == 2:
            store_16(at + 2 * i, value)
        elif width == 4:
            store_32(at + 4 * i, value)
        else:
            store_64(at + width * i, value)
            if width == 16:
                store_64(at + 16 * i + 8, value >> 63)
