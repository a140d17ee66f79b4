"""What a routine may use: the caller's backend session, the engine, a place to work."""

import asyncio
import contextvars
import os
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import pyarrow as pa
import pymysql

from heatproxy.aftermath import Aftermath
from heatproxy.answer import Answer
from heatproxy.automl.generations import GENERATIONS, Generation
from heatproxy.automl.operations import Operation
from heatproxy.backend import onlooker
from heatproxy.backend.connection import BackendConnection
from heatproxy.backend.shells import Shell
from heatproxy.datatypes import quote_name, quote_text
from heatproxy.engine.yielding import begin_yielding
from heatproxy.errors import (
    MySQLError,
    ProtocolError,
    interrupted,
    secondary_engine,
)
from heatproxy.house import House, follow_shells
from heatproxy.rapid.decision import Notes
from heatproxy.rapid.history import Execution
from heatproxy.rapid.variables import SessionState
from heatproxy.watch import Watch
from heatproxy.wire.packets import Status, query
from heatproxy.wire.redescribed import Describe

T = TypeVar("T")

ASK_AGAIN_S = 0.02
# Work that may take long has threads of its own: it must not use up those that every
# session needs for a moment.
_WORKERS = ThreadPoolExecutor(256, "heatproxy-work", begin_yielding)


class Declined(Exception):
    """A statement that is MySQL's after all; nothing of an answer has been sent.

    ``lasting``: so will others of its shape be.
    """

    def __init__(self, reason: str, *, lasting: bool = False) -> None:
        super().__init__(reason)
        self.lasting = lasting


class Cancel:
    """Tells work in a thread that nobody waits for it any more."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._interrupts: list[Callable[[], None]] = []

    def __call__(self) -> bool:
        """Whether the work should stop."""
        return self._asked.is_set()

    def interrupts(self, interrupt: Callable[[], None]) -> None:
        """Call this, from another thread, when the work should stop."""
        self._interrupts.append(interrupt)
        if self():
            interrupt()

    def between(self, items: Iterable[T]) -> Iterator[T]:
        """The items, one after the other, for work that may end between two of them.

        Raises:
            MySQLError: 1317, as soon as the work should stop.
        """
        for item in items:
            if self():
                raise interrupted()
            yield item

    def ask(self) -> None:
        self._asked.set()
        for interrupt in self._interrupts:
            interrupt()


class Relay(Protocol):
    """The client's own commands, passed on with their replies."""

    async def relay(
        self,
        command: bytes,
        capabilities: int,
        status: int,
        before_end: Callable[[], Awaitable[None]] | None = None,
        describe: Describe | None = None,
        before_ok: Callable[[], Awaitable[None]] | None = None,
    ) -> int: ...


