"""A MySQL client that keeps every packet: PyMySQL logs in, the rest is bytes."""

import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import pymysql

MAX_FRAME = 0xFFFFFF
LOCAL_FILES = 1 << 7
MULTI_STATEMENTS = 1 << 16
PS_MULTI_RESULTS = 1 << 18
SESSION_TRACK = 1 << 23
DEPRECATE_EOF = 1 << 24
OPTIONAL_METADATA = 1 << 25
QUERY_ATTRIBUTES = 1 << 27
CURSOR_EXISTS, MORE_RESULTS, PS_OUT_PARAMS = 0x0040, 0x0008, 0x1000


class Reply(Enum):
    """The shape of what the server answers."""

    NONE = auto()
    ONE_PACKET = auto()
    RESULTS = auto()
    PREPARED = auto()
    ROWS = auto()
    COLUMNS = auto()
    CLOSED = auto()  # whatever comes until the connection ends


@dataclass(frozen=True, slots=True)
class Packet:
    """One frame of the server."""

    sequence_id: int
    payload: bytes

    def __repr__(self) -> str:
        more = f"... {len(self.payload)} bytes" if len(self.payload) > 300 else ""
        return f"<{self.sequence_id} {self.payload[:300]!r}{more}>"


GONE = Packet(-1, b"the connection ended")


@dataclass(frozen=True, slots=True)
class Step:
    """A command: its payload for a client's capabilities, and what answers it."""

    encode: Callable[[int], bytes]
    reply: Reply = Reply.RESULTS
    file: Sequence[bytes] = ()  # packets of a LOCAL INFILE
    same: bool = True  # whether two servers answer it with the same bytes

    def __repr__(self) -> str:
        return f"Step({self.encode(0)[:80]!r})"


class _Login(pymysql.Connection):  # type: ignore[type-arg]
    """Logs in and says nothing more; there are options that it never asks for."""

    def __init__(self, never: int, **options: Any) -> None:
        self._never = never
        super().__init__(**options)

    @property
    def client_flag(self) -> int:
        return self._flags & ~self._never

    @client_flag.setter
    def client_flag(self, flags: int) -> None:
        self._flags = flags

    def set_character_set(self, charset: str, collation: str | None = None) -> None:
        pass


class RawClient:
    """One session, packet by packet."""

    def __init__(
        self,
        capabilities: int = 0,
        over: socket.socket | None = None,
        never: int = 0,
        **options: Any,
    ) -> None:
        """``options`` are those of ``pymysql.connect``; ``over`` is connected.

        ``never``: capabilities that PyMySQL would ask for.
        """
        quietly = {"autocommit": None, "ssl_disabled": True, "defer_connect": True}
        self.login = _Login(never, **options, **quietly, client_flag=capabilities)
        self.login.connect(over)
        self.capabilities = capabilities & self.login.server_capabilities
        self.socket: socket.socket = self.login._sock
        self.thread_id: int = self.login.server_thread_id[0]
        self._stream = self.login._rfile

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.login._force_close()

    @property
    def new_eof(self) -> bool:
        return bool(self.capabilities & DEPRECATE_EOF)

    def run(self, step: Step) -> list[Packet]:
        """Send one command and read all of its reply."""
        self.socket.sendall(framed(step.encode(self.capabilities)))
        return self.read(step)

    def query(self, sql: str | bytes) -> list[Packet]:
        return self.run(query(sql))

    def read(self, step: Step) -> list[Packet]:
        """The reply to a step that has been sent."""
        packets: list[Packet] = []
        try:
            _READERS[step.reply](self, step, packets)
        except EOFError:
            packets.append(GONE)
        except ConnectionError:
            packets.append(GONE)
        return packets

    def packet(self, into: list[Packet]) -> bytes:
        """The next payload; its frames are added to ``into``."""
        parts = []
        while True:
            header = self._exactly(4)
            part = self._exactly(int.from_bytes(header[:3], "little"))
            into.append(Packet(header[3], part))
            parts.append(part)
            if len(part) < MAX_FRAME:
                return parts[0] if len(parts) == 1 else b"".join(parts)

    def _exactly(self, count: int) -> bytes:
        data: bytes = self._stream.read(count)
        if len(data) < count:
            raise EOFError
        return data

    # --- replies --------------------------------------------------------------------

    def _none(self, step: Step, into: list[Packet]) -> None:
        pass

    def _one_packet(self, step: Step, into: list[Packet]) -> None:
        self.packet(into)

    def _closed(self, step: Step, into: list[Packet]) -> None:
        while True:
            self.packet(into)

    def _results(self, step: Step, into: list[Packet]) -> None:
        while self._result(step, into) & MORE_RESULTS:
            pass

    def _result(self, step: Step, into: list[Packet]) -> int:
        """One result; the status it ends with, 0 for an error."""
        head = self.packet(into)
        if head[0] == 0xFB:
            sequence_id = into[-1].sequence_id + 1
            for part in (*step.file, b""):
                self.socket.sendall(framed(part, sequence_id))
                sequence_id += len(part) // MAX_FRAME + 1
            head = self.packet(into)
        if head[0] == 0xFF:
            return 0
        if head[0] in (0x00, 0xFE):
            return _status(head, head[0] == 0x00 or self.new_eof)
        count, position = _number(head, 0)
        if self.capabilities & OPTIONAL_METADATA and not head[position]:
            count = 0
        for _ in range(count):
            self.packet(into)
        more = 0
        if not self.new_eof:
            status = _status(self.packet(into), False)
            if status & CURSOR_EXISTS:
                return status
            if status & PS_OUT_PARAMS:  # only here it is said that an OK follows
                more = MORE_RESULTS
        return self._rows_end(into) | more

    def _rows_end(self, into: list[Packet]) -> int:
        longest = MAX_FRAME if self.new_eof else 9
        while True:
            payload = self.packet(into)
            if payload[0] == 0xFF:
                return 0
            if payload[0] == 0xFE and len(payload) < longest:
                return _status(payload, self.new_eof)

    def _rows(self, step: Step, into: list[Packet]) -> None:
        self._rows_end(into)

    def _columns(self, step: Step, into: list[Packet]) -> None:
        while self.packet(into)[0] not in (0xFE, 0xFF):
            pass

    def _prepared(self, step: Step, into: list[Packet]) -> None:
        head = self.packet(into)
        if head[0] == 0xFF:
            return
        columns, parameters = struct.unpack_from("<HH", head, 5)
        named = not self.capabilities & OPTIONAL_METADATA or head[12]
        for count in (parameters, columns):
            for _ in range(count if named else 0):
                self.packet(into)
            if count and not self.new_eof:
                self.packet(into)


