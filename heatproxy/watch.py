"""A statement of ours while it is under way, so that MySQL can kill it.

Whenever the client's own connection has nothing else to do, it waits there for a
user-level lock that heatproxy holds. KILL QUERY, KILL and max_execution_time end that
wait in MySQL's own way, whoever asks and wherever, and SHOW PROCESSLIST shows it. A
command of ours on that connection first ends the wait, and it is resumed afterwards.

MySQL ignores a KILL QUERY of a session that waits for nothing: in the first
``WATCH_AFTER_S`` of a statement, and for ``RESUME_AFTER_S`` behind a command of ours.
A KILL that went through heatproxy is known here, and counts then too.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import pymysql

from heatproxy.backend.connection import BackendConnection
from heatproxy.backend.locks import Locks, StatementLocks
from heatproxy.errors import MySQLError, ProtocolError, interrupted

T = TypeVar("T")

log = logging.getLogger(__name__)

# A statement that takes no longer is over before anybody could ask for its end.
WATCH_AFTER_S = 0.02
RESUME_AFTER_S = 0.001  # commands of ours often follow each other
WAIT_S = 31_536_000
_INTERRUPTED = 1317
SHOWN_BYTES = 1024  # of the client's statement, in SHOW PROCESSLIST


class Watches:
    """Those of all statements under way."""

    def __init__(self, locks: Locks) -> None:
        self._locks = locks
        self._running: dict[int, Watch] = {}

    def of(
        self, thread_id: int, backend: BackendConnection, statement: bytes
    ) -> "Watch":
        """The watch of a session's next statement, whose text may be empty."""
        locks = self._locks.of_statement(thread_id)
        return Watch(backend, locks, statement, thread_id, self._running)

    def running(self, thread_id: int) -> "Watch | None":
        """That of the statement under way in a session."""
        return self._running.get(thread_id)


