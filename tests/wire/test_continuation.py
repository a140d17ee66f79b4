"""MySQL's replies as parts of ours: counted on, and said to be followed by more."""

import struct
from dataclasses import dataclass, field

import pytest

from heatproxy.wire.continuation import Continuation
from heatproxy.wire.packets import MAX_FRAME, PacketReader, Status, frame, lenenc
from heatproxy.wire.tracker import DONE, FILE, MORE
from tests.rawclient import DEPRECATE_EOF, OPTIONAL_METADATA

DEFINITION = b"\x03def definition"
AUTOCOMMIT, MORE_RESULTS = 2, 8
OUT_PARAMS, CURSOR = 0x1000, 0x40


@dataclass
class Server:
    """Writes replies as MySQL does."""

    new_eof: bool
    sequence_id: int = 0
    data: bytes = b""
    shape: list[str] = field(default_factory=list)

    def send(self, what: str, payload: bytes) -> "Server":
        self.sequence_id += 1
        self.data += frame(payload, self.sequence_id)
        self.sequence_id += len(payload) // MAX_FRAME
        self.shape.append(what)
        return self

    def ok(self, status: int = AUTOCOMMIT, affected: int = 5) -> "Server":
        packet = b"\0" + lenenc(affected) + b"\0" + struct.pack("<HH", status, 0)
        return self.send("ok", packet + b"info")

    def eof(self, status: int) -> "Server":
        return self.send("eof", b"\xfe" + struct.pack("<HH", 3, status))

    def rows(
        self, rows: list[bytes], status: int = AUTOCOMMIT, columns: int = 2
    ) -> "Server":
        self.send("count", bytes([columns]))
        for _ in range(columns):
            self.send("definition", DEFINITION)
        if not self.new_eof:
            self.eof(status)
        for row in rows:
            self.send("row", row)
        if not self.new_eof:
            return self.eof(status & ~OUT_PARAMS)
        return self.send("end", b"\xfe\0\0" + struct.pack("<HH", status, 0))


def passed(
    data: bytes, new_eof: bool, first: int, more: bool, step: int = 1 << 20
) -> tuple[Continuation, list[tuple[int, bytes]], int]:
    """Sequence ids and payloads as a client gets them, and the last event."""
    reply = Continuation(DEPRECATE_EOF if new_eof else 0, first, more=more)
    reader, packets, event = PacketReader(), [], MORE
    for start in range(0, len(data), step):
        sent, event = reply.feed(data[start : start + step])
        for payload in reader.feed(sent):
            packets.append((reader.sequence_id, payload))
    assert not reader.buffer
    return reply, packets, event


def statuses(packets: list[tuple[int, bytes]], shape: list[str]) -> list[int]:
    found = []
    for what, (_, payload) in zip(shape, packets, strict=True):
        at = {"ok": 3, "eof": 3, "end": 3}.get(what)
        if at is not None:
            found.append(int.from_bytes(payload[at : at + 2], "little"))
    return found


both_ends = pytest.mark.parametrize("new_eof", [False, True], ids=["old", "new"])


@both_ends
@pytest.mark.parametrize("more", [False, True])
@pytest.mark.parametrize("step", [1, 5, 1000])
def test_packets_are_counted_on_and_say_that_more_follows(
    new_eof: bool, more: bool, step: int
) -> None:
    server = Server(new_eof)
    server.ok(AUTOCOMMIT | MORE_RESULTS)
    server.rows([b"\x01a\x01b", b"\xfb\x01b"], AUTOCOMMIT | MORE_RESULTS)
    server.rows([b"\xfc\x04\x01" + b"x" * 260 + b"\xfb"], AUTOCOMMIT)
    reply, packets, event = passed(server.data, new_eof, 250, more, step)
    assert event == DONE
    count = server.sequence_id
    assert [number for number, _ in packets] == [(250 + i) % 256 for i in range(count)]
    assert reply.sequence_id == (250 + count) % 256
    assert reply.status == AUTOCOMMIT
    *first, last = statuses(packets, server.shape)
    assert all(status & MORE_RESULTS for status in first[: 2 if new_eof else 3])
    assert bool(last & MORE_RESULTS) is more
    given = [payload for _, payload in packets if payload[0] not in (0x00, 0xFE)]
    expected = [p for p in PacketReader().feed(server.data) if p[0] not in (0x00, 0xFE)]
    assert given == expected


