"""Dates and times in text, in MySQL's default forms or in a given format.

Source: MySQL Reference Manual, "String and Numeric Literals: Date and Time
Literals", and the specifiers of DATE_FORMAT.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from heatproxy.errors import not_supported
from heatproxy.lakehouse.days import epoch_days, month_days
from heatproxy.lakehouse.dialect import AUTO
from heatproxy.lakehouse.tokens import Bytes, Ints

Ops = npt.NDArray[np.int32]
_SHORTHANDS = {"T": "%H:%i:%s", "r": "%h:%i:%s %p"}
NO_OPS: Ops = np.zeros(0, np.int32)  # the default form
_LITERAL = 256
_MONTHS = np.frombuffer(b"janfebmaraprmayjunjulaugsepoctnovdec", np.uint8)
_MONTH_TAILS = np.frombuffer(
    b"uary    ruary   ch      il              e       y       ust     tember  "
    b"ober    ember   ember   ",
    np.uint8,
)


def compile_format(text: str) -> Ops:
    """A MySQL format as numbers for ``read_format``; none for auto and default.

    Raises:
        MySQLError: 1235, a specifier that cannot be read back, such as ``%j``.
    """
    if text.lower() in (AUTO, "default"):
        return NO_OPS
    ops: list[int] = []
    k = 0
    while k < len(text):
        char = text[k]
        if char != "%" or k + 1 == len(text):
            ops += [_LITERAL + byte for byte in char.encode()]
            k += 1
            continue
        spec = text[k + 1]
        k += 2
        if spec in _SHORTHANDS:
            ops += [int(op) for op in compile_format(_SHORTHANDS[spec])]
        elif spec in "YymcdeHkhIlisSfpMb":
            ops.append(ord(spec))
        elif spec == "%":
            ops.append(_LITERAL + ord("%"))
        else:
            raise not_supported(f"the specifier %{spec} in the format '{text}'")
    return np.array(ops, np.int32)


@njit(nogil=True, cache=True)
def _digits(buf: Bytes, p: int, end: int, most: int) -> Any:
    """(value, how many digits) of at most ``most`` digits at ``p``."""
    value, count = 0, 0
    while p + count < end and count < most:
        c = buf[p + count]
        if c < 48 or c > 57:
            break
        value = value * 10 + (c - 48)
        count += 1
    return value, count


@njit(nogil=True, cache=True)
def _fits(parts: Any) -> bool:
    """Whether (year, month, day, hour, minute, second, us) is a moment of MySQL's."""
    return bool(
        1 <= parts[0] <= 9999
        and 1 <= parts[1] <= 12
        and 1 <= parts[2] <= month_days(parts[0], parts[1])
        and parts[3] <= 23
        and parts[4] <= 59
        and parts[5] <= 59
    )


@njit(nogil=True, cache=True)
def read_default(buf: Bytes, start: int, n: int, parts: Any, exact: bool) -> int:
    """Read ``2024-01-31[ 12:34:56[.123456]]``; fill in ``parts``.

    Args:
        parts: int64 of shape (8,): year, month, day, hour, minute, second,
            microsecond, digits of the fraction.
        exact: only the full form with its ISO separators; otherwise as MySQL reads
            a literal: any punctuation, one or two digits, and YYYYMMDD[hhmmss].

    Returns:
        0 if it is no date, 1 for a date, 2 for a date with a time.
    """
    end = start + n
    for k in range(8):
        parts[k] = 0
    if exact and (n < 10 or buf[start + 4] != 45 or buf[start + 7] != 45):
        return 0
    p = start
    parts[0], count = _digits(buf, p, end, 8 if not exact else 4)
    if not exact and count == 8:
        day = parts[0]
        parts[0], parts[1], parts[2] = day // 10000, day // 100 % 100, day % 100
        p += 8
        if p < end:
            clock, count = _digits(buf, p, end, 6)
            if count != 6:
                return 0
            parts[3], parts[4], parts[5] = (
                clock // 10000,
                clock // 100 % 100,
                clock % 100,
            )
            p += 6
            if p != end:
                return 0
            return 2 if _fits(parts) else 0
        return 1 if _fits(parts) else 0
    if count != 4:
        return 0
    p += 4
    for k in (1, 2):
        if p >= end or (buf[p] != 45 and (exact or not _punctuation(buf[p]))):
            return 0
        p += 1
        parts[k], count = _digits(buf, p, end, 2)
        if count == 0 or (exact and count != 2):
            return 0
        p += count
    if p == end:
        return 1 if _fits(parts) else 0
    if buf[p] != 32 and buf[p] != 84:  # blank or T
        return 0
    p += 1
    for k in (3, 4, 5):
        parts[k], count = _digits(buf, p, end, 2)
        if count == 0 or (exact and count != 2):
            return 0
        p += count
        if k < 5:
            if p < end and (buf[p] == 58 or (not exact and _punctuation(buf[p]))):
                p += 1
            elif not exact and k == 4 and p == end:
                return 2 if _fits(parts) else 0  # hh:mm
            else:
                return 0
    if p < end and buf[p] == 46:
        p += 1
        fraction, count = _digits(buf, p, end, 6)
        if count == 0:
            return 0
        p += count
        parts[7] = count
        while count < 6:
            fraction *= 10
            count += 1
        parts[6] = fraction
        if not exact:
            p = _beyond(buf, p, end, parts)
    return 2 if p == end and _fits(parts) else 0


