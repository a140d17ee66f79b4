"""Clients for measuring: logged-in bare sockets, made by as few packets as there are.

Source: MySQL Source Code Documentation, "Connection Phase", "caching_sha2_password".
"""

import hashlib
import socket
import ssl
from dataclasses import dataclass

from heatproxy.backend.credentials import Credentials
from heatproxy.bench import BenchFailed
from heatproxy.wire.handshake import Greeting
from heatproxy.wire.packets import ERR, OK, Capability, frame, parse_err

PATIENCE_S = 30.0
_LONG_PASSWORD, _TRANSACTIONS, _SECURE_CONNECTION = 1 << 0, 1 << 13, 1 << 15
CAPABILITIES = (  # of the clients here
    _LONG_PASSWORD
    | _TRANSACTIONS
    | _SECURE_CONNECTION
    | Capability.PROTOCOL_41
    | Capability.PLUGIN_AUTH
)
_UTF8MB4 = 255
_PLUGIN = b"caching_sha2_password"
_FAST_OK, _FULL = b"\x01\x03", b"\x01\x04"
_QUIT = frame(b"\x01", 0)


class LoginFailed(BenchFailed):
    """A client of the bench was not let in; the message says why."""


@dataclass(frozen=True, slots=True)
class Door:
    """A way to the backend: over a unix socket, or over TCP, itself or a proxy."""

    name: str
    path: str = ""
    port: int = 0

    def dial(self) -> socket.socket:
        """A connection, not logged in."""
        if self.path:
            dialled = socket.socket(socket.AF_UNIX)
            dialled.connect(self.path)
        else:
            dialled = socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)
            dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        dialled.settimeout(PATIENCE_S)
        return dialled


def log_in(
    door: Door, account: Credentials, tls: ssl.SSLContext | None = None
) -> socket.socket:
    """A logged-in, blocking connection.

    Raises:
        LoginFailed: refused; or the password is not cached by the server, and this
            way is not one on which it may be sent in clear.
    """
    connection = door.dial()
    try:
        return _log_in(connection, bool(door.path), account, tls)
    except BaseException:
        connection.close()
        raise


def offers_tls(door: Door) -> bool:
    """Whether clients may use TLS on this way."""
    with door.dial() as connection:
        _, payload = _receive(connection)
        return bool(Greeting.parse(payload).capabilities & Capability.SSL)


def quit_and_wait(connection: socket.socket) -> None:
    """Say goodbye and wait until the server has hung up."""
    connection.sendall(_QUIT)
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:  # hung up as well
        pass
    connection.close()


def _log_in(
    connection: socket.socket,
    clear: bool,
    account: Credentials,
    tls: ssl.SSLContext | None,
) -> socket.socket:
    sequence, payload = _receive(connection)
    greeting = Greeting.parse(payload)
    capabilities = int(CAPABILITIES)
    if tls is not None:
        capabilities |= Capability.SSL
        sequence += 1
        connection.sendall(frame(_head(capabilities), sequence))
        connection = tls.wrap_socket(connection)
    scramble = _scrambled(account.password.encode(), greeting.scramble)
    hello = _head(capabilities) + account.user.encode() + b"\0"
    hello += bytes([len(scramble)]) + scramble + _PLUGIN + b"\0"
    connection.sendall(frame(hello, sequence + 1))
    while True:
        sequence, payload = _receive(connection)
        if payload[0] == OK:
            connection.settimeout(None)
            return connection
        if payload[0] == ERR:
            raise LoginFailed(str(parse_err(payload)))
        if payload == _FULL and (clear or tls is not None):
            password = account.password.encode() + b"\0"
            connection.sendall(frame(password, sequence + 1))
        elif payload != _FAST_OK:
            raise LoginFailed("the server wants more than a cached password")


def _head(capabilities: int) -> bytes:
    most = (1 << 24).to_bytes(4, "little")
    return capabilities.to_bytes(4, "little") + most + bytes([_UTF8MB4]) + bytes(23)


def _scrambled(password: bytes, scramble: bytes) -> bytes:
    once = hashlib.sha256(password).digest()
    twice = hashlib.sha256(once).digest()
    mixed = hashlib.sha256(twice + scramble).digest()
    return bytes(a ^ b for a, b in zip(once, mixed, strict=True))


def _receive(connection: socket.socket) -> tuple[int, bytes]:
    """One packet: its sequence id and its payload."""
    header = _exactly(connection, 4)
    return header[3], _exactly(connection, int.from_bytes(header[:3], "little"))


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise LoginFailed("the server hung up")
        data += more
    return data
