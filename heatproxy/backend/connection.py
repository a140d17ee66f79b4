"""Statements of our own on a backend connection, between the client's.

The leg may be lent by a relay (the client's own session) or a socket of the service
account. Replies of a few rows come as text; tables come as Arrow through the binary
protocol, without a Python object per value.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import pyarrow as pa

from heatproxy.backend.arrow_rows import arrow_rows
from heatproxy.backend.replies import PrepareReply, Result
from heatproxy.errors import MySQLError, ProtocolError, not_supported
from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.columns import parse as parse_definition
from heatproxy.wire.packets import (
    EOF,
    ERR,
    LOCAL_INFILE,
    OK,
    Capability,
    Command,
    PacketReader,
    Status,
    frame,
    parse_err,
    query,
    read_lenenc,
    status_of,
    warnings_of,
)
from heatproxy.wire.plain_rows import binary_row, packed, text_row


class Leg(Protocol):
    """Bytes to and from a server that has accepted a login."""

    def write(self, data: bytes) -> None: ...

    async def read(self) -> bytes:
        """The next bytes; none when the connection is gone."""
        ...


class Keeper(Protocol):
    """Whoever uses the connection while it has nothing to do."""

    async def claim(self) -> None:
        """Stop: a command follows."""
        ...

    def release(self, failed: bool, *, last: bool = False) -> None:
        """The command has been answered."""
        ...


MARK = b"/* heatproxy */ "  # so that a look at the backend tells our statements
NAMELESS = "resultset_metadata=NONE"


class BackendConnection:
    """One command at a time on one leg."""

    def __init__(self, leg: Leg, capabilities: int, status: int) -> None:
        self.status = status
        self.keeper: Keeper | None = None
        self.refused: MySQLError | None = None  # by the last command
        self.inserted = False  # whether LAST_INSERT_ID() has changed
        # Of the last statement that was prepared: warnings, and what its ? are.
        self.warnings = 0
        self.parameters: Sequence[ColumnDefinition] = ()
        self._leg = leg
        self.capabilities = capabilities
        self._packets: list[bytes] = []
        self._reader = PacketReader()
        self.is_new_eof = bool(capabilities & Capability.DEPRECATE_EOF)

    # --- statements ---------------------------------------------------------------

    async def query(self, sql: str | bytes) -> Result:
        """Run one statement; its rows, if any, are few.

        Raises:
            MySQLError: whatever the backend answered.
            ProtocolError: the connection is gone.
        """
        async with self.claimed():
            text = sql.encode() if isinstance(sql, str) else sql
            return await self.unwatched(MARK + text)

    async def unwatched(self, text: bytes) -> Result:
        """Run one statement of the connection's keeper itself."""
        self._leg.write(frame(query(text, self.capabilities), 0))
        result = await self.result()
        while self.status & Status.MORE_RESULTS:
            await self.result()
        return result

    @asynccontextmanager
    async def claimed(self, *, last: bool = False) -> AsyncIterator[None]:
        """Have the connection for a command and all of its reply.

        ``last``: what it leaves in the session is for the client to ask about, so that
        the keeper is to send nothing behind it.
        """
        if self.keeper is not None:
            await self.keeper.claim()
        self.refused = None
        failed = True
        try:
            yield
            failed = False
        except MySQLError as problem:
            self.refused = problem
            raise
        finally:
            if self.keeper is not None:
                self.keeper.release(failed, last=last)

    async def is_nameless(self) -> bool:
        """Whether results come without their columns: resultset_metadata = NONE."""
        try:
            await self.query("SELECT 1")
        except MySQLError as problem:
            if problem.message != not_supported(NAMELESS).message:
                raise
            return True
        return False

    async def scalar(self, sql: str | bytes) -> str | None:
        """The first value of the first row, or None."""
        texts = (await self.query(sql)).texts()
        return texts[0][0] if texts else None

    async def evaluate(self, expressions: Sequence[bytes]) -> list[str | None]:
        """The values of SQL expressions in this session, as text.

        They come as binary strings, which no character_set_results changes.

        Raises:
            MySQLError: an expression is wrong, in MySQL's words.
        """
        if not expressions:
            return []
        items = [
            b"CAST(CAST((" + text + b"\n) AS CHAR CHARACTER SET utf8mb4) AS BINARY)"
            for text in expressions
        ]
        row = (await self.query(b"SELECT " + b", ".join(items))).rows[0]
        return [None if value is None else value.decode() for value in row]

    async def packed(self, sql: bytes, *, binary: bool) -> Result:
        """The rows of a SELECT, each value as a row of either protocol packs it.

        A string is packed with its length in front. What MySQL packs in the binary
        protocol can be handed on in it without being read.

        Raises:
            MySQLError: the backend's own.
        """
        if not binary:
            found = await self.query(sql)
            values = await asyncio.to_thread(packed, found.rows)
            return Result(found.columns, values, warnings=found.warnings)
        async with self.prepared(sql) as (statement_id, _):
            columns = await self._start(_to_execute(statement_id))
            rows = []
            while not self._ends_rows(payload := await self.packet()):
                rows.append(binary_row(payload, columns))
            if payload[0] == ERR:
                raise parse_err(payload)
            warnings = self.note_end(payload)
            return Result(tuple(columns), tuple(rows), warnings=warnings)

    async def prepare(self, sql: bytes) -> PrepareReply:
        """Prepare a statement, which stays until ``close_statement``.

        Raises:
            MySQLError: MySQL refuses the statement.
        """
        async with self.claimed():
            self._leg.write(to_prepare(sql))
            head = await self.packet()
            if head[0] == ERR:
                raise parse_err(head)
            parameters = await self._definitions(int.from_bytes(head[7:9], "little"))
            columns = await self._definitions(int.from_bytes(head[5:7], "little"))
        return PrepareReply(head, parameters, columns)

    async def execute(self, command: bytes) -> None:
        """Send a COM_STMT_EXECUTE whose rows, few, nobody wants.

        Raises:
            MySQLError: whatever the backend answered.
        """
        async with self.claimed():
            await self._start(command)
            while not self._ends_rows(payload := await self.packet()):
                pass
            if payload[0] == ERR:
                raise parse_err(payload)
            self.note_end(payload)

    def close_statement(self, statement_id: bytes) -> None:
        """Let MySQL forget a prepared statement; it does not answer."""
        self._leg.write(frame(bytes([Command.STMT_CLOSE]) + statement_id, 0))

    async def prepared_columns(self, sql: bytes) -> list[ColumnDefinition]:
        """The columns a SELECT would have; none for other statements.

        MySQL checks names and privileges on the way, and nothing is run.

        Raises:
            MySQLError: what it refuses, 1142 or 1146 or 1064.
        """
        async with self.prepared(sql) as (_, columns):
            return columns

    async def read_table(self, sql: bytes) -> pa.Table:
        """The rows of a SELECT, Arrow (n_rows, n_columns), of any number of rows.

        Raises:
            MySQLError: the backend's own; 1235 for zero dates, which Arrow cannot hold.
        """
        async with arrow_rows(self, sql) as rows:
            return await rows.table()

    async def start(
        self, statement_id: bytes
    ) -> tuple[Sequence[ColumnDefinition], bytes]:
        """Execute what is prepared: its columns, and what has come of its rows.

        Raises:
            MySQLError: the backend's own.
        """
        return await self._start(_to_execute(statement_id)), self._unread()

    def write(self, data: bytes) -> None:
        """Send packets, for somebody who reads the replies to all of them."""
        self._leg.write(data)

    # --- replies ------------------------------------------------------------------

    async def some_bytes(self) -> bytes:
        """What the backend says next, for somebody who reads a whole reply.

        Raises:
            ProtocolError: the connection is gone.
        """
        data = await self._leg.read()
        if not data:
            raise ProtocolError("the backend connection is gone")
        return data

    async def packet(self) -> bytes:
        """The next whole payload of the backend."""
        while not self._packets:
            self._packets.extend(self._reader.feed(await self.some_bytes()))
        return self._packets.pop(0)

    def note_end(self, payload: bytes) -> int:
        """The EOF or OK behind rows tells the status, and how many warnings."""
        self.status = status_of(payload, is_eof=not self.is_new_eof)
        return warnings_of(payload, is_eof=not self.is_new_eof)

    async def result(self) -> Result:
        """The reply to a statement that has been written."""
        head = await self.packet()
        if head[0] == ERR:
            self.status &= ~Status.MORE_RESULTS
            raise parse_err(head)
        if head[0] == OK and len(head) >= 7:
            self.status = status_of(head)
            affected_rows, position = read_lenenc(head, 1)
            self.inserted |= read_lenenc(head, position)[0] != 0
            return Result(affected_rows=affected_rows, warnings=warnings_of(head))
        if head[0] == LOCAL_INFILE:
            raise ProtocolError("a statement of ours asked for a local file")
        count, named = self._column_count(head)
        columns = await self._definitions(count if named else 0)
        if not named and not self.is_new_eof:
            await self.packet()
        rows = []
        while not self._ends_rows(payload := await self.packet()):
            rows.append(text_row(payload, count))
        if payload[0] == ERR:
            raise parse_err(payload)
        warnings = self.note_end(payload)
        if not named:  # the rows are behind us, so the session stays usable
            raise not_supported(NAMELESS)
        return Result(tuple(columns), tuple(rows), warnings=warnings)

    def _column_count(self, head: bytes) -> tuple[int, bool]:
        """How many columns a result has, and whether they are described."""
        count, flag = read_lenenc(head, 0)
        optional = self.capabilities & Capability.OPTIONAL_METADATA
        return count, not optional or head[flag] != 0

    async def _definitions(self, count: int) -> list[ColumnDefinition]:
        columns = [parse_definition(await self.packet()) for _ in range(count)]
        if count and not self.is_new_eof:
            await self.packet()
        return columns

    def _ends_rows(self, payload: bytes) -> bool:
        longest = 0xFFFFFF if self.is_new_eof else 9
        return payload[0] == ERR or (payload[0] == EOF and len(payload) < longest)

    # --- the binary protocol --------------------------------------------------------

    @asynccontextmanager
    async def prepared(
        self, sql: bytes
    ) -> AsyncIterator[tuple[bytes, list[ColumnDefinition]]]:
        """A statement's id and columns, from its preparation to its end.

        Raises:
            MySQLError: the backend refuses it.
        """
        async with self.claimed(), self._statement(sql) as prepared:
            yield prepared

    @asynccontextmanager
    async def _statement(
        self, sql: bytes
    ) -> AsyncIterator[tuple[bytes, list[ColumnDefinition]]]:
        self._leg.write(to_prepare(sql))
        async with self.opened() as opened:
            yield opened

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[tuple[bytes, list[ColumnDefinition]]]:
        """A statement that ``to_prepare`` was written for; closed at the end."""
        head = await self.packet()
        if head[0] == ERR:
            raise parse_err(head)
        self.warnings = int.from_bytes(head[10:12], "little")
        statement_id = head[1:5]
        columns_count = int.from_bytes(head[5:7], "little")
        parameters = int.from_bytes(head[7:9], "little")
        try:
            if self.capabilities & Capability.OPTIONAL_METADATA and not head[12]:
                for count in (parameters, columns_count):
                    if count and not self.is_new_eof:
                        await self.packet()
                raise not_supported(NAMELESS)
            self.parameters = await self._definitions(parameters)
            yield statement_id, await self._definitions(columns_count)
        finally:
            self.close_statement(statement_id)

    async def _start(self, command: bytes) -> list[ColumnDefinition]:
        """Execute a SELECT that is prepared; its columns, before its rows."""
        self._leg.write(frame(command, 0))
        head = await self.packet()
        if head[0] == ERR:
            raise parse_err(head)
        return await self._definitions(self._column_count(head)[0])

    def _unread(self) -> bytes:
        """Bytes that came with the definitions but belong to the rows."""
        raw = b"".join(frame(payload, 0) for payload in self._packets)
        raw += bytes(self._reader.buffer)
        self._packets.clear()
        self._reader = PacketReader()
        return raw


def _to_execute(statement_id: bytes) -> bytes:
    """A COM_STMT_EXECUTE once, without parameters and cursor."""
    return bytes([Command.STMT_EXECUTE]) + statement_id + b"\0\1\0\0\0"


def to_prepare(sql: bytes) -> bytes:
    """The packet of a COM_STMT_PREPARE."""
    return frame(bytes([Command.STMT_PREPARE]) + sql, 0)
