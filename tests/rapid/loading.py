"""A loader of its own for tests: the session's backend, and an engine in a folder."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from heatproxy.backend.account import Address
from heatproxy.engine import DuckDB, Listen
from heatproxy.rapid.load import Loader
from heatproxy.rapid.tables import LoadedTable, LoadedTables
from heatproxy.wire.binlog import Position
from tests.conftest import Server

Connection = Any


class Followed:
    """A follower that only notes what it is told."""

    def __init__(self, positions: Mapping[str, Position] | None = None) -> None:
        self.reload: Any = None
        self.reconcile: Any = None
        self.joined: list[tuple[str, Position | None, bool, Position | None]] = []
        self.left: list[str] = []
        self.refusal: Exception | None = None
        self._positions = dict(positions or {})

    def require(self) -> None:
        if self.refusal is not None:
            raise self.refusal

    def join(
        self,
        table: LoadedTable,
        since: Position | None,
        exact: bool,
        until: Position | None = None,
        listen: Listen | None = None,
        server: str | None = None,
    ) -> None:
        self.joined.append((table.engine_name, since, exact, until))

    def leave(self, table: LoadedTable) -> None:
        self.left.append(table.engine_name)

    def positions(self) -> Mapping[str, Position]:
        return self._positions


def address_of(server: Server) -> Address:
    login = server.login
    return Address(login["user"], login["password"], socket=server.backend_socket)


@contextmanager
def a_loader(
    server: Server, folder: Path, follower: Followed | None = None, connections: int = 2
) -> Iterator[Loader]:
    """A loader into ``folder``/engine.duckdb."""
    engine = DuckDB(folder / "engine.duckdb", "1GiB", 2)
    loader = Loader(engine, address_of(server), LoadedTables(), lambda: connections)
    loader.follower = follower
    try:
        yield loader
    finally:
        loader.close()
        engine.close()


def held_rows(loader: Loader, table: LoadedTable) -> list[tuple[Any, ...]]:
    """The rows that the engine holds, in the order in which they are stored."""
    rows = loader.engine.read(table.engine_name).reader.read_all()
    return [tuple(row.values()) for row in rows.to_pylist()]
