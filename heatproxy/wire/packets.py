"""The pieces every packet is made of: numbers, frames, and the short answers.

Source: MySQL Source Code Documentation, "Client/Server Protocol".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from heatproxy.errors import MySQLError, ProtocolError

HEADER_BYTES = 4
MAX_FRAME = 0xFFFFFF
OK, LOCAL_INFILE, EOF, ERR = 0x00, 0xFB, 0xFE, 0xFF
VECTOR = 242  # a type of values that PyMySQL's list of them lacks


class Command(IntEnum):
    """The first byte of what a client sends."""

    QUIT = 0x01
    INIT_DB = 0x02
    QUERY = 0x03
    FIELD_LIST = 0x04
    STATISTICS = 0x09
    PING = 0x0E
    CHANGE_USER = 0x11
    BINLOG_DUMP = 0x12
    STMT_PREPARE = 0x16
    STMT_EXECUTE = 0x17
    STMT_SEND_LONG_DATA = 0x18
    STMT_CLOSE = 0x19
    STMT_RESET = 0x1A
    SET_OPTION = 0x1B
    STMT_FETCH = 0x1C
    BINLOG_DUMP_GTID = 0x1E
    RESET_CONNECTION = 0x1F
    CLONE = 0x20
    SUBSCRIBE_GROUP_REPLICATION_STREAM = 0x22


class Capability(IntEnum):  # of an IntFlag, every & would cost microseconds
    """What both sides of a connection agreed to use; only the bits that matter here."""

    CONNECT_WITH_DB = 1 << 3
    COMPRESS = 1 << 5
    LOCAL_FILES = 1 << 7
    PROTOCOL_41 = 1 << 9
    SSL = 1 << 11
    MULTI_STATEMENTS = 1 << 16
    MULTI_RESULTS = 1 << 17
    PLUGIN_AUTH = 1 << 19
    CONNECT_ATTRIBUTES = 1 << 20
    PLUGIN_AUTH_LENENC = 1 << 21
    SESSION_TRACK = 1 << 23
    DEPRECATE_EOF = 1 << 24
    OPTIONAL_METADATA = 1 << 25
    ZSTD = 1 << 26
    QUERY_ATTRIBUTES = 1 << 27


class Status(IntEnum):
    """The server status flags at the end of each answer."""

    IN_TRANS = 0x0001
    AUTOCOMMIT = 0x0002
    MORE_RESULTS = 0x0008
    CURSOR_EXISTS = 0x0040
    NO_BACKSLASH_ESCAPES = 0x0200
    PS_OUT_PARAMS = 0x1000
    IN_TRANS_READONLY = 0x2000
    SESSION_STATE_CHANGED = 0x4000


# What of a status outlives the statement that reported it; the other flags (no index
# used, session state changed) speak of that statement alone.
SESSION_STATUS = (
    Status.IN_TRANS
    | Status.AUTOCOMMIT
    | Status.NO_BACKSLASH_ESCAPES
    | Status.IN_TRANS_READONLY
)


def read_lenenc(data: bytes, position: int) -> tuple[int, int]:
    """A length-encoded integer and the position behind it.

    Raises:
        ProtocolError: the data ends inside the number, or it is NULL or an ERR.
    """
    first = data[position] if position < len(data) else 0xFF
    if first < 0xFB:
        return first, position + 1
    size = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(first)
    end = position + 1 + (size or 0)
    if size is None or end > len(data):
        raise ProtocolError("bad length-encoded integer")
    return int.from_bytes(data[position + 1 : end], "little"), end


def lenenc(number: int) -> bytes:
    """A length-encoded integer."""
    if number < 0xFB:
        return bytes([number])
    for first, size in ((0xFC, 2), (0xFD, 3)):
        if number < 1 << (8 * size):
            return bytes([first]) + number.to_bytes(size, "little")
    return b"\xfe" + number.to_bytes(8, "little")


def lenenc_bytes(value: bytes) -> bytes:
    """A string with its length in front."""
    return lenenc(len(value)) + value


def frame(payload: bytes, sequence_id: int) -> bytes:
    """A payload as packets; one of 16 MB or more takes several frames."""
    frames = []
    start = 0
    while True:
        part = payload[start : start + MAX_FRAME]
        frames.append(len(part).to_bytes(3, "little") + bytes([sequence_id & 0xFF]))
        frames.append(part)
        start += MAX_FRAME
        sequence_id += 1
        if len(part) < MAX_FRAME:
            return b"".join(frames)


def frame_all(payloads: list[bytes], sequence_id: int) -> tuple[bytes, int]:
    """Several payloads framed one after the other, and the next sequence id."""
    framed = []
    for payload in payloads:
        framed.append(frame(payload, sequence_id))
        sequence_id += len(payload) // MAX_FRAME + 1
    return b"".join(framed), sequence_id & 0xFF


@dataclass(slots=True)
class PacketReader:
    """Whole payloads out of bytes that arrive in any pieces."""

    buffer: bytearray = field(default_factory=bytearray, init=False)
    sequence_id: int = field(default=0, init=False)
    _whole: int = field(default=0, init=False)  # bytes of frames that have come whole

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The payloads complete by now; ``sequence_id`` is that of the last frame."""
        self.buffer += data
        while (payload := self._take()) is not None:
            yield payload

    def _take(self) -> bytes | None:
        while True:
            body = self._whole + HEADER_BYTES
            if len(self.buffer) < body:
                return None
            length = int.from_bytes(self.buffer[self._whole : body - 1], "little")
            if len(self.buffer) < body + length:
                return None
            self.sequence_id = self.buffer[body - 1]
            self._whole = body + length
            if length < MAX_FRAME:
                break
        full = HEADER_BYTES + MAX_FRAME
        payload = bytes(self.buffer[HEADER_BYTES : min(self._whole, full)])
        if self._whole > full:
            frames = range(full, self._whole, full)
            parts = [
                self.buffer[at + HEADER_BYTES : min(at + full, self._whole)]
                for at in frames
            ]
            payload = b"".join((payload, *parts))
        del self.buffer[: self._whole]
        self._whole = 0
        return payload


