"""The events of the binary log that are few: where, what statement, which columns.

Rows events are many, and read by kernels (``binlog_walk``, ``binlog_plan``,
``binlog_rows``); everything else is read here, as values.

Source: MySQL Source Code Documentation, "Binlog Event", ``libs/mysql/binlog``.
"""

import functools
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from heatproxy.errors import ProtocolError
from heatproxy.wire.binlog_walk import HEADER
from heatproxy.wire.packets import read_lenenc

CRC32 = 1
ZSTD, UNCOMPRESSED = 0, 255

# Kinds of events beside those that the kernel knows.
STOP, ROTATE, FORMAT, QUERY, TABLE_MAP = 3, 4, 15, 2, 19
PARTIAL_UPDATE_ROWS, XA_PREPARE, TRANSACTION_PAYLOAD = 39, 38, 40

# What a column's values are in a row, by TABLE_MAP.
TINY, SHORT, LONG, FLOAT, DOUBLE, LONGLONG, INT24 = 1, 2, 3, 4, 5, 8, 9
DATE, YEAR, VARCHAR, BIT = 10, 13, 15, 16
TIMESTAMP2, DATETIME2, TIME2 = 17, 18, 19
VECTOR, JSON, NEWDECIMAL, ENUM, SET, BLOB, STRING, GEOMETRY = (
    *(242, 245, 246, 247, 248, 252, 254),
    255,
)
_NUMERIC = {TINY, SHORT, LONG, FLOAT, DOUBLE, LONGLONG, INT24, NEWDECIMAL, YEAR}
_ONE_BYTE = {FLOAT, DOUBLE, BLOB, JSON, GEOMETRY, VECTOR, TIMESTAMP2, DATETIME2, TIME2}
_TWO_BYTES = {VARCHAR, BIT, STRING, NEWDECIMAL, ENUM, SET}
SIGNEDNESS = 1


@functools.total_ordering
@dataclass(frozen=True, slots=True)
class Position:
    """A place in the binlog: a file, and how many bytes of it come before."""

    file: str
    offset: int

    @property
    def number(self) -> int:
        """What the file's name ends with: files are counted."""
        digits = self.file.rpartition(".")[2]
        return int(digits) if digits.isdigit() else 0

    def __lt__(self, other: "Position") -> bool:
        return (self.number, self.offset) < (other.number, other.offset)


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its header's fields and its body, the checksum left out."""

    when: int  # seconds since 1970
    kind: int
    server_id: int
    place: int  # its end, as 32 bits
    flags: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Query:
    """A statement: in which schema, in its own bytes."""

    schema: str
    text: bytes


@dataclass(frozen=True, slots=True)
class TableMap:
    """What a table was like when its rows were written.

    ``metadata`` has one number a column; ``unsigned`` is None where it is not said.
    """

    number: int
    schema: str
    table: str
    types: Sequence[int]
    metadata: Sequence[int]
    unsigned: Sequence[bool] | None


def parse_event(data: bytes) -> Event:
    """An event without its checksum. Raises ProtocolError."""
    if len(data) < HEADER:
        raise ProtocolError("an event of the binlog that is too short")
    when, kind, server_id, _, place, flags = struct.unpack_from("<IBIIIH", data)
    return Event(when, kind, server_id, place, flags, data[HEADER:])


def parse_rotate(body: bytes) -> Position:
    """Where the stream goes on."""
    (offset,) = struct.unpack_from("<Q", body)
    return Position(body[8:].decode(), offset)


def checksum_bytes(format_body: bytes) -> int:
    """How many bytes of a checksum end each event from here on.

    ``format_body`` still has its own: a FORMAT_DESCRIPTION always has one.
    """
    return 4 if format_body[-5] == CRC32 else 0


def parse_query(body: bytes) -> Query:
    """The statement of a QUERY event. Raises ProtocolError."""
    try:
        schema_length, status_length = body[8], struct.unpack_from("<H", body, 11)[0]
    except (IndexError, struct.error):
        raise ProtocolError("a QUERY event that is too short") from None
    start = 13 + status_length
    schema = body[start : start + schema_length].decode("utf-8", "replace")
    return Query(schema, body[start + schema_length + 1 :])


def parse_table_map(body: bytes) -> TableMap:
    """A TABLE_MAP event's body. Raises ProtocolError."""
    try:
        return _table_map(body)
    except (IndexError, struct.error):
        raise ProtocolError("a TABLE_MAP event that is too short") from None


