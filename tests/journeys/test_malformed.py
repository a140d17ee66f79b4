"""Bytes that no client should send and no backend should answer: nothing is lost by it.

Thousands of connections that break off or talk nonsense; afterwards heatproxy serves as
before, holds no session, no file and no memory of them, and neither does MySQL.
"""

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice, product
from pathlib import Path

import pymysql
import pytest

from tests.asking import rows
from tests.background import until
from tests.conftest import Running, Server
from tests.journeys import attacks, commands, conversations
from tests.journeys.attacks import BadBackend, Holding, say
from tests.journeys.conftest import Pair
from tests.journeys.mutations import Chance
from tests.journeys.test_transparency import CLIENTS
from tests.rawclient import RawClient, Step, command, execute, framed, prepare, query

pytestmark = pytest.mark.mysql

MANY = int(os.environ.get("HEATPROXY_TEST_FAULTS", "1000"))
USER = "journey_stranger"  # no password; what it could break is its own
SPARE_DESCRIPTORS = 8  # of connections that engine and worker keep or not
# A leak of one session's buffers would be more; the engine process is still growing
# into its work (compiled kernels) when the tests begin.
SPARE_BYTES = 300 << 20
HELLO = (
    (CLIENTS["new"] | 0x0008A200).to_bytes(4, "little")
    + (1 << 24).to_bytes(4, "little")
    + b"\xff"
    + bytes(23)
    + USER.encode()
    + b"\0\0caching_sha2_password\0"
)
LOGIN = framed(HELLO, 1)
STREAM: list[Step] = [
    query("SELECT 1, 'x'"),
    query("SELECT 'ml_predict_row'"),
    prepare("SELECT ?, 'ml_explain_row'"),
    execute(1, commands.text(b"abc")),
    query("SELECT 1; SELECT nothing"),
    query("LOAD DATA LOCAL INFILE 'x' INTO TABLE t"),
    command(0x02, b"journey"),
    query("CALL sys.heatwave_load('[\"journey\"]', NULL)"),
]


@pytest.fixture(scope="module", autouse=True)
def stranger(pair: Pair) -> Iterator[None]:
    pair.admin(f"CREATE USER {USER}")
    pair.admin(f"GRANT ALL ON journey.* TO {USER}")
    pair.admin("CREATE TABLE journey.t (a INT)")
    yield
    pair.admin(f"DROP USER {USER}")


@pytest.fixture
def traceless(pair: Pair) -> Iterator[Server]:
    """Whatever is done to this server, it is afterwards as it was."""
    server = pair.server
    for data in (LOGIN, LOGIN + stream(), LOGIN[:20]):
        say(server, data)  # what is only made for the first who needs it
    until(lambda: not sessions(pair))
    before, pid = Holding.of(server), attacks.pid_of(server)
    yield server
    until(lambda: not sessions(pair))
    until(lambda: Holding.of(server).is_no_more_than(before, SPARE_DESCRIPTORS))
    assert Holding.of(server).has_grown(before) < SPARE_BYTES
    assert attacks.pid_of(server) == pid
    with closing(server.connect()) as connection:
        assert rows(connection, "SELECT 5, 'ml_predict_row'") == [(5, "ml_predict_row")]


def sessions(pair: Pair) -> Sequence[object]:
    """Those that MySQL has of a stranger, or of somebody not known yet."""
    return pair.admin(
        "SELECT PROCESSLIST_ID FROM performance_schema.threads WHERE PROCESSLIST_USER"
        f" IN ('{USER}', 'unauthenticated user')"
    )


def stream(steps: Sequence[Step] = STREAM) -> bytes:
    """Commands one behind the other, as the client of LOGIN would send them."""
    return b"".join(framed(step.encode(CLIENTS["new"])) for step in steps)


def test_the_stranger_is_served_if_it_behaves(pair: Pair) -> None:
    with socket.create_connection((pair.server.host, pair.server.port)) as connection:
        connection.recv(1000)
        connection.sendall(LOGIN + stream([*STREAM[:2], command(0x01)]))
        assert b"\x0eml_predict_row" in attacks.everything(connection)


