"""Messages between a relay and the engine process, both ways."""

import pytest

from heatproxy.wire.channel import STREAMS, Message, MessageReader, Statement, pack

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
    assert joined(got) == MESSAGES


def joined(got: list[tuple[Message, bytes]]) -> list[tuple[Message, bytes]]:
    """The messages, the parts of a stream put together."""
    found: list[tuple[Message, bytes]] = []
    for message, body in got:
        if message in STREAMS and found and found[-1][0] is message:
            body = found.pop()[1] + body
        found.append((message, body))
    return found


def test_a_stream_is_given_on_as_it_arrives() -> None:
    data = pack(Message.CLIENT, b"x" * 1000)
    reader = MessageReader()
    assert list(reader.feed(data[:5])) == []
    assert list(reader.feed(data[5:500])) == [(Message.CLIENT, b"x" * 495)]
    rest = data[500:]
    ((_, body),) = reader.feed(rest)
    assert body is rest  # not a byte of it was copied
    assert list(reader.feed(pack(Message.FORWARD))) == [(Message.FORWARD, b"")]


def test_a_long_message_is_looked_at_when_it_is_whole() -> None:
    whole = pack(Message.START, b"s" * 5000)
    reader = MessageReader()
    got = [m for at in range(0, len(whole), 7) for m in reader.feed(whole[at : at + 7])]
    assert got == [(Message.START, b"s" * 5000)]


def test_what_is_left_over_waits_for_the_rest() -> None:
    whole = pack(Message.DONE, b"abc")
    reader = MessageReader()
    assert list(reader.feed(whole + whole[:6])) == [(Message.DONE, b"abc")]
    assert list(reader.feed(whole[6:])) == [(Message.DONE, b"abc")]


def test_an_unknown_message_is_refused() -> None:
    with pytest.raises(ValueError, match="not a valid Message"):
        list(MessageReader().feed(b"?\x00\x00\x00\x00"))
