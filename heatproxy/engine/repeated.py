"""Queries that may be asked again: each with a cursor that has it bound already.

DuckDB binds a text to know its columns, and once more to run it. A relation runs as
often as it is asked to, on the tables as they are then, and is bound once for each: for
the smaller half of TPC-H that is a tenth of all of the query's time.
"""

import contextlib
import threading
from collections import OrderedDict
from dataclasses import dataclass

import duckdb

MOST = 64  # idle cursors
LONGEST = 1 << 16  # characters of a text worth keeping


@dataclass(slots=True)
class Bound:
    """One query on a cursor of its own; ``relation`` is missing until it is bound."""

    sql: str
    cursor: duckdb.DuckDBPyConnection
    relation: duckdb.DuckDBPyRelation | None = None

    def close(self) -> None:
        """Let go of both."""
        self.relation = None
        with contextlib.suppress(duckdb.Error):
            self.cursor.close()


class Repeated:
    """The idle ones, found by their text. Safe from any thread."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._idle: OrderedDict[str, Bound] = OrderedDict()
        self._closed = False

    def take(self, sql: str) -> Bound:
        """A cursor for this query, for one to use."""
        with self._lock:
            bound = self._idle.pop(sql, None)
        return bound or Bound(sql, self._connection.cursor())

    def give_back(self, bound: Bound) -> None:
        """It has run to its end, and nobody uses it any more."""
        oldest: Bound | None = bound
        with self._lock:
            is_new = bound.sql not in self._idle and len(bound.sql) <= LONGEST
            if is_new and bound.relation is not None and not self._closed:
                self._idle[bound.sql] = bound
                oldest = None
                if len(self._idle) > MOST:
                    _, oldest = self._idle.popitem(last=False)
        if oldest is not None:
            oldest.close()

    def close(self) -> None:
        """Keep none any more."""
        with self._lock:
            self._closed = True
            idle = list(self._idle.values())
            self._idle.clear()
        for bound in idle:
            bound.close()
