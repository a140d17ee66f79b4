"""What a client sends before its turn waits for it, and is obeyed only when let in.

A client also may speak another protocol, or commands of no sense: the same bytes come
back as from MySQL itself, and the session ends where MySQL's would.
"""

import contextlib
import socket
import struct

import pytest

from tests.journeys.conftest import Pair
from tests.rawclient import (
    DEPRECATE_EOF,
    MAX_FRAME,
    Packet,
    RawClient,
    Reply,
    command,
    framed,
    query,
)

pytestmark = pytest.mark.mysql

BASIC = 1 | 1 << 9 | 1 << 15 | 1 << 16 | 1 << 19 | DEPRECATE_EOF
NATIVE, SHA2 = b"mysql_native_password", b"caching_sha2_password"
QUIT = framed(b"\x01")


def hello(
    user: bytes = b"journey_plain", answer: bytes = b"", plugin: bytes = SHA2
) -> bytes:
    head = struct.pack("<IIB", BASIC, 1 << 24, 255) + bytes(23) + user + b"\0"
    return head + bytes([len(answer)]) + answer + plugin + b"\0"


def change(user: bytes = b"journey_plain", schema: bytes = b"") -> bytes:
    return b"\x11" + user + b"\0\0" + schema + b"\0\xff\0" + SHA2 + b"\0"


def say(number: int) -> bytes:
    return framed(b"\x03SELECT %d" % number)


LET_IN = framed(hello(), 1)
SWITCHED = framed(hello(answer=b"x" * 20, plugin=NATIVE), 1)
AT_THE_DOOR = {
    "a statement": LET_IN + say(1) + QUIT,
    "statements": LET_IN + say(1) + say(2) + framed(b"\x0e") + QUIT,
    "one that may be heatproxy's": LET_IN
    + framed(b"\x03SELECT 'ml_predict_row'")
    + QUIT,
    "a statement behind a wrong password": framed(hello(answer=b"x" * 32), 1) + say(1),
    "a statement behind a wrong user": (
        framed(hello(b"journey_locked", b"x" * 32), 1) + say(1) + QUIT
    ),
    "a statement where another answer is asked for": SWITCHED + say(1),
    "the answer before it is asked for, and a statement": (
        SWITCHED + framed(b"", 3) + say(1) + QUIT
    ),
    "a response out of order": framed(hello(), 0),
    "a response far out of order": framed(hello(), 7),
    "an empty response": framed(b"", 1),
    "a short response": framed(hello()[:31], 1),
    "a response without a user": framed(hello()[:32], 1),
    "a user without an end": framed(hello()[:32] + b"abc", 1),
    "X protocol: what can you do": struct.pack("<IB", 1, 1),
    "X protocol: let us use TLS": struct.pack("<IB", 19, 2)
    + bytes.fromhex("0a100a0e0a03746c73120708011203380101"),
    "X protocol: authenticate": struct.pack("<IB", 9, 4) + b"\x0a\x06MYSQL4",
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + b"x" * 200_000,
    "TLS at once": bytes.fromhex("1603010200010001fc0303") + b"x" * 505,
}


@pytest.fixture(scope="module", autouse=True)
def _accounts(pair: Pair) -> None:
    pair.admin("CREATE USER IF NOT EXISTS journey_plain")
    pair.admin("CREATE USER IF NOT EXISTS journey_locked ACCOUNT LOCK")


def doors(pair: Pair) -> list[socket.socket]:
    """A connection to MySQL itself and one to heatproxy, without a word said."""
    direct = socket.socket(socket.AF_UNIX)
    direct.connect(pair.server.backend_socket)
    proxied = socket.create_connection((pair.server.host, pair.server.port))
    proxied.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for door in (direct, proxied):
        door.settimeout(60)
    return [direct, proxied]


def heard(door: socket.socket) -> list[Packet]:
    """All packets until the connection ends, scrambles left out."""
    data = b""
    try:
        while part := door.recv(1 << 16):
            data += part
    except ConnectionError:
        pass
    packets = []
    while data:
        end = 4 + int.from_bytes(data[:3], "little")
        payload = data[4:end]
        if payload[:1] == b"\xfe" and SHA2 in payload:
            payload = payload[: 2 + len(SHA2)]
        if payload[:1] == b"\x0a":
            payload = b"a greeting"
        if payload[:3] == b"\xff\x13\x04":  # Bad handshake: ours says why
            payload = payload[:9]
        packets.append(Packet(data[3], payload))
        data = data[end:]
    return packets


@pytest.mark.parametrize("pieces", ["at once", "one by one", "before the greeting"])
@pytest.mark.parametrize("sent", AT_THE_DOOR.values(), ids=AT_THE_DOOR)
def test_what_is_sent_at_the_door_is_answered_as_by_mysql(
    pair: Pair, sent: bytes, pieces: str
) -> None:
    answers = []
    for door in doors(pair):
        with door:
            if pieces != "before the greeting":
                greeting = door.recv(4, socket.MSG_WAITALL)
                length = int.from_bytes(greeting[:3], "little")
                door.recv(length, socket.MSG_WAITALL)
            size = 1 if pieces == "one by one" and len(sent) < 1000 else len(sent)
            try:
                for start in range(0, len(sent), size):
                    door.sendall(sent[start : start + size])
            except ConnectionError:
                pass  # it was refused before it was through
            answers.append(
                [p for p in heard(door) if p.payload != b"a greeting"],
            )
    assert answers[1] == answers[0]
    assert answers[0]