def _table_map(body: bytes) -> TableMap:
    number = int.from_bytes(body[:6], "little")
    position, names = 8, []
    for _ in range(2):
        length, position = read_lenenc(body, position)
        names.append(body[position : position + length].decode("utf-8", "replace"))
        position += length + 1
    count, position = read_lenenc(body, position)
    types = list(body[position : position + count])
    position += count
    length, position = read_lenenc(body, position)
    metadata = _metadata(types, body[position : position + length])
    position += length + (count + 7) // 8
    unsigned = None
    while position < len(body):
        field = body[position]
        length, position = read_lenenc(body, position + 1)
        if field == SIGNEDNESS:
            bits = iter(_bits(body[position : position + length]))
            unsigned = [kind in _NUMERIC and next(bits) for kind in types]
        position += length
    return TableMap(number, names[0], names[1], types, metadata, unsigned)


def _metadata(types: Sequence[int], data: bytes) -> list[int]:
    found, position = [], 0
    for kind in types:
        value = 0
        if kind in _ONE_BYTE:
            value = data[position]
            position += 1
        elif kind in _TWO_BYTES:
            # what the first byte is stands high where both mean something by themselves
            order = "big" if kind in (STRING, NEWDECIMAL, ENUM, SET) else "little"
            value = int.from_bytes(data[position : position + 2], order)  # type: ignore[arg-type]
            position += 2
        elif kind == 20:  # a typed array, of which no column is made
            raise ProtocolError("an index over an array among the columns of a table")
        found.append(value)
    return found


def _bits(data: bytes) -> list[bool]:
    return [bool(byte >> 7 - bit & 1) for byte in data for bit in range(8)]


@dataclass(frozen=True, slots=True)
class Payload:
    """Events of a transaction in one, compressed as ``compression`` says."""

    compression: int
    size: int  # bytes, uncompressed
    data: bytes


def parse_payload(body: bytes) -> Payload:
    """A TRANSACTION_PAYLOAD event's body. Raises ProtocolError."""
    fields: dict[int, int] = {}
    position = 0
    try:
        while True:
            field, position = read_lenenc(body, position)
            if field == 0:
                break
            length, position = read_lenenc(body, position)
            fields[field] = read_lenenc(body, position)[0]
            position += length
    except (IndexError, struct.error):
        raise ProtocolError("a TRANSACTION_PAYLOAD event that is too short") from None
    data = body[position:]
    return Payload(fields.get(2, UNCOMPRESSED), fields.get(3, len(data)), data)


@dataclass(slots=True)
class GtidSet:
    """Transactions by their server and number: from, and up to but without."""

    ranges: dict[str, list[tuple[int, int]]]

    @classmethod
    def parse(cls, text: str) -> "GtidSet":
        """As ``@@gtid_executed`` prints it; the key of a tagged one has its tag."""
        ranges: dict[str, list[tuple[int, int]]] = {}
        for part in text.replace("\n", "").split(","):
            server, _, rest = part.strip().partition(":")
            key = server.lower()
            for item in rest.split(":") if rest else ():
                first, _, last = item.strip().partition("-")
                if not first.isdigit():
                    key = f"{server.lower()}:{item.strip().lower()}"
                    continue
                span = (int(first), int(last or first) + 1)
                ranges.setdefault(key, []).append(span)
        return cls({key: _merged(spans) for key, spans in ranges.items()})

    def add(self, server: str, first: int, end: int) -> None:
        """Take in transactions from ``first`` up to but without ``end``."""
        spans = self.ranges.setdefault(server, [])
        if spans and spans[-1][1] == first:
            spans[-1] = (spans[-1][0], end)
        else:
            self.ranges[server] = _merged([*spans, (first, end)])

    def is_within(self, other: "GtidSet") -> bool:
        """Whether the other has all of them."""
        return all(
            any(low <= first and end <= high for low, high in other.ranges.get(key, ()))
            for key, spans in self.ranges.items()
            for first, end in spans
        )

    def text(self) -> str:
        """As ``parse`` reads it."""
        parts = []
        for key, spans in sorted(self.ranges.items()):
            listed = (
                f"{first}" if end == first + 1 else f"{first}-{end - 1}"
                for first, end in spans
            )
            parts.append(":".join((key, *listed)))
        return ",".join(parts)

    def encoded(self) -> bytes:
        """As COM_BINLOG_DUMP_GTID has it. Raises ValueError: one has a tag."""
        blocks = [struct.pack("<Q", len(self.ranges))]
        for key, spans in sorted(self.ranges.items()):
            server, _, tag = key.partition(":")
            if tag:
                raise ValueError("a tagged GTID")
            blocks.append(bytes.fromhex(server.replace("-", "")))
            blocks.append(struct.pack("<Q", len(spans)))
            blocks += [struct.pack("<QQ", first, end) for first, end in spans]
        return b"".join(blocks)


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, end in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((first, end))
    return merged


def server_name(number: bytes) -> str:
    """A server's UUID as ``@@server_uuid`` prints it."""
    text = number.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
