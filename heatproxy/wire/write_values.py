"""The kernels that write one value: integers, decimals, dates and times.

``write_`` makes text and ``pack_`` the binary protocol's form; each returns the
place after what it wrote, or -1 if MySQL has no such value, and may scribble over
the 16 bytes behind. ``scale`` is the number of digits after the point, or of a
fraction of a second.

Source: MySQL Source Code Documentation, "Binary Protocol Value"; for days and
dates, Cassio Neri and Lorenz Schneider, "Euclidean affine functions and their
application to calendar algorithms".
"""

from heatproxy.wire.digits import (
    MINUS,
    POINT,
    TENS,
    ZERO,
    ZEROS,
    eight_digits,
    four_and_four,
    quotient,
    write_digits,
    write_number,
)
from heatproxy.wire.native import (
    copy_bytes,
    kernel,
    load_i32,
    load_i64,
    load_u8,
    load_u32,
    store_8,
    store_16,
    store_32,
    store_64,
)

COLON, SPACE = 0x3A, 0x20
BILLION = 1_000_000_000
US_PER_SECOND = 1_000_000
US_PER_DAY = 86_400 * US_PER_SECOND
DAYS_TO_1970 = 719_528  # from 0000-01-01
LAST_DAY = 3_652_424  # 9999-12-31, from 0000-01-01
LONGEST_TIME_US = (838 * 3600 + 59 * 60 + 59) * US_PER_SECOND


@kernel
def write_integer(position: int, value: int, unsigned: bool) -> int:
    negative = (value < 0) & (not unsigned)
    store_8(position, MINUS)  # without a branch that no processor foresees
    return write_number(position + negative, -value if negative else value)


@kernel
def write_year(position: int, value: int) -> int:
    if not is_year(value):
        return -1
    if value == 0:
        return write_digits(position, value, 4)
    return write_number(position, value)


@kernel
def is_year(value: int) -> bool:
    """A column holds 1901 to 2155 and 0; YEAR() of a date gives every year."""
    return value <= 9999


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
            store_8(position, MINUS)
            position += low < 0
            low = abs(low)
            if scale == 0:
                return write_number(position, low)
            whole = quotient(low, TENS[scale])
            position = write_number(position, whole)
            store_8(position, POINT)
            rest = low - whole * TENS[scale]
            return write_digits(position + 1, rest, scale)
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
    # nine digits at a time from the right; 5 times hold 128 bits, 9 times 256
    end = scratch + 128
    start = end
    for _ in range(words + 1):
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
def _civil(day: int) -> tuple[int, int]:
    """(year, 100 * month + day) of a day since 0000-01-01.

    The paper's names: a year begins in March; n_2 and n_3 are four times the day of
    the century and a line through the first days of months.
    """
    n_1 = 4 * (day + 146_097 - 60) + 3  # 400 years later, to have none below zero
    century = quotient(n_1, 146_097)
    n_2 = (n_1 - century * 146_097) | 3
    product = n_2 * 2_939_745
    day_of_year = quotient(product & 0xFFFFFFFF, 2_939_745 * 4)
    n_3 = day_of_year * 2141 + 197_913
    is_next_year = day_of_year >= 306
    year = 100 * century + (product >> 32) - 400 + is_next_year
    month = (n_3 >> 16) - 12 * is_next_year
    return year, 100 * month + quotient(n_3 & 0xFFFF, 2141) + 1


@kernel
def write_date(position: int, days: int) -> int:
    """Write a date given in days since 1970-01-01."""
    return _write_day(position, days + DAYS_TO_1970)


@kernel
def _write_day(position: int, day: int) -> int:
    if day < 0 or day > LAST_DAY:
        return -1
    year, month_and_day = _civil(day)
    digits = four_and_four(year, month_and_day) + ZEROS
    dashes = MINUS << 32 | MINUS << 56
    month = digits >> 32 & 0xFFFF
    store_64(position, digits & 0xFFFFFFFF | month << 40 | dashes)
    store_16(position + 8, digits >> 48)
    return position + 10


