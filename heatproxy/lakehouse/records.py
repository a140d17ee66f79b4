"""The records of CSV files, a bounded chunk at a time.

A chunk is arrays of field positions in one buffer, used again for the next chunk:
who wants to keep something copies it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from heatproxy.errors import MySQLError, interrupted
from heatproxy.lakehouse.catalogue import LH, failure
from heatproxy.lakehouse.dialect import Dialect
from heatproxy.lakehouse.streams import DataFile, TextStream
from heatproxy.lakehouse.tokens import (
    MISSING,
    NULL,
    Bytes,
    Ints,
    tokenise,
)

BUFFER_BYTES = 8 << 20  # at first; it grows to hold ROWS_PER_CHUNK
MOST_BUFFERS = 4
READ_BYTES = 1 << 20
RECORD_LIMIT_BYTES = 4 << 20  # the manual's limit for a line of CSV
FIELDS_PER_CHUNK = 3 << 20
ROWS_PER_CHUNK = 122_880  # a row group of the engine's
MOST_MARK_BYTES = 256  # of a record delimiter of 64 characters
MOST_COLUMNS = 1017  # what a MySQL table can have

Cancelled = Callable[[], bool]
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records of one file; field (r, c) is ``starts[r * columns + c]``."""

    file: DataFile
    buf: Bytes
    rows: int
    columns: int
    starts: Ints  # (rows * columns,)
    lens: Ints
    flags: Bytes
    row_at: Ints  # (rows,) in buf
    found: Ints  # (rows,) fields of each record
    base: int  # of buf in the file's UTF-8 text

    def where(self, row: int) -> str:
        """What messages call a row: its file and the offset of its first byte."""
        return f"row starting at {self.file.display}:{self.base + self.row_at[row]}"