@njit(nogil=True, cache=True)
def _beyond(buf: Bytes, p: int, end: int, parts: Any) -> int:
    """Round the microseconds by the digits behind them; where these end."""
    if p < end and 53 <= buf[p] <= 57:
        parts[6] += 1
    while p < end and 48 <= buf[p] <= 57:
        p += 1
    return p


@njit(nogil=True, cache=True)
def _punctuation(c: int) -> bool:
    return 33 <= c <= 47 or 58 <= c <= 64 or 91 <= c <= 96 or 123 <= c <= 126


@njit(nogil=True, cache=True)
def _lower(c: int) -> int:
    return c + 32 if 65 <= c <= 90 else c


@njit(nogil=True, cache=True)
def read_format(buf: Bytes, start: int, n: int, ops: Ops, parts: Any) -> bool:
    """Read a text that is exactly in the format ``ops``; fill in ``parts``.

    ``parts`` is as in read_default. What the format lacks is 1 for month and day,
    0 for the clock; without a year the date is 0001-01-01, for TIME columns.
    """
    p, end = start, start + n
    for k in range(8):
        parts[k] = 0
    parts[0], parts[1], parts[2] = 1, 1, 1
    afternoon, twelve = -1, False
    for op in ops:
        if op >= _LITERAL:
            if p >= end or buf[p] != op - _LITERAL:
                return False
            p += 1
        elif op in (77, 98):  # %M %b
            if p + 3 > end:
                return False
            found = -1
            for m in range(12):
                if (
                    _lower(buf[p]) == _MONTHS[3 * m]
                    and _lower(buf[p + 1]) == _MONTHS[3 * m + 1]
                    and _lower(buf[p + 2]) == _MONTHS[3 * m + 2]
                ):
                    found = m
            if found < 0:
                return False
            p += 3
            if op == 77:
                for k in range(8):
                    letter = _MONTH_TAILS[8 * found + k]
                    if letter == 32:
                        break
                    if p >= end or _lower(buf[p]) != letter:
                        return False
                    p += 1
            parts[1] = found + 1
        elif op == 112:  # %p
            if p + 2 > end or _lower(buf[p + 1]) != 109:
                return False
            if _lower(buf[p]) == 97:
                afternoon = 0
            elif _lower(buf[p]) == 112:
                afternoon = 1
            else:
                return False
            p += 2
        else:
            most = 4 if op == 89 else 6 if op == 102 else 2
            value, count = _digits(buf, p, end, most)
            if count == 0 or (op == 89 and count != 4) or (op == 121 and count != 2):
                return False
            p += count
            if op == 89:
                parts[0] = value
            elif op == 121:
                parts[0] = 2000 + value if value < 70 else 1900 + value
            elif op in (109, 99):
                parts[1] = value
            elif op in (100, 101):
                parts[2] = value
            elif op in (72, 107):
                parts[3] = value
            elif op in (104, 73, 108):
                if value < 1 or value > 12:
                    return False
                parts[3] = value
                twelve = True
            elif op == 105:
                parts[4] = value
            elif op in (115, 83):
                parts[5] = value
            else:
                parts[7] = count
                while count < 6:
                    value *= 10
                    count += 1
                parts[6] = value
    if afternoon >= 0 and twelve:
        parts[3] = parts[3] % 12 + 12 * afternoon
    return p == end and _fits(parts)


