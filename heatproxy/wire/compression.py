"""Compression of a client's leg: MySQL's packets in envelopes, packed and unpacked.

An envelope has a header of 7 bytes (length, number, length when unpacked; 0 for what
was not worth packing) and holds any stretch of the packets' bytes: a packet may span
several envelopes and an envelope several packets. Envelopes are numbered by
themselves, anew with each command.

Source: MySQL Source Code Documentation, "Compression"; compared with MySQL 9.7.
"""

import sys
import zlib
from collections.abc import Callable, Collection
from functools import cache, partial
from typing import Any, cast

from heatproxy.errors import (
    MySQLError,
    ProtocolError,
    bad_compression,
    bad_compression_level,
    cannot_uncompress,
    packets_out_of_order,
)
from heatproxy.wire.packets import MAX_FRAME, Capability, err, frame

ZLIB, ZSTD, UNCOMPRESSED = "zlib", "zstd", "uncompressed"
ALGORITHMS = (ZLIB, ZSTD, UNCOMPRESSED)  # MySQL takes the first both sides know
HEADER_BYTES = 7
WORTH_BYTES = 50  # less is not packed
# What is packed or unpacked at once. A few hundred bytes may unpack to 16 MB, so who
# reads asks for the rest when it has room again.
ENOUGH_BYTES = 1 << 20
# In one envelope: packed, it must have a length of 3 bytes even if it got longer.
LIMIT_BYTES = MAX_FRAME - (1 << 17)
# A relay serves many clients from one thread. Level 6 of zlib takes 4 times as long as
# level 1 for a tenth less, and what a client asks of zstd may take 40 times as long.
ZLIB_LEVEL = 1
ZSTD_LEVELS, ZSTD_LEVEL_MAX = range(1, 23), 9

# How an event begins, behind its first byte, that a replica is to acknowledge.
ACKNOWLEDGE = b"\xef\x01"

_CAPABILITIES = {ZLIB: Capability.COMPRESS, ZSTD: Capability.ZSTD}


def offered(algorithms: Collection[str]) -> int:
    """The capabilities that say which of these algorithms a server knows."""
    return sum(flag for name, flag in _CAPABILITIES.items() if name in algorithms)


def chosen(
    capabilities: int, level: int, algorithms: Collection[str]
) -> "Compression | None":
    """The compression for a client's capabilities, as MySQL chooses it.

    ``level`` is zstd's, as the client sent it.

    Raises:
        MySQLError: 3922, it offers none of the algorithms; 3923, no level of zstd's.
    """
    for name, flag in _CAPABILITIES.items():
        if capabilities & flag and name in algorithms:
            if name == ZSTD and level not in ZSTD_LEVELS:
                raise bad_compression_level(name)
            return Compression(name, level)
    if UNCOMPRESSED not in algorithms:
        raise bad_compression(UNCOMPRESSED)
    return None


