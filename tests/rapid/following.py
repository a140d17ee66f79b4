"""A follower with an engine of its own on the test session's MySQL."""

import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymysql

from heatproxy.backend.account import Address, ServiceAccount
from heatproxy.backend.weights import Weights
from heatproxy.engine.duck import DuckDB
from heatproxy.rapid.follow import Follower
from heatproxy.rapid.freshness import Freshness
from heatproxy.rapid.keys import Keys
from heatproxy.rapid.load import Loader
from heatproxy.rapid.tables import LoadedTable, LoadedTables, LoadStatus

PATIENCE_S = 120.0
_server_ids = itertools.count(1 + os.getpid() % 1_000_000 * 1000)


class Following:
    """RAPID without a proxy in front: the engine, its tables, what keeps them fresh."""

    def __init__(self, address: Address, path: Path) -> None:
        self.address = address
        self.engine = DuckDB(path, "1GB", 2)
        self.tables = LoadedTables()
        self._account = ServiceAccount(address)
        self.keys = Keys(Weights(self._account), self.engine, self.tables)
        self.follower = Follower(
            address, self.engine, self.tables, self.keys, next(_server_ids)
        )
        self.loader = Loader(self.engine, address, self.tables, lambda: 1)
        self.loader.keys, self.loader.follower = self.keys, self.follower
        self.freshness = Freshness(self.follower, address)
        self.follower.start()

    def load(self, schema: str, name: str) -> LoadedTable:
        return self.loader.load(schema, name).table

    def find(self, table: LoadedTable) -> LoadedTable:
        """The table as the register has it now."""
        found = self.tables.find(table.schema, table.name)
        assert found is not None
        return found

    def catch_up(self) -> None:
        """Return when the engine has what MySQL has.

        While the follower connects anew the answer is no at once.
        """
        until = time.monotonic() + PATIENCE_S
        while not self.freshness.reached(1.0):
            assert time.monotonic() < until, "the changes do not come"
            time.sleep(0.01)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        query = self.engine.run(sql)
        try:
            return [tuple(row.values()) for row in query.reader.read_all().to_pylist()]
        finally:
            query.close()

    def differences(self, table: LoadedTable) -> list[tuple[Any, ...]]:
        """Rows that the engine's table and a load of MySQL's have not in common.

        The first column says whose they are.
        """
        registered = self.find(table)
        assert registered.status is LoadStatus.AVAILABLE, registered.problem
        other = Loader(self.engine, self.address, LoadedTables(), lambda: 1)
        now = other.load(table.schema, table.name).table
        other.close()
        held = [
            (column.name.replace('"', '""'), column.type.name in ("float", "double"))
            for column in table.held_columns
        ]
        listed = ", ".join(
            f'CAST("{name}" AS VARCHAR)' if is_floating else f'"{name}"'
            for name, is_floating in held
        )
        ours, theirs = (
            f'SELECT {listed} FROM "{name}"'
            for name in (table.engine_name, now.engine_name)
        )
        found = self.rows(
            f"(SELECT 'ours', * FROM ({ours} EXCEPT ALL {theirs})) UNION ALL"
            f" (SELECT 'theirs', * FROM ({theirs} EXCEPT ALL {ours}))"
        )
        counted = self.rows(f'SELECT count(*) FROM "{now.engine_name}"')
        assert registered.rows == counted[0][0]
        self.engine.drop(now.engine_name)
        return found

    def stop(self) -> None:
        self.freshness.close()
        self.follower.stop()
        self.loader.close()
        self.engine.close()
        self._account.close()


Run = Callable[..., list[tuple[Any, ...]]]


def runner(connection: "pymysql.Connection[Any]") -> Run:
    """What runs statements on a connection."""

    def run(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return list(cursor.fetchall())

    return run
