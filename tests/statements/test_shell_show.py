"""How Lakehouse tables look: SHOW CREATE TABLE, SHOW TABLE STATUS, the dictionary."""

import json
from contextlib import closing

import mysql.connector
import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import refusal, result_sets, rows, run, value
from tests.conftest import Server
from tests.statements.byhand import with_attribute, with_clauses
from tests.statements.conftest import Connection

pytestmark = pytest.mark.mysql

LOAD = "ALTER TABLE t SECONDARY_LOAD"
ODD = (
    "`a``b` int COMMENT 'it''s ) ENGINE=InnoDB', `c 'd\"é日` varchar(2)"
    """ NOT NULL DEFAULT 'x', e date ENGINE_ATTRIBUTE '{"date_format": "%d''%m"}'"""
)


def shown(client: Connection, table: str = "t") -> str:
    ((_, text),) = rows(client, f"SHOW CREATE TABLE {table}")
    return str(text)


@pytest.mark.parametrize("form", [with_attribute, with_clauses])
@pytest.mark.parametrize("columns", ["a int, b varchar(2)", ODD])
def test_what_is_shown_makes_the_same_table(
    client: Connection, files: ObjectStore, form: object, columns: str
) -> None:
    assert callable(form)
    run(client, form(files, columns))
    text = shown(client)
    assert ") ENGINE=Lakehouse DEFAULT CHARSET=utf8mb4" in text
    assert "SECONDARY_ENGINE=RAPID" in text
    assert "heatproxy" not in text.replace("/n/heatproxy/", "")
    run(client, "DROP TABLE t", text)
    assert shown(client) == text


def test_a_column_of_clauses_is_shown_with_its_clause(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files, "a date NOT NULL EXTERNAL_FORMAT '%d'"))
    assert "`a` date NOT NULL EXTERNAL_FORMAT '%d'" in shown(client)
    assert shown(client).startswith("CREATE EXTERNAL TABLE `t` (\n")


def test_the_secondary_engine_may_be_left_out(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_attribute(files), "SET show_create_table_skip_secondary_engine=ON")
    assert "SECONDARY" not in shown(client)
    assert "ENGINE_ATTRIBUTE" in shown(client)


def test_a_dump_of_the_definition_reads_back(
    server: Server, client: Connection, files: ObjectStore
) -> None:
    run(client, with_attribute(files))
    text = shown(client)
    assert "/*!80021 ENGINE_ATTRIBUTE=" in text
    run(client, "DROP TABLE t")
    done = server.mysql(
        f"SET sql_mode='';\n{text};\n{LOAD};\nSELECT COUNT(*) FROM t;", "hand"
    )
    assert (done.returncode, done.stdout.split()) == (0, ["COUNT(*)", "2"]), done.stderr


def test_an_ordinary_table_is_shown_as_it_is(
    client: Connection, files: ObjectStore
) -> None:
    run(
        client,
        with_clauses(files),
        "CREATE TABLE u (t int)",
        "CREATE DATABASE IF NOT EXISTS hand2",
    )
    run(client, "CREATE TABLE hand2.t (a int)")
    assert "ENGINE=InnoDB" in shown(client, "u")
    assert "ENGINE=InnoDB" in shown(client, "hand2.t")
    run(client, "CREATE TEMPORARY TABLE t (x int)")
    assert "CREATE TEMPORARY TABLE `t`" in shown(client)
    run(client, "DROP TEMPORARY TABLE t", "DROP DATABASE hand2")
    assert refusal(client, "SHOW CREATE TABLE nothing")[0] == 1146


