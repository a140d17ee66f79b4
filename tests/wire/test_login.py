"""Logins as conversations: who says what, and what the other side hears."""

from dataclasses import replace

import pytest

from heatproxy.errors import MySQLError, ProtocolError
from heatproxy.wire.handshake import (
    SSL_REQUEST_BYTES,
    ClientHello,
    Greeting,
    mask_greeting,
)
from heatproxy.wire.login import LOGIN_BYTES, BackendTls, Login, StartTls, Terms
from heatproxy.wire.packets import Capability, err, frame
from tests.wire.logins import (
    BACKEND,
    BASIC,
    BEGIN,
    CERTIFIED,
    CLIENT,
    FAST,
    FULL,
    NATIVE,
    OFFERED,
    OK,
    PLAIN,
    PLUGIN,
    REFUSED,
    REMOTE,
    SCRAMBLE,
    SHA256,
    SWITCH,
    TOO_MANY,
    Line,
    greeting,
    hello,
    hold,
    relayed,
    ssl_request,
    under_tls,
)

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


# --- which leg has TLS ----------------------------------------------------------------

NO_TLS = OFFERED & ~int(Capability.SSL)
AS_CLIENT, REQUIRED, DISABLED = BackendTls
OFFERS: dict[str, tuple[Terms, int, bool]] = {
    "no certificate": (PLAIN, OFFERED, False),
    "a certificate": (CERTIFIED, OFFERED, True),
    "a backend here without TLS": (CERTIFIED, NO_TLS, True),
    "a backend here that is to have none": (
        replace(CERTIFIED, backend_tls=DISABLED),
        OFFERED,
        True,
    ),
    "a backend elsewhere": (REMOTE, OFFERED, True),
    "a backend elsewhere without TLS": (REMOTE, NO_TLS, False),
    "a backend elsewhere that is to have none": (
        replace(REMOTE, backend_tls=DISABLED),
        OFFERED,
        False,
    ),
}


@pytest.mark.parametrize(("terms", "offered", "tls"), OFFERS.values(), ids=OFFERS)
def test_tls_is_offered_where_the_backends_leg_is_no_weaker(
    terms: Terms, offered: int, tls: bool
) -> None:
    made = Login(terms)
    ((side, greeted),) = made.feed(BACKEND, frame(greeting(offered), 0))
    assert side is CLIENT
    capabilities = Greeting.parse(greeted[4:]).capabilities
    assert bool(capabilities & Capability.SSL) == tls
    asked = made.feed(CLIENT, frame(ssl_request(), 1))
    if tls:
        assert asked == [StartTls(CLIENT)]
    else:
        ((side, answer),) = asked
        assert (side, answer[3]) == (CLIENT, 2)
        assert b"TLS is not offered" in answer
        assert (made.over, made.status) == (True, None)


def test_what_came_with_the_request_for_tls_is_tls() -> None:
    made = under_tls(CERTIFIED, surplus=frame(hello(), 2))
    assert not made.over  # it was not taken for the response
    assert made.feed(CLIENT, b"") == []


BACKENDS: dict[str, tuple[Terms, int, bool]] = {
    "as the client's": (CERTIFIED, OFFERED, True),
    "as the client's, elsewhere": (REMOTE, OFFERED, True),
    "as the client's, but it has none": (CERTIFIED, NO_TLS, False),
    "never": (replace(CERTIFIED, backend_tls=DISABLED), OFFERED, False),
    "always": (replace(CERTIFIED, backend_tls=REQUIRED), OFFERED, True),
}


@pytest.mark.parametrize(("terms", "offered", "tls"), BACKENDS.values(), ids=BACKENDS)
def test_the_backends_leg_of_a_client_with_tls(
    terms: Terms, offered: int, tls: bool
) -> None:
    made = under_tls(terms, offered)
    steps = made.feed(CLIENT, frame(hello(BASIC | Capability.SSL), 2))
    if tls:
        response = hello(BASIC | Capability.SSL)
        request = response[:SSL_REQUEST_BYTES]
        assert steps == [
            (BACKEND, frame(request, 1)),
            StartTls(BACKEND),
            (BACKEND, frame(response, 2)),
        ]
    else:
        assert steps == [(BACKEND, frame(hello(), 1))]
    counted = len(steps)
    assert made.feed(BACKEND, frame(OK, counted + 1)) == [(CLIENT, frame(OK, 3))]
    assert (made.client_tls, made.backend_tls) == (True, tls)


def test_a_plain_client_of_a_backend_that_must_have_tls() -> None:
    made = Login(replace(CERTIFIED, backend_tls=REQUIRED))
    made.feed(BACKEND, frame(greeting(), 0))
    steps = made.feed(CLIENT, frame(hello(), 1))
    assert steps[1] == StartTls(BACKEND)
    assert made.feed(BACKEND, frame(OK, 3)) == [(CLIENT, frame(OK, 2))]


def test_a_backend_that_must_have_tls_and_has_none_is_not_used() -> None:
    made = Login(replace(CERTIFIED, backend_tls=REQUIRED))
    ((side, refusal),) = made.feed(BACKEND, frame(greeting(NO_TLS), 0))
    assert side is CLIENT
    assert refusal[4:7] == b"\xff" + (2026).to_bytes(2, "little")
    assert (made.over, made.status) == (True, None)