class Watch:
    """One statement's, from its beginning to its end."""

    def __init__(
        self,
        backend: BackendConnection,
        locks: StatementLocks,
        statement: bytes,
        thread_id: int,
        running: "dict[int, Watch]",
    ) -> None:
        """``statement`` is the client's text, in its own character set."""
        self._backend, self._locks = backend, locks
        self.thread_id, self._running = thread_id, running
        self._shown = shown(statement)
        self.doing = "working"
        self._began = time.monotonic()
        self._limit_ms = 0  # max_execution_time, known after the first wait
        self._task: asyncio.Task[Any] | None = None
        self._claims = 0
        self._timer: asyncio.TimerHandle | None = None
        self._wait: _Wait | None = None
        self._awake = self._over = self._killed = False
        self._quiet = False  # what the connection has last been told is the client's
        self._problem: MySQLError | ProtocolError | None = None
        self._told = False  # the statement has been told of the problem
        backend.keeper = self

    # --- the statement --------------------------------------------------------------

    async def over(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the statement's work.

        Raises:
            MySQLError: 1317 or 3024 when it was killed; the work's own.
            ProtocolError: the connection was killed.
        """
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._running[self.thread_id] = self
        self._timer = loop.call_later(WATCH_AFTER_S, self._wake)
        try:
            result = await work
            await self._absorb()
            return result
        except asyncio.CancelledError:
            self.raise_problem()
            raise
        finally:
            self._over = True
            del self._running[self.thread_id]
            if self._timer is not None:
                self._timer.cancel()
            await self._end_wait()
            self._locks.let_go()

    async def _absorb(self) -> None:
        """A KILL that came when the work was done already is no cancellation."""
        self._over = True
        if self._told and self._task is not None:
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                if self._task.uncancel() > 0:
                    raise

    async def step(self, work: Awaitable[T]) -> T:
        """Await a part of the work that catches a KILL as a MySQLError."""
        try:
            return await work
        except asyncio.CancelledError:
            self.raise_problem()
            raise

    def require_no_kill(self) -> None:
        """Raise what the statement was killed with, though its work is over."""
        if self._problem is not None:
            raise self._problem

    def raise_problem(self) -> None:
        """In place of a cancellation that came from here, raise what it was for."""
        if self._problem is None or self._task is None:
            return
        if self._task.uncancel() == 0:
            raise self._problem from None

    def limit(self, limit_ms: int) -> None:
        """The statement's max_execution_time, 0 for none, where a hint gives it one."""
        self._limit_ms = limit_ms

    def kill(self) -> None:
        """A KILL QUERY was carried out: if MySQL ignored it, it counts all the same."""
        if self._claims:
            self._killed = True  # MySQL may end the command under way itself
        else:
            self._end(interrupted())

    def _end(self, problem: MySQLError | ProtocolError) -> None:
        """End the statement, once."""
        if self._problem is not None or self._over or self._task is None:
            return
        self._problem = problem
        self._tell()

    def _tell(self) -> None:
        """Cancel the work where it is; in the middle of a command it is told later."""
        if self._claims or self._told or self._over or self._task is None:
            return
        self._told = True
        self._task.cancel()

    # --- commands on the connection -------------------------------------------------

    async def claim(self) -> None:
        """A command of ours is about to go out: end the wait.

        Raises:
            MySQLError: the statement was killed in the meantime.
        """
        self._claims += 1
        try:
            await self._end_wait()
            if self._problem is not None and not self._told:
                self._told = True
                raise self._problem
        except BaseException:
            self._claims -= 1
            raise

    def release(self, failed: bool, *, last: bool = False) -> None:
        """The command has been answered; the wait is resumed if no other follows.

        Behind the ``last`` one it is not: the diagnostics area is the client's then.
        """
        self._claims -= 1
        refused = self._backend.refused
        if failed and refused is not None and refused.number == _INTERRUPTED:
            self._killed = False  # MySQL has ended the command itself: that was it
        if self._claims or self._over:
            return
        if self._killed and not failed and self._problem is None:
            self._problem = interrupted()
            # the work itself calls this: were it cancelled here, it would be at its
            # next await, in the middle of another command perhaps
            asyncio.get_running_loop().call_soon(self._tell)
        self._quiet = last
        if self._awake and self._problem is None:
            self._resume_in(RESUME_AFTER_S)

    # --- the wait -------------------------------------------------------------------

    def _wake(self) -> None:
        self._awake = True
        self._resume()

    def _resume(self) -> None:
        ended = self._over or self._problem or self._quiet
        if not (self._claims or self._wait or ended):
            self._wait = _Wait()
            self._wait.task = asyncio.ensure_future(self._wait_killable(self._wait))

    async def _wait_killable(self, wait: "_Wait") -> None:
        """Wait until the lock is let go, or a KILL ends the wait."""
        try:
            await self._locks.take()
            if wait.called_off:
                return
            wait.began = True
            self._backend.refused = None  # its diagnostics area no longer says so
            row = (await self._backend.unwatched(self._text())).texts()[0]
        except pymysql.MySQLError as problem:
            log.warning("a statement cannot be killed: %s", problem)
            self._awake = False
        except (MySQLError, ProtocolError) as problem:
            self._end(problem)
        else:
            self._limit_ms = int(row[-1] or 0)
            if not wait.called_off:
                self._wait = None
                self._locks.lost()
                self._resume_in(WATCH_AFTER_S)

    async def _end_wait(self) -> None:
        """Have the connection to ourselves."""
        wait, self._wait = self._wait, None
        if wait is None or wait.task is None or wait.task.done():
            return
        wait.called_off = True
        if wait.began:
            try:
                await self._locks.next()
            except pymysql.MySQLError as problem:  # the lock is gone, and so the wait
                log.warning("a statement cannot be killed: %s", problem)
                self._awake = False
        await asyncio.wait([wait.task])

    def _resume_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._resume)

    def _text(self) -> bytes:
        hint = b""
        if self._limit_ms:
            spent_ms = int((time.monotonic() - self._began) * 1000)
            hint = b"/*+ MAX_EXECUTION_TIME(%d) */ " % max(1, self._limit_ms - spent_ms)
        name = self._locks.name.encode()
        return (
            b"/* heatproxy, %b: %b */ SELECT %bGET_LOCK('%b', %d), RELEASE_LOCK('%b'),"
            b" @@max_execution_time"
            % (self.doing.encode(), self._shown, hint, name, WAIT_S, name)
        )


@dataclass(slots=True)
class _Wait:
    """One wait for one lock."""

    began: bool = False  # the client's connection has been told to wait
    called_off: bool = False
    task: "asyncio.Task[None] | None" = None


def shown(statement: bytes) -> bytes:
    """The beginning of a statement, as it may stand in a comment."""
    text = b" ".join(statement.split())
    if len(text) > SHOWN_BYTES:
        cut = text[:SHOWN_BYTES]
        while cut and cut[-1] >= 0x80:  # in the middle of a character, perhaps
            cut = cut[:-1]
        text = cut + b"..."
    return text.replace(b"/*", b"/ *").replace(b"*/", b"* /")
