"""Logins as conversations: who says what, and what the other side hears."""

from collections.abc import Sequence

import pytest
from pymysql import _auth

from heatproxy.errors import MySQLError, ProtocolError
from heatproxy.wire.handshake import ClientHello, Greeting, Side, mask_greeting
from heatproxy.wire.login import LOGIN_BYTES, Login
from heatproxy.wire.packets import Capability, PacketReader, err, frame, ok

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


def hello(capabilities: int = BASIC, answer: bytes = b"x" * 32) -> bytes:
    head = capabilities.to_bytes(4, "little") + b"\x00\x00\x00\x40\xff" + b"\x00" * 23
    tail = b"user\x00" + bytes([len(answer)]) + answer
    if capabilities & Capability.CONNECT_WITH_DB:
        tail += b"schema\x00"
    if capabilities & Capability.PLUGIN_AUTH:
        tail += PLUGIN + b"\x00"
    return head + tail


SWITCH = b"\xfe" + PLUGIN + b"\x00" + OTHER_SCRAMBLE + b"\x00"
NATIVE = b"\xfemysql_native_password\x00" + OTHER_SCRAMBLE + b"\x00"
SHA256 = b"\xfesha256_password\x00" + OTHER_SCRAMBLE + b"\x00"
FULL, FAST = b"\x01\x04", b"\x01\x03"
OK = ok(0, 0x0002)
REFUSED = err(MySQLError(1045, "28000", "Access denied for user"))
TOO_MANY = b"\xff\x10\x04#08004Too many connections"

# Each line: who says what, and what the other side is told.
Line = tuple[Side, bytes, Side, bytes]
BEGIN: list[Line] = [
    (BACKEND, greeting(), CLIENT, mask_greeting(greeting())),
    (CLIENT, hello(), BACKEND, hello()),
]
PASSED: dict[str, tuple[list[Line], int | None]] = {
    "a cached password": (
        [*BEGIN, (BACKEND, FAST, CLIENT, FAST), (BACKEND, OK, CLIENT, OK)],
        0x0002,
    ),
    "a wrong password": ([*BEGIN, (BACKEND, REFUSED, CLIENT, REFUSED)], None),
    "another plugin": (
        [
            *BEGIN,
            (BACKEND, NATIVE, CLIENT, NATIVE),
            (CLIENT, b"y" * 20, BACKEND, b"y" * 20),
            (BACKEND, OK, CLIENT, OK),
        ],
        0x0002,
    ),
    "a full authentication between equals": (
        [
            *BEGIN,
            (BACKEND, FULL, CLIENT, FULL),
            (CLIENT, b"\x02", BACKEND, b"\x02"),
            (BACKEND, b"\x01-----BEGIN", CLIENT, b"\x01-----BEGIN"),
            (CLIENT, b"z" * 256, BACKEND, b"z" * 256),
            (BACKEND, OK, CLIENT, OK),
        ],
        0x0002,
    ),
    "sha256_password, whose key is the backend's own": (
        [
            *BEGIN,
            (BACKEND, SHA256, CLIENT, SHA256),
            (CLIENT, b"\x01", BACKEND, b"\x01"),
            (BACKEND, b"\x01-----BEGIN", CLIENT, b"\x01-----BEGIN"),
            (CLIENT, b"z" * 256, BACKEND, b"z" * 256),
            (BACKEND, OK, CLIENT, OK),
        ],
        0x0002,
    ),
    "too many connections": ([(BACKEND, TOO_MANY, CLIENT, TOO_MANY)], None),
    "a backend that waits no longer": (
        [BEGIN[0], (BACKEND, REFUSED, CLIENT, REFUSED)],
        None,
    ),
}


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
    return Login(client_secure=False, backend_secure=backend_secure)


@pytest.mark.parametrize("step", [1 << 20, 1, 7])
@pytest.mark.parametrize(("lines", "status"), PASSED.values(), ids=PASSED)
def test_a_login_is_passed_on(lines: list[Line], status: int | None, step: int) -> None:
    sha256 = any(line[1] == SHA256 for line in lines)
    made = relayed(backend_secure=sha256)
    hold(made, lines[:-1], step=step)
    assert not made.over
    hold_last(made, lines, step)
    assert made.over
    assert made.status == status


def hold_last(made: Login, lines: list[Line], step: int) -> None:
    speaker, payload, listener, expected = lines[-1]
    data = frame(payload, len(lines) - 1)
    steps = [
        heard
        for start in range(0, len(data), step)
        for heard in made.feed(speaker, data[start : start + step])
    ]
    assert steps == [(listener, frame(expected, len(lines) - 1))]


@pytest.mark.parametrize("switched", [False, True])
def test_a_password_for_a_secure_backend_is_decrypted(switched: bool) -> None:
    """The client encrypts for heatproxy's key; the backend hears it in clear."""
    made = relayed(backend_secure=True)
    hold(made, BEGIN)
    at = 2
    scramble = SCRAMBLE
    if switched:
        scramble = OTHER_SCRAMBLE
        assert made.feed(BACKEND, frame(SWITCH, 2)) == [(CLIENT, frame(SWITCH, 2))]
        made.feed(CLIENT, frame(b"x" * 32, 3))
        at = 4
    assert made.feed(BACKEND, frame(FULL, at)) == [(CLIENT, frame(FULL, at))]
    ((side, key),) = made.feed(CLIENT, frame(b"\x02", at + 1))
    assert side is CLIENT
    assert key[3] == at + 2
    pem = key[5:]
    assert pem.startswith(b"-----BEGIN PUBLIC KEY-----")
    blob = _auth.sha2_rsa_encrypt("pass wörd".encode(), scramble, pem)
    # the legs count differently now: the backend never heard of the key
    clear = frame("pass wörd".encode() + b"\x00", at + 1)
    assert made.feed(CLIENT, frame(blob, at + 3)) == [(BACKEND, clear)]
    assert made.feed(BACKEND, frame(OK, at + 2)) == [(CLIENT, frame(OK, at + 4))]
    assert (made.over, made.status) == (True, 0x0002)


