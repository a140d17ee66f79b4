"""The kernel that reads binary-protocol rows into the buffers of Arrow columns.

``columns`` is an int64 array (n_columns, 8) that says for each column what its
bytes are and where they go; ``state`` carries counters in and out. The kernel
checks every length against the packet, so bytes that are no row cannot make it
read or write outside its buffers.

Source: MySQL Source Code Documentation, "Binary Protocol Resultset".
"""

import numpy as np
import numpy.typing as npt

from heatproxy.wire.native import (
    copy_bytes,
    kernel,
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

Int64s = npt.NDArray[np.int64]

# What a column's bytes are. FIXED_n are also their width.
NOTHING, FIXED_1, FIXED_2, FIXED_4, FIXED_8 = 0, 1, 2, 4, 8
BYTES, DECIMAL, DATE, DATETIME, TIME = 9, 10, 11, 12, 13

# The fields of ``columns``.
KIND, VALIDITY, VALUES, DATA, CAPACITY, WORDS, PRECISION, SCALE = range(8)
ZEROS = WORDS  # of a DATE or DATETIME: whether there was a date that no calendar has

# The fields of ``state``: in and out; COLUMN and NEEDED belong to GROW and LONG.
ROWS, MAX_ROWS, SIZE, MAX_SIZE, POSITION, ZERO_DATES, COLUMN, NEEDED = range(8)

# Why the kernel returned.
ROW, MORE, FULL, GROW, LONG, END, BROKEN, MISFIT = range(8)

SIGNATURE = "int64(int64[:, ::1], int64[::1], int64, int64, int64)"

MAX_FRAME = 0xFFFFFF
MINUS, POINT, ZERO = 0x2D, 0x2E, 0x30
US_PER_SECOND = 1_000_000
BILLION = 1_000_000_000


@kernel
def parse_rows(
    columns: Int64s, state: Int64s, address: int, size: int, headerless: bool
) -> int:
    """Read packets until they end, the batch is full or a row needs help.

    ``state[POSITION]`` is where the first unread packet begins, in and out. A
    ``headerless`` buffer is one row's payload, joined from several frames.
    """
    position = state[POSITION]
    while True:
        if state[ROWS] >= state[MAX_ROWS] or state[SIZE] >= state[MAX_SIZE]:
            return FULL
        if headerless:
            if position == size:
                return MORE
            start = address
            length = size
        else:
            state[NEEDED] = position + 4
            if size < position + 4:
                return MORE
            length = load_u32(address + position) & MAX_FRAME
            if length == MAX_FRAME:
                return LONG
            state[NEEDED] = position + 4 + length
            if size < position + 4 + length:
                return MORE
            start = address + position + 4
            if length == 0:
                return BROKEN
            if load_u8(start) >= 0xFE:
                return END
        reason = _parse_row(columns, state, start, start + length)
        if reason != ROW:
            return reason
        position = start + length - address
        state[POSITION] = position
        state[ROWS] += 1
        state[SIZE] += length


@kernel
def _parse_row(columns: Int64s, state: Int64s, start: int, end: int) -> int:
    """Read one row; what it wrote counts only when the caller adds it to ROWS."""
    row = state[ROWS]
    zero_dates = 0
    width = columns.shape[0]
    position = start + 1 + ((width + 9) >> 3)
    if position > end or load_u8(start) != 0:
        return BROKEN
    for index in range(width):
        kind = columns[index, KIND]
        values = columns[index, VALUES]
        if load_u8(start + 1 + ((index + 2) >> 3)) >> ((index + 2) & 7) & 1:
            if kind == BYTES:
                store_32(values + 4 * row + 4, load_i32(values + 4 * row))
            continue
        valid = True
        if kind <= FIXED_8:
            if kind == NOTHING or position + kind > end:
                return BROKEN
            if kind == FIXED_4:
                store_32(values + 4 * row, load_u32(position))
            elif kind == FIXED_8:
                store_64(values + 8 * row, load_i64(position))
            elif kind == FIXED_2:
                store_16(values + 2 * row, load_u16(position))
            else:
                store_8(values + row, load_u8(position))
            position += kind
        elif kind <= DECIMAL:
            length, position = _length(position, end)
            if length < 0 or length > end - position:
                return BROKEN
            if kind == BYTES:
                used = load_i32(values + 4 * row)
                if used + length > columns[index, CAPACITY]:
                    state[COLUMN] = index
                    state[NEEDED] = used + length
                    return GROW
                copy_bytes(columns[index, DATA] + used, position, length)
                store_32(values + 4 * row + 4, used + length)
            elif not _decimal(columns[index], row, position, position + length):
                state[COLUMN] = index
                return MISFIT
            position += length
        else:
            if position == end:
                return BROKEN
            length = load_u8(position)
            if position + 1 + length > end or not _is_temporal(kind, length):
                return BROKEN
            if kind == TIME:
                store_64(values + 8 * row, _time(position + 1, length))
            else:
                valid = length > 0 and _is_day(position + 1)
                if not valid:
                    zero_dates += 1
                    columns[index, ZEROS] = 1
                if valid and kind == DATE:
                    store_32(values + 4 * row, _days(position + 1))
                elif valid:
                    store_64(values + 8 * row, _datetime(position + 1, length))
            position += 1 + length
        if valid:
            byte = columns[index, VALIDITY] + (row >> 3)
            store_8(byte, load_u8(byte) | 1 << (row & 7))
    if position != end:
        return BROKEN
    state[ZERO_DATES] += zero_dates
    return ROW


@kernel
def _length(position: int, end: int) -> tuple[int, int]:
    """A length-encoded integer and the place after it; -1 if there is none."""
    if position == end:
        return -1, position
    first = load_u8(position)
    if first < 0xFB:
        return first, position + 1
    if first == 0xFC and position + 3 <= end:
        return load_u16(position + 1), position + 3
    if first == 0xFD and position + 4 <= end:
        return load_u32(position) >> 8, position + 4
    if first == 0xFE and position + 9 <= end and load_u32(position + 5) == 0:
        return load_u32(position + 1), position + 9
    return -1, position


@kernel
def _decimal(column: Int64s, row: int, position: int, end: int) -> bool:
    """Digits to a two's complement number of 32-bit words; False: no such value.

    Digits missing at the scale are zeros, and digits beyond it must be.
    """
    words, scale = column[WORDS], column[SCALE]
    target = column[VALUES] + 4 * words * row
    for word in range(words):
        store_32(target + 4 * word, 0)
    negative = position < end and load_u8(position) == MINUS
    position += negative
    chunk, power, digits, fraction = 0, 1, 0, -1
    if position == end:
        return False
    while True:
        if position < end:
            byte = load_u8(position)
            position += 1
            if byte == POINT and fraction < 0:
                fraction = 0
                continue
            digit = byte - ZERO
            if digit < 0 or digit > 9:
                return False
            if fraction >= 0:
                fraction += 1
                if fraction > scale:
                    if digit:
                        return False
                    fraction = scale
                    continue
        else:
            fraction = max(fraction, 0)
            if fraction == scale:
                break
            digit = 0
            fraction += 1
        digits += digits > 0 or digit > 0
        chunk = chunk * 10 + digit
        power *= 10
        if power == BILLION:
            _multiply_add(target, words, power, chunk)
            chunk, power = 0, 1
    _multiply_add(target, words, power, chunk)
    if negative:
        carry = 1
        for word in range(words):
            carry += load_u32(target + 4 * word) ^ 0xFFFFFFFF
            store_32(target + 4 * word, carry)
            carry >>= 32
    return bool(digits <= column[PRECISION])


@kernel
def _multiply_add(target: int, words: int, factor: int, carry: int) -> None:
    for word in range(words):
        carry += load_u32(target + 4 * word) * factor
        store_32(target + 4 * word, carry)
        carry >>= 32


@kernel
def _is_temporal(kind: int, length: int) -> bool:
    if kind == TIME:
        return length == 0 or length == 8 or length == 12
    if kind == DATE:
        return length == 0 or length == 4
    return length == 0 or length == 4 or length == 7 or length == 11


@kernel
def _is_day(position: int) -> bool:
    """Whether the calendar has it: MySQL also knows 2024-00-00 and 2024-02-31."""
    year = load_u16(position)
    month = load_u8(position + 2)
    day = load_u8(position + 3)
    if month < 1 or month > 12 or day < 1 or day > 31 or year > 9999:
        return False
    if month == 2:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return day <= 28 + leap
    # 31 days: the odd months to July, the even ones from August
    return day <= 30 + ((month + (month >> 3)) & 1)


@kernel
def _days(position: int) -> int:
    """Days since 1970-01-01, counting years from March so that leap days end them."""
    month = load_u8(position + 2)
    year = load_u16(position) - (month <= 2)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + load_u8(position + 3) - 1
    year += 400  # January of the year 0 belongs to the year -1
    leap_days = year // 4 - year // 100 + year // 400
    return year * 365 + leap_days + day_of_year - 719468 - 146097


@kernel
def _clock(position: int) -> int:
    hours = load_u8(position)
    minutes = load_u8(position + 1)
    return hours * 3600 + minutes * 60 + load_u8(position + 2)


@kernel
def _datetime(position: int, length: int) -> int:
    seconds = _days(position) * 86400
    if length > 4:
        seconds += _clock(position + 4)
    microseconds = load_u32(position + 7) if length > 7 else 0
    return seconds * US_PER_SECOND + microseconds


@kernel
def _time(position: int, length: int) -> int:
    if length == 0:
        return 0
    seconds = load_u32(position + 1) * 86400 + _clock(position + 5)
    value = seconds * US_PER_SECOND
    if length > 8:
        value += load_u32(position + 8)
    return -value if load_u8(position) else value
