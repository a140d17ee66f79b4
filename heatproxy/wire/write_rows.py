"""The kernel that writes Arrow columns as the packets of result rows.

``columns`` is an int64 array (n_columns, 8) that says for each column what its
values are and where; ``state`` carries counters in and out. The caller provides
enough room for the rows it asks for.

Source: MySQL Source Code Documentation, "Text Resultset", "Binary Protocol
Resultset"; formats checked against what a server sends.
"""

import numpy as np
import numpy.typing as npt

from heatproxy.wire.doubles import write_digits, write_double, write_float
from heatproxy.wire.native import (
    copy_bytes,
    kernel,
    load_f32,
    load_f64,
    load_i8,
    load_i16,
    load_i32,
    load_i64,
    load_u8,
    load_u16,
    load_u32,
    store_8,
    store_16,
    store_32,
    store_64,
)
from heatproxy.wire.write_values import (
    US_PER_DAY,
    pack_datetime,
    pack_time,
    pad,
    write_date,
    write_datetime,
    write_decimal,
    write_integer,
    write_time,
)

Int64s = npt.NDArray[np.int64]

# What a column's values are in Arrow. The integers are all below FLOAT.
I8, U8, I16, U16, I32, U32, I64, U64, FLOAT, DOUBLE = range(10)
YEAR, NOTHING, BYTES, DECIMAL, DATE, DATETIME, TIME = range(10, 17)

# The fields of ``columns``. SCALE is also the digits of a fraction of a second;
# PAD the width to fill with zeros on the left.
KIND, VALIDITY, VALUES, TEXT, OFFSET, SCALE, WORDS, PAD = range(8)

# The fields of ``state``. ROW, SEQUENCE and SIZE go in and out; LENGTH belongs to
# LONG, COLUMN to UNFIT; SCRATCH is the address of 128 free bytes.
ROW, END_ROW, SEQUENCE, SIZE, LENGTH, COLUMN, SCRATCH = range(7)

# Why the kernel returned: LONG, a row needs several frames; UNFIT, no such value.
DONE, LONG, UNFIT = range(3)

SIGNATURE = "int64(int64[:, ::1], int64[::1], int64, boolean)"

MAX_FRAME = 0xFFFFFF
NULL, LENGTH_16, LENGTH_24, LENGTH_64 = 0xFB, 0xFC, 0xFD, 0xFE


@kernel
def write_rows(columns: Int64s, state: Int64s, target: int, binary: bool) -> int:
    """Write rows ROW to END_ROW at ``target + state[SIZE]``.

    Floating-point numbers must be finite.
    """
    position = target + state[SIZE]
    for row in range(state[ROW], state[END_ROW]):
        if binary:
            end = _binary_row(columns, state, row, position + 4)
        else:
            end = _text_row(columns, state, row, position + 4)
        if end < 0:
            return UNFIT
        length = end - position - 4
        if length >= MAX_FRAME:
            state[ROW] = row
            state[LENGTH] = length
            return LONG
        store_32(position, length | state[SEQUENCE] << 24)
        state[SEQUENCE] = (state[SEQUENCE] + 1) & 255
        position = end
        state[SIZE] = end - target
    return DONE


@kernel
def _is_null(column: Int64s, index: int) -> bool:
    bits = column[VALIDITY]
    return bits != 0 and load_u8(bits + (index >> 3)) >> (index & 7) & 1 == 0


@kernel
def _text_row(columns: Int64s, state: Int64s, row: int, position: int) -> int:
    """Write one row; returns the place after it, or -1 with COLUMN set."""
    for number in range(columns.shape[0]):
        column = columns[number]
        index = row + column[OFFSET]
        kind = column[KIND]
        if kind == NOTHING or _is_null(column, index):
            store_8(position, NULL)
            position += 1
        elif kind == BYTES:
            position = _write_bytes(column, index, position)
        else:
            start = position + 1
            if kind < FLOAT:
                value = _load_integer(column, index)
                end = write_integer(start, value, kind == U64)
            elif kind == FLOAT:
                end = write_float(start, load_f32(column[VALUES] + 4 * index))
            elif kind == DOUBLE:
                end = write_double(start, load_f64(column[VALUES] + 8 * index))
            elif kind == YEAR:
                year = load_u16(column[VALUES] + 2 * index)
                end = write_digits(start, year, 4)
            elif kind == DECIMAL:
                end = _write_decimal(column, index, start, state[SCRATCH])
            elif kind == DATE:
                end = write_date(start, load_i32(column[VALUES] + 4 * index))
            elif kind == DATETIME:
                value = load_i64(column[VALUES] + 8 * index)
                end = write_datetime(start, value, column[SCALE])
            else:
                value = load_i64(column[VALUES] + 8 * index)
                end = write_time(start, value, column[SCALE])
            if end < 0:
                state[COLUMN] = number
                return -1
            end = pad(start, end, column[PAD])
            store_8(position, end - start)
            position = end
    return position


