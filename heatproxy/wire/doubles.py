"""Floating-point numbers as MySQL writes them.

DOUBLE has the fewest digits that read back as the same number, found as Schubfach
does; FLOAT has at most six. Both are then laid out the way ``my_gcvt`` does.

Source: Raffaello Giulietti, "The Schubfach way to render doubles"; MySQL,
``strings/dtoa.cc``.
"""

import numpy as np

from heatproxy.wire.native import (
    double_bits,
    high_product,
    kernel,
    signed,
    store_8,
    store_16,
)

MINUS, POINT, ZERO, EXPONENT = 0x2D, 0x2E, 0x30, 0x65
LONGEST_PLAIN = 15  # digits before the point, or zeros after it

TENS = 10 ** np.arange(19, dtype=np.int64)
PAIRS = np.frombuffer(b"".join(b"%02d" % n for n in range(100)), np.uint16).copy()

# 10**k for k from -292 to 324: 128 bits, rounded up, the first of them a one.
FIRST_POWER = -292


def _power_bits(k: int) -> int:
    """The 128 leading bits of 10**k, rounded up."""
    if k < 0:
        divisor: int = 10**-k
        return -(-(1 << (divisor.bit_length() + 127)) // divisor)
    power: int = 10**k
    excess = power.bit_length() - 128
    return power << -excess if excess <= 0 else -(-power >> excess)


_ALL_POWERS = [_power_bits(k) for k in range(FIRST_POWER, 325)]
POWERS_HIGH = np.array([power >> 64 for power in _ALL_POWERS], np.uint64)
POWERS_LOW = np.array([power & (1 << 64) - 1 for power in _ALL_POWERS], np.uint64)


@kernel
def count_digits(value: int) -> int:
    """Decimal digits of a number from 0 to 10**18; 1 for zero."""
    count = 1
    while count < 19 and value >= TENS[count]:
        count += 1
    return count


@kernel
def write_digits(position: int, value: int, count: int) -> int:
    """Write the last ``count`` digits of a number >= 0; returns the place after."""
    end = position + count
    rest = np.uint64(value)
    place = end
    while place - position >= 2:
        place -= 2
        quotient = rest // np.uint64(100)
        store_16(place, PAIRS[rest - quotient * np.uint64(100)])
        rest = quotient
    if place > position:
        store_8(position, ZERO + signed(rest % np.uint64(10)))
    return end


@kernel
def write_double(position: int, value: float) -> int:
    """Write a finite number; returns the place after it."""
    digits, exponent = _shortest(double_bits(value))
    return _lay_out(position, double_bits(value) < 0, digits, exponent)


@kernel
def write_float(position: int, value: float) -> int:
    """Write a finite single-precision number; returns the place after it."""
    digits, exponent = _six_digits(double_bits(value))
    return _lay_out(position, double_bits(value) < 0, digits, exponent)


@kernel
def _lay_out(position: int, negative: bool, digits: int, exponent: int) -> int:
    """Write digits * 10**exponent."""
    if negative:
        store_8(position, MINUS)
        position += 1
    if digits == 0:
        return write_digits(position, 0, 1)
    while digits % 10_000 == 0:
        digits //= 10_000
        exponent += 4
    while digits % 10 == 0:
        digits //= 10
        exponent += 1
    count = count_digits(digits)
    before = count + exponent  # digits before the point
    if before < 1 - LONGEST_PLAIN or (before > LONGEST_PLAIN and count <= before):
        position = _write_split(position, digits, count, 1)
        store_8(position, EXPONENT)
        position += 1
        if before < 1:
            store_8(position, MINUS)
            position += 1
        power = abs(before - 1)
        return write_digits(position, power, count_digits(power))
    if before <= 0:
        position = write_digits(position, 0, 1)
        store_8(position, POINT)
        position = write_digits(position + 1, 0, -before)
        return write_digits(position, digits, count)
    if before < count:
        return _write_split(position, digits, count, before)
    position = write_digits(position, digits, count)
    return write_digits(position, 0, before - count)


@kernel
def _write_split(position: int, digits: int, count: int, before: int) -> int:
    """Write ``count`` digits with a point after ``before``, if any are left."""
    after = count - before
    if after == 0:
        return write_digits(position, digits, count)
    position = write_digits(position, digits // TENS[after], before)
    store_8(position, POINT)
    return write_digits(position + 1, digits % TENS[after], after)


@kernel
def _shortest(bits: int) -> tuple[int, int]:
    """(digits, exponent) with the fewest digits that mean this double.

    Names follow the paper, section 9: c and q are the significand and exponent
    in base 2, k the exponent in base 10, vb the value and vbl, vbr the ends of
    the interval that rounds to it, all times four.
    """
    fraction = bits & 0xFFFFFFFFFFFFF
    biased = (bits >> 52) & 0x7FF
    if biased == 0:
        if fraction == 0:
            return 0, 0
        c, q = fraction, -1074
    else:
        c, q = fraction | 1 << 52, biased - 1075
        if -53 < q <= 0 and c & ((1 << -q) - 1) == 0:
            return c >> -q, 0
    lower_is_closer = fraction == 0 and biased > 1
    k = (q * 1262611 - 524031 * lower_is_closer) >> 22
    h = q + ((-k * 1741647) >> 19) + 1
    high = POWERS_HIGH[-k - FIRST_POWER]
    low = POWERS_LOW[-k - FIRST_POWER]
    vbl = _round_to_odd(high, low, (4 * c - 2 + lower_is_closer) << h)
    vb = _round_to_odd(high, low, (4 * c) << h)
    vbr = _round_to_odd(high, low, (4 * c + 2) << h)
    lower = vbl + (c & 1)  # the ends count as inside when c is even
    upper = vbr - (c & 1)
    s = vb >> 2
    if s >= 10:
        tens = s // 10
        below = lower <= 40 * tens
        above = 40 * tens + 40 <= upper
        if below != above:
            return tens + above, k + 1
    below = lower <= 4 * s
    above = 4 * s + 4 <= upper
    if below != above:
        return s + above, k
    middle = 4 * s + 2
    return s + (vb > middle or (vb == middle and s & 1 == 1)), k


@kernel
def _round_to_odd(high: np.uint64, low: np.uint64, number: int) -> int:
    """The high part of a product of 128 and 64 bits, odd if anything was cut off."""
    factor = np.uint64(number)
    carry = high_product(low, factor)
    middle = high * factor + carry
    top = high_product(high, factor) + np.uint64(middle < carry)
    return signed(top | np.uint64(middle > np.uint64(1)))


@kernel
def _six_digits(bits: int) -> tuple[int, int]:
    """(digits, exponent) of a widened single, rounded to six digits, ties to even.

    Sixty-four bits of the power of ten suffice: no single but an exact tie comes
    as close to one as their error (all of them were tried).
    """
    biased = (bits >> 52) & 0x7FF
    if biased == 0:
        return 0, 0
    significand = np.uint64((bits & 0xFFFFFFFFFFFFF | 1 << 52) << 11)
    k = 5 - (((biased - 1023) * 1262611) >> 22)
    while True:
        power = POWERS_HIGH[k - FIRST_POWER]
        product = high_product(significand, power)
        # significand * 2**(biased - 1086) times power * 2**(log2(10**k) - 63)
        shift = 1085 - biased - ((k * 1741647) >> 19)
        digits = signed(product >> np.uint64(shift))
        if digits < 1_000_000:
            break
        k -= 1
    tail = signed(product & np.uint64((1 << shift) - 1)) - (1 << (shift - 1))
    if abs(tail) <= 2:
        digits += digits & 1
    elif tail > 0:
        digits += 1
    return digits, -k
