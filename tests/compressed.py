"""A client that compresses: the raw client with envelopes around its packets.

It is as strict as MySQL's own client library: a number out of order is an error.
"""

import socket
import zlib
from collections.abc import Callable
from typing import Any

from backports import zstd

from tests.rawclient import RawClient

COMPRESS, ZSTD = 1 << 5, 1 << 26
FLAGS = {"zlib": COMPRESS, "zstd": ZSTD}
PACK: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "zstd": zstd.compress,
}
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.decompress,
    "zstd": zstd.decompress,
}
MAX_ENVELOPE = 0xFFFFFF
WORTH_BYTES = 50


class Levelled(socket.socket):
    """Adds zstd's level to the first packet sent, which PyMySQL leaves out."""

    level: bytes = b""

    def sendall(self, data: Any, flags: int = 0) -> None:
        if self.level:
            length = int.from_bytes(data[:3], "little") + len(self.level)
            data = length.to_bytes(3, "little") + data[3:] + self.level
            self.level = b""
        super().sendall(data)


class Envelopes:
    """What the raw client takes for its socket, and for the stream it reads."""

    def __init__(self, over: socket.socket, algorithm: str) -> None:
        self.over = over
        self.piece = MAX_ENVELOPE
        self._pack, self._unpack = PACK[algorithm], UNPACK[algorithm]
        self._stream = over.makefile("rb")
        self._number = -1
        self._data = b""

    def sendall(self, data: bytes) -> None:
        if not self._data and data[3] == 0:
            self._number = -1  # a command
        for start in range(0, len(data), self.piece):
            self.over.sendall(self._envelope(data[start : start + self.piece]))

    def close(self) -> None:
        self._stream.close()
        self.over.close()

    def _envelope(self, part: bytes) -> bytes:
        self._number = (self._number + 1) % 256
        packed, length = part, 0
        if len(part) >= WORTH_BYTES:
            packed, length = self._pack(part), len(part)
        head = len(packed).to_bytes(3, "little") + bytes([self._number])
        return head + length.to_bytes(3, "little") + packed

    def read(self, count: int) -> bytes:
        while len(self._data) < count:
            head = self._stream.read(7)
            if len(head) < 7:
                return b""
            expected = (self._number + 1) % 256
            # 0 is what nobody asked for
            assert head[3] in (expected, 0), f"envelope {head[3]}, not {expected}"
            self._number = head[3]
            part = self._stream.read(int.from_bytes(head[:3], "little"))
            length = int.from_bytes(head[4:], "little")
            if length:
                part = self._unpack(part)
                assert len(part) == length
            self._data += part
        found, self._data = self._data[:count], self._data[count:]
        return found


class CompressedClient(RawClient):
    """A raw client whose packets go through envelopes."""

    def through(self, envelopes: Any) -> "CompressedClient":
        self.socket = self._stream = envelopes
        return self

    def close(self) -> None:
        envelopes: Any = self.socket
        if isinstance(envelopes, Envelopes):
            envelopes.close()
        super().close()


def compressed(
    algorithm: str,
    capabilities: int = 0,
    *,
    unix_socket: str = "",
    host: str = "",
    port: int = 0,
    level: int = 3,
    **options: Any,
) -> RawClient:
    """A raw client whose packets go through envelopes once it is logged in."""
    over = Levelled(socket.AF_UNIX if unix_socket else socket.AF_INET)
    over.connect(unix_socket or (host, port))
    if algorithm == "zstd":
        over.level = bytes([level])
    where = {"unix_socket": unix_socket} if unix_socket else {"host": host}
    capabilities |= FLAGS[algorithm]
    try:
        client = CompressedClient(capabilities, over=over, **where, **options)
    except BaseException:
        over.close()
        raise
    assert client.capabilities & FLAGS[algorithm]
    return client.through(Envelopes(over, algorithm))
