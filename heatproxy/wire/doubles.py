"""Floating-point numbers as MySQL writes them.

DOUBLE has the fewest digits that read back as the same number, found as Schubfach
does; FLOAT has at most six. Both are then laid out the way ``my_gcvt`` does.

Source: Raffaello Giulietti, "The Schubfach way to render doubles"; MySQL,
``strings/dtoa.cc``.
"""

import numpy as np

from heatproxy.wire.digits import (
    MINUS,
    POINT,
    TEN_8,
    TEN_16,
    TENS,
    ZERO,
    ZEROS,
    count_digits,
    eight_digits,
    quotient,
    write_number,
)
from heatproxy.wire.native import (
    double_bits,
    high_product,
    kernel,
    leading_zeros,
    signed,
    store_8,
    store_16,
    store_64,
)

EXPONENT = 0x65
LONGEST_PLAIN = 15  # digits before the point, or zeros after it
MOST_DIGITS = 17
NOT_FINITE = 0x7FF  # the exponent of infinities and of what is not a number
ZERO_POINT = POINT << 8 | ZERO

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
def write_double(position: int, value: float) -> int:
    """Write a number; returns the place after it, or -1 if it is not finite."""
    bits = double_bits(value)
    if (bits >> 52) & NOT_FINITE == NOT_FINITE:
        return -1
    digits, exponent = _shortest(bits)
    return _lay_out(position, bits < 0, digits, exponent)


@kernel
def write_float(position: int, value: float) -> int:
    """Write a single-precision number, or return -1 if it is not finite."""
    bits = double_bits(value)
    if (bits >> 52) & NOT_FINITE == NOT_FINITE:
        return -1
    digits, exponent = _six_digits(bits)
    return _lay_out(position, bits < 0, digits, exponent)


@kernel
def _lay_out(position: int, negative: bool, digits: int, exponent: int) -> int:
    """Write digits * 10**exponent."""
    store_8(position, MINUS)
    position += negative
    if digits == 0:
        store_8(position, ZERO)
        return position + 1
    count = count_digits(digits)
    before = count + exponent  # digits before the point
    # seventeen digits with zeros at their end: one, eight and eight
    digits *= TENS[MOST_DIGITS - count]
    first = quotient(digits, TEN_16)
    rest = digits - first * TEN_16
    high = quotient(rest, TEN_8)
    low = eight_digits(rest - high * TEN_8)
    high = eight_digits(high)
    if low != 0:
        count = MOST_DIGITS - (leading_zeros(low) >> 3)
    else:
        count = MOST_DIGITS - 8 - (leading_zeros(high) >> 3)
    first += ZERO
    high += ZEROS
    low += ZEROS
    if before < 1 - LONGEST_PLAIN or (before > LONGEST_PLAIN and count <= before):
        store_16(position, POINT << 8 | first)
        store_64(position + 2, high)
        store_64(position + 10, low)
        position += count + (count > 1)
        store_16(position, MINUS << 8 | EXPONENT)
        position += 1 + (before < 1)
        return write_number(position, abs(before - 1))
    if before <= 0:
        store_64(position, ZEROS + ((POINT - ZERO) << 8))
        store_64(position + 8, ZEROS)
        position += 2 - before
        _store_digits(position, first, high, low)
        return position + count
    if before >= count:
        _store_digits(position, first, high, low)
        return position + before
    # the digits twice: as they are, and one place later behind the point
    left, right = high << 8 | first, low << 8 | high >> 56
    _store_split(position, left, left << 8, before)
    _store_split(position + 8, right, right << 8 | left >> 56, before - 8)
    store_16(position + 16, low >> 48)
    store_8(position + before, POINT)
    return position + count + 1


@kernel
def _store_digits(position: int, first: int, high: int, low: int) -> None:
    store_8(position, first)
    store_64(position + 1, high)
    store_64(position + 9, low)


@kernel
def _store_split(position: int, plain: int, shifted: int, count: int) -> None:
    """Store the first ``count`` bytes of one number and the others of the other."""
    if count >= 8:
        store_64(position, plain)
    elif count <= 0:
        store_64(position, shifted)
    else:
        mask = (1 << 8 * count) - 1
        store_64(position, plain & mask | shifted & ~mask)


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
