"""Messages between a relay and the engine process, both ways."""

import pytest

from heatproxy.wire.channel import Message, MessageReader, Statement, pack

STATEMENTS = {
    "plain": Statement(b"\x03SELECT 1", 0, 2, 7),
    "that came back": Statement(
        b"\x17\x01", (1 << 32) - 1, 0x4002, 1 << 31, b"\xff\x16"
    ),
    "of any bytes": Statement(bytes(range(256)) * 9, 5, 0, 0, bytes(range(255, 0, -1))),
    "empty": Statement(b"", 0, 0, 0),
}
MESSAGES = [
    (Message.START, STATEMENTS["that came back"].to_bytes()),
    (Message.WATCH, b""),
    (Message.BACKEND, b"\x00" * 70_000),
    (Message.DONE, b"\x02\x00"),
]


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_a_statement_is_written_and_read(statement: Statement) -> None:
    assert Statement.parse(statement.to_bytes()) == statement


@pytest.mark.parametrize("step", [1, 3, 1000, 1 << 20])
def test_messages_come_in_any_pieces(step: int) -> None:
    data = b"".join(pack(message, body) for message, body in MESSAGES)
    reader = MessageReader()
    got = [
        message
        for start in range(0, len(data), step)
        for message in reader.feed(data[start : start + step])
    ]
    assert got == MESSAGES


def test_what_is_left_over_waits_for_the_rest() -> None:
    whole = pack(Message.CLIENT, b"abc")
    reader = MessageReader()
    assert list(reader.feed(whole + whole[:6])) == [(Message.CLIENT, b"abc")]
    assert list(reader.feed(whole[6:])) == [(Message.CLIENT, b"abc")]


def test_an_unknown_message_is_refused() -> None:
    with pytest.raises(ValueError, match="not a valid Message"):
        list(MessageReader().feed(b"?\x00\x00\x00\x00"))
