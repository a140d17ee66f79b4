"""Accounts, clients and legs, each with each: a login ends as one at MySQL itself.

What a client hears through heatproxy is what the same client hears from MySQL itself
over TCP, with TLS or without. Only whether an account that requires TLS lets it in is
decided by the leg that the backend sees.
"""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace

import mysql.connector
import pymysql
import pytest

from tests.clients import CLIENTS, client
from tests.clients.contract import (
    Login,
    LoginRefused,
    Refusal,
    ResultSet,
    Skill,
    Statement,
    Tls,
)
from tests.conftest import Running, Server

pytestmark = pytest.mark.mysql

PASSWORD = "pass wörd 日"
ACCOUNTS = {
    "matrix_sha2": f"IDENTIFIED BY '{PASSWORD}'",
    "matrix_empty": "IDENTIFIED BY ''",
    "matrix_ssl": f"IDENTIFIED BY '{PASSWORD}' REQUIRE SSL",
    "matrix_x509": f"IDENTIFIED BY '{PASSWORD}' REQUIRE X509",
    "matrix_expired": f"IDENTIFIED BY '{PASSWORD}' PASSWORD EXPIRE",
    "matrix_locked": f"IDENTIFIED BY '{PASSWORD}' ACCOUNT LOCK",
    "matrix_sha256": f"IDENTIFIED WITH sha256_password BY '{PASSWORD}'",
    "matrix_sha256_empty": "IDENTIFIED WITH sha256_password BY ''",
    "matrix_sha256_ssl": (
        f"IDENTIFIED WITH sha256_password BY '{PASSWORD}' REQUIRE SSL"
    ),
}
EMPTY = ("matrix_empty", "matrix_sha256_empty")
# User and password: what no account has, and then every account. No unknown user: each
# server answers for it with a plugin that it draws by lot.
LOGINS = (
    ("matrix_sha2", "wrong"),
    ("matrix_sha2", ""),
    ("matrix_sha256", "wrong"),
    ("matrix_empty", "wrong"),
    *((name, "" if name in EMPTY else PASSWORD) for name in ACCOUNTS),
)
# A client that is a process of its own takes its time.
FEW = (
    ("matrix_sha2", "wrong"),
    ("matrix_sha2", PASSWORD),
    ("matrix_ssl", PASSWORD),
    ("matrix_sha256", PASSWORD),
)
IN_PROCESS = ("PyMySQL", "Connector/Python")
WHO = Statement("SELECT CURRENT_USER()")


@dataclass(frozen=True)
class Way:
    """One heatproxy, MySQL itself over TCP, and whose backend is whose.

    ``leg_tls`` is None where the backend's leg has TLS when the client's has.
    """

    proxied: Login
    direct: Login
    backend: Server
    leg_tls: bool | None


def run(server: Server, *statements: str) -> None:
    with closing(server.connect_backend()) as connection:
        for statement in statements:
            connection.query(statement)


def port_of(server: Server) -> int:
    connection = server.connect_backend()
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT @@port")
        return int(cursor.fetchall()[0][0])


MODES = {"tcp": "disabled", "tcp with tls": "required"}


@pytest.fixture(scope="module", params=["unix", *MODES])
def way(
    request: pytest.FixtureRequest,
    open_server: Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Way]:
    port = port_of(open_server)
    direct = Login("", "", port=port)
    with accounts(open_server):
        if request.param == "unix":
            server: Server = request.getfixturevalue("server")
            with accounts(server):
                yield Way(replace(direct, port=server.port), direct, server, None)
            return
        admin = open_server.login
        url = f"mysql://{admin['user']}:{admin['password']}@127.0.0.1:{port}"
        running = Running(
            tmp_path_factory.mktemp("matrix"),
            HEATPROXY_BACKEND=url,
            HEATPROXY_BACKEND_TLS_MODE=MODES[request.param],
        )
        assert running.ready_line, "heatproxy did not start"
        leg_tls = request.param != "tcp"
        yield Way(replace(direct, port=running.port), direct, open_server, leg_tls)
        running.stop()


@contextmanager
def accounts(server: Server) -> Iterator[None]:
    """The accounts above, while a block lasts."""
    drop = [f"DROP USER IF EXISTS {name}" for name in ACCOUNTS]
    create = [f"CREATE USER {name} {how}" for name, how in ACCOUNTS.items()]
    run(server, *drop, *create)
    yield
    run(server, *drop)


def without_host(text: str) -> str:
    """An error's text, whether MySQL took the client's address or its name."""
    return re.sub(r"@'(localhost|127\.0\.0\.[12])'", "@HOST", text)


