"""After a restart, and whatever happened past us, the engine holds what is flagged."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from heatproxy.errors import MySQLError
from heatproxy.rapid.load import Loader
from heatproxy.rapid.reconcile import Reconciler
from heatproxy.rapid.tables import LoadedTable, LoadStatus
from heatproxy.wire.binlog import Position
from tests.asking import run
from tests.background import PATIENCE_S, until
from tests.conftest import Server
from tests.rapid.loading import Followed, a_loader, held_rows

pytestmark = pytest.mark.mysql

Connection = Any
HERE = Position("binlog.000001", 4)


@pytest.fixture
def past(server: Server) -> Iterator[Connection]:
    """A session on the backend itself, in a schema with one table that is flagged."""
    with closing(server.connect_backend()) as connection:
        run(
            connection,
            "DROP DATABASE IF EXISTS keeping",
            "CREATE DATABASE keeping",
            "USE keeping",
            "CREATE TABLE t (id INT PRIMARY KEY, d DATE) SECONDARY_ENGINE = rapid",
            "INSERT INTO t VALUES (1, '2024-01-01'), (2, NULL)",
            "ALTER TABLE t SECONDARY_LOAD",
        )
        yield connection
        run(connection, "DROP DATABASE keeping")


@contextmanager
def reconciling(loader: Loader) -> Iterator[Reconciler]:
    """A reconciler that has compared once."""
    reconciler = Reconciler(loader)
    reconciler.start()
    try:
        assert reconciler.wait(PATIENCE_S)
        yield reconciler
    finally:
        reconciler.stop()


def own(loader: Loader) -> list[LoadedTable]:
    """The tables of this module's schema: other tests have theirs flagged too."""
    return [table for table in loader.tables.all() if table.schema == "keeping"]


def one_before(server: Server, folder: Path) -> LoadedTable:
    """What an earlier process has left in the engine's file."""
    with a_loader(server, folder, Followed()) as loader:
        return loader.load("keeping", "t").table


def test_what_is_flagged_is_loaded(
    server: Server, past: Connection, tmp_path: Path
) -> None:
    with a_loader(server, tmp_path, Followed()) as loader, reconciling(loader):
        (table,) = own(loader)
        assert table.status is LoadStatus.AVAILABLE
        assert len(held_rows(loader, table)) == 2


def test_what_an_earlier_process_loaded_is_kept(
    server: Server, past: Connection, tmp_path: Path
) -> None:
    before = one_before(server, tmp_path)
    follower = Followed({before.engine_name: HERE})
    run(past, "INSERT INTO t VALUES (3, NULL)")  # the follower's to bring
    with a_loader(server, tmp_path, follower) as loader, reconciling(loader):
        (table,) = own(loader)
        assert table.status is LoadStatus.AVAILABLE
        assert table.engine_name == before.engine_name
        assert table.columns == before.columns
        assert table.primary_key == ("id",)
        assert table.rows == 2
        assert table.load_started == before.load_started
        assert (before.engine_name, None, True, None) in follower.joined


def test_a_column_left_out_for_its_dates_is_no_change(
    server: Server, past: Connection, tmp_path: Path
) -> None:
    run(past, "SET sql_mode = ''", "INSERT INTO t VALUES (3, '0000-00-00')")
    before = one_before(server, tmp_path)
    follower = Followed({before.engine_name: HERE})
    with a_loader(server, tmp_path, follower) as loader, reconciling(loader):
        (table,) = own(loader)
        assert table.engine_name == before.engine_name
        assert table.columns[1].refusal is not None
        assert held_rows(loader, table) == [(1,), (2,), (3,)]


CHANGES = {
    "another column": "ALTER TABLE t ADD COLUMN v INT",
    "another type": "ALTER TABLE t MODIFY id BIGINT",
    "another collation": "ALTER TABLE t MODIFY d VARCHAR(20) COLLATE utf8mb4_bin",
    "another name of a column": "ALTER TABLE t RENAME COLUMN d TO e",
    "another order": "ALTER TABLE t MODIFY id INT AFTER d",
    "no key": "ALTER TABLE t DROP PRIMARY KEY",
    "a column less": "ALTER TABLE t MODIFY d DATE NOT SECONDARY",
}


@pytest.mark.parametrize("sql", CHANGES.values(), ids=CHANGES)
def test_what_has_changed_meanwhile_is_loaded_anew(
    server: Server, past: Connection, tmp_path: Path, sql: str
) -> None:
    before = one_before(server, tmp_path)
    run(past, sql)
    follower = Followed({before.engine_name: HERE})
    with a_loader(server, tmp_path, follower) as loader, reconciling(loader):
        (table,) = own(loader)
        assert table.status is LoadStatus.AVAILABLE
        assert table.engine_name != before.engine_name
        assert before.engine_name not in loader.engine.tables()


