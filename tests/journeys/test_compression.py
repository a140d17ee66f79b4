"""Clients that compress: the same answers as from MySQL itself, whatever is sent."""

import random
import socket
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mysql.connector
import pytest

from heatproxy.backend import packages
from heatproxy.backend.progress import Lines
from tests.compressed import FLAGS, compressed
from tests.conftest import Running, Server
from tests.journeys.conftest import Pair
from tests.journeys.conversations import ROWS, TABLE
from tests.journeys.test_transparency import CLIENTS, CONVERSATIONS, LARGE
from tests.rawclient import RawClient, Reply, Step, command, framed, query

pytestmark = pytest.mark.mysql

Connect = Callable[..., RawClient]


def ways(pair: Pair, algorithm: str, **options: Any) -> list[Connect]:
    """Compressed, to MySQL itself and through heatproxy."""
    server = pair.server
    given = {**server.login, "database": "journey", "read_timeout": 60, **options}
    places: list[dict[str, Any]] = [
        {"unix_socket": server.backend_socket},
        {"host": server.host, "port": server.port},
    ]
    return [
        lambda capabilities=0, place=place: compressed(
            algorithm, capabilities, **place, **given
        )
        for place in places
    ]


@pytest.fixture(params=["zlib", "zstd"])
def algorithm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("steps", CONVERSATIONS.values(), ids=CONVERSATIONS)
@pytest.mark.parametrize(("algorithm", "client"), [("zlib", "new"), ("zstd", "old")])
def test_a_conversation_is_the_same_as_with_mysql_itself(
    pair: Pair, steps: list[Step], algorithm: str, client: str
) -> None:
    direct, proxied = talks(pair, algorithm, CLIENTS[client], steps)
    for step, expected, got in zip(steps, direct, proxied, strict=True):
        if step.same:
            assert got == expected, step
        else:
            assert len(got) == len(expected), step


def talks(
    pair: Pair, algorithm: str, capabilities: int, steps: list[Step]
) -> list[list[list[bytes]]]:
    """Payloads only: of packets in envelopes nobody looks at the numbers."""
    held = []
    for connect in ways(pair, algorithm):
        pair.fresh_schema()
        with connect(capabilities) as client:
            answers = [client.run(step) for step in steps]
            held.append([[packet.payload for packet in got] for got in answers])
    return held


@pytest.mark.parametrize("steps", LARGE.values(), ids=LARGE)
def test_large_packets_are_the_same_as_with_mysql_itself(
    pair: Pair, steps: list[Step]
) -> None:
    direct, proxied = talks(pair, "zstd", CLIENTS["new"], steps)
    assert [[zlib.crc32(b) for b in got] for got in proxied] == [
        [zlib.crc32(b) for b in got] for got in direct
    ]


def test_the_connection_is_compressed(pair: Pair, algorithm: str) -> None:
    _, proxied = ways(pair, algorithm)
    with proxied() as client:
        over: socket.socket = client.socket.over  # type: ignore[attr-defined]
        client.socket.sendall(framed(b"\x03SELECT REPEAT('x', 1000000)"))
        assert len(over.recv(1 << 20)) < 60_000


def test_an_answer_of_heatproxys_own_is_compressed(pair: Pair, algorithm: str) -> None:
    _, proxied = ways(pair, algorithm)
    with proxied(CLIENTS["new"]) as client, pair.proxied(CLIENTS["new"]) as plain:
        for sql in ("CALL sys.ML_TRAIN('a.b', 'c')", "CALL sys.NL2ML()", "SELECT 1"):
            expected = [packet.payload for packet in plain.query(sql)]
            assert [packet.payload for packet in client.query(sql)] == expected


@pytest.mark.parametrize("piece", [1, 7, 60])
def test_a_packet_may_be_spread_over_envelopes(
    pair: Pair, algorithm: str, piece: int
) -> None:
    steps = [
        *(query(TABLE), query(ROWS), query("SELECT * FROM t")),
        query("LOAD DATA LOCAL INFILE 'x' INTO TABLE t", file=[b"9\ta\t2\n"] * 3),
        query("SELECT 'ml_predict_row', 1"),
        query("SELECT REPEAT('x', 100)"),
    ]
    expected, _ = pair.talks(CLIENTS["new"], steps)
    pair.fresh_schema()
    _, proxied = ways(pair, algorithm)
    with proxied(CLIENTS["new"]) as client:
        client.socket.piece = piece  # type: ignore[attr-defined]
        got = [client.run(step) for step in steps]
    assert [[packet.payload for packet in answer] for answer in got] == [
        [packet.payload for packet in answer] for answer in expected
    ]


def test_a_file_behind_a_result_is_loaded(pair: Pair, algorithm: str) -> None:
    """Of packets and envelopes the numbers differ by then."""
    steps = [
        query(TABLE),
        query(
            "SELECT REPEAT('x', 3000) FROM mysql.user u, mysql.user v;"
            " LOAD DATA LOCAL INFILE 'x' INTO TABLE t; SELECT COUNT(*) FROM t",
            file=[f"{n}\tline\t1\n".encode() for n in range(1, 700)],
        ),
    ]
    direct, proxied = talks(pair, algorithm, CLIENTS["new"], steps)
    assert proxied == direct
    assert b"\x03699" in proxied[1]


