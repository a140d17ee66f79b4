"""Delimited text: its columns, and its rows as Arrow.

Source: HeatWave User Guide, "Lakehouse External Table JSON Syntax"; the field rules
are those of LOAD DATA (see ``tokens``).
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from heatproxy.datatypes import Column
from heatproxy.errors import MySQLError
from heatproxy.lakehouse.catalogue import LH, Condition, failure, text, warning
from heatproxy.lakehouse.convert import (
    Unforeseen,
    convert,
    has_values,
)
from heatproxy.lakehouse.defaults import declared, lacking
from heatproxy.lakehouse.dialect import BY_ORDER, Dialect
from heatproxy.lakehouse.fields import Flaw, Reader
from heatproxy.lakehouse.inference import (
    Inferred,
    column_names,
    column_types,
    named,
    require_rows,
)
from heatproxy.lakehouse.layout import Layout, Warn, fields_of
from heatproxy.lakehouse.measure import NULLS, VALUES, State, measure, new_state
from heatproxy.lakehouse.plain import PlainColumns
from heatproxy.lakehouse.records import (
    Cancelled,
    Chunk,
    Progress,
    chunks,
    first_record,
)
from heatproxy.lakehouse.sample import Sample, can_be_sampled
from heatproxy.lakehouse.sniff import resolve
from heatproxy.lakehouse.streams import DataFile
from heatproxy.lakehouse.temporal import NO_OPS, Ops, compile_format

__all__ = ["batches", "infer", "resolve"]

FLAWS_PER_COLUMN = 1024  # that a chunk tells of: more than anybody is shown
MOST_SAMPLED_FILES = 8
_NO_ERRORS = (LH.WARN_DECIMAL_ROUNDING, LH.WARN_TRUNCATED)  # in strict mode too


def infer(
    files: Sequence[DataFile],
    dialect: Dialect,
    cancelled: Cancelled,
    progress: Progress,
    sampling: bool,
) -> Inferred:
    """Choose the columns by every value of every file, or by a sample of much.

    Files without rows are left out with a warning, rows of another width too.

    Raises:
        MySQLError: 6098, no rows at all; 6093, a file with another number of
            columns; 6062, one without a column that is matched by its name; and
            those of ``chunks``.
    """
    warnings: list[Condition] = []
    gathered: _Gathered | None = None
    by_sample = sampling and can_be_sampled(files)
    shown = _spread(files) if by_sample else frozenset(range(len(files)))
    is_whole = len(shown) == len(files)
    for number, file in enumerate(files):
        first = first_record(file, dialect)
        if gathered is None and first:
            gathered = _Gathered(dialect, first, file.display)
        fields = gathered.fields(first, file) if gathered and first else ()
        before = gathered.rows if gathered else 0
        if gathered and first and number in shown:
            width = len(first)
            if by_sample:
                share = 1 / len(shown)
                sample = Sample(file, dialect, width, share, cancelled)
                for chunk, size in sample:
                    gathered.add(chunk, fields, size)
                is_whole = is_whole and sample.is_whole
            else:
                for chunk in chunks(file, dialect, width, cancelled, progress):
                    gathered.add(chunk, fields)
        if not first or (number in shown and gathered and gathered.rows == before):
            warnings.append(warning(LH.INFER_FILE_HAS_NO_DATA, file.display))
    if gathered is None:
        raise failure(LH.INFER_NO_DATA)
    require_rows(gathered.rows)
    return gathered.inferred(files, warnings, by_sample and not is_whole)


def _spread(files: Sequence[DataFile]) -> frozenset[int]:
    """Which files a sample looks at."""
    last = len(files) - 1
    count = min(MOST_SAMPLED_FILES, len(files))
    return frozenset(k * last // max(count - 1, 1) for k in range(count))


class _Gathered:
    """What the files have shown so far."""

    def __init__(
        self, dialect: Dialect, first: tuple[str | None, ...], name: str
    ) -> None:
        """``first`` is the first record of the first file, which has that name."""
        self._dialect, self._name = dialect, name
        self._header = first if dialect.has_header else None
        self._names = [name or "" for name in self._header or ()]
        self.state: State = new_state(len(first))
        self._formats = (
            compile_format(dialect.date_format),
            compile_format(dialect.timestamp_format),
            compile_format(dialect.time_format),
        )
        self.rows = self._skipped = self._bytes = 0

    def fields(
        self, first: tuple[str | None, ...], file: DataFile
    ) -> tuple[int | None, ...]:
        """Where a file has the columns; ``first`` is its first record."""
        dialect, width = self._dialect, len(self.state)
        if dialect.match_columns_by != BY_ORDER:
            return fields_of(self._names, dialect, first, file.display)
        if len(first) > width or (
            len(first) < width and not dialect.allow_missing_columns
        ):
            counts = (self._name, width, file.display, len(first))
            raise failure(LH.INFER_NUM_COL_MISMATCH, *counts)
        return tuple(k if k < len(first) else None for k in range(width))

    def add(
        self, chunk: Chunk, fields: tuple[int | None, ...], size_bytes: int = 0
    ) -> None:
        """Look at all values of a chunk, which stands for so many bytes."""
        state = new_state(chunk.columns)
        known = [(k, at) for k, at in enumerate(fields) if at is not None]
        for k, at in known:
            state[at] = self.state[k]
        bad = measure(state, chunk, *self._formats)
        for k, at in known:
            self.state[k] = state[at]
        for k, field in enumerate(fields):
            if field is None:
                self.state[k][NULLS] += chunk.rows
        self.rows += chunk.rows - bad
        self._skipped += bad
        self._bytes += size_bytes

    def inferred(
        self, files: Sequence[DataFile], warnings: list[Condition], by_sample: bool
    ) -> Inferred:
        size, rows = sum(file.size_bytes for file in files), self.rows
        if by_sample:
            rows = rows * size // max(self._bytes, 1)
        unseen = frozenset(int(k) for k in np.flatnonzero(self.state[:, VALUES] == 0))
        if self._skipped:
            warnings.append(warning(LH.WARN_INFER_SKIPPED_LINES, self._skipped))
        names, bad_names = column_names(self._header, len(self.state))
        types = column_types(self.state, *(len(one) > 0 for one in self._formats))
        columns = named(types, names)
        return Inferred(columns, rows, size, (*bad_names, *warnings), by_sample, unseen)


def batches(
    files: Sequence[DataFile],
    dialect: Dialect,
    layout: Layout,
    strict: bool,
    warn: Warn,
    cancelled: Cancelled,
    progress: Progress,
) -> Iterator[pa.RecordBatch]:
    """The rows of all files, in order, of shape (rows of a chunk, loaded columns).

    Args:
        strict: for files whose item and dialect say nothing.

    Raises:
        MySQLError: in strict mode the error of the first value that does not fit
            (6041 to 6066); 6062, a record of another width; those of ``chunks``.
        Unforeseen: the layout is exact, and a value is not.
    """
    schema = layout.schema()
    for file in files:
        strictly = next(
            mode
            for mode in (file.is_strict_mode, dialect.is_strict_mode, strict)
            if mode is not None
        )
        table = _Table(file, dialect, layout)
        if table.extra:
            warn(warning(LH.EXTRA_COLUMNS_IN_FILE, file.display, table.extra))
        for chunk in chunks(file, dialect, table.width, cancelled, progress):
            table.check_widths(chunk, strictly, warn)
            arrays = table.arrays(chunk, strictly, warn)
            yield pa.record_batch(arrays, schema=schema)


class _Table:
    """How one file is read into the columns of its table."""

    def __init__(self, file: DataFile, dialect: Dialect, layout: Layout) -> None:
        self._layout = layout
        self._may_lack = dialect.allow_missing_columns
        by_name = dialect.match_columns_by != BY_ORDER
        first = first_record(file, dialect) if by_name else None
        names = [column.name for column in layout.columns]
        self.extra = 0  # fields of the file that are no column
        fields = fields_of(names, dialect, first, file.display)
        self.width = len(first) if first else len(layout.columns)
        # None where the file has no such column
        self._readers: dict[int, Reader | None] = {}
        for k in layout.loaded:
            column, at = layout.columns[k], fields[k]
            ops = _format_of(column, dialect)
            exact = layout.exact
            self._readers[k] = None
            if at is not None:
                self._readers[k] = Reader(at, column, ops, exact, declared(column))
        found = {k: reader for k, reader in self._readers.items() if reader}
        self._plain = PlainColumns(found)
        if first is not None:
            self.extra = len(first) - sum(at is not None for at in fields)
        self._ordinals = {at: k for k, at in enumerate(fields) if at is not None}

    def check_widths(self, chunk: Chunk, strict: bool, warn: Warn) -> None:
        """Raise or warn of records that have too many fields, or too few."""
        wrong = chunk.found != chunk.columns
        if self._may_lack:
            wrong = chunk.found > chunk.columns
        rows = np.flatnonzero(wrong)
        for number, row in enumerate(rows[:FLAWS_PER_COLUMN], 1):
            values = (chunk.where(int(row)), chunk.columns, int(chunk.found[row]))
            if strict:
                raise failure(LH.COLUMN_MISMATCH_ERR, *values)
            if self._layout.exact:
                raise Unforeseen
            left = len(rows) - number if number == FLAWS_PER_COLUMN else 0
            warn(warning(LH.COLUMN_MISMATCH_ERR, *values), 1 + left)

    def arrays(self, chunk: Chunk, strict: bool, warn: Warn) -> list[pa.Array]:
        """The loaded columns; what does not fit is an error or a warning."""
        arrays: dict[int, pa.Array] = {}
        flaws: list[Flaw] = []
        more: list[Flaw] = []
        plain = self._plain.arrays(chunk)
        for k, reader in self._readers.items():
            column = self._layout.columns[k]
            if reader is None:
                rows, where = chunk.rows, chunk.file.display
                arrays[k] = lacking(column, k, rows, where, strict, warn)
                continue
            if k in self._layout.unseen and has_values(chunk, reader):
                raise Unforeseen
            if k in plain:
                arrays[k] = plain[k]
                continue
            array, found = convert(chunk, reader)
            arrays[k] = array
            flaws += found[:FLAWS_PER_COLUMN]
            more += found[FLAWS_PER_COLUMN:]
            if array.null_count and not column.nullable and not found:
                raise AssertionError("a NULL that no flaw tells of")
        for flaw in sorted(flaws, key=lambda flaw: (flaw.row, flaw.column)):
            k = self._ordinals[flaw.column]
            column = self._layout.columns[k]
            if strict and flaw.error not in _NO_ERRORS:
                raise _describe(chunk, flaw, k, column)
            if not column.nullable and arrays[k].null_count:
                raise _describe(chunk, flaw, k, column)  # no default to put there
            warn(_remark(chunk, flaw, k))
        alike = {flaw.warning: flaw for flaw in more}
        for code, times in Counter(flaw.warning for flaw in more).items():
            flaw = alike[code]
            warn(_remark(chunk, flaw, self._ordinals[flaw.column]), times)
        return [arrays[k] for k in self._layout.loaded]


def _format_of(column: Column, dialect: Dialect) -> Ops:
    kinds = {
        "date": dialect.date_format,
        "time": dialect.time_format,
        "datetime": dialect.timestamp_format,
        "timestamp": dialect.timestamp_format,
    }
    own = dict(dialect.column_formats)
    given = own.get(column.name) or kinds.get(column.type.name)
    return NO_OPS if given is None else compile_format(given)


def _describe(chunk: Chunk, flaw: Flaw, ordinal: int, column: Column) -> MySQLError:
    """The error of a flaw, with the column's name and the value as it stands."""
    k = flaw.row * chunk.columns + flaw.column
    raw = chunk.buf[chunk.starts[k] : chunk.starts[k] + chunk.lens[k]].tobytes()
    value = raw.decode(errors="replace")
    shown = value if len(value) <= 40 else value[:40] + "..."
    return failure(
        flaw.error,
        ordinal + 1,
        chunk.where(flaw.row),
        flaw.what,
        detail=f" (`{column.name}` {column.type.sql()}: '{shown}')",
    )


def _remark(chunk: Chunk, flaw: Flaw, ordinal: int) -> Condition:
    where = chunk.where(flaw.row)
    return Condition(
        int(flaw.warning), text(flaw.warning, ordinal + 1, where, flaw.what)
    )
