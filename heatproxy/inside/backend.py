"""The caller's session as routines use it, when the caller is a stub.

A procedure's stub runs what it is told, as its invoker; its rows come as text. A
function's stub cannot: for it, heatproxy's own account reads the model catalogs that
the stub has shown to be readable for its invoker, and nothing else.
"""

import json
import re
import time
from typing import Any, NoReturn

import pymysql
from pymysql.constants import FIELD_TYPE

from heatproxy.automl.catalog_tables import MODELS, OBJECTS
from heatproxy.backend.bulk import as_mysql_error
from heatproxy.backend.connection import MARK, BackendConnection
from heatproxy.backend.replies import Result
from heatproxy.datatypes import quote_name
from heatproxy.errors import MySQLError, not_supported
from heatproxy.inside.conversation import Conversation
from heatproxy.inside.desk import Desk
from heatproxy.inside.message import Request
from heatproxy.sql.lexer import find_word, split_at_commas, tokens
from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.packets import Command, PacketReader, Status

UTF8_COLLATION = 255
ALL_ROWS = 18_446_744_073_709_551_615
CHANGED = (
    "SELECT 1 FROM information_schema.INNODB_TRX"
    " WHERE trx_mysql_thread_id = {} AND trx_rows_modified > 0"
)
PROVEN_S = 1  # before the same statement is asked again
_CATALOG = re.compile(rf"\sFROM (`ML_SCHEMA_(?:[^`]|``)+`)\.({MODELS}|{OBJECTS})\b")
READ = {
    MODELS: {
        *("model_id", "model_handle", "build_timestamp", "model_object_size"),
        *("target_column_name", "train_table_name", "model_metadata"),
    },
    OBJECTS: {"chunk_id", "model_handle", "model_object"},
}


_TEXT = ColumnDefinition(
    schema="",
    table="",
    org_table="",
    name="",
    org_name="",
    charset=UTF8_COLLATION,
    length=0,
    type=FIELD_TYPE.VAR_STRING,
    flags=0,
    decimals=0,
)


class _NoLeg:
    """No bytes go to a caller's session but through its stub."""

    def write(self, data: bytes) -> NoReturn:
        raise not_supported("this statement in a call from inside the server")

    async def read(self) -> bytes:
        return b""


class ProcedureBackend(BackendConnection):
    """Statements that a procedure's stub prepares and executes.

    The bytes of models are read on heatproxy's own account, as for a function: by the
    names of locks they would take seconds to travel.
    """

    def __init__(
        self,
        conversation: Conversation,
        request: Request,
        desk: Desk,
        proven: "Proven",
    ) -> None:
        super().__init__(_NoLeg(), 0, int(Status.AUTOCOMMIT))
        self._conversation, self._request = conversation, request
        self._desk, self._proven = desk, proven
        self._frames = PacketReader()
        self._written: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Packets of statements, for somebody who asks for the result of each."""
        self._written.extend(self._frames.feed(data))

    async def result(self) -> Result:
        """The reply to the next statement that has been written.

        Raises:
            MySQLError: as ``query``.
        """
        command = self._written.pop(0)
        if command[0] != Command.QUERY:
            raise not_supported("this command in a call from inside the server")
        return await self.query(command[1:])

    async def query(self, sql: str | bytes) -> Result:
        """Run one statement there; rows come as text, in their order.

        Raises:
            MySQLError: MySQL's own; 1235, a statement that shows rows that SQL cannot
                get at.
            ProtocolError: the caller is gone.
        """
        text = sql.encode() if isinstance(sql, str) else sql
        text = text.removeprefix(MARK)
        first = text[:16].split(None, 1)[0].upper()
        match first:
            case b"SELECT":
                return await self._select(text)
            case b"START":
                await self._conversation.tell("T")
            case b"ROLLBACK":
                await self._conversation.tell("B")
            case b"SHOW" | b"EXPLAIN" | b"DESCRIBE":
                raise not_supported(f"{first.decode()} in a call from inside")
            case _:
                count = await self._conversation.tell("X", text.decode())
                return Result(affected_rows=max(0, int(count or 0)))
        return Result()

    async def _select(self, text: bytes) -> Result:
        count = _columns(text)
        models = await self._of_models(text.decode())
        if models:
            return rows_of(count, models)
        names = [f"c{index}" for index in range(count)]
        values = [f"CAST({name} AS CHAR CHARACTER SET utf8mb4)" for name in names]
        found = await self._conversation.tell(
            "R",
            f"SELECT JSON_ARRAYAGG(JSON_ARRAY({', '.join(values)}))"
            f" INTO @`heatproxy.rows` FROM ({_in_order(text.decode())})"
            f" AS heatproxy_rows ({', '.join(names)})",
        )
        return rows_of(count, json.loads(found) if found else [])

    async def _of_models(self, text: str) -> list[tuple[Any, ...]]:
        """The bytes of models that the invoker may read and has not changed, if any.

        Whatever is wrong with them is the caller's to find, who is asked otherwise.
        """
        catalog = _CATALOG.findall(text)
        if len(catalog) != 1 or "@" in text or catalog[0][1] != OBJECTS:
            return []
        schema = catalog[0][0][1:-1].replace("``", "`")
        if not await self._proven(self._conversation, self._request, schema, OBJECTS):
            return []
        changed = CHANGED.format(self._conversation.caller.connection_id)
        try:
            if await self._desk.query(changed):
                return []
            return await self._desk.query(text)
        except pymysql.MySQLError:
            return []

    async def prepared_columns(self, sql: bytes) -> list[ColumnDefinition]:
        """Have MySQL check names and privileges of a statement; no columns are told."""
        await self._conversation.tell("C", sql.decode())
        return []

    async def show(self, sql: str) -> None:
        """Execute a SELECT whose rows are the client's."""
        await self._conversation.tell("X", sql)


