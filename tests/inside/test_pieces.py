"""Messages in the names of locks: what is put together, and what is no message."""

import pytest

from heatproxy.inside import pieces
from heatproxy.routines.stubs import (
    NAME_DIGITS,
    NONCE_DIGITS,
    PIECE_BYTES,
    PREFIX_DIGITS,
    SAYS,
)

NONCE, SEAT = "0123456789abcdef" * 2, "f" * NAME_DIGITS
STATEMENT = 17  # the number of the one in which the stub waits
Locks = list[tuple[str, int]]


def locks_of(text: str, nonce: str = NONCE, event: int = STATEMENT + 1) -> Locks:
    """As a stub takes them."""
    assert len(nonce) == NONCE_DIGITS
    data = text.encode()
    found = [(f"{SAYS}{nonce}.{SEAT}.{len(data)}", event)]
    for number, begin in enumerate(range(0, len(data), PIECE_BYTES)):
        digits = data[begin : begin + PIECE_BYTES].ljust(PIECE_BYTES).hex()
        triples = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        name = "".join(chr(0x5000 | int(three, 16)) for three in triples)
        found.append((f"{nonce[:PREFIX_DIGITS]}{number:04X}{name}", event - 2))
    return found


@pytest.mark.parametrize("text", ["q", "größe 🌞 ", "a" * 66, "Aa" * 5000])
def test_a_message_is_put_together(text: str) -> None:
    locks = [("no overlap", 3), *reversed(locks_of(text))]
    assert pieces.said(locks, STATEMENT) == pieces.ByLocks(NONCE, SEAT, NONCE + text)


NO_MESSAGE = {
    "nothing": [],
    "locks of before the statement": locks_of("text", event=STATEMENT),
    "a piece lacks": locks_of("a" * 100)[:-1],
    "pieces of another nonce": [
        locks_of("mine")[0],
        *locks_of("forged", "f" * NONCE_DIGITS)[1:],
    ],
}


@pytest.mark.parametrize("locks", NO_MESSAGE.values(), ids=NO_MESSAGE)
def test_what_the_stub_did_not_say_is_no_message(locks: Locks) -> None:
    assert pieces.said(locks, STATEMENT) is None


def test_what_was_taken_before_the_stub_spoke_is_not_heard() -> None:
    forged = locks_of("forged", "f" * NONCE_DIGITS, STATEMENT)
    found = pieces.said(forged + locks_of("mine"), STATEMENT)
    assert found == pieces.ByLocks(NONCE, SEAT, NONCE + "mine")
