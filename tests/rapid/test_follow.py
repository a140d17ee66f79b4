"""The engine's tables follow the binary log through all that may happen to it."""

import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from heatproxy.backend.account import Address
from heatproxy.backend.credentials import read_option_file
from heatproxy.errors import MySQLError
from heatproxy.rapid import origin
from heatproxy.rapid.tables import LoadedTable, LoadStatus
from tests.conftest import Server
from tests.rapid.following import PATIENCE_S, Following, Run, runner

pytestmark = pytest.mark.mysql

SCHEMA = "follow"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def address(server: Server) -> Address:
    login = read_option_file(server.data_dir / "service.cnf")
    return Address(login.user, login.password, socket=server.backend_socket)


@pytest.fixture(scope="module")
def connect(server: Server) -> Iterator[Callable[[], Run]]:
    opened: list[pymysql.Connection[Any]] = []

    def one_more() -> Run:
        opened.append(server.connect_backend())
        return runner(opened[-1])

    run = one_more()
    run(f"DROP DATABASE IF EXISTS {SCHEMA}")
    run(f"CREATE DATABASE {SCHEMA}")
    yield one_more
    run(f"DROP DATABASE {SCHEMA}")
    for connection in opened:
        connection.close()


@pytest.fixture
def run(connect: Callable[[], Run]) -> Run:
    run = connect()
    run(f"USE {SCHEMA}")
    return run


@pytest.fixture
def following(address: Address, tmp_path: Path) -> Iterator[Following]:
    made = Following(address, tmp_path / "engine.duckdb")
    yield made
    made.stop()


@pytest.fixture
def name(run: Run) -> str:
    """A new table with five rows."""
    name = f"t{next(_numbers)}"
    run(f"CREATE TABLE {name} (k INT PRIMARY KEY, v INT, s VARCHAR(20))")
    run(f"INSERT INTO {name} VALUES (1,1,'a'),(2,2,'b'),(3,3,'c'),(4,4,'d'),(5,5,'e')")
    return name


def wait_for(condition: Callable[[], bool]) -> None:
    """Return when it is so; a test that waits too long has failed."""
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "it has not become so"
        time.sleep(0.01)


def held(following: Following, table: LoadedTable) -> list[tuple[Any, ...]]:
    return following.rows(f'SELECT * FROM "{table.engine_name}" ORDER BY ALL')


def test_a_key_that_comes_and_goes_within_one_batch_ends_as_it_should(
    run: Run, following: Following, name: str
) -> None:
    table = following.load(SCHEMA, name)
    run("BEGIN")
    run(f"DELETE FROM {name} WHERE k = 1")
    run(f"INSERT INTO {name} VALUES (1, 10, 'z')")
    run(f"UPDATE {name} SET k = 100 WHERE k = 1")
    run(f"INSERT INTO {name} VALUES (1, 11, 'y'), (6, 6, NULL)")
    run(f"DELETE FROM {name} WHERE k = 6")
    run(f"UPDATE {name} SET k = k + 1000 ORDER BY k DESC")
    run(f"UPDATE {name} SET k = k - 1000 ORDER BY k")
    run("COMMIT")
    following.catch_up()
    assert held(following, table)[0] == (1, 11, "y")
    assert following.differences(table) == []


def test_equal_rows_of_a_table_without_a_key_are_counted(
    run: Run, following: Following
) -> None:
    run("CREATE TABLE bag (a INT, f DOUBLE, s TEXT)")
    run("INSERT INTO bag VALUES (1, 0e0, 'x'), (1, 0e0, 'x'), (1, -0e0, 'x')")
    run("INSERT INTO bag VALUES (NULL, NULL, NULL), (NULL, NULL, NULL)")
    table = following.load(SCHEMA, "bag")
    run("DELETE FROM bag WHERE a = 1 LIMIT 1")
    run("UPDATE bag SET s = 'y' WHERE a IS NULL LIMIT 1")
    following.catch_up()
    assert following.differences(table) == []
    run("INSERT INTO bag VALUES (2, 1, 'q'), (2, 1, 'q'), (2, 1, 'q')")
    run("DELETE FROM bag WHERE a = 2 LIMIT 2")
    following.catch_up()
    assert following.differences(table) == []


