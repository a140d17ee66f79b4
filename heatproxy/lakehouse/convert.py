"""One column of a chunk of records into Arrow, exactly as its MySQL type says.

What does not fit is a ``Flaw``: an error for a strict load, otherwise a warning and
the value that MySQL or HeatWave would put there: the nearest bound, the rounded
number, the cut string; NULL for what is no value at all, or, in a NOT NULL column,
0 and the empty string. A field that is not there is the column's declared DEFAULT,
as in LOAD DATA; in a NOT NULL column an empty one is so, too.
"""

from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from heatproxy.datatypes import BYTES, INTEGERS, STRINGS, MySQLType
from heatproxy.errors import not_supported
from heatproxy.lakehouse.catalogue import LH
from heatproxy.lakehouse.documents import documents
from heatproxy.lakehouse.fields import Flaw, Mask, Reader, Status, fixed, gather
from heatproxy.lakehouse.numeric import numeric
from heatproxy.lakehouse.records import Chunk
from heatproxy.lakehouse.temporal import moments
from heatproxy.lakehouse.tokens import EMPTY, MISSING, NULL, QUOTED, Bytes, Ints


class Unforeseen(Exception):
    """A value that inference would not have given its column's type."""


LONG, BLANKS = 1, 2  # a status: the string was cut; only blanks at its end were
# In microseconds: what TIMESTAMP holds, in UTC as the values of files are, and the
# ends of DATETIME, the year 9999, and of TIME, 838:59:59.
EPOCH = (1_000_000, 2**31 * 1_000_000 - 1)
_LAST = {1: 253_402_300_799_999_999, 2: 3_020_399_000_000}


def unreadable(kind: MySQLType) -> bool:
    """Whether a CSV field cannot become this type here."""
    return not (
        kind.name in INTEGERS
        or kind.name in STRINGS
        or kind.name in (*BYTES[:-1], "enum", "json")
        or kind.name
        in (
            "decimal",
            "float",
            "double",
            "date",
            "datetime",
            "timestamp",
            "time",
            "year",
        )
    )


def convert(chunk: Chunk, reader: Reader) -> tuple[pa.Array, list[Flaw]]:
    """The column as Arrow of shape (chunk.rows,), and its flaws in row order.

    Raises:
        Unforeseen: in a reader that is exact, instead of flaws.
        MySQLError: 1235, a type that a CSV field cannot become.
    """
    column, kind = reader.column, reader.column.type
    if unreadable(kind):
        raise not_supported(f"{kind.name.upper()} columns in CSV files")
    textual = kind.name in STRINGS or kind.name in BYTES or kind.name == "enum"
    is_json = kind.name == "json"
    live = np.empty(chunk.rows, np.bool_)
    # a quoted empty field is no number either
    missing, quoted = _look(
        chunk.flags, chunk.lens, chunk.columns, reader.index, not textual, live
    )
    if reader.exact and (quoted or (missing and not column.nullable)):
        raise Unforeseen
    if textual or is_json:
        array, flaws = _strings(chunk, reader, live)
    elif kind.name in ("date", "datetime", "timestamp", "time"):
        array, flaws = _temporal(chunk, reader, live)
    else:
        array, flaws = numeric(chunk, reader, live)
    if reader.exact and flaws:
        raise Unforeseen
    flags = chunk.flags[reader.index :: chunk.columns]
    if missing and reader.default is not None:
        lacking = (flags & MISSING) != 0
        if lacking.any():
            array = pc.if_else(pa.array(lacking), reader.default(), array)
            flags = np.where(lacking, 0, flags).astype(np.uint8)
            live |= lacking
    if not column.nullable and (missing or array.null_count):
        blank = ~live & ((flags & NULL) == 0)
        flaws += _required(flags, blank, reader.index, textual)
        if reader.default is not None and not textual and blank.any():
            array = pc.if_else(pa.array(blank), reader.default(), array)
        array = pc.fill_null(array, "null") if is_json else with_defaults(array)
    flaws.sort(key=lambda flaw: flaw.row)
    return array, flaws


