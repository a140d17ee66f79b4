"""The kernels that write one value: integers, decimals, dates and times.

``write_`` makes text and ``pack_`` the binary protocol's form; each returns the
place after what it wrote, or -1 if MySQL has no such value. ``scale`` is the
number of digits after the point, or of a fraction of a second.

Source: MySQL Source Code Documentation, "Binary Protocol Value"; for days and
dates, Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
"""

import numpy as np

from heatproxy.wire.doubles import (
    MINUS,
    POINT,
    TENS,
    ZERO,
    count_digits,
    write_digits,
)
from heatproxy.wire.native import (
    copy_bytes,
    kernel,
    load_i32,
    load_i64,
    load_u8,
    load_u32,
    signed,
    store_8,
    store_16,
    store_32,
)

COLON, SPACE = 0x3A, 0x20
BILLION = 1_000_000_000
US_PER_SECOND = 1_000_000
US_PER_HOUR = 3600 * US_PER_SECOND
US_PER_DAY = 24 * US_PER_HOUR
FIRST_DAY, LAST_DAY = -719_528, 2_932_896  # 0000-01-01, 9999-12-31 since 1970
LONGEST_TIME_US = (838 * 3600 + 59 * 60 + 59) * US_PER_SECOND


@kernel
def write_integer(position: int, value: int, unsigned: bool) -> int:
    magnitude = np.uint64(value)
    if value < 0 and not unsigned:
        store_8(position, MINUS)
        position += 1
        magnitude = np.uint64(0) - magnitude
    if magnitude < np.uint64(10**18):
        value = signed(magnitude)
        return write_digits(position, value, count_digits(value))
    high = signed(magnitude // np.uint64(BILLION))
    position = write_digits(position, high, count_digits(high))
    return write_digits(position, signed(magnitude % np.uint64(BILLION)), 9)


@kernel
def pad(start: int, end: int, width: int) -> int:
    """Move a text to the right and put zeros before it, as ZEROFILL asks."""
    shift = start + width - end
    if shift <= 0:
        return end
    place = end
    while place > start:
        place -= 1
        store_8(place + shift, load_u8(place))
    for place in range(start, start + shift):
        store_8(place, ZERO)
    return end + shift


@kernel
def write_decimal(
    position: int, source: int, words: int, scale: int, scratch: int
) -> int:
    """Write a two's complement number of ``words`` times 32 bits at ``source``.

    ``scratch`` is the address of 128 free bytes.
    """
    if words == 4 and scale <= 18:
        low = load_i64(source)
        if load_i64(source + 8) == low >> 63 and -TENS[18] < low < TENS[18]:
            if low < 0:
                store_8(position, MINUS)
                position += 1
                low = -low
            whole = low // TENS[scale]
            position = write_digits(position, whole, count_digits(whole))
            if scale > 0:
                store_8(position, POINT)
                rest = low - whole * TENS[scale]
                position = write_digits(position + 1, rest, scale)
            return position
    negative = load_i32(source + 4 * words - 4) < 0
    carry = int(negative)
    for word in range(words):
        limb = load_u32(source + 4 * word)
        if negative:
            carry += limb ^ 0xFFFFFFFF
            limb = carry & 0xFFFFFFFF
            carry >>= 32
        store_32(scratch + 4 * word, limb)
    if negative:
        store_8(position, MINUS)
        position += 1
    # nine digits at a time from the right; nine times nine hold 256 bits
    end = scratch + 128
    start = end
    for _ in range(9):
        rest = 0
        for word in range(words):
            place = scratch + 4 * (words - 1 - word)
            rest = rest << 32 | load_u32(place)
            store_32(place, rest // BILLION)
            rest %= BILLION
        start -= 9
        write_digits(start, rest, 9)
    while start < end - scale - 1 and load_u8(start) == ZERO:
        start += 1
    whole_digits = end - scale - start
    copy_bytes(position, start, whole_digits)
    position += whole_digits
    if scale > 0:
        store_8(position, POINT)
        copy_bytes(position + 1, end - scale, scale)
        position += 1 + scale
    return position


@kernel
def _civil(days: int) -> tuple[int, int, int]:
    """(year, month, day) of days since 1970-01-01, by 400-year eras from March."""
    days += 719_468 + 146_097
    era = days // 146_097
    day = days - era * 146_097
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5 - 1
    month += 3 if month < 10 else -9
    return year + (era - 1) * 400 + (month <= 2), month, day


@kernel
def write_date(position: int, days: int) -> int:
    if days < FIRST_DAY or days > LAST_DAY:
        return -1
    year, month, day = _civil(days)
    position = write_digits(position, year, 4)
    store_8(position, MINUS)
    position = write_digits(position + 1, month, 2)
    store_8(position, MINUS)
    return write_digits(position + 1, day, 2)


@kernel
def _write_clock(position: int, hours: int, value: int, scale: int) -> int:
    """Write hours and what is left of a time (in microseconds) without them."""
    position = write_digits(position, hours, 2 if hours < 100 else 3)
    seconds = value // US_PER_SECOND
    store_8(position, COLON)
    position = write_digits(position + 1, seconds // 60, 2)
    store_8(position, COLON)
    position = write_digits(position + 1, seconds % 60, 2)
    fraction = value - seconds * US_PER_SECOND
    unit = TENS[6 - scale]
    if fraction % unit:
        return -1
    if scale > 0:
        store_8(position, POINT)
        position = write_digits(position + 1, fraction // unit, scale)
    return position


@kernel
def write_datetime(position: int, value: int, scale: int) -> int:
    days = value // US_PER_DAY
    value -= days * US_PER_DAY
    position = write_date(position, days)
    if position < 0:
        return -1
    store_8(position, SPACE)
    hours = value // (US_PER_HOUR)
    value -= hours * US_PER_HOUR
    return _write_clock(position + 1, hours, value, scale)


@kernel
def write_time(position: int, value: int, scale: int) -> int:
    if value < -LONGEST_TIME_US or value > LONGEST_TIME_US:
        return -1
    if value < 0:
        store_8(position, MINUS)
        position += 1
        value = -value
    hours = value // (US_PER_HOUR)
    value -= hours * US_PER_HOUR
    return _write_clock(position, hours, value, scale)


@kernel
def _pack_clock(position: int, value: int, scale: int) -> int:
    """Hours, minutes, seconds and microseconds of a day, without a zero tail."""
    seconds = value // US_PER_SECOND
    fraction = value - seconds * US_PER_SECOND
    if fraction % TENS[6 - scale]:
        return -1
    store_8(position, seconds // 3600)
    store_8(position + 1, seconds // 60 % 60)
    store_8(position + 2, seconds % 60)
    if fraction == 0:
        return position + 3
    store_32(position + 3, fraction)
    return position + 7


@kernel
def pack_datetime(position: int, days: int, value: int, scale: int) -> int:
    if days < FIRST_DAY or days > LAST_DAY:
        return -1
    year, month, day = _civil(days)
    store_16(position, year)
    store_8(position + 2, month)
    store_8(position + 3, day)
    if value == 0:
        return position + 4
    return _pack_clock(position + 4, value, scale)


@kernel
def pack_time(position: int, value: int, scale: int) -> int:
    if value < -LONGEST_TIME_US or value > LONGEST_TIME_US:
        return -1
    if value == 0:
        return position
    store_8(position, value < 0)
    value = abs(value)
    days = value // US_PER_DAY
    store_32(position + 1, days)
    return _pack_clock(position + 5, value - days * US_PER_DAY, scale)