CHANGES = {
    "a statement": framed(change()) + say(1),
    "the answer and a statement": framed(change()) + framed(b"", 2) + say(1) + QUIT,
    "between statements": (say(1) + framed(change()) + framed(b"", 2) + say(2) + QUIT),
    "to a schema there is not": (
        framed(change(schema=b"nowhere")) + framed(b"", 2) + say(1) + QUIT
    ),
    "to an account that is locked": (
        framed(change(b"journey_locked")) + framed(b"", 2) + say(1) + QUIT
    ),
    "in an older form": framed(b"\x11journey_plain\0\0\0") + say(1) + QUIT,
    "cut off": framed(b"\x11journey") + say(1) + QUIT,
}


@pytest.mark.parametrize("sent", CHANGES.values(), ids=CHANGES)
def test_what_is_sent_behind_a_change_of_user_is_answered_as_by_mysql(
    pair: Pair, sent: bytes
) -> None:
    answers = []
    for door in doors(pair):
        with door:
            door.sendall(LET_IN + sent)
            answers.append(
                [p for p in heard(door) if p.payload != b"a greeting"],
            )
    assert answers[1] == answers[0]
    assert len(answers[0]) > 1


OUT_OF_ORDER = {
    "a statement": framed(b"\x03SELECT 1", 5),
    "a statement that may be heatproxy's": framed(b"\x03SELECT 'ml_predict_row'", 5),
    "one behind another": say(1) + framed(b"\x03SELECT 2", 1),
}


@pytest.mark.parametrize("sent", OUT_OF_ORDER.values(), ids=OUT_OF_ORDER)
def test_a_command_out_of_order_ends_the_session(pair: Pair, sent: bytes) -> None:
    answers = []
    for connect in pair.ways:
        with connect() as client:
            client.socket.sendall(sent)
            answers.append(client.read(command(0, reply=Reply.CLOSED)))
    assert answers[1] == answers[0]
    assert answers[0][-2].payload.startswith(b"\xff\x84\x04")


@pytest.mark.parametrize("kind", [b"\x03", b"\x16", b"\x18\x01\0\0\0\0\0"])
@pytest.mark.parametrize("size", [(1 << 20) - 1, 1 << 20, 9 << 20, 2 * MAX_FRAME + 5])
def test_a_packet_that_is_too_large_is_refused_in_words(
    pair: Pair, kind: bytes, size: int
) -> None:
    """MySQL closes with most of it unread, and what it said before must not be lost."""
    payload = kind + b"SELECT '" + b"x" * (size - len(kind) - 9) + b"'"
    answers = []
    for connect in pair.ways:
        pair.admin("SET GLOBAL max_allowed_packet = 1048576")
        try:
            client = connect()
        finally:
            pair.admin("SET GLOBAL max_allowed_packet = DEFAULT")
        with client:
            # of what comes next MySQL reads nothing
            with contextlib.suppress(ConnectionError):
                client.socket.sendall(framed(payload) + QUIT)
            answers.append(client.read(command(0, reply=Reply.CLOSED)))
    assert answers[1] == answers[0]
    refused = b"\xff\x81\x04" in {packet.payload[:3] for packet in answers[0]}
    assert refused == (size >= 1 << 20)


def test_a_file_is_not_asked_of_a_client_that_offers_none(pair: Pair) -> None:
    answers = []
    for connect in pair.ways:
        pair.fresh_schema()
        with connect() as client:
            client.query("CREATE TABLE t (a INT)")
            answers.append(client.query("LOAD DATA LOCAL INFILE 'x' INTO TABLE t"))
    assert answers[1] == answers[0]
    assert answers[0][0].payload.startswith(b"\xff\x6c\x0f")


def test_attributes_of_the_connection_reach_the_backend(pair: Pair) -> None:
    sql = (
        "SELECT ATTR_VALUE FROM performance_schema.session_connect_attrs WHERE"
        " PROCESSLIST_ID = CONNECTION_ID() AND ATTR_NAME = '_client_name'"
    )
    with pair.proxied() as client:
        assert client.query(sql)[-2].payload == b"\x07pymysql"


def test_multi_statements_are_toggled_in_the_middle_of_a_session(pair: Pair) -> None:
    steps = [
        query("SELECT 1; SELECT 2"),
        command(0x1B, b"\x00\x00"),
        query("SELECT 1; SELECT 2"),
        command(0x1B, b"\x01\x00"),
        query("SELECT 1; SELECT 2"),
    ]
    direct, proxied = pair.talks(0, steps)
    assert proxied == direct
    assert len(direct[2]) > len(direct[0])


def low(connect: object) -> RawClient:
    assert callable(connect)
    made: RawClient = connect(user="journey_plain", password="", database=None)
    return made


# By name only: whoever may run them would shut the server down.
# Those left out have no answer, or one that is tested elsewhere.
ELSEWHERE = (0x09, 0x11, 0x12, 0x17, 0x18, 0x19, 0x1C, 0x1E, 0x21)
BY_NAME = {
    f"{number:#x}": number
    for number in (*range(0x05, 0x28), 0x40)
    if number not in ELSEWHERE
}


@pytest.mark.parametrize("number", BY_NAME.values(), ids=BY_NAME)
def test_any_command_of_somebody_without_privileges_is_answered_as_by_mysql(
    pair: Pair, number: int
) -> None:
    sent = command(number, b"\x01\x00\x00\x00", Reply.ONE_PACKET)
    answers = []
    for connect in pair.ways:
        with low(connect) as client:
            answers.append((client.run(sent), client.run(command(0x0E))))
    assert answers[1] == answers[0]