@njit(nogil=True, cache=True)
def _look(
    flags: Bytes, lens: Ints, columns: int, column: int, strictly: bool, live: Any
) -> Any:
    """Which rows have a value; how many have none, and how many of these are quoted.

    ``strictly``: a quoted empty field is none.
    """
    missing, quoted = 0, 0
    for r in range(live.shape[0]):
        k = r * columns + column
        flag = flags[k]
        live[r] = flag & (NULL | EMPTY) == 0
        if live[r] and strictly and lens[k] == 0 and flag & QUOTED:
            live[r] = False
            quoted += 1
        if not live[r]:
            missing += 1
    return missing, quoted


def has_values(chunk: Chunk, reader: Reader) -> bool:
    """Whether the column has one that is not NULL."""
    flags = chunk.flags[reader.index :: chunk.columns]
    return bool(((flags & (NULL | EMPTY)) == 0).any())


def _required(
    flags: npt.NDArray[np.uint8],
    blank: Mask,
    index: int,
    textual: bool,
) -> list[Flaw]:
    """The flaws of a NOT NULL column; an empty string is a fine string."""
    flaws = []
    for row in np.flatnonzero(((flags & NULL) != 0) | blank):
        if blank[row]:
            if not textual:
                flaws.append(
                    Flaw(int(row), index, LH.COL_IS_EMPTY, LH.COL_IS_EMPTY_WARN)
                )
        elif flags[row] & MISSING:
            code = LH.WARN_COL_MISSING_NOT_NULLABLE
            flaws.append(Flaw(int(row), index, code, code))
        else:
            code = LH.COL_NOT_NULLABLE
            flaws.append(Flaw(int(row), index, code, code))
    return flaws


def with_defaults(array: pa.Array) -> pa.Array:
    """0 or the empty string for NULL; dates have no default that Arrow can hold."""
    if pa.types.is_temporal(array.type) and not pa.types.is_duration(array.type):
        return array
    if pa.types.is_string(array.type) or pa.types.is_binary(array.type):
        empty: object = "" if pa.types.is_string(array.type) else b""
    else:
        empty = 0
    return pc.fill_null(array, zero(array.type) if empty == 0 else empty)


def zero(kind: pa.DataType) -> pa.Scalar:
    """0; Arrow casts none to decimals of few digits."""
    return pa.scalar(Decimal(0) if pa.types.is_decimal(kind) else 0, kind)


def _temporal(chunk: Chunk, reader: Reader, live: Mask) -> tuple[pa.Array, list[Flaw]]:
    kind = reader.column.type
    form = {"date": 0, "time": 2}.get(kind.name, 1)
    values, status = moments(
        chunk.buf,
        chunk.starts,
        chunk.lens,
        chunk.rows,
        chunk.columns,
        reader.index,
        reader.ops,
        live,
        form,
        kind.scale or 0,
        reader.exact,
    )
    if form:  # rounding may have left the range that there is
        status = np.where(np.abs(values) <= _LAST[form], status, 1)
    if kind.name == "timestamp":
        first, last = EPOCH
        inside = (values >= first) & (values <= last)
        status = np.where(inside | ~live, status, 1)
    kept = values.astype(np.int32) if form == 0 else values
    array = fixed(kept, live & (status == 0), kind.arrow())
    flaws = [
        Flaw(int(row), reader.index, LH.DATETIME_FORMAT, LH.DATETIME_FORMAT, kind.name)
        for row in np.flatnonzero(status)
    ]
    return array, flaws