def test_a_transaction_over_several_tables_is_seen_whole_or_not_at_all(
    run: Run, connect: Callable[[], Run], following: Following
) -> None:
    run("CREATE TABLE one (k INT PRIMARY KEY, v INT)")
    run("CREATE TABLE two (k INT PRIMARY KEY, v INT)")
    run("INSERT INTO one VALUES (1, 0)")
    run("INSERT INTO two VALUES (1, 0)")
    tables = [following.load(SCHEMA, "one"), following.load(SCHEMA, "two")]
    done = threading.Event()

    def write() -> None:
        for number in range(200):
            run("BEGIN")
            run("UPDATE one SET v = %s", number)
            run("UPDATE two SET v = %s", number)
            run("COMMIT")
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    names = [table.engine_name for table in tables]
    seen = set()
    while not done.is_set():
        sql = f'SELECT a.v AS one, b.v AS two FROM "{names[0]}" a, "{names[1]}" b'
        ((one, two),) = following.rows(sql)
        assert one == two
        seen.add(one)
    writer.join()
    following.catch_up()
    assert [held(following, table) for table in tables] == [[(1, 199)], [(1, 199)]]


def test_what_was_committed_before_the_question_is_there(
    run: Run, following: Following, name: str
) -> None:
    table = following.load(SCHEMA, name)
    for number in range(100):
        run(f"UPDATE {name} SET v = %s WHERE k = 3", number)
        following.catch_up()
        ((found,),) = following.rows(f'SELECT v FROM "{table.engine_name}" WHERE k = 3')
        assert found == number


def test_rows_are_followed_from_the_moment_they_were_read_at(
    run: Run, connect: Callable[[], Run], following: Following
) -> None:
    run("CREATE TABLE busy (k INT PRIMARY KEY AUTO_INCREMENT, v INT)")
    run("INSERT INTO busy (v) VALUES (1), (2), (3)")
    for _ in range(11):
        run("INSERT INTO busy (v) SELECT v FROM busy")
    ended = threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            run("UPDATE busy SET v = v + 1 WHERE k = %s", number * 7 % 3000)
            run("DELETE FROM busy WHERE k = %s", number)
            run("INSERT INTO busy (v) VALUES (%s)", number)

    writer = threading.Thread(target=write)
    writer.start()
    tables = [following.load(SCHEMA, "busy") for _ in range(3)]
    ended.set()
    writer.join()
    following.catch_up()
    assert following.differences(tables[-1]) == []


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE TABLE {}",
        "ALTER TABLE {} ADD COLUMN extra INT",
        "alter table `follow`.`{}` modify v bigint",
        "RENAME TABLE {0} TO {0}_old",
        "DROP TABLE {}",
    ],
)
def test_ddl_makes_a_table_stale_before_a_query_can_miss_it(
    run: Run, following: Following, name: str, statement: str
) -> None:
    table = following.load(SCHEMA, name)
    told: list[LoadedTable] = []
    following.follower.reload = told.append
    run(statement.format(name))
    following.catch_up()
    assert following.find(table).status is LoadStatus.STALE
    assert following.find(table).version > table.version
    assert [one.engine_name for one in told] == [table.engine_name]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX v_index ON {} (v)",
        "ANALYZE TABLE {}",
        "GRANT SELECT ON follow.{} TO admin",
        "CREATE TABLE copy_of_{} SELECT * FROM {}",
        "CREATE VIEW view_of_{} AS SELECT * FROM {}",
        "CREATE TRIGGER on_{} BEFORE INSERT ON {} FOR EACH ROW SET @x = 1",
    ],
)
def test_ddl_that_changes_no_rows_leaves_a_table_alone(
    run: Run, following: Following, name: str, statement: str
) -> None:
    table = following.load(SCHEMA, name)
    run(statement.replace("{}", name))
    run(f"INSERT INTO {name} VALUES (77, 7, 'after')")
    following.catch_up()
    assert following.differences(table) == []


