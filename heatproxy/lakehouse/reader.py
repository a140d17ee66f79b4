"""Open the files of a table: find its columns, stream its rows.

Everything here blocks and belongs in a thread; ``cancelled`` is asked before every
megabyte, and a True answer raises 1317.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from heatproxy.datatypes import Column, parse
from heatproxy.errors import MySQLError
from heatproxy.lakehouse.catalogue import LH, Condition, failure
from heatproxy.lakehouse.convert import Unforeseen
from heatproxy.lakehouse.dialect import Dialect, parse_dialect
from heatproxy.lakehouse.formats import format_of
from heatproxy.lakehouse.inference import Inferred
from heatproxy.lakehouse.layout import Layout
from heatproxy.lakehouse.records import Cancelled, Progress
from heatproxy.lakehouse.streams import DataFile

MOST_WARNINGS = 1024  # max_error_count
ROWS_TOGETHER = 122_880  # a row group of the engine's
MOST_BYTES_TOGETHER = 64 << 20

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
    sampling: bool = False,
) -> Inferred:
    """The columns and row count of the files, from all of their values or a sample.

    Raises:
        MySQLError: 6098 without rows; 6061 to 6106; 1235; 1317.
    """
    if not files:
        raise failure(LH.INFER_NO_DATA)
    resolved = resolve(files, dialect)
    return format_of(dialect).infer(files, resolved, cancelled, progress, sampling)


class Reading:
    """An open table: its rows, and what there is to say about them.

    ``reader`` may be handed to code that turns exceptions into text of its own, as
    DuckDB does; ``failure`` is then the error that stopped it: Unforeseen, if columns
    inferred from a sample do not fit.
    """

    def __init__(self, schema: pa.Schema, rows: Iterator[pa.RecordBatch]) -> None:
        self.failure: MySQLError | Unforeseen | None = None
        self.warnings: list[Condition] = []  # the first MOST_WARNINGS
        self.counts: Counter[int] = Counter()  # by number, of all of them
        self.rows_read = 0
        self._rows = rows
        self.reader = pa.RecordBatchReader.from_batches(schema, self._watched())

    @property
    def warning_count(self) -> int:
        """How many warnings there were."""
        return self.counts.total()

    def warn(self, condition: Condition, times: int = 1) -> None:
        """One more warning; ``times`` if there are others like it."""
        self.counts[condition.number] += times
        if len(self.warnings) < MOST_WARNINGS:
            self.warnings.append(condition)

    def _watched(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in _together(self._rows):
                self.rows_read += batch.num_rows
                yield batch
        except (MySQLError, Unforeseen) as problem:
            self.failure = problem
            raise


def _together(rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of ROWS_TOGETHER, where these are not too large.

    The engine stores them by as many: others it would have to copy once more.
    """
    waiting: list[pa.RecordBatch] = []
    count = size = 0
    for batch in rows:
        if batch.num_rows == ROWS_TOGETHER and not waiting:
            yield batch
            continue
        waiting.append(batch)
        count, size = count + batch.num_rows, size + batch.nbytes
        while count >= ROWS_TOGETHER or size >= MOST_BYTES_TOGETHER:
            joined = pa.concat_batches(waiting)
            yield joined.slice(0, ROWS_TOGETHER)
            rest = joined.slice(ROWS_TOGETHER)
            waiting, count, size = [rest], rest.num_rows, rest.nbytes
            if not count:
                waiting = []
    if waiting:
        yield pa.concat_batches(waiting)


def open_table(
    files: Sequence[DataFile],
    dialect: Dialect,
    columns: Sequence[Column],
    strict: bool = True,
    cancelled: Cancelled = never,
    progress: Progress = untold,
    *,
    left_out: frozenset[int] = frozenset(),
    expected: Inferred | None = None,
) -> Reading:
    """Stream the rows in exactly the Arrow types of ``columns``.

    Args:
        left_out: the places of columns that are in the files and not wanted.
        expected: what the columns were inferred by, if they were just now.
        strict: whether the session's sql_mode is strict; a file item's
            ``is_strict_mode`` comes first, then the dialect's.

    Raises:
        MySQLError: 1235, a format or type that cannot be read. Errors in the rows
            come from ``reader``.
    """
    chosen = format_of(dialect)
    resolved = resolve(files, dialect) if files else dialect
    told: list[Reading] = []

    def warn(condition: Condition, times: int = 1) -> None:
        told[0].warn(condition, times)

    sampled = expected is not None and expected.sampled
    unseen = expected.unseen if expected is not None and sampled else frozenset()
    layout = Layout(tuple(columns), left_out, sampled, unseen)
    rows = (
        chosen.batches(files, resolved, layout, strict, warn, cancelled, progress)
        if files
        else iter(())
    )
    told.append(Reading(layout.schema(), rows))
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
