"""The rows of one load on their way from the backend into the engine."""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa

from heatproxy.backend.bulk import BulkReader, abort_all
from heatproxy.engine import Ending
from heatproxy.errors import secondary_engine
from heatproxy.rapid import origin
from heatproxy.rapid.describe import Description
from heatproxy.rapid.ordered import OrderedRows
from heatproxy.rapid.snapshot import Snapshot
from heatproxy.rapid.tables import LoadedTable, LoadedTables

TOLD_EVERY_S = 0.2
FLAWED = "it contains dates or text that the engine cannot hold"


class Opened:
    """The connections of one load, which may be aborted at any time."""

    def __init__(self) -> None:
        self._readers: list[BulkReader] = []
        self._aborted = False
        self._lock = threading.Lock()

    def add(self, reader: BulkReader) -> None:
        with self._lock:
            self._readers.append(reader)
            if self._aborted:
                reader.abort()

    def abort(self) -> None:
        with self._lock:
            self._aborted = True
            abort_all(self._readers)


class Filling:
    """One load; ``described`` is the table as it will be held.

    ``problem`` is what reading the rows raised: the engine reports no more than its
    text.
    """

    def __init__(
        self,
        tables: LoadedTables,
        table: LoadedTable,
        described: Description,
        seen: Snapshot,
        texts: Sequence[str],
        about: int,
    ) -> None:
        self.table, self.described, self.seen = table, described, seen
        self.problem: Exception | None = None
        self.schema = pa.schema(
            [(column.name, column.type.arrow()) for column in described.held]
        )
        self._tables, self._about = tables, about
        self._rows = OrderedRows(seen.readers, texts)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, in the engine's types; how far they are is told on the way."""
        count, told = 0, time.monotonic()
        try:
            for batch in self._rows.batches():
                count += batch.num_rows
                if time.monotonic() - told > TOLD_EVERY_S:
                    told = time.monotonic()
                    percent = min(99.0, 100 * count / max(self._about, 1))
                    self._tables.change(self.table, rows=count, progress=percent)
                yield _as(batch, self.schema)
        except Exception as problem:
            self.problem = problem
            raise

    def ending(self) -> Ending:
        """All rows are read: DDL need not wait any more, and flaws are known."""
        flawed: set[int] = set()
        for reader in self.seen.readers:
            reader.close()
            flawed |= reader.flawed
        names = [self.described.held[place].name for place in sorted(flawed)]
        described = self.described.without(dict.fromkeys(names, FLAWED))
        if names and not described.held:
            raise secondary_engine(
                f"No column of '{described.schema}.{described.name}' can be loaded"
            )
        if described.usable_key != self.described.usable_key and not self.seen.exact:
            raise secondary_engine(f"Column '{names[0]}' of the primary key: {FLAWED}")
        self.described = described
        text = origin.to_json(replace(self.table, columns=described.columns))
        return Ending(names, text)


def _as(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    if batch.schema == schema:
        return batch
    arrays = [
        array if array.type == kind else array.cast(kind)
        for array, kind in zip(batch.columns, schema.types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
