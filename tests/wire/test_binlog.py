"""Events of the binlog, whole and in pieces, to changes of rows."""

import itertools
import struct
import zlib
from collections.abc import Sequence

import pyarrow as pa
import pytest

from heatproxy.datatypes import parse
from heatproxy.errors import MySQLError, ProtocolError
from heatproxy.wire import binlog, binlog_columns
from heatproxy.wire.binlog import GtidSet, Position, TableMap
from heatproxy.wire.binlog_columns import RowColumn, RowShape, Unfit, shape
from heatproxy.wire.binlog_net import reduce
from heatproxy.wire.binlog_stream import Stream
from heatproxy.wire.packets import frame

SERVER = bytes(range(16))
START = Position("log.000007", 4)
SHAPE = TableMap(9, "s", "t", [3, 15], [0, 80], [False, False])
HELD = [
    RowColumn("k", parse("int")),
    RowColumn("s", parse("varchar(20)"), "utf8mb4_bin"),
]


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    binlog_columns.warm_up()


Change = tuple[int, bytes]  # kind and body of an event


class Server:
    """Writes events as a server would."""

    def __init__(self, checksums: bool = True) -> None:
        self.place, self.checksums = START.offset, checksums
        self._gno = itertools.count(1)

    def event(
        self, kind: int, body: bytes, flags: int = 0, counted: bool = True
    ) -> bytes:
        summed = self.checksums or kind == binlog.FORMAT
        size = 19 + len(body) + 4 * summed
        place = 0
        if counted:
            self.place += size
            place = self.place & 0xFFFFFFFF
        data = struct.pack("<IBIIIH", 1234, kind, 1, size, place, flags) + body
        return data + (struct.pack("<I", zlib.crc32(data)) if summed else b"")

    def packet(self, *event: object, **options: bool) -> bytes:
        data = b"\0" + self.event(*event, **options)  # type: ignore[arg-type]
        return frame(data, 0)

    def head(self) -> bytes:
        body = b"\x04\0" + b"9.7".ljust(50, b"\0") + bytes(5) + bytes(40)
        rotate = struct.pack("<Q", START.offset) + START.file.encode()
        return self.packet(4, rotate, 0x20, counted=False) + self.packet(
            binlog.FORMAT, body + bytes([self.checksums])
        )

    def transaction(self, *changes: Change) -> bytes:
        gtid = b"\0" + SERVER + struct.pack("<Q", next(self._gno))
        return b"".join(
            self.packet(kind, body)
            for kind, body in (
                (33, gtid + bytes(17)),
                (2, bytes(13) + b"\0BEGIN"),
                *changes,
                (16, bytes(8)),
            )
        )

    def table_map(self, number: int = 9) -> Change:
        body = struct.pack("<IHH", number, 0, 1) + b"\x01s\0\x01t\0"
        return 19, body + b"\x02\x03\x0f\x02\x50\0\x03"

    def rows(self, kind: int, images: Sequence[bytes], number: int = 9) -> Change:
        present = b"\xff" * (2 if kind == 31 else 1)
        head = struct.pack("<IHHH", number, 0, 1, 2) + b"\x02" + present
        return kind, head + b"".join(images)


def image(key: int, text: str | None) -> bytes:
    data = b"" if text is None else bytes([len(text.encode())]) + text.encode()
    return bytes([2 * (text is None)]) + struct.pack("<i", key) + data


def read(stream: Stream, data: bytes, piece: int | None = None) -> list[binlog.Event]:
    """Feed a stream; the events it hands on. TABLE_MAPs are all of slot 0."""
    handed = []
    for start in range(0, len(data), piece or len(data)):
        part = data[start : start + (piece or len(data))]
        stream.room()[: len(part)] = part
        stream.received(len(part))
        while (event := stream.walk()) is not None:
            handed.append(event)
            if event.kind == binlog.TABLE_MAP:
                stream.map_table(event.body, 0)
    return handed


def followed(position: Position = START) -> Stream:
    stream = Stream(position)
    stream.follow(Position("", 0), Position("", 0))
    return stream


