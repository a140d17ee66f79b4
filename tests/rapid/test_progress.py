"""Where the stream begins anew, and that what a table has says nothing of it again."""

import threading
from collections.abc import Iterator

import pytest

from heatproxy.backend.account import Address
from heatproxy.backend.credentials import read_option_file
from heatproxy.errors import MySQLError
from heatproxy.rapid.load import Loader
from heatproxy.rapid.tables import LoadedTable, LoadStatus
from heatproxy.wire.binlog import Position
from tests.conftest import Server
from tests.rapid.following import PATIENCE_S, Following, Run, runner

pytestmark = pytest.mark.mysql

SCHEMA = "progress"


@pytest.fixture(scope="module")
def address(server: Server) -> Address:
    login = read_option_file(server.data_dir / "service.cnf")
    return Address(login.user, login.password, socket=server.backend_socket)


@pytest.fixture
def run(server: Server) -> Iterator[Run]:
    connection = server.connect_backend()
    run = runner(connection)
    run(f"DROP DATABASE IF EXISTS {SCHEMA}")
    run(f"CREATE DATABASE {SCHEMA}")
    run(f"USE {SCHEMA}")
    for name in ("late", "t"):
        run(f"CREATE TABLE {name} (k INT PRIMARY KEY, v INT)")
        run(f"INSERT INTO {name} VALUES (1, 1), (2, 2), (3, 3)")
    yield run
    run(f"DROP DATABASE {SCHEMA}")
    connection.close()


@pytest.fixture(scope="module")
def following(
    address: Address, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Following]:
    made = Following(address, tmp_path_factory.mktemp("progress") / "engine.duckdb")
    yield made
    made.stop()


@pytest.fixture
def late(run: Run, following: Following) -> Iterator["Late"]:
    made = Late(run, following)
    yield made
    for table in following.tables.all():
        following.loader.unload(table)


class Late:
    """A table that was read a while ago, and is followed only from ``join`` on."""

    def __init__(self, run: Run, following: Following) -> None:
        self._follower = following.follower
        ((file, place, *_),) = run("SHOW BINARY LOG STATUS")
        self.since = Position(file, place)
        loader = Loader(
            following.engine, following.address, following.tables, lambda: 1
        )
        self.table: LoadedTable = loader.load(SCHEMA, "late").table
        loader.close()

    def join(self, server: str | None = None) -> None:
        """Have the stream begin anew where the table's rows are of."""
        self._follower.join(self.table, self.since, True, server=server)


OLDER = {
    "MODIFY": [
        "ALTER TABLE t ADD s VARCHAR(9)",
        "UPDATE t SET s = 'a'",
        "ALTER TABLE t MODIFY s VARCHAR(300)",
        "UPDATE t SET s = 'b'",
    ],
    "ALTER": ["ALTER TABLE t ADD w INT", "INSERT INTO t VALUES (5, 5, 5)"],
    "TRUNCATE": ["TRUNCATE t", "INSERT INTO t VALUES (7, 7)"],
    "another of that name": [
        "DROP TABLE t",
        "CREATE TABLE t (k INT PRIMARY KEY, s VARCHAR(9))",
        "INSERT INTO t VALUES (8, 'x')",
    ],
    "RENAME": [
        "RENAME TABLE t TO u",
        "CREATE TABLE t (s VARCHAR(9), k INT PRIMARY KEY)",
        "INSERT INTO u VALUES (4, 4)",
        "INSERT INTO t VALUES ('x', 4)",
    ],
}


@pytest.mark.parametrize("statements", OLDER.values(), ids=OLDER)
def test_what_is_older_than_a_tables_rows_leaves_it_alone(
    run: Run, following: Following, late: Late, statements: list[str]
) -> None:
    run("UPDATE t SET v = 20 WHERE k = 2")
    for statement in statements:
        run(statement)
    run("INSERT INTO late VALUES (9, 9)")
    table = following.load(SCHEMA, "t")
    late.join()
    following.catch_up()
    assert following.find(table).engine_name == table.engine_name
    run("UPDATE t SET k = k + 1000")
    following.catch_up()
    assert following.differences(table) == []
    assert following.differences(late.table) == []
    run("ALTER TABLE t ADD later INT")
    following.catch_up()
    assert following.find(table).status is LoadStatus.STALE


def test_what_is_newer_makes_it_stale_though_the_same_was_older_too(
    run: Run, following: Following, late: Late
) -> None:
    run("TRUNCATE t")
    table = following.load(SCHEMA, "t")
    run("TRUNCATE t")
    late.join()
    following.catch_up()
    assert following.find(table).status is LoadStatus.STALE
    assert following.find(late.table).status is not LoadStatus.STALE


def test_xa_prepared_before_a_load_and_committed_behind_it_is_not_missed(
    run: Run, following: Following, late: Late
) -> None:
    run("XA START 'older'")
    run("INSERT INTO t VALUES (50, 50)")
    run("XA END 'older'")
    run("XA PREPARE 'older'")
    table = following.load(SCHEMA, "t")
    late.join()
    following.catch_up()
    run("XA COMMIT 'older'")
    following.catch_up()
    assert following.find(table).status is LoadStatus.STALE


def test_a_place_in_another_servers_log_is_nowhere(late: Late) -> None:
    with pytest.raises(MySQLError, match="another server") as refused:
        late.join("00000000-0000-0000-0000-000000000000")
    assert refused.value.number == 3877


def test_a_query_waits_while_the_stream_begins_anew_for_another_table(
    run: Run, following: Following
) -> None:
    following.catch_up()
    ended = threading.Event()

    def load() -> None:
        try:
            for _ in range(5):
                following.load(SCHEMA, "t")
                following.load(SCHEMA, "late")
        finally:
            ended.set()

    loads = threading.Thread(target=load)
    loads.start()
    try:
        while not ended.is_set():
            run("UPDATE t SET v = v + 1")
            assert following.freshness.reached(PATIENCE_S)
    finally:
        loads.join()
        for table in following.tables.all():
            following.loader.unload(table)