@pytest.mark.parametrize("blob", [b"", b"x" * 255, b"x" * 256])
def test_a_password_that_cannot_be_decrypted_ends_the_session(blob: bytes) -> None:
    made = relayed(backend_secure=True)
    hold(made, BEGIN)
    made.feed(BACKEND, frame(FULL, 2))
    made.feed(CLIENT, frame(b"\x02", 3))
    with pytest.raises(ProtocolError, match="cannot be read"):
        made.feed(CLIENT, frame(blob, 5))


def test_change_user_begins_again() -> None:
    made = relayed(backend_secure=False)
    hold(made, BEGIN)
    made.feed(BACKEND, frame(OK, 2))
    again = made.again()
    assert again.capabilities == made.capabilities
    assert again.feed(BACKEND, frame(SWITCH, 1)) == [(CLIENT, frame(SWITCH, 1))]
    assert again.feed(CLIENT, frame(b"y", 2)) == [(BACKEND, frame(b"y", 2))]
    assert again.feed(BACKEND, frame(REFUSED, 3)) == [(CLIENT, frame(REFUSED, 3))]
    assert (again.over, again.status) == (True, None)


def test_what_is_not_relayed_is_not_offered() -> None:
    masked = Greeting.parse(mask_greeting(greeting()))
    offered = Greeting.parse(greeting())
    not_relayed = int(Capability.COMPRESS | Capability.ZSTD | Capability.SSL)
    assert masked.capabilities == offered.capabilities & ~not_relayed
    assert (offered.version, offered.thread_id, offered.charset) == ("9.7.4", 42, 255)
    assert (offered.status, offered.scramble, offered.plugin) == (2, SCRAMBLE, PLUGIN)
    assert masked.scramble == SCRAMBLE


def test_what_was_not_offered_is_not_agreed_upon() -> None:
    made = relayed(backend_secure=False)
    made.feed(BACKEND, frame(greeting(), 0))
    asked = BASIC | Capability.COMPRESS | Capability.ZSTD | Capability.CONNECT_WITH_DB
    ((_, passed),) = made.feed(CLIENT, frame(hello(asked), 1))
    assert (
        passed[4:] == hello(BASIC | Capability.CONNECT_WITH_DB)[:4] + hello(asked)[4:]
    )


def test_capabilities_are_those_that_both_sides_have() -> None:
    made = relayed(backend_secure=False)
    offered = OFFERED & ~int(Capability.DEPRECATE_EOF)
    made.feed(BACKEND, frame(greeting(offered), 0))
    asked = BASIC | Capability.DEPRECATE_EOF | Capability.SESSION_TRACK
    made.feed(CLIENT, frame(hello(asked), 1))
    assert made.capabilities == BASIC | Capability.SESSION_TRACK


@pytest.mark.parametrize(
    ("capabilities", "plugin"),
    [
        (BASIC, PLUGIN),
        (BASIC | Capability.CONNECT_WITH_DB, PLUGIN),
        (BASIC | Capability.PLUGIN_AUTH_LENENC, PLUGIN),
        (int(Capability.PROTOCOL_41), None),
    ],
)
def test_the_plugin_in_a_clients_answer(
    capabilities: int, plugin: bytes | None
) -> None:
    assert ClientHello.parse(hello(capabilities)).plugin == plugin


def test_a_client_that_wants_tls_is_refused() -> None:
    made = relayed(backend_secure=False)
    made.feed(BACKEND, frame(greeting(), 0))
    request = (BASIC | Capability.SSL).to_bytes(4, "little") + b"\x00" * 28
    ((side, answer),) = made.feed(CLIENT, frame(request, 1))
    assert (side, answer[3]) == (CLIENT, 2)
    assert b"does not offer TLS" in answer
    assert (made.over, made.status) == (True, None)


MALFORMED = {
    "too short": b"\x00\x02",
    "empty": b"",
    "no name": BASIC.to_bytes(4, "little") + b"\x00" * 28 + b"user",
    "protocol 3": b"\x00" * 60,
    "a length that is none": hello(BASIC | Capability.PLUGIN_AUTH_LENENC)[:37]
    + b"\xff",
}


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_answer_ends_the_session(payload: bytes) -> None:
    made = relayed(backend_secure=False)
    made.feed(BACKEND, frame(greeting(), 0))
    with pytest.raises(ProtocolError):
        made.feed(CLIENT, frame(payload, 1))


@pytest.mark.parametrize("payload", [b"", b"\x09old", b"\x0ano end", b"\x0a9\x00short"])
def test_what_is_no_greeting_ends_the_session(payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        relayed(backend_secure=False).feed(BACKEND, frame(payload, 0))


def test_a_client_that_speaks_first_is_not_heard() -> None:
    with pytest.raises(ProtocolError, match="before the greeting"):
        relayed(backend_secure=False).feed(CLIENT, frame(hello(), 1))


def test_a_login_is_of_limited_size() -> None:
    made = relayed(backend_secure=False)
    made.feed(BACKEND, frame(greeting(), 0))
    for _ in range(LOGIN_BYTES // 1024):
        assert made.feed(CLIENT, b"\xff" * 1024) == []
    with pytest.raises(ProtocolError, match="1 MiB"):
        made.feed(CLIENT, b"\xff")