def net(
    stream: Stream, found: RowShape | None = None
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]], bool]:
    found = found or shape(SHAPE, HELD, ["k"])
    change = reduce(stream.events[: stream.n_done], 0, found)
    return (
        rows(found.removed(change.removed, no_text)),
        rows(found.added(change.added, no_text)),
        change.checked,
    )


def rows(table: pa.Table) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


def no_text(charset: str, values: Sequence[bytes]) -> list[str]:
    raise AssertionError(charset)


@pytest.mark.parametrize("checksums", [True, False])
@pytest.mark.parametrize("piece", [None, 1, 7, 100])
def test_changes_are_found_in_whatever_pieces_they_come(
    checksums: bool, piece: int | None
) -> None:
    server = Server(checksums)
    data = server.head() + server.transaction(
        server.table_map(),
        server.rows(30, [image(1, "one"), image(2, None), image(3, "drei")]),
        server.rows(31, [image(1, "one"), image(10, "ten")]),
        server.rows(32, [image(2, None), image(7, "seven")]),
    )
    stream = followed()
    handed = read(stream, data, piece)
    assert [event.kind for event in handed] == [binlog.TABLE_MAP]
    assert stream.done == Position(START.file, server.place)
    removed, added, checked = net(stream)
    assert removed == [(7,)]
    assert sorted(added) == [(3, "drei"), (10, "ten")]
    assert checked
    gtids, is_partial = stream.done_gtids()
    assert (gtids[0, :2].tobytes(), gtids[0, 2], is_partial) == (SERVER, 1, False)


def test_a_transaction_that_has_not_ended_is_not_done() -> None:
    server = Server()
    head = server.head()
    first = server.transaction(server.table_map(), server.rows(30, [image(1, "a")]))
    done = server.place
    second = server.transaction(server.rows(30, [image(2, "b")]))
    stream = followed()
    read(stream, head + first + second[:-10])
    assert stream.n_done == 1
    assert stream.done.offset == done
    stream.taken(whole=True)
    assert stream.n_done == 0
    read(stream, second[-10:])
    assert net(stream)[1] == [(2, "b")]
    assert stream.done.offset == server.place


def test_what_a_table_has_already_is_skipped_and_doubtful_rows_are_not_checked() -> (
    None
):
    server = Server()
    head = server.head()
    first = server.transaction(server.table_map(), server.rows(30, [image(1, "a")]))
    since = Position(START.file, server.place)
    second = server.transaction(server.rows(30, [image(2, "b")]))
    exact = Position(START.file, server.place)
    third = server.transaction(server.rows(30, [image(3, "c")]))
    stream = Stream(START)
    stream.follow(since, exact)
    read(stream, head + first + second)
    assert net(stream) == ([(2,)], [(2, "b")], False)
    stream.taken(whole=True)
    read(stream, third)
    assert net(stream) == ([], [(3, "c")], True)


def test_without_a_key_equal_rows_cancel_each_other_out() -> None:
    server = Server()
    data = server.head() + server.transaction(
        server.table_map(),
        server.rows(30, [image(1, "a"), image(1, "a"), image(1, "b")]),
        server.rows(32, [image(1, "a"), image(1, "c"), image(1, "c")]),
    )
    stream = followed()
    read(stream, data)
    removed, added, _ = net(stream, shape(SHAPE, HELD, []))
    assert removed == [(1, "c"), (1, "c")]
    assert sorted(added) == [(1, "a"), (1, "b")]


@pytest.mark.parametrize("seed", range(5))
def test_many_changes_of_few_keys_end_as_one_by_one(seed: int) -> None:
    state: dict[int, str] = {number: "old" for number in range(50)}
    before = dict(state)
    server = Server()
    number, changes = seed + 1, [server.table_map()]
    for _ in range(3000):
        number = number * 1103515245 + 12345 & 0x7FFFFFFF
        key, text = number >> 8 & 127, str(number % 1000)
        if key in state and number & 1:
            changes.append(server.rows(32, [image(key, state.pop(key))]))
        elif key in state:
            changes.append(server.rows(31, [image(key, state[key]), image(key, text)]))
            state[key] = text
        else:
            changes.append(server.rows(30, [image(key, text)]))
            state[key] = text
    stream = followed()
    read(stream, server.head() + server.transaction(*changes))
    removed, added, checked = net(stream)
    assert checked
    gone = {int(str(row[0])) for row in removed}
    assert len(gone) == len(removed)
    assert gone <= set(before)
    after = {key: text for key, text in before.items() if key not in gone}
    after |= {int(str(key)): str(text) for key, text in added}
    assert after == state


