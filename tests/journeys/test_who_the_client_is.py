"""A client from elsewhere stays one: no ``@localhost`` account is within its reach."""

import getpass
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import mysql.connector
import pymysql
import pytest
from pymysql import _auth

from heatproxy.backend.credentials import read_option_file
from heatproxy.errors import insecure_transport
from heatproxy.wire.packets import PacketReader
from tests.conftest import Running, Server, free_port
from tests.journeys.test_auth_matrix import port_of, run, without_host
from tests.journeys.test_logins import BASIC, Greeting, hello
from tests.rawclient import framed

pytestmark = pytest.mark.mysql

ACCOUNTS = {
    "'who_local'@'localhost'": "who_local",
    "'who_loopback'@'127.0.0.1'": "who_loopback",
    "'who_six'@'::1'": "who_six",
    "'who_any'@'%'": "who_any",
}
USERS = tuple(ACCOUNTS.values())
HERE, DENIED = "127.0.0.1", 1045
MULTI_FACTOR = 1 << 28


@pytest.fixture(scope="module", autouse=True)
def accounts(server: Server, open_server: Server) -> Iterator[None]:
    for each in (server, open_server):
        for account in ACCOUNTS:
            run(
                each,
                f"DROP USER IF EXISTS {account}",
                f"CREATE USER {account} IDENTIFIED BY 'x'",
                f"GRANT ALL ON *.* TO {account} WITH GRANT OPTION",
            )
    yield
    for each in (server, open_server):
        run(each, *(f"DROP USER {account}" for account in ACCOUNTS))


def who(host: str, port: int, user: str, **options: Any) -> str | int:
    """Who one is through heatproxy, or the error's number."""
    given = {"user": user, "password": "x", **options}
    try:
        connection = pymysql.connect(host=host, port=port, **given)
    except pymysql.MySQLError as refused:
        return int(refused.args[0])
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_USER()")
        return str(cursor.fetchall()[0][0])


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_client_from_elsewhere_is_none_from_here(
    open_server: Server, tls: bool
) -> None:
    found = {
        user: who(HERE, open_server.port, user, ssl_disabled=not tls) for user in USERS
    }
    assert found == {
        "who_local": DENIED,
        "who_loopback": DENIED,
        "who_six": DENIED,
        "who_any": "who_any@%",
    }


def test_nor_is_it_after_a_change_of_user(open_server: Server) -> None:
    connection = mysql.connector.connect(
        host="127.0.0.1",
        port=open_server.port,
        user="who_any",
        password="x",
        use_pure=True,
    )
    with pytest.raises(mysql.connector.Error) as refused:
        connection.cmd_change_user("who_local", "x", "")
    assert refused.value.errno == DENIED
    connection.shutdown()


def test_heatproxys_own_account_is_not_reached_from_elsewhere(
    open_server: Server,
) -> None:
    own = read_option_file(open_server.data_dir / "service.cnf")
    assert who(HERE, open_server.port, own.user, password=own.password) == DENIED


def test_a_client_that_can_only_be_local_is_so(server: Server) -> None:
    found = {user: who(HERE, server.port, user) for user in USERS}
    assert found["who_local"] == "who_local@localhost"
    assert found["who_any"] == "who_any@%"


def test_a_backend_given_by_url_is_no_other(
    open_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Its name stands for 127.0.0.1, from which MySQL would call anybody local."""
    listen, host = ("[::]", "::1") if has_ipv6() else ("0.0.0.0", HERE)  # noqa: S104
    admin, port = open_server.login, free_port()
    url = (
        f"mysql://{admin['user']}:{admin['password']}@localhost:{port_of(open_server)}"
    )
    running = Running(
        tmp_path_factory.mktemp("who"),
        *("--listen", f"{listen}:{port}"),
        HEATPROXY_BACKEND=url,
    )
    try:
        assert running.ready_line, "heatproxy did not start"
        found = {user: who(host, port, user) for user in USERS}
    finally:
        running.stop()
    assert found["who_any"] == "who_any@%"
    assert {found[user] for user in USERS if user != "who_any"} == {DENIED}


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_nobody_is_whom_heatproxy_runs_as(server: Server) -> None:
    """auth_socket asks the kernel who is at the other end: heatproxy, for everybody."""
    connection = server.connect_backend()
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'")
        try:
            with pytest.raises(pymysql.MySQLError, match="not loaded"):
                cursor.execute(
                    f"CREATE USER '{getpass.getuser()}'@'%' IDENTIFIED WITH auth_socket"
                )
        finally:
            cursor.execute("UNINSTALL PLUGIN auth_socket")


def test_a_second_factor_counts_with_the_first(open_server: Server) -> None:
    """The only one that community MySQL has is auth_socket, which TCP never satisfies.

    It asks the client nothing; for one that does see wire/test_authentication.
    """
    connection = open_server.connect_backend()
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'")
        cursor.execute("SELECT @@global.authentication_policy")
        (before,) = cursor.fetchall()[0]
        cursor.execute("SET GLOBAL authentication_policy = '*,*,'")
        try:
            cursor.execute(
                "CREATE USER who_mfa IDENTIFIED BY 'x'"
                " AND IDENTIFIED WITH auth_socket AS 'nobody'"
            )
            backend = port_of(open_server)
            first, *talks = [  # the first has its password cached
                second_factor(socket.create_connection((HERE, port)))
                for port in (backend, backend, open_server.port)
            ]
        finally:
            cursor.execute("DROP USER IF EXISTS who_mfa")
            cursor.execute("SET GLOBAL authentication_policy = %s", (before,))
            cursor.execute("UNINSTALL PLUGIN auth_socket")
    assert [first[0], talks[0][0]] == ["\x01\x04", "\x01\x03"]  # it had to be known
    assert talks[1] == talks[0]


def second_factor(connection: socket.socket) -> list[str]:
    """What the server says to a client that knows the first factor."""
    heard: list[str] = []
    reader, secret = PacketReader(), b"x"
    with connection:
        connection.settimeout(30)
        scramble = Greeting.read(connection).scramble
        answer = _auth.scramble_caching_sha2(secret, scramble)
        plugin = b"caching_sha2_password"
        said = hello(BASIC | MULTI_FACTOR, b"who_mfa", answer, plugin)
        connection.sendall(framed(said, 1))
        while data := connection.recv(1 << 16):
            for payload in reader.feed(data):
                if payload[:2] == b"\x01-":  # the key, which is each server's own
                    reply = _auth.sha2_rsa_encrypt(secret, scramble, payload[1:])
                else:
                    heard.append(without_host(payload.decode("latin-1")))
                    reply = b"\x02" if payload == b"\x01\x04" else None
                if reply is not None:
                    connection.sendall(framed(reply, reader.sequence_id + 1))
    return heard


def test_a_transport_that_is_not_secure_is_refused_as_mysql_does(
    open_server: Server,
) -> None:
    refusal = insecure_transport()
    run(open_server, "SET GLOBAL require_secure_transport = ON")
    try:
        for port in (port_of(open_server), open_server.port):
            plain = {"user": "who_any", "password": "x", "ssl_disabled": True}
            with pytest.raises(pymysql.MySQLError) as refused:
                pymysql.connect(host=HERE, port=port, **plain)
            assert refused.value.args == (refusal.number, refusal.message)
            assert who(HERE, port, "who_any") == "who_any@%"  # with TLS
    finally:
        run(open_server, "SET GLOBAL require_secure_transport = OFF")
