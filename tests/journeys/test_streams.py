"""How bytes arrive does not matter: together, one by one, or no further."""

import select
import socket
import ssl
import struct
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import mysql.connector
import pymysql
import pytest

from tests.compressed import compressed
from tests.conftest import Server
from tests.journeys.conftest import Pair, Talk
from tests.journeys.conversations import ROWS, TABLE
from tests.journeys.test_transparency import CLIENTS, statement_of
from tests.rawclient import (
    RawClient,
    Reply,
    Step,
    close,
    command,
    execute,
    fetch,
    framed,
    long_data,
    prepare,
    query,
)

pytestmark = pytest.mark.mysql

FOREVER = "SELECT BENCHMARK(10000000000, SHA2('a', 512))"
ENDLESS = (
    b"\x03WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i <"
    b" 999) SELECT n.i, REPEAT('x', 1000) FROM n, n AS m, n AS o"
)
AT_ONCE = {
    "statements": [query(f"SELECT {n}") for n in range(50)],
    "of MySQL's and perhaps heatproxy's": [
        query("SELECT 1"),
        query("SELECT 'ml_predict_row'"),
        query("SELECT 2"),
        query("SELECT nothing, 'ml_explain_row'"),
        query("SELECT 'ml_predict_row', 3"),
        command(0x0E),
    ],
    "one of them long": [
        query("SELECT 1"),
        statement_of(3_000_000),
        query("SELECT 'ml_predict_row'"),
        statement_of(20_000_000),
        query("SELECT 2"),
    ],
    "of all kinds": [
        query(TABLE),
        query(ROWS),
        prepare("SELECT * FROM t WHERE id > ?"),
        execute(1, (3, struct.pack("<i", 1))),
        long_data(1, 0, b"1"),
        close(1),
        command(0x02, b"mysql"),
        command(0x09, reply=Reply.ONE_PACKET, same=False),
        command(0x04, b"user\x00", Reply.COLUMNS),
        query("SELECT 1; SELECT 2"),
        command(0xF0),
        prepare("SELECT 1 UNION SELECT 2"),
        execute(2, cursor=1),
        fetch(2, 5),
        command(0x1F),
        query("SELECT 'end'"),
    ],
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("steps", AT_ONCE.values(), ids=AT_ONCE)
def test_commands_sent_at_once_are_answered_in_turn(
    pair: Pair, steps: list[Step], client: str
) -> None:
    direct, proxied = (
        talk_at_once(pair, way, CLIENTS[client], steps) for way in (0, 1)
    )
    for step, expected, got in zip(steps, direct, proxied, strict=True):
        assert got == expected or not step.same, step


def talk_at_once(pair: Pair, way: int, capabilities: int, steps: list[Step]) -> Talk:
    pair.fresh_schema()
    with pair.ways[way](capabilities) as client:
        data = b"".join(framed(step.encode(client.capabilities)) for step in steps)
        sender = threading.Thread(target=client.socket.sendall, args=(data,))
        sender.start()
        answers = [client.read(step) for step in steps]
        sender.join()
        return answers


class Dribbler(socket.socket):
    """Sends one byte at a time."""

    def sendall(self, data: Any, flags: int = 0) -> None:
        for byte in bytes(data):
            super().sendall(bytes([byte]))


def test_a_client_may_send_one_byte_at_a_time(pair: Pair) -> None:
    steps = [
        query("SELECT 1, 'x'"),
        query("SELECT 'ml_predict_row'"),
        query(TABLE),
        query(
            "LOAD DATA LOCAL INFILE 'x' INTO TABLE t", file=[b"1\ta\t2\n", b"2\tb\t3\n"]
        ),
        prepare("SELECT * FROM t"),
        execute(1),
        query("SELECT 'end'"),
    ]
    capabilities = CLIENTS["new"]
    expected, _ = pair.talks(capabilities, steps)
    pair.fresh_schema()
    with Dribbler(socket.AF_INET, socket.SOCK_STREAM) as dribbler:
        dribbler.connect((pair.server.host, pair.server.port))
        dribbler.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with pair.proxied(capabilities, over=dribbler) as client:
            assert [client.run(step) for step in steps] == expected


def test_a_client_that_leaves_in_the_middle_of_a_result_takes_its_session_along(
    pair: Pair,
) -> None:
    client = pair.proxied()
    client.socket.sendall(framed(ENDLESS))
    client.socket.recv(100_000)
    client.close()
    pair.wait_until_gone(client.thread_id)


def test_a_client_that_leaves_in_the_middle_of_a_statement_changes_nothing(
    pair: Pair,
) -> None:
    pair.fresh_schema()
    client = pair.proxied()
    client.query(TABLE)
    client.socket.sendall(framed(b"\x03" + ROWS.encode())[:-1])
    client.close()
    pair.wait_until_gone(client.thread_id)
    assert pair.admin("SELECT COUNT(*) FROM journey.t") == ((0,),)


@pytest.mark.parametrize("algorithm", ["", "zlib", "zstd"])
def test_clients_that_read_nothing_fill_no_memory(pair: Pair, algorithm: str) -> None:
    """Each of them asks for 9 GB."""
    before = resident_bytes(pair.server)
    with ExitStack() as stack:
        stalled = [stack.enter_context(reader(pair, algorithm)) for _ in range(STALLED)]
        for client in stalled:
            client.query("SET cte_max_recursion_depth = 5000")
            client.socket.sendall(framed(ENDLESS))
            client.packet([])
        # and another client is served meanwhile
        with pair.proxied() as other:
            for _ in range(100):
                assert other.query("SELECT 5")[-2].payload == b"\x015"
        assert resident_bytes(pair.server) < before + STALLED * (10 << 20)
        # one that reads at last gets what it asked for, at its own speed
        rows = [stalled[0].packet([]) for _ in range(50_000)]
        assert rows[-1].endswith(b"x" * 1000)
        assert resident_bytes(pair.server) < before + STALLED * (10 << 20)


def reader(pair: Pair, algorithm: str) -> RawClient:
    if not algorithm:
        return pair.proxied()
    server = pair.server
    place: dict[str, Any] = {"host": server.host, "port": server.port}
    return compressed(algorithm, **place, **server.login)


STALLED = 5


@pytest.mark.parametrize("algorithm", ["", "zlib", "zstd"])
def test_what_a_busy_backend_does_not_read_fills_no_memory(
    pair: Pair, algorithm: str
) -> None:
    """Compressed, a few kilobytes a statement are 16 MB each here."""
    statement = framed(b"\x03SELECT '" + b"y" * 15_999_000 + b"'")
    before = resident_bytes(pair.server)
    with reader(pair, algorithm) as client, pair.proxied() as other:
        client.socket.sendall(framed(b"\x03SELECT SLEEP(100)"))
        pair.wait_until_running(client.thread_id, "SELECT SLEEP")
        over: socket.socket = getattr(client.socket, "over", client.socket)
        data = statement
        if algorithm:
            made: Any = client.socket
            data = made._envelope(statement)
            data = data[:3] + b"\0" + data[4:]
        over.setblocking(False)
        sent = send_all_that_is_taken(over, data)
        assert sent < 40 << 20
        assert resident_bytes(pair.server) < before + (120 << 20)
        other.query(f"KILL {client.thread_id}")


def test_mysql_notices_that_a_client_behind_tls_has_left(pair: Pair) -> None:
    """It looks every five seconds whether there is anything to read of the client."""
    client = pair.server.connect(ssl={"check_hostname": False})
    number = client.thread_id()
    assert isinstance(client._sock, ssl.SSLSocket)
    client._sock.sendall(framed(b"\x03SELECT SLEEP(600)"))
    pair.wait_until_running(number, "SELECT SLEEP")
    client._force_close()
    deadline = time.monotonic() + 60
    while pair.admin(f"SELECT 1 FROM performance_schema.processlist WHERE ID={number}"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def send_all_that_is_taken(over: socket.socket, data: bytes) -> int:
    """Send the same again and again until it is not read any more; how much was."""
    sent, rest = 0, data
    while select.select([], [over], [], 2)[1]:
        count = over.send(rest)
        sent, rest = sent + count, rest[count:] or data
    return sent


def resident_bytes(server: Server) -> int:
    """What the processes hold that clients are connected to."""
    found = [int((server.data_dir / "heatproxy.lock").read_text())]
    for pid in found:
        with suppress(OSError):  # it has ended meanwhile
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    listening = sockets_on(server.port)
    relays = [pid for pid in found if listening & open_files(pid)]
    assert relays
    return sum(map(resident, relays))


def sockets_on(port: int) -> set[str]:
    """The sockets that listen on a port, as a process's open files name them."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    rows = [line.split() for line in lines]
    ours = [r for r in rows if r[1].endswith(f":{port:04X}") and r[3] == "0A"]
    return {f"socket:[{row[9]}]" for row in ours}


def open_files(pid: int) -> set[str]:
    names = set()
    with suppress(OSError):  # it has ended meanwhile
        for file in list(Path(f"/proc/{pid}/fd").iterdir()):
            with suppress(OSError):  # closed meanwhile
                names.add(str(file.readlink()))
    return names


def resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) << 10


@pytest.mark.parametrize("killer", ["KILL QUERY {}", "KILL {}"])
def test_kill_reaches_a_relayed_statement(pair: Pair, killer: str) -> None:
    endings = []
    reply = Reply.RESULTS if "QUERY" in killer else Reply.CLOSED
    for connect in pair.ways:
        with connect() as victim, connect() as other:
            running = query(FOREVER, reply=reply)
            victim.socket.sendall(framed(running.encode(victim.capabilities)))
            pair.wait_until_running(victim.thread_id, "SELECT BENCHMARK")
            killed = other.query(killer.format(victim.thread_id))
            endings.append((killed, victim.read(running)))
    assert endings[1] == endings[0]


@pytest.mark.parametrize(
    "ending", ["KILL {}", "SET GLOBAL offline_mode = ON"], ids=["kill", "offline"]
)
def test_a_session_that_mysql_ends_ends_in_the_same_way(
    pair: Pair, ending: str
) -> None:
    account(pair, "journey_plain")
    endings = []
    login = {"user": "journey_plain", "password": "", "database": None}
    for connect in pair.ways:
        with connect(**login) as idle:
            idle.query("SELECT 1")
            try:
                pair.admin(ending.format(idle.thread_id))
                endings.append(idle.read(command(0, reply=Reply.CLOSED)))
            finally:
                pair.admin("SET GLOBAL offline_mode = OFF")
    assert endings[1] == endings[0]


def test_a_session_that_is_idle_too_long_hears_why(pair: Pair) -> None:
    endings = []
    for connect in pair.ways:
        with connect(CLIENTS["new"]) as idle:
            idle.query("SET wait_timeout = 1")
            endings.append(idle.read(command(0, reply=Reply.CLOSED)))
    assert endings[1] == endings[0]
    assert b"disconnected by the server" in endings[0][0].payload


def account(pair: Pair, name: str) -> None:
    pair.admin(f"CREATE USER IF NOT EXISTS {name}")


def test_prepared_statements_of_a_driver(pair: Pair) -> None:
    pair.fresh_schema()
    pair.admin(
        "CREATE TABLE journey.d (a INT, b DECIMAL(8,2), c VARCHAR(9), d DATETIME(3))"
    )
    server = pair.server
    direct = {"unix_socket": server.backend_socket}
    proxied = {"host": server.host, "port": server.port}
    answers = []
    for where in (direct, proxied):
        connection = mysql.connector.connect(
            **where,
            **server.login,
            database="journey",
            use_pure=True,
            ssl_disabled=True,
        )
        with connection, connection.cursor(prepared=True) as cursor:
            insert = "INSERT INTO d VALUES (%s, %s, %s, '2024-01-02 03:04:05.678')"
            for row in ((1, "1.50", "ä"), (None, None, None), (3, "2.25", "日本")):
                cursor.execute(insert, row)
            connection.commit()
            cursor.execute("SELECT * FROM d WHERE a > %s OR a IS NULL ORDER BY a", (0,))
            rows = cursor.fetchall()
            described = cursor.description
            cursor.execute("DELETE FROM d WHERE b > %s", ("1",))
            answers.append((rows, described, cursor.rowcount))
            connection.rollback()
            cursor.execute("DELETE FROM d")
            connection.commit()
    assert answers[1] == answers[0]
    assert len(answers[0][0]) == 3


def test_the_client_program_runs_a_script(pair: Pair) -> None:
    script = (
        "DROP DATABASE IF EXISTS journey; CREATE DATABASE journey; USE journey;\n"
        f"{TABLE};\n{ROWS};\nDELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1;"
        " SELECT * FROM t; END//\nDELIMITER ;\nCALL p();\nSELECT USER() IS NOT NULL;\n"
        "SELECT * FROM nowhere;\nSELECT 'not reached';\n"
    )
    result = pair.server.mysql(script, "--get-server-public-key")
    assert result.returncode == 1
    assert (
        result.stderr == "ERROR 1146 (42S02) at line 9: Table 'journey.nowhere'"
        " doesn't exist\n"
    )
    assert result.stdout.splitlines()[:4] == ["1", "1", "id\ta\tb", "1\tone\t1.50"]
    assert "not reached" not in result.stdout


def test_pymysql_streams_a_large_result(pair: Pair) -> None:
    with pair.server.connect(cursorclass=pymysql.cursors.SSCursor) as connection:
        cursor = connection.cursor()
        cursor.execute("SET cte_max_recursion_depth = 200000")
        cursor.execute(
            "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i <"
            " 100000) SELECT i, REPEAT('x', 20) FROM n"
        )
        assert sum(row[0] for row in cursor) == 100_000 * 100_001 // 2