def _strings(chunk: Chunk, reader: Reader, live: Mask) -> tuple[pa.Array, list[Flaw]]:
    kind = reader.column.type
    counted = kind.name in ("char", "varchar", "enum")
    most_bytes = STRINGS.get(kind.name, 1 << 31) if not counted else 1 << 31
    if kind.name in BYTES:
        most_bytes = kind.length or {"tinyblob": 255, "blob": 65_535}.get(
            kind.name, 16_777_215
        )
    most_chars = (kind.length or 1) if kind.name in ("char", "varchar") else 1 << 31
    if kind.name == "binary":
        raise not_supported("BINARY columns in CSV files")
    flaws: list[Flaw] = []
    lens = chunk.lens[reader.index :: chunk.columns]
    if not reader.column.nullable and kind.name != "json" and not live.all():
        # an empty field is an empty string there
        live = live | (
            (lens == 0) & (chunk.flags[reader.index :: chunk.columns] & NULL == 0)
        )
    most = min(most_chars, most_bytes, 2**31 - 1)
    if _is_longer(chunk.lens, chunk.columns, reader.index, most, live):
        status = np.zeros(chunk.rows, np.uint8)
        _shorten(
            chunk.buf, chunk.starts, chunk.lens, chunk.columns, reader.index, live,
            most_chars, min(most_bytes, 2**31 - 1), kind.name not in BYTES,
            reader.exact, status,
        )  # fmt: skip
        errors = {LONG: LH.STRING_TOO_LONG, BLANKS: LH.WARN_TRUNCATED}
        if kind.name == "char":  # it keeps none anyway
            status[status == BLANKS] = 0
        flaws += [
            Flaw(
                int(row), reader.index, errors[int(status[row])], LH.WARN_TRUNCATED,
                kind.name,
            )
            for row in np.flatnonzero(status)
        ]  # fmt: skip
    if kind.name == "char":  # MySQL does not keep the blanks that end a CHAR
        _trim_end(chunk.buf, chunk.starts, chunk.lens, chunk.columns, reader.index)
    array = gather(chunk, reader.index, live, kind.arrow())
    if kind.name == "enum":
        array, wrong = _members(array, kind)
        flaws += [
            Flaw(row, reader.index, LH.BAD_VALUE, LH.BAD_VALUE, "enum") for row in wrong
        ]
    if kind.name == "json":
        array, odd = documents(array)
        flaws += [
            Flaw(int(row), reader.index, LH.BAD_VALUE, LH.BAD_VALUE, "json")
            for row in np.flatnonzero(odd)
        ]
    return array, flaws


def _members(array: pa.Array, kind: MySQLType) -> tuple[pa.Array, list[int]]:
    """ENUM values in their declared letter case; the rows that are none of them."""
    words = pa.array([value.lower() for value in kind.values])
    place = pc.index_in(pc.utf8_lower(array), value_set=words)
    wrong = pc.and_(pc.is_null(place), pc.is_valid(array)).to_numpy(
        zero_copy_only=False
    )
    kept = pa.array(list(kind.values)).take(place)
    return kept, [int(row) for row in np.flatnonzero(wrong)]


@njit(nogil=True, cache=True)
def _is_longer(lens: Ints, columns: int, column: int, most: int, live: Any) -> bool:
    """Whether a text has more bytes than that."""
    for r in range(live.shape[0]):
        if live[r] and lens[r * columns + column] > most:
            return True
    return False


@njit(nogil=True, cache=True)
def _shorten(
    buf: Bytes,
    starts: Ints,
    lens: Ints,
    columns: int,
    column: int,
    live: Any,
    most_chars: int,
    most_bytes: int,
    text: bool,
    exact: bool,
    status: Status,
) -> None:
    """Cut what is longer; blanks that are cut are no error, as in MySQL."""
    for r in range(live.shape[0]):
        k = r * columns + column
        n = lens[k]
        if not live[r] or (n <= most_chars and n <= most_bytes):
            continue
        start, chars, p = starts[k], 0, 0
        while p < n:
            size = 1
            while text and p + size < n and buf[start + p + size] & 0xC0 == 0x80:
                size += 1
            if chars == most_chars or p + size > most_bytes:
                break
            chars += 1
            p += size
        for q in range(p, n):
            if exact or not text or buf[start + q] != 32:
                status[r] = LONG
            elif status[r] != LONG:
                status[r] = BLANKS
        lens[k] = p


@njit(nogil=True, cache=True)
def _trim_end(buf: Bytes, starts: Ints, lens: Ints, columns: int, column: int) -> None:
    for k in range(column, lens.shape[0], columns):
        while lens[k] > 0 and buf[starts[k] + lens[k] - 1] == 32:
            lens[k] -= 1
