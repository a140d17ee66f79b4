"""Open the files of a table: find its columns, stream its rows.

Everything here blocks and belongs in a thread; ``cancelled`` is asked before every
megabyte, and a True answer raises 1317.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from heatproxy.datatypes import Column, parse
from heatproxy.errors import MySQLError
from heatproxy.lakehouse.catalogue import LH, Condition, failure
from heatproxy.lakehouse.csv import arrow_schema
from heatproxy.lakehouse.dialect import Dialect, parse_dialect
from heatproxy.lakehouse.formats import format_of
from heatproxy.lakehouse.inference import Inferred
from heatproxy.lakehouse.records import Cancelled, Progress
from heatproxy.lakehouse.streams import DataFile

MOST_WARNINGS = 1024  # max_error_count

# for each kernel that reads fields, a type that is read by it
_EVERY_KERNEL = ("int", "double", "datetime", "char(1)")


def never() -> bool:
    return False


def untold(size_bytes: int) -> None:
    """Progress that nobody watches."""


def resolve(files: Sequence[DataFile], dialect: Dialect) -> Dialect:
    """The dialect with what ``auto`` stands for in these files."""
    return format_of(dialect).resolve(files, dialect)


def infer(
    files: Sequence[DataFile],
    dialect: Dialect,
    cancelled: Cancelled = never,
    progress: Progress = untold,
) -> Inferred:
    """The columns and row count of the files, from all of their values.

    Raises:
        MySQLError: 6098 without rows; 6061 to 6106; 1235; 1317.
    """
    if not files:
        raise failure(LH.INFER_NO_DATA)
    return format_of(dialect).infer(files, resolve(files, dialect), cancelled, progress)


class Reading:
    """An open table: its rows, and what there is to say about them.

    ``reader`` may be handed to code that turns exceptions into text of its own, as
    DuckDB does; ``failure`` is then the error that stopped it.
    """

    def __init__(self, schema: pa.Schema, rows: Iterator[pa.RecordBatch]) -> None:
        self.failure: MySQLError | None = None
        self.warnings: list[Condition] = []  # the first MOST_WARNINGS
        self.warning_count = 0
        self.rows_read = 0
        self._rows = rows
        self.reader = pa.RecordBatchReader.from_batches(schema, self._watched())

    def warn(self, condition: Condition) -> None:
        self.warning_count += 1
        if len(self.warnings) < MOST_WARNINGS:
            self.warnings.append(condition)

    def _watched(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._rows:
                self.rows_read += batch.num_rows
                yield batch
        except MySQLError as problem:
            self.failure = problem
            raise


def open_table(
    files: Sequence[DataFile],
    dialect: Dialect,
    columns: Sequence[Column],
    strict: bool = True,
    cancelled: Cancelled = never,
    progress: Progress = untold,
) -> Reading:
    """Stream the rows in exactly the Arrow types of ``columns``.

    Args:
        strict: whether the session's sql_mode is strict; a file item's
            ``is_strict_mode`` comes first, then the dialect's.

    Raises:
        MySQLError: 1235, a format or type that cannot be read. Errors in the rows
            come from ``reader``.
    """
    chosen = format_of(dialect)
    resolved = resolve(files, dialect) if files else dialect
    told: list[Reading] = []

    def warn(condition: Condition) -> None:
        told[0].warn(condition)

    rows = (
        chosen.batches(files, resolved, columns, strict, warn, cancelled, progress)
        if files
        else iter(())
    )
    told.append(Reading(arrow_schema(columns), rows))
    return told[0]


def warm_up() -> None:
    """Compile the kernels that read delimited text, or load them from disk.

    They are compiled for types, whatever the values: any text will do.
    """
    text = Path(__file__)
    files = [DataFile(text, text.name, text.stat().st_size, is_strict_mode=False)]
    dialect = parse_dialect({"field_delimiter": ",", "quotation_marks": ""}, "warm_up")
    columns = [Column(kind, parse(kind)) for kind in _EVERY_KERNEL]
    infer(files, dialect)
    open_table(files, dialect, columns).reader.read_all()
