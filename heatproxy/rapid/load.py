"""A table of InnoDB into the engine, out of it again, and what may happen on the way.

The rows are one moment of the table, and the engine remembers whose they are; from that
moment on the follower of the binary log keeps them fresh.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import pyarrow as pa
import pymysql

from heatproxy.backend.account import Address, ServiceAccount
from heatproxy.backend.bulk import BulkReader, as_mysql_error
from heatproxy.datatypes import Column, quote_text
from heatproxy.engine import Engine, Listen, TableFacts
from heatproxy.errors import MySQLError, ProtocolError, interrupted, secondary_engine
from heatproxy.ledger import Ledger
from heatproxy.rapid.describe import Description, describe, is_flagged, notes
from heatproxy.rapid.filling import Filling, Opened
from heatproxy.rapid.keys import Keys
from heatproxy.rapid.ranges import queries
from heatproxy.rapid.snapshot import snapshot
from heatproxy.rapid.tables import LoadedTable, LoadedTables, LoadStatus
from heatproxy.wire.binlog import Position

log = logging.getLogger(__name__)

ATTEMPTS = 3
DEFINITION_CHANGED = 1412
LOOKS_EVERY_S = 0.05
TAKEN = "The table was taken away while it was loaded"


class Follower(Protocol):
    """What keeps loaded tables fresh. Safe from any thread."""

    reload: Callable[[LoadedTable], None] | None
    reconcile: Callable[[], None] | None

    def require(self) -> None:
        """Raise MySQLError 3877 if no changes can be followed."""

    def join(
        self,
        table: LoadedTable,
        since: Position | None,
        exact: bool,
        until: Position | None = None,
        listen: Listen | None = None,
        server: str | None = None,
    ) -> None:
        """Follow a table the engine holds; returns when it is as fresh as the others.

        ``server`` is the UUID of whose binlog the positions are places in.

        Raises:
            KeyError: without ``since``, and its position is not known.
            MySQLError: 3877 or 1317.
        """

    def leave(self, table: LoadedTable) -> None:
        """Follow it no longer; harmless if it was not followed."""

    def positions(self) -> Mapping[str, Position]:
        """Of engine tables whose changes can be followed from where they were left."""
        ...


@dataclass(frozen=True, slots=True)
class Load:
    """A table that has been loaded: as the register has it, and what is to be noted."""

    table: LoadedTable
    notes: Sequence[str]
    threads: int


class Loader:
    """Loads and unloads tables; each call blocks, and is safe from any thread."""

    def __init__(
        self,
        engine: Engine,
        address: Address,
        tables: LoadedTables,
        connections: Callable[[], int],
        ledger: Ledger | None = None,
    ) -> None:
        self.engine, self.tables = engine, tables
        self.follower: Follower | None = None
        self.keys: Keys | None = None
        self._address = address
        self._account = ServiceAccount(address)
        self._connections = connections
        self._ledger = ledger or Ledger()
        self._claimed: set[tuple[str, str]] = set()
        self._changed = threading.Condition()

    @contextmanager
    def alone(
        self, schema: str, name: str, called_off: Callable[[], bool] = lambda: False
    ) -> Iterator[None]:
        """Be the only one who loads or unloads that table; wait for who does already.

        Raises:
            MySQLError: 1317, it was called off.
        """
        self.claim(schema, name, called_off)
        try:
            yield
        finally:
            self.let_go(schema, name)

    def claim(
        self, schema: str, name: str, called_off: Callable[[], bool] = lambda: False
    ) -> None:
        """Like ``alone``, until ``let_go``."""
        key = (schema.lower(), name.lower())
        with self._changed:
            while key in self._claimed:
                if called_off():
                    raise interrupted()
                self._changed.wait(LOOKS_EVERY_S)
            self._claimed.add(key)

    def let_go(self, schema: str, name: str) -> None:
        with self._changed:
            self._claimed.discard((schema.lower(), name.lower()))
            self._changed.notify_all()

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement on heatproxy's own account.

        Raises:
            MySQLError: the backend's own.
            ProtocolError: the backend cannot be reached.
        """
        try:
            return self._account.query(sql)
        except pymysql.MySQLError as problem:
            if problem.args and problem.args[0] in (0, 2002, 2003, 2006, 2013, 4031):
                raise ProtocolError(f"the backend is gone: {problem}") from None
            raise as_mysql_error(problem) from None

    def run_alone(self, sql: str) -> None:
        """Run DDL on a connection of its own; what fails is only logged."""
        try:
            with closing(BulkReader(self._address)) as connection:
                connection.query(sql)
        except (MySQLError, ProtocolError, pymysql.MySQLError) as problem:
            log.warning("%s: %s", sql, problem)

    def is_flagged(self, schema: str, name: str) -> bool:
        """Whether the dictionary says that RAPID holds the table."""
        return is_flagged(self.create_options(schema, name) or "")

    def create_options(self, schema: str, name: str) -> str | None:
        """CREATE_OPTIONS of a table; None if there is no such table."""
        rows = self.ask(
            "SELECT CREATE_OPTIONS FROM information_schema.TABLES"
            f" WHERE TABLE_SCHEMA = {quote_text(schema)}"
            f" AND TABLE_NAME = {quote_text(name)}"
        )
        return str(rows[0][0] or "") if rows else None

    def load(
        self,
        schema: str,
        name: str,
        listen: Listen | None = None,
        status: LoadStatus = LoadStatus.LOADING,
    ) -> Load:
        """Take the table's rows, in place of those the engine has; be ``alone``.

        On failure the engine has none of them.

        Raises:
            MySQLError: 3877, the table cannot be loaded; 1317, it was called off; what
                the backend says.
            ProtocolError: the backend is gone.
        """
        began = time.monotonic()
        try:
            loaded = self._load(schema, name, listen or _deaf, status)
        except BaseException:
            self._ledger.count("rapid_loads:error")
            raise
        self._ledger.count("rapid_loads:ok")
        self._ledger.count("rapid_rows_loaded", loaded.table.rows)
        log.info(
            "loaded %s.%s rows=%d seconds=%.1f",
            *(schema, name, loaded.table.rows, time.monotonic() - began),
        )
        return loaded

    def unload(self, table: LoadedTable) -> None:
        """Forget the table's rows; be ``alone``."""
        self.tables.change(table, status=LoadStatus.UNLOADING)
        self._drop(table)
        self.tables.remove(table)
        self.tables.tell()

    def close(self) -> None:
        self._account.close()

    # --- one load ---------------------------------------------------------------------

    def _load(self, schema: str, name: str, listen: Listen, status: LoadStatus) -> Load:
        if self.follower is not None:
            self.follower.require()
        described = self._described(self.ask, schema, name)
        before = self.tables.find(described.schema, described.name)
        table = LoadedTable(
            self.tables.new_id(),
            described.schema,
            described.name,
            f"rapid.{described.schema}.{described.name}#{uuid.uuid4().hex[:12]}",
            described.columns,
            described.usable_key,
            status,
            load_started=datetime.now(UTC),
        )
        self.tables.put(table)
        self.tables.tell()
        if before is not None:
            self._drop(before)
            if before.status is LoadStatus.STALE:
                self._ledger.count("rapid_reloads")
        try:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    return self._fill(table, described, listen)
                except MySQLError as problem:
                    # DDL came between our look at the table and the snapshot
                    if problem.number != DEFINITION_CHANGED or attempt == ATTEMPTS:
                        raise
                    described = self._described(self.ask, schema, name)
            raise AssertionError
        except BaseException:
            self._drop(table)
            self.tables.remove(table)
            self.tables.tell()
            raise

    def _drop(self, table: LoadedTable) -> None:
        """Have the engine hold the table no more; harmless if it does not."""
        if self.follower is not None:
            self.follower.leave(table)
        self.engine.drop(table.engine_name)
        if self.keys is not None:
            self.keys.forget(table)

    def _described(
        self, ask: Callable[[str], list[tuple[Any, ...]]], schema: str, name: str
    ) -> Description:
        found = describe(ask, schema, name)
        if found is None:
            raise MySQLError(1146, "42S02", f"Table '{schema}.{name}' doesn't exist")
        if not found.held:
            raise secondary_engine(f"No column of '{schema}.{name}' can be loaded")
        return found

    def _fill(self, table: LoadedTable, described: Description, listen: Listen) -> Load:
        opened = Opened()
        listen(opened.abort)
        may_repeat = bool(described.usable_key)
        connections = self._connections()
        with snapshot(
            self._address,
            described.quoted,
            connections,
            may_repeat=may_repeat,
            opened=opened.add,
        ) as seen:
            ask = seen.readers[0].query  # from here on no DDL can change the table
            described = self._described(ask, table.schema, table.name)
            if not seen.exact and not described.usable_key:
                raise MySQLError(DEFINITION_CHANGED, "HY000", "the primary key is gone")
            texts, about = queries(ask, described)
            filling = Filling(self.tables, table, described, seen, texts, about)
            facts = self._into_engine(filling, listen)
        return self._join(filling, facts, listen)

    def _into_engine(self, filling: Filling, listen: Listen) -> TableFacts:
        columns = [
            Column(column.name, column.type, column.nullable)
            for column in filling.described.held
        ]
        rows = pa.RecordBatchReader.from_batches(filling.schema, filling.batches())
        try:
            return self.engine.load(
                filling.table.engine_name,
                columns,
                rows,
                listen,
                ending=filling.ending,
                collations={one.name: one.collation for one in filling.described.held},
                keys=self.keys,
            )
        except Exception:
            if filling.problem is not None:
                raise filling.problem from None
            raise

    def _join(self, filling: Filling, facts: TableFacts, listen: Listen) -> Load:
        described, seen = filling.described, filling.seen
        table = self.tables.change(
            filling.table,
            columns=described.columns,
            primary_key=described.usable_key,
            rows=facts.rows,
            bytes=facts.bytes,
        )
        if table is None:
            raise secondary_engine(TAKEN)
        if self.follower is not None:
            until = None if seen.exact else seen.until
            where = seen.since, seen.exact, until
            self.follower.join(table, *where, listen=listen, server=seen.server)
        done = self.tables.change(
            table,
            status=LoadStatus.AVAILABLE,
            progress=100.0,
            load_ended=datetime.now(UTC),
        )
        if done is None:  # a change that came meanwhile may have made it STALE
            done = self.tables.find(table.schema, table.name)
            if done is None or done.engine_name != table.engine_name:
                raise secondary_engine(TAKEN)
        self.tables.tell()
        return Load(done, notes(described.columns), len(seen.readers))


def _deaf(stop: Callable[[], None]) -> None:
    """Who will not be stopped."""
