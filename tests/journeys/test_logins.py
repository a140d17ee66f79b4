"""Who may come in is MySQL's to say: through heatproxy it says the same."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import mysql.connector
import pymysql
import pytest
from pymysql import _auth

from heatproxy.backend import packages
from heatproxy.backend.progress import Lines
from heatproxy.wire.packets import PacketReader
from tests.journeys.conftest import Pair
from tests.journeys.test_transparency import CLIENTS
from tests.rawclient import Packet, RawClient, Reply, command, framed

pytestmark = pytest.mark.mysql

PASSWORD = "pass wörd"
EXPIRED_PASSWORDS, SSL = 1 << 22, 1 << 11
ACCOUNTS = {
    "journey_sha2": f"IDENTIFIED BY '{PASSWORD}'",
    "journey_empty": "",
    "journey_locked": f"IDENTIFIED BY '{PASSWORD}' ACCOUNT LOCK",
    "journey_expired": f"IDENTIFIED BY '{PASSWORD}' PASSWORD EXPIRE",
    "journey_tls": f"IDENTIFIED BY '{PASSWORD}' REQUIRE SSL",
    "journey_nothing": f"IDENTIFIED BY '{PASSWORD}'",
    "journey_one": "IDENTIFIED BY 'x' WITH MAX_USER_CONNECTIONS 1",
}
PLUGINS = {
    "journey_native": "mysql_native_password",
    "journey_sha256": "sha256_password",
}


@pytest.fixture(scope="module", autouse=True)
def accounts(pair: Pair) -> Iterator[None]:
    """The accounts above; those of PLUGINS where the server has the plugin."""
    active = {row[0] for row in pair.admin("SHOW PLUGINS") if row[1] == "ACTIVE"}
    how = {
        **ACCOUNTS,
        **{
            name: f"IDENTIFIED WITH {plugin} BY '{PASSWORD}'"
            for name, plugin in PLUGINS.items()
            if plugin in active
        },
    }
    for name, identified in how.items():
        pair.admin(f"DROP USER IF EXISTS {name}")
        pair.admin(f"CREATE USER {name} {identified}")
    yield
    for name in how:
        pair.admin(f"DROP USER {name}")


def outcome(pair: Pair, way: int, capabilities: int = 0, **options: Any) -> object:
    """Who one is after a login, or the error."""
    try:
        with pair.ways[way](capabilities, **options) as client:
            # a session in the sandbox of an expired password may ask nothing
            return client.query("SELECT CURRENT_USER(), DATABASE(), 'ml_predict_row'")
    except pymysql.MySQLError as refusal:
        return type(refusal), refusal.args


LOGINS: dict[str, dict[str, Any]] = {
    "the right password": {"user": "journey_sha2", "password": PASSWORD.encode()},
    "a wrong password": {"user": "journey_sha2", "password": "wrong"},
    "no password": {"user": "journey_sha2", "password": ""},
    "an account without a password": {"user": "journey_empty", "password": ""},
    "a password where there is none": {"user": "journey_empty", "password": "x"},
    "an unknown user": {"user": "journey_unknown", "password": "x"},
    "an unknown user of a unicode name": {"user": "ünknöwn 日", "password": "x"},
    "a locked account": {"user": "journey_locked", "password": PASSWORD.encode()},
    "an expired password": {"user": "journey_expired", "password": PASSWORD.encode()},
    "an account that requires TLS": {
        "user": "journey_tls",
        "password": PASSWORD.encode(),
    },
    "a schema one may not use": {
        "user": "journey_nothing",
        "password": PASSWORD.encode(),
        "database": "mysql",
    },
    "root, who is locked": {"user": "root", "password": ""},
    "a plugin of old": {"user": "journey_native", "password": PASSWORD.encode()},
    "a plugin of old, wrong password": {"user": "journey_native", "password": "x"},
    "sha256_password, wrong password": {"user": "journey_sha256", "password": "x"},
}


@pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
@pytest.mark.parametrize("client", ["old", "new"])
@pytest.mark.parametrize("login", LOGINS.values(), ids=LOGINS)
def test_a_login_ends_as_with_mysql_itself(
    pair: Pair, login: dict[str, Any], client: str, cold: bool
) -> None:
    login = {"database": None, **login}
    outcomes = []
    for way in (0, 1):
        if cold:  # no password is cached: the whole of it must be sent
            pair.admin("FLUSH PRIVILEGES")
        else:
            outcome(pair, 0, **login)
        outcomes.append(outcome(pair, way, CLIENTS[client], **login))
    assert outcomes[1] == outcomes[0]


@pytest.mark.parametrize("name", ["journey_sha2", "journey_sha256"])
def test_the_right_password_comes_in(pair: Pair, name: str) -> None:
    login = {"user": name, "password": PASSWORD.encode(), "database": None}
    pair.admin("FLUSH PRIVILEGES")
    for _ in ("cold", "warm"):
        packets = outcome(pair, 1, **login)
        assert isinstance(packets, list), packets
        assert f"{name}@%".encode() in packets[-2].payload


@pytest.mark.parametrize("schema", ["nowhere", "naïve 日", "", "mysql"])
def test_a_login_may_name_a_schema(pair: Pair, schema: str) -> None:
    outcomes = [outcome(pair, way, database=schema) for way in (0, 1)]
    assert outcomes[1] == outcomes[0]


def test_an_expired_password_can_be_changed(pair: Pair) -> None:
    login = {"user": "journey_expired", "password": PASSWORD.encode(), "database": None}
    talks = []
    for connect in pair.ways:
        pair.admin("ALTER USER journey_expired PASSWORD EXPIRE")
        with connect(CLIENTS["new"] | EXPIRED_PASSWORDS, **login) as client:
            change = f"ALTER USER USER() IDENTIFIED BY '{PASSWORD}'"
            steps = ("SELECT 'ml_predict_row'", "SELECT 1", change, "SELECT 2")
            talks.append([client.query(step) for step in steps])
    assert talks[1] == talks[0]
    assert talks[0][0][0].payload[1:3] == (1820).to_bytes(2, "little")


def test_too_many_sessions_of_one_account(pair: Pair) -> None:
    login = {"user": "journey_one", "password": "x", "database": None}
    outcomes = []
    for way in (0, 1):
        with pair.ways[way](**login) as first:
            outcomes.append(outcome(pair, way, **login))
        pair.wait_until_gone(first.thread_id)
    assert outcomes[1] == outcomes[0]
    assert "max_user_connections" in str(outcomes[0])


def test_too_many_connections(pair: Pair) -> None:
    (before,) = pair.admin("SELECT @@max_connections")[0]
    held = [pair.direct() for _ in range(12)]
    pair.admin("SET GLOBAL max_connections = 10")
    try:
        first, second = (
            everything(direct_socket(pair)),
            everything(proxied_socket(pair)),
        )
    finally:
        pair.admin(f"SET GLOBAL max_connections = {before}")
        for client in held:
            client.close()
    assert second == first
    assert b"Too many connections" in first


def direct_socket(pair: Pair) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.connect(pair.server.backend_socket)
    return made


def proxied_socket(pair: Pair) -> socket.socket:
    return socket.create_connection((pair.server.host, pair.server.port))


def everything(connection: socket.socket) -> bytes:
    """All that comes until the connection ends."""
    with connection:
        connection.settimeout(60)
        data = b""
        while more := connection.recv(1 << 16):
            data += more
        return data


@dataclass(frozen=True)
class Greeting:
    """The greeting a bare socket gets, as far as an answer needs it."""

    capabilities: int
    scramble: bytes

    @classmethod
    def read(cls, connection: socket.socket) -> "Greeting":
        header = connection.recv(4, socket.MSG_WAITALL)
        size = int.from_bytes(header[:3], "little")
        payload = connection.recv(size, socket.MSG_WAITALL)
        at = payload.index(0) + 5
        low, high = payload[at + 9 : at + 11], payload[at + 14 : at + 16]
        scramble = payload[at : at + 8] + payload[at + 27 : at + 39]
        return cls(int.from_bytes(low + high, "little"), scramble)


def hello(capabilities: int, user: bytes, answer: bytes, plugin: bytes) -> bytes:
    """A HandshakeResponse41."""
    head = capabilities.to_bytes(4, "little") + b"\0\0\0\x40\x2d" + b"\0" * 23
    return head + user + b"\0" + bytes([len(answer)]) + answer + plugin + b"\0"


BASIC = (1 << 0) | (1 << 9) | (1 << 15) | (1 << 19)  # protocol 4.1, plugins


def test_the_greeting_offers_what_mysqls_does(pair: Pair) -> None:
    with direct_socket(pair) as direct, proxied_socket(pair) as proxied:
        offered = Greeting.read(direct).capabilities
        relayed = Greeting.read(proxied).capabilities
    assert relayed == offered


def test_a_client_that_asks_for_tls_and_begins_none_is_not_heard(pair: Pair) -> None:
    """Its plain response, even in the same segment, is not a login."""
    with proxied_socket(pair) as connection:
        scramble = Greeting.read(connection).scramble
        request = (BASIC | SSL).to_bytes(4, "little") + b"\0\0\0\x40\x2d" + b"\0" * 23
        password = pair.server.login["password"].encode()
        right = _auth.scramble_caching_sha2(password, scramble)
        response = hello(BASIC | SSL, b"admin", right, b"caching_sha2_password")
        connection.sendall(framed(request, 1) + framed(response, 2))
        answer = everything(connection)
    # nothing, or TLS's own alert; no packet of MySQL's
    assert answer[:2] in (b"", b"\x15\x03")
    assert b"caching" not in answer


def test_a_refused_client_is_not_listened_to(pair: Pair) -> None:
    """The statement is sent together with the wrong password, and behind it."""
    with proxied_socket(pair) as connection:
        scramble = Greeting.read(connection).scramble
        wrong = _auth.scramble_caching_sha2(b"wrong", scramble)
        refused = hello(BASIC, b"admin", wrong, b"caching_sha2_password")
        statement = framed(b"\x03CREATE DATABASE journey_intruder")
        connection.sendall(framed(refused, 1) + statement + statement)
        answer = everything(connection)
    *before, last = PacketReader().feed(answer)
    assert last[0] == 0xFF
    assert before in ([], [b"\x01\x04"])  # which asked for the whole password
    assert pair.admin("SHOW DATABASES LIKE 'journey_intruder'") == ()


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        framed(b"", 1),
        framed(b"\xff" * 40, 1),
        framed(BASIC.to_bytes(4, "little") + b"\0" * 28 + b"no end", 1),
        framed(b"x" * (2 << 20), 1),
    ],
    ids=["http", "tls", "empty", "no length fits", "no end", "two megabytes"],
)
def test_what_is_no_login_ends_the_connection(pair: Pair, garbage: bytes) -> None:
    with proxied_socket(pair) as connection:
        Greeting.read(connection)
        try:
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            everything(connection)
        except OSError:  # it has been closed already
            pass
    assert isinstance(outcome(pair, 1), list)  # others are still served


@pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
@pytest.mark.parametrize("client", ["old", "new"])
def test_change_user(pair: Pair, client: str, cold: bool) -> None:
    talks = []
    for connect in pair.ways:
        if cold:
            pair.admin("FLUSH PRIVILEGES")
        with connect(CLIENTS[client]) as session:
            talk = [
                session.query("SET @x = 1, sql_mode = 'NO_BACKSLASH_ESCAPES'"),
                change_user(session, "journey_sha2", PASSWORD),
                session.query("SELECT CURRENT_USER(), @x, 'ml_predict_row'"),
                change_user(session, "journey_empty", ""),
                session.query("SELECT CURRENT_USER()"),
                change_user(session, "journey_sha2", "wrong"),
                session.read(command(0, reply=Reply.CLOSED)),
            ]
            talks.append(talk)
    assert talks[1] == talks[0]
    assert b"journey_sha2@%" in talks[0][2][-2].payload


def change_user(session: RawClient, user: str, password: str) -> list[Packet]:
    """COM_CHANGE_USER: its last packet, sequence id left out."""
    plugin = b"caching_sha2_password"
    no_attributes = b"\0"
    body = user.encode() + b"\0\0\0\x2d\0" + plugin + b"\0" + no_attributes
    session.socket.sendall(framed(b"\x11" + body))
    secret, scramble = password.encode(), b""
    packets: list[Packet] = []
    while (payload := session.packet(packets))[0] not in (0x00, 0xFF):
        answer = None
        if payload[0] == 0xFE:
            scramble = payload[1:].partition(b"\0")[2][:20]
            answer = _auth.scramble_caching_sha2(secret, scramble)
        elif payload == b"\x01\x04" and session.login.unix_socket:
            answer = secret + b"\0"
        elif payload == b"\x01\x04":
            answer = b"\x02"  # the key, please
        elif payload[:2] == b"\x01-":
            answer = _auth.sha2_rsa_encrypt(secret, scramble, payload[1:])
        if answer is not None:
            session.socket.sendall(framed(answer, packets[-1].sequence_id + 1))
    return [Packet(0, packets[-1].payload)]


def mysql_client(
    pair: Pair, *arguments: str, user: str = "journey_sha2"
) -> subprocess.CompletedProcess[str]:
    """The mysql program, over TCP."""
    program = packages.client_command(packages.cache_dir(), Lines(sys.stderr))
    where = [f"--host={pair.server.host}", f"--port={pair.server.port}"]
    return subprocess.run(
        [
            *(*program, "--no-defaults", *where, "--protocol=tcp"),
            *("--default-character-set=utf8mb4", f"--user={user}"),
            *(f"--password={PASSWORD}", "-Ne", "SELECT CURRENT_USER()", *arguments),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_client_program_asks_for_the_key(pair: Pair) -> None:
    pair.admin("FLUSH PRIVILEGES")
    plain = "--ssl-mode=DISABLED"
    assert "2061" in mysql_client(pair, plain).stderr  # as MySQL's own without TLS
    asked = mysql_client(pair, plain, "--get-server-public-key")
    assert asked.stdout == "journey_sha2@%\n", asked.stderr
    assert mysql_client(pair, plain).stdout == "journey_sha2@%\n"  # it is cached now


def test_the_client_program_may_have_the_key_already(pair: Pair) -> None:
    pair.admin("FLUSH PRIVILEGES")
    key = pair.server.data_dir / "tls" / "public_key.pem"
    known = mysql_client(pair, "--ssl-mode=DISABLED", f"--server-public-key-path={key}")
    assert known.stdout == "journey_sha2@%\n", known.stderr


@pytest.mark.parametrize("user", ["journey_sha2", "journey_sha256"])
def test_the_client_program_may_begin_with_another_plugin(
    pair: Pair, user: str
) -> None:
    pair.admin("FLUSH PRIVILEGES")
    arguments = ("--default-auth=sha256_password", "--get-server-public-key")
    for mode in ("DISABLED", "REQUIRED"):
        asked = mysql_client(pair, *arguments, f"--ssl-mode={mode}", user=user)
        assert asked.stdout == f"{user}@%\n", asked.stderr


def test_a_driver_logs_in_without_a_cached_password(pair: Pair) -> None:
    pair.admin("FLUSH PRIVILEGES")
    connection = mysql.connector.connect(
        host=pair.server.host,
        port=pair.server.port,
        user="journey_sha2",
        password=PASSWORD,
        use_pure=True,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_USER()")
        assert cursor.fetchall() == [("journey_sha2@%",)]
        connection.cmd_change_user("journey_empty", "", "")
        cursor.execute("SELECT CURRENT_USER()")
        assert cursor.fetchall() == [("journey_empty@%",)]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_what_mysql_says_before_it_hangs_up_arrives(pair: Pair, tls: bool) -> None:
    """And the end of TLS after it, without which it might have been cut off."""
    heard = []
    for connect in (pair.server.connect_backend, pair.server.connect):
        connection = connect(ssl_disabled=not tls)
        connection.query("SET wait_timeout = 1")
        session: Any = connection._sock
        session.settimeout(60)
        if tls:  # mysqld itself leaves it out
            session.suppress_ragged_eofs = connect == pair.server.connect_backend
        said = b""
        while more := session.recv(1 << 16):
            said += more
        heard.append(said)
        connection._force_close()
    assert heard[1] == heard[0]
    assert b"inactivity" in heard[0]
