"""Changes of several tables in one DuckDB transaction, and where they were read up to.

A query sees all of a transaction's changes or none. With them goes what the follower
must know to go on behind them, so that neither an end nor a crash loses or repeats any.
DuckDB's own checkpoints keep its log short and give deleted rows' room back.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

_TABLES = (
    "CREATE TABLE IF NOT EXISTS heatproxy.stream (state VARCHAR)",
    "CREATE TABLE IF NOT EXISTS heatproxy.followed (name VARCHAR, state VARCHAR)",
)


class Drift(Exception):
    """The engine's table is not what its changes were made of."""


@dataclass(frozen=True, slots=True)
class TableChanges:
    """Rows that go and rows that come; those that go go first.

    ``removed`` has the columns that tell rows apart, and where those are not
    ``unique`` one of the rows that are equal goes for each. ``checked``: all of them
    must be there.
    """

    name: str
    removed: pa.Table
    added: pa.Table
    unique: bool
    checked: bool


class Changes:
    """One transaction; for one thread. It is over with ``commit`` or ``undo``."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.cursor = connection.cursor()
        self.cursor.begin()

    def make(self, change: TableChanges) -> int:
        """Change one table; how many rows more it has, or fewer.

        Raises:
            Drift: rows that must be there are not.
        """
        gone = 0
        if change.removed.num_rows:
            gone = self._remove(change)
        if change.added.num_rows:
            named = ", ".join(_quoted(name) for name in change.added.column_names)
            self.cursor.register("added", change.added)
            self.cursor.execute(
                f"INSERT INTO {_quoted(change.name)} ({named}) SELECT * FROM added"
            )
            self.cursor.unregister("added")
        return int(change.added.num_rows) - gone

    def _remove(self, change: TableChanges) -> int:
        removed, table = change.removed, _quoted(change.name)
        columns = [
            (_quoted(field.name), f"c{index}", pa.types.is_floating(field.type))
            for index, field in enumerate(removed.schema)
        ]
        renamed = removed.rename_columns([alias for _, alias, _ in columns])
        self.cursor.register("removed", renamed)
        if change.unique:
            same = " AND ".join(
                f"t.{name} = removed.{alias}" for name, alias, _ in columns
            )
            sql = f"DELETE FROM {table} AS t USING removed WHERE {same}"
        else:
            same = " AND ".join(_same(*column) for column in columns)
            sql = (
                f"DELETE FROM {table} WHERE rowid IN (SELECT place FROM (SELECT"
                " t.rowid AS place, k.times, row_number() OVER (PARTITION BY k.number)"
                f" AS nth FROM {table} AS t JOIN (SELECT *, count(*) AS times,"
                " row_number() OVER () AS number FROM removed GROUP BY ALL) AS k"
                f" ON {same}) WHERE nth <= times)"
            )
        self.cursor.execute(sql)
        counted = self.cursor.fetchone()
        self.cursor.unregister("removed")
        gone = int(counted[0]) if counted else 0
        if change.checked and gone != removed.num_rows:
            raise Drift(
                f"{removed.num_rows} rows were changed of which {gone} are there"
            )
        return gone

    def remember(self, state: str, tables: Mapping[str, str] | None = None) -> None:
        """Keep where the stream is, and with ``tables`` where each of them is."""
        self.cursor.execute("UPDATE heatproxy.stream SET state = ?", [state])
        if tables is not None:
            self.cursor.execute("DELETE FROM heatproxy.followed")
            for row in tables.items():
                self.cursor.execute(
                    "INSERT INTO heatproxy.followed VALUES (?, ?)", list(row)
                )

    def commit(self) -> None:
        """Let queries see it. Raises duckdb.Error, and then nothing has changed."""
        try:
            self.cursor.commit()
        finally:
            self.cursor.close()

    def undo(self) -> None:
        """Leave everything as it was; harmless when it is over."""
        with contextlib.suppress(duckdb.Error):
            self.cursor.rollback()
        with contextlib.suppress(duckdb.Error):
            self.cursor.close()


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables that ``remember`` writes to."""
    for table in _TABLES:
        connection.execute(table)
    connection.execute(
        "INSERT INTO heatproxy.stream SELECT '' WHERE NOT EXISTS"
        " (FROM heatproxy.stream)"
    )


def remembered(connection: duckdb.DuckDBPyConnection) -> tuple[str, dict[str, str]]:
    """What was remembered last: empty if nothing was."""
    with connection.cursor() as cursor:
        states: Sequence[tuple[str]]
        states = cursor.execute("SELECT state FROM heatproxy.stream").fetchall()
        tables = cursor.execute("SELECT name, state FROM heatproxy.followed").fetchall()
    return (states[0][0] if states else ""), dict(tables)


def _same(name: str, alias: str, is_floating: bool) -> str:
    same = f"t.{name} IS NOT DISTINCT FROM k.{alias}"
    if is_floating:  # 0.0 = -0.0
        same += f" AND signbit(t.{name}) IS NOT DISTINCT FROM signbit(k.{alias})"
    return same


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