@kernel
def _binary_row(columns: Int64s, state: Int64s, row: int, position: int) -> int:
    """Write one row; returns the place after it, or -1 with COLUMN set."""
    nulls = position + 1
    width = columns.shape[0]
    end = nulls + ((width + 9) >> 3)
    while position < end:
        store_8(position, 0)
        position += 1
    for number in range(width):
        column = columns[number]
        index = row + column[OFFSET]
        kind = column[KIND]
        if kind == NOTHING or _is_null(column, index):
            byte = nulls + ((number + 2) >> 3)
            store_8(byte, load_u8(byte) | 1 << ((number + 2) & 7))
        elif kind == BYTES:
            position = _write_bytes(column, index, position)
        elif kind < DECIMAL:
            values = column[VALUES]
            if kind in (DOUBLE, I64, U64):
                store_64(position, load_i64(values + 8 * index))
                position += 8
            elif kind in (FLOAT, I32, U32):
                store_32(position, load_u32(values + 4 * index))
                position += 4
            elif kind in (I8, U8):
                store_8(position, load_u8(values + index))
                position += 1
            else:
                store_16(position, load_u16(values + 2 * index))
                position += 2
        else:
            start = position + 1
            if kind == DECIMAL:
                end = _write_decimal(column, index, start, state[SCRATCH])
            elif kind == DATE:
                days = load_i32(column[VALUES] + 4 * index)
                end = pack_datetime(start, days, 0, 0)
            elif kind == DATETIME:
                value = load_i64(column[VALUES] + 8 * index)
                days = value // US_PER_DAY
                value -= days * US_PER_DAY
                end = pack_datetime(start, days, value, column[SCALE])
            else:
                value = load_i64(column[VALUES] + 8 * index)
                end = pack_time(start, value, column[SCALE])
            if end < 0:
                state[COLUMN] = number
                return -1
            if kind == DECIMAL:
                end = pad(start, end, column[PAD])
            store_8(position, end - start)
            position = end
    return position


@kernel
def _load_integer(column: Int64s, index: int) -> int:
    """The value as 64 bits; a U64 beyond 2**63 - 1 comes out negative."""
    kind, values = column[KIND], column[VALUES]
    if kind >= I64:
        return load_i64(values + 8 * index)
    if kind == I32:
        return load_i32(values + 4 * index)
    if kind == U32:
        return load_u32(values + 4 * index)
    if kind == I16:
        return load_i16(values + 2 * index)
    if kind == U16:
        return load_u16(values + 2 * index)
    if kind == I8:
        return load_i8(values + index)
    return load_u8(values + index)


@kernel
def _write_bytes(column: Int64s, index: int, position: int) -> int:
    """Write a length-encoded string."""
    begin = load_i32(column[VALUES] + 4 * index)
    length = load_i32(column[VALUES] + 4 * index + 4) - begin
    if length < NULL:
        store_8(position, length)
        position += 1
    elif length <= 0xFFFF:
        store_8(position, LENGTH_16)
        store_16(position + 1, length)
        position += 3
    elif length <= MAX_FRAME:
        store_32(position, LENGTH_24 | length << 8)
        position += 4
    else:
        store_8(position, LENGTH_64)
        store_64(position + 1, length)
        position += 9
    copy_bytes(position, column[TEXT] + begin, length)
    return position + length


@kernel
def _write_decimal(column: Int64s, index: int, position: int, scratch: int) -> int:
    words = column[WORDS]
    source = column[VALUES] + 4 * words * index
    return write_decimal(position, source, words, column[SCALE], scratch)