_READERS = {
    Reply.NONE: RawClient._none,
    Reply.ONE_PACKET: RawClient._one_packet,
    Reply.RESULTS: RawClient._results,
    Reply.PREPARED: RawClient._prepared,
    Reply.ROWS: RawClient._rows,
    Reply.COLUMNS: RawClient._columns,
    Reply.CLOSED: RawClient._closed,
}


def _number(data: bytes, position: int) -> tuple[int, int]:
    size = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(data[position])
    if size is None:
        return data[position], position + 1
    end = position + 1 + size
    return int.from_bytes(data[position + 1 : end], "little"), end


def _status(payload: bytes, is_ok: bool) -> int:
    position = 3
    if is_ok:
        position = _number(payload, _number(payload, 1)[1])[1]
    return int.from_bytes(payload[position : position + 2], "little")


def lenenc(value: bytes) -> bytes:
    """A string with its length in front."""
    length = len(value)
    if length < 0xFB:
        return bytes([length]) + value
    for first, size in ((0xFC, 2), (0xFD, 3)):
        if length < 1 << (8 * size):
            return bytes([first]) + length.to_bytes(size, "little") + value
    return b"\xfe" + length.to_bytes(8, "little") + value


def framed(payload: bytes, sequence_id: int = 0) -> bytes:
    """A payload as the frames of one packet."""
    frames = []
    for start in range(0, len(payload) + 1, MAX_FRAME):
        part = payload[start : start + MAX_FRAME]
        header = len(part).to_bytes(3, "little") + bytes([sequence_id % 256])
        frames.append(header + part)
        sequence_id += 1
    return b"".join(frames)


# --- steps ----------------------------------------------------------------------------


def command(
    number: int, body: bytes = b"", reply: Reply = Reply.RESULTS, *, same: bool = True
) -> Step:
    """Any command."""
    payload = bytes([number]) + body
    return Step(lambda capabilities: payload, reply, same=same)


def query(
    sql: str | bytes,
    *,
    attributes: Sequence[tuple[bytes, int, bytes | None]] = (),
    file: Sequence[bytes] = (),
    same: bool = True,
    reply: Reply = Reply.RESULTS,
) -> Step:
    """COM_QUERY; an attribute is a name, a type and an encoded value."""
    text = sql if isinstance(sql, bytes) else sql.encode()

    def encode(capabilities: int) -> bytes:
        if not capabilities & QUERY_ATTRIBUTES:
            return b"\x03" + text
        head = bytes([3, len(attributes), 1])
        return head + (_values(attributes, named=True) if attributes else b"") + text

    return Step(encode, reply, file, same)


def prepare(sql: str | bytes) -> Step:
    """COM_STMT_PREPARE."""
    text = sql if isinstance(sql, bytes) else sql.encode()
    return Step(lambda capabilities: b"\x16" + text, Reply.PREPARED)


def execute(
    statement: int,
    *values: tuple[int, bytes | None],
    cursor: int = 0,
    bound: bool = True,
    reply: Reply = Reply.RESULTS,
) -> Step:
    """COM_STMT_EXECUTE; a value is a type and its encoding, None for NULL.

    ``bound`` false leaves the types out, as clients do when they execute again.
    """
    named = [(b"", kind, value) for kind, value in values]

    def encode(capabilities: int) -> bytes:
        head = b"\x17" + struct.pack("<IBI", statement, cursor, 1)
        if not values:
            return head
        if capabilities & QUERY_ATTRIBUTES:
            head += bytes([len(values)])
        own_names = bool(capabilities & QUERY_ATTRIBUTES)
        return head + _values(named, named=own_names, bound=bound)

    return Step(encode, reply)


def _values(
    values: Sequence[tuple[bytes, int, bytes | None]],
    *,
    named: bool,
    bound: bool = True,
) -> bytes:
    nulls = bytearray((len(values) + 7) // 8)
    types = data = b""
    for index, (name, kind, value) in enumerate(values):
        types += kind.to_bytes(2, "little") + (lenenc(name) if named else b"")
        if value is None:
            nulls[index // 8] |= 1 << index % 8
        else:
            data += value
    return bytes(nulls) + (b"\x01" + types if bound else b"\x00") + data


def long_data(statement: int, parameter: int, data: bytes) -> Step:
    """COM_STMT_SEND_LONG_DATA."""
    return command(0x18, struct.pack("<IH", statement, parameter) + data, Reply.NONE)


def fetch(statement: int, rows: int) -> Step:
    """COM_STMT_FETCH."""
    return command(0x1C, struct.pack("<II", statement, rows), Reply.ROWS)


def reset(statement: int) -> Step:
    """COM_STMT_RESET."""
    return command(0x1A, struct.pack("<I", statement))


def close(statement: int) -> Step:
    """COM_STMT_CLOSE."""
    return command(0x19, struct.pack("<I", statement), Reply.NONE)
