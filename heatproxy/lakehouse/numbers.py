"""Numbers in text: what they are, exactly.

A magnitude is a pair (hi, lo) of int64 that stands for hi * 10**18 + lo, so that 36
digits are held without rounding.
"""

from typing import Any

from numba import njit

from heatproxy.lakehouse.tokens import Bytes

WORD = 10**18
NOT_A_NUMBER, INTEGER, DECIMAL, FLOAT = 0, 1, 2, 3
# what ``scan`` fills in
KIND, NEGATIVE, INT_DIGITS, SCALE, HI, LO, PADDED, SIGNED, SIGNIFICANT = range(9)
SLOTS = 9


@njit(nogil=True, cache=True)
def scan(buf: Bytes, start: int, n: int, out: Any) -> int:
    """Classify one value; blanks around it don't count.

    Args:
        out: int64 of shape (SLOTS,); gets kind, negative, digits before the point
            without leading zeros (at least 1), digits after it, the magnitude of
            the part before the point (modulo 10**36), whether leading zeros or a
            plus sign would be lost, and how many significant digits there are.

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
            p += 1
    if p != end:
        return NOT_A_NUMBER
    out[KIND] = kind
    return kind
