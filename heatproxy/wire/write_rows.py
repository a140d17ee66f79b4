"""The kernel that writes Arrow columns as the packets of result rows.

It takes a few rows at a time: first the values of each column that must be made
(texts of numbers, dates) are put into slots, column by column, then the rows are
put together from slots, strings and numbers that are copied as they are.

``columns`` is an int64 array (n_columns, 12) that says for each column what its
values are and where; ``state`` carries counters in and out. The caller provides
enough room for the rows it asks for, and SLACK bytes more.

Source: MySQL Source Code Documentation, "Text Resultset", "Binary Protocol
Resultset"; formats checked against what a server sends.
"""

import numpy as np
import numpy.typing as npt

from heatproxy.wire.doubles import NOT_FINITE, write_double, write_float
from heatproxy.wire.native import (
    BLOCK_BYTES,
    copy_block,
    copy_bytes,
    double_bits,
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
    is_year,
    pack_date,
    pack_datetime,
    pack_time,
    pad,
    write_date,
    write_datetime,
    write_decimal,
    write_integer,
    write_time,
    write_year,
)

Int64s = npt.NDArray[np.int64]

# What a column's values are in Arrow. The integers are all below FLOAT.
I8, U8, I16, U16, I32, U32, I64, U64, FLOAT, DOUBLE = range(10)
YEAR, NOTHING, BYTES, DECIMAL, DATE, DATETIME, TIME = range(10, 17)

# How they get into a row: from a slot, as a string, or copied in so many bytes.
SLOT, STRING, COPY_1, COPY_2, COPY_4, COPY_8 = range(6)

# The fields of ``columns``. SCALE is also the digits of a fraction of a second; PAD
# the width to fill with zeros on the left. SLOTS is the address of the slots, STRIDE
# the size of one; TEXT_END the end of the memory that TEXT begins.
KIND, HOW, VALIDITY, VALUES, TEXT, OFFSET = range(6)
SCALE, WORDS, PAD, SLOTS, STRIDE, TEXT_END = range(6, 12)
N_FIELDS = 12

# The fields of ``state``. ROW, SEQUENCE and SIZE go in and out; LENGTH belongs to
# LONG, COLUMN to UNFIT; SCRATCH is the address of 128 free bytes. AT_ONCE says how
# many rows the slots are for, NULLS where their bitmaps of NULLs are.
ROW, END_ROW, SEQUENCE, SIZE, LENGTH, COLUMN, SCRATCH, AT_ONCE, NULLS = range(9)
N_COUNTERS = 9

# Why the kernel returned: LONG, a row needs several frames; UNFIT, no such value.
DONE, LONG, UNFIT = range(3)

SIGNATURE = "int64(int64[:, ::1], int64[::1], int64, boolean)"

SLACK = 64  # bytes that may be scribbled over behind a target, a slot or the bitmaps
SLOT_HEAD = 2  # bytes of a value with its length, then the length
MAX_FRAME = 0xFFFFFF
NULL, LENGTH_16, LENGTH_24, LENGTH_64 = 0xFB, 0xFC, 0xFD, 0xFE


@kernel
def write_rows(columns: Int64s, state: Int64s, target: int, binary: bool) -> int:
    """Write rows ROW to END_ROW at ``target + state[SIZE]``."""
    position = target + state[SIZE]
    sequence_id = state[SEQUENCE]
    reason = DONE
    begin = state[ROW]
    while begin < state[END_ROW] and reason == DONE:
        end = min(begin + state[AT_ONCE], state[END_ROW])
        if not _fill(columns, state, begin, end - begin, binary):
            return UNFIT
        for row in range(begin, end):
            if binary:
                place = _binary_row(columns, state, begin, row, position + 4)
            else:
                place = _text_row(columns, state, begin, row, position + 4)
            length = place - position - 4
            if length >= MAX_FRAME:
                state[ROW] = row
                state[LENGTH] = length
                reason = LONG
                break
            store_32(position, length | sequence_id << 24)
            sequence_id = (sequence_id + 1) & 255
            position = place
        begin = end
    state[SEQUENCE] = sequence_id
    state[SIZE] = position - target
    return reason


