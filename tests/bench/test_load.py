"""The load knows where replies end, in pieces or whole, and never counts a failure."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from heatproxy.backend.credentials import read_option_file
from heatproxy.bench import load
from heatproxy.bench.bulk import prepare
from heatproxy.bench.clients import Door, log_in
from heatproxy.wire.packets import frame, query
from tests.conftest import Server

pytestmark = pytest.mark.mysql
LONG = "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 1000)"

Connect = Callable[[], socket.socket]


@pytest.fixture
def connect(server: Server) -> Iterator[Connect]:
    account = read_option_file(server.client_cnf)
    door = Door("direct", path=server.backend_socket)
    with ExitStack() as held:
        yield lambda: held.enter_context(log_in(door, account))


def packet(sql: str) -> bytes:
    return frame(query(sql.encode(), 0), 0)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "DO 1",
        "SELECT 1 FROM dual WHERE false",
        "SELECT REPEAT('x', 300000), NULL, ''",
        f"{LONG} SELECT i, REPEAT('y', i % 300) FROM s",
    ],
    ids=["one row", "an OK", "no row", "a long row", "many rows"],
)
@pytest.mark.parametrize("connections", [1, 3])
def test_each_statement_is_answered_once(
    connect: Connect, sql: str, connections: int
) -> None:
    clients = [connect() for _ in range(connections)]
    turn = load.run(clients, [packet(sql)], replies=10)
    assert turn.replies == 10
    assert (turn.latencies_ns > 0).all()
    assert turn.percentile_us(50) <= turn.percentile_us(99)
    for client in clients:  # nothing is left unread
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(1)


def test_a_prepared_statements_rows_end_as_well(connect: Connect) -> None:
    client = connect()
    execute = prepare(client, f"{LONG} SELECT i, i / 7e0 FROM s")
    assert load.run([client], [execute], replies=5).replies == 5


def test_nothing_is_sent_after_the_time_given(connect: Connect) -> None:
    turn = load.run([connect(), connect()], [packet("DO 1")], seconds=0.05)
    assert turn.replies >= 2
    assert turn.seconds >= 0.05


@pytest.mark.parametrize("sql", ["SELECT nothing", "SELECT 1; SELECT 2"])
def test_a_refused_statement_ends_the_load(connect: Connect, sql: str) -> None:
    with pytest.raises(load.LoadFailed, match="refused"):
        load.run([connect()], [packet(sql)], replies=3)


def test_a_lost_connection_ends_the_load() -> None:
    ours, theirs = socket.socketpair()

    def hang_up() -> None:
        theirs.recv(100)
        theirs.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    with ours, pytest.raises(load.LoadFailed, match="lost"):
        load.run([ours], [packet("DO 1")], replies=3)
    thread.join()
