"""What SHOW WARNINGS, ROW_COUNT() and their like say after a statement of ours."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pymysql
import pytest

from heatproxy.wire.packets import Command
from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.rawclient import RawClient, command
from tests.statements.conftest import Lake

pytestmark = pytest.mark.mysql

Connection = Any
COUNTS = "SELECT @@warning_count, @@error_count"
# A statement of ours that fails, and one of the same kind that is all MySQL's.
FAILING = {
    "a query that MySQL refuses": (
        "SELECT nosuch FROM t",
        "SELECT nosuch FROM t",
    ),
    "a statement that heatproxy refuses": (
        "CHECKSUM TABLE t",
        "SIGNAL SQLSTATE '42000' SET MYSQL_ERRNO = 1235, MESSAGE_TEXT = ''",
    ),
    "a routine": (
        "CALL sys.ML_MODEL_LOAD('no such \u00e9', NULL)",
        "CALL twin.fails()",
    ),
    "a routine that reads a table that is not there": (
        "CALL sys.ML_TRAIN('lake.nosuch', 'y', NULL, @nothing)",
        "SELECT 1 FROM twin.nosuch",
    ),
    "a text that SIGNAL does not take": (
        f"CALL sys.ML_MODEL_LOAD('{'x' * 200}', NULL)",
        "CALL twin.fails()",
    ),
}
ASKING = [
    COUNTS,
    "SHOW COUNT(*) WARNINGS",
    "SHOW COUNT(*) ERRORS",
    "SELECT ROW_COUNT()",
    "SHOW ERRORS LIMIT 0",
    "SHOW ERRORS LIMIT 1, 5",
]


@pytest.fixture(scope="module", autouse=True)
def failing_procedure(server: Server, lake: Lake) -> Iterator[None]:
    with closing(server.connect_backend()) as admin:
        run(
            admin,
            "DROP PROCEDURE IF EXISTS twin.fails",
            "CREATE PROCEDURE twin.fails() SIGNAL SQLSTATE 'HY000'"
            " SET MYSQL_ERRNO = 3877, MESSAGE_TEXT = 'it fails'",
        )
        yield
        run(admin, "DROP PROCEDURE twin.fails")


def described(connection: Connection, sql: str) -> tuple[Any, ...]:
    """Its columns, its rows, and how many warnings came with them."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        columns = tuple(cursor.description or ())
        return columns, cursor.fetchall(), cursor._result.warning_count


@pytest.mark.parametrize("kind", FAILING)
def test_an_error_is_what_show_warnings_and_show_errors_show(
    client: Connection, kind: str
) -> None:
    ours, _ = FAILING[kind]
    for sql in ("SHOW WARNINGS", "SHOW ERRORS"):
        number, text = refusal(client, ours)
        assert rows(client, sql) == [("Error", number, text)]
        assert rows(client, sql) == [("Error", number, text)]


@pytest.mark.parametrize("asking", ASKING)
@pytest.mark.parametrize("kind", FAILING)
def test_what_is_asked_after_an_error_is_answered_as_mysql_does(
    client: Connection, backend: Connection, kind: str, asking: str
) -> None:
    ours, theirs = FAILING[kind]
    refusal(client, ours)
    refusal(backend, theirs)
    assert described(client, asking) == described(backend, asking)


def test_get_diagnostics_finds_our_error(client: Connection) -> None:
    number, text = refusal(client, FAILING["a routine"][0])
    run(
        client,
        "GET DIAGNOSTICS CONDITION 1 @number = MYSQL_ERRNO, @text = MESSAGE_TEXT,"
        " @state = RETURNED_SQLSTATE",
    )
    assert rows(client, "SELECT @number, @text, @state") == [(number, text, "HY000")]


GETS = [
    "GET DIAGNOSTICS @a = NUMBER, @b = ROW_COUNT",
    "GET CURRENT DIAGNOSTICS @b = ROW_COUNT",
    "GET DIAGNOSTICS CONDITION 1 @a = RETURNED_SQLSTATE, @b = MYSQL_ERRNO,"
    " @c = MESSAGE_TEXT",
    "GET DIAGNOSTICS CONDITION @one @c = MESSAGE_TEXT",
    "GET DIAGNOSTICS CONDITION 7 @c = MESSAGE_TEXT",
]


