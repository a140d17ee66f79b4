"""How a load into DuckDB is ended from another thread."""

import contextlib
import threading
from collections.abc import Iterator

import duckdb

from heatproxy.errors import interrupted

STOPS_WITHIN_S = 0.05  # what waits for its turn looks up so often


class Stop:
    """Ends a load from another thread."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._cursor: duckdb.DuckDBPyConnection | None = None

    def ask(self) -> None:
        """Stop, now or as soon as it begins; harmless when it has ended."""
        self._asked.set()
        if self._cursor is not None:
            with contextlib.suppress(duckdb.Error):
                self._cursor.interrupt()

    def interrupts(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """From here on this is what takes long."""
        self._cursor = cursor
        self.check()

    def check(self) -> None:
        """Raise MySQLError 1317 when it has been asked for."""
        if self._asked.is_set():
            raise interrupted()

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """MySQLError 1317 for what DuckDB says when it was asked to stop."""
        try:
            yield
        except duckdb.Error:
            self.check()
            raise
