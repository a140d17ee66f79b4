"""Where replies end, however their bytes arrive."""

from dataclasses import dataclass

import pytest

from heatproxy.errors import MySQLError
from heatproxy.wire.packets import (
    MAX_FRAME,
    Capability,
    Status,
    eof,
    err,
    frame,
    frame_all,
    lenenc,
    ok,
)
from heatproxy.wire.tracker import DONE, FILE, MORE, STREAM, Kind, Tracker
from tests.wire.plain import plain_tracker

AUTOCOMMIT, IN_TRANS = int(Status.AUTOCOMMIT), int(Status.IN_TRANS)
AGAIN, CURSOR = int(Status.MORE_RESULTS), int(Status.CURSOR_EXISTS)
OUT_PARAMETERS = 0x1000
OLD, NEW = 0, int(Capability.DEPRECATE_EOF)
NAMED = int(Capability.OPTIONAL_METADATA)
DEFINITION = (
    b"\x03def\x00\x00\x00\x01x\x00\x0c\x3f\x00\x01\x00\x00\x00\x08\x81\x00\x00\x00\x00"
)
ERR = err(MySQLError(1814, "HY000", "Tablespace has been discarded"))
LARGE_ROW = b"\xfe" + (1 << 24).to_bytes(8, "little") + b"x" * (1 << 24)


@dataclass(frozen=True)
class Case:
    """A reply, and what is known when it has been walked."""

    kind: Kind
    capabilities: int
    payloads: tuple[bytes, ...]
    events: tuple[int, ...] = (DONE,)
    status: int = 0
    refusal: int = 0


def new_end(status: int, tracked: bytes = b"") -> bytes:
    return ok(NEW, status, header=0xFE) + tracked


def prepared(columns: int, parameters: int, *, metadata: bytes = b"") -> bytes:
    counts = columns.to_bytes(2, "little") + parameters.to_bytes(2, "little")
    return b"\x00\x01\x00\x00\x00" + counts + b"\x00\x00\x00" + metadata


def result(kind: Kind, capabilities: int, *payloads: bytes, **expected: object) -> Case:
    return Case(kind, capabilities, payloads, **expected)  # type: ignore[arg-type]