def test_a_dropped_schema_makes_its_tables_stale(
    run: Run, following: Following
) -> None:
    run("CREATE DATABASE follow_gone")
    run("CREATE TABLE follow_gone.t (k INT PRIMARY KEY)")
    table = following.load("follow_gone", "t")
    run("DROP DATABASE follow_gone")
    following.catch_up()
    assert following.find(table).status is LoadStatus.STALE


@pytest.mark.parametrize(
    ("variable", "value", "change"),
    [
        ("binlog_row_image", "MINIMAL", "UPDATE {} SET v = 9 WHERE k = 1"),
        ("binlog_row_image", "NOBLOB", "UPDATE {} SET v = 9 WHERE k = 1"),
        ("binlog_format", "STATEMENT", "UPDATE {} SET v = 9 WHERE k = 1"),
        (
            "binlog_row_value_options",
            "PARTIAL_JSON",
            "UPDATE {} SET j = JSON_SET(j, '$.a', 2) WHERE k = 1",
        ),
    ],
)
def test_what_a_session_does_not_write_whole_makes_a_table_stale(
    connect: Callable[[], Run],
    following: Following,
    variable: str,
    value: str,
    change: str,
) -> None:
    run = connect()
    name = f"t{next(_numbers)}"
    run(f"USE {SCHEMA}")
    run(f"CREATE TABLE {name} (k INT PRIMARY KEY, v INT, b BLOB, j JSON)")
    run(f"INSERT INTO {name} VALUES (1, 1, 'b', '{{\"a\": 1}}')")
    table = following.load(SCHEMA, name)
    run(f"SET SESSION {variable} = {value}")
    run(change.format(name))
    following.catch_up()
    found = following.find(table)
    assert found.status is LoadStatus.STALE
    assert found.problem


def test_xa_rows_are_not_there_before_xa_commit(
    connect: Callable[[], Run], following: Following, run: Run, name: str
) -> None:
    other = f"{name}_other"
    run(f"CREATE TABLE {other} (k INT PRIMARY KEY)")
    table, bystander = following.load(SCHEMA, name), following.load(SCHEMA, other)
    before = held(following, table)
    run("XA START 'one'")
    run(f"INSERT INTO {name} VALUES (50, 5, 'xa')")
    run("XA END 'one'")
    run("XA PREPARE 'one'")
    following.catch_up()
    assert held(following, table) == before
    assert following.find(table).is_available
    run("XA COMMIT 'one'")
    following.catch_up()
    assert following.find(table).status is LoadStatus.STALE
    assert following.find(bystander).is_available
    run("XA START 'two'")
    run(f"INSERT INTO {other} VALUES (51)")
    run("XA END 'two'")
    run("XA COMMIT 'two' ONE PHASE")
    following.catch_up()
    assert following.differences(bystander) == []


def test_rolled_back_xa_changes_nothing(
    run: Run, following: Following, name: str
) -> None:
    table = following.load(SCHEMA, name)
    run("XA START 'three'")
    run(f"DELETE FROM {name}")
    run("XA END 'three'")
    run("XA PREPARE 'three'")
    run("XA ROLLBACK 'three'")
    following.catch_up()
    assert following.differences(table) == []


def test_foreign_keys_that_cascade_are_followed(run: Run, following: Following) -> None:
    run("CREATE TABLE parent (k INT PRIMARY KEY)")
    run(
        "CREATE TABLE child (k INT PRIMARY KEY, p INT, FOREIGN KEY (p)"
        " REFERENCES parent (k) ON DELETE CASCADE ON UPDATE CASCADE)"
    )
    run("INSERT INTO parent VALUES (1), (2), (3)")
    run("INSERT INTO child VALUES (1, 1), (2, 2), (3, 3)")
    table = following.load(SCHEMA, "child")
    run("UPDATE parent SET k = 10 WHERE k = 1")
    run("DELETE FROM parent WHERE k = 2")
    following.catch_up()
    assert held(following, table) == [(1, 10), (3, 3)]


