"""Several connections read ranges of a table; their rows come out in the ranges' order.

What is read ahead is bounded: a connection waits when the ranges it is ahead of are
not yet taken, or when its own has enough rows waiting.
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from heatproxy.backend.bulk import BulkReader, abort_all

AHEAD_BYTES = 32 << 20  # of each range that is read ahead


@dataclass(slots=True)
class _Range:
    batches: deque[pa.RecordBatch] = field(default_factory=deque)
    held_bytes: int = 0
    is_read: bool = False


class OrderedRows:
    """The rows of SELECTs, one after the other, as Arrow batches; read once."""

    def __init__(
        self,
        readers: Sequence[BulkReader],
        queries: Sequence[str],
        ahead_bytes: int = AHEAD_BYTES,
    ) -> None:
        self._readers, self._queries = readers, queries
        self._ahead_bytes = ahead_bytes
        self._ranges: dict[int, _Range] = {}
        self._head = 0  # the range whose rows are taken now
        self._next = 0  # the first range that nobody reads yet
        self._problem: BaseException | None = None
        self._stopped = False
        self._changed = threading.Condition()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows.

        Raises:
            MySQLError, ProtocolError: what stopped a reader.
        """
        threads = [
            threading.Thread(target=self._read, args=(reader,), name="heatproxy-bulk")
            for reader in self._readers[: len(self._queries)]
        ]
        for thread in threads:
            thread.start()
        try:
            while self._head < len(self._queries):
                batch = self._take()
                if batch is not None:
                    yield batch
        finally:
            with self._changed:
                self._stopped = True
                unread = self._head < len(self._queries)
                self._changed.notify_all()
            if unread:
                abort_all(self._readers)
            for thread in threads:
                thread.join()

    def _take(self) -> pa.RecordBatch | None:
        """The next batch of the head, or None when the head has none left."""
        with self._changed:
            while True:
                head = self._ranges.get(self._head)
                if self._problem is not None:
                    raise self._problem
                if head is not None and head.batches:
                    batch = head.batches.popleft()
                    head.held_bytes -= batch.nbytes
                    self._changed.notify_all()
                    return batch
                if head is not None and head.is_read:
                    del self._ranges[self._head]
                    self._head += 1
                    self._changed.notify_all()
                    return None
                self._changed.wait()

    def _read(self, reader: BulkReader) -> None:
        """What one connection does: range after range, whichever is next."""
        try:
            while (number := self._claim()) is not None:
                own = self._ranges[number]
                for batch in reader.select(self._queries[number]):
                    if not self._put(own, batch):
                        return
                with self._changed:
                    own.is_read = True
                    self._changed.notify_all()
        except BaseException as problem:
            with self._changed:
                self._problem = self._problem or problem
                self._changed.notify_all()

    def _claim(self) -> int | None:
        """A range to read; None when there is none left."""
        with self._changed:
            while (
                not self._stopped
                and self._problem is None
                and self._next < len(self._queries)
                and self._next > self._head + len(self._readers)
            ):
                self._changed.wait()
            done = self._stopped or self._problem is not None
            if done or self._next >= len(self._queries):
                return None
            number, self._next = self._next, self._next + 1
            self._ranges[number] = _Range()
            return number

    def _put(self, own: _Range, batch: pa.RecordBatch) -> bool:
        """Leave a batch to be taken; False when nobody will."""
        with self._changed:
            while (
                own.held_bytes > self._ahead_bytes
                and not self._stopped
                and self._problem is None
            ):
                self._changed.wait()
            if self._stopped or self._problem is not None:
                return False
            own.batches.append(batch)
            own.held_bytes += batch.nbytes
            self._changed.notify_all()
            return True