@kernel
def _text_row(
    columns: Int64s, state: Int64s, begin: int, row: int, position: int
) -> int:
    """Put one row together; returns the place after it."""
    width = columns.shape[0]
    nulls = state[NULLS] + (row - begin) * ((width + 9) >> 3)
    for number in range(width):
        if columns[number, HOW] == SLOT:
            slot = columns[number, SLOTS] + (row - begin) * columns[number, STRIDE]
            position = _copy_slot(slot, position)
        elif load_u8(nulls + ((number + 2) >> 3)) >> ((number + 2) & 7) & 1:
            store_8(position, NULL)
            position += 1
        else:
            position = _write_bytes(columns, number, row, position)
    return position


@kernel
def _binary_row(
    columns: Int64s, state: Int64s, begin: int, row: int, position: int
) -> int:
    """Put one row together; returns the place after it."""
    width = columns.shape[0]
    size = (width + 9) >> 3
    nulls = state[NULLS] + (row - begin) * size
    store_8(position, 0)
    position += 1
    if size <= 8:
        store_64(position, load_i64(nulls))
    else:
        copy_bytes(position, nulls, size)
    position += size
    for number in range(width):
        how = columns[number, HOW]
        if how == SLOT:
            slot = columns[number, SLOTS] + (row - begin) * columns[number, STRIDE]
            position = _copy_slot(slot, position)
            continue
        known = 1 - (load_u8(nulls + ((number + 2) >> 3)) >> ((number + 2) & 7) & 1)
        if how == STRING:
            if known:
                position = _write_bytes(columns, number, row, position)
            continue
        index = row + columns[number, OFFSET]
        values = columns[number, VALUES]
        if how == COPY_8:
            store_64(position, load_i64(values + 8 * index))
            position += 8 * known
        elif how == COPY_4:
            store_32(position, load_u32(values + 4 * index))
            position += 4 * known
        elif how == COPY_2:
            store_16(position, load_u16(values + 2 * index))
            position += 2 * known
        else:
            store_8(position, load_u8(values + index))
            position += known
    return position


@kernel
def _copy_slot(slot: int, position: int) -> int:
    size = load_u8(slot)
    copy_block(position, slot + 1)
    if size > BLOCK_BYTES:
        rest = size - BLOCK_BYTES
        copy_bytes(position + BLOCK_BYTES, slot + 1 + BLOCK_BYTES, rest)
    return position + size


@kernel
def _write_bytes(columns: Int64s, number: int, row: int, position: int) -> int:
    """Write a length-encoded string."""
    offsets = columns[number, VALUES] + 4 * (row + columns[number, OFFSET])
    begin = load_i32(offsets)
    length = load_i32(offsets + 4) - begin
    source = columns[number, TEXT] + begin
    if length <= BLOCK_BYTES and source + BLOCK_BYTES <= columns[number, TEXT_END]:
        store_8(position, length)
        copy_block(position + 1, source)
        return position + 1 + length
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
    copy_bytes(position, source, length)
    return position + length


@kernel
def _fill(columns: Int64s, state: Int64s, begin: int, count: int, binary: bool) -> bool:
    """Fill the bitmaps and the slots of some rows; False if a value is unfit."""
    width = columns.shape[0]
    size = (width + 9) >> 3
    for place in range(state[NULLS], state[NULLS] + count * size):
        store_8(place, 0)
    for number in range(width):
        column = columns[number]
        nulls = state[NULLS] + ((number + 2) >> 3)
        if column[VALIDITY] != 0 or column[KIND] == NOTHING:
            for row in range(count):
                byte = nulls + row * size
                missing = _is_null(column, begin + row + column[OFFSET])
                store_8(byte, load_u8(byte) | missing << ((number + 2) & 7))
        if column[HOW] == SLOT:
            fits = _fill_slots(column, begin, count, binary, state[SCRATCH])
        else:
            fits = _all_fit(column, begin, count)
        if not fits:
            state[COLUMN] = number
            return False
    return True


