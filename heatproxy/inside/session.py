"""What a routine sees of a caller inside the backend, and where its answer goes.

Statements run in the caller's session. The rows of a table are read on heatproxy's own
account, once the caller's stub has shown that its invoker may read every column: as
they are committed, so a caller that has changed rows and not committed is refused.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NoReturn

import pyarrow as pa

from heatproxy.answer import Answer
from heatproxy.backend.account import Address
from heatproxy.backend.bulk import BulkReader
from heatproxy.backend.connection import BackendConnection
from heatproxy.datatypes import quote_name, quote_text
from heatproxy.errors import not_supported, secondary_engine
from heatproxy.house import House
from heatproxy.inside.backend import CHANGED, ProcedureBackend, denied, readable
from heatproxy.inside.conversation import Conversation
from heatproxy.inside.message import Request
from heatproxy.session import Cancel, Session
from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.redescribed import Describe

UNCOMMITTED = (
    "The transaction has changed rows: COMMIT before a routine reads a table inside"
    " the server."
)


class InsideSession(Session):
    """A session for one call."""

    def __init__(
        self,
        house: House,
        address: Address,
        backend: BackendConnection,
        conversation: Conversation,
        request: Request,
    ) -> None:
        connection_id = conversation.caller.connection_id
        super().__init__(
            house,
            backend,
            InsideAnswer(backend),
            _NoRelay(),
            house.watches.of(connection_id, backend, b""),
        )
        self._address = address
        self._conversation, self._request = conversation, request

    async def user(self) -> str:
        """The name part of CURRENT_USER()."""
        return self._request.user

    async def schema(self) -> str | None:
        """None: inside a stub it is ``sys``, so tables are to be named in full."""
        return None

    async def read_table(self, schema: str, table: str) -> pa.Table:
        """All committed rows of a table, Arrow (n_rows, n_columns).

        Raises:
            MySQLError: 1142 or 1146, as MySQL has them; 1347, a view; 1205, the table
                is locked; 1235, dates such as 0000-00-00; 3877, the caller has changed
                rows and not committed, or a Lakehouse table that has not been loaded.
        """
        shell = await self.find_shell(schema, table)
        columns = await self._all_columns(schema, table)
        await self._require_readable(schema, table, columns)
        if shell is not None:
            return await self.off_loop(partial(self._read_shell, shell))
        name = f"{quote_name(schema)}.{quote_name(table)}"
        zone, mode = await self.backend.evaluate([b"@@time_zone", b"@@sql_mode"])
        settings = (
            f"SET SESSION time_zone = {quote_text(zone or 'SYSTEM')},"
            f" sql_mode = {quote_text(mode or '')}"
        )
        work = partial(self._read, settings, f"SELECT {columns} FROM {name}")
        return await self.off_loop(work)

    async def _require_readable(self, schema: str, table: str, columns: str) -> None:
        name = f"{quote_name(schema)}.{quote_name(table)}"
        # names, views and most refusals are MySQL's to tell
        await self.backend.prepared_columns(f"SELECT {columns} FROM {name}".encode())
        found = await readable(self._conversation, schema, table)
        there = await self.off_loop(lambda _: self._columns_of(schema, table))
        if not there or there - found:
            raise denied(self._request.account, table)

    def _columns_of(self, schema: str, table: str) -> set[str]:
        """The columns of a table, in lower case, as heatproxy's account sees them."""
        rows = self.house.account.query(
            "SELECT LOWER(COLUMN_NAME) FROM information_schema.COLUMNS"
            f" WHERE TABLE_SCHEMA = {quote_text(schema)}"
            f" AND TABLE_NAME = {quote_text(table)}"
        )
        return {name for (name,) in rows}

    def _read(self, settings: str, sql: str, cancel: Cancel) -> pa.Table:
        changed = CHANGED.format(self._conversation.caller.connection_id)
        if self.house.account.query(changed):
            raise secondary_engine(UNCOMMITTED)
        reader = BulkReader(self._address)
        try:
            cancel.interrupts(reader.abort)
            reader.query(settings)
            batches = list(reader.select(sql))
        finally:
            reader.close()
        if reader.flawed:
            raise not_supported("zero dates such as 0000-00-00, or text that is not")
        if not batches:
            raise secondary_engine("The input table has no rows.")
        return pa.Table.from_batches(batches)


class InsideAnswer(Answer):
    """Result sets of a procedure: SELECTs of constants, which its stub executes."""

    def __init__(self, backend: BackendConnection) -> None:
        super().__init__(_NoSender(), backend)
        self._backend = backend

    async def text_rows(
        self,
        columns: Sequence[ColumnDefinition],
        rows: Sequence[Sequence[str | None]],
        *,
        more: bool = False,
    ) -> None:
        """One result set."""
        assert isinstance(self._backend, ProcedureBackend)
        named = [
            f"{{}} AS {quote_name(column.name) if column.name else '``'}"
            for column in columns
        ]
        lines = [
            "SELECT "
            + ", ".join(
                title.format("NULL" if value is None else quote_text(value))
                for title, value in zip(named, row, strict=True)
            )
            for row in rows
        ]
        empty = ", ".join(title.format("NULL") for title in named)
        text = " UNION ALL ".join(lines) or f"SELECT {empty} LIMIT 0"
        await self._backend.show(text)


class _NoSender:
    """There is no client to send packets to."""

    async def send(self, data: bytes) -> NoReturn:
        raise not_supported("this answer to a call from inside the server")


class _NoRelay:
    """There is no client whose commands could be passed on."""

    async def relay(
        self,
        command: bytes,
        capabilities: int,
        status: int,
        before_end: Callable[[], Awaitable[None]] | None = None,
        describe: Describe | None = None,
        before_ok: Callable[[], Awaitable[None]] | None = None,
    ) -> int:
        raise not_supported("this statement in a call from inside the server")
