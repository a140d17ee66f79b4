"""Delimited text: its columns, and its rows as Arrow.

Source: HeatWave User Guide, "Lakehouse External Table JSON Syntax"; the field rules
are those of LOAD DATA (see ``tokens``).
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from heatproxy.datatypes import Column
from heatproxy.errors import MySQLError
from heatproxy.lakehouse.catalogue import LH, Condition, failure, text, warning
from heatproxy.lakehouse.convert import convert
from heatproxy.lakehouse.dialect import Dialect
from heatproxy.lakehouse.fields import Flaw, Reader
from heatproxy.lakehouse.inference import (
    Inferred,
    column_names,
    column_types,
    named,
    require_rows,
)
from heatproxy.lakehouse.measure import measure, new_state
from heatproxy.lakehouse.records import (
    Cancelled,
    Chunk,
    Progress,
    chunks,
    first_record,
)
from heatproxy.lakehouse.sniff import resolve
from heatproxy.lakehouse.streams import DataFile
from heatproxy.lakehouse.temporal import NO_OPS, Ops, compile_format

__all__ = ["batches", "infer", "resolve"]

Warn = Callable[[Condition], None]
FLAWS_PER_COLUMN = 1024  # that a chunk tells of: more than anybody is shown


def infer(
    files: Sequence[DataFile],
    dialect: Dialect,
    cancelled: Cancelled,
    progress: Progress,
) -> Inferred:
    """Read every value of every file once and choose the columns.

    Files without rows are left out with a warning, rows of another width too.

    Raises:
        MySQLError: 6098, no rows at all; 6093, a file with another number of
            columns; and those of ``chunks``.
    """
    warnings: list[Condition] = []
    header: tuple[str | None, ...] | None = None
    width = rows = skipped = 0
    state = new_state(0)
    formats = (
        compile_format(dialect.date_format),
        compile_format(dialect.timestamp_format),
        compile_format(dialect.time_format),
    )
    for file in files:
        first = first_record(file, dialect)
        if not width and first:
            width, state = len(first), new_state(len(first))
            header = first if dialect.has_header else None
        elif first and len(first) != width:
            raise failure(LH.INFER_SCHEMA_MISMATCH, detail=f" {file.display}")
        before = rows
        for chunk in chunks(file, dialect, max(width, 1), cancelled, progress):
            bad = measure(state, chunk, *formats)
            rows += chunk.rows - bad
            skipped += bad
        if rows == before:
            warnings.append(warning(LH.INFER_FILE_HAS_NO_DATA, file.display))
    require_rows(rows)
    if skipped:
        warnings.append(warning(LH.WARN_INFER_SKIPPED_LINES, skipped))
    names, bad_names = column_names(header, width)
    columns = named(column_types(state, *(len(one) > 0 for one in formats)), names)
    size = sum(file.size_bytes for file in files)
    return Inferred(columns, rows, size, (*bad_names, *warnings))


def batches(
    files: Sequence[DataFile],
    dialect: Dialect,
    columns: Sequence[Column],
    strict: bool,
    warn: Warn,
    cancelled: Cancelled,
    progress: Progress,
) -> Iterator[pa.RecordBatch]:
    """The rows of all files, in order, of shape (rows of a chunk, columns).

    Args:
        strict: for files whose item and dialect say nothing.

    Raises:
        MySQLError: in strict mode the error of the first value that does not fit
            (6041 to 6066); 6062, a record of another width; those of ``chunks``.
    """
    readers = [
        Reader(index, column, _format_of(column, dialect))
        for index, column in enumerate(columns)
    ]
    schema = arrow_schema(columns)
    for file in files:
        strictly = next(
            mode
            for mode in (file.is_strict_mode, dialect.is_strict_mode, strict)
            if mode is not None
        )
        for chunk in chunks(file, dialect, len(columns), cancelled, progress):
            _check_widths(chunk, strictly, warn)
            arrays = []
            flaws: list[Flaw] = []
            for reader in readers:
                array, found = convert(chunk, reader)
                arrays.append(array)
                flaws += found[:FLAWS_PER_COLUMN]
                if array.null_count and not reader.column.nullable and not found:
                    raise AssertionError("a NULL that no flaw tells of")
            for flaw in sorted(flaws, key=lambda flaw: (flaw.row, flaw.column)):
                column = columns[flaw.column]
                if strictly and flaw.error is not LH.WARN_DECIMAL_ROUNDING:
                    raise _describe(chunk, flaw, column)
                if not column.nullable and arrays[flaw.column].null_count:
                    raise _describe(chunk, flaw, column)  # no default to put there
                warn(_remark(chunk, flaw))
            yield pa.record_batch(arrays, schema=schema)


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow types in which these columns travel."""
    return pa.schema(
        [
            pa.field(column.name, column.type.arrow(), column.nullable)
            for column in columns
        ]
    )


def _format_of(column: Column, dialect: Dialect) -> Ops:
    kinds = {
        "date": dialect.date_format,
        "time": dialect.time_format,
        "datetime": dialect.timestamp_format,
        "timestamp": dialect.timestamp_format,
    }
    given = kinds.get(column.type.name)
    return NO_OPS if given is None else compile_format(given)


def _check_widths(chunk: Chunk, strict: bool, warn: Warn) -> None:
    for row in np.flatnonzero(chunk.found != chunk.columns)[:FLAWS_PER_COLUMN]:
        values = (chunk.where(int(row)), chunk.columns, int(chunk.found[row]))
        if strict:
            raise failure(LH.COLUMN_MISMATCH_ERR, *values)
        warn(warning(LH.COLUMN_MISMATCH_ERR, *values))


def _describe(chunk: Chunk, flaw: Flaw, column: Column) -> MySQLError:
    """The error of a flaw, with the column's name and the value as it stands."""
    k = flaw.row * chunk.columns + flaw.column
    raw = chunk.buf[chunk.starts[k] : chunk.starts[k] + chunk.lens[k]].tobytes()
    value = raw.decode(errors="replace")
    shown = value if len(value) <= 40 else value[:40] + "..."
    return failure(
        flaw.error,
        flaw.column + 1,
        chunk.where(flaw.row),
        flaw.what,
        detail=f" (`{column.name}` {column.type.sql()}: '{shown}')",
    )


def _remark(chunk: Chunk, flaw: Flaw) -> Condition:
    where = chunk.where(flaw.row)
    return Condition(
        int(flaw.warning), text(flaw.warning, flaw.column + 1, where, flaw.what)
    )