def test_the_dictionary_speaks_of_lakehouse(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files, "a int PRIMARY KEY, b varchar(2)"), LOAD)
    run(client, "CREATE TABLE u (a int)")
    found = rows(
        client,
        "SELECT t.table_name, t.ENGINE, t.table_rows, t.create_options"
        " FROM INFORMATION_SCHEMA.Tables AS t WHERE t.table_schema = 'hand'"
        " ORDER BY 1",
    )
    assert found == [
        ("t", "Lakehouse", 2, 'SECONDARY_ENGINE="RAPID" SECONDARY_LOAD="1"'),
        ("u", "InnoDB", 0, ""),
    ]
    count = "SELECT COUNT(*) FROM information_schema.tables WHERE"
    assert value(client, f"{count} upper(engine) = 'LAKEHOUSE' AND table_schema='hand'")
    run(client, "USE information_schema")
    assert value(
        client, "SELECT engine FROM tables WHERE table_schema = 'hand' LIMIT 1"
    )
    listed = (
        "SELECT table_name FROM tables JOIN columns USING (table_schema, table_name)"
    )
    found = rows(
        client, f"{listed} WHERE engine = 'lakehouse' AND column_name = 'b'"
        " AND table_schema = 'hand'"
    )  # fmt: skip
    assert found == [("t",)]
    run(client, "USE hand")


def test_the_dictionary_has_the_attributes_where_heatwave_has_them(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files, "a date EXTERNAL_FORMAT '%d', b int"))
    where = "WHERE TABLE_SCHEMA = 'hand'"
    ((own, other),) = rows(
        client,
        "SELECT ENGINE_ATTRIBUTE, SECONDARY_ENGINE_ATTRIBUTE"
        f" FROM information_schema.TABLES_EXTENSIONS {where}",
    )
    assert list(json.loads(own)) == ["file", "dialect"]
    assert other is None
    found = rows(
        client,
        "SELECT COLUMN_NAME, ENGINE_ATTRIBUTE, SECONDARY_ENGINE_ATTRIBUTE"
        f" FROM information_schema.COLUMNS_EXTENSIONS {where} ORDER BY 1",
    )
    assert found == [("a", '{"date_format": "%d"}', None), ("b", None, None)]


def test_the_dictionary_has_rapids_tables_besides(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files))
    found = rows(
        client,
        "SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES"
        " WHERE TABLE_NAME = 'rpd_nodes' OR TABLE_SCHEMA = 'hand' ORDER BY 1",
    )
    assert found == [("rpd_nodes", "PERFORMANCE_SCHEMA"), ("t", "Lakehouse")]


STATUS = {
    "SHOW TABLE STATUS": ["t", "u"],
    "SHOW TABLE STATUS FROM hand LIKE 't%'": ["t"],
    "show table status in `hand` where Engine = 'lakehouse' and `Rows` = 2": ["t"],
    "SHOW TABLE STATUS WHERE Name = 'u'": ["u"],
}


def test_table_status(server: Server, client: Connection, files: ObjectStore) -> None:
    run(client, with_clauses(files), LOAD, "CREATE TABLE u (a int)")
    with closing(server.connect_backend(database="hand")) as backend:
        (theirs,) = result_sets(backend, "SHOW TABLE STATUS LIKE 'u'")
    for sql, names in STATUS.items():
        (found,) = result_sets(client, sql)
        assert found.columns == theirs.columns
        assert [row[0] for row in found.rows] == names
        assert rows(client, "SHOW WARNINGS") == []
    ((_, engine, *_), other) = rows(client, "SHOW TABLE STATUS")
    assert engine == "Lakehouse"
    assert other == theirs.rows[0]
    assert refusal(client, "SHOW TABLE STATUS FROM hand LIKE")[0] == 1064


def test_the_binary_protocol_shows_the_same(
    server: Server, client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files), LOAD)
    with (
        closing(
            mysql.connector.connect(
                host=server.host, port=server.port, database="hand", **server.login
            )
        ) as connection,
        closing(connection.cursor(prepared=True)) as cursor,
    ):
        cursor.execute("SHOW TABLE STATUS LIKE 't'")
        ((name, engine, _, _, count, *_),) = cursor.fetchall()
        assert (name, engine, count) == ("t", "Lakehouse", 2)
        cursor.execute(
            "SELECT ENGINE, TABLE_ROWS FROM information_schema.TABLES"
            " WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
            ("hand", "t"),
        )
        assert cursor.fetchall() == [("Lakehouse", 2)]
