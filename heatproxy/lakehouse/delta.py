"""Delta tables: the log says which Parquet files are theirs, delta-rs reads it.

What was fetched is laid out as the table has it, and nothing else is read: a log that
names other places is refused.

Source: HeatWave User Guide, "Delta Lake"; Delta Transaction Log Protocol.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from heatproxy.errors import MySQLError, interrupted, not_supported
from heatproxy.lakehouse.catalogue import LH, failure
from heatproxy.lakehouse.dialect import Dialect
from heatproxy.lakehouse.inference import Inferred, require_rows
from heatproxy.lakehouse.layout import Layout, Warn
from heatproxy.lakehouse.records import Cancelled, Progress
from heatproxy.lakehouse.streams import DataFile
from heatproxy.lakehouse.typed import Fitter, Lengths

EXTRA = "Delta tables without deltalake: pip install 'heatproxy[delta]'"
_LOG = "_delta_log/"
_ROWS_PER_BATCH = 122_880


def resolve(files: Sequence[DataFile], dialect: Dialect) -> Dialect:
    return dialect


def infer(
    files: Sequence[DataFile],
    dialect: Dialect,
    cancelled: Cancelled,
    progress: Progress,
    sampling: bool,
) -> Inferred:
    """Types from the table's own schema; strings are as long as the longest value.

    Raises:
        MySQLError: 6522, no Delta table; 6523, a feature that is not read; 6098, no
            rows; 1235, a type that is none of MySQL's, or no deltalake; 1317.
    """
    with _opened(files) as dataset:
        lengths = Lengths(dataset.schema)
        rows = 0
        texts = [dataset.schema.field(k).name for k in lengths.texts]
        for batch in _batches(dataset, texts, cancelled):
            rows += batch.num_rows
            for place, name in zip(lengths.texts, texts, strict=True):
                lengths.meet(place, batch.column(name))
    require_rows(rows)
    columns, warnings = lengths.columns("Delta")
    size = sum(file.size_bytes for file in files)
    progress(size)
    return Inferred(columns, rows, size, warnings)


def batches(
    files: Sequence[DataFile],
    dialect: Dialect,
    layout: Layout,
    strict: bool,
    warn: Warn,
    cancelled: Cancelled,
    progress: Progress,
) -> Iterator[pa.RecordBatch]:
    """The rows of the table's newest version.

    Raises:
        MySQLError: those of ``infer`` and of Fitter.
    """
    with _opened(files) as dataset:
        schema = dataset.schema
        fitter = Fitter(files[0], schema, dialect, layout, strict, warn)
        names = [schema.field(place).name for place in fitter.fields]
        for batch in _batches(dataset, names, cancelled):
            yield fitter.fit(batch)
    progress(sum(file.size_bytes for file in files))


def _batches(
    dataset: Any, names: Sequence[str], cancelled: Cancelled
) -> Iterator[pa.RecordBatch]:
    for batch in dataset.to_batches(columns=list(names), batch_size=_ROWS_PER_BATCH):
        if cancelled():
            raise interrupted()
        yield batch


@contextmanager
def _opened(files: Sequence[DataFile]) -> Iterator[Any]:
    """The table as a pyarrow Dataset."""
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError, DeltaProtocolError
    except ImportError:
        raise not_supported(EXTRA) from None
    with tempfile.TemporaryDirectory(prefix="heatproxy-") as folder:
        _lay_out(files, Path(folder))
        try:
            table = DeltaTable(folder)
            for uri in table.file_uris():
                _require_inside(uri, folder)
            dataset = table.to_pyarrow_dataset()
        except DeltaProtocolError as problem:
            raise failure(LH.DELTA_UNSUPPORTED_ERROR, _short(problem)) from None
        except (DeltaError, OSError, ValueError) as problem:
            raise failure(LH.DELTA_METADATA_READ_ERROR, _short(problem)) from None
        yield dataset


def _lay_out(files: Sequence[DataFile], folder: Path) -> None:
    """Links to the files, by their places in the table."""
    roots = {file.name.partition(_LOG)[0] for file in files if _LOG in file.name}
    if len(roots) != 1:
        text = f"there are {len(roots)} folders {_LOG} in what is named"
        raise failure(LH.DELTA_METADATA_READ_ERROR, text)
    (root,) = roots
    for file in files:
        place = file.name.removeprefix(root)
        parts = place.split("/")
        if not file.name.startswith(root) or ".." in parts or "" in parts:
            raise _outside()
        link = folder / place
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file.path.resolve())


def _require_inside(uri: str, folder: str) -> None:
    path = os.path.normpath(uri.removeprefix("file://"))
    if not path.startswith(os.path.join(folder, "")) or not os.path.exists(path):
        raise _outside()


def _outside() -> MySQLError:
    text = "it names a file that is not one of the table's folder"
    return failure(LH.DELTA_METADATA_READ_ERROR, text)


def _short(problem: Exception) -> str:
    return str(problem).partition("\n")[0][:200]