def ok(
    capabilities: int,
    status: int,
    affected_rows: int = 0,
    warnings: int = 0,
    info: bytes = b"",
    header: int = OK,
) -> bytes:
    """An OK packet; ``header`` EOF makes it the end of rows under DEPRECATE_EOF.

    With SESSION_TRACK the info text carries its length.
    """
    packet = bytes([header]) + lenenc(affected_rows) + b"\x00"
    packet += status.to_bytes(2, "little") + warnings.to_bytes(2, "little")
    if not info:
        return packet
    return packet + (
        lenenc_bytes(info) if capabilities & Capability.SESSION_TRACK else info
    )


def end_of_rows(capabilities: int, status: int, warnings: int = 0) -> bytes:
    """What ends the rows of a result set: an OK or, for older clients, an EOF."""
    if capabilities & Capability.DEPRECATE_EOF:
        return ok(capabilities, status, warnings=warnings, header=EOF)
    return eof(status, warnings)


def eof(status: int, warnings: int = 0) -> bytes:
    """An EOF packet."""
    return b"\xfe" + warnings.to_bytes(2, "little") + status.to_bytes(2, "little")


def err(error: MySQLError) -> bytes:
    """An ERR packet."""
    head = b"\xff" + error.number.to_bytes(2, "little") + b"#"
    return head + error.sqlstate.encode() + error.message.encode()


def parse_err(payload: bytes) -> MySQLError:
    """The error in an ERR packet; before login it has no SQLSTATE."""
    number = int.from_bytes(payload[1:3], "little")
    state, text = "HY000", payload[3:]
    if payload[3:4] == b"#":
        state, text = payload[4:9].decode("ascii", "replace"), payload[9:]
    error = MySQLError(number, state, text.decode("utf-8", "replace"))
    error.packet = payload  # its text is in the session's character set
    return error


def status_of(payload: bytes, *, is_eof: bool = False) -> int:
    """The status flags of an OK packet, or of an EOF packet of the older kind."""
    if is_eof:
        return int.from_bytes(payload[3:5], "little")
    _, position = read_lenenc(payload, 1)
    _, position = read_lenenc(payload, position)
    return int.from_bytes(payload[position : position + 2], "little")


def warnings_of(payload: bytes, *, is_eof: bool = False) -> int:
    """How many warnings an OK packet counts, or an EOF packet of the older kind."""
    if is_eof:
        return int.from_bytes(payload[1:3], "little")
    _, position = read_lenenc(payload, 1)
    _, position = read_lenenc(payload, position)
    return int.from_bytes(payload[position + 2 : position + 4], "little")


def query_text(payload: bytes, capabilities: int) -> bytes:
    """The SQL text of a COM_QUERY, behind the query attributes it may carry.

    Source: "COM_QUERY", parameters.
    """
    if not capabilities & Capability.QUERY_ATTRIBUTES:
        return payload[1:]
    if payload[1:3] == b"\0\1":  # no attributes, as nearly always
        return payload[3:]
    count, position = read_lenenc(payload, 1)
    _, position = read_lenenc(payload, position)  # parameter sets: always one
    if count:
        position = _behind_parameters(payload, position, count)
    return payload[position:]


def _behind_parameters(payload: bytes, position: int, count: int) -> int:
    nulls = payload[position : position + (count + 7) // 8]
    position += len(nulls) + 1  # and the flag that types follow
    types = []
    for _ in range(count):
        types.append(payload[position])
        length, position = read_lenenc(payload, position + 2)
        position += length  # the attribute's name
    for index, kind in enumerate(types):
        if not nulls[index // 8] >> (index % 8) & 1:
            position = behind_value(payload, position, kind)
    return position


_FIXED_BYTES = {1: 1, 2: 2, 13: 2, 3: 4, 9: 4, 4: 4, 8: 8, 5: 8, 6: 0}
_TEMPORAL = (7, 10, 11, 12)


def layout(kind: int) -> int:
    """How a binary row packs a value of this type: 0 for all kinds of strings."""
    return kind if kind in _FIXED_BYTES or kind in _TEMPORAL else 0


def behind_value(payload: bytes, position: int, kind: int) -> int:
    """The position behind a value of this type, of a parameter or a binary row."""
    if kind in _FIXED_BYTES:
        return position + _FIXED_BYTES[kind]
    if kind in _TEMPORAL:
        return position + 1 + payload[position]
    length, position = read_lenenc(payload, position)
    return position + length


def query(text: bytes, capabilities: int) -> bytes:
    """A COM_QUERY payload for this text."""
    no_attributes = b"\x00\x01" if capabilities & Capability.QUERY_ATTRIBUTES else b""
    return bytes([Command.QUERY]) + no_attributes + text