def outcome(name: str, login: Login) -> str:
    """Who the client is, or how it was refused."""
    if name == "PyMySQL":  # which takes a password for Latin-1
        as_latin1 = login.password.encode().decode("latin-1")
        login = replace(login, password=as_latin1)
    try:
        ((said,),) = client(name).talk(login, [WHO])
    except LoginRefused as refused:
        said = refused.refusal
    if isinstance(said, Refusal):
        return without_host(f"{said.number} {said.text}")
    assert isinstance(said, ResultSet)
    return str(said.rows[0][0])


TWINS = {"matrix_ssl": "matrix_sha2", "matrix_sha256_ssl": "matrix_sha256"}


def with_leg(heard: "Heard", tls: bool) -> None:
    """What would have been heard if the connection had been one with TLS, or not.

    An account that requires TLS is refused without; with it, it is like another.
    """
    for user, twin in TWINS.items():
        if (twin, PASSWORD) in heard and (user, PASSWORD) in heard:
            allowed = heard[twin, PASSWORD].replace(twin, user)
            denied = f"1045 Access denied for user '{user}'@HOST (using password: YES)"
            came_in = allowed == f"{user}@%"
            heard[user, PASSWORD] = denied if came_in and not tls else allowed


Heard = dict[tuple[str, str], str]


def rounds(name: str, place: Login, server: Server, tls: Tls | None) -> list[Heard]:
    """What a client hears when no password is cached, and again when some are."""
    logins = LOGINS if name in IN_PROCESS else FEW
    run(server, "FLUSH PRIVILEGES")  # now the whole of a password must be sent
    return [
        {
            (user, password): outcome(
                name, replace(place, user=user, password=password, tls=tls)
            )
            for user, password in round_of
        }
        for round_of in (logins, logins if name in IN_PROCESS else logins[:2])
    ]


@pytest.fixture(scope="module")
def heard_directly() -> dict[tuple[str, bool], list[Heard]]:
    """What each client has heard from MySQL itself: it is asked once."""
    return {}


@pytest.mark.parametrize("tls", [None, Tls()], ids=["plain", "tls"])
@pytest.mark.parametrize("name", CLIENTS)
def test_a_login_ends_as_at_mysql(
    way: Way,
    open_server: Server,
    heard_directly: dict[tuple[str, bool], list[Heard]],
    name: str,
    tls: Tls | None,
) -> None:
    if tls is not None and Skill.TLS not in client(name).skills:
        pytest.skip("this client speaks no TLS")
    asked = name, bool(tls)
    if asked not in heard_directly:
        heard_directly[asked] = rounds(name, way.direct, open_server, tls)
    direct = deepcopy(heard_directly[asked])
    for heard in direct:
        with_leg(heard, bool(tls) if way.leg_tls is None else way.leg_tls)
    assert rounds(name, way.proxied, way.backend, tls) == direct
    assert not tls or direct[0]["matrix_sha2", PASSWORD] == "matrix_sha2@%"


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_user_is_changed_over_every_leg(
    way: Way, open_server: Server, tls: bool
) -> None:
    talks = []
    for place, server in ((way.direct, open_server), (way.proxied, way.backend)):
        run(server, "FLUSH PRIVILEGES")
        talks.append([changes(place.port, tls) for _ in ("cold", "warm")])
    assert talks[1] == talks[0]
    assert not tls or talks[0][0][:2] == ["matrix_sha2@%", "matrix_sha256@%"]


def changes(port: int, tls: bool) -> list[str]:
    """Who a session is after each COM_CHANGE_USER, until one is refused."""
    found: list[str] = []
    connection = mysql.connector.connect(
        host="127.0.0.1",
        port=port,
        user="matrix_empty",
        use_pure=True,
        ssl_disabled=not tls,
    )
    try:
        for user, password in (
            ("matrix_sha2", PASSWORD),
            *([("matrix_sha256", PASSWORD)] if tls else []),
            ("matrix_empty", ""),
            ("matrix_sha2", PASSWORD),
            ("matrix_sha2", "wrong"),
        ):
            connection.cmd_change_user(user, password, "")
            with closing(connection.cursor()) as cursor:
                cursor.execute("SELECT CURRENT_USER()")
                found.append(str(cursor.fetchall()[0][0]))
    except mysql.connector.Error as refused:
        found.append(without_host(f"{refused.errno} {refused.msg}"))
    finally:
        connection.shutdown()
    return found


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_the_backends_leg_is_as_the_settings_say(way: Way, tls: bool) -> None:
    """Seen by what MySQL itself says of the session."""
    versions = []
    leg_tls = tls if way.leg_tls is None else way.leg_tls
    for port, secure in ((way.proxied.port, tls), (way.direct.port, leg_tls)):
        connection = pymysql.connect(
            host="127.0.0.1", port=port, user="matrix_empty", ssl_disabled=not secure
        )
        with closing(connection), connection.cursor() as cursor:
            cursor.execute("SHOW STATUS LIKE 'Ssl_version'")
            versions.append(cursor.fetchall())
    assert versions[0] == versions[1]
    assert bool(versions[0][0][1]) == leg_tls
