"""What every value of a column has in common, gathered chunk by chunk.

Source: our own reading of the inference rules in the HeatWave User Guide, "Lakehouse
Auto Schema Inference", made lossless.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from heatproxy.lakehouse.numbers import (
    FLOAT,
    HI,
    INT_DIGITS,
    INTEGER,
    LO,
    MOST_POWER,
    NEGATIVE,
    NOT_A_NUMBER,
    PADDED,
    POWER,
    SCALE,
    SIGNED,
    SIGNIFICANT,
    SLOTS,
    scan,
)
from heatproxy.lakehouse.records import Chunk
from heatproxy.lakehouse.temporal import Ops, read_clock, read_default, read_format
from heatproxy.lakehouse.tokens import EMPTY, NULL, Bytes, Ints

# rows of the state of one column; the first five say what it can still be
NUMBER, DATE, DATETIME, CLOCK, EXPONENT = 0, 1, 2, 3, 4
NULLS, VALUES, CHARS, OCTETS = 5, 6, 7, 8
POS_HI, POS_LO, NEG_HI, NEG_LO = 9, 10, 11, 12
WHOLE, FRACTION, SECOND_DIGITS, PRECISE, FRACTIONAL = 13, 14, 15, 16, 17
STATES = 18

State = npt.NDArray[np.int64]


def new_state(columns: int) -> State:
    """Of shape (columns, STATES), before any value was seen."""
    state = np.zeros((columns, STATES), np.int64)
    state[:, [NUMBER, DATE, DATETIME, CLOCK]] = 1
    return state


def measure(state: State, chunk: Chunk, date: Ops, timestamp: Ops, clock: Ops) -> int:
    """Add a chunk to the state; return how many rows had the wrong width.

    Rows of the wrong width are left out, as HeatWave does.
    """
    return int(
        _measure(
            state,
            chunk.buf,
            chunk.rows,
            chunk.columns,
            chunk.starts,
            chunk.lens,
            chunk.flags,
            chunk.found,
            date,
            timestamp,
            clock,
        )
    )


@njit(nogil=True, cache=True)
def _measure(
    state: Any,
    buf: Bytes,
    rows: int,
    columns: int,
    starts: Ints,
    lens: Ints,
    flags: Bytes,
    found: Ints,
    date: Ops,
    timestamp: Ops,
    clock: Ops,
) -> int:
    skipped = 0
    out = np.zeros(SLOTS, np.int64)
    parts = np.zeros(8, np.int64)
    for r in range(rows):
        if found[r] != columns:
            skipped += 1
            continue
        for c in range(columns):
            k = r * columns + c
            s = state[c]
            if flags[k] & (NULL | EMPTY):
                s[NULLS] += 1
                continue
            s[VALUES] += 1
            start, n = starts[k], lens[k]
            s[OCTETS] = max(s[OCTETS], n)
            if n > s[CHARS]:
                chars = 0
                for p in range(start, start + n):
                    if buf[p] & 0xC0 != 0x80:
                        chars += 1
                s[CHARS] = max(s[CHARS], chars)
            if s[NUMBER]:
                kind = scan(buf, start, n, out)
                odd = out[PADDED] or out[SIGNED] or out[POWER] > MOST_POWER
                if kind == NOT_A_NUMBER or odd:
                    s[NUMBER] = 0
                else:
                    s[EXPONENT] |= kind == FLOAT
                    s[FRACTIONAL] |= kind != INTEGER
                    s[WHOLE] = max(s[WHOLE], out[INT_DIGITS])
                    s[FRACTION] = max(s[FRACTION], out[SCALE])
                    s[PRECISE] = max(s[PRECISE], out[SIGNIFICANT])
                    at = NEG_HI if out[NEGATIVE] else POS_HI
                    larger = out[HI] > s[at] or (
                        out[HI] == s[at] and out[LO] > s[at + 1]
                    )
                    if larger:
                        s[at] = out[HI]
                        s[at + 1] = out[LO]
            if s[DATE] or s[DATETIME]:
                form = 0
                if date.shape[0] == 0 or timestamp.shape[0] == 0:
                    form = read_default(buf, start, n, parts, True)
                if s[DATE]:
                    good = form == 1 if date.shape[0] == 0 else False
                    if date.shape[0]:
                        good = read_format(buf, start, n, date, parts)
                    if not good:
                        s[DATE] = 0
                if s[DATETIME]:
                    good = form == 2 if timestamp.shape[0] == 0 else False
                    if timestamp.shape[0]:
                        good = read_format(buf, start, n, timestamp, parts)
                    if good:
                        s[SECOND_DIGITS] = max(s[SECOND_DIGITS], parts[7])
                    else:
                        s[DATETIME] = 0
            if s[CLOCK]:
                if clock.shape[0]:
                    good = read_format(buf, start, n, clock, parts)
                else:
                    good = read_clock(buf, start, n, parts, True)
                if good:
                    s[SECOND_DIGITS] = max(s[SECOND_DIGITS], parts[7])
                else:
                    s[CLOCK] = 0
    return skipped
