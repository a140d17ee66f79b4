"""Whether the engine has everything that the backend had when it was asked.

The backend says where its binlog ends; the follower says how far it is. A transaction
is written to the binlog first and becomes visible afterwards, in InnoDB. So whatever
anybody could see before the question is before that end, and when the follower has
applied up to there the engine has it. It may have more: a transaction that is just
being committed can be in the engine a moment before others see it in MySQL.

Only transactions of sessions with ``sql_log_bin = 0`` are not known to either.
"""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
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
    """Asks the backend where its binlog ends, on a connection of its own."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: pymysql.Connection[Any] | None = None
        self._question = b""
        self._turn = threading.Lock()
        self._server = ""

    def end(self) -> tuple[str, Position] | None:
        """Where the binlog ends, or ended at any time since the call.

        With it comes which server that is. None: there is no answer. It takes no more
        than ``PROBE_S``, and that of a question under way.
        """
        with self._turn:
            try:
                return self._ask()
            except (OSError, pymysql.MySQLError, ProtocolError, IndexError):
                self._hang_up()
                return None
            except BaseException:
                self._hang_up()  # an answer may still be on its way
                raise

    def close(self) -> None:
        with self._turn:
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


@dataclass(frozen=True, slots=True)
class End:
    """Where the binlog of a server ended; ``server`` is its UUID."""

    server: str
    position: Position


class Freshness:
    """What queries ask before they are answered by the engine."""

    def __init__(self, follower: Follower, address: Address) -> None:
        self._follower, self._probe = follower, Probe(address)
        self._rounds = Rounds(self.end)

    def asked(self) -> "asyncio.Future[End | None]":
        """What ``end`` says, for many statements on one event loop.

        It is shared: wait for it with ``asyncio.shield``.
        """
        return self._rounds.asked()

    def end(self) -> End | None:
        """What the engine must have to have all that is visible on the backend now.

        None: that cannot be known, or the engine cannot come to have it.
        """
        follower = self._follower
        if not follower.is_coming:
            return None
        before = follower.applied
        asked = self._probe.end()
        if asked is None or asked[0] != follower.server:
            return None  # positions of another server mean nothing
        server, end = asked
        if before is not None and end < before:
            follower.doubt()  # a binlog grows: this is another than it was
            return None
        return End(server, end)

    def has(self, end: End) -> bool:
        """Whether the engine has it by now; False too where that takes a wait to say.

        If it has, a table that is still AVAILABLE then is as fresh.
        """
        moved = self._follower.moved
        if not moved.acquire(blocking=False):
            return False
        try:
            return _is_there(self._follower, end)
        finally:
            moved.release()

    def comes(self, end: End, wait_s: float, listen: Listen | None = None) -> bool:
        """Wait, no longer than ``wait_s``, until the engine has it: whether it does.

        Raises:
            MySQLError: 1317, stopped through ``listen``.
        """
        until = time.monotonic() + wait_s
        with self._follower.moved:
            if _is_there(self._follower, end):
                return True
        return wait_s > 0 and self._wait(end, until, listen)

    def reached(self, wait_s: float, listen: Listen | None = None) -> bool:
        """Whether the engine has what was visible on the backend before the call.

        It waits for that, no longer than ``wait_s``.

        Raises:
            MySQLError: 1317, stopped through ``listen``.
        """
        end = self.end()
        return end is not None and self.comes(end, wait_s, listen)

    def _wait(self, end: End, until: float, listen: Listen | None) -> bool:
        follower = self._follower
        stopped = threading.Event()
        if listen is not None:
            listen(_stopping(stopped, follower.moved))
        with follower.awaited(), follower.moved:
            while not stopped.is_set():
                if _is_there(follower, end):
                    return True
                if not follower.is_coming:
                    return False
                left_s = until - time.monotonic()
                if left_s <= 0:
                    return False
                follower.moved.wait(left_s)
        raise interrupted()

    def close(self) -> None:
        """Hang up."""
        self._rounds.close()
        self._probe.close()


class Rounds:
    """A question whose answer serves everyone who came before it was asked.

    All of it is for one event loop, but ``ask``, which blocks, in a thread.
    """

    def __init__(self, ask: Callable[[], End | None]) -> None:
        self._ask = ask
        self._thread = ThreadPoolExecutor(1, "heatproxy-freshness")
        self._next: asyncio.Future[End | None] | None = None
        self._is_asking = False

    def asked(self) -> "asyncio.Future[End | None]":
        """The answer to a question that is asked after this call."""
        loop = asyncio.get_running_loop()
        if self._next is None:
            self._next = loop.create_future()
        found = self._next
        if not self._is_asking:
            self._begin(loop)
        return found

    def close(self) -> None:
        self._thread.shutdown(cancel_futures=True)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        asked, self._next = self._next, None
        assert asked is not None
        try:
            answer = loop.run_in_executor(self._thread, self._ask)
        except RuntimeError:  # it is closed
            asked.set_result(None)
            return
        self._is_asking = True
        answer.add_done_callback(partial(self._answered, loop, asked))

    def _answered(
        self,
        loop: asyncio.AbstractEventLoop,
        asked: "asyncio.Future[End | None]",
        answer: "asyncio.Future[End | None]",
    ) -> None:
        self._is_asking = False
        if not asked.done():
            gone = answer.cancelled() or answer.exception() is not None
            asked.set_result(None if gone else answer.result())
        if self._next is not None:
            self._begin(loop)


def _is_there(follower: Follower, end: End) -> bool:
    """Whether the follower has come to an end of its binlog; ``moved`` is held."""
    return (
        follower.is_live
        and follower.server == end.server
        and follower.applied is not None
        and end.position <= follower.applied
    )


def _stopping(
    stopped: threading.Event, moved: threading.Condition
) -> Callable[[], None]:
    def stop() -> None:
        stopped.set()
        with moved:
            moved.notify_all()

    return stop
