"""Numbers of a column: integers, decimals, YEAR, FLOAT and DOUBLE.

Exact types are read exactly; a value beyond its type becomes the nearest bound and
a fraction too long is rounded half away from zero, both with a flaw.
"""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from heatproxy.datatypes import INTEGERS, MySQLType
from heatproxy.lakehouse.catalogue import LH
from heatproxy.lakehouse.fields import Flaw, Mask, Reader, Status, fixed, gather
from heatproxy.lakehouse.numbers import (
    BAD,
    DECIMAL,
    FLOAT,
    GOOD,
    HARD,
    HI,
    HIGH,
    LO,
    LOW,
    MOST_POWER,
    NEGATIVE,
    NOT_A_NUMBER,
    PADDED,
    POWER,
    ROUNDED,
    SHORT_DIGITS,
    SIGNED,
    SIGNIFICANT,
    SLOTS,
    SLOW,
    WORD,
    check_exact,
    scan,
    short_numbers,
)
from heatproxy.lakehouse.records import Chunk
from heatproxy.lakehouse.tokens import Bytes, Ints

_TEXT = re.compile(rb"[+-]?(?:\d++(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_ZERO_YEAR = 4  # digits of the one that is 0000: fewer are the year 2000
DOUBLE_DIGITS = 15  # what a double always keeps


def numeric(chunk: Chunk, reader: Reader, live: Mask) -> tuple[pa.Array, list[Flaw]]:
    kind = reader.column.type
    if kind.name in ("float", "double"):
        return _real(chunk, reader, live)
    scale = kind.scale or 0 if kind.name == "decimal" else 0
    low, high = bounds(kind)
    if high >= 10**36 or scale > SHORT_DIGITS:
        return _wide(chunk, reader, live)
    los = np.zeros(chunk.rows, np.int64)
    status = np.zeros(chunk.rows, np.uint8)
    fields = (chunk.buf, chunk.starts, chunk.lens, chunk.columns, reader.index)
    most = np.iinfo(np.int64).max
    slow = short_numbers(
        *fields, live, scale, max(low, -most), min(high, most), reader.exact, los,
        status,
    )  # fmt: skip
    his = None
    if slow:
        his = np.zeros(chunk.rows, np.int64)
        if reader.exact:
            check_exact(*fields, status == SLOW, scale, status)
        left = status == SLOW
        status[left] = GOOD
        _exact(
            *fields, left, scale, 10**scale, -low // WORD, -low % WORD, high // WORD,
            high % WORD, his, los, status,
        )  # fmt: skip
        hard = np.flatnonzero(status == HARD)
        if len(hard):
            _by_hand(chunk, reader.index, hard, scale, low, high, his, los, status)
    if kind.name == "year":
        lens = chunk.lens[reader.index :: chunk.columns]
        _centuries(los, status, live, lens)
    good = live & (status != BAD)
    array = fixed(_as_held(kind, his, los), good, kind.arrow())
    return array, _number_flaws(status, reader.index, kind)


def _as_held(
    kind: MySQLType, his: npt.NDArray[np.int64] | None, los: npt.NDArray[np.int64]
) -> npt.NDArray[Any]:
    """hi * 10**18 + lo in the bytes that Arrow has for the type; no hi: it is 0."""
    if kind.name == "decimal":
        return _int128(his, los)
    if his is not None:
        # two's complement: the low bits are right for negative values too
        unsigned = his.view(np.uint64) * np.uint64(WORD) + los.view(np.uint64)
        los = unsigned.view(np.int64)
    return los.astype(np.dtype(kind.arrow().to_pandas_dtype()))


def _centuries(
    years: npt.NDArray[np.int64], status: Status, live: Mask, lens: Ints
) -> None:
    """MySQL's YEAR: 0 to 69 are 2000 to 2069, 70 to 99 are 1970 to 1999."""
    given = years.copy()
    years[(given >= 0) & (given <= 69) & ((given > 0) | (lens != _ZERO_YEAR))] += 2000
    years[(given >= 70) & (given <= 99)] += 1900
    status[live & (given >= 100) & (given <= 1900)] = BAD


def bounds(kind: MySQLType) -> tuple[int, int]:
    """The least and the greatest unscaled value of an exact type."""
    if kind.name == "decimal":
        high = 10 ** (kind.precision or 10) - 1
        return (0 if kind.unsigned else -high), high
    if kind.name == "year":
        return 0, 2155
    bits = INTEGERS[kind.name]
    if kind.unsigned:
        return 0, (1 << bits) - 1
    return -(1 << bits - 1), (1 << bits - 1) - 1


def _number_flaws(status: Status, index: int, kind: MySQLType) -> list[Flaw]:
    name = kind.name
    if not status.any():
        return []
    codes = {
        BAD: (LH.BAD_VALUE, LH.BAD_VALUE),
        ROUNDED: (LH.BAD_VALUE, LH.WARN_TRUNCATED),
        LOW: (LH.EXCEEDS_MIN, LH.WARN_EXCEEDS_MIN_TRUNCATING),
        HIGH: (LH.EXCEEDS_MAX, LH.WARN_EXCEEDS_MAX_TRUNCATING),
    }
    if name == "decimal":  # MySQL rounds decimals in strict mode too
        codes[ROUNDED] = (LH.WARN_DECIMAL_ROUNDING, LH.WARN_DECIMAL_ROUNDING)
    return [
        Flaw(int(row), index, *codes[int(status[row])], name)
        for row in np.flatnonzero(status)
    ]


@njit(nogil=True, cache=True)
def _exact(
    buf: Bytes,
    starts: Ints,
    lens: Ints,
    columns: int,
    column: int,
    live: Any,
    scale: int,
    unit: int,
    low_hi: int,
    low_lo: int,
    high_hi: int,
    high_lo: int,
    his: Any,
    los: Any,
    status: Status,
) -> None:
    """Integers and decimals up to 36 digits, scaled; (hi, lo) both carry the sign.

    ``unit`` is 10**scale, at most 10**18; the low bound is given as a magnitude.
    """
    out = np.zeros(SLOTS, np.int64)
    for r in range(live.shape[0]):
        if not live[r]:
            continue
        k = r * columns + column
        start, end = starts[k], starts[k] + lens[k]
        kind = scan(buf, start, lens[k], out)
        if kind == NOT_A_NUMBER:
            status[r] = BAD
            continue
        if kind == FLOAT or out[2] > 36 - scale:
            status[r] = HARD
            continue
        # shift the whole part left by ``scale`` digits, then add the fraction
        top = WORD // unit
        hi = out[HI] * unit + out[LO] // top
        lo = (out[LO] % top) * unit
        if kind == DECIMAL:
            p = start
            while buf[p] != 46:
                p += 1
            p += 1
            part, taken = 0, 0
            while p < end and 48 <= buf[p] <= 57 and taken < scale:
                part = part * 10 + (buf[p] - 48)
                taken += 1
                p += 1
            while taken < scale:
                part *= 10
                taken += 1
            lo += part
            up = p < end and 53 <= buf[p] <= 57
            while p < end:
                if 49 <= buf[p] <= 57:
                    status[r] = ROUNDED
                p += 1
            if up:
                lo += 1
                if lo == WORD:
                    hi, lo = hi + 1, 0
        negative = out[NEGATIVE] == 1
        if negative:
            if hi > low_hi or (hi == low_hi and lo > low_lo):
                status[r] = LOW
                hi, lo = low_hi, low_lo
        elif hi > high_hi or (hi == high_hi and lo > high_lo):
            status[r] = HIGH
            hi, lo = high_hi, high_lo
        his[r] = -hi if negative else hi
        los[r] = -lo if negative else lo


def _by_hand(
    chunk: Chunk,
    index: int,
    rows: npt.NDArray[np.int64],
    scale: int,
    low: int,
    high: int,
    his: npt.NDArray[np.int64],
    los: npt.NDArray[np.int64],
    status: Status,
) -> None:
    """Values with exponents or very many digits: rare, one by one."""
    for row in rows:
        value, status[row] = _scaled(chunk, index, int(row), scale, low, high)
        sign = -1 if value < 0 else 1
        his[row], los[row] = (sign * part for part in divmod(abs(value), WORD))


def _scaled(
    chunk: Chunk, index: int, row: int, scale: int, low: int, high: int
) -> tuple[int, int]:
    """(the unscaled value within bounds, its status) of one field."""
    k = row * chunk.columns + index
    raw = chunk.buf[chunk.starts[k] : chunk.starts[k] + chunk.lens[k]].tobytes()
    text = raw.strip(b" ")
    if _TEXT.fullmatch(text) is None:  # Python takes more: 1_0, nan, other digits
        return 0, BAD
    with localcontext() as context:
        context.prec = 400
        try:
            number = Decimal(text.decode())
        except InvalidOperation:  # an exponent beyond all
            return 0, BAD
        if number.adjusted() > 300:
            return (low, LOW) if number < 0 else (high, HIGH)
        exact = number.scaleb(scale)
        value = int(exact.to_integral_value(ROUND_HALF_UP))
    if value < low:
        return low, LOW
    if value > high:
        return high, HIGH
    return value, GOOD if exact == value else ROUNDED


def _int128(
    his: npt.NDArray[np.int64] | None, los: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """hi * 10**18 + lo as two little-endian words, of shape (rows, 2)."""
    words = np.empty((len(los), 2), np.int64)
    if his is None or not his.any():
        words[:, 0], words[:, 1] = los, los >> 63
        return words
    negative = (his < 0) | (los < 0)
    high, low = np.abs(his).view(np.uint64), np.abs(los).view(np.uint64)
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    unit_1, unit_0 = np.uint64(WORD >> 32), np.uint64(WORD & 0xFFFFFFFF)
    h1, h0 = high >> half, high & mask
    bottom = h0 * unit_0
    middle = h1 * unit_0 + (bottom >> half)
    cross = h0 * unit_1 + (middle & mask)
    top = h1 * unit_1 + (middle >> half) + (cross >> half)
    bottom = (cross << half) | (bottom & mask)
    total = bottom + low
    top = top + (total < bottom)
    flipped = ~total + np.uint64(1)
    words[:, 0] = np.where(negative, flipped, total).view(np.int64)
    words[:, 1] = np.where(negative, ~top + (flipped == 0), top).view(np.int64)
    return words


def _wide(chunk: Chunk, reader: Reader, live: Mask) -> tuple[pa.Array, list[Flaw]]:
    """Decimals of more than 36 digits, value by value."""
    kind = reader.column.type
    scale = kind.scale or 0
    low, high = bounds(kind)
    status = np.zeros(chunk.rows, np.uint8)
    values: list[Decimal | None] = [None] * chunk.rows
    if reader.exact:
        check_exact(
            chunk.buf, chunk.starts, chunk.lens, chunk.columns, reader.index, live,
            scale, status,
        )  # fmt: skip
        if status.any():
            return pa.nulls(chunk.rows, kind.arrow()), _number_flaws(
                status, reader.index, kind
            )
    with localcontext() as context:
        context.prec = 100
        for row in np.flatnonzero(live):
            value, status[row] = _scaled(
                chunk, reader.index, int(row), scale, low, high
            )
            if status[row] != BAD:
                values[row] = Decimal(value).scaleb(-scale)
    flaws = _number_flaws(status, reader.index, kind)
    return pa.array(values, kind.arrow()), flaws


def _real(chunk: Chunk, reader: Reader, live: Mask) -> tuple[pa.Array, list[Flaw]]:
    kind = reader.column.type
    status = np.zeros(chunk.rows, np.uint8)
    _check_numbers(
        chunk.buf, chunk.starts, chunk.lens, chunk.columns, reader.index, live,
        reader.exact, status,
    )  # fmt: skip
    texts = gather(chunk, reader.index, live & (status == 0), pa.string())
    values = pc.cast(pc.utf8_trim(texts, " "), pa.float64())
    # out of range reads as infinity, which MySQL does not have
    most = float(np.finfo(np.float32 if kind.name == "float" else np.float64).max)
    numbers = values.to_numpy(zero_copy_only=False)
    high = np.greater(
        numbers, most, where=~np.isnan(numbers), out=np.zeros(len(numbers), bool)
    )
    low_bound = 0.0 if kind.unsigned else -most
    low = np.less(
        numbers, low_bound, where=~np.isnan(numbers), out=np.zeros(len(numbers), bool)
    )
    if high.any() or low.any():
        status[high], status[low] = HIGH, LOW
        numbers = np.where(high, most, np.where(low, low_bound, numbers))
    array = fixed(numbers, live & (status != BAD), pa.float64())
    flaws = _number_flaws(status, reader.index, kind)
    return array.cast(kind.arrow(), safe=False), flaws


@njit(nogil=True, cache=True)
def _check_numbers(
    buf: Bytes,
    starts: Ints,
    lens: Ints,
    columns: int,
    column: int,
    live: Any,
    exact: bool,
    status: Status,
) -> None:
    out = np.zeros(SLOTS, np.int64)
    for r in range(live.shape[0]):
        k = r * columns + column
        if not live[r]:
            continue
        kind = scan(buf, starts[k], lens[k], out)
        odd = out[PADDED] or out[SIGNED] or out[POWER] > MOST_POWER
        odd = odd or out[SIGNIFICANT] > DOUBLE_DIGITS
        if kind == NOT_A_NUMBER or (exact and odd):
            status[r] = BAD
