"""A workload's rows in MySQL: made as Parquet, once, and loaded sorted by key."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from heatproxy.bench import answers
from heatproxy.bench.workloads import Workload
from heatproxy.datatypes import MySQLType, parse, quote_name

_CHECKS = ("sql_log_bin", "unique_checks", "foreign_key_checks")
_LOAD = """
LOAD DATA LOCAL INFILE {file} INTO TABLE {schema}.{table} CHARACTER SET utf8mb4
FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' ESCAPED BY ''
LINES TERMINATED BY '\n' ({columns})
"""


def fill(connection: Any, schema: str, workload: Workload, folder: Path) -> None:
    """Make a workload's tables in a schema of the backend's and load their rows.

    Nothing of it goes to the binary log.

    Args:
        connection: of answers.connect's, with ``local_infile``, of an account that
            may do all that.
        folder: where the workload was made.

    Raises:
        pymysql.Error: MySQL's own.
    """
    with connection.cursor() as cursor, _local_files(cursor):
        for name in _CHECKS:
            cursor.execute(f"SET SESSION {name} = 0")
        cursor.execute(f"DROP DATABASE IF EXISTS {quote_name(schema)}")
        cursor.execute(
            f"CREATE DATABASE {quote_name(schema)} CHARACTER SET utf8mb4"
            " COLLATE utf8mb4_0900_ai_ci"
        )
        cursor.execute(f"USE {quote_name(schema)}")
        cursor.execute("SET SESSION time_zone = '+00:00'")
        for table, definition in workload.tables.items():
            cursor.execute(definition)
            _load(connection, schema, table, folder / f"{table}.parquet")
        for name in _CHECKS:
            cursor.execute(f"SET SESSION {name} = 1")
        names = ", ".join(map(quote_name, workload.tables))
        cursor.execute(f"ANALYZE TABLE {names}")


@contextmanager
def _local_files(cursor: Any) -> Iterator[None]:
    """Have the server take files of its clients for a while."""
    cursor.execute("SELECT @@GLOBAL.local_infile")
    (before,) = cursor.fetchone()
    cursor.execute("SET GLOBAL local_infile = ON")
    try:
        yield
    finally:
        cursor.execute(f"SET GLOBAL local_infile = {int(before)}")


def _load(connection: Any, schema: str, table: str, parquet: Path) -> None:
    columns = [name for name, _ in column_types(connection, schema, table)]
    key = key_columns(connection, schema, table)
    with tempfile.TemporaryDirectory(dir=parquet.parent) as folder:
        csv = Path(folder) / f"{table}.csv"
        ordered = f"SELECT {_listed(columns)} FROM '{parquet}' ORDER BY {_listed(key)}"
        options = "FORMAT csv, HEADER false, NULLSTR 'NULL', QUOTE '\"', ESCAPE '\"'"
        with duckdb.connect() as engine:
            engine.execute(f"COPY ({ordered}) TO '{csv}' ({options})")
        with connection.cursor() as cursor:
            cursor.execute(
                _LOAD.format(
                    file=connection.escape(str(csv)),
                    schema=quote_name(schema),
                    table=quote_name(table),
                    columns=", ".join(map(quote_name, columns)),
                )
            )


def key_columns(connection: Any, schema: str, table: str) -> Sequence[str]:
    """The columns of a table's primary key, in order."""
    rows = answers.ask(
        connection,
        "SELECT COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE"
        f" WHERE TABLE_SCHEMA = '{schema}' AND TABLE_NAME = '{table}'"
        " AND CONSTRAINT_NAME = 'PRIMARY' ORDER BY ORDINAL_POSITION",
    ).rows
    return [(name or b"").decode() for (name,) in rows]


def column_types(
    connection: Any, schema: str, table: str
) -> Sequence[tuple[str, MySQLType]]:
    """A table's columns, in order: names and types."""
    rows = answers.ask(
        connection,
        "SELECT COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS"
        f" WHERE TABLE_SCHEMA = '{schema}' AND TABLE_NAME = '{table}'"
        " ORDER BY ORDINAL_POSITION",
    ).rows
    return [((n or b"").decode(), parse((t or b"").decode())) for n, t in rows]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
