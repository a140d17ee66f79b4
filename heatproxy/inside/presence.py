"""That heatproxy is here: a lock that stubs look at, of one heatproxy at a time."""

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pymysql

from heatproxy.backend.account import Address, connect
from heatproxy.routines.stubs import HERE

log = logging.getLogger(__name__)

LOOKS_AGAIN_S = 1  # for the lock while another has it, and whether we still have it
_TAKE = f"SELECT GET_LOCK('{HERE}', 0)"
_HAVE = f"SELECT IS_USED_LOCK('{HERE}') <=> CONNECTION_ID()"


class Presence:
    """A thread with a connection that holds the lock.

    ``here`` is told, in the thread, whether this heatproxy is the one that answers.
    """

    def __init__(self, address: Address, here: Callable[[bool], None]) -> None:
        self._address, self._here = address, here
        self._stopped = threading.Event()
        self._connection: pymysql.Connection[Any] | None = None
        self._thread = threading.Thread(
            target=self._stay, name="heatproxy-presence", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; blocks until it has."""
        self._stopped.set()
        connection = self._connection
        if connection is not None and connection._sock is not None:
            with suppress(OSError):
                connection._sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()

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
        while not _is_so(connection, _TAKE):
            if self._stopped.wait(LOOKS_AGAIN_S):
                return
        self._here(True)
        try:
            while not self._stopped.wait(LOOKS_AGAIN_S):
                if not _is_so(connection, _HAVE):
                    return
        finally:
            self._here(False)


def _is_so(connection: "pymysql.Connection[Any]", sql: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
    return row is not None and row[0] == 1
