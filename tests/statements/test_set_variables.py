"""SET and @@ of RAPID's system variables, beside MySQL's own."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import mysql.connector
import pytest

from tests.asking import refusal, result_sets, rows, run, value
from tests.conftest import Server

pytestmark = pytest.mark.mysql

Connection = Any
STRATEGY = "rapid_execution_strategy"


@pytest.fixture
def client(server: Server) -> Iterator[Connection]:
    with closing(server.connect()) as connection:
        yield connection
        run(
            connection,
            f"SET GLOBAL {STRATEGY} = DEFAULT",
            "SET PERSIST rapid_compression = DEFAULT",
            "SET GLOBAL rapid_stats_cache_max_entries = DEFAULT",
        )


SETS = {
    "a word": f"SET SESSION {STRATEGY} = MIN_MEM_CONSUMPTION",
    "without a scope": f"SET {STRATEGY}=MIN_MEM_CONSUMPTION",
    "text": f"SET LOCAL {STRATEGY} := 'min_mem_consumption'",
    "its number": f"SET {STRATEGY} = 1",
    "two at-signs": f"SET @@{STRATEGY} = MIN_MEM_CONSUMPTION",
    "two and a scope": f"set @@session.{STRATEGY.upper()} = MIN_MEM_CONSUMPTION",
    "back-ticks": f"SET `{STRATEGY}` = `MIN_MEM_CONSUMPTION`",
    "an expression": f"SET {STRATEGY} = CONCAT('MIN_MEM', LOWER('_CONSUMPTION'))",
    "a user variable": f"SET {STRATEGY} = @wanted",
    "a subquery": f"SET {STRATEGY} = (SELECT 'MIN_MEM_CONSUMPTION')",
    "beside others": f"SET @x = 1, {STRATEGY} = 1, SESSION sql_mode = '', @y = @x",
}


@pytest.mark.parametrize("sql", SETS.values(), ids=SETS)
def test_a_session_remembers_what_it_set(client: Connection, sql: str) -> None:
    run(client, "SET @wanted = 'MIN_MEM_CONSUMPTION'", sql)
    assert value(client, f"SELECT @@{STRATEGY}") == "MIN_MEM_CONSUMPTION"
    assert value(client, f"SELECT @@GLOBAL.{STRATEGY}") == "MIN_RUNTIME"
    shown = rows(client, f"SHOW VARIABLES LIKE '{STRATEGY}'")
    assert shown == [(STRATEGY, "MIN_MEM_CONSUMPTION")]
    run(client, f"SET SESSION {STRATEGY} = DEFAULT")
    assert value(client, f"SELECT @@session.{STRATEGY}") == "MIN_RUNTIME"


def test_what_stands_beside_is_mysqls(client: Connection) -> None:
    run(client, f"SET @x = 7, {STRATEGY} = 1, sql_mode = 'ANSI_QUOTES', @y = 'a, b'")
    assert rows(client, f"SELECT @x, @y, @@sql_mode, @@{STRATEGY}") == [
        (7, "a, b", "ANSI_QUOTES", "MIN_MEM_CONSUMPTION")
    ]


def test_other_sessions_keep_theirs(client: Connection, server: Server) -> None:
    with closing(server.connect()) as other:
        run(client, f"SET {STRATEGY} = 1")
        assert value(other, f"SELECT @@{STRATEGY}") == "MIN_RUNTIME"
        run(client, f"SET GLOBAL {STRATEGY} = 1")
        assert value(other, f"SELECT @@global.{STRATEGY}") == "MIN_MEM_CONSUMPTION"
        shown = f"SHOW GLOBAL VARIABLES LIKE '{STRATEGY}'"
        assert rows(other, shown) == [(STRATEGY, "MIN_MEM_CONSUMPTION")]


def test_a_reset_session_has_forgotten(server: Server) -> None:
    with closing(
        mysql.connector.connect(host=server.host, port=server.port, **server.login)
    ) as client:
        with closing(client.cursor()) as cursor:
            cursor.execute("SET rapid_compression = OFF")
            cursor.execute("SELECT @@rapid_compression")
            assert cursor.fetchall() == [("OFF",)]
        client.cmd_reset_connection()
        with closing(client.cursor()) as cursor:
            cursor.execute("SELECT @@rapid_compression")
            assert cursor.fetchall() == [("AUTO",)]


def test_persisted_is_set_at_once(client: Connection, server: Server) -> None:
    run(client, "SET PERSIST rapid_compression = OFF")
    assert value(client, "SELECT @@global.rapid_compression") == "OFF"
    kept = (server.data_dir / "rapid_variables.json").read_text()
    assert kept == '{"rapid_compression": "OFF"}'


REFUSED = {
    "no such value": (f"SET {STRATEGY} = FASTEST", 1231, "'FASTEST'"),
    "NULL": (f"SET {STRATEGY} = NULL", 1231, "'NULL'"),
    "no such number": (f"SET {STRATEGY} = 2", 1231, "'2'"),
    "a fraction": (f"SET {STRATEGY} = 0.5", 1232, STRATEGY),
    "no such variable": ("SET rapid_no_such = 1", 1193, "'rapid_no_such'"),
    "none of a session": (
        "SET rapid_stats_cache_max_entries = 5",
        1229,
        "GLOBAL variable and should be set with SET GLOBAL",
    ),
    "text for a number": (
        "SET GLOBAL rapid_stats_cache_max_entries = '5'",
        1232,
        "rapid_stats_cache_max_entries",
    ),
    "read only": ("SET GLOBAL rapid_bootstrap = ON", 1238, "is a read only variable"),
    "a column": (f"SET {STRATEGY} = CONCAT(no_such)", 1054, "no_such"),
    "no syntax": (f"SET {STRATEGY} = = 1", 1064, "syntax"),
    "read in a wrong scope": ("SELECT @@session.rapid_bootstrap", 1238, "GLOBAL"),
    "read unknown": ("SELECT @@rapid_no_such", 1193, "rapid_no_such"),
}


@pytest.mark.parametrize(("sql", "number", "words"), REFUSED.values(), ids=REFUSED)
def test_what_mysql_would_refuse_is_refused(
    client: Connection, sql: str, number: int, words: str
) -> None:
    found, text = refusal(client, sql)
    assert (found, words in text) == (number, True), text


@pytest.mark.parametrize(
    "sql",
    [
        f"SET @before = 1, {STRATEGY} = FASTEST",
        f"SET {STRATEGY} = 1, no_such_variable = 2, @before = 1",
        f"SET @before = 1, {STRATEGY} = 1, rapid_compression = 9",
    ],
)
def test_a_set_that_fails_sets_nothing(client: Connection, sql: str) -> None:
    assert refusal(client, sql)[0] in (1193, 1231)
    assert rows(client, f"SELECT @before, @@{STRATEGY}") == [(None, "MIN_RUNTIME")]


def test_a_number_out_of_bounds_becomes_the_nearest(client: Connection) -> None:
    sql = "SET GLOBAL rapid_stats_cache_max_entries = 99999999"
    with client.cursor() as cursor:
        cursor.execute(sql)
        assert cursor.warning_count == 1
    shown = rows(client, "SHOW WARNINGS")
    text = "Truncated incorrect rapid_stats_cache_max_entries value: '99999999'"
    assert shown == [("Warning", 1292, text)]
    assert value(client, "SELECT @@rapid_stats_cache_max_entries") == 1_048_576


def test_who_may_not_set_global_variables_is_refused_by_mysql(
    client: Connection, server: Server
) -> None:
    run(client, "DROP USER IF EXISTS meek", "CREATE USER meek IDENTIFIED BY 'pw'")
    try:
        with closing(server.connect(user="meek", password="pw")) as meek:
            number, text = refusal(meek, f"SET GLOBAL {STRATEGY} = 1")
            assert (number, "SYSTEM_VARIABLES_ADMIN" in text) == (1227, True)
            run(meek, f"SET {STRATEGY} = 1")
    finally:
        run(client, "DROP USER meek")
    assert value(client, f"SELECT @@global.{STRATEGY}") == "MIN_RUNTIME"


def test_a_hint_of_ours_is_no_warning(client: Connection) -> None:
    hint = f"/*+ SET_VAR({STRATEGY} = MIN_MEM_CONSUMPTION) */"
    with client.cursor() as cursor:
        cursor.execute(f"SELECT {hint} 1 + 1")
        assert cursor.fetchall() == ((2,),)
        assert cursor.warning_count == 0
        cursor.execute("SELECT /*+ SET_VAR(no_such = 1) */ 1")
        assert cursor.warning_count == 1


def test_values_are_read_where_an_expression_may_be(client: Connection) -> None:
    sql = f"SELECT 1 FROM DUAL WHERE @@{STRATEGY} = 'min_runtime'"
    assert rows(client, sql) == [(1,)]
    run(client, f"SET @kept = @@session.{STRATEGY}", f"SET {STRATEGY} = 1")
    run(client, f"SET {STRATEGY} = @kept")
    assert value(client, f"SELECT @@{STRATEGY}") == "MIN_RUNTIME"
    (found,) = result_sets(client, f"SELECT @@global.{STRATEGY}, @@version")
    assert found.columns == (f"@@global.{STRATEGY}", "@@version")


def test_binary_statements_set_and_read(server: Server) -> None:
    with (
        closing(
            mysql.connector.connect(host=server.host, port=server.port, **server.login)
        ) as connection,
        closing(connection.cursor(prepared=True)) as cursor,
    ):
        cursor.execute(f"SET {STRATEGY} = ?", ("MIN_MEM_CONSUMPTION",))
        cursor.execute(
            f"SELECT @@{STRATEGY}, @@rapid_stats_cache_max_entries + ?", (1,)
        )
        assert cursor.fetchall() == [("MIN_MEM_CONSUMPTION", 65537)]
