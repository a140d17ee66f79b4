"""A workload's rows in MySQL: made as Parquet, once, and loaded sorted by key."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from heatproxy.bench.workloads import Workload
from heatproxy.datatypes import quote_name

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
        connection: PyMySQL's, with ``local_infile``, of an account that may do all
            that.
        folder: where the workload was made.

    Raises:
        pymysql.Error: MySQL's own.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.local_infile")
        (allowed,) = cursor.fetchone()
        cursor.execute("SET GLOBAL local_infile = 1")
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
            _load(cursor, schema, table, folder / f"{table}.parquet")
        for name in _CHECKS:
            cursor.execute(f"SET SESSION {name} = 1")
        cursor.execute(f"SET GLOBAL local_infile = {allowed}")
        names = ", ".join(map(quote_name, workload.tables))
        cursor.execute(f"ANALYZE TABLE {names}")


def _load(cursor: Any, schema: str, table: str, parquet: Path) -> None:
    columns = _columns(cursor, schema, table, key=False)
    key = _columns(cursor, schema, table, key=True)
    with tempfile.TemporaryDirectory(dir=parquet.parent) as folder:
        Path(folder).chmod(0o755)
        csv = Path(folder) / f"{table}.csv"
        ordered = f"SELECT {_listed(columns)} FROM '{parquet}' ORDER BY {_listed(key)}"
        options = "FORMAT csv, HEADER false, NULLSTR 'NULL', QUOTE '\"', ESCAPE '\"'"
        with duckdb.connect() as engine:
            engine.execute(f"COPY ({ordered}) TO '{csv}' ({options})")
        cursor.execute(
            _LOAD.format(
                file=cursor.connection.escape(str(csv)),
                schema=quote_name(schema),
                table=quote_name(table),
                columns=", ".join(map(quote_name, columns)),
            )
        )


def _columns(cursor: Any, schema: str, table: str, *, key: bool) -> Sequence[str]:
    """The table's columns, in order, or those of its primary key."""
    what, also = "COLUMNS", ""
    if key:
        what, also = "KEY_COLUMN_USAGE", " AND CONSTRAINT_NAME = 'PRIMARY'"
    cursor.execute(
        f"SELECT COLUMN_NAME FROM information_schema.{what} WHERE TABLE_SCHEMA = %s"
        f" AND TABLE_NAME = %s{also} ORDER BY ORDINAL_POSITION",
        (schema, table),
    )
    return [str(name) for (name,) in cursor.fetchall()]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