R, P = Kind.RESULT, Kind.PREPARE
CASES = {
    "an OK": result(R, OLD, ok(0, AUTOCOMMIT, 5), status=AUTOCOMMIT),
    "an OK of large numbers": result(
        *(
            R,
            NEW,
            b"\x00" + b"\xfe" + b"\x05" * 8 + b"\xfd\x01\x02\x03" + b"\x02\x00\x00\x00",
        ),
        status=AUTOCOMMIT,
    ),
    "an OK with a long text": result(
        R, NEW, ok(0, IN_TRANS, info=b"x" * 500), status=IN_TRANS
    ),
    "an ERR": result(R, OLD, ERR, refusal=1814),
    "an EOF for COM_SET_OPTION": result(R, OLD, eof(AUTOCOMMIT), status=AUTOCOMMIT),
    "the same without EOFs": result(R, NEW, new_end(AUTOCOMMIT), status=AUTOCOMMIT),
    "rows": result(
        *(R, OLD, b"\x01", DEFINITION, eof(AUTOCOMMIT), b"\x011", b"\xfb", b"\x00"),
        eof(AUTOCOMMIT),
        status=AUTOCOMMIT,
    ),
    "rows without EOFs": result(
        R,
        NEW,
        b"\x01",
        DEFINITION,
        b"\x011",
        b"\xfb",
        new_end(IN_TRANS),
        status=IN_TRANS,
    ),
    "an end of rows with tracked changes": result(
        R, NEW, b"\x01", DEFINITION, b"\x011", new_end(AUTOCOMMIT, b"x" * 99), status=2
    ),
    "no rows": result(
        R, OLD, b"\x01", DEFINITION, eof(AUTOCOMMIT), eof(IN_TRANS), status=IN_TRANS
    ),
    "a row as long as an EOF": result(
        R, OLD, b"\x01", DEFINITION, eof(2), b"\x08" + b"\xfe" * 8, eof(2), status=2
    ),
    "three hundred columns": result(
        R, NEW, lenenc(300), *[DEFINITION] * 300, b"\xfb" * 300, new_end(2), status=2
    ),
    "binary rows that begin like an OK": result(
        R,
        OLD,
        b"\x01",
        DEFINITION,
        eof(2),
        b"\x00\x00\x05",
        b"\x00\x04",
        eof(2),
        status=2,
    ),
    "an ERR among rows": result(R, NEW, b"\x01", DEFINITION, b"\x011", ERR),
    "an ERR in place of rows": result(
        R, OLD, b"\x01", DEFINITION, eof(2), ERR, status=2, refusal=1814
    ),
    "an ERR in place of a definition": result(
        R, OLD, b"\x02", DEFINITION, ERR, refusal=1814
    ),
    "several results": result(
        *(R, OLD, ok(0, AGAIN), b"\x01", DEFINITION, eof(AGAIN), b"\x011", eof(AGAIN)),
        ok(0, AUTOCOMMIT),
        status=AUTOCOMMIT,
    ),
    "several results without EOFs": result(
        R,
        NEW,
        b"\x01",
        DEFINITION,
        new_end(AGAIN),
        ok(NEW, AGAIN | 2),
        ok(NEW, 2),
        status=2,
    ),
    "an error in the second result": result(R, OLD, ok(0, AGAIN), ERR, status=AGAIN),
    "OUT parameters, whose last EOF forgets that an OK follows": result(
        *(R, OLD, b"\x01", DEFINITION, eof(OUT_PARAMETERS | AGAIN), b"\x00\x00\x05"),
        *(eof(AUTOCOMMIT), ok(0, AUTOCOMMIT)),
        status=AUTOCOMMIT,
    ),
    "OUT parameters without EOFs": result(
        *(
            R,
            NEW,
            b"\x01",
            DEFINITION,
            b"\x00\x00\x05",
            new_end(OUT_PARAMETERS | AGAIN),
        ),
        ok(NEW, AUTOCOMMIT),
        status=AUTOCOMMIT,
    ),
    "a cursor": result(R, OLD, b"\x01", DEFINITION, eof(CURSOR | 2), status=CURSOR | 2),
    "a cursor without EOFs": result(
        R, NEW, b"\x01", DEFINITION, new_end(CURSOR | 2), status=CURSOR | 2
    ),
    "named columns": result(
        R,
        NEW | NAMED,
        b"\x02\x01",
        DEFINITION,
        DEFINITION,
        b"\x011\x012",
        new_end(2),
        status=2,
    ),
    "named columns and EOFs": result(
        R, NAMED, b"\x01\x01", DEFINITION, eof(2), b"\x011", eof(2), status=2
    ),
    "columns without names": result(
        R, NEW | NAMED, b"\x02\x00", b"\xfb\xfb", new_end(2), status=2
    ),
    "columns without names and EOFs": result(
        R, NAMED, b"\x02\x00", eof(2), b"\xfb\xfb", eof(2), status=2
    ),
    "a local file": result(
        R, OLD, b"\xfbfile.csv", ok(0, 2, 3), events=(FILE, DONE), status=2
    ),
    "a local file among results": result(
        R,
        NEW,
        ok(NEW, AGAIN),
        b"\xfbx",
        ok(NEW, AGAIN),
        ok(NEW, 2),
        events=(FILE, DONE),
        status=2,
    ),
    "a local file that is refused": result(R, OLD, b"\xfbx", ERR, events=(FILE, DONE)),
    "two local files": result(
        *(R, OLD, b"\xfbx", ok(0, AGAIN), b"\xfby", ok(0, 2)),
        events=(FILE, FILE, DONE),
        status=2,
    ),
    "prepared without anything": result(P, OLD, prepared(0, 0)),
    "prepared with columns": result(
        P, OLD, prepared(2, 0), DEFINITION, DEFINITION, eof(2), status=2
    ),
    "prepared with parameters": result(P, NEW, prepared(0, 2), DEFINITION, DEFINITION),
    "prepared with both": result(
        P, OLD, prepared(1, 1), DEFINITION, eof(0), DEFINITION, eof(2), status=2
    ),
    "prepared with both, without EOFs": result(
        P, NEW, prepared(1, 1), DEFINITION, DEFINITION
    ),
    "prepared with names left out": result(
        P, NAMED, prepared(3, 2, metadata=b"\x00"), eof(0), eof(2), status=2
    ),
    "prepared with names of columns left out": result(
        P, NAMED, prepared(3, 0, metadata=b"\x00"), eof(2), status=2
    ),
    "prepared with nothing to name": result(P, NAMED, prepared(0, 0, metadata=b"\x00")),
    "prepared with names left out, without EOFs": result(
        P, NEW | NAMED, prepared(3, 2, metadata=b"\x00")
    ),
    "prepared with names": result(
        P, NEW | NAMED, prepared(1, 0, metadata=b"\x01"), DEFINITION
    ),
    "not prepared": result(P, OLD, ERR, refusal=1814),
    "fetched rows": result(
        Kind.ROWS, OLD, b"\x00\x00\x05", b"\x00\x00\x06", eof(0x80), status=0x80
    ),
    "fetched rows without EOFs": result(
        Kind.ROWS, NEW, b"\x00\x00\x05", new_end(CURSOR), status=CURSOR
    ),
    "nothing fetched": result(Kind.ROWS, OLD, ERR, refusal=1814),
    "statistics": result(Kind.ONE_PACKET, OLD, b"Uptime: 1  Threads: 2"),
    "a field list": result(Kind.COLUMNS, OLD, DEFINITION, DEFINITION, eof(2), status=2),
    "a field list without EOFs": result(
        Kind.COLUMNS, NEW, DEFINITION, new_end(2), status=2
    ),
    "no field list": result(Kind.COLUMNS, NEW, ERR, refusal=1814),
    "a row over one frame": result(
        R, NEW, b"\x01", DEFINITION, LARGE_ROW, new_end(2), status=2
    ),
    "a row of exactly one frame": result(
        R, OLD, b"\x01", DEFINITION, eof(2), LARGE_ROW[:MAX_FRAME], eof(2), status=2
    ),
}
SMALL = {name: case for name, case in CASES.items() if "frame" not in name}


