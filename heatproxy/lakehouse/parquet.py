"""Parquet files: columns from their metadata, rows cast to the table's types.

Source: HeatWave User Guide, "Parquet Data Type Specifications".
"""

import itertools
import mmap
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from heatproxy.errors import MySQLError, interrupted
from heatproxy.lakehouse.catalogue import LH, failure
from heatproxy.lakehouse.dialect import Dialect
from heatproxy.lakehouse.inference import Inferred, require_rows
from heatproxy.lakehouse.layout import Layout, Warn
from heatproxy.lakehouse.records import Cancelled, Progress
from heatproxy.lakehouse.streams import DataFile
from heatproxy.lakehouse.typed import Fitter, Lengths, is_text

ROWS_PER_BATCH = 122_880  # a row group of the engine's
MOST_SAMPLED_ROWS = 1 << 18
BATCHES_MAPPED = 8  # after so many their pages are given back
_NUMBER_BYTES = 4  # a text of its own has its length in as many, and its characters


def resolve(files: Sequence[DataFile], dialect: Dialect) -> Dialect:
    return dialect


def infer(
    files: Sequence[DataFile],
    dialect: Dialect,
    cancelled: Cancelled,
    progress: Progress,
    sampling: bool,
) -> Inferred:
    """Types from the first file's schema; strings are as long as the longest value.

    With ``sampling`` the longest of MOST_SAMPLED_ROWS, and the load finds out.

    Raises:
        MySQLError: 6088, files of different schemas; 6098, no rows; 1235, a nested
            or unknown type, by name.
    """
    lengths: Lengths | None = None
    rows = looked_at = 0
    for file in files:
        with _open(file) as parquet:
            found = parquet.schema_arrow.remove_metadata()
            lengths = lengths or Lengths(found)
            places = lengths.places(found, dialect, file.display)
            if places is None:
                raise _mismatch(files[0], lengths.schema, file, found)
            rows += parquet.metadata.num_rows
            most = MOST_SAMPLED_ROWS - looked_at if sampling else None
            looked_at += _measure(file, lengths, places, cancelled, most)
        progress(file.size_bytes)
    require_rows(rows)
    assert lengths is not None  # there are no rows without a file
    columns, warnings = lengths.columns("Parquet")
    size = sum(file.size_bytes for file in files)
    by_sample = bool(lengths.texts) and looked_at < rows
    return Inferred(columns, rows, size, warnings, by_sample)


def batches(
    files: Sequence[DataFile],
    dialect: Dialect,
    layout: Layout,
    strict: bool,
    warn: Warn,
    cancelled: Cancelled,
    progress: Progress,
) -> Iterator[pa.RecordBatch]:
    """The rows of all files.

    Raises:
        MySQLError: those of Fitter; 6104, a damaged file; 1317.
        Unforeseen: the layout is exact, and a text is longer than its sample's.
    """
    for file in files:
        with _open(file) as plain:
            repeated = _repeated(plain)
        with _open(file, read_dictionary=repeated) as parquet:
            found = parquet.schema_arrow
            fitter = Fitter(file, found, dialect, layout, strict, warn)
            names = [found.field(k).name for k in fitter.fields]
            for batch in _rows(parquet, names, file):
                if cancelled():
                    raise interrupted()
                yield fitter.fit(batch)
        progress(file.size_bytes)


def _mismatch(
    first: DataFile, schema: pa.Schema, other: DataFile, found: pa.Schema
) -> MySQLError:
    """What keeps two files from being of one table."""
    if len(schema) != len(found):
        counts = (first.display, len(schema), other.display, len(found))
        return failure(LH.INFER_NUM_COL_MISMATCH, *counts)
    place = next(
        (k for k, one in enumerate(schema) if one.type != found.field(k).type), 0
    )
    detail = f" (`{schema.field(place).name}`)"
    return failure(LH.PARQUET_SCHEMA_MISMATCH, place + 1, other.display, detail=detail)


class _Parquet(pq.ParquetFile):  # type: ignore[misc]
    """An open file; one that was fetched is mapped, which spares a copy of it.

    One that somebody else may shorten must not be: that would end the process.
    """

    def __init__(self, file: DataFile, **options: Sequence[str]) -> None:
        self._pages: mmap.mmap | None = None
        source: Any = file.path
        if file.is_fetched and file.size_bytes and hasattr(mmap, "MADV_DONTNEED"):
            with open(file.path, "rb") as stream:
                number = stream.fileno()
                self._pages = mmap.mmap(number, 0, access=mmap.ACCESS_READ)
            source = pa.BufferReader(pa.py_buffer(self._pages))
        super().__init__(source, **options)

    def forget(self) -> None:
        """Give back the memory of what was read, which is in the file still."""
        if self._pages is not None:
            self._pages.madvise(mmap.MADV_DONTNEED)


def _open(file: DataFile, **options: Sequence[str]) -> _Parquet:
    try:
        return _Parquet(file, **options)
    except (pa.ArrowInvalid, OSError) as problem:
        raise failure(LH.PARQUET_CANT_OPEN_FILE, file.display, problem) from None


def _repeated(parquet: pq.ParquetFile) -> list[str]:
    """The string columns that are stored as a dictionary and numbers in it.

    They are read as such in less than half the time; others would be in more.
    """
    metadata, found = parquet.metadata, parquet.schema_arrow
    places = {metadata.schema.column(k).path: k for k in range(metadata.num_columns)}
    repeated = []
    for one in found:
        place = places.get(one.name)
        if place is None or not is_text(one.type):
            continue
        chunks = [
            metadata.row_group(n).column(place) for n in range(metadata.num_row_groups)
        ]
        size = sum(chunk.total_uncompressed_size for chunk in chunks)
        if size <= _NUMBER_BYTES * sum(chunk.num_values for chunk in chunks):
            repeated.append(one.name)
    return repeated


def _rows(
    parquet: _Parquet, names: Sequence[str], file: DataFile
) -> Iterator[pa.RecordBatch]:
    """The rows of these columns; the next are decoded while somebody uses some.

    Raises:
        MySQLError: 6104, the file is damaged.
    """
    batches = parquet.iter_batches(ROWS_PER_BATCH, columns=list(names))
    with ThreadPoolExecutor(1, "heatproxy-parquet") as decoder:
        coming = decoder.submit(next, batches, None)
        for number in itertools.count(1):
            if number % BATCHES_MAPPED == 0:
                parquet.forget()
            try:
                batch = coming.result()
            except (pa.ArrowException, OSError) as problem:
                shown = file.display
                raise failure(LH.PARQUET_CANT_OPEN_FILE, shown, problem) from None
            if batch is None:
                return
            coming = decoder.submit(next, batches, None)
            yield batch


def _measure(
    file: DataFile,
    lengths: Lengths,
    places: dict[int, int],
    cancelled: Cancelled,
    most: int | None,
) -> int:
    """Meet the values of the string columns of so many rows; how many there were."""
    looked_at = 0
    texts = {k: places[k] for k in lengths.texts if k in places}
    if not texts or (most is not None and most <= 0):
        return 0
    with _open(file) as plain:
        schema, repeated = plain.schema_arrow, _repeated(plain)
    names = [schema.field(at).name for at in texts.values()]
    kept = [name for name in names if name in repeated]
    with _open(file, read_dictionary=kept) as parquet:
        for batch in _rows(parquet, names, file):
            if cancelled():
                raise interrupted()
            for k, name in zip(texts, names, strict=True):
                lengths.meet(k, batch.column(name))
            looked_at += batch.num_rows
            if most is not None and looked_at >= most:
                break
    return looked_at
