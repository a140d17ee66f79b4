"""The backend may end and come again, be another server, or begin its log anew."""

from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from heatproxy.backend.account import Address
from heatproxy.backend.embedded import EmbeddedBackend
from heatproxy.rapid.tables import LoadedTable, LoadStatus
from tests.rapid.following import Following, Run, runner

pytestmark = pytest.mark.mysql


class Backend:
    """A MySQL of its own, which can be started again."""

    def __init__(self, data_dir: Path) -> None:
        self._mysqld = EmbeddedBackend(data_dir, buffer_pool_bytes=64 << 20)
        self._mysqld.start()

    @property
    def address(self) -> Address:
        service = self._mysqld.service
        socket = str(self._mysqld.socket_path)
        return Address(service.user, service.password, socket=socket)

    def run(self, *statements: str) -> None:
        address = self.address
        connection = pymysql.connect(
            unix_socket=address.socket,
            user=address.user,
            password=address.password,
            autocommit=True,
        )
        run: Run = runner(connection)
        for statement in statements:
            run(statement)
        connection.close()

    def again(self, *, another: bool = False) -> None:
        """Stop it and start it; as ``another`` server with the same data."""
        self._mysqld.stop()
        if another:  # it makes up another UUID then
            (self._mysqld.data_dir / "mysql" / "auto.cnf").unlink()
        self._mysqld.start()

    def stop(self) -> None:
        self._mysqld.stop()


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    made = Backend(tmp_path_factory.mktemp("backend"))
    made.run("CREATE DATABASE s")
    yield made
    made.stop()


def test_changes_are_followed_over_a_restart_and_to_another_server(
    backend: Backend, tmp_path: Path
) -> None:
    backend.run(
        "CREATE TABLE s.t (k INT PRIMARY KEY AUTO_INCREMENT, v INT)",
        "INSERT INTO s.t (v) VALUES (1), (2), (3)",
    )
    following = Following(backend.address, tmp_path / "engine.duckdb")
    try:
        table = following.load("s", "t")
        backend.run("UPDATE s.t SET v = v + 1")
        following.catch_up()
        backend.again()
        backend.run("INSERT INTO s.t (v) VALUES (4)")
        following.catch_up()
        assert following.differences(table) == []
        backend.run("DELETE FROM s.t WHERE k = 1")
        following.catch_up()
        backend.again(another=True)
        backend.run("INSERT INTO s.t (v) VALUES (5)", "UPDATE s.t SET v = v * 2")
        following.catch_up()
        assert following.differences(table) == []
        backend.run("FLUSH BINARY LOGS", "DELETE FROM s.t WHERE k = 2")
        following.catch_up()
        assert following.differences(table) == []
    finally:
        following.stop()


def test_a_table_is_taken_up_again_when_both_have_been_restarted(
    backend: Backend, tmp_path: Path
) -> None:
    backend.run(
        "CREATE TABLE s.u (k INT PRIMARY KEY, v INT)", "INSERT INTO s.u VALUES (1, 1)"
    )
    path = tmp_path / "engine.duckdb"
    first = Following(backend.address, path)
    table = first.load("s", "u")
    backend.run("UPDATE s.u SET v = 2")
    first.catch_up()
    first.stop()
    backend.run("INSERT INTO s.u VALUES (2, 2)")
    backend.again()
    backend.run("INSERT INTO s.u VALUES (3, 3)")
    second = Following(backend.address, path)
    try:
        resume(second, table)
        assert second.differences(table) == []
    finally:
        second.stop()


def test_another_server_that_lacks_what_was_applied_is_not_followed(
    backend: Backend, tmp_path: Path
) -> None:
    backend.run(
        "CREATE TABLE s.w (k INT PRIMARY KEY, v INT)", "INSERT INTO s.w VALUES (1, 1)"
    )
    following = Following(backend.address, tmp_path / "engine.duckdb")
    try:
        table = following.load("s", "w")
        backend.run("UPDATE s.w SET v = 2")
        following.catch_up()
        backend.run("RESET BINARY LOGS AND GTIDS")
        backend.again(another=True)
        following.catch_up()
        assert following.find(table).status is LoadStatus.STALE
        again = following.load("s", "w")
        backend.run("UPDATE s.w SET v = 3")
        following.catch_up()
        assert following.differences(again) == []
    finally:
        following.stop()


def resume(following: Following, table: LoadedTable) -> None:
    assert list(following.follower.positions()) == [table.engine_name]
    following.tables.put(table)
    following.follower.join(table, None, True)
    following.catch_up()
