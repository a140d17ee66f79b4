"""Messages between a relay worker and the engine process.

One unix socket per client session, opened when its first statement is not MySQL's
alone. While a statement is the engine's, the relay lends it both legs: bytes for and
from the backend, bytes for the client.

A message is a type byte, a 4-byte little-endian length, and a body.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

HEADER_BYTES = 5


class Message(Enum):
    """What a message is; the comment says who sends it and what the body holds."""

    START = b"S"  # relay: a Statement
    BACKEND = b"B"  # both ways: raw bytes of the backend leg
    CLIENT = b"C"  # engine: raw bytes for the client
    FORWARD = b"F"  # engine: relay it, it is MySQL's; 1 byte: 1 if it will be again
    DONE = b"D"  # engine: the statement has been answered; 2 bytes of status,
    # 1 byte: 1 if MySQL itself has refused it
    NAMES = b"N"  # engine: JSON list of the names that statements are filtered by
    WATCH = b"W"  # relay: send NAMES, now and whenever they change
    PREPARED = b"P"  # engine: 4 bytes, the id of a prepared statement that is ours;
    # 2 bytes: its parameters, 1 byte: 1 if it is MySQL's as well
    AFTERMATH = b"A"  # engine: 1 byte, whether it remembers what a statement has left
    NAMED = b"Q"  # engine: 1 byte, whether any that SQL's PREPARE has named is ours
    FORGET = b"R"  # relay: the session was reset, its prepared statements are gone
    FILE = b"L"  # engine: MySQL asks the client for a file; its first packet's number


# Their bodies are pieces of a stream: where one is cut does not matter.
STREAMS = (Message.BACKEND, Message.CLIENT)


@dataclass(frozen=True, slots=True)
class Statement:
    """A command handed to the engine process."""

    command: bytes  # the client's payload
    capabilities: int
    status: int
    thread_id: int
    error: bytes = b""  # the backend's answer, when it was relayed and came back
    aftermath: bool = False  # nothing ran since the statement that AFTERMATH was for
    # Of a prepared statement that MySQL has executed in between: the types that its
    # parameters got there; empty: several.
    unseen: Sequence[int] | None = None
    next_transaction: tuple[bytes, ...] = ()  # what said how this one is to run

    def to_bytes(self) -> bytes:
        facts = {
            "capabilities": self.capabilities,
            "status": self.status,
            "thread_id": self.thread_id,
            "command_bytes": len(self.command),
            "aftermath": self.aftermath,
            "unseen": self.unseen,
            "next_transaction": [text.hex() for text in self.next_transaction],
        }
        head = json.dumps(facts).encode()
        return len(head).to_bytes(4, "little") + head + self.command + self.error

    @classmethod
    def parse(cls, body: bytes) -> "Statement":
        end = 4 + int.from_bytes(body[:4], "little")
        facts = json.loads(body[4:end])
        split = end + facts.pop("command_bytes")
        facts["next_transaction"] = tuple(map(bytes.fromhex, facts["next_transaction"]))
        return cls(command=body[end:split], error=body[split:], **facts)


def pack(message: Message, body: bytes = b"") -> bytes:
    """A message ready to send."""
    return pack_head(message, len(body)) + body


def pack_head(message: Message, body_bytes: int) -> bytes:
    """What stands before the body of a message."""
    return message.value + body_bytes.to_bytes(4, "little")


class MessageReader:
    """Messages out of bytes that arrive in any pieces.

    The body of a STREAMS message is given as it arrives, in as many parts; all other
    messages are given whole. So a large result is never held, and never copied twice.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()  # the beginning of a message that is not whole
        self._needed = 0  # how long the buffer must get before it is looked at
        self._stream: Message | None = None
        self._left = 0  # bytes of the stream's body that are still to come

    def feed(self, data: bytes) -> Iterator[tuple[Message, bytes]]:
        """The messages, or parts of streams, complete by now."""
        position = 0
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._needed:
                return
            data = bytes(self._buffer)
            self._buffer.clear()
        while position < len(data):
            if self._stream is not None:
                end = min(position + self._left, len(data))
                self._left -= end - position
                stream = self._stream
                if not self._left:
                    self._stream = None
                whole = position == 0 and end == len(data)
                yield stream, data if whole else data[position:end]
                position = end
                continue
            body = position + HEADER_BYTES
            self._needed = HEADER_BYTES
            if len(data) < body:
                break
            kind = Message(data[position : position + 1])
            length = int.from_bytes(data[position + 1 : body], "little")
            if kind in STREAMS and length:
                self._stream, self._left = kind, length
                position = body
                continue
            self._needed += length
            if len(data) < body + length:
                break
            position = body + length
            yield kind, data[body:position]
        self._buffer += data[position:]
