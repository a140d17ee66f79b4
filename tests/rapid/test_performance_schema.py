"""The rpd_ tables as MySQL computes them: columns, types, and what describes them."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest

from heatproxy.rapid.performance_schema import (
    RPD_TABLES,
    RpdTable,
    columns_query,
    create_table,
    described_rows,
    tables_query,
)
from heatproxy.rapid.rpd_rows import mirror_query, tables_rows
from tests.asking import columns_of, result_sets, rows, run
from tests.conftest import Server
from tests.rapid.test_rpd_rows import TABLE

pytestmark = pytest.mark.mysql

each_table = pytest.mark.parametrize("table", RPD_TABLES.values(), ids=RPD_TABLES)


@pytest.fixture
def backend(server: Server) -> Iterator[Any]:
    with closing(server.connect_backend()) as connection:
        yield connection


def test_there_are_heatwaves_eleven_tables() -> None:
    assert list(RPD_TABLES) == [
        "rpd_column_id",
        "rpd_columns",
        "rpd_exec_stats",
        "rpd_mirror",
        "rpd_ml_stats",
        "rpd_nodes",
        "rpd_preload_stats",
        "rpd_query_stats",
        "rpd_table_id",
        "rpd_tables",
        "rpd_vector_indexes",
    ]


@each_table
def test_a_query_has_the_declared_columns_and_types(
    backend: Any, table: RpdTable
) -> None:
    query = table.query([[None] * len(table.columns)]).decode()
    (found,) = result_sets(backend, query)
    assert found.columns == tuple(table.columns)
    assert found.rows == [(None,) * len(table.columns)]
    run(backend, f"CREATE TEMPORARY TABLE sys.made AS {query}")
    try:
        assert columns_of(backend, "sys.made") == list(table.columns.items())
    finally:
        run(backend, "DROP TEMPORARY TABLE sys.made")


@each_table
def test_what_creates_a_table_is_understood(backend: Any, table: RpdTable) -> None:
    text = create_table(table).replace("CREATE TABLE ", "CREATE TEMPORARY TABLE sys.")
    run(backend, text.partition(" ENGINE=")[0])
    try:
        described = columns_of(backend, f"sys.{table.name}")
        assert described == list(table.columns.items())
        assert described == [(row[0], row[1]) for row in described_rows(table)]
    finally:
        run(backend, f"DROP TEMPORARY TABLE sys.{table.name}")


VALUES = {
    "quotes and backslashes": 'it\'s "a" \\ test',
    "other alphabets": "Größe 日本 🙂",
    "what looks like JSON": '{"a": [null, 1]}',
    "an empty text": "",
    "a line's end": "a\nb\0c",
}


@pytest.mark.parametrize("sql_mode", ["", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"])
@pytest.mark.parametrize("text", VALUES.values(), ids=VALUES)
def test_text_comes_as_it_is(backend: Any, text: str, sql_mode: str) -> None:
    run(backend, f"SET sql_mode = '{sql_mode}'")
    query = RPD_TABLES["rpd_exec_stats"].query([[1, 0, text], [2, 0, None]])
    assert rows(backend, query.decode()) == [(1, 0, text), (2, 0, None)]


def test_numbers_and_times_come_as_they_are(backend: Any) -> None:
    query = RPD_TABLES["rpd_tables"].query(tables_rows([TABLE])).decode()
    sql = f"SELECT NROWS, LOAD_PROGRESS, LOAD_END_TIMESTAMP FROM ({query}) AS t"
    loaded = datetime(2026, 3, 1, 12, 0, 0, 250)
    assert rows(backend, sql) == [(120, 100.0, loaded)]


@pytest.mark.parametrize(
    ("name", "query"),
    [("TABLES", tables_query()), ("COLUMNS", columns_query())],
    ids=["TABLES", "COLUMNS"],
)
def test_information_schema_keeps_its_columns_and_its_rows(
    backend: Any, name: str, query: bytes
) -> None:
    (own,) = result_sets(backend, f"SELECT * FROM information_schema.{name} LIMIT 1")
    (ours,) = result_sets(backend, f"SELECT * FROM ({query.decode()}) AS t LIMIT 1")
    assert ours.columns == own.columns
    count = f"SELECT COUNT(*) FROM information_schema.{name}"
    ((before,),) = rows(backend, count)
    ((after,),) = rows(backend, f"SELECT COUNT(*) FROM ({query.decode()}) AS t")
    added = sum(len(t.columns) for t in RPD_TABLES.values())
    assert after - before == (added if name == "COLUMNS" else len(RPD_TABLES))


def test_columns_are_described_as_mysql_describes_its_own(backend: Any) -> None:
    """Beside a table of the same types."""
    kinds = sorted({k for t in RPD_TABLES.values() for k in t.columns.values()})
    columns = ", ".join(f"c{n} {kind}" for n, kind in enumerate(kinds))
    run(backend, "DROP DATABASE IF EXISTS rpd_kinds", "CREATE DATABASE rpd_kinds")
    run(backend, f"CREATE TABLE rpd_kinds.t ({columns})")
    facts = (
        "COLUMN_TYPE, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, CHARACTER_OCTET_LENGTH,"
        " NUMERIC_PRECISION, NUMERIC_SCALE, DATETIME_PRECISION, CHARACTER_SET_NAME,"
        " COLLATION_NAME, IS_NULLABLE, COLUMN_DEFAULT"
    )
    try:
        theirs = rows(
            backend,
            f"SELECT {facts} FROM information_schema.COLUMNS"
            " WHERE TABLE_SCHEMA = 'rpd_kinds'",
        )
    finally:
        run(backend, "DROP DATABASE rpd_kinds")
    ours = rows(
        backend,
        f"SELECT DISTINCT {facts} FROM ({columns_query().decode()}) AS c"
        " WHERE TABLE_SCHEMA = 'performance_schema' AND TABLE_NAME LIKE 'rpd%'",
    )
    assert sorted(map(str, ours)) == sorted(map(str, theirs))


def test_the_mirror_lists_every_innodb_table(backend: Any) -> None:
    held = [TABLE]
    run(backend, "DROP DATABASE IF EXISTS shop", "CREATE DATABASE shop")
    run(backend, "CREATE TABLE shop.orders (id int)", "CREATE TABLE shop.new (id int)")
    refused = {("shop", "orders"): (2, datetime(2026, 3, 1))}
    query = mirror_query(held, refused).decode()
    try:
        found = result_sets(
            backend, f"SELECT * FROM ({query}) AS m WHERE SCHEMA_NAME = 'shop'"
        )[0]
        run(backend, f"CREATE TEMPORARY TABLE sys.made AS {query}")
        made = columns_of(backend, "sys.made")
        run(backend, "DROP TEMPORARY TABLE sys.made")
    finally:
        run(backend, "DROP DATABASE shop")
    assert found.columns == tuple(RPD_TABLES["rpd_mirror"].columns)
    types = dict(made)
    for name in ("MYSQL_ACCESS_COUNT", "HEATWAVE_ACCESS_COUNT", "LAST_QUERIED"):
        assert types[name].split() == RPD_TABLES["rpd_mirror"].columns[name].split()
    mirror = {row[1]: row for row in found.rows}
    assert mirror["orders"][2:4] == (2, 5)
    assert mirror["orders"][5] == datetime(2026, 3, 1)
    assert mirror["orders"][7] == "LOADED"
    assert mirror["new"][2:4] == (None, 0)
    assert mirror["new"][7] == "NOT_LOADED"
