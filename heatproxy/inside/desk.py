"""A desk: one connection of heatproxy's account, at which one caller at a time sits.

The connection holds the desk's lock, which is the turn. To answer, it puts the text
into a variable of its session and hands the lock over; to listen, it waits for it.
"""

import asyncio
import logging
import secrets
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pymysql

from heatproxy.backend.account import Address, connect
from heatproxy.errors import ProtocolError
from heatproxy.inside import pieces
from heatproxy.routines.stubs import (
    DESK,
    DESK_DIGITS,
    NAME_DIGITS,
    NONCE_DIGITS,
    REQUEST,
    SEAT,
    SITS,
    WAITS,
)

log = logging.getLogger(__name__)

# What is read for a caller must not wait for a lock that the caller holds.
SETTINGS = (
    "SET SESSION sql_mode = '', lock_wait_timeout = 10, innodb_lock_wait_timeout = 10,"
    " max_execution_time = 0, character_set_results = utf8mb4,"
    " use_secondary_engine = OFF, cte_max_recursion_depth = 1000"
)
TURN_S = 1  # of one wait for the turn, before the caller is looked at again
MISSES = 4  # looks that must not find a caller at work, who is gone then
LOOK_AGAIN_S = 0.05
WATCH_S = 0.25  # of one statement that looks for a caller
LOOK_S = 0.001, 0.025  # between two looks: after a call, after long quiet
PER_QUIET = 1000  # a look is that part of the quiet so far apart from the next
_OF_EVENT = "NAME = 'thread/sql/event_worker'"  # it is gone when its event is over


class CallerGone(ProtocolError):
    """The caller has been killed, or has left."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sits at a desk: the session's number and what the stub that waits says."""

    connection_id: int
    thread: int  # of performance_schema
    text: str  # nothing unless it is proven
    routine: str
    statement: int  # which calls the routine, by its number in the session


@dataclass(frozen=True, slots=True)
class Heard:
    """What stands in the variables of a session."""

    text: str
    seat: str  # where it says it
    stub: "Waiting | None"  # None: it is not proven that one has said it
    between: bool = False  # it says nothing now, and has not said its last


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stub that waits for its turn; numbers are performance_schema's, of events."""

    number: int
    called_by: int
    routine: str


class Absence:
    """Looks in a row that did not find a caller at work; after some it is gone."""

    def __init__(self) -> None:
        self._looks = 0

    def is_final(self, present: bool) -> bool:
        """Whether the caller is gone, by one look more."""
        self._looks = 0 if present else self._looks + 1
        return self._looks == MISSES


