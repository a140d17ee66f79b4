"""Two ways to one backend, so that what they answer can be compared."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tests.conftest import Running, Server, free_port
from tests.rawclient import Packet, RawClient, Step

Talk = list[list[Packet]]
READ_TIMEOUT_S = 60


class Pair:
    """The backend through heatproxy and past it, in an empty schema ``journey``."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._admin = server.connect_backend()

    def close(self) -> None:
        self.admin("DROP DATABASE IF EXISTS journey")
        self._admin.close()

    def admin(self, sql: str) -> tuple[tuple[Any, ...], ...]:
        """The rows of a statement of the server's admin, past heatproxy."""
        with self._admin.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def fresh_schema(self) -> None:
        self.admin("SET sql_log_bin = 0")  # nothing to wait for
        self.admin("DROP DATABASE IF EXISTS journey")
        self.admin("CREATE DATABASE journey")

    def direct(self, capabilities: int = 0, **options: Any) -> RawClient:
        where = {"unix_socket": self.server.backend_socket}
        return RawClient(capabilities, **{**self._options, **where, **options})

    def proxied(self, capabilities: int = 0, **options: Any) -> RawClient:
        where = {"host": self.server.host, "port": self.server.port}
        return RawClient(capabilities, **{**self._options, **where, **options})

    @property
    def _options(self) -> dict[str, Any]:
        return {
            **self.server.login,
            "database": "journey",
            "read_timeout": READ_TIMEOUT_S,
        }

    @property
    def ways(self) -> tuple[Callable[..., RawClient], Callable[..., RawClient]]:
        return self.direct, self.proxied

    def talks(self, capabilities: int, steps: Sequence[Step]) -> tuple[Talk, Talk]:
        """The same conversation held with MySQL and through heatproxy."""
        held = []
        for connect in self.ways:
            self.fresh_schema()
            with connect(capabilities) as client:
                held.append([client.run(step) for step in steps])
        return held[0], held[1]

    def wait_until_running(self, thread_id: int, text: str) -> None:
        """Return when a session is in the middle of this statement."""
        find = (
            "SELECT COUNT(*) FROM performance_schema.processlist WHERE"
            f" ID = {thread_id} AND INFO LIKE '{text}%'"
        )
        while not self.admin(find)[0][0]:
            pass

    def wait_until_gone(self, thread_id: int) -> None:
        """Return when the backend has no such session any more."""
        find = f"SELECT 1 FROM performance_schema.processlist WHERE ID = {thread_id}"
        while self.admin(find):
            pass


@pytest.fixture(scope="module")
def pair(server: Server) -> Iterator[Pair]:
    made = Pair(server)
    made.fresh_schema()
    yield made
    made.close()


@pytest.fixture(scope="session")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """heatproxy that other machines could reach; its MySQL listens on TCP too."""
    port = free_port()
    data_dir = tmp_path_factory.mktemp("open")
    running = Running(data_dir, "--listen", f"0.0.0.0:{port}")
    assert running.ready_line, "heatproxy did not start"
    yield Server(data_dir, "127.0.0.1", port)
    running.stop()
