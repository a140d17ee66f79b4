"""That heatproxy is here, of one at a time, and where its desks are.

Both are told to callers by the session that holds a lock. Who takes that lock before
heatproxy does keeps nobody out: ``stubs.helper`` then looks for heatproxy's session.
"""

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pymysql

from heatproxy.backend.account import Address, connect
from heatproxy.routines.stubs import DESKS, HERE

log = logging.getLogger(__name__)

LOOKS_AGAIN_S = 1  # for the lock while another has it, and whether we still have it
_TAKE = f"SELECT GET_LOCK('{HERE}', 0)"
_HAVE = f"SELECT IS_USED_LOCK('{HERE}') <=> CONNECTION_ID()"
_IS_JAMMED = (  # no other heatproxy has it
    "SELECT COUNT(*) FROM performance_schema.processlist"
    f" WHERE ID = IS_USED_LOCK('{HERE}') AND CAST(USER AS BINARY)"
    " <> CAST(SUBSTRING_INDEX(USER(), '@', 1) AS BINARY)"
)


class Presence:
    """A thread with a connection that holds the lock.

    ``here`` is told, in the thread, whether this heatproxy is the one that answers.
    """

    def __init__(self, address: Address, here: Callable[[bool], None]) -> None:
        self._address, self._here = address, here
        self._stopped, self._published = threading.Event(), threading.Event()
        self._desks = ""
        self._connection: pymysql.Connection[Any] | None = None
        self._thread = threading.Thread(
            target=self._stay, name="heatproxy-presence", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; blocks until it has."""
        self._stopped.set()
        self._published.set()
        connection = self._connection
        if connection is not None and connection._sock is not None:
            with suppress(OSError):
                connection._sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def publish(self, desks: str) -> None:
        """Tell callers where to sit, soon; safe from any thread."""
        self._desks = desks
        self._published.set()

    def _stay(self) -> None:
        known = ""  # problem, of which the log has been told
        while not self._stopped.is_set():
            try:
                self._connection = connect(self._address)
                with self._connection:
                    self._hold(self._connection)
                known = ""
            except (pymysql.MySQLError, OSError, ValueError) as problem:
                if not self._stopped.is_set() and str(problem) != known:
                    known = str(problem)
                    log.warning("calls from inside the backend wait: %s", problem)
            finally:
                self._connection = None
            self._stopped.wait(LOOKS_AGAIN_S)

    def _hold(self, connection: "pymysql.Connection[Any]") -> None:
        """Take the lock and keep it until it is lost or this is stopped."""
        while not _is_ours(connection):
            if self._stopped.wait(LOOKS_AGAIN_S):
                return
        self._here(True)
        try:
            while not self._stopped.is_set():
                self._published.clear()
                with connection.cursor() as cursor:
                    cursor.execute(f"SET @`{DESKS}` = %s", (f"{self._desks}.",))
                if not self._published.wait(LOOKS_AGAIN_S) and not _is_ours(connection):
                    return
        finally:
            self._here(False)


def _is_ours(connection: "pymysql.Connection[Any]") -> bool:
    """Whether this heatproxy is the one that answers."""
    if _is_so(connection, _HAVE) or _is_so(connection, _TAKE):
        return True
    return _is_so(connection, _IS_JAMMED)


def _is_so(connection: "pymysql.Connection[Any]", sql: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
    return row is not None and row[0] == 1
