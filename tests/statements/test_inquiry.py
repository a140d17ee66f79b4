"""What MySQL is asked at once of a statement: every answer is of this very moment."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.statements.conftest import Connection

pytestmark = pytest.mark.mysql

SCHEMA, OTHER = "inquired", "inquired_2"
COUNTED = "SHOW SESSION STATUS LIKE 'Secondary_engine_execution_count'"
BEFORE = "SELECT COUNT(*) FROM t WHERE day < CURDATE() - INTERVAL 1 DAY"


@pytest.fixture(scope="module")
def loaded(server: Server) -> Iterator[Server]:
    """A table ``t`` in two schemas, of 300 and of 3 rows."""
    with closing(server.connect()) as admin:
        for schema, count in ((SCHEMA, 300), (OTHER, 3)):
            run(
                admin,
                f"DROP DATABASE IF EXISTS {schema}",
                f"CREATE DATABASE {schema}",
                f"USE {schema}",
                "CREATE TABLE t (id INT PRIMARY KEY, day DATE NOT NULL)"
                " SECONDARY_ENGINE=RAPID",
                "INSERT INTO t WITH RECURSIVE x AS (SELECT 1 AS i UNION ALL"
                f" SELECT i + 1 FROM x WHERE i < {count})"
                " SELECT i, '2024-01-01' + INTERVAL i DAY FROM x",
                "ANALYZE TABLE t",
                "ALTER TABLE t SECONDARY_LOAD",
            )
        yield server
        run(admin, f"DROP DATABASE {SCHEMA}", f"DROP DATABASE {OTHER}")


@pytest.fixture
def client(loaded: Server) -> Iterator[Connection]:
    with closing(loaded.connect(database=SCHEMA)) as connection:
        run(connection, "SET secondary_engine_cost_threshold = 0")
        yield connection


def is_offloaded(client: Connection, sql: str) -> bool:
    before = int(rows(client, COUNTED)[0][1])
    rows(client, sql)
    return int(rows(client, COUNTED)[0][1]) > before


def test_the_threshold_of_the_moment_counts(client: Connection) -> None:
    sql = "SELECT SUM(id) FROM t"
    for threshold, engine in ((0, True), (1e9, False), (1, True), (0, True)) * 2:
        run(client, f"SET secondary_engine_cost_threshold = {threshold:.0f}")
        assert is_offloaded(client, sql) is engine, threshold


def test_a_hint_overrules_what_was_foreseen(client: Connection) -> None:
    hinted = (
        "SELECT /*+ SET_VAR(secondary_engine_cost_threshold = {}) */ SUM(id) FROM t"
    )
    assert not is_offloaded(client, hinted.format(10**9))
    assert is_offloaded(client, hinted.format(1))
    run(client, "SET secondary_engine_cost_threshold = 1000000000")
    assert is_offloaded(client, hinted.format(0))
    assert not is_offloaded(client, "SELECT SUM(id) FROM t")


def test_constants_are_those_of_the_moment(client: Connection) -> None:
    assert is_offloaded(client, BEFORE)
    for day, before in (("2024-01-12", 9), ("2024-03-01", 58), ("2024-01-12", 9)):
        run(client, f"SET timestamp = UNIX_TIMESTAMP('{day} 12:00:00')")
        assert value(client, BEFORE) == before


def test_a_text_is_of_the_schema_in_use(client: Connection) -> None:
    for schema, count in ((SCHEMA, 300), (OTHER, 3), (SCHEMA, 300)):
        run(client, f"USE {schema}")
        assert value(client, "SELECT COUNT(*) FROM t") == count


def test_a_temporary_table_hides_the_loaded_one_at_once(client: Connection) -> None:
    sql = "SELECT COUNT(*) FROM t"
    assert value(client, sql) == 300
    run(client, "CREATE TEMPORARY TABLE t (id INT)")
    assert value(client, sql) == 0
    run(client, "DROP TEMPORARY TABLE t")
    assert value(client, sql) == 300


def test_what_is_wrong_is_said_by_mysql(client: Connection, loaded: Server) -> None:
    with closing(loaded.connect_backend(database=SCHEMA)) as past:
        for sql in (
            "SELECT nope FROM t",
            "SELECT id FROM t GROUP BY day",
            "SELECT COUNT(*) FROM t WHERE day < DATE'2024-13-01'",
            "SELECT COUNT(*) FORM t",
        ):
            assert refusal(client, sql) == refusal(past, sql)
            assert rows(client, "SHOW WARNINGS") == rows(past, "SHOW WARNINGS")
            assert value(client, "SELECT COUNT(*) FROM t") == 300


@pytest.mark.parametrize("threshold", [0, 1])
def test_one_row_was_found(client: Connection, threshold: int) -> None:
    run(client, f"SET secondary_engine_cost_threshold = {threshold}")
    for sql, found in (
        ("SELECT COUNT(*) FROM t", 1),
        (BEFORE, 1),
        ("SELECT id FROM t", 300),
    ):
        rows(client, sql)
        assert rows(client, "SELECT FOUND_ROWS(), ROW_COUNT()") == [(found, -1)]


def test_columns_are_those_that_the_table_has_by_now(client: Connection) -> None:
    def names() -> list[str]:
        with client.cursor() as cursor:
            cursor.execute("SELECT * FROM t LIMIT 1")
            return [one[0] for one in cursor.description or ()]

    assert names() == ["id", "day"]
    run(client, "ALTER TABLE t RENAME COLUMN day TO date_of")
    assert names() == ["id", "date_of"]
    run(client, "ALTER TABLE t RENAME COLUMN date_of TO day")
    assert names() == ["id", "day"]