class Compression:
    """The layer between a socket's envelopes and the protocol's packets."""

    ended = False  # an envelope never says that it is the last

    def __init__(self, algorithm: str, level: int) -> None:
        """``level`` is the one that the client asks for, of zstd."""
        if algorithm == ZSTD:
            level = min(level, ZSTD_LEVEL_MAX)
            self._pack = _zstd_pack(level)
            self._new_packer = partial(_zstd().ZstdCompressor, level)
            self._unpacker, self._unreadable = (
                _zstd().ZstdDecompressor,
                _zstd().ZstdError,
            )
        else:
            self._pack = partial(zlib.compress, level=ZLIB_LEVEL)
            self._new_packer = partial(zlib.compressobj, ZLIB_LEVEL)
            self._unpacker, self._unreadable = zlib.decompressobj, zlib.error
        self.more = False  # some of what arrived is kept back
        self._raw = bytearray()  # envelopes not opened yet
        self._received = self._sent = -1  # the numbers of the last envelopes
        self._begins = True  # what is sent next begins an answer
        self._kept = b""  # the beginning of a packet, to be sent
        self._left = 0  # bytes of a large packet that are still to be sent
        self._packer: Any = None  # of the large packet
        self._pieces: list[bytes] = []
        self._taken = 0  # bytes in the pieces
        self._farewell = b""

    def receive(self, data: bytes) -> tuple[bytes, bytes]:
        """The packets' bytes that have arrived, and nothing to send for them.

        When it is ENOUGH_BYTES or more, the rest is kept until this is called again.

        Raises:
            ProtocolError: an envelope is out of order or cannot be unpacked; ``end``
                has the packet that says so.
        """
        raw = self._raw
        self.more = False
        raw += data
        found, total = [], 0
        while total < ENOUGH_BYTES and len(raw) >= HEADER_BYTES:
            length = int.from_bytes(raw[:3], "little")
            self._count(raw[3])
            if len(raw) < HEADER_BYTES + length:
                break
            unpacked_length = int.from_bytes(raw[4:7], "little")
            part = bytes(raw[HEADER_BYTES : HEADER_BYTES + length])
            self._received = raw[3]
            del raw[: HEADER_BYTES + length]
            if unpacked_length:
                part = self._unpacked(part, unpacked_length)
            found.append(part)
            total += len(part)
        self.more = total >= ENOUGH_BYTES
        return found[0] if len(found) == 1 else b"".join(found), b""

    def send(self, data: bytes) -> bytes:
        """The envelopes for what is whole of these bytes of packets.

        Not every client is prepared for a header in two envelopes, or a packet in
        three: MySQL's own do not have them, and neither have ours.
        """
        envelopes: list[bytes] = []
        if self._left:
            data = self._send_on(data, envelopes)
        data, self._kept = self._kept + data, b""
        if self._begins and len(data) > 3:
            self._begins = False
            # packet 0 is what nobody asked for: why the server ends the session
            self._sent = self._received if data[3] else -1
        start = position = size = 0
        while position + 4 <= len(data):
            size = 4 + int.from_bytes(data[position : position + 3], "little")
            if position + size > len(data):
                break
            position += size
            if position - start >= ENOUGH_BYTES:
                self._put(data[start:position], envelopes)
                start = position
        if position > start:
            self._put(data[start:position], envelopes)
        rest = data[position:]
        if size > ENOUGH_BYTES and len(rest) > 3:
            self._left = size
            self._send_on(rest, envelopes)
        else:
            self._kept = rest
        return envelopes[0] if len(envelopes) == 1 else b"".join(envelopes)

    def end(self) -> bytes:
        """The error that the client is told last, if it has made one."""
        return self._farewell

    def turn(self) -> None:
        """All of an answer was sent: the client's next envelopes number the next."""
        self._begins = True

    def turn_to(self, number: int) -> None:
        """The next envelope sent has this number."""
        self._begins, self._sent = False, number - 1

    def _put(self, data: bytes, envelopes: list[bytes]) -> None:
        for start in range(0, len(data), LIMIT_BYTES):
            part = data[start : start + LIMIT_BYTES]
            packed = self._pack(part) if len(part) >= WORTH_BYTES else part
            if len(packed) < len(part):
                envelopes.append(self._envelope(packed, len(part)))
            else:
                envelopes.append(self._envelope(part, 0))

    def _send_on(self, data: bytes, envelopes: list[bytes]) -> bytes:
        """Pack what has come of a large packet; what is behind it.

        Packing all of it at once would keep other clients waiting.
        """
        part, behind = data[: self._left], data[self._left :]
        self._left -= len(part)
        while part:
            if self._packer is None:
                self._packer = self._new_packer()
            room = LIMIT_BYTES - self._taken
            taken, part = part[:room], part[room:]
            self._taken += len(taken)
            self._pieces.append(self._packer.compress(taken))
            if self._taken == LIMIT_BYTES or not (part or self._left):
                packed = b"".join((*self._pieces, self._packer.flush()))
                envelopes.append(self._envelope(packed, self._taken))
                self._packer, self._pieces, self._taken = None, [], 0
        return behind

    def _envelope(self, packed: bytes, length: int) -> bytes:
        self._sent = (self._sent + 1) & 0xFF
        head = len(packed).to_bytes(3, "little") + bytes([self._sent])
        return head + length.to_bytes(3, "little") + packed

    def _count(self, number: int) -> None:
        """A command begins with 0; the rest goes on from either side's last."""
        follows = ((self._received + 1) & 0xFF, (self._sent + 1) & 0xFF)
        if number and number not in follows:
            raise self._broken(packets_out_of_order())

    def _broken(self, error: MySQLError) -> ProtocolError:
        self._sent, envelopes = -1, [b""]
        self._put(frame(err(error), 0), envelopes)
        self._farewell = b"".join(envelopes)
        return ProtocolError(error.message)

    def _unpacked(self, part: bytes, length: int) -> bytes:
        unpacker = self._unpacker()
        try:
            data: bytes = unpacker.decompress(part, length + 1)
        except self._unreadable:
            raise self._broken(cannot_uncompress()) from None
        if len(data) != length or not unpacker.eof or unpacker.unused_data:
            raise self._broken(cannot_uncompress())
        return data


class Stretches:
    """Packets that nobody asked for one by one, cut where they begin to count anew.

    A binlog does so behind every event that a replica is to acknowledge: its packets
    from 1 on, its envelopes from 0.

    Source: MySQL 9.7 with semi-synchronous replication, watched.
    """

    def __init__(self) -> None:
        self._kept = b""  # the beginning of a packet of which too little is here
        self._left = 0  # bytes of the current packet that are still to come
        self._number = 0
        self._continues = False  # the next frame continues the one before it
        self._event_asks = False  # to be acknowledged
        self._asks = False  # and all of it was sent

    def feed(self, data: bytes) -> list[tuple[int | None, bytes]]:
        """What has arrived, in stretches: the number of each's first envelope.

        None is for what goes on counting.
        """
        data, self._kept = self._kept + data, b""
        found: list[tuple[int | None, bytes]] = []
        begins, start, end = None, 0, len(data)
        position = min(self._left, end)
        self._left -= position
        while position < end:
            head = data[position : position + 7]
            length = int.from_bytes(head[:3], "little")
            if len(head) < 4 or len(head) < 4 + min(3, length):
                data, self._kept = data[:position], data[position:]
                break
            if self._asks or head[3] != (self._number + 1) & 0xFF:
                found.append((begins, data[start:position]))
                begins, start = (0 if self._asks else head[3]), position
            self._number = head[3]
            self._continues, continued = length == MAX_FRAME, self._continues
            if not continued:
                self._event_asks = head[5:] == ACKNOWLEDGE
            self._asks = self._event_asks and not self._continues
            step = min(4 + length, end - position)
            self._left = 4 + length - step
            position += step
        found.append((begins, data[start:]))
        return [(number, part) for number, part in found if part]


@cache
def _zstd_pack(level: int) -> Callable[[bytes], bytes]:
    """Making a compressor takes longer than packing a small answer: one a level."""
    compressor = _zstd().ZstdCompressor(level=level)
    whole = compressor.FLUSH_FRAME
    return lambda data: cast(bytes, compressor.compress(data, whole))


@cache
def _zstd() -> Any:
    """Python 3.14's own module, or its backport; loaded for the first who needs it."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd
