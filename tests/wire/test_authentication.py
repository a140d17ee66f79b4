"""Passwords on their way between two legs of which one is secure and one is not."""

from dataclasses import replace

import pytest
from pymysql import _auth

from heatproxy.errors import ProtocolError
from heatproxy.wire.handshake import ClientHello
from heatproxy.wire.login import BackendTls, Login, Terms
from heatproxy.wire.packets import Capability, frame
from tests.wire.logins import (
    BACKEND,
    BACKENDS_KEY,
    BASIC,
    BEGIN,
    CERTIFIED,
    CLIENT,
    FULL,
    KEY,
    OK,
    OTHER_SCRAMBLE,
    PLUGIN,
    REFUSED,
    SCRAMBLE,
    SHA256,
    SWITCH,
    greeting,
    hello,
    hold,
    relayed,
    under_tls,
)


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


@pytest.mark.parametrize("blob", [b"x", b"x" * 255, b"x" * 256])
def test_a_password_that_cannot_be_decrypted_is_one_that_nobody_has(
    blob: bytes,
) -> None:
    """MySQL then refuses the client in its own words."""
    heard = set()
    for _ in range(2):
        made = relayed(backend_secure=True)
        hold(made, BEGIN)
        made.feed(BACKEND, frame(FULL, 2))
        made.feed(CLIENT, frame(b"\x02", 3))
        ((side, password),) = made.feed(CLIENT, frame(blob, 5))
        assert side is BACKEND
        assert (len(password), password[-1:]) == (4 + 64 + 1, b"\x00")
        heard.add(password)
    assert len(heard) == 2


TLS_TO_PLAIN = replace(CERTIFIED, backend_tls=BackendTls.DISABLED)
TLS_TO_UNIX = replace(TLS_TO_PLAIN, backend_unix=True)
PLAIN_TO_TLS = replace(CERTIFIED, backend_tls=BackendTls.REQUIRED)
CLEAR = "pass wörd".encode() + b"\x00"


@pytest.mark.parametrize(
    ("terms", "plugin", "asking"),
    [
        (TLS_TO_PLAIN, PLUGIN, b"\x02"),
        (TLS_TO_PLAIN, b"sha256_password", b"\x01"),
        (TLS_TO_UNIX, b"sha256_password", b"\x01"),
    ],
)
def test_a_password_from_within_tls_is_encrypted_for_a_plain_backend(
    terms: Terms, plugin: bytes, asking: bytes
) -> None:
    made = under_tls(terms)
    made.feed(CLIENT, frame(hello(BASIC | Capability.SSL), 2))
    switch = b"\xfe" + plugin + b"\x00" + OTHER_SCRAMBLE + b"\x00"
    assert made.feed(BACKEND, frame(switch, 2)) == [(CLIENT, frame(switch, 3))]
    client, backend = 4, 3
    if plugin == PLUGIN:
        assert made.feed(CLIENT, frame(b"x" * 32, 4)) == [
            (BACKEND, frame(b"x" * 32, 3))
        ]
        assert made.feed(BACKEND, frame(FULL, 4)) == [(CLIENT, frame(FULL, 5))]
        client, backend = 6, 5
    asked = made.feed(CLIENT, frame(CLEAR, client))
    assert asked == [(BACKEND, frame(asking, backend))]
    key = frame(b"\x01" + BACKENDS_KEY.public_pem, backend + 1)
    ((side, wrapped),) = made.feed(BACKEND, key)
    assert (side, wrapped[3]) == (BACKEND, backend + 2)
    assert BACKENDS_KEY.decrypt(wrapped[4:], OTHER_SCRAMBLE) == CLEAR
    done = made.feed(BACKEND, frame(OK, backend + 3))
    assert done == [(CLIENT, frame(OK, client + 1))]


def test_a_backend_without_a_key_refuses_in_its_own_words() -> None:
    made = under_tls(TLS_TO_PLAIN)
    made.feed(CLIENT, frame(hello(BASIC | Capability.SSL), 2))
    made.feed(BACKEND, frame(FULL, 2))
    made.feed(CLIENT, frame(CLEAR, 4))
    refused = made.feed(BACKEND, frame(REFUSED, 4))
    assert refused == [(CLIENT, frame(REFUSED, 5))]
    assert (made.over, made.status) == (True, None)


@pytest.mark.parametrize("answer", [b"\x01no key", b"\x07", b"\x01" + b"-" * 50])
def test_what_is_no_key_ends_the_session(answer: bytes) -> None:
    made = under_tls(TLS_TO_PLAIN)
    made.feed(CLIENT, frame(hello(BASIC | Capability.SSL), 2))
    made.feed(BACKEND, frame(FULL, 2))
    made.feed(CLIENT, frame(CLEAR, 4))
    with pytest.raises(ProtocolError, match="key") as problem:
        made.feed(BACKEND, frame(answer, 4))
    assert "pass" not in str(problem.value).replace("password", "")


