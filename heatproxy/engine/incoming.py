"""Rows on their way into the engine: in its own types, counted, their texts scanned."""

from collections.abc import Iterator

import pyarrow as pa

from heatproxy.datatypes import Column
from heatproxy.engine.scan import TextScan


class Counted:
    """Rows on their way in: cast, counted and weighed."""

    def __init__(
        self, source: pa.RecordBatchReader, schema: pa.Schema, scan: TextScan
    ) -> None:
        self.rows = self.bytes = 0
        self.scan = scan
        self.problem: Exception | None = None  # DuckDB reports no more than its text
        self.reader = pa.RecordBatchReader.from_batches(
            schema, self._batches(source, schema)
        )

    def _batches(
        self, source: pa.RecordBatchReader, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        try:
            for batch in source:
                self.rows += batch.num_rows
                self.bytes += batch.nbytes
                arrays = [
                    _cast(array, field.type)
                    for array, field in zip(batch.columns, schema, strict=True)
                ]
                self.scan.add(arrays)
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        except Exception as problem:
            self.problem = problem
            raise


def _cast(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    if pa.types.is_duration(array.type):
        return array.cast(pa.duration("us")).cast(wanted)
    return array if array.type == wanted else array.cast(wanted)


def held_type(column: Column) -> pa.DataType:
    """The Arrow type in which a column enters DuckDB."""
    return pa.int64() if column.type.name == "time" else column.type.arrow()