def test_what_is_said_within_tls_counts_not_what_was_said_before() -> None:
    """Else who sits between could take capabilities away, or add them."""
    made = Login(CERTIFIED)
    made.feed(BACKEND, frame(greeting(), 0))
    lie = ssl_request(BASIC | Capability.DEPRECATE_EOF)
    made.feed(CLIENT, frame(lie[:8] + b"\x21" + lie[9:], 1))
    honest = BASIC | Capability.SSL | Capability.SESSION_TRACK
    *_, (side, passed) = made.feed(CLIENT, frame(hello(honest), 2))
    assert side is BACKEND
    assert passed[4:] == hello(honest)
    assert made.capabilities == honest


def test_a_response_that_only_announces_tls_is_no_response() -> None:
    made = Login(CERTIFIED)
    made.feed(BACKEND, frame(greeting(), 0))
    with pytest.raises(ProtocolError, match="began none"):
        made.feed(CLIENT, frame(hello(BASIC | Capability.SSL), 1))


def test_a_second_request_for_tls_is_no_response() -> None:
    made = under_tls(CERTIFIED)
    with pytest.raises(ProtocolError):
        made.feed(CLIENT, frame(ssl_request(), 2))


def test_a_client_without_tls_is_refused_where_it_must_have_it() -> None:
    made = Login(replace(CERTIFIED, requires_tls=True))
    made.feed(BACKEND, frame(greeting(), 0))
    ((side, refusal),) = made.feed(CLIENT, frame(hello(), 1))
    assert (side, refusal[3]) == (CLIENT, 2)
    assert refusal[5:7] == (3159).to_bytes(2, "little")
    assert (made.over, made.status) == (True, None)


def test_a_backend_that_speaks_while_tls_begins_is_not_believed() -> None:
    made = under_tls(CERTIFIED)
    made.feed(BACKEND, frame(OK, 2)[:3])  # in clear, before our request
    with pytest.raises(ProtocolError, match="before its turn"):
        made.feed(CLIENT, frame(hello(BASIC | Capability.SSL), 2))


# --- whose turn it is -----------------------------------------------------------------


def test_a_command_sent_with_the_response_waits_for_the_login() -> None:
    made = relayed(backend_secure=False)
    made.feed(BACKEND, frame(greeting(), 0))
    command = frame(b"\x03SELECT 1", 0)
    steps = made.feed(CLIENT, frame(hello(), 1) + command)
    assert steps == [(BACKEND, frame(hello(), 1))]
    assert made.feed(BACKEND, frame(FAST, 2)) == [(CLIENT, frame(FAST, 2))]
    assert made.feed(CLIENT, command) == []
    assert made.feed(BACKEND, frame(OK, 3)) == [(CLIENT, frame(OK, 3))]
    assert made.status == 0x0002
    assert made.rest(CLIENT) == command * 2


def test_a_command_in_place_of_a_password_is_refused() -> None:
    made = relayed(backend_secure=False)
    hold(made, BEGIN)
    assert made.feed(CLIENT, frame(b"\x03DROP DATABASE d", 0)) == []
    asked, (side, refusal) = made.feed(BACKEND, frame(FULL, 2))
    assert asked == (CLIENT, frame(FULL, 2))
    assert (side, refusal[3]) == (CLIENT, 3)
    assert refusal[5:7] == (1156).to_bytes(2, "little")
    assert (made.over, made.status) == (True, None)


def test_a_login_ended_from_our_side_is_over() -> None:
    made = relayed(backend_secure=False)
    hold(made, BEGIN)
    error = MySQLError(1040, "08004", "Too many connections")
    assert made.refusal(error) == (CLIENT, frame(err(error), 2))
    assert (made.over, made.status) == (True, None)


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


def test_a_client_that_speaks_first_is_heard_behind_the_greeting() -> None:
    made = relayed(backend_secure=False)
    assert made.feed(CLIENT, frame(hello(), 1)) == []
    [greeted, answered] = made.feed(BACKEND, frame(greeting(), 0))
    assert (greeted[0], answered[0]) == (CLIENT, BACKEND)


def test_a_client_that_speaks_another_protocol_is_greeted_and_refused() -> None:
    made = relayed(backend_secure=False)
    assert made.feed(CLIENT, b"\x01\x00\x00\x00\x01") == []
    [_, (towards, refusal)] = made.feed(BACKEND, frame(greeting(), 0))
    assert towards is CLIENT
    assert refusal[3:7] == b"\x01\xff\x84\x04"
    assert made.over
    assert made.status is None


def test_a_login_is_of_limited_size() -> None:
    made = relayed(backend_secure=False)
    made.feed(BACKEND, frame(greeting(), 0))
    head = b"\xff\xff\xff\x01"
    for part in [head + b"\xff" * 1020] + [b"\xff" * 1024] * (LOGIN_BYTES // 1024 - 1):
        assert made.feed(CLIENT, part) == []
    with pytest.raises(ProtocolError, match="1 MiB"):
        made.feed(CLIENT, b"\xff")