@pytest.mark.parametrize("get", GETS)
@pytest.mark.parametrize(
    "query",
    [
        "SELECT id FROM t WHERE id = '3x'",
        "SELECT SQL_CALC_FOUND_ROWS id FROM t ORDER BY id LIMIT 2",
        "SELECT id FROM t WHERE day = 'x'",
        "SELECT id FROM t WHERE id < 4",
        "SELECT id FROM t WHERE id < 0",
        "CREATE TEMPORARY TABLE twin.got AS SELECT id FROM t WHERE id < 4",
    ],
)
def test_get_diagnostics_finds_what_a_query_has_left(
    client: Connection, backend: Connection, query: str, get: str
) -> None:
    found = []
    for connection in (client, backend):
        run(connection, "SET @a = NULL, @b = NULL, @c = NULL, @one = 1")
        outcome = attempt(connection, query)
        run(connection, get)
        found.append([outcome, described(connection, COUNTS)])
        attempt(connection, query.replace("twin.got", "twin.got_again"))
        run(connection, get)
        found[-1].append(rows(connection, "SELECT @a, @b, @c"))
    assert found[0] == found[1]


def attempt(connection: Connection, sql: str) -> int | None:
    """The number of the error, if any."""
    try:
        run(connection, sql)
    except pymysql.MySQLError as error:
        return int(error.args[0])
    return None


def test_an_error_is_gone_with_the_next_statement(client: Connection) -> None:
    refusal(client, FAILING["a text that SIGNAL does not take"][0])
    run(client, "SELECT 1")
    assert rows(client, "SHOW WARNINGS") == []


@pytest.mark.parametrize("count", [0, 1, 7])
@pytest.mark.parametrize(
    "asking",
    [
        "SELECT FOUND_ROWS()",
        "SELECT ROW_COUNT(), FOUND_ROWS() + 1, 'FOUND_ROWS()'",
        "SELECT FOUND_ROWS() AS n, 2 two",
        "SELECT found_rows() n WHERE ROW_COUNT() = -1",
        COUNTS,
        "SHOW WARNINGS",
        "SHOW COUNT(*) WARNINGS",
    ],
)
def test_after_a_query_the_counts_are_mysqls(
    client: Connection, backend: Connection, count: int, asking: str
) -> None:
    query = f"SELECT id, name FROM t ORDER BY id LIMIT {count}"
    answers = []
    for connection in (client, backend):
        run(connection, "DO 1", query)
        answers.append((described(connection, asking), described(connection, asking)))
    assert answers[0] == answers[1]


def test_found_rows_can_be_kept_in_a_variable(client: Connection) -> None:
    run(client, "SELECT id FROM t LIMIT 9", "SET @n = FOUND_ROWS()")
    assert value(client, "SELECT @n") == 9


def test_found_rows_are_those_of_the_statement_before(client: Connection) -> None:
    run(client, "SELECT id FROM t LIMIT 9", "SELECT 1 UNION SELECT 2")
    assert value(client, "SELECT FOUND_ROWS()") == 2
    run(client, "SELECT id FROM t LIMIT 9")
    client.ping(reconnect=False)
    assert value(client, "SELECT FOUND_ROWS()") == 9


def test_found_rows_are_right_within_a_packet(server: Server, lake: Lake) -> None:
    flags = pymysql.constants.CLIENT.MULTI_STATEMENTS
    with (
        closing(server.connect(database="lake", client_flag=flags)) as client,
        client.cursor() as cursor,
    ):
        cursor.execute("SELECT id FROM t LIMIT 5; SELECT FOUND_ROWS(); SELECT 1")
        assert cursor.nextset()
        assert cursor.fetchall() == ((5,),)


def test_the_rows_of_a_table_made_from_a_query_are_counted(
    client: Connection, backend: Connection
) -> None:
    answers = []
    for connection in (client, backend):
        run(connection, "DROP TABLE IF EXISTS twin.copied")
        run(connection, "CREATE TABLE twin.copied AS SELECT id FROM t LIMIT 12")
        answers.append(described(connection, "SELECT ROW_COUNT()"))
    run(backend, "DROP TABLE twin.copied")
    assert answers[0] == answers[1]
    assert answers[0][1] == ((12,),)


def test_an_eof_counts_what_mysql_refused(server: Server, lake: Lake) -> None:
    """A statement that heatproxy has looked at, for the name of a table in it."""
    through = {"host": server.host, "port": server.port, **server.login}
    counted = []
    for way in (server.backend_login, through):
        with RawClient(0, **way, database="twin") as client:
            (refused,) = client.query("CREATE VIEW v AS SELECT nosuch FROM t")
            (eof,) = client.run(command(Command.SET_OPTION, b"\0\0"))
            counted.append((refused.payload, eof.payload))
    assert counted[0] == counted[1]