def test_a_change_of_user_is_compressed_too(pair: Pair, algorithm: str) -> None:
    pair.admin("CREATE USER IF NOT EXISTS journey_plain")
    change = b"\x11journey_plain\0\0\0\xff\0caching_sha2_password\0\0"
    for connect in ways(pair, algorithm):
        with connect() as client:
            client.socket.sendall(framed(change))
            [switch] = client.read(command(0, reply=Reply.ONE_PACKET))
            assert switch.payload[0] == 0xFE
            client.socket.sendall(framed(b"", 2))
            [welcome] = client.read(command(0, reply=Reply.ONE_PACKET))
            assert welcome.payload[0] == 0
            rows = client.query("SELECT CURRENT_USER()")
            assert rows[-2].payload.endswith(b"journey_plain@%")


def test_a_session_that_is_idle_too_long_hears_why(pair: Pair, algorithm: str) -> None:
    endings = []
    for connect in ways(pair, algorithm):
        with connect(CLIENTS["new"]) as idle:
            idle.query("SET wait_timeout = 1")
            got = idle.read(command(0, reply=Reply.CLOSED))
            endings.append([packet.payload for packet in got])
    assert endings[1] == endings[0]


@pytest.mark.parametrize("level", [0, 23, 99])
def test_a_level_that_zstd_has_not_is_refused(pair: Pair, level: int) -> None:
    refusals = []
    server = pair.server
    for place in (
        {"unix_socket": server.backend_socket},
        {"host": server.host, "port": server.port},
    ):
        with pytest.raises(Exception, match="Invalid zstd compression level") as why:
            compressed("zstd", level=level, **place, **server.login)
        refusals.append(why.value.args)
    assert refusals[1] == refusals[0]


def test_compression_is_agreed_on_as_the_setting_says(tmp_path: Path) -> None:
    running = Running(tmp_path / "d", HEATPROXY_COMPRESSION_ALGORITHMS="zstd")
    try:
        server = running.server
        for algorithms, error in (
            ("zlib", "2066"),
            ("uncompressed", "3922"),
            ("zlib,zstd", ""),
        ):
            result = client_program(server, algorithms, "SELECT 7")
            assert error in result.stderr
            assert result.stdout == ("" if error else "7\n"), result.stderr
    finally:
        running.stop()


def client_program(
    server: Server, algorithms: str, script: str, *more: str
) -> "subprocess.CompletedProcess[str]":
    command = packages.client_command(packages.cache_dir(), Lines(sys.stderr))
    return subprocess.run(
        [
            *(*command, f"--defaults-file={server.client_cnf}", "-N"),
            *("--get-server-public-key", f"--compression-algorithms={algorithms}"),
            *more,
        ],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("tls", ["DISABLED", "REQUIRED"])
@pytest.mark.parametrize("algorithms", ["zlib", "zstd", "zstd,zlib,uncompressed"])
def test_the_client_program_compresses(
    pair: Pair, tmp_path: Path, algorithms: str, tls: str
) -> None:
    pair.fresh_schema()
    file = tmp_path / "lines"
    chance = random.Random(8)  # noqa: S311
    lines = [f"{n}\t{chance.randbytes(n % 90).hex()}\n" for n in range(20_000)]
    file.write_text("".join(lines))
    script = (
        "USE journey; CREATE TABLE t (a INT, b TEXT);\n"
        f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE t;\n"
        "SELECT * FROM t ORDER BY a;\n"
    )
    more = ("--local-infile=1", "--zstd-compression-level=9", f"--ssl-mode={tls}")
    result = client_program(pair.server, algorithms, script, *more)
    assert result.stderr == ""
    assert result.stdout == "".join(lines)


def test_connector_python_compresses(pair: Pair) -> None:
    with mysql.connector.connect(
        host=pair.server.host,
        port=pair.server.port,
        **pair.server.login,
        use_pure=True,
        ssl_disabled=True,
        compress=True,
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT REPEAT('x', 18000000), 'ä'")
        [(long, short)] = cursor.fetchall()
        assert (len(long), short) == (18_000_000, "ä")
        cursor.execute("SELECT LENGTH(%s)", ("y" * 18_000_000,))
        assert cursor.fetchall() == [(18_000_000,)]
        cursor.execute("SELECT LENGTH(%s)", ("y" * 3,))
        assert cursor.fetchall() == [(3,)]


def test_malformed_envelopes_end_the_session_that_sent_them(
    pair: Pair, algorithm: str
) -> None:
    """A few hundred over a socket; thousands without one are in tests/wire."""
    chance = random.Random(4)  # noqa: S311
    _, proxied = ways(pair, algorithm)
    whole = framed(b"\x03SELECT 1, 'x' /*" + b"x" * 100 + b"*/")
    for _ in range(150):
        with proxied() as client:
            envelopes: Any = client.socket
            data = bytearray(envelopes._envelope(whole))
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            envelopes.over.sendall(data)
            envelopes.over.shutdown(socket.SHUT_WR)
            while envelopes.over.recv(1 << 16):
                pass
    with proxied() as client:
        assert client.query("SELECT 5")[-2].payload == b"\x015"


def test_flags_of_compression_do_not_reach_the_backend(pair: Pair) -> None:
    """Its connection is not compressed, which is what its status says of it."""
    for algorithm in FLAGS:
        _, proxied = ways(pair, algorithm)
        with proxied() as client:
            rows = client.query("SHOW STATUS LIKE 'Compression'")
            assert rows[-2].payload == b"\x0bCompression\x03OFF"
