"""Messages between a relay worker and the engine process.

One unix socket per client session, opened when its first statement is not MySQL's
alone. While a statement is the engine's, the relay lends it both legs: bytes for and
from the backend, bytes for the client.

A message is a type byte, a 4-byte little-endian length, and a body.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

HEADER_BYTES = 5


class Message(Enum):
    """What a message is; the comment says who sends it and what the body holds."""

    START = b"S"  # relay: a Statement
    BACKEND = b"B"  # both ways: raw bytes of the backend leg
    CLIENT = b"C"  # engine: raw bytes for the client
    FORWARD = b"F"  # engine: the statement is MySQL's after all, relay it
    DONE = b"D"  # engine: the statement has been answered; 2 bytes of status
    NAMES = b"N"  # engine: JSON list of the names that statements are filtered by
    WATCH = b"W"  # relay: send NAMES, now and whenever they change


@dataclass(frozen=True, slots=True)
class Statement:
    """A command handed to the engine process."""

    command: bytes  # the client's payload
    capabilities: int
    status: int
    thread_id: int
    error: bytes = b""  # the backend's answer, when it was relayed and came back

    def to_bytes(self) -> bytes:
        facts = {
            "capabilities": self.capabilities,
            "status": self.status,
            "thread_id": self.thread_id,
            "command_bytes": len(self.command),
        }
        head = json.dumps(facts).encode()
        return len(head).to_bytes(4, "little") + head + self.command + self.error

    @classmethod
    def parse(cls, body: bytes) -> "Statement":
        end = 4 + int.from_bytes(body[:4], "little")
        facts = json.loads(body[4:end])
        split = end + facts.pop("command_bytes")
        return cls(command=body[end:split], error=body[split:], **facts)


def pack(message: Message, body: bytes = b"") -> bytes:
    """A message ready to send."""
    return message.value + len(body).to_bytes(4, "little") + body


class MessageReader:
    """Whole messages out of bytes that arrive in any pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Message, bytes]]:
        """The messages complete by now."""
        self._buffer += data
        position = 0
        try:
            while True:
                body = position + HEADER_BYTES
                if len(self._buffer) < body:
                    return
                length = int.from_bytes(self._buffer[position + 1 : body], "little")
                if len(self._buffer) < body + length:
                    return
                kind = Message(bytes(self._buffer[position : position + 1]))
                position = body + length
                yield kind, bytes(self._buffer[body:position])
        finally:
            del self._buffer[:position]
