"""Packets, both ways: what is written is read again, in whatever pieces it comes."""

import struct

import pytest

from heatproxy.errors import MySQLError, ProtocolError
from heatproxy.wire.packets import (
    EOF,
    MAX_FRAME,
    Capability,
    PacketReader,
    end_of_rows,
    eof,
    err,
    frame,
    frame_all,
    lenenc,
    lenenc_bytes,
    ok,
    parse_err,
    query,
    query_text,
    read_lenenc,
    status_of,
)

LENGTHS = {
    0: b"\x00",
    250: b"\xfa",
    251: b"\xfc\xfb\x00",
    65535: b"\xfc\xff\xff",
    65536: b"\xfd\x00\x00\x01",
    (1 << 24) - 1: b"\xfd\xff\xff\xff",
    1 << 24: b"\xfe\x00\x00\x00\x01\x00\x00\x00\x00",
    (1 << 64) - 1: b"\xfe" + b"\xff" * 8,
}


@pytest.mark.parametrize(("number", "data"), LENGTHS.items())
def test_a_number_is_written_and_read(number: int, data: bytes) -> None:
    assert lenenc(number) == data
    assert read_lenenc(b"x" + data + b"y", 1) == (number, 1 + len(data))


@pytest.mark.parametrize(
    "data", [b"", b"\xfb", b"\xff", b"\xfc\x01", b"\xfe" + b"1" * 7]
)
def test_what_is_no_number_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_lenenc(data, 0)


PAYLOADS = {
    "empty": b"",
    "short": b"\x03SELECT 1",
    "under one frame": b"x" * (MAX_FRAME - 1),
    "one frame": b"x" * MAX_FRAME,
    "over one frame": b"x" * (MAX_FRAME + 1),
    "two frames": b"x" * (2 * MAX_FRAME),
}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_payload_is_framed_and_read_with_bytes_left_over(payload: bytes) -> None:
    reader = PacketReader()
    data = frame(payload, 255)
    assert list(reader.feed(data + b"\x05\x00")) == [payload]
    assert reader.sequence_id == (255 + len(payload) // MAX_FRAME) % 256
    assert reader.buffer == b"\x05\x00"


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_payload_may_be_cut_anywhere(payload: bytes) -> None:
    data = frame(payload, 0)
    for cut in {1, 3, 4, len(data) // 2, len(data) - 1} - {len(data)}:
        reader = PacketReader()
        assert list(reader.feed(data[:cut])) == []
        assert list(reader.feed(data[cut:])) == [payload]


def test_payloads_come_byte_by_byte() -> None:
    data, following = frame_all([b"one", b"", b"three"], 254)
    reader = PacketReader()
    got = [payload for byte in data for payload in reader.feed(bytes([byte]))]
    assert got == [b"one", b"", b"three"]
    assert following == 1


def test_frames_of_large_payloads_are_counted() -> None:
    data, following = frame_all([b"x" * MAX_FRAME, b"y"], 1)
    assert following == 4
    assert list(PacketReader().feed(data)) == [b"x" * MAX_FRAME, b"y"]


@pytest.mark.parametrize(
    ("capabilities", "end"),
    [(0, b"\x0aRecords: 1"[1:]), (Capability.SESSION_TRACK, b"\x0aRecords: 1")],
)
def test_an_ok_carries_its_text(capabilities: int, end: bytes) -> None:
    packet = ok(capabilities, 0x4002, 300, 7, b"Records: 1")
    assert packet == b"\x00\xfc\x2c\x01\x00\x02\x40\x07\x00" + end
    assert status_of(packet) == 0x4002


def test_rows_end_as_was_agreed() -> None:
    assert end_of_rows(0, 0x22, 3) == eof(0x22, 3) == b"\xfe\x03\x00\x22\x00"
    packet = end_of_rows(Capability.DEPRECATE_EOF, 0x22, 3)
    assert packet == b"\xfe\x00\x00\x22\x00\x03\x00"
    assert (status_of(packet), packet[0]) == (0x22, EOF)
    assert status_of(eof(0x22), is_eof=True) == 0x22


@pytest.mark.parametrize(
    "error",
    [
        MySQLError(1146, "42S02", "Table 'ä.日' doesn't exist"),
        MySQLError(65535, "HY000", ""),
    ],
)
def test_an_error_is_written_and_read(error: MySQLError) -> None:
    read = parse_err(err(error))
    assert (read.number, read.sqlstate, read.message) == error.args


def test_an_error_before_login_has_no_state() -> None:
    read = parse_err(b"\xff\x10\x04Too many connections")
    assert read.args == (1040, "HY000", "Too many connections")


def attributes(*values: tuple[int, bytes, bytes | None]) -> bytes:
    """A COM_QUERY's parameters: type, name, encoded value."""
    nulls = bytearray((len(values) + 7) // 8)
    for index, (_, _, value) in enumerate(values):
        nulls[index // 8] |= (value is None) << index % 8
    types = b"".join(struct.pack("<H", k) + lenenc_bytes(n) for k, n, _ in values)
    data = b"".join(value or b"" for _, _, value in values)
    return lenenc(len(values)) + b"\x01" + bytes(nulls) + b"\x01" + types + data


@pytest.mark.parametrize(
    "head",
    [
        b"\x00\x01",
        attributes((8, b"n", b"x" * 8)),
        attributes(
            (1, b"", b"x"), (2, b"", b"xx"), (3, b"", b"xxxx"), (4, b"", b"xxxx")
        ),
        attributes(
            (5, b"", b"x" * 8), (13, b"", b"xx"), (9, b"", b"xxxx"), (6, b"", None)
        ),
        attributes(
            (253, b"name", lenenc_bytes(b"SELECT")), (252, b"", lenenc_bytes(b""))
        ),
        attributes((254, b"x" * 400, lenenc_bytes(b"y" * 70_000))),
        attributes(
            (12, b"", b"\x00"), (7, b"", b"\x0b" + b"x" * 11), (10, b"", b"\x04xxxx")
        ),
        attributes(
            (11, b"", b"\x08" + b"x" * 8), (253, b"", None), (246, b"", b"\x031.5")
        ),
        attributes(*[(253, b"a", None if i % 3 else b"\x01b") for i in range(20)]),
    ],
)
def test_the_text_behind_query_attributes(head: bytes) -> None:
    capabilities = int(Capability.QUERY_ATTRIBUTES)
    assert query_text(b"\x03" + head + b"SELECT 1", capabilities) == b"SELECT 1"
    assert query_text(b"\x03" + head, capabilities) == b""


@pytest.mark.parametrize("capabilities", [0, int(Capability.QUERY_ATTRIBUTES)])
def test_a_query_of_ours_is_read_again(capabilities: int) -> None:
    assert query_text(query(b"SELECT 1", capabilities), capabilities) == b"SELECT 1"


@pytest.mark.parametrize(
    "payload", [b"\x03", b"\x03\x05\x01", b"\x03\xfe", b"\x03\x01"]
)
def test_attributes_that_are_cut_off_are_refused(payload: bytes) -> None:
    with pytest.raises((ProtocolError, IndexError)):
        query_text(payload, int(Capability.QUERY_ATTRIBUTES))
