"""What a FORCED statement is told that MySQL itself can only refuse."""

from collections.abc import Iterator
from contextlib import closing

import mysql.connector
import pymysql
import pytest

from tests.asking import refusal, run
from tests.conftest import Server

pytestmark = pytest.mark.mysql
SCHEMA = "never_loaded"
NOT_LOADED = (3877, "Table has not been loaded")
REJECTED = 3889


@pytest.fixture(scope="module")
def filled(server: Server) -> Iterator[Server]:
    """``never``, RAPID's but not loaded, and ``plain``, which is not RAPID's."""
    with closing(server.connect()) as admin:
        run(
            admin,
            f"DROP DATABASE IF EXISTS {SCHEMA}",
            f"CREATE DATABASE {SCHEMA}",
            f"CREATE TABLE {SCHEMA}.never (i INT) SECONDARY_ENGINE = RAPID",
            f"CREATE TABLE {SCHEMA}.plain (i INT)",
        )
        yield server
        run(admin, f"DROP DATABASE {SCHEMA}")


@pytest.mark.parametrize(
    ("prepared", "given", "number"),
    [
        ("SELECT * FROM never", "", 3877),
        ("SELECT * FROM never WHERE i = ? LIMIT ?", "USING @one, @one", 3877),
        ("SELECT * FROM never, plain", "", REJECTED),
        ("SELECT * FROM plain WHERE i = ?", "USING @one", REJECTED),
    ],
)
def test_execute_names_what_was_never_loaded(
    filled: Server, prepared: str, given: str, number: int
) -> None:
    with closing(filled.connect(database=SCHEMA)) as client:
        run(client, f"PREPARE `a b` FROM '{prepared}'", "SET @one = 1")
        run(client, "SET use_secondary_engine = FORCED")
        said = refusal(client, f"EXECUTE `A b` {given}")
        assert said[0] == number
        assert (said == NOT_LOADED) == (number == 3877)


@pytest.mark.parametrize(("table", "number"), [("never", 3877), ("plain", REJECTED)])
def test_a_clients_prepared_statement_does_too(
    filled: Server, table: str, number: int
) -> None:
    where = {"host": filled.host, "port": filled.port, "database": SCHEMA}
    with closing(mysql.connector.connect(**where, **filled.login)) as client:
        client.cursor().execute("SET use_secondary_engine = FORCED")
        cursor = client.cursor(prepared=True)
        for _ in "12":
            with pytest.raises(mysql.connector.Error) as refused:
                cursor.execute(f"SELECT * FROM {table} WHERE i = ?", (1,))
            assert refused.value.errno == number


def test_execute_of_nothing_is_mysqls_to_refuse(filled: Server) -> None:
    with closing(filled.connect(database=SCHEMA)) as client:
        run(client, "SET use_secondary_engine = FORCED")
        with pytest.raises(pymysql.MySQLError) as refused:
            run(client, "EXECUTE nobody")
        assert refused.value.args[0] == 1243