@pytest.mark.parametrize("abrupt", [False, True], ids=["politely", "abruptly"])
def test_a_login_may_break_off_at_every_byte(traceless: Server, abrupt: bool) -> None:
    for end in range(len(LOGIN) + 1):
        say(traceless, LOGIN[:end], abrupt=abrupt)


def test_commands_may_break_off_at_every_byte(traceless: Server) -> None:
    data = stream()
    for end in range(len(data) + 1):
        say(traceless, LOGIN + data[:end], abrupt=end % 2 == 0)


def test_logins_may_be_nonsense(traceless: Server) -> None:
    chance = Chance(11)
    for _ in range(MANY):
        say(traceless, chance.damaged(LOGIN), abrupt=chance.random() < 0.2)


def test_what_precedes_or_replaces_a_login_may_be_nonsense(traceless: Server) -> None:
    chance = Chance(12)
    for size in islice((1, 4, 40, 5000), max(4, MANY // 100)):
        for _ in range(MANY // 40):
            say(traceless, chance.randbytes(size))
    # another protocol altogether
    say(traceless, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    say(traceless, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500))


def test_commands_may_be_nonsense(traceless: Server) -> None:
    chance = Chance(13)
    tables = (conversations.SELECTS, conversations.SEVERAL, commands.PREPARED)
    known = [step for table in tables for steps in table.values() for step in steps]
    for _ in range(MANY):
        drawn = [chance.choice(known) for _ in range(chance.randint(1, 6))]
        data = chance.damaged(stream(drawn))
        say(traceless, LOGIN + data, abrupt=chance.random() < 0.2)


def test_a_change_of_user_may_be_nonsense(traceless: Server) -> None:
    chance = Chance(14)
    body = USER.encode() + b"\0\0journey\0\x2d\0caching_sha2_password\0\0"
    asked = framed(b"\x11" + body) + framed(b"", 3) + stream(STREAM[:2])
    for _ in range(MANY // 2):
        say(traceless, LOGIN + chance.damaged(asked))


# --- a backend that cannot be trusted -------------------------------------------------


@pytest.fixture(scope="module")
def betrayed(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, BadBackend]]:
    """Another heatproxy, whose way to the backend somebody has taken over."""
    with BadBackend(server.backend_socket) as between:
        serving = threading.Thread(
            target=between.serve_forever, kwargs={"poll_interval": 0.05}
        )
        serving.start()
        login = server.login
        url = f"mysql://{login['user']}:{login['password']}@127.0.0.1:{between.port}"
        folder: Path = tmp_path_factory.mktemp("betrayed")
        running = Running(folder, "--backend", url)
        try:
            assert running.ready_line, "heatproxy did not start"
            yield running.server, between
        finally:
            between.chance = None
            running.stop()
            between.shutdown()
            serving.join()


def test_a_backend_may_talk_nonsense(
    pair: Pair, betrayed: tuple[Server, BadBackend]
) -> None:
    """The sessions end, the relay lives, and honest sessions go on beside them."""
    server, between = betrayed
    login = {"user": USER, "password": "", "host": server.host, "port": server.port}
    pid = attacks.pid_of(server)
    with RawClient(CLIENTS["new"], **login) as before:
        held = Holding.of(server)
        for seed, data in product(range(MANY // 10), (stream(), stream(STREAM[:2]))):
            between.chance = Chance(seed)
            say(server, LOGIN + data, greeting_within_s=0.05)
        between.chance = None
        assert before.query("SELECT 5")[-2].payload == b"\x015"
        until(lambda: Holding.of(server).is_no_more_than(held, SPARE_DESCRIPTORS))
    assert attacks.pid_of(server) == pid
    with closing(pymysql.connect(**login)) as connection:  # type: ignore[arg-type]
        assert rows(connection, "SELECT 5, 'ml_predict_row'") == [(5, "ml_predict_row")]
    until(lambda: not sessions(pair))
