"""The kernel that writes rows of the binlog into the buffers of Arrow columns.

Fixed numbers, dates and times become Arrow's; text, BLOB and JSON stay the bytes that
they are, ENUM and SET their numbers. The caller's buffers have room for all of it.

Source: MySQL Source Code Documentation, "Table_map_event", and ``my_time.cc``,
``decimal.cc`` for the numbers.
"""

import numpy as np
import numpy.typing as npt

from heatproxy.wire.binlog_plan import (
    DIGITS,
    KIND,
    OUT_DATA,
    OUT_VALIDITY,
    OUT_VALUES,
    PREFIX,
    WIDTH,
    size_of,
)
from heatproxy.wire.native import (
    copy_bytes,
    kernel,
    load_i8,
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

# What a column's bytes are. SKIPPED ones are not held. NUMBER_n are n bytes as they
# are; NUMBER_3 becomes four. CODE becomes 64 bits. BYTES of a fixed width (BIT) have
# no prefix; those of BINARY are filled up to DIGITS bytes with zeros.
(
    SKIPPED,
    NUMBER_1,
    NUMBER_2,
    NUMBER_3,
    NUMBER_4,
    UNSIGNED_3,
    CODE,
    DECIMAL,
    NUMBER_8,
    DATE,
    DATETIME,
    TIMESTAMP,
    TIME,
    YEAR,
    BYTES,
    PADDED,
) = range(16)

SIGNATURE = "int64(int64[::1], int64, int64[:, ::1], int64[::1])"
US_PER_SECOND = 1_000_000
_GROUP_BYTES = np.array([0, 1, 1, 2, 2, 3, 3, 4, 4, 4], np.int64)
_TENS = 10 ** np.arange(10, dtype=np.int64)


@kernel
def write_rows(rows: Int64s, count: int, columns: Int64s, used: Int64s) -> int:
    """Write ``count`` rows; the number of the first column with a date that no
    calendar has, or -1. ``used`` are the bytes of each column's data so far."""
    width = columns.shape[0]
    for row in range(count):
        nulls = rows[row]
        position = nulls + ((width + 7) >> 3)
        for column in range(width):
            kind = columns[column, KIND]
            values = columns[column, OUT_VALUES]
            if load_u8(nulls + (column >> 3)) >> (column & 7) & 1:
                if kind >= BYTES:
                    store_32(values + 4 * row + 4, used[column])
                continue
            size = columns[column, WIDTH]
            prefix = columns[column, PREFIX]
            if prefix:
                size = size_of(position, prefix)
                position += prefix
            if kind == SKIPPED:
                position += size
                continue
            if kind >= BYTES:
                place = used[column]
                data = columns[column, OUT_DATA] + place
                copy_bytes(data, position, size)
                place += size
                if kind == PADDED:
                    for _missing in range(size, columns[column, DIGITS]):
                        store_8(columns[column, OUT_DATA] + place, 0)
                        place += 1
                used[column] = place
                store_32(values + 4 * row + 4, place)
            elif kind == DECIMAL:
                scale = columns[column, DIGITS]
                _decimal(position, scale >> 8, scale & 0xFF, values + 16 * row)
            elif kind == DATE:
                number = load_u16(position) | load_u8(position + 2) << 16
                day, month, year = number & 31, number >> 5 & 15, number >> 9
                if not _is_day(year, month, day):
                    return column
                store_32(values + 4 * row, _days(year, month, day))
            elif kind == DATETIME:
                number = _big(position, 5) - 0x8000000000
                days, clock = number >> 17, number & 0x1FFFF
                months = days >> 5
                if not _is_day(months // 13, months % 13, days & 31):
                    return column
                seconds = _days(months // 13, months % 13, days & 31) * 86400
                seconds += _seconds(clock)
                fraction = _fraction(position + 5, columns[column, DIGITS])
                store_64(values + 8 * row, seconds * US_PER_SECOND + fraction)
            elif kind == TIMESTAMP:
                seconds = _big(position, 4)
                fraction = _fraction(position + 4, columns[column, DIGITS])
                if seconds == 0:
                    return column
                store_64(values + 8 * row, seconds * US_PER_SECOND + fraction)
            elif kind == TIME:
                digits = columns[column, DIGITS]
                store_64(values + 8 * row, _time(position, digits))
            elif kind == YEAR:
                year = load_u8(position)
                store_16(values + 2 * row, year + 1900 * (year > 0))
            elif kind == CODE:
                code = 0
                for byte in range(size):
                    code |= load_u8(position + byte) << 8 * byte
                store_64(values + 8 * row, code)
            elif kind == NUMBER_4:
                store_32(values + 4 * row, load_u32(position))
            elif kind == NUMBER_8:
                store_64(values + 8 * row, load_i64(position))
            elif kind == NUMBER_1:
                store_8(values + row, load_u8(position))
            elif kind == NUMBER_2:
                store_16(values + 2 * row, load_u16(position))
            else:
                high = load_i8(position + 2)
                if kind == UNSIGNED_3:
                    high &= 0xFF
                store_32(values + 4 * row, load_u16(position) + high * 65536)
            position += size
            byte = columns[column, OUT_VALIDITY] + (row >> 3)
            store_8(byte, load_u8(byte) | 1 << (row & 7))
    return -1


@kernel
def _big(position: int, size: int) -> int:
    """A number whose first byte is the highest."""
    number = 0
    for byte in range(size):
        number = number << 8 | load_u8(position + byte)
    return number


@kernel
def _fraction(position: int, digits: int) -> int:
    """Microseconds behind a point with so many digits."""
    size = (digits + 1) >> 1
    number = _big(position, size)
    for _ in range(3 - size):
        number *= 100
    return number * (size > 0)


@kernel
def _seconds(clock: int) -> int:
    """Six bits of seconds, six of minutes, the rest hours."""
    return (clock >> 12) * 3600 + (clock >> 6 & 63) * 60 + (clock & 63)


@kernel
def _time(position: int, digits: int) -> int:
    """Microseconds, negative or over a day."""
    size = (digits + 1) >> 1
    # one number of both parts, less its middle: what is below that is negative
    number = _big(position, 3 + size) - (0x800000 << 8 * size)
    negative = number < 0
    if negative:
        number = -number
    fraction = number & ((1 << 8 * size) - 1)
    for _ in range(3 - size):
        fraction *= 100
    value = _seconds(number >> 8 * size & 0x3FFFFF) * US_PER_SECOND
    value += fraction * (size > 0)
    return -value if negative else value


@kernel
def _is_day(year: int, month: int, day: int) -> bool:
    """Whether the calendar has it: MySQL also knows 2024-00-00 and 2024-02-31."""
    if month < 1 or month > 12 or day < 1 or day > 31 or year > 9999:
        return False
    if month == 2:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return bool(day <= 28 + leap)
    # 31 days: the odd months to July, the even ones from August
    return bool(day <= 30 + ((month + (month >> 3)) & 1))


@kernel
def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01, counting years from March so that leap days end them."""
    year -= month <= 2
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    year += 400  # January of the year 0 belongs to the year -1
    leap_days = year // 4 - year // 100 + year // 400
    return year * 365 + leap_days + day_of_year - 719468 - 146097


@kernel
def _decimal(position: int, precision: int, scale: int, target: int) -> None:
    """Groups of nine digits, the first bit turned, all of them if it is negative."""
    store_64(target, 0)
    store_64(target + 8, 0)
    negative = load_u8(position) < 0x80
    first = True
    for part in range(2):
        digits = scale if part else precision - scale
        odd = digits % 9
        # the digits that are no whole group come first before the point, last behind
        for group in range(digits // 9 + 1):
            is_odd = group == (digits // 9 if part else 0)
            count = odd if is_odd else 9
            size = _GROUP_BYTES[count]
            if size == 0:
                continue
            number = 0
            for byte in range(size):
                value = load_u8(position + byte)
                if first:
                    value ^= 0x80
                    first = False
                if negative:
                    value ^= 0xFF
                number = number << 8 | value
            position += size
            carry = number
            factor = _TENS[count]
            for word in range(4):
                carry += load_u32(target + 4 * word) * factor
                store_32(target + 4 * word, carry & 0xFFFFFFFF)
                carry = (carry >> 32) & 0xFFFFFFFF
    if negative:
        carry = 1
        for word in range(4):
            carry += load_u32(target + 4 * word) ^ 0xFFFFFFFF
            store_32(target + 4 * word, carry)
            carry >>= 32