class Session:
    """One client's session while a statement of it is ours to answer."""

    def __init__(
        self,
        house: House,
        backend: BackendConnection,
        answer: Answer,
        relay: Relay,
        watch: Watch,
    ) -> None:
        self.house = house
        self.backend = backend
        self.answer = answer
        self._relay = relay
        self.watch = watch
        # what MySQL does not know of the statement before, or of this one at its end
        self.aftermath: Aftermath | None = None
        self.rapid = SessionState()  # the client's, from one statement to the next
        self.notes = Notes()
        self.operation: Operation | None = None  # of AutoML, that is under way
        self.known_user: str | None = None  # as it was when it was asked last
        # What said how this statement's transaction is to be. It holds for whatever
        # reads a table first: MySQL is told again when we have asked it something.
        self.next_transaction: tuple[bytes, ...] = ()

    def note(self, execution: Execution) -> None:
        """A statement that the engine might have answered has ended."""
        ledger = self.house.ledger
        self.house.rapid.note(execution)
        if execution.refusal is None:
            self.rapid.offloaded += 1
            self.rapid.scanned_bytes += execution.scanned_bytes
            ledger.count("rapid_offloaded")
            ledger.count("rapid_scanned_bytes", execution.scanned_bytes)
        else:
            cause = execution.cause.replace(" ", "_") or "other"
            ledger.count(f"rapid_refused:{cause}")

    async def relay(
        self,
        text: bytes,
        before_end: Callable[[], Awaitable[None]] | None = None,
        describe: Describe | None = None,
        before_ok: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Have MySQL answer a statement to the client itself.

        ``before_end`` runs when MySQL has answered and the client does not know.
        ``describe`` changes how the columns of the result set are described.
        ``before_ok`` runs like ``before_end``, where MySQL's answer is no error.

        Raises:
            MySQLError: MySQL's, which the client has not been told yet.
        """
        command = query(text, self.backend.capabilities)
        await self.relay_command(command, before_end, describe, before_ok)

    async def relay_command(
        self,
        command: bytes,
        before_end: Callable[[], Awaitable[None]] | None = None,
        describe: Describe | None = None,
        before_ok: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Like ``relay``, of a COM_QUERY or COM_STMT_EXECUTE as it is sent."""
        backend = self.backend
        self.aftermath = None
        async with backend.claimed(last=True):
            await self.put_back()
            backend.status = await self._relay.relay(
                command,
                backend.capabilities,
                backend.status,
                before_end,
                describe,
                before_ok,
            )

    async def put_back(self) -> None:
        """Have MySQL's session as it was, for a statement that is MySQL's after all."""
        texts, self.next_transaction = self.next_transaction, ()
        for text in texts:
            with suppress(MySQLError):  # as it was refused before
                await self.backend.unwatched(text)

    async def user(self) -> str:
        """The name part of CURRENT_USER()."""
        (account,) = await self.backend.evaluate([b"CURRENT_USER()"])
        self.known_user = (account or "").rpartition("@")[0]
        return self.known_user

    async def schema(self) -> str | None:
        """The default schema, asked past the session where that is possible."""
        look, account = onlooker.default_schema, self.house.account
        with suppress(pymysql.MySQLError, LookupError):
            return await asyncio.to_thread(look, account, self.watch.thread_id)
        (name,) = await self.backend.evaluate([b"DATABASE()"])
        return name

    @property
    def backslash_escapes(self) -> bool:
        """Whether a backslash escapes in this session's string literals."""
        return not self.backend.status & Status.NO_BACKSLASH_ESCAPES

    async def undo(self, sql: str) -> None:
        """Take back what a failed statement made; on our account if the caller left."""
        try:
            await self.backend.query(sql)
        except ProtocolError:
            await asyncio.to_thread(self.house.account.query, sql)

    # --- work away from the loop ----------------------------------------------------

    async def off_loop(self, work: Callable[[Cancel], T]) -> T:
        """Run blocking work in a thread.

        Raises:
            MySQLError: 1317 or 3024 when the statement was killed; the work's own.
        """
        cancel = Cancel()

        async def run() -> T:
            loop = asyncio.get_running_loop()
            # what is logged there is logged for this connection
            in_context = contextvars.copy_context().run
            thread = loop.run_in_executor(_WORKERS, in_context, work, cancel)
            try:
                return await asyncio.shield(thread)
            except asyncio.CancelledError:
                cancel.ask()
                while not thread.done():  # what has only just begun may miss it once
                    await asyncio.wait([thread], timeout=ASK_AGAIN_S)
                    cancel.ask()
                thread.exception()  # that it was called off is no news
                raise

        return await self.watch.step(run())

    async def in_worker(self, function: Callable[..., T], *args: Any) -> T:
        """Run a job in a process of its own, which a KILL ends at once."""
        self.watch.doing = "computing"
        return await self.watch.step(self.house.jobs.run(function, *args))

    async def in_training(
        self, function: Callable[..., T], *args: Any, most_s: float | None = None
    ) -> T:
        """Like ``in_worker``, when it is the turn of this training.

        The function gets one more argument, which tells how far it is; after ``most_s``
        seconds it is ended: TimeoutError.
        """
        self.watch.doing = "training"
        run = self.house.trainings.run
        return await self.watch.step(
            run(function, *args, hears=self._heard, most_s=most_s)
        )

    def _heard(self, done: float, stage: str) -> None:
        self.watch.doing = f"training, {int(100 * done)} %, {stage}"
        if self.operation is not None:
            self.operation.heard(done, stage)

    def begin_operation(self, routine: str) -> Operation:
        """What is told of a routine of AutoML that begins now."""
        query_id = self.house.rapid.history.new_id()
        connection_id = self.watch.thread_id
        self.operation = self.house.operations.begin(query_id, connection_id, routine)
        return self.operation

    @property
    def thread_id(self) -> int:
        """The connection's number in MySQL."""
        return self.watch.thread_id

    @property
    def generation(self) -> Generation:
        """Whose formats AutoML's answers have."""
        return GENERATIONS[self.house.config.automl.format]

    @property
    def threads(self) -> int:
        """How many threads one job may use."""
        return int(self.house.config.automl.threads) or os.cpu_count() or 1

    # --- tables ---------------------------------------------------------------------

    async def find_shell(self, schema: str | None, table: str) -> Shell | None:
        """The Lakehouse table of that name, or None.

        The backend is asked whether it still is: a table that was dropped there
        behind our back, and another made in its place, is MySQL's.
        """
        shells = self.house.shells
        shell = shells.find(schema, table)
        if shell is None or await asyncio.to_thread(shells.is_current, shell):
            return shell
        await follow_shells(self.house)
        return shells.find(schema, table)

    async def read_table(self, schema: str, table: str) -> pa.Table:
        """All rows of a table, InnoDB or Lakehouse, Arrow (n_rows, n_columns).

        Raises:
            MySQLError: 1142 or 1146 from MySQL; 1347, it is a view; 3877, a
                Lakehouse table that has not been loaded.
        """
        rows = await self._rows_of(schema, table)
        if self.operation is not None:
            self.operation.read(rows, await self._blobs(schema, table))
        return rows

    async def _rows_of(self, schema: str, table: str) -> pa.Table:
        shell = await self.find_shell(schema, table)
        columns = "*" if shell else await self._all_columns(schema, table)
        name = f"{quote_name(schema)}.{quote_name(table)}"
        text = f"SELECT {columns} FROM {name}".encode()
        if shell is None:
            return await self.backend.read_table(text)
        await self.backend.prepared_columns(text)  # may they read it?
        return await self.off_loop(lambda cancel: self._read_shell(shell, cancel))

    def _read_shell(self, shell: Shell, cancel: Cancel) -> pa.Table:
        if shell.engine_name not in self.house.engine.tables():
            raise secondary_engine("Table has not been loaded")
        query = self.house.engine.read(shell.engine_name, listen=cancel.interrupts)
        return query.reader.read_all()

    async def _blobs(self, schema: str, table: str) -> frozenset[str]:
        """The names of a table's columns of a TEXT or BLOB type."""
        rows = await self.backend.query(
            "SELECT HEX(CONVERT(COLUMN_NAME USING utf8mb4))"
            " FROM information_schema.COLUMNS"
            f" WHERE TABLE_SCHEMA = {quote_text(schema)}"
            f" AND TABLE_NAME = {quote_text(table)}"
            " AND (DATA_TYPE LIKE '%text' OR DATA_TYPE LIKE '%blob')"
        )
        return frozenset(bytes.fromhex(name or "").decode() for (name,) in rows.texts())

    async def _all_columns(self, schema: str, table: str) -> str:
        """The column list of a base table, those that ``*`` hides included."""
        rows = await self.backend.query(
            "SELECT TABLE_TYPE, HEX(CONVERT(COLUMN_NAME USING utf8mb4))"
            " FROM information_schema.TABLES JOIN information_schema.COLUMNS"
            " USING (TABLE_SCHEMA, TABLE_NAME)"
            f" WHERE TABLE_SCHEMA = {quote_text(schema)}"
            f" AND TABLE_NAME = {quote_text(table)} ORDER BY ORDINAL_POSITION"
        )
        names = []
        for kind, name in rows.texts():
            if kind != "BASE TABLE":
                raise MySQLError(1347, "HY000", f"'{schema}.{table}' is not BASE TABLE")
            names.append(quote_name(bytes.fromhex(name or "").decode()))
        return (
            ", ".join(names) or "*"
        )  # no such table, or none they may see: MySQL says
