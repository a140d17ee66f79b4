"""Numbers in text: what they are, exactly.

A magnitude is a pair (hi, lo) of int64 that stands for hi * 10**18 + lo, so that 36
digits are held without rounding.
"""

from typing import Any

import numpy as np
from numba import njit

from heatproxy.lakehouse.tokens import Bytes, Ints

WORD = 10**18
NOT_A_NUMBER, INTEGER, DECIMAL, FLOAT = 0, 1, 2, 3
# what ``scan`` fills in
KIND, NEGATIVE, INT_DIGITS, SCALE, HI, LO, PADDED, SIGNED, SIGNIFICANT = range(9)
POWER, SLOTS = 9, 10
# what a field is to its column
GOOD, BAD, ROUNDED, LOW, HIGH, HARD, SLOW = range(7)
SHORT_DIGITS = 18  # what an int64 always holds
MOST_POWER = 270  # of a number that a double keeps, however many digits it has


@njit(nogil=True, cache=True)
def scan(buf: Bytes, start: int, n: int, out: Any) -> int:
    """Classify one value; blanks around it don't count.

    Args:
        out: int64 of shape (SLOTS,); gets kind, negative, digits before the point
            without leading zeros (at least 1), digits after it, the magnitude of
            the part before the point (modulo 10**36), whether leading zeros or a
            plus sign would be lost, how many significant digits there are, and the
            size of the exponent, whatever its sign, up to 9999.

    Returns:
        the kind: 0 no number, 1 integer, 2 decimal, 3 with an exponent.
    """
    for k in range(SLOTS):
        out[k] = 0
    p, end = start, start + n
    while p < end and buf[p] == 32:
        p += 1
    while end > p and buf[end - 1] == 32:
        end -= 1
    if p < end and (buf[p] == 45 or buf[p] == 43):
        out[NEGATIVE] = 1 if buf[p] == 45 else 0
        out[SIGNED] = 1 if buf[p] == 43 else 0
        p += 1
    first = p
    hi, lo, digits = 0, 0, 0
    while p < end and 48 <= buf[p] <= 57:
        d = buf[p] - 48
        if digits or d:
            digits += 1
        carry = lo // (WORD // 10)
        lo = (lo - carry * (WORD // 10)) * 10 + d
        hi = (hi % (WORD // 10)) * 10 + carry
        p += 1
    whole = p - first
    out[PADDED] = 1 if whole > 1 and buf[first] == 48 else 0
    out[HI], out[LO] = hi, lo
    out[INT_DIGITS] = max(digits, 1)
    scale, leading = 0, 0
    kind = INTEGER
    if p < end and buf[p] == 46:
        kind = DECIMAL
        p += 1
        while p < end and 48 <= buf[p] <= 57:
            if digits == 0 and scale == leading and buf[p] == 48:
                leading += 1
            scale += 1
            p += 1
    if whole + scale == 0:
        return NOT_A_NUMBER
    out[SCALE] = scale
    out[SIGNIFICANT] = max(digits + scale - leading, 1)
    if p < end and (buf[p] == 101 or buf[p] == 69):  # e E
        kind = FLOAT
        p += 1
        if p < end and (buf[p] == 45 or buf[p] == 43):
            p += 1
        if p == end:
            return NOT_A_NUMBER
        while p < end and 48 <= buf[p] <= 57:
            out[POWER] = min(out[POWER] * 10 + (buf[p] - 48), 9999)
            p += 1
    if p != end:
        return NOT_A_NUMBER
    out[KIND] = kind
    return kind


@njit(nogil=True, cache=True)
def short_numbers(
    buf: Bytes,
    starts: Ints,
    lens: Ints,
    columns: int,
    column: int,
    live: Any,
    scale: int,
    low: int,
    high: int,
    exact: bool,
    values: Any,
    status: Bytes,
) -> int:
    """Plain numbers of at most 18 digits, scaled; how many rows are left as SLOW."""
    slow = 0
    for r in range(live.shape[0]):
        if not live[r]:
            continue
        k = r * columns + column
        p, n = starts[k], lens[k]
        end = p + n
        negative = False
        if n and buf[p] == 45:
            negative = True
            p += 1
        first, value = p, 0
        while p < end and 48 <= buf[p] <= 57 and p - first <= SHORT_DIGITS:
            value = value * 10 + (buf[p] - 48)
            p += 1
        digits = p - first
        plain = digits > 0 and not (exact and digits > 1 and buf[first] == 48)
        left = scale
        if plain and left and p < end and buf[p] == 46:
            p += 1
            while p < end and left and 48 <= buf[p] <= 57:
                value = value * 10 + (buf[p] - 48)
                left -= 1
                p += 1
        if not plain or p < end or digits + scale > SHORT_DIGITS:
            status[r] = SLOW
            slow += 1
            continue
        for _ in range(left):
            value *= 10
        if negative:
            value = -value
        if value < low:
            status[r] = LOW
            value = low
        elif value > high:
            status[r] = HIGH
            value = high
        values[r] = value
    return slow


@njit(nogil=True, cache=True)
def check_exact(
    buf: Bytes,
    starts: Ints,
    lens: Ints,
    columns: int,
    column: int,
    live: Any,
    scale: int,
    status: Bytes,
) -> None:
    """Mark as BAD what inference would not have given an exact type of that scale."""
    out = np.zeros(SLOTS, np.int64)
    for r in range(live.shape[0]):
        if not live[r]:
            continue
        k = r * columns + column
        kind = scan(buf, starts[k], lens[k], out)
        odd = kind in (NOT_A_NUMBER, FLOAT) or out[PADDED] or out[SIGNED]
        if odd or out[SCALE] > scale or (kind == DECIMAL and scale == 0):
            status[r] = BAD
