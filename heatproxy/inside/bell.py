"""The bell: heatproxy sleeps in a statement of the backend until a caller ends it.

One connection, with a thread of its own, has the lock that says that heatproxy is
here. KILL QUERY of its statement is how a stub rings. A KILL between two statements
would be missed, so each looks at the free desks' seats before it sleeps; besides, stubs
ring again.
"""

import logging
import socket
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

import pymysql

from heatproxy.backend.account import Address, connect
from heatproxy.routines.stubs import BELL, SEAT

log = logging.getLogger(__name__)

SLEEPS_S = 30
STANDS_BY_S = 5  # for another heatproxy to leave this backend
AGAIN_S = 1  # after the connection broke
INTERRUPTED = (1317, 3024)


class Bell:
    """A thread that hears callers.

    ``free`` gives the numbers of the desks at which nobody is served. ``rings`` is told
    the numbers of those of them whose seat is taken, or of none when all are busy;
    ``here`` whether this heatproxy is the one that answers. Both run in the thread.
    """

    def __init__(
        self,
        address: Address,
        free: Callable[[], Collection[int]],
        rings: Callable[[Collection[int]], None],
        here: Callable[[bool], None],
    ) -> None:
        self._address, self._free, self._rings, self._here = address, free, rings, here
        self._stopped = threading.Event()
        self._connection: pymysql.Connection[Any] | None = None
        self._thread = threading.Thread(
            target=self._listen, name="heatproxy-bell", daemon=True
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

    def _listen(self) -> None:
        known = ""  # problem, of which the log has been told
        while not self._stopped.is_set():
            try:
                self._connection = connect(self._address)
                known = ""
                with self._connection:
                    self._serve(self._connection)
            except (pymysql.MySQLError, OSError, ValueError) as problem:
                if not self._stopped.is_set() and str(problem) != known:
                    known = str(problem)
                    log.warning("calls from inside the backend wait: %s", problem)
            finally:
                self._connection = None
            self._stopped.wait(AGAIN_S)

    def _serve(self, connection: "pymysql.Connection[Any]") -> None:
        stand_by = f"SELECT GET_LOCK('{BELL}', {STANDS_BY_S})"
        while self._ask(connection, stand_by) != (1,):
            if self._stopped.is_set():
                return
        self._here(True)
        try:
            while not self._stopped.is_set():
                free = sorted(self._free())
                row = self._ask(connection, _sleep(free))
                if row is not None:
                    taken = zip(free, row[1:], strict=True)
                    self._rings([number for number, owner in taken if owner])
        finally:
            self._here(False)

    def _ask(
        self, connection: "pymysql.Connection[Any]", sql: str
    ) -> tuple[Any, ...] | None:
        """A statement's row; None when somebody rang in the middle of it."""
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                row: tuple[Any, ...] | None = cursor.fetchone()
                return row
        except pymysql.MySQLError as problem:
            if problem.args and problem.args[0] in INTERRUPTED:
                return None
            raise


def _sleep(free: Collection[int]) -> str:
    """Sleep unless a seat is taken; then say by whom."""
    owners = [f"IS_USED_LOCK('{SEAT}{number}')" for number in free]
    taken = f"COALESCE({', '.join(['NULL', *owners])})"
    asked = "".join(f", {owner}" for owner in owners)
    return f"SELECT IF({taken} IS NULL, SLEEP({SLEEPS_S}), 0){asked}"
