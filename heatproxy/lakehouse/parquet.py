"""Parquet files: columns from their metadata, rows cast to the table's types.

Source: HeatWave User Guide, "Parquet Data Type Specifications".
"""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from heatproxy.datatypes import Column
from heatproxy.errors import interrupted
from heatproxy.lakehouse.catalogue import LH, failure
from heatproxy.lakehouse.csv import Warn, arrow_schema
from heatproxy.lakehouse.dialect import Dialect
from heatproxy.lakehouse.inference import Inferred, require_rows
from heatproxy.lakehouse.records import Cancelled, Progress
from heatproxy.lakehouse.streams import DataFile
from heatproxy.lakehouse.typed import Lengths, fitted

ROWS_PER_BATCH = 1 << 16


def resolve(files: Sequence[DataFile], dialect: Dialect) -> Dialect:
    return dialect


def infer(
    files: Sequence[DataFile],
    dialect: Dialect,
    cancelled: Cancelled,
    progress: Progress,
) -> Inferred:
    """Types from the first file's schema; strings are as long as the longest value.

    Raises:
        MySQLError: 6088, files of different schemas; 6098, no rows; 1235, a nested
            or unknown type, by name.
    """
    lengths: Lengths | None = None
    rows = 0
    for file in files:
        with _open(file) as parquet:
            found = parquet.schema_arrow.remove_metadata()
            if lengths is None:
                lengths = Lengths(found)
            elif not lengths.schema.equals(found):
                raise failure(LH.PARQUET_SCHEMA_MISMATCH)
            rows += parquet.metadata.num_rows
            _measure(parquet, lengths, cancelled)
        progress(file.size_bytes)
    require_rows(rows)
    assert lengths is not None  # there are no rows without a file
    columns, warnings = lengths.columns("Parquet")
    size = sum(file.size_bytes for file in files)
    return Inferred(columns, rows, size, warnings)


def batches(
    files: Sequence[DataFile],
    dialect: Dialect,
    columns: Sequence[Column],
    strict: bool,
    warn: Warn,
    cancelled: Cancelled,
    progress: Progress,
) -> Iterator[pa.RecordBatch]:
    """The rows of all files; columns are matched by their order.

    A value that does not fit is an error in every mode, for now.

    Raises:
        MySQLError: 6062, another number of columns; 6041, 6045, 6066, a value that
            does not fit; 1317.
    """
    schema = arrow_schema(columns)
    for file in files:
        with _open(file) as parquet:
            found = len(parquet.schema_arrow)
            if found != len(columns):
                raise failure(LH.COLUMN_MISMATCH_ERR, file.display, len(columns), found)
            for batch in parquet.iter_batches(ROWS_PER_BATCH):
                if cancelled():
                    raise interrupted()
                arrays = fitted(batch.columns, columns, file.display)
                yield pa.record_batch(arrays, schema=schema)
        progress(file.size_bytes)


def _open(file: DataFile) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file.path)
    except (pa.ArrowInvalid, OSError) as problem:
        raise failure(LH.PARQUET_OPEN_ERR, file.display, problem) from None


def _measure(parquet: pq.ParquetFile, lengths: Lengths, cancelled: Cancelled) -> None:
    """Meet all values of the string columns."""
    texts = lengths.texts
    if not texts:
        return
    names = [lengths.schema.field(k).name for k in texts]
    for batch in parquet.iter_batches(ROWS_PER_BATCH, columns=names):
        if cancelled():
            raise interrupted()
        for k, array in zip(texts, batch.columns, strict=True):
            lengths.meet(k, array)
