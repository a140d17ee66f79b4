"""The kernels that turn numbers into decimal digits, eight at a time.

Eight digits are the bytes of one 64-bit number, the first digit lowest, as they will
stand in memory. What writes them may scribble over the 16 bytes behind the place it
returns: whoever calls it writes from left to right.

Source: Paul Khuong, "How to print integers really fast".
"""

import numpy as np

from heatproxy.wire.native import (
    kernel,
    leading_zeros,
    signed,
    store_64,
    trailing_zeros,
)

MINUS, POINT, ZERO = 0x2D, 0x2E, 0x30
ZEROS = 0x3030303030303030
TENS = 10 ** np.arange(19, dtype=np.int64)
TEN_8, TEN_16 = 10**8, 10**16


@kernel
def quotient(value: int, divisor: int) -> int:
    """The whole part of a division, ``value`` taken as without a sign."""
    return signed(np.uint64(value) // np.uint64(divisor))


@kernel
def four_and_four(left: int, right: int) -> int:
    """The digits, 0 to 9 each, of two numbers below 10000."""
    numbers = left | right << 32
    # a hundredth, then a tenth, by multiplication in all lanes at once
    hundreds = (numbers * 10_486 >> 20) & 0x7F_0000_007F
    pairs = hundreds + ((numbers - hundreds * 100) << 16)
    tens = (pairs * 103 >> 10) & 0xF_000F_000F_000F
    return tens + ((pairs - tens * 10) << 8)


@kernel
def eight_digits(value: int) -> int:
    """The digits, 0 to 9 each, of a number below 10**8."""
    left = quotient(value, 10_000)
    return four_and_four(left, value - left * 10_000)


@kernel
def count_digits(value: int) -> int:
    """Decimal digits of a number from 0 to 10**18; 1 for zero."""
    value |= 1  # which adds no digit
    guess = (64 - leading_zeros(value)) * 1233 >> 12  # times log10(2)
    return guess + int(value >= TENS[guess])


@kernel
def write_number(position: int, value: int) -> int:
    """Write a number from 0 to 2**64 - 1, taken as without a sign."""
    high = quotient(value, TEN_8)
    if high == 0:
        return _write_first(position, value)
    low = value - high * TEN_8
    top = quotient(high, TEN_8)
    if top == 0:
        position = _write_first(position, high)
    else:
        position = _write_first(position, top)
        store_64(position, eight_digits(high - top * TEN_8) + ZEROS)
        position += 8
    store_64(position, eight_digits(low) + ZEROS)
    return position + 8


@kernel
def _write_first(position: int, value: int) -> int:
    """Write a number below 10**8 without the zeros before it."""
    digits = eight_digits(value)
    absent = trailing_zeros(digits | 1 << 56) >> 3
    store_64(position, (digits + ZEROS) >> 8 * absent)
    return position + 8 - absent


@kernel
def write_digits(position: int, value: int, count: int) -> int:
    """Write ``count`` digits, at most 18, of a number that has no more."""
    if count > 8:
        high = quotient(value, TEN_8)
        value -= high * TEN_8
        if count > 16:
            top = quotient(high, TEN_8)
            high -= top * TEN_8
            store_64(position, (eight_digits(top) + ZEROS) >> 8 * (24 - count))
            position += count - 16
            count = 16
        store_64(position, (eight_digits(high) + ZEROS) >> 8 * (16 - count))
        position += count - 8
        count = 8
    if count > 0:
        store_64(position, (eight_digits(value) + ZEROS) >> 8 * (8 - count))
    return position + count