@kernel
def _write_clock(position: int, value: int, scale: int) -> int:
    """Write microseconds as hours, minutes and seconds, HH:MM:SS.ffffff."""
    seconds = quotient(value, US_PER_SECOND)
    fraction = value - seconds * US_PER_SECOND
    minutes = quotient(seconds, 60)
    seconds -= minutes * 60
    hours = quotient(minutes, 60)
    minutes -= hours * 60
    if hours >= 100:
        store_8(position, ZERO + quotient(hours, 100))
        position += 1
        hours -= quotient(hours, 100) * 100
    digits = four_and_four(hours * 100 + minutes, seconds * 100) + ZEROS
    colons = COLON << 16 | COLON << 40
    middle = digits & 0xFFFF0000
    last = digits >> 32 & 0xFFFF
    store_64(position, digits & 0xFFFF | middle << 8 | last << 48 | colons)
    position += 8
    digits = eight_digits(fraction) >> 16
    if digits >> 8 * scale != 0:
        return -1
    store_8(position, POINT)
    store_64(position + 1, digits + ZEROS)
    return position + scale + (scale > 0)


@kernel
def write_datetime(position: int, value: int, scale: int) -> int:
    """Write a date and time given in microseconds since 1970-01-01."""
    value += DAYS_TO_1970 * US_PER_DAY
    if value < 0:
        return -1
    day = quotient(value, US_PER_DAY)
    position = _write_day(position, day)
    if position < 0:
        return -1
    store_8(position, SPACE)
    return _write_clock(position + 1, value - day * US_PER_DAY, scale)


@kernel
def write_time(position: int, value: int, scale: int) -> int:
    """Write a time given in microseconds."""
    if value < -LONGEST_TIME_US or value > LONGEST_TIME_US:
        return -1
    store_8(position, MINUS)
    return _write_clock(position + (value < 0), abs(value), scale)


@kernel
def pack_date(position: int, days: int) -> int:
    """Pack a date given in days since 1970-01-01."""
    return _pack_day(position, days + DAYS_TO_1970)


@kernel
def _pack_day(position: int, day: int) -> int:
    if day < 0 or day > LAST_DAY:
        return -1
    year, month_and_day = _civil(day)
    month = quotient(month_and_day, 100)
    store_32(position, year | month << 16 | (month_and_day - month * 100) << 24)
    return position + 4


@kernel
def _pack_clock(position: int, value: int, scale: int) -> int:
    """Hours, minutes, seconds and microseconds of a day, without a zero tail."""
    seconds = quotient(value, US_PER_SECOND)
    fraction = value - seconds * US_PER_SECOND
    minutes = quotient(seconds, 60)
    seconds -= minutes * 60
    hours = quotient(minutes, 60)
    minutes -= hours * 60
    if eight_digits(fraction) >> 16 >> 8 * scale != 0:
        return -1
    store_64(position, hours | minutes << 8 | seconds << 16 | fraction << 24)
    return position + 3 + 4 * (fraction > 0)


@kernel
def pack_datetime(position: int, value: int, scale: int) -> int:
    """Pack a date and time given in microseconds since 1970-01-01."""
    value += DAYS_TO_1970 * US_PER_DAY
    if value < 0:
        return -1
    day = quotient(value, US_PER_DAY)
    position = _pack_day(position, day)
    value -= day * US_PER_DAY
    if position < 0 or value == 0:
        return position
    return _pack_clock(position, value, scale)


@kernel
def pack_time(position: int, value: int, scale: int) -> int:
    """Pack a time given in microseconds."""
    if value < -LONGEST_TIME_US or value > LONGEST_TIME_US:
        return -1
    if value == 0:
        return position
    store_8(position, value < 0)
    value = abs(value)
    days = quotient(value, US_PER_DAY)
    store_32(position + 1, days)
    return _pack_clock(position + 5, value - days * US_PER_DAY, scale)
