"""The file formats of external tables, each declared as a value."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from heatproxy.errors import not_supported
from heatproxy.lakehouse import avro, csv, delta, ndjson, parquet
from heatproxy.lakehouse.dialect import Dialect
from heatproxy.lakehouse.inference import Inferred
from heatproxy.lakehouse.layout import Layout, Warn
from heatproxy.lakehouse.records import Cancelled, Progress
from heatproxy.lakehouse.streams import DataFile

Resolve = Callable[[Sequence[DataFile], Dialect], Dialect]
Infer = Callable[[Sequence[DataFile], Dialect, Cancelled, Progress, bool], Inferred]


class Batches(Protocol):
    """The rows of all files as Arrow, exactly in the types of the loaded columns."""

    def __call__(
        self,
        files: Sequence[DataFile],
        dialect: Dialect,
        layout: Layout,
        strict: bool,
        warn: Warn,
        cancelled: Cancelled,
        progress: Progress,
    ) -> Iterator[pa.RecordBatch]: ...


@dataclass(frozen=True, slots=True)
class Format:
    """One value of the dialect's ``format``.

    ``resolve`` looks into the files for what the dialect leaves to ``auto``; the
    other two take the dialect it returns.
    """

    name: str
    resolve: Resolve
    infer: Infer
    batches: Batches


FORMATS = (
    Format("csv", csv.resolve, csv.infer, csv.batches),
    Format("parquet", parquet.resolve, parquet.infer, parquet.batches),
    Format("avro", avro.resolve, avro.infer, avro.batches),
    Format("json", ndjson.resolve, ndjson.infer, ndjson.batches),
    Format("delta", delta.resolve, delta.infer, delta.batches),
)


def format_of(dialect: Dialect) -> Format:
    """The declared format. Raises MySQLError 1235 for documents and the like."""
    for known in FORMATS:
        if known.name == dialect.format:
            return known
    raise not_supported(f"Lakehouse files of format {dialect.format}")
