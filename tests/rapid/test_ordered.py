"""Ranges that several connections read come out in order, and few are read ahead."""

import threading
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from heatproxy.errors import MySQLError
from heatproxy.rapid.ordered import OrderedRows
from tests.background import until

BATCHES = 4  # of each range


class Reader:
    """Gives a range's number and the batch's; notes how far it has come."""

    def __init__(self, begun: dict[int, int], fails_at: int = -1) -> None:
        self.aborted = threading.Event()
        self._begun, self._fails_at = begun, fails_at

    def select(self, query: str) -> Iterator[pa.RecordBatch]:
        number = int(query)
        for batch in range(BATCHES):
            if number == self._fails_at:
                raise MySQLError(1290, "HY000", "it fails")
            self._begun[number] = batch + 1
            yield pa.RecordBatch.from_pydict({"range": [number], "batch": [batch]})

    def abort(self) -> None:
        self.aborted.set()


def read(connections: int, ranges: int, begun: dict[int, int], **options: Any) -> Any:
    readers: list[Any] = [Reader(begun, **options) for _ in range(connections)]
    queries = [str(number) for number in range(ranges)]
    return readers, OrderedRows(readers, queries, ahead_bytes=0)


@pytest.mark.parametrize("connections", [1, 2, 5])
@pytest.mark.parametrize("ranges", [0, 1, 2, 17])
def test_rows_come_in_the_order_of_the_ranges(connections: int, ranges: int) -> None:
    _, rows = read(connections, ranges, {})
    found = [tuple(b.to_pylist()[0].values()) for b in rows.batches()]
    assert found == [(r, b) for r in range(ranges) for b in range(BATCHES)]


def test_no_more_is_read_than_is_allowed() -> None:
    begun: dict[int, int] = {}
    _, rows = read(2, 20, begun)
    batches = rows.batches()
    next(batches)
    until(lambda: len(begun) >= 2)
    assert set(begun) <= {0, 1, 2}  # one for each connection, and one more
    assert begun[1] < BATCHES  # what is read ahead of the first has its limit too
    assert sum(1 for _ in batches) == 20 * BATCHES - 1


def test_what_stops_one_reader_stops_all() -> None:
    readers, rows = read(2, 20, {}, fails_at=3)
    with pytest.raises(MySQLError, match="it fails"):
        list(rows.batches())
    assert all(reader.aborted.is_set() for reader in readers)


def test_who_takes_no_more_ends_the_reading() -> None:
    readers, rows = read(3, 50, {})
    batches = rows.batches()
    next(batches)
    batches.close()
    assert all(reader.aborted.is_set() for reader in readers)
    assert not [t for t in threading.enumerate() if t.name == "heatproxy-bulk"]
