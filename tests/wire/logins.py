"""Pieces of logins for tests: packets of both sides, and how to hold a conversation."""

from collections.abc import Sequence
from dataclasses import replace

from heatproxy.errors import MySQLError
from heatproxy.wire.handshake import SSL_REQUEST_BYTES, Side, mask_greeting
from heatproxy.wire.login import Login, StartTls, Terms
from heatproxy.wire.packets import Capability, PacketReader, err, frame, ok
from heatproxy.wire.password_key import PasswordKey

KEY = PasswordKey.new()
BACKENDS_KEY = PasswordKey.new()
PLAIN = Terms(KEY, backend_local=True, compression=("uncompressed",))
UNIX = replace(PLAIN, backend_unix=True)
CLIENT, BACKEND = Side.CLIENT, Side.BACKEND
SCRAMBLE = bytes(range(1, 21))
OTHER_SCRAMBLE = bytes(range(41, 61))
OFFERED = 0xDFFFFFFF
PLUGIN = b"caching_sha2_password"
BASIC = int(Capability.PROTOCOL_41 | Capability.PLUGIN_AUTH)


def greeting(capabilities: int = OFFERED) -> bytes:
    low, high = capabilities & 0xFFFF, capabilities >> 16
    return (
        b"\x0a9.7.4\x00\x2a\x00\x00\x00"
        + SCRAMBLE[:8]
        + b"\x00"
        + low.to_bytes(2, "little")
        + b"\xff\x02\x00"
        + high.to_bytes(2, "little")
        + b"\x15"
        + b"\x00" * 10
        + SCRAMBLE[8:]
        + b"\x00"
        + PLUGIN
        + b"\x00"
    )


def hello(
    capabilities: int = BASIC, answer: bytes = b"x" * 32, plugin: bytes = PLUGIN
) -> bytes:
    head = capabilities.to_bytes(4, "little") + b"\x00\x00\x00\x40\xff" + b"\x00" * 23
    tail = b"user\x00" + bytes([len(answer)]) + answer
    if capabilities & Capability.CONNECT_WITH_DB:
        tail += b"schema\x00"
    if capabilities & Capability.PLUGIN_AUTH:
        tail += plugin + b"\x00"
    return head + tail


SWITCH = b"\xfe" + PLUGIN + b"\x00" + OTHER_SCRAMBLE + b"\x00"
NATIVE = b"\xfemysql_native_password\x00" + OTHER_SCRAMBLE + b"\x00"
SHA256 = b"\xfesha256_password\x00" + OTHER_SCRAMBLE + b"\x00"
FULL, FAST = b"\x01\x04", b"\x01\x03"
OK = ok(0, 0x0002)
REFUSED = err(MySQLError(1045, "28000", "Access denied for user"))
TOO_MANY = b"\xff\x10\x04#08004Too many connections"

CERTIFIED = replace(PLAIN, offers_tls=True)
REMOTE = replace(CERTIFIED, backend_local=False)
# Each line: who says what, and what the other side is told.
Line = tuple[Side, bytes, Side, bytes]
BEGIN: list[Line] = [
    (BACKEND, greeting(), CLIENT, mask_greeting(greeting())),
    (CLIENT, hello(), BACKEND, hello()),
]


def hold(made: Login, lines: Sequence[Line], *, step: int = 1 << 20) -> None:
    """Say each line, in pieces, and check what is heard and how it is counted."""
    spoken = dict.fromkeys(Side, 0)
    for speaker, payload, listener, expected in lines:
        data = frame(payload, spoken[speaker])
        steps = [
            heard
            for start in range(0, len(data), step)
            for heard in made.feed(speaker, data[start : start + step])
        ]
        assert [side for side, _ in steps] == [listener]
        reader = PacketReader()
        assert list(reader.feed(steps[0][1])) == [expected]
        # both legs count alike when each packet is passed on
        spoken = dict.fromkeys(Side, reader.sequence_id + 1)


def relayed(*, backend_secure: bool) -> Login:
    return Login(UNIX if backend_secure else PLAIN)


def ssl_request(capabilities: int = BASIC) -> bytes:
    return hello(capabilities | Capability.SSL)[:SSL_REQUEST_BYTES]


def under_tls(terms: Terms, offered: int = OFFERED, surplus: bytes = b"") -> Login:
    """A login whose client has been asked for its response, within TLS."""
    made = Login(terms)
    made.feed(BACKEND, frame(greeting(offered), 0))
    steps = made.feed(CLIENT, frame(ssl_request(), 1) + surplus)
    assert steps == [StartTls(CLIENT, surplus)]
    return made