def test_a_row_deleted_twice_contradicts_itself() -> None:
    server = Server()
    change = server.rows(32, [image(1, "a"), image(1, "a")])
    stream = followed()
    read(stream, server.head() + server.transaction(server.table_map(), change))
    with pytest.raises(Unfit, match="contradict"):
        net(stream)


def test_an_event_without_all_columns_is_refused() -> None:
    server = Server()
    body = struct.pack("<IHHH", 9, 0, 1, 2) + b"\x02\x01\0" + struct.pack("<i", 1)
    stream = followed()
    read(stream, server.head() + server.transaction(server.table_map(), (30, body)))
    with pytest.raises(Unfit, match="binlog_row_image"):
        net(stream)


@pytest.mark.parametrize(
    ("types", "metadata", "why"),
    [
        ([3], [0], "columns"),
        ([8, 15], [0, 80], "k is no int"),
        ([3, 15], [0, 120], r"s is no varchar\(20\)"),
    ],
)
def test_another_table_under_the_name_is_noticed(
    types: list[int], metadata: list[int], why: str
) -> None:
    with pytest.raises(Unfit, match=why):
        shape(TableMap(9, "s", "t", types, metadata, None), HELD, ["k"])


def test_an_int_that_has_become_unsigned_is_noticed() -> None:
    with pytest.raises(Unfit, match="k is no int"):
        shape(TableMap(9, "s", "t", [3, 15], [0, 80], [True, False]), HELD, ["k"])


def test_a_table_map_that_changes_is_handed_on_again() -> None:
    server = Server()
    stream = followed()
    read(stream, server.head() + server.transaction(server.table_map()))
    assert not read(stream, server.transaction(server.table_map()))
    (event,) = read(stream, server.transaction(server.table_map(10)))
    assert binlog.parse_table_map(event.body).number == 10


def test_rows_without_a_table_map_are_no_binlog() -> None:
    server = Server()
    data = server.head() + server.transaction(server.rows(30, [image(1, "a")]))
    with pytest.raises(ProtocolError):
        read(followed(), data)


def test_a_row_that_ends_too_early_is_noticed() -> None:
    server = Server()
    change = server.rows(30, [image(1, "abc")[:-1]])
    stream = followed()
    read(stream, server.head() + server.transaction(server.table_map(), change))
    with pytest.raises(Unfit):
        net(stream)


def test_the_server_may_end_the_stream_with_an_error() -> None:
    refusal = b"\xff" + struct.pack("<H", 1236) + b"#HY000it is gone"
    with pytest.raises(MySQLError) as refused:
        read(followed(), frame(refusal, 0))
    assert refused.value.number == 1236


def test_places_behind_four_gigabytes_are_told_apart() -> None:
    server = Server(checksums=False)
    server.place = 2**32 - 100
    stream = followed(Position(START.file, server.place))
    read(stream, server.transaction())
    assert stream.done.offset == server.place > 2**32


def test_files_come_by_their_number() -> None:
    assert Position("b.999999", 9) < Position("b.1000000", 4)
    assert Position("b.000002", 100) > Position("b.000002", 99)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("", ""),
        ("A0-1:1-5:7", "a0-1:1-5:7"),
        ("a0-1:3-4:1-2", "a0-1:1-4"),
        ("b:1,\na:2-3:tag:5", "a:2-3,a:tag:5,b:1"),
    ],
)
def test_gtid_sets_are_read_as_mysql_prints_them(text: str, printed: str) -> None:
    assert GtidSet.parse(text).text() == printed


def test_gtid_sets_grow_and_contain_each_other() -> None:
    some = GtidSet.parse("a:1-5:10")
    more = GtidSet.parse("a:1-10,b:1")
    assert some.is_within(more)
    assert not more.is_within(some)
    some.add("a", 6, 10)
    assert some.text() == "a:1-10"