@pytest.fixture(params=["compiled", "plain"], autouse=True)
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As numba compiles it, and as Python runs it where there is no numba."""
    if request.param == "plain":
        plain_tracker(monkeypatch)


def expecting(case: Case) -> Tracker:
    made = Tracker(case.capabilities)
    made.expect(case.kind)
    return made


def bytes_of(case: Case) -> bytes:
    return frame_all(list(case.payloads), 1)[0]


def walk(made: Tracker, pieces: list[bytes]) -> tuple[list[int], bytes]:
    """The events, and what of the pieces is left behind the last of them."""
    events = []
    left = b""
    for index, piece in enumerate(pieces):
        position = 0
        while position < len(piece):
            position, event = made.scan(piece, position)
            if event == DONE:
                left = piece[position:] + b"".join(pieces[index + 1 :])
                return [*events, event], left
            if event == MORE:
                assert position == len(piece)
            else:
                events.append(event)
    return events, left


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_whole_reply(case: Case) -> None:
    made = expecting(case)
    assert walk(made, [bytes_of(case)]) == ([*case.events], b"")
    assert (made.status, made.refusal) == (case.status, case.refusal)


@pytest.mark.parametrize("case", SMALL.values(), ids=SMALL)
def test_a_reply_byte_by_byte(case: Case) -> None:
    made = expecting(case)
    pieces = [bytes([byte]) for byte in bytes_of(case)]
    assert walk(made, pieces) == ([*case.events], b"")
    assert (made.status, made.refusal) == (case.status, case.refusal)


@pytest.mark.parametrize("case", SMALL.values(), ids=SMALL)
def test_a_reply_cut_anywhere(case: Case) -> None:
    data = bytes_of(case)
    for cut in range(1, len(data), max(1, len(data) // 40)):
        made = expecting(case)
        assert walk(made, [data[:cut], data[cut:]]) == ([*case.events], b""), cut
        assert made.status == case.status


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_follows_a_reply_is_left(case: Case) -> None:
    following = frame_all([ok(0, IN_TRANS)], 1)[0]
    made = expecting(case)
    assert walk(made, [bytes_of(case) + following]) == ([*case.events], following)
    made.expect(Kind.RESULT)
    assert walk(made, [following]) == ([DONE], b"")
    assert made.status == IN_TRANS
    assert made.refusal == 0


def test_a_reply_may_follow_any_other() -> None:
    made = Tracker(OLD)
    for case in SMALL.values():
        if case.capabilities == OLD:
            made.expect(case.kind)
            assert walk(made, [bytes_of(case)]) == ([*case.events], b"")


def test_a_binlog_begins_or_is_refused() -> None:
    made = Tracker(OLD)
    made.expect(Kind.STREAM)
    data = frame_all([b"\x00" + b"x" * 50, b"\x00" + b"y" * 500], 1)[0]
    assert made.scan(data[:20]) == (20, MORE)
    assert made.scan(data, 20) == (55, STREAM)
    made.expect(Kind.STREAM)
    assert made.scan(frame(ERR, 1))[1] == DONE


def test_the_number_of_the_last_packet_is_known() -> None:
    made = Tracker(NEW)
    for number in (1, 77, 255):
        made.expect(Kind.RESULT)
        data = frame(b"\xfbfile", number)
        assert made.scan(data) == (len(data), FILE)
        assert made.sequence_id == number


ONLY_NAMES = (b"\x01", DEFINITION, eof(2))


@pytest.mark.parametrize(
    ("payloads", "unanswered"),
    [
        (ONLY_NAMES[:1], True),
        (ONLY_NAMES, True),
        ((*ONLY_NAMES, b"\x011"), False),
        ((*ONLY_NAMES, b"\x051"), False),  # the row is cut off
        ((*ONLY_NAMES, b"\xfb"), False),
        ((*ONLY_NAMES, eof(2)), False),
        ((ok(0, AGAIN),), False),
        ((b"\xfbfile",), False),
    ],
)
def test_a_reply_is_unanswered_until_a_row_or_an_end(
    payloads: tuple[bytes, ...], unanswered: bool
) -> None:
    made = Tracker(OLD)
    made.expect(Kind.RESULT)
    assert made.unanswered
    made.scan(frame_all(list(payloads), 1)[0])
    assert made.unanswered is unanswered


def test_a_long_row_answers_before_its_end() -> None:
    for row in (b"\xfd\xff\xff\xff" + b"x" * 100, LARGE_ROW[: MAX_FRAME - 5]):
        made = Tracker(NEW)
        made.expect(Kind.RESULT)
        head = frame_all([b"\x01", DEFINITION], 1)[0]
        made.scan(head + MAX_FRAME.to_bytes(3, "little") + b"\x03" + row)
        assert not made.unanswered


def test_status_can_be_set_from_outside() -> None:
    made = Tracker(NEW)
    made.status = IN_TRANS
    made.expect(Kind.RESULT)
    walk(made, [frame_all([ERR], 1)[0]])
    assert made.status == IN_TRANS  # an ERR says nothing of it
