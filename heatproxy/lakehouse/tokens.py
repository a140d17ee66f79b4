"""Bytes of a CSV file into fields, in one pass of compiled code.

The rules are those of LOAD DATA: delimiters of any length, a quotation mark that
counts only at the start of a field and before a delimiter (a doubled one stands for
itself), an escape character inside and outside quotes, ``\\N`` and the bare word
NULL for NULL. Fields stay where they are in the buffer; only those with escapes or
doubled quotes are rewritten there, in place.

Source: MySQL Reference Manual, "LOAD DATA Statement", Field and Line Handling.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

QUOTED, ESCAPED, NULL, EMPTY, MISSING = 1, 2, 4, 8, 16
OPEN_QUOTE = -1  # in ``found``: the file ended inside a quoted field

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]


@njit(nogil=True, cache=True)
def _at(buf: Bytes, p: int, size: int, mark: Bytes) -> bool:
    """Whether ``mark`` (not empty) stands at ``p``."""
    n = mark.shape[0]
    if n == 0 or p + n > size or buf[p] != mark[0]:
        return False
    for i in range(1, n):  # noqa: SIM110  (compiled code)
        if buf[p + i] != mark[i]:
            return False
    return True


@njit(nogil=True, cache=True)
def _unescape(
    buf: Bytes, start: int, length: int, quote: int, escape: int, quoted: bool
) -> int:
    """Rewrite one field in place; the new length in bytes."""
    end, w, p = start + length, start, start
    while p < end:
        c = buf[p]
        if escape >= 0 and c == escape and p + 1 < end:
            c = buf[p + 1]
            if c == 110:  # n
                c = np.uint8(10)
            elif c == 116:  # t
                c = np.uint8(9)
            elif c == 114:  # r
                c = np.uint8(13)
            elif c == 98:  # b
                c = np.uint8(8)
            elif c == 48:  # 0
                c = np.uint8(0)
            elif c == 90:  # Z
                c = np.uint8(26)
            p += 2
        elif quoted and c == quote and p + 1 < end and buf[p + 1] == quote:
            p += 2
        else:
            p += 1
        buf[w] = c
        w += 1
    return w - start


@njit(nogil=True, cache=True)
def tokenise(
    buf: Bytes,
    size: int,
    final: bool,
    field: Bytes,
    record: Bytes,
    quote: int,
    escape: int,
    trim: bool,
    columns: int,
    starts: Ints,
    lens: Ints,
    flags: Bytes,
    row_at: Ints,
    found: Ints,
) -> Any:
    """Split ``buf[:size]`` into whole records; return (rows, bytes consumed).

    Args:
        final: no more bytes will follow, so the last record needs no delimiter.
        field, record: delimiters; an empty ``field`` makes a record one field.
        quote, escape: a byte, or -1 for none.
        starts, lens, flags: of shape (rows * columns,), row by row; filled in.
        row_at: of shape (rows,), where in ``buf`` each record starts; filled in.
        found: of shape (rows,), how many fields each record has; filled in. Fields
            past ``columns`` are not kept; those that lack are NULL and MISSING.
    """
    special = np.zeros(256, np.uint8)
    if field.shape[0]:
        special[field[0]] = 1
    special[record[0]] = 1
    if escape >= 0:
        special[escape] = 1
    margin = max(field.shape[0], record.shape[0]) + 2
    # past ``safe`` a delimiter could be cut by the end of the buffer
    safe = size if final else size - margin
    capacity = row_at.shape[0]
    pos, row = 0, 0
    while pos < size and row < capacity:
        if columns > 1 and _at(buf, pos, size, record):
            pos += record.shape[0]  # an empty line is no record
            continue
        p, col, base = pos, 0, row * columns
        done, open_quote, cut = False, False, False
        while not done:
            quoted, flag = False, 0
            if trim:
                while p < size and buf[p] == 32:
                    p += 1
            start = p
            end = -1
            if quote >= 0 and p < size and buf[p] == quote:
                quoted = True
                flag = QUOTED
                p += 1
                start = p
                while True:
                    if p >= safe:
                        if final:
                            open_quote = True
                        else:
                            cut = True
                        break
                    c = buf[p]
                    # an escape character that is the quotation mark: doubling
                    if escape >= 0 and c == escape and escape != quote:
                        flag |= ESCAPED
                        p += 2
                        continue
                    if c != quote:
                        p += 1
                        continue
                    if p + 1 < size and buf[p + 1] == quote:
                        flag |= ESCAPED
                        p += 2
                        continue
                    q = p + 1
                    if trim:
                        while q < size and buf[q] == 32:
                            q += 1
                    if q >= safe and not final:
                        cut = True
                        break
                    if (
                        q >= size
                        or _at(buf, q, size, record)
                        or _at(buf, q, size, field)
                    ):
                        end = p
                        p = q
                        break
                    p += 1  # a quotation mark before no delimiter is a character
                if cut or open_quote:
                    break
            # an unquoted field, or what follows a quoted one: find the delimiter
            while True:
                if p >= safe:
                    if not final:
                        cut = True
                    else:
                        p = size
                        done = True
                        if end < 0:
                            end = size
                    break
                if special[buf[p]] == 0:
                    p += 1
                    continue
                if not quoted and escape >= 0 and buf[p] == escape:
                    flag |= ESCAPED
                    p += 2
                    continue
                if _at(buf, p, size, record):
                    if end < 0:
                        end = p
                    p += record.shape[0]
                    done = True
                    break
                if _at(buf, p, size, field):
                    if end < 0:
                        end = p
                    p += field.shape[0]
                    break
                p += 1
            if cut:
                break
            if col < columns:
                if trim and not quoted:
                    while end > start and buf[end - 1] == 32:
                        end -= 1
                starts[base + col] = start
                lens[base + col] = end - start
                flags[base + col] = flag
            col += 1
            if done and final and p >= size and col == columns + 1 and end == start:
                col -= 1  # a field delimiter that closes the last line of the file
        if cut:
            break
        if open_quote:
            row_at[row] = pos
            found[row] = OPEN_QUOTE
            row += 1
            pos = size
            break
        for k in range(base, base + min(col, columns)):
            start, length, flag = starts[k], lens[k], flags[k]
            if length == 0 and not flag & QUOTED:
                flags[k] |= EMPTY
            elif length == 2 and flag & ESCAPED and buf[start] == escape:
                if buf[start + 1] == 78:  # \N
                    flags[k] |= NULL
            elif (
                length == 4
                and quote >= 0
                and not flag & QUOTED
                and buf[start] == 78
                and buf[start + 1] == 85
                and buf[start + 2] == 76
                and buf[start + 3] == 76
            ):
                flags[k] |= NULL
            if flag & ESCAPED and not flags[k] & NULL:
                active = escape if escape != quote or not flag & QUOTED else -1
                lens[k] = _unescape(
                    buf, start, length, quote, active, flag & QUOTED != 0
                )
        for k in range(base + col, base + columns):
            starts[k] = pos
            lens[k] = 0
            flags[k] = NULL | MISSING
        row_at[row] = pos
        found[row] = col
        row += 1
        pos = p
    return row, pos