@njit(nogil=True, cache=True)
def read_clock(buf: Bytes, start: int, n: int, parts: Any, exact: bool) -> bool:
    """Read a TIME ``[-]hh:mm:ss[.ffffff]`` up to 838:59:59; fill in ``parts``.

    ``parts`` is as in read_default, its year -1 for a negative time. Without
    ``exact``, ``hh:mm`` is taken too.
    """
    p, end = start, start + n
    for k in range(8):
        parts[k] = 0
    parts[0] = 1
    if p < end and buf[p] == 45:
        parts[0] = -1
        p += 1
    parts[3], count = _digits(buf, p, end, 3)
    if count == 0 or (exact and count < 2):
        return False
    p += count
    for k in (4, 5):
        if p == end and k == 5 and not exact:
            return bool(parts[3] <= 838)
        if p >= end or buf[p] != 58:
            return False
        parts[k], count = _digits(buf, p + 1, end, 2)
        if count == 0 or (exact and count != 2) or parts[k] > 59:
            return False
        p += 1 + count
    if p < end and buf[p] == 46:
        fraction, count = _digits(buf, p + 1, end, 6)
        if count == 0:
            return False
        p += 1 + count
        parts[7] = count
        while count < 6:
            fraction *= 10
            count += 1
        parts[6] = fraction
        if not exact:
            p = _beyond(buf, p, end, parts)
    over = parts[3] > 838 or (
        parts[3] == 838 and parts[4] == 59 and parts[5] == 59 and parts[6] > 0
    )
    return p == end and not over


def moments(
    buf: Bytes,
    starts: Ints,
    lens: Ints,
    rows: int,
    columns: int,
    column: int,
    ops: Ops,
    live: npt.NDArray[np.bool_],
    kind: int,
    digits: int,
    exact: bool = False,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """One column as days (kind 0) or microseconds (kind 1 datetime, 2 time).

    Args:
        live: of shape (rows,), the rows that have a value.
        digits: fraction digits that the column keeps; the rest is rounded.
        exact: take only what inference would have given this type.

    Returns:
        the values of shape (rows,), and their status: 0 good, 1 bad.
    """
    values = np.zeros(rows, np.int64)
    status = np.zeros(rows, np.uint8)
    _moments(
        buf, starts, lens, columns, column, ops, live, kind, digits, exact,
        values, status,
    )  # fmt: skip
    return values, status


@njit(nogil=True, cache=True)
def _moments(
    buf: Bytes,
    starts: Ints,
    lens: Ints,
    columns: int,
    column: int,
    ops: Ops,
    live: Any,
    kind: int,
    digits: int,
    exact: bool,
    values: Any,
    status: Any,
) -> None:
    parts = np.zeros(8, np.int64)
    unit = 10 ** (6 - digits)
    for r in range(values.shape[0]):
        if not live[r]:
            continue
        k = r * columns + column
        start, n = starts[k], lens[k]
        while not exact and n > 0 and buf[start] == 32:
            start += 1
            n -= 1
        while not exact and n > 0 and buf[start + n - 1] == 32:
            n -= 1
        if ops.shape[0]:
            good = read_format(buf, start, n, ops, parts)
        elif kind == 2:
            good = read_clock(buf, start, n, parts, exact)
        else:
            form = read_default(buf, start, n, parts, exact)
            if exact:
                good = form == kind + 1
            else:
                # a date column takes a moment only where its clock says midnight
                clock = parts[3] + parts[4] + parts[5] + parts[6]
                good = form == 1 or (form == 2 and (kind == 1 or clock == 0))
        if not good or (exact and parts[7] > digits):
            status[r] = 1
            continue
        us = (parts[3] * 3600 + parts[4] * 60 + parts[5]) * 1000000 + parts[6]
        us = (us + unit // 2) // unit * unit if unit > 1 else us
        if kind == 0:
            values[r] = epoch_days(parts[0], parts[1], parts[2])
        elif kind == 1:
            days = epoch_days(parts[0], parts[1], parts[2])
            values[r] = days * 86400000000 + us
        else:
            values[r] = -us if parts[0] < 0 else us