class _Arrays:
    def __init__(self, columns: int, rows: int | None = None) -> None:
        most = min(ROWS_PER_CHUNK, FIELDS_PER_CHUNK // columns)
        self.rows = rows or max(64, most)
        room = self.rows + 1  # for the header
        fields = room * columns
        self.starts = np.empty(fields, np.int32)
        self.lens = np.empty(fields, np.int32)
        self.flags = np.empty(fields, np.uint8)
        self.row_at = np.empty(room, np.int32)
        self.found = np.empty(room, np.int32)


@dataclass(frozen=True, slots=True)
class _Marks:
    """The dialect's marks, as compiled code takes them."""

    field: Bytes
    record: Bytes
    quote: int
    escape: int
    trim: bool

    @classmethod
    def of(cls, dialect: Dialect) -> "_Marks":
        return cls(
            np.frombuffer(dialect.field_delimiter.encode(), np.uint8),
            np.frombuffer(dialect.record_delimiter.encode(), np.uint8),
            ord(dialect.quotation_marks) if dialect.quotation_marks else -1,
            ord(dialect.escape_character) if dialect.escape_character else -1,
            dialect.trim_spaces,
        )

    def tokenise(
        self,
        buf: Bytes,
        size: int,
        final: bool,
        columns: int,
        arrays: _Arrays,
        rows: int,
    ) -> tuple[int, int]:
        """Fill the arrays; how many records, at most ``rows``, of how many bytes."""
        got, used = tokenise(
            buf, size, final, self.field, self.record, self.quote, self.escape,
            self.trim, columns, arrays.starts, arrays.lens, arrays.flags,
            arrays.row_at[:rows], arrays.found,
        )  # fmt: skip
        return int(got), int(used)


def chunks(
    file: DataFile,
    dialect: Dialect,
    columns: int,
    cancelled: Cancelled,
    progress: Progress,
    rows: int | None = None,
) -> Iterator[Chunk]:
    """The records after ``skip_rows`` and the header, in order.

    Args:
        dialect: with its delimiters resolved.
        progress: told how many bytes of the file, as it is stored, were read since it
            was told last.
        rows: of a chunk, at most; by default as many as the engine stores together.

    Raises:
        MySQLError: 1317, cancelled; 6061, not text, or a quote that never closes;
            6106, a record over 4 MB.
    """
    header = dialect.has_header
    return _split(file, dialect, columns, cancelled, progress, header, rows)


def first_record(file: DataFile, dialect: Dialect) -> tuple[str | None, ...]:
    """The fields of the first record after ``skip_rows``; () if there is none.

    Raises:
        MySQLError: 6061 and 6106 as chunks; 6063, more columns than a table may
            have.
    """
    records = _split(
        file, dialect, MOST_COLUMNS, lambda: False, lambda _: None, False, rows=1
    )
    for chunk in records:
        width = int(chunk.found[0])
        if width > MOST_COLUMNS:
            raise failure(LH.COLUMN_MAX_ERR, file.display, MOST_COLUMNS)
        return tuple(
            None
            if chunk.flags[k] & (NULL | MISSING)
            else chunk.buf[chunk.starts[k] : chunk.starts[k] + chunk.lens[k]]
            .tobytes()
            .decode()
            for k in range(width)
        )
    return ()


def records_in(
    text: bytes, file: DataFile, dialect: Dialect, columns: int
) -> Iterator[Chunk]:
    """The records of a part of a file, which begins and ends with whole ones."""
    arrays = _Arrays(columns, text.count(dialect.record_delimiter.encode()) + 1)
    buf = np.frombuffer(bytearray(text), np.uint8)
    got, _ = _Marks.of(dialect).tokenise(
        buf, len(text), True, columns, arrays, arrays.rows
    )
    if got:
        chunk = _chunk(file, buf, got, columns, arrays, 0)
        _refuse_open_quote(chunk)
        yield chunk


def _split(
    file: DataFile,
    dialect: Dialect,
    columns: int,
    cancelled: Cancelled,
    progress: Progress,
    header: bool,
    rows: int | None = None,
) -> Iterator[Chunk]:
    arrays = _Arrays(columns, rows)
    room = BUFFER_BYTES
    buf = np.empty(0, np.uint8)
    marks = _Marks.of(dialect)
    size, base, skip, final = 0, 0, dialect.skip_rows, False
    waiting, stored = b"", 0
    with TextStream(file, dialect) as stream:
        while not final:
            while size < room:
                if not waiting:
                    if cancelled():
                        raise interrupted()
                    data = stream.read(READ_BYTES)
                    if data is None:
                        final = True
                        break
                    waiting = data
                    if not len(buf):
                        ends = data.count(marks.record.tobytes())
                        room = _room(len(data), max(ends, 1), arrays.rows)
                        buf = np.empty(room, np.uint8)
                    progress(stream.stored_bytes - stored)
                    stored = stream.stored_bytes
                # recoding may have made more of it than was asked for
                part = waiting[: room - size]
                waiting = waiting[len(part) :]
                buf[size : size + len(part)] = np.frombuffer(part, np.uint8)
                size += len(part)
            pos = 0
            if skip:
                pos, skip = _skip(buf[:size], marks.record.tobytes(), skip), 0
            longest = 0  # of the chunks found in this buffer, in bytes
            while True:
                first = 1 if header else 0
                most = arrays.rows + first
                got, used = marks.tokenise(
                    buf[pos:], size - pos, final, columns, arrays, most
                )
                if got:
                    header = False
                    chunk = _chunk(file, buf[pos:], got, columns, arrays, base + pos)
                    _refuse_open_quote(chunk)
                    _refuse_long(chunk, used)
                    if got > first:
                        yield _from_row(chunk, first)
                pos += used
                longest = max(longest, used)
                if not used or got < most:
                    if size - pos > RECORD_LIMIT_BYTES:
                        raise _too_long(file, base + pos)
                    if got and not pos - used:  # not even one whole chunk of them
                        room = max(room, _room(used, got, arrays.rows))
                    break
                if not final and size - pos <= longest + longest // 8:
                    break  # what is left may be no whole chunk of rows: read on
            left = buf[pos:size].copy()
            size, base = size - pos, base + pos
            if len(buf) < room and not final:
                buf = np.empty(room, np.uint8)
            buf[:size] = left


def _room(used: int, got: int, rows: int) -> int:
    """How large a buffer is to be for so many rows, if ``got`` are ``used`` bytes."""
    needed = used * rows // got
    return max(BUFFER_BYTES, min(needed + needed // 8, MOST_BUFFERS * BUFFER_BYTES))


def _chunk(
    file: DataFile, buf: Bytes, rows: int, columns: int, arrays: _Arrays, base: int
) -> Chunk:
    fields = rows * columns
    return Chunk(
        file,
        buf,
        rows,
        columns,
        arrays.starts[:fields],
        arrays.lens[:fields],
        arrays.flags[:fields],
        arrays.row_at[:rows],
        arrays.found[:rows],
        base,
    )


def _from_row(chunk: Chunk, first: int) -> Chunk:
    skipped = first * chunk.columns
    return Chunk(
        chunk.file,
        chunk.buf,
        chunk.rows - first,
        chunk.columns,
        chunk.starts[skipped:],
        chunk.lens[skipped:],
        chunk.flags[skipped:],
        chunk.row_at[first:],
        chunk.found[first:],
        chunk.base,
    )


def _refuse_open_quote(chunk: Chunk) -> None:
    if chunk.found[-1] < 0:
        raise failure(
            LH.CSV_PARSING_ERR,
            chunk.file.display,
            chunk.base + int(chunk.row_at[-1]),
            "The file ends inside a quoted field",
        )


def _refuse_long(chunk: Chunk, end: int) -> None:
    """Raise for a record over the limit; the last one ends at ``end``."""
    if end <= RECORD_LIMIT_BYTES:
        return
    sizes = np.diff(chunk.row_at, append=end)
    if sizes.max() > RECORD_LIMIT_BYTES + MOST_MARK_BYTES:
        at = int(chunk.row_at[sizes.argmax()])
        raise _too_long(chunk.file, chunk.base + at)


def _too_long(file: DataFile, at: int) -> MySQLError:
    text = f"The record at {at} is longer than {RECORD_LIMIT_BYTES} bytes."
    return failure(
        LH.TOO_LARGE_ROW_ERR, file.display, f"{text} An unclosed quotation mark?"
    )


def _skip(data: Bytes, record: bytes, count: int) -> int:
    """The offset after ``count`` record delimiters; quotes don't count."""
    text, pos = data.tobytes(), 0
    for _ in range(count):
        found = text.find(record, pos)
        if found < 0:
            return len(text)
        pos = found + len(record)
    return pos