@pytest.mark.parametrize("compressed", [False, True])
def test_a_transaction_of_200_000_rows(
    connect: Callable[[], Run], following: Following, compressed: bool
) -> None:
    run, name = connect(), f"large{next(_numbers)}"
    run(f"USE {SCHEMA}")
    run(f"CREATE TABLE {name} (k INT PRIMARY KEY, v INT, s VARCHAR(300))")
    table = following.load(SCHEMA, name)
    run(f"SET binlog_transaction_compression = {int(compressed)}")
    run("SET cte_max_recursion_depth = 1000000")
    run("BEGIN")
    run(
        f"INSERT INTO {name} WITH RECURSIVE n AS (SELECT 1 AS k UNION ALL SELECT"
        " k + 1 FROM n WHERE k < 200000) SELECT k, k % 7, REPEAT('text', 1 + k % 60)"
        " FROM n"
    )
    run(f"UPDATE {name} SET v = v + 1 WHERE k % 10 = 0")
    run(f"DELETE FROM {name} WHERE k % 9 = 0")
    run("COMMIT")
    following.catch_up()
    assert following.find(table).rows == 200_000 - 22_222
    assert following.differences(table) == []


def test_a_row_larger_than_a_packet(run: Run, following: Following) -> None:
    run("CREATE TABLE fat (k INT PRIMARY KEY, b LONGBLOB)")
    table = following.load(SCHEMA, "fat")
    run("INSERT INTO fat VALUES (1, REPEAT('x', 17000000)), (2, 'small')")
    run("UPDATE fat SET b = REPEAT('y', 20000000) WHERE k = 1")
    run("INSERT INTO fat VALUES (3, 'after')")
    following.catch_up()
    found = following.rows(
        f'SELECT k, octet_length(b) FROM "{table.engine_name}" ORDER BY k'
    )
    assert found == [(1, 20_000_000), (2, 5), (3, 5)]


def test_the_log_may_be_rotated(run: Run, following: Following, name: str) -> None:
    table = following.load(SCHEMA, name)
    for number in range(20, 25):
        run(f"INSERT INTO {name} VALUES (%s, 0, 'x')", number)
        run("FLUSH BINARY LOGS")
        run("FLUSH TABLES")
        run(f"UPDATE {name} SET v = 1 WHERE k = %s", number)
    following.catch_up()
    assert following.differences(table) == []


