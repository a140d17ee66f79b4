"""Session-temporary copies of Lakehouse tables, over which MySQL itself computes.

What has no rule for being exactly MySQL's answer in the engine is MySQL's to compute.
The columns of a Lakehouse table that the statement reads are copied into a temporary
table of the caller's session, with the very definitions that they have in MySQL; the
statement is run with the copies in place of the tables, each under the name by which
its columns are called.

Why so (seen on 9.7.4):

- A temporary table is opened once in a statement (1137), also through a common table
  expression: every place that names a Lakehouse table has a copy of its own. Those of
  one table are copied inside MySQL from the first, so that they are the same.
- The copy has a name of its own and does not hide the table: were heatproxy killed in
  between, a stale copy would answer for the table as long as the session lasts.
- It stands in the table's own schema, so that ``schema.table.column`` is found.
- CREATE and DROP of temporary tables commit nothing, are not in the binary log but
  under binlog_format=STATEMENT (refused), and work where the server is read_only.
  They are refused in READ ONLY transactions and in XA ones (xa_detach_on_prepare).
- JSON_TABLE or VALUES in the text would need no privilege, but have other types, and
  take ten times the memory; tables of heatproxy's own have no rows in a snapshot that
  is older than they, and nobody has privileges on them.
- One trace is left: a ROLLBACK of the transaction that a copy was made in warns of
  temporary tables (1751, 1752).
- UPDATE and DELETE see a copy as a derived table, which MySQL never changes (1288).
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from heatproxy.backend.insert import insert_rows
from heatproxy.backend.shells import Shell
from heatproxy.datatypes import quote_name
from heatproxy.errors import MySQLError, ProtocolError, not_supported
from heatproxy.routines.copied import STRICT, Copied, TooMuch, copied
from heatproxy.session import Cancel, Session
from heatproxy.sql.references import columns_read, replaced
from heatproxy.statements.sources import Query, ViewQuery

SETTING = "lakehouse.copy_limit"
PREFIX = "heatproxy_copy_"
_DENIED = 1044
# What MySQL cannot have against a copy if it has nothing against the table: a schema
# in front of a derived table's column, a key that the copy has not, a view's grants.
OF_COPIES = (1054, 1055, 1064, 1137, 1142, 1143, 1176, 1370)


class Uncopied(Exception):
    """No copies can be made; the message says why."""


class Copies:
    """Those of one statement, from when they are made until ``drop``."""

    def __init__(self, session: Session, schema: str | None) -> None:
        """``schema`` is the session's own."""
        self._session, self._schema = session, schema
        self._names: list[str] = []
        self.tables: dict[str, tuple[str, str]] = {}  # by each: schema and table

    async def text(self, query: Query, *, changes: bool) -> bytes:
        """Make them; the statement that reads them.

        ``changes``: it is an UPDATE or DELETE.

        Raises:
            Uncopied: they would be too large, or MySQL does not let the caller.
            MySQLError: 3877, a table has not been loaded; 1317, killed.
        """
        session = self._session
        session.watch.doing = "copying"
        limit = session.house.config.lakehouse.copy_limit
        if not limit:
            raise Uncopied(f"{SETTING} is 0")
        async with session.house.turns:
            parts = await session.off_loop(partial(self._read, query, limit))
        first: dict[str, str] = {}
        copies = []
        for shell in query.shells():
            part = parts[shell.engine_name]
            name = await self._create(shell, part)
            if shell.engine_name in first:
                await self._copy(first[shell.engine_name], name, part)
            else:
                first[shell.engine_name] = name
                await self._fill(name, part)
            copies.append((name, part))
        session.watch.doing = "executing"
        return _rewritten(query, iter(copies), changes=changes)

    async def drop(self) -> None:
        """Have none; what the session's transaction is stays."""
        while self._names:
            name = self._names.pop()
            with suppress(MySQLError, ProtocolError):
                await self._session.backend.query(f"DROP TEMPORARY TABLE {name}")

    # --- what is to be copied -------------------------------------------------------

    def _read(self, query: Query, limit: int, cancel: Cancel) -> dict[str, Copied]:
        found: dict[str, Copied] = {}
        left = limit
        for shell in query.shells():
            part = found.get(shell.engine_name)
            if part is None:
                choose = partial(_columns, query)
                try:
                    part = copied(self._session.house, shell, choose, left, cancel)
                except TooMuch:
                    raise Uncopied(_too_large(limit)) from None
                found[shell.engine_name] = part
            left -= part.rows.nbytes
            if left < 0:
                raise Uncopied(_too_large(limit))
        return found

    # --- on the session -------------------------------------------------------------

    async def _create(self, shell: Shell, part: Copied) -> str:
        """An empty copy; its quoted name."""
        number = len(self._names) + 1
        own = f"{PREFIX}{self._session.watch.thread_id}_{number}"
        problem: MySQLError | None = None
        for schema in dict.fromkeys((shell.schema, self._schema)):
            if schema is None:
                continue
            name = f"{quote_name(schema)}.{quote_name(own)}"
            sql = f"CREATE TEMPORARY TABLE {name} {part.definition}"
            try:
                await self._session.backend.query(sql)
            except MySQLError as refused:
                problem = problem or refused
                if refused.number != _DENIED:
                    break
            else:
                self._names.append(name)
                self.tables[own] = shell.schema, shell.table
                return name
        assert problem is not None
        if problem.is_kill:
            raise problem
        raise Uncopied(f"no temporary table can be made: {problem.message}")

    async def _fill(self, name: str, part: Copied) -> None:
        backend = self._session.backend
        try:
            await insert_rows(backend, name, part.rows, hint=STRICT)
        except MySQLError as problem:
            if problem.is_kill:
                raise
            raise Uncopied(f"its rows cannot be copied: {problem.message}") from None

    async def _copy(self, first: str, name: str, part: Copied) -> None:
        columns = _listed(part.columns)
        sql = f"INSERT {STRICT}INTO {name} ({columns}) SELECT {columns} FROM {first}"
        await self._session.backend.query(sql)


def _too_large(limit: int) -> str:
    return f"copies for MySQL would take more than {SETTING}, {limit} bytes"


def _columns(query: Query, columns: list[str]) -> list[str]:
    """Which of a table's columns are copied: those that are named, or one at least."""
    found: set[str] = set()
    for part in query.parts():
        read = columns_read(part, columns)
        if read is None:
            return columns
        found |= set(read)
    return [column for column in columns if column in found] or columns[:1]


def _listed(columns: tuple[str, ...]) -> str:
    return ", ".join(map(quote_name, columns))


def _rewritten(
    query: Query, copies: Iterator[tuple[str, Copied]], *, changes: bool = False
) -> bytes:
    """The text with a copy for each Lakehouse table, a query for each view."""
    by = []
    derived = set()
    for reference, source in query.sources:
        if isinstance(source, ViewQuery):
            if reference.bare:
                raise not_supported("TABLE of a view of Lakehouse tables")
            # a view and its columns may be named otherwise than in its text
            inner = _rewritten(source.query, copies)
            names = _listed(source.view.columns).encode()
            table = b"(SELECT * FROM (" + inner + b") AS heatproxy (" + names + b"))"
            derived.add((source.view.schema, source.view.name))
        else:
            (name, part), shell = next(copies), source
            table = name.encode()
            if changes and not reference.bare:
                derived.add((shell.schema, shell.table))
                columns = _listed(part.columns).encode()
                table = b"(SELECT " + columns + b" FROM " + table + b")"
        by.append((reference, table))
    return replaced(query.text, query.part, by, derived)
