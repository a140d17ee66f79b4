"""SECONDARY_LOAD and SECONDARY_UNLOAD of InnoDB tables, as a client sees them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import Any

import pymysql
import pytest

from heatproxy.errors import MySQLError
from heatproxy.sql.lexer import tokens
from heatproxy.statements import Text
from heatproxy.statements.secondary import read
from tests.asking import refusal, rows, run, value
from tests.background import running, until, until_it_waits
from tests.conftest import Server

pytestmark = pytest.mark.mysql

Connection = Any
NOTE = "Column 'd' is not loaded: the engine has no type for decimal(50,3)"
WHOLE = "All partitions of the table are loaded together"


@pytest.fixture
def client(server: Server) -> Iterator[Connection]:
    """A session in a schema of its own, with one table that is not flagged."""
    with closing(server.connect()) as connection:
        run(
            connection,
            "DROP DATABASE IF EXISTS second",
            "CREATE DATABASE second",
            "USE second",
            "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(10))",
            "INSERT INTO t VALUES (1, 'a'), (2, 'b')",
        )
        yield connection
    with closing(server.connect()) as connection:
        run(connection, "DROP DATABASE second")


@pytest.fixture
def past(server: Server, client: Connection) -> Iterator[Connection]:
    with closing(server.connect_backend(database="second")) as connection:
        yield connection


def options(connection: Connection, table: str = "t") -> str:
    return value(
        connection,
        "SELECT CREATE_OPTIONS FROM information_schema.TABLES"
        f" WHERE TABLE_SCHEMA = 'second' AND TABLE_NAME = '{table}'",
    )


LOADED = 'SECONDARY_ENGINE="RAPID" SECONDARY_LOAD="1"'
UNLOADED = 'SECONDARY_ENGINE="RAPID" SECONDARY_LOAD="0"'

FORMS = {
    "plain": "ALTER TABLE t SECONDARY_LOAD",
    "small letters": "alter table t secondary_load;",
    "qualified": "ALTER TABLE `second`.`t` SECONDARY_LOAD",
    "guided": "ALTER TABLE t SECONDARY_LOAD GUIDED ON",
    "not guided": "ALTER TABLE t SECONDARY_LOAD GUIDED OFF",
    "a hint": "ALTER TABLE /*+ AUTOPILOT_DISABLE_CHECK */ t SECONDARY_LOAD",
    "a comment": "ALTER /* x */ TABLE t -- y\n SECONDARY_LOAD",
}


@pytest.mark.parametrize("sql", FORMS.values(), ids=FORMS)
def test_a_table_is_loaded_without_a_warning(client: Connection, sql: str) -> None:
    run(client, "ALTER TABLE t SECONDARY_ENGINE = RAPID")
    with client.cursor() as cursor:
        assert cursor.execute(sql) == 0
        assert cursor._result is not None
        assert cursor._result.warning_count == 0
    assert rows(client, "SHOW WARNINGS") == []
    assert options(client) == LOADED
    run(client, "ALTER TABLE t SECONDARY_UNLOAD")
    assert rows(client, "SHOW WARNINGS") == []
    assert options(client) == UNLOADED


def test_a_prepared_statement_loads(client: Connection) -> None:
    run(
        client,
        "ALTER TABLE t SECONDARY_ENGINE = RAPID",
        "PREPARE p FROM 'ALTER TABLE t SECONDARY_LOAD'",
        "EXECUTE p",
    )
    assert options(client) == LOADED


@pytest.mark.parametrize("name", ["RAPID", "rapid", "'Rapid'"])
def test_the_engine_is_rapid_however_it_is_spelt(client: Connection, name: str) -> None:
    run(
        client,
        f"ALTER TABLE t SECONDARY_ENGINE = {name}",
        "ALTER TABLE t SECONDARY_LOAD",
    )
    assert rows(client, "SHOW WARNINGS") == []


def test_a_guided_load_sets_the_engine(client: Connection) -> None:
    run(client, "ALTER TABLE t SECONDARY_LOAD")
    assert options(client) == LOADED


@pytest.mark.parametrize("form", ["not guided", "a hint"])
def test_without_guidance_an_engine_must_be_defined(
    client: Connection, form: str
) -> None:
    number, text = refusal(client, FORMS[form])
    assert number == 3889
    assert text.endswith("No secondary engine defined.")
    assert options(client) == ""


def test_columns_left_out_are_notes(client: Connection) -> None:
    run(client, "ALTER TABLE t ADD COLUMN d DECIMAL(50,3), ADD COLUMN n INT")
    run(client, "ALTER TABLE t MODIFY n INT NOT SECONDARY")
    run(client, "ALTER TABLE t SECONDARY_LOAD")
    assert rows(client, "SHOW WARNINGS") == [("Note", 3877, NOTE)]
    assert options(client) == LOADED


def test_partitions_are_loaded_together_until_none_is_left(client: Connection) -> None:
    run(
        client,
        "CREATE TABLE p (id INT PRIMARY KEY) PARTITION BY RANGE (id)"
        " (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))",
        "ALTER TABLE p SECONDARY_ENGINE = RAPID",
        "ALTER TABLE p SECONDARY_LOAD PARTITION (p0, p1)",
    )
    assert rows(client, "SHOW WARNINGS") == [("Note", 3877, WHOLE)]
    run(client, "ALTER TABLE p SECONDARY_UNLOAD PARTITION (p0)")
    assert options(client, "p") == f"partitioned {LOADED}"
    run(client, "ALTER TABLE p SECONDARY_UNLOAD PARTITION (p1)")
    assert options(client, "p") == f"partitioned {UNLOADED}"


def test_detaching_unloads(client: Connection) -> None:
    run(client, "ALTER TABLE t SECONDARY_LOAD", "ALTER TABLE t SECONDARY_ENGINE = NULL")
    assert options(client) == ""
    assert rows(client, "SHOW WARNINGS") == []


REFUSED = {
    "ALTER TABLE nothing SECONDARY_LOAD": 1146,
    "ALTER TABLE w SECONDARY_LOAD": 1347,
    "ALTER TABLE t SECONDARY_LOAD, ADD COLUMN x INT": 1064,
    "ALTER TABLE t SECONDARY_LOAD FORCE": 1064,
    "ALTER TABLE t SECONDARY_LOAD VALIDATE ALL ROWS ONLY": 1235,
    "ALTER TABLE t SECONDARY_UNLOAD GUIDED ON": 1064,
    "ALTER TABLE no.where SECONDARY_LOAD": 1049,
}


@pytest.mark.parametrize("sql", REFUSED)
def test_what_mysql_refuses_stays_refused(client: Connection, sql: str) -> None:
    run(client, "CREATE VIEW w AS SELECT 1", "ALTER TABLE t SECONDARY_ENGINE = RAPID")
    number, _ = refusal(client, sql)
    assert number == REFUSED[sql]
    assert options(client) == UNLOADED


def test_a_table_without_a_column_of_use_is_not_loaded(client: Connection) -> None:
    run(client, "CREATE TABLE g (g GEOMETRY)")
    assert refusal(client, "ALTER TABLE g SECONDARY_LOAD") == (
        3877,
        "No column of 'second.g' can be loaded",
    )
    ((level, number, _),) = rows(client, "SHOW WARNINGS")
    assert (level, number) == ("Error", 3877)
    assert options(client, "g") == ""  # guidance had set the engine


def test_who_may_not_alter_the_table_may_not_load_it(
    server: Server, client: Connection
) -> None:
    run(
        client,
        "DROP USER IF EXISTS reader",
        "CREATE USER reader IDENTIFIED BY 'r'",
        "GRANT SELECT ON second.* TO reader",
        "CREATE TABLE held (id INT PRIMARY KEY) SECONDARY_ENGINE = RAPID",
        "ALTER TABLE held SECONDARY_LOAD",
        "ALTER TABLE t SECONDARY_ENGINE = RAPID",
    )
    try:
        login = {"user": "reader", "password": "r", "database": "second"}
        with closing(server.connect(**login)) as reader:
            number, _ = refusal(reader, "ALTER TABLE t SECONDARY_LOAD")
            assert number == 1142
            number, _ = refusal(reader, "ALTER TABLE t SECONDARY_UNLOAD")
            assert number == 1142
            number, _ = refusal(reader, "ALTER TABLE held SECONDARY_ENGINE = NULL")
            assert number == 1142
        assert options(client) == UNLOADED
        run(client, "SET use_secondary_engine = FORCED")
        assert rows(client, "SELECT * FROM held") == []
    finally:
        run(client, "DROP USER reader")


def test_another_secondary_engine_is_mysqls(client: Connection) -> None:
    run(client, "ALTER TABLE t SECONDARY_ENGINE = MOCK", "ALTER TABLE t SECONDARY_LOAD")
    (warning,) = rows(client, "SHOW WARNINGS")
    assert warning == ("Warning", 1286, "Unknown storage engine 'MOCK'")


def test_without_a_schema_mysql_says_so(server: Server, client: Connection) -> None:
    with closing(server.connect()) as nowhere:
        assert refusal(nowhere, "ALTER TABLE t SECONDARY_LOAD")[0] == 1046


def test_under_a_read_lock_it_is_refused(client: Connection) -> None:
    run(client, "ALTER TABLE t SECONDARY_ENGINE = RAPID", "LOCK TABLES t READ")
    assert refusal(client, "ALTER TABLE t SECONDARY_LOAD")[0] == 1099
    run(client, "UNLOCK TABLES")
    assert options(client) == UNLOADED


# --- a load under way -----------------------------------------------------------------


@pytest.fixture
def endless(
    server: Server, client: Connection, past: Connection
) -> Iterator[Connection]:
    """A load of a table without a key that waits for a transaction's end.

    The ALTER waits for one that has read the table, an INSERT for the ALTER; so the
    INSERT's transaction is open when the load begins, which has no other way.
    """
    run(past, "CREATE TABLE k (v INT) SECONDARY_ENGINE = RAPID")
    with (
        closing(server.connect_backend(database="second", autocommit=False)) as reads,
        closing(server.connect_backend(database="second", autocommit=False)) as writes,
        ThreadPoolExecutor(1) as pool,
    ):
        run(reads, "SELECT * FROM k")

        def waits(count: int) -> bool:
            sql = (
                "SELECT COUNT(*) FROM performance_schema.processlist"
                " WHERE STATE = 'Waiting for table metadata lock'"
            )
            return value(past, sql) == count

        class Load:
            def begin(self) -> None:
                until(lambda: waits(1))
                self.inserted = pool.submit(run, writes, "INSERT INTO k VALUES (1)")
                until(lambda: waits(2))
                run(reads, "COMMIT")
                self.inserted.result()

            def let_go(self) -> None:
                run(writes, "COMMIT")

        yield Load()
        run(reads, "ROLLBACK")
        run(writes, "ROLLBACK")


def test_a_kill_ends_a_load_and_nothing_is_loaded(
    client: Connection, past: Connection, endless: Any
) -> None:
    number = client.thread_id()
    with running(client, "ALTER TABLE k SECONDARY_LOAD") as load:
        endless.begin()
        until_it_waits(past, number, "loading")
        run(past, f"KILL QUERY {number}")
        endless.let_go()  # or nobody could alter the table any more
        with pytest.raises(pymysql.MySQLError) as caught:
            load.result()
    assert caught.value.args[0] == 1317
    assert options(past, "k") == UNLOADED
    run(client, "ALTER TABLE k SECONDARY_LOAD")
    assert options(past, "k") == LOADED


def test_a_client_that_leaves_takes_its_load_along(
    server: Server, client: Connection, past: Connection, endless: Any
) -> None:
    with closing(server.connect(database="second")) as leaving:
        number = leaving.thread_id()
        with ThreadPoolExecutor(1) as pool:
            load = pool.submit(run, leaving, "ALTER TABLE k SECONDARY_LOAD")
            endless.begin()
            until_it_waits(past, number, "loading")
            run(past, f"KILL {number}")
            endless.let_go()
            with pytest.raises(pymysql.MySQLError):
                load.result()
    until(lambda: options(past, "k") == UNLOADED)


def test_a_load_that_waits_goes_on_when_it_can(
    client: Connection, past: Connection, endless: Any
) -> None:
    with running(client, "ALTER TABLE k SECONDARY_LOAD") as load:
        endless.begin()
        until_it_waits(past, client.thread_id(), "loading")
        endless.let_go()
        load.result()
    assert options(past, "k") == LOADED


def test_the_same_table_is_loaded_by_one_after_the_other(
    server: Server, client: Connection, past: Connection
) -> None:
    run(client, "ALTER TABLE t SECONDARY_ENGINE = RAPID")
    with ThreadPoolExecutor(4) as pool:

        def load(number: int) -> None:
            with closing(server.connect(database="second")) as one:
                run(one, "ALTER TABLE t SECONDARY_LOAD")

        list(pool.map(load, range(4)))
    assert options(past) == LOADED


# --- what the forms mean --------------------------------------------------------------

MEANT = {
    "ALTER TABLE t SECONDARY_LOAD": ("load", b"", True),
    "ALTER TABLE t SECONDARY_LOAD GUIDED OFF": ("load", b"", False),
    "ALTER TABLE t SECONDARY_LOAD PARTITION (a, b) GUIDED ON": (
        "load",
        b" PARTITION (a, b)",
        True,
    ),
    "ALTER TABLE t SECONDARY_UNLOAD": ("unload", b"", True),
    "ALTER TABLE t SECONDARY_ENGINE NULL": ("detach", b"", True),
    "ALTER TABLE t SECONDARY_ENGINE=null": ("detach", b"", True),
    "ALTER TABLE t SECONDARY_ENGINE = RAPID": None,
    "ALTER TABLE t SECONDARY_ENGINE = NULL, ADD x INT": None,
    "ALTER TABLE t ADD x INT": None,
    "ALTER TABLE secondary_load": None,
    "ALTER VIEW secondary_load AS SELECT 1": None,
    "ALTER TABLE t SECONDARY_LOAD PARTITION (a": None,
}


@pytest.mark.parametrize("sql", MEANT)
def test_each_form_is_read(sql: str) -> None:
    text = sql.encode()
    found = None
    with suppress(MySQLError):
        found = read(Text(text, tokens(text)))
    expected = MEANT[sql]
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (found.does, found.partitions, found.guided) == expected