@pytest.mark.parametrize("preset", [False, True], ids=["asks", "knows the key"])
@pytest.mark.parametrize("plugin", [PLUGIN, b"sha256_password"])
def test_a_password_for_a_backend_within_tls_is_decrypted(
    plugin: bytes, preset: bool
) -> None:
    made = Login(PLAIN_TO_TLS)
    made.feed(BACKEND, frame(greeting(), 0))
    made.feed(CLIENT, frame(hello(), 1))
    switch = b"\xfe" + plugin + b"\x00" + OTHER_SCRAMBLE + b"\x00"
    made.feed(BACKEND, frame(switch, 3))
    at, asking = 3, b"\x01"
    if plugin == PLUGIN:
        made.feed(CLIENT, frame(b"x" * 32, 3))
        made.feed(BACKEND, frame(FULL, 5))
        at, asking = 5, b"\x02"
    if not preset:
        key = frame(b"\x01" + KEY.public_pem, at + 1)
        assert made.feed(CLIENT, frame(asking, at)) == [(CLIENT, key)]
        at += 2
    blob = _auth.sha2_rsa_encrypt(CLEAR[:-1], OTHER_SCRAMBLE, KEY.public_pem)
    ((side, passed),) = made.feed(CLIENT, frame(blob, at))
    assert (side, passed[4:]) == (BACKEND, CLEAR)


@pytest.mark.parametrize("empty", [b"", b"\x00"])
def test_an_empty_password_has_no_wrapping(empty: bytes) -> None:
    made = Login(PLAIN_TO_TLS)
    made.feed(BACKEND, frame(greeting(), 0))
    made.feed(CLIENT, frame(hello(), 1))
    made.feed(BACKEND, frame(SHA256, 3))
    assert made.feed(CLIENT, frame(empty, 3)) == [(BACKEND, frame(empty, 4))]


@pytest.mark.parametrize(
    ("tls", "terms", "answer"),
    [(True, TLS_TO_PLAIN, CLEAR), (False, PLAIN_TO_TLS, b"\x01")],
    ids=["in clear", "the question for a key"],
)
@pytest.mark.parametrize(
    "flags", [0, Capability.CONNECT_WITH_DB, Capability.PLUGIN_AUTH_LENENC]
)
def test_an_answer_for_the_other_kind_of_leg_is_not_passed_on(
    tls: bool, terms: Terms, answer: bytes, flags: int
) -> None:
    """sha256_password may begin with it; the backend is made to ask again."""
    made = under_tls(terms) if tls else Login(terms)
    if not tls:
        made.feed(BACKEND, frame(greeting(), 0))
    capabilities = BASIC | flags | (Capability.SSL if tls else 0)
    said = hello(capabilities, answer, b"sha256_password") + b"attributes"
    *_, (side, passed) = made.feed(CLIENT, frame(said, 2 if tls else 1))
    assert side is BACKEND
    sent = ClientHello.parse(passed[4:])
    assert sent.plugin not in (b"sha256_password", PLUGIN)
    assert sent.capabilities & ~int(Capability.SSL) == BASIC | flags
    schema = b"schema\x00" if flags == Capability.CONNECT_WITH_DB else b""
    assert passed[4 + 32 :].startswith(b"user\x00\x00" + schema)
    assert passed.endswith(b"\x00attributes")


def test_the_next_factor_brings_its_own_plugin_and_scramble() -> None:
    """Community MySQL has no second factor that asks for a password.

    Source: MySQL Source Code Documentation, "Protocol::AuthNextFactorRequest".
    """
    made = relayed(backend_secure=True)
    hold(made, BEGIN)
    factor = b"\x02" + PLUGIN + b"\x00" + OTHER_SCRAMBLE + b"\x00"
    assert made.feed(BACKEND, frame(factor, 2)) == [(CLIENT, frame(factor, 2))]
    made.feed(CLIENT, frame(b"x" * 32, 3))
    made.feed(BACKEND, frame(FULL, 4))
    blob = _auth.sha2_rsa_encrypt(CLEAR[:-1], OTHER_SCRAMBLE, KEY.public_pem)
    ((side, passed),) = made.feed(CLIENT, frame(blob, 5))
    assert (side, passed[4:]) == (BACKEND, CLEAR)
    assert made.feed(BACKEND, frame(OK, 6)) == [(CLIENT, frame(OK, 6))]
