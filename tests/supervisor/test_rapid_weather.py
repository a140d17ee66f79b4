"""RAPID in bad weather: a full disk, an engine killed while it loads, lost changes."""

import resource
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pymysql
import pytest

from tests.asking import rows, run, value
from tests.background import running, until
from tests.supervisor.conftest import Watched

pytestmark = pytest.mark.mysql

ROWS = 20_000
SUM = "SELECT grp, COUNT(*), SUM(n) FROM t GROUP BY grp ORDER BY grp"
COUNTED = "SHOW SESSION STATUS LIKE 'Secondary_engine_execution_count'"
NUMBERS = "WITH RECURSIVE x AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM x WHERE i < "
ROOM = 1 << 16  # bytes that a file of the engine's may have when the disk is full
UNLIMITED = resource.RLIM_INFINITY


@pytest.fixture
def client(watched: Watched) -> Iterator[Any]:
    """A session that sends everything it can to RAPID, with a loaded table ``t``."""
    with closing(watched.server.connect()) as connection:
        run(
            connection,
            "DROP DATABASE IF EXISTS weather",
            "CREATE DATABASE weather",
            "USE weather",
            "CREATE TABLE t (id INT PRIMARY KEY, grp INT, n BIGINT, word VARCHAR(100))"
            " SECONDARY_ENGINE=RAPID",
        )
        insert(connection, 0)
        run(
            connection,
            "ALTER TABLE t SECONDARY_LOAD",
            "SET secondary_engine_cost_threshold = 0",
        )
        yield connection
    with closing(watched.server.connect()) as connection:
        run(connection, "DROP DATABASE weather")


@pytest.fixture
def past(watched: Watched, client: Any) -> Iterator[Any]:
    with closing(watched.server.connect_backend(database="weather")) as connection:
        yield connection


def insert(connection: Any, first: int) -> None:
    run(
        connection,
        f"SET cte_max_recursion_depth = {ROWS}",
        f"INSERT INTO t {NUMBERS}{ROWS}) SELECT {first} + i, i % 7, i * 3,"
        " REPEAT(LPAD(HEX(i * 7919), 8, i), 10) FROM x",
    )


def offloads(connection: Any) -> int:
    """How many statements of the session RAPID has answered."""
    return int(rows(connection, COUNTED)[0][1])


def is_offloaded(connection: Any, sql: str = SUM) -> bool:
    """Whether RAPID answers a statement just now."""
    before = offloads(connection)
    rows(connection, sql)
    return offloads(connection) > before


def test_what_a_full_disk_has_no_room_for_mysql_answers(
    watched: Watched, client: Any, past: Any
) -> None:
    until(lambda: is_offloaded(client))
    engine = watched.pid("engine")
    resource.prlimit(engine, resource.RLIMIT_FSIZE, (ROOM, UNLIMITED))
    try:
        insert(client, ROWS)
        assert rows(client, SUM) == rows(past, SUM)
        assert not is_offloaded(client)
        assert value(client, "SELECT COUNT(*) FROM t") == 2 * ROWS
    finally:
        resource.prlimit(engine, resource.RLIMIT_FSIZE, (UNLIMITED, UNLIMITED))
    until(lambda: is_offloaded(client))
    assert rows(client, SUM) == rows(past, SUM)
    assert watched.pid("engine") == engine


def test_a_load_whose_engine_is_killed_leaves_a_table_that_can_be_read_and_loaded(
    watched: Watched, client: Any, past: Any
) -> None:
    expected = rows(past, SUM)
    run(client, "ALTER TABLE t SECONDARY_UNLOAD")
    with running(client, "ALTER TABLE t SECONDARY_LOAD") as loading:
        killed = watched.kill("engine")
        problem = loading.exception()
    assert problem is None or isinstance(problem, pymysql.MySQLError)
    until(lambda: watched.pid("engine") != killed)
    with closing(watched.server.connect(database="weather")) as other:
        run(other, "SET secondary_engine_cost_threshold = 0")
        assert rows(other, SUM) == expected
        until(lambda: watched.fetch("/healthz")[0] == 200)
        run(other, "ALTER TABLE t SECONDARY_LOAD")
        until(lambda: is_offloaded(other))
        assert rows(other, SUM) == expected
        run(other, "ALTER TABLE t SECONDARY_UNLOAD")
        assert not is_offloaded(other)


def test_a_shadowed_query_that_differs_is_mysqls_logged_and_counted(
    watched: Watched, client: Any, past: Any
) -> None:
    until(lambda: is_offloaded(client))
    before = watched.metric("heatproxy_rapid_shadow_total", result="different")
    run(past, "SET sql_log_bin = 0", "UPDATE t SET n = -1 WHERE id = 7")
    assert rows(client, SUM) != rows(past, SUM)  # nobody told the engine
    with watched.settled("[rapid]\nshadow = 1\n"):
        assert rows(client, SUM) == rows(past, SUM)
        line = watched.until_said("RAPID and MySQL differ")
        assert "SUM" in line["digest"]
        assert "7" not in line["digest"]
    after = watched.metric("heatproxy_rapid_shadow_total", result="different")
    assert after == before + 1


def test_what_is_switched_off_is_mysqls_without_a_restart(
    watched: Watched, client: Any
) -> None:
    text = "SELECT LENGTH(word), COUNT(*) FROM t GROUP BY 1"
    until(lambda: is_offloaded(client, text))
    with watched.settled('[rapid]\nswitched_off = ["LENGTH"]\n'):
        assert not is_offloaded(client, text)
        assert is_offloaded(client)
    assert is_offloaded(client, text)