class FunctionBackend(BackendConnection):
    """What a function of one row needs: the catalogs its invoker may read."""

    def __init__(
        self,
        conversation: Conversation,
        request: Request,
        desk: Desk,
        proven: "Proven",
    ) -> None:
        super().__init__(_NoLeg(), 0, int(Status.AUTOCOMMIT))
        self._conversation, self._request = conversation, request
        self._desk, self._proven = desk, proven

    async def query(self, sql: str | bytes) -> Result:
        """The rows of a SELECT from one catalog, read on heatproxy's account.

        Raises:
            MySQLError: 1142, the invoker may not read it; 1235, any other statement.
        """
        text = sql.decode() if isinstance(sql, bytes) else sql
        catalog = _CATALOG.findall(text)
        if len(catalog) != 1 or not text.startswith("SELECT ") or "@" in text:
            raise not_supported("this in a function called from inside the server")
        ((schema, table),) = catalog
        schema = schema[1:-1].replace("``", "`")
        if not await self._proven(self._conversation, self._request, schema, table):
            raise await self._denied(schema, table)
        rows = await self._rows(text)
        width = len(rows[0]) if rows else 0
        return rows_of(width, rows)

    async def _denied(self, schema: str, table: str) -> MySQLError:
        """As MySQL says it. Of a catalog of one's own, whether it is there is known."""
        own = schema == f"ML_SCHEMA_{self._request.user}"
        if own:
            try:
                name = quote_name(schema)
                await self._rows(f"SELECT 1 FROM {name}.{table} LIMIT 0")
            except MySQLError as problem:
                return problem
        return denied(self._request.account, table)

    async def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            return await self._desk.query(sql)
        except pymysql.MySQLError as problem:
            raise as_mysql_error(problem) from None


class Proven:
    """Which statements were seen to have the right to read which catalog.

    As with MySQL's own, a right that was there when a statement began is one for all
    the rows of the statement.
    """

    def __init__(self) -> None:
        self._until: dict[tuple[str | int, ...], float] = {}

    async def __call__(
        self, conversation: Conversation, request: Request, schema: str, table: str
    ) -> bool:
        """Whether the invoker may read a catalog's columns: its stub looks."""
        now = time.monotonic()
        caller = conversation.caller
        statement = caller.thread, caller.statement
        who = *statement, request.account, request.roles, schema, table
        if self._until.get(who, 0) > now:
            return True
        found = await readable(conversation, schema, table)
        if READ[table] - found:
            return False
        self._until = {key: end for key, end in self._until.items() if end > now}
        self._until[who] = now + PROVEN_S
        return True


async def readable(conversation: Conversation, schema: str, table: str) -> set[str]:
    """The columns of a table, in lower case, that the caller's invoker may SELECT.

    The dictionary knows no temporary tables: one that hides a table proves nothing.
    """
    text = await conversation.tell("P", json.dumps([schema, table]))
    return {name.lower() for name in json.loads(text or "[]")}


def denied(account: str, table: str) -> MySQLError:
    """As MySQL refuses a SELECT."""
    user, _, host = account.rpartition("@")
    return MySQLError(
        1142,
        "42000",
        f"SELECT command denied to user '{user}'@'{host}' for table '{table.lower()}'",
    )


def rows_of(count: int, rows: Any) -> Result:
    """Rows of text as a result."""
    packed = tuple(tuple(_bytes(value) for value in row) for row in rows)
    return Result((_TEXT,) * count, packed)


def _bytes(value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return str(value).encode()


def _columns(text: bytes) -> int:
    """How many columns a SELECT of ours has."""
    found = tokens(text)[1:]
    return len(list(split_at_commas(found[: find_word(found, b"FROM")])))


def _in_order(text: str) -> str:
    """A derived table keeps its order only where it has a limit."""
    if " ORDER BY " in text and " LIMIT " not in text:
        return f"{text} LIMIT {ALL_ROWS}"
    return text