def test_what_cannot_be_followed_from_where_it_was_is_loaded_anew(
    server: Server, past: Connection, tmp_path: Path
) -> None:
    before = one_before(server, tmp_path)
    with a_loader(server, tmp_path, Followed()) as loader, reconciling(loader):
        (table,) = own(loader)
        assert table.engine_name != before.engine_name
        assert before.engine_name not in loader.engine.tables()


GONE = {
    "unloaded": "ALTER TABLE t SECONDARY_UNLOAD",
    "detached": "ALTER TABLE t SECONDARY_ENGINE = NULL",
    "dropped": "DROP TABLE t",
    "dropped with its schema": "DROP DATABASE keeping",
}


@pytest.mark.parametrize("sql", GONE.values(), ids=GONE)
def test_what_is_gone_when_it_starts_is_forgotten(
    server: Server, past: Connection, tmp_path: Path, sql: str
) -> None:
    before = one_before(server, tmp_path)
    run(past, sql, "CREATE DATABASE IF NOT EXISTS keeping")
    follower = Followed({before.engine_name: HERE})
    with a_loader(server, tmp_path, follower) as loader, reconciling(loader):
        assert own(loader) == []
        assert before.engine_name not in loader.engine.tables()


@pytest.mark.parametrize("sql", GONE.values(), ids=GONE)
def test_what_goes_later_is_forgotten_when_it_is_told(
    server: Server, past: Connection, tmp_path: Path, sql: str
) -> None:
    follower = Followed()
    with a_loader(server, tmp_path, follower) as loader, reconciling(loader):
        (table,) = own(loader)
        run(past, sql, "CREATE DATABASE IF NOT EXISTS keeping")
        follower.reconcile()
        until(lambda: not own(loader))
        until(lambda: table.engine_name not in loader.engine.tables())
        assert table.engine_name in follower.left


def test_a_renamed_table_is_loaded_under_its_new_name(
    server: Server, past: Connection, tmp_path: Path
) -> None:
    follower = Followed()
    with a_loader(server, tmp_path, follower) as loader, reconciling(loader):
        run(past, "RENAME TABLE t TO u")
        follower.reconcile()

        def renamed() -> bool:
            return [(t.name, t.is_available) for t in own(loader)] == [("u", True)]

        until(renamed)


def test_a_stale_table_is_loaded_anew(
    server: Server, past: Connection, tmp_path: Path
) -> None:
    follower = Followed()
    with a_loader(server, tmp_path, follower) as loader, reconciling(loader):
        (table,) = own(loader)
        run(past, "TRUNCATE TABLE t")
        loader.tables.change(table, status=LoadStatus.STALE, problem="TRUNCATE")
        follower.reload(table)
        again = until(lambda: available_again(loader, table))
        assert held_rows(loader, again) == []


def available_again(loader: Loader, table: LoadedTable) -> LoadedTable | None:
    found = loader.tables.find(table.schema, table.name)
    if found is None or found.engine_name == table.engine_name:
        return None
    return found if found.is_available else None


def test_what_cannot_be_loaded_says_why_and_is_tried_again(
    server: Server, past: Connection, tmp_path: Path
) -> None:
    follower = Followed()
    follower.refusal = MySQLError(3877, "HY000", "no binary log")
    with a_loader(server, tmp_path, follower) as loader, reconciling(loader):
        (table,) = own(loader)
        assert table.status is LoadStatus.RECOVERY_FAILED
        assert table.problem == "no binary log"
        follower.refusal = None
        follower.reconcile()
        until(lambda: available_again(loader, table))


def test_a_table_that_a_statement_is_loading_is_left_to_it(
    server: Server, past: Connection, tmp_path: Path
) -> None:
    follower = Followed()
    with a_loader(server, tmp_path, follower) as loader:
        loader.claim("keeping", "t")
        reconciler = Reconciler(loader)
        reconciler.start()
        try:
            loaded = loader.load("keeping", "t")
            loader.let_go("keeping", "t")
            assert reconciler.wait(PATIENCE_S)
            assert own(loader) == [loaded.table]
        finally:
            reconciler.stop()


def test_it_ends_while_it_waits_for_a_table(
    server: Server, past: Connection, tmp_path: Path
) -> None:
    with a_loader(server, tmp_path, Followed()) as loader:
        loader.claim("keeping", "t")
        reconciler = Reconciler(loader)
        reconciler.start()
        reconciler.stop()
        assert own(loader) == []


def test_a_backend_that_does_not_answer_is_asked_again(
    server: Server, past: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first questions get the answer of a server that is not there."""
    with a_loader(server, tmp_path, Followed()) as loader:
        ask: Callable[[str], Any] = loader.ask
        questions: list[str] = []

        def at_first_silent(sql: str) -> Any:
            questions.append(sql)
            if len(questions) <= 2:
                raise MySQLError(2013, "HY000", "Lost connection")
            return ask(sql)

        monkeypatch.setattr(loader, "ask", at_first_silent)
        with reconciling(loader):
            assert [table.is_available for table in own(loader)] == [True]