@both_ends
def test_what_is_alone_passes_unchanged(new_eof: bool) -> None:
    server = Server(new_eof).rows([b"\x01a\x01b"] * 700)
    reply = Continuation(DEPRECATE_EOF if new_eof else 0, 1, more=False)
    assert reply.feed(server.data) == (server.data, DONE)


@both_ends
def test_an_error_is_held_back_and_ends_the_reply(new_eof: bool) -> None:
    for rows in (0, 3):
        server = Server(new_eof)
        if rows:
            server.rows([b"\x01a\x01b"] * rows, AUTOCOMMIT | MORE_RESULTS)
        before = len(server.data)
        error = b"\xff\x1a\x04#42S02no such table"
        server.send("error", error)
        reply, packets, event = passed(server.data, new_eof, 9, True)
        assert (event, reply.error, reply.status) == (
            DONE,
            error,
            AUTOCOMMIT if rows else None,
        )
        assert reply.sequence_id == 9 + server.sequence_id - 1
        assert sum(4 + len(payload) for _, payload in packets) == before


@both_ends
def test_an_error_in_the_middle_of_rows_is_one_too(new_eof: bool) -> None:
    server = Server(new_eof).send("count", b"\x01").send("definition", DEFINITION)
    if not new_eof:
        server.eof(AUTOCOMMIT)
    server.send("row", b"\x01a").send("error", b"\xff\x25\x05#70100killed")
    reply, packets, event = passed(server.data, new_eof, 3, False, 2)
    assert (event, reply.error) == (DONE, b"\xff\x25\x05#70100killed")
    assert reply.sequence_id == packets[-1][0] + 1


@both_ends
def test_long_rows_of_several_frames_are_counted_frame_by_frame(new_eof: bool) -> None:
    long = b"\xfd\xff\xff\xff" + b"x" * (MAX_FRAME + 10)
    server = Server(new_eof).rows([b"\x01a", long, b"\x01b"], columns=1)
    reply, packets, event = passed(server.data, new_eof, 7, False)
    assert event == DONE
    assert [payload for _, payload in packets][-4:-1] == [
        b"\x01a",
        long,
        b"\x01b",
    ]
    assert reply.sequence_id == (7 + server.sequence_id) % 256


def test_out_parameters_and_cursors_end_where_mysql_ends_them() -> None:
    server = Server(False).rows([b"\0\0\x01a"], AUTOCOMMIT | MORE_RESULTS | OUT_PARAMS)
    # the EOF behind the row does not say that an OK follows
    server.data = server.data[:-2] + AUTOCOMMIT.to_bytes(2, "little")
    server.ok()
    _, packets, event = passed(server.data, False, 4, False)
    assert event == DONE
    assert packets[-1][0] == 4 + server.sequence_id - 1
    cursor = Server(False).send("count", b"\x01").send("definition", DEFINITION)
    cursor.eof(AUTOCOMMIT | CURSOR)
    assert passed(cursor.data, False, 1, False)[2] == DONE


@both_ends
def test_a_file_is_asked_for_with_the_number_that_the_client_awaits(
    new_eof: bool,
) -> None:
    server = Server(new_eof).send("file", b"\xfbname")
    reply, packets, event = passed(server.data, new_eof, 40, True)
    assert (event, packets) == (FILE, [(40, b"\xfbname")])
    server.data, server.sequence_id = b"", 30  # the client's packets lie between
    sent, event = reply.feed(server.ok().data)
    assert event == DONE
    assert sent[3] == 31 + 39
    assert int.from_bytes(sent[7:9], "little") == AUTOCOMMIT | MORE_RESULTS


def test_columns_may_be_nameless() -> None:
    capabilities = OPTIONAL_METADATA
    for new_eof in (0, DEPRECATE_EOF):
        server = Server(bool(new_eof)).send("count", b"\x02\x00")
        if not new_eof:
            server.eof(AUTOCOMMIT)
        server.send("row", b"\x01a\x01b")
        if new_eof:
            server.send("end", b"\xfe\0\0" + struct.pack("<HH", AUTOCOMMIT, 0))
        else:
            server.eof(AUTOCOMMIT)
        reply = Continuation(capabilities | new_eof, 1, more=False)
        assert reply.feed(server.data) == (server.data, DONE)
        assert reply.status == Status.AUTOCOMMIT
