"""Whether the engine has everything that the backend had when it was asked.

The backend says where its binlog ends; the follower says how far it is. A transaction
is written to the binlog first and becomes visible afterwards, in InnoDB. So whatever
anybody could see before the question is before that end, and when the follower has
applied up to there the engine has it. It may have more: a transaction that is just
being committed can be in the engine a moment before others see it in MySQL.

Only transactions of sessions with ``sql_log_bin = 0`` are not known to either.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pymysql

from heatproxy.backend.account import Address, connect
from heatproxy.backend.dump import status_statement
from heatproxy.engine.facts import Listen
from heatproxy.errors import ProtocolError, interrupted
from heatproxy.rapid.follow import Follower
from heatproxy.wire.binlog import Position
from heatproxy.wire.packets import EOF, ERR, frame, read_lenenc

PROBE_S = 5.0  # within which the backend answers, or is taken for gone
COM_QUERY = b"\x03"


class Probe:
    """Asks the backend where its binlog ends, for several threads at a time.

    A question serves everyone who came before it was sent.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: pymysql.Connection[Any] | None = None
        self._question = b""
        self._turn = threading.Condition()
        self._asked = self._answered = 0  # rounds
        self._answer: tuple[str, Position] | None = None
        self._server = ""
        self._is_asking = False

    def end(self) -> tuple[str, Position] | None:
        """Where the binlog ends, or ended at any time since the call.

        With it comes which server that is. None: there is no answer. It takes no more
        than ``PROBE_S``, and that of a question under way.
        """
        with self._turn:
            mine = self._asked + 1
            while self._is_asking:
                self._turn.wait()
                if self._answered >= mine:
                    return self._answer
            self._is_asking = True
            self._asked = mine
        answer = None
        try:
            answer = self._ask()
        except (OSError, pymysql.MySQLError, ProtocolError, IndexError):
            self._hang_up()
        finally:
            with self._turn:
                self._answer, self._answered = answer, mine
                self._is_asking = False
                self._turn.notify_all()
        return answer

    def close(self) -> None:
        with self._turn:
            while self._is_asking:
                self._turn.wait()
            self._hang_up()

    def _ask(self) -> tuple[str, Position]:
        if self._connection is None:
            self._connection = connect(self._address, PROBE_S)
            with self._connection.cursor() as cursor:
                cursor.execute("SELECT @@server_uuid, VERSION()")
                ((self._server, version),) = cursor.fetchall()
            self._question = frame(COM_QUERY + status_statement(version).encode(), 0)
            self._connection._sock.settimeout(PROBE_S)
        wire: socket.socket = self._connection._sock
        wire.sendall(self._question)
        data = b""
        while True:
            part = wire.recv(65_536)
            if not part:
                raise ConnectionError("the backend connection is gone")
            data += part
            found = _end_in(data)
            if found is not None:
                return self._server, found

    def _hang_up(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection._force_close()
            self._connection = None


def _end_in(data: bytes) -> Position | None:
    """The file and position of a whole result; None if it is not whole."""
    position, ends, row = 0, 0, b""
    size = len(data)
    while position + 4 <= size:
        length = data[position] | data[position + 1] << 8 | data[position + 2] << 16
        start, position = position + 4, position + 4 + length
        if position > size:
            return None
        first = data[start]
        if first == ERR:
            raise ProtocolError("the backend does not say where its binlog ends")
        if first == EOF and length < 9:
            ends += 1
            if ends == 2:
                return _position(row)
        elif ends == 1:
            row = data[start:position]
    return None


def _position(row: bytes) -> Position:
    if not row:
        raise ProtocolError("the backend writes no binary log")
    length, place = read_lenenc(row, 0)
    file = row[place : place + length].decode()
    length, start = read_lenenc(row, place + length)
    return Position(file, int(row[start : start + length]))


class Freshness:
    """What queries ask before they are answered by the engine."""

    def __init__(self, follower: Follower, address: Address) -> None:
        self._follower, self._probe = follower, Probe(address)

    def reached(self, wait_s: float, listen: Listen | None = None) -> bool:
        """Whether the engine has what was visible on the backend before the call.

        It waits for that, no longer than ``wait_s``. If it is so, a table that is
        still AVAILABLE then is as fresh.

        Raises:
            MySQLError: 1317, stopped through ``listen``.
        """
        follower = self._follower
        if not follower.is_live:
            return False
        before = follower.applied
        asked = self._probe.end()
        if asked is None or asked[0] != follower.server:
            return False  # positions of another server mean nothing
        server, end = asked
        if before is not None and end < before:
            follower.doubt()  # a binlog grows: this is another than it was
            return False
        if _is_there(follower, server, end):
            return True
        until = time.monotonic() + wait_s
        return wait_s > 0 and self._wait(server, end, until, listen)

    def _wait(
        self, server: str, end: Position, until: float, listen: Listen | None
    ) -> bool:
        follower = self._follower
        stopped = threading.Event()
        if listen is not None:
            listen(_stopping(stopped, follower.moved))
        with follower.awaited(), follower.moved:
            while not stopped.is_set():
                if _is_there(follower, server, end):
                    return True
                if not follower.is_live:
                    return False
                left_s = until - time.monotonic()
                if left_s <= 0:
                    return False
                follower.moved.wait(left_s)
        raise interrupted()

    def close(self) -> None:
        """Hang up."""
        self._probe.close()


def _is_there(follower: Follower, server: str, end: Position) -> bool:
    """Whether the follower has come to an end of this server's binlog."""
    with follower.moved:
        return (
            follower.is_live
            and follower.server == server
            and follower.applied is not None
            and end <= follower.applied
        )


def _stopping(
    stopped: threading.Event, moved: threading.Condition
) -> Callable[[], None]:
    def stop() -> None:
        stopped.set()
        with moved:
            moved.notify_all()

    return stop