def test_a_stop_loses_and_repeats_nothing(
    run: Run, address: Address, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "engine.duckdb"
    first = Following(address, path)
    table = first.load(SCHEMA, name)
    run(f"INSERT INTO {name} VALUES (10, 0, 'while it runs')")
    first.catch_up()
    first.stop()
    run(f"INSERT INTO {name} VALUES (11, 0, 'while nobody looks')")
    run(f"UPDATE {name} SET v = v + 1")
    second = Following(address, path)
    try:
        assert list(second.follower.positions()) == [table.engine_name]
        second.tables.put(table)
        second.follower.join(table, None, True)
        second.catch_up()
        assert second.differences(table) == []
        run(f"DELETE FROM {name} WHERE k = 11")
        second.catch_up()
        assert second.differences(table) == []
    finally:
        second.stop()


def test_a_log_that_has_been_purged_is_seen_for_a_gap(
    run: Run, address: Address, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "engine.duckdb"
    first = Following(address, path)
    table = first.load(SCHEMA, name)
    first.stop()
    run(f"UPDATE {name} SET v = v + 1")
    run("FLUSH BINARY LOGS")
    ((file,),) = [row[:1] for row in run("SHOW BINARY LOG STATUS")]

    def purged() -> bool:
        # a log stays that a reader has open, be it one who has left
        run("PURGE BINARY LOGS TO %s", file)
        return [name for name, *_ in run("SHOW BINARY LOGS")] == [file]

    wait_for(purged)
    second = Following(address, path)
    try:
        second.tables.put(table)
        with pytest.raises((KeyError, MySQLError)):
            second.follower.join(table, None, True)
        again = second.load(SCHEMA, name)
        run(f"UPDATE {name} SET v = v + 1")
        second.catch_up()
        assert second.differences(again) == []
    finally:
        second.stop()


def test_a_lost_connection_is_made_again(
    run: Run, following: Following, name: str
) -> None:
    table = following.load(SCHEMA, name)
    for number in range(30, 34):
        run(f"INSERT INTO {name} VALUES (%s, 0, 'x')", number)
        for thread, *_ in run(
            "SELECT ID FROM performance_schema.processlist"
            " WHERE COMMAND LIKE 'Binlog Dump%'"
        ):
            run(f"KILL {thread}")
        run(f"UPDATE {name} SET v = 3 WHERE k = %s", number)
    wait_for(lambda: following.freshness.reached(1.0))
    assert following.differences(table) == []


def test_without_the_right_to_read_the_log_it_is_said(
    run: Run, server: Server, tmp_path: Path
) -> None:
    run("DROP USER IF EXISTS follow_poor")
    run("CREATE USER follow_poor IDENTIFIED BY 'poor'")
    run("GRANT SELECT, REPLICATION CLIENT ON *.* TO follow_poor")
    address = Address("follow_poor", "poor", socket=server.backend_socket)
    made = Following(address, tmp_path / "engine.duckdb")
    try:
        with pytest.raises(MySQLError, match="REPLICATION SLAVE") as refused:
            made.follower.require()
        assert refused.value.number == 3877
        assert made.freshness.reached(0.0) is False
    finally:
        made.stop()
        run("DROP USER follow_poor")


CHILD = """
import sys
from pathlib import Path
from heatproxy.backend.account import Address
from tests.rapid.following import Following
from heatproxy.rapid import origin
user, password, socket, path, schema, name = sys.argv[1:]
made = Following(Address(user, password, socket=socket), Path(path))
positions = made.follower.positions()
if positions:
    (engine_name,) = positions
    table = origin.from_json(made.engine.origins()[engine_name], engine_name, 1)
    made.tables.put(table)
    made.follower.join(table, None, True)
else:
    made.load(schema, name)
print("follows", flush=True)
sys.stdin.read()
"""


def test_kill_9_in_the_midst_of_changes_loses_and_repeats_nothing(
    run: Run, connect: Callable[[], Run], address: Address, tmp_path: Path
) -> None:
    run("CREATE TABLE struck (k INT PRIMARY KEY AUTO_INCREMENT, v INT)")
    run("INSERT INTO struck (v) VALUES (1), (2), (3)")
    path = tmp_path / "engine.duckdb"
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            run("BEGIN")
            run("INSERT INTO struck (v) VALUES (1), (2), (3)")
            run("UPDATE struck SET v = v + 1 ORDER BY k DESC LIMIT 5")
            run("DELETE FROM struck ORDER BY k LIMIT 1")
            run("COMMIT")

    command = [sys.executable, "-c", CHILD, address.user, address.password]
    command += [str(address.socket), str(path), SCHEMA, "struck"]
    ask = connect()

    def largest() -> int:
        return int(ask("SELECT MAX(k) FROM follow.struck")[0][0])

    writer: threading.Thread | None = None
    for round_ in range(4):
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "follows\n"
        if writer is None:
            writer = threading.Thread(target=write)
            writer.start()
        want = largest() + 30 * (1 + round_)
        while largest() < want:
            pass
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdin.close()
        child.stdout.close()
    ended.set()
    assert writer is not None
    writer.join()
    last = Following(address, path)
    try:
        ((engine_name, text),) = last.engine.origins().items()
        table = origin.from_json(text, engine_name, 1)
        last.tables.put(table)
        last.follower.join(table, None, True)
        changed = last.tables.change(table, status=LoadStatus.AVAILABLE)
        assert changed is not None
        last.catch_up()
        assert last.differences(table) == []
    finally:
        last.stop()


def test_a_log_begun_anew_is_not_taken_for_the_old_one(
    run: Run, following: Following, name: str
) -> None:
    table = following.load(SCHEMA, name)
    run(f"UPDATE {name} SET v = v + 1")
    following.catch_up()
    run("RESET BINARY LOGS AND GTIDS")
    run(f"UPDATE {name} SET v = v + 1")
    following.catch_up()
    assert following.find(table).status is LoadStatus.STALE
    again = following.load(SCHEMA, name)
    run(f"UPDATE {name} SET v = v + 1")
    following.catch_up()
    assert following.differences(again) == []