class Desk:
    """One desk from its opening to its end; used by one task at a time."""

    def __init__(self, address: Address) -> None:
        self.name = secrets.token_hex(NAME_DIGITS // 2)  # nobody knows it before
        self._address = address
        self._connection: pymysql.Connection[Any] | None = None
        self._thread = ThreadPoolExecutor(1, "heatproxy-desk")
        self._one_at_a_time = asyncio.Lock()

    # --- opening and closing --------------------------------------------------------

    async def open(self) -> None:
        """Connect, and take the turn.

        Raises:
            pymysql.MySQLError: the backend cannot be reached.
        """
        await self._run(self._connect)
        await self.query(f"DO GET_LOCK('{DESK}{self.name}', 0)")

    @property
    def listed(self) -> str:
        """How callers are told of it, once it is open."""
        assert self._connection is not None
        return f"{self._connection.thread_id():0{DESK_DIGITS}}{self.name}"

    def _connect(self) -> None:
        self._connection = connect(self._address)
        with self._connection.cursor() as cursor:
            cursor.execute(SETTINGS)

    def close(self) -> None:
        """Leave; whoever waits here is told so by the lock. Safe from any thread."""
        connection, self._connection = self._connection, None
        if connection is not None and connection._sock is not None:
            with suppress(OSError):
                connection._sock.shutdown(socket.SHUT_RDWR)
            connection._force_close()
        self._thread.shutdown(wait=False)

    # --- statements -----------------------------------------------------------------

    async def query(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        """The rows of a statement of heatproxy's own; ``%s`` are the values.

        Raises:
            pymysql.MySQLError: the backend refused it.
            ProtocolError: the connection is gone.
        """
        async with self._one_at_a_time:
            rows: list[tuple[Any, ...]] = await self._run(self._query, sql, values)
            return rows

    async def _run(self, work: Any, *args: Any) -> Any:
        loop = asyncio.get_running_loop()
        try:
            done = loop.run_in_executor(self._thread, work, *args)
        except RuntimeError:
            raise ProtocolError("the desk is closed") from None
        done.add_done_callback(_retrieved)  # who waited may have been cancelled twice
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            if not done.done():  # the connection is for one statement at a time
                await asyncio.wait([done])
            raise

    def _query(self, sql: str, values: tuple[str, ...]) -> list[tuple[Any, ...]]:
        connection = self._connection
        if connection is None:
            raise ProtocolError("the desk is closed")
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, values or None)
                return list(cursor.fetchall())
        except (pymysql.err.InterfaceError, OSError, ValueError):
            raise ProtocolError("the desk's connection is gone") from None
        except pymysql.err.OperationalError as problem:
            if problem.args[0] in (0, 2006, 2013, 4031):
                raise ProtocolError("the desk's connection is gone") from None
            raise

    async def is_unwanted(self) -> bool:
        """Whether nobody has sat down, and nobody will: the seat is taken."""
        taken = await self.query(f"SELECT GET_LOCK('{SEAT}{self.name}', 0)")
        return bool(taken[0][0])

    # --- the caller -----------------------------------------------------------------

    async def is_taken(self, quiet_s: float) -> bool:
        """Whether somebody has sat down; it is told at once, or not for ``WATCH_S``.

        Nobody can wake us: a stub may take locks, yet what waits for a lock wakes when
        it is given up; and no KILL of a session with SYSTEM_USER, as ours may be, is
        open to a session without it, whatever the definer of its program. So the
        backend looks, the less often the longer it has been quiet.
        """
        least, most = LOOK_S
        step = min(most, max(least, quiet_s / PER_QUIET))
        owner = f"IS_USED_LOCK('{SEAT}{self.name}')"
        found = await self.query(
            f"WITH RECURSIVE looks (number, owner) AS (SELECT 1, {owner} UNION ALL"
            f" SELECT number + 1 + SLEEP({step:.4f}), {owner} FROM looks"
            f" WHERE owner IS NULL AND number <= {round(WATCH_S / step)})"
            " SELECT MAX(owner) FROM looks"
        )
        return found[0][0] is not None

    async def caller(self) -> Caller | None:
        """Who has the seat, and what it says; None when there is nobody."""
        owner = f"IS_USED_LOCK('{SEAT}{self.name}')"
        found = await self.query(
            f"SELECT c, PS_THREAD_ID(c) FROM (SELECT {owner} AS c) AS seat"
        )
        connection_id, thread = found[0]
        if connection_id is None or thread is None:
            return None
        heard = await self.hear(thread)
        text = heard.text if heard.stub else ""
        if heard.seat != text[:NONCE_DIGITS] + self.name:
            text = ""  # it calls at another desk, and was killed at this one before
        stub = heard.stub or Waiting(0, 0, "")
        return Caller(
            int(connection_id), int(thread), text, stub.routine, stub.called_by
        )

    async def hear(self, thread: int) -> "Heard":
        """What a session says now, by its number in performance_schema.

        Anybody sets variables in a session of his own. That a stub has said it, is
        proven by the statement in which the session waits, before as behind the look
        at its variables: only a stub has that statement, and it has spoken before.

        A session without variables that are shown is heard by its locks.
        """
        before = await self._waits(thread)
        found = await self.query(
            "SELECT VARIABLE_NAME, VARIABLE_VALUE"
            " FROM performance_schema.user_variables_by_thread"
            f" WHERE THREAD_ID = {thread} AND VARIABLE_NAME IN ('{REQUEST}', '{SITS}')"
        )
        said = {name: _text(value) for name, value in found}
        locks = None if found or not before else await self._locks(thread)
        after = await self._waits(thread) if before else None
        stub = before if before == after else None
        if found:
            return Heard(said.get(REQUEST, ""), said.get(SITS, ""), stub)
        by_locks = pieces.said(locks, stub.number) if locks and stub else None
        if by_locks is None:
            return Heard("", "", None, between=await self._is_sitting(thread))
        return Heard(by_locks.text, by_locks.nonce + by_locks.seat, stub)

    async def _locks(self, thread: int) -> list[tuple[str, int]]:
        """The names of a session's locks, each with the event that took it."""
        found = await self.query(
            "SELECT OBJECT_NAME, OWNER_EVENT_ID FROM performance_schema.metadata_locks"
            f" WHERE OWNER_THREAD_ID = {thread} AND OBJECT_TYPE = 'USER LEVEL LOCK'"
            " AND LOCK_STATUS = 'GRANTED'"
        )
        return [(_text(name), int(number)) for name, number in found]

    async def _is_sitting(self, thread: int) -> bool:
        found = await self.query(
            "SELECT 1 FROM performance_schema.threads"
            f" WHERE PROCESSLIST_ID = IS_USED_LOCK('{SEAT}{self.name}')"
            f" AND THREAD_ID = {thread}"
        )
        return bool(found)

    async def _waits(self, thread: int) -> Waiting | None:
        found = await self.query(
            "SELECT OBJECT_SCHEMA, SQL_TEXT, EVENT_ID, NESTING_EVENT_ID, OBJECT_NAME"
            " FROM performance_schema.events_statements_current"
            f" WHERE THREAD_ID = {thread} AND END_EVENT_ID IS NULL"
            " ORDER BY NESTING_EVENT_LEVEL DESC LIMIT 1"
        )
        if not found or found[0][:2] != ("sys", WAITS):
            return None
        _, _, number, called_by, routine = found[0]
        return Waiting(int(number), int(called_by or 0), str(routine))

    async def say(self, nonce: str, text: str | None) -> None:
        """Have a text stand where the caller with that nonce looks; None removes it."""
        if text is None:
            await self.query(f"SET @`heatproxy.{nonce}` = NULL")
        else:
            await self.query(f"SET @`heatproxy.{nonce}` = %s", text)

    async def hand_over(self, connection_id: int) -> None:
        """Give the caller its turn, and return when it is ours again.

        Raises:
            CallerGone: it will never be, or the caller does not take it.
        """
        name = f"{DESK}{self.name}"
        back = f"SELECT GET_LOCK('{name}', {TURN_S})"
        found = await self.query(
            f"SELECT RELEASE_LOCK('{name}'), GET_LOCK('{name}', {TURN_S})"
        )
        absence = Absence()
        while found[0][-1] != 1:
            if absence.is_final(await self.is_busy(connection_id)):
                raise CallerGone("a caller was killed in its turn")
            found = await self.query(back)

    async def is_busy(self, connection_id: int) -> bool:
        """Whether a session is in the middle of a statement."""
        found = await self.query(
            "SELECT 1 FROM performance_schema.threads"
            f" WHERE PROCESSLIST_ID = {connection_id}"
            f" AND (PROCESSLIST_COMMAND <> 'Sleep' OR {_OF_EVENT})"
        )
        return bool(found)

    async def is_waiting(self, connection_id: int) -> bool:
        """Whether a session waits for its turn, as a caller does but for moments."""
        found = await self.query(
            "SELECT 1 FROM performance_schema.threads"
            f" WHERE PROCESSLIST_ID = {connection_id}"
            " AND (PROCESSLIST_STATE IN ('User lock', 'User sleep')"
            f" OR {_OF_EVENT})"
        )
        return bool(found)


def _retrieved(done: "asyncio.Future[Any]") -> None:
    if not done.cancelled():
        done.exception()


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