@kernel
def _is_null(column: Int64s, index: int) -> int:
    bits = column[VALIDITY]
    if column[KIND] == NOTHING:
        return 1
    return 1 - (load_u8(bits + (index >> 3)) >> (index & 7) & 1)


@kernel
def _fill_slots(
    column: Int64s, begin: int, count: int, binary: bool, scratch: int
) -> bool:
    """Write values of one column into its slots; False if one is unfit."""
    slot = column[SLOTS]
    null = 0 if binary else 1 | NULL << 8
    first = begin + column[OFFSET]
    for index in range(first, first + count):
        start = slot + SLOT_HEAD
        if binary:
            end = _pack_value(column, index, start, scratch)
        else:
            end = _write_value(column, index, start, scratch)
        missing = column[VALIDITY] != 0 and _is_null(column, index)
        if end < 0:
            if not missing:
                return False
            end = start
        if column[PAD]:
            end = pad(start, end, column[PAD])
        length = end - start
        head = (length + 1) | length << 8
        store_16(slot, null if missing else head)
        slot += column[STRIDE]
    return True


@kernel
def _write_value(column: Int64s, index: int, start: int, scratch: int) -> int:
    """Write a value as text; returns the place after it, or -1 if it is unfit."""
    kind, values = column[KIND], column[VALUES]
    if kind < FLOAT:
        value = _load_integer(kind, values, index)
        return write_integer(start, value, kind == U64)
    if kind == DOUBLE:
        return write_double(start, load_f64(values + 8 * index))
    if kind == FLOAT:
        return write_float(start, load_f32(values + 4 * index))
    if kind == DECIMAL:
        return _write_decimal(column, index, start, scratch)
    if kind == DATETIME:
        return write_datetime(start, load_i64(values + 8 * index), column[SCALE])
    if kind == DATE:
        return write_date(start, load_i32(values + 4 * index))
    if kind == TIME:
        return write_time(start, load_i64(values + 8 * index), column[SCALE])
    return write_year(start, load_u16(values + 2 * index))


@kernel
def _pack_value(column: Int64s, index: int, start: int, scratch: int) -> int:
    """Write a value for a binary row, or return -1 if it is unfit."""
    kind, values = column[KIND], column[VALUES]
    if kind == DECIMAL:
        return _write_decimal(column, index, start, scratch)
    if kind == DATETIME:
        return pack_datetime(start, load_i64(values + 8 * index), column[SCALE])
    if kind == DATE:
        return pack_date(start, load_i32(values + 4 * index))
    return pack_time(start, load_i64(values + 8 * index), column[SCALE])


@kernel
def _write_decimal(column: Int64s, index: int, position: int, scratch: int) -> int:
    words = column[WORDS]
    source = column[VALUES] + 4 * words * index
    return write_decimal(position, source, words, column[SCALE], scratch)


@kernel
def _load_integer(kind: int, values: int, index: int) -> int:
    """The value as 64 bits; a U64 beyond 2**63 - 1 comes out negative."""
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
def _all_fit(column: Int64s, begin: int, count: int) -> bool:
    """Whether numbers that are copied as they are exist in MySQL."""
    kind, values = column[KIND], column[VALUES]
    first = begin + column[OFFSET]
    for index in range(first, first + count):
        if kind == DOUBLE:
            bits = double_bits(load_f64(values + 8 * index))
            fits = (bits >> 52) & NOT_FINITE != NOT_FINITE
        elif kind == FLOAT:
            bits = double_bits(load_f32(values + 4 * index))
            fits = (bits >> 52) & NOT_FINITE != NOT_FINITE
        elif kind == YEAR:
            fits = is_year(load_u16(values + 2 * index))
        else:
            return True
        if not fits and (column[VALIDITY] == 0 or not _is_null(column, index)):
            return False
    return True
