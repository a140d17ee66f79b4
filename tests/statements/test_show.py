"""SHOW and DESCRIBE of what only RAPID has, beside what MySQL has."""

from contextlib import closing
from typing import Any

import mysql.connector
import pytest

from heatproxy.rapid.performance_schema import RPD_TABLES
from heatproxy.rapid.status import NAMES
from heatproxy.rapid.variables import VARIABLES
from tests.asking import result_sets, rows, run, value
from tests.conftest import Server

pytestmark = pytest.mark.mysql

Connection = Any


STATUS = {
    "SHOW GLOBAL STATUS LIKE 'rapid%'": 12,
    "SHOW STATUS LIKE 'rapid_%status'": 5,
    "show global status like 'rapid_%er%_status'": 2,
    "SHOW SESSION STATUS LIKE 'hw\\\\_data\\\\_scanned'": 1,
    "SHOW LOCAL STATUS LIKE 'Secondary_engine_execution_count'": 1,
    "SHOW STATUS WHERE Variable_name IN ('Uptime', 'rapid_ml_status')": 2,
    "SHOW STATUS WHERE `Variable_name` LIKE 'rapid_ml%' AND Value = 'ON'": 1,
    "SHOW STATUS LIKE 'Uptime'": 1,
    "SHOW STATUS LIKE 'no_such%'": 0,
}


@pytest.mark.parametrize(("sql", "count"), STATUS.items(), ids=STATUS)
def test_status_is_shown(client: Connection, sql: str, count: int) -> None:
    (found,) = result_sets(client, sql.replace("\\\\", "\\"))
    assert found.columns == ("Variable_name", "Value")
    assert len(found.rows) == count


@pytest.mark.parametrize("scope", ["", "GLOBAL", "SESSION"])
def test_all_status_is_mysqls_and_ours(
    client: Connection, backend: Connection, scope: str
) -> None:
    ours = [name for name, _ in rows(client, f"SHOW {scope} STATUS")]
    theirs = {name for name, _ in rows(backend, f"SHOW {scope} STATUS")}
    assert set(ours) == theirs | set(NAMES)
    assert len(ours) == len(set(ours))
    assert ours == sorted(ours, key=str.lower)


@pytest.mark.parametrize("scope", ["", "GLOBAL", "SESSION"])
def test_all_variables_are_mysqls_and_ours(
    client: Connection, backend: Connection, scope: str
) -> None:
    ours = [name for name, _ in rows(client, f"SHOW {scope} VARIABLES")]
    theirs = {name for name, _ in rows(backend, f"SHOW {scope} VARIABLES")}
    assert set(ours) == theirs | set(VARIABLES)
    assert len(ours) == len(set(ours))


TABLES = {
    "global_status": ("rapid_service_status", "ONLINE"),
    "session_status": ("rapid_plugin_bootstrapped", "YES"),
    "global_variables": ("rapid_bootstrap", "ON"),
    "session_variables": ("rapid_compression", "AUTO"),
}


@pytest.mark.parametrize("table", TABLES)
def test_performance_schema_has_them_too(client: Connection, table: str) -> None:
    name, expected = TABLES[table]
    sql = (
        f"SELECT VARIABLE_NAME, VARIABLE_VALUE FROM performance_schema.{table}"
        f" WHERE VARIABLE_NAME IN ('{name}', 'no_such')"
    )
    (found,) = result_sets(client, sql)
    assert found.columns == ("VARIABLE_NAME", "VARIABLE_VALUE")
    assert found.rows == [(name, expected)]
    run(client, "USE performance_schema")
    short = f"SELECT VARIABLE_VALUE FROM {table} WHERE {table}.VARIABLE_NAME LIKE"
    assert value(client, f"{short} '{name.replace('_', '%')}'") == expected


def test_status_in_the_binary_protocol(server: Server) -> None:
    with (
        closing(
            mysql.connector.connect(host=server.host, port=server.port, **server.login)
        ) as connection,
        closing(connection.cursor(prepared=True)) as cursor,
    ):
        cursor.execute("SHOW GLOBAL STATUS LIKE 'rapid_service_status'")
        assert cursor.fetchall() == [("rapid_service_status", "ONLINE")]
        cursor.execute(
            "SELECT VARIABLE_VALUE FROM performance_schema.global_status"
            " WHERE VARIABLE_NAME = ?",
            ("rapid_core_count",),
        )
        ((cores,),) = cursor.fetchall()
        assert int(cores) >= 1
        cursor.execute("SHOW VARIABLES LIKE 'rapid_compression'")
        assert cursor.fetchall() == [("rapid_compression", "AUTO")]


def test_the_tables_are_listed(client: Connection) -> None:
    (found,) = result_sets(client, "SHOW TABLES FROM performance_schema LIKE 'rpd%'")
    assert found.columns == ("Tables_in_performance_schema (rpd%)",)
    assert [name for (name,) in found.rows] == sorted(RPD_TABLES)
    run(client, "USE performance_schema")
    (found,) = result_sets(client, "SHOW FULL TABLES LIKE 'rpd\\_n%'")
    assert found.columns == ("Tables_in_performance_schema (rpd\\_n%)", "Table_type")
    assert found.rows == [("rpd_nodes", "BASE TABLE")]
    (found,) = result_sets(
        client,
        "SHOW TABLES WHERE Tables_in_performance_schema IN ('rpd_nodes', 'threads')",
    )
    assert [name for (name,) in found.rows] == ["rpd_nodes", "threads"]


DESCRIBES = {
    "DESCRIBE performance_schema.rpd_table_id": None,
    "DESC `performance_schema`.`RPD_TABLE_ID`": None,
    "EXPLAIN performance_schema.rpd_table_id": None,
    "SHOW COLUMNS FROM performance_schema.rpd_table_id": None,
    "SHOW FIELDS IN rpd_table_id IN performance_schema": None,
    "DESCRIBE performance_schema.rpd_table_id name": ["NAME"],
    "SHOW COLUMNS FROM rpd_table_id FROM performance_schema LIKE '%NAME'": [
        "NAME",
        "SCHEMA_NAME",
        "TABLE_NAME",
    ],
    "SHOW COLUMNS FROM performance_schema.rpd_table_id WHERE Type LIKE '%int%'": ["ID"],
}


@pytest.mark.parametrize(("sql", "names"), DESCRIBES.items(), ids=DESCRIBES)
def test_a_table_is_described(
    client: Connection, sql: str, names: list[str] | None
) -> None:
    (found,) = result_sets(client, sql)
    assert found.columns == ("Field", "Type", "Null", "Key", "Default", "Extra")
    expected = names or list(RPD_TABLES["rpd_table_id"].columns)
    assert [row[0] for row in found.rows] == expected


def test_more_is_said_when_more_is_asked(client: Connection) -> None:
    sql = "SHOW FULL COLUMNS FROM performance_schema.rpd_nodes LIKE 'STATUS'"
    (found,) = result_sets(client, sql)
    (own,) = result_sets(client, "SHOW FULL COLUMNS FROM performance_schema.threads")
    assert found.columns == own.columns
    assert found.rows[0][:3] == ("STATUS", "varchar(64)", "utf8mb4_0900_ai_ci")


def test_what_creates_a_table_is_shown(client: Connection) -> None:
    (found,) = result_sets(client, "SHOW CREATE TABLE performance_schema.rpd_nodes")
    assert found.columns == ("Table", "Create Table")
    ((name, text),) = found.rows
    assert name == "rpd_nodes"
    assert text.startswith("CREATE TABLE `rpd_nodes` (\n  `ID` int unsigned")
