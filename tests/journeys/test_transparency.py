"""What is MySQL's goes through heatproxy unchanged: compared packet by packet."""

import hashlib
import struct
from collections.abc import Sequence

import pytest

from tests.journeys import commands, conversations
from tests.journeys.conftest import Pair
from tests.rawclient import (
    DEPRECATE_EOF,
    LOCAL_FILES,
    MAX_FRAME,
    MULTI_STATEMENTS,
    OPTIONAL_METADATA,
    PS_MULTI_RESULTS,
    QUERY_ATTRIBUTES,
    SESSION_TRACK,
    Packet,
    Step,
    execute,
    long_data,
    prepare,
    query,
)

pytestmark = pytest.mark.mysql

FOUND_ROWS, IGNORE_SPACE = 1 << 1, 1 << 8
_MODERN = SESSION_TRACK | QUERY_ATTRIBUTES | OPTIONAL_METADATA | PS_MULTI_RESULTS
# What kinds of clients agree on with a server.
CLIENTS = {
    "simple": 0,
    "old": MULTI_STATEMENTS | LOCAL_FILES | FOUND_ROWS,
    "mixed": _MODERN | LOCAL_FILES | IGNORE_SPACE,
    "new": _MODERN | LOCAL_FILES | MULTI_STATEMENTS | DEPRECATE_EOF,
}
TABLES = {
    "select": conversations.SELECTS,
    "change": conversations.CHANGES,
    "error": conversations.ERRORS,
    "session": conversations.SESSION,
    "several": conversations.SEVERAL,
    "procedure": commands.PROCEDURES,
    "prepared": commands.PREPARED,
    "file": commands.FILES,
    "command": commands.COMMANDS,
}
CONVERSATIONS = {
    f"{group}: {name}": steps
    for group, table in TABLES.items()
    for name, steps in table.items()
}


@pytest.mark.parametrize("capabilities", CLIENTS.values(), ids=CLIENTS)
@pytest.mark.parametrize("steps", CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_a_conversation_is_the_same_as_with_mysql_itself(
    pair: Pair, steps: list[Step], capabilities: int
) -> None:
    direct, proxied = pair.talks(capabilities, steps)
    for step, expected, got in zip(steps, direct, proxied, strict=True):
        if step.same:
            assert got == expected, step
        else:
            assert len(got) == len(expected), step


def test_a_discarded_tablespace_is_refused_in_mysqls_words(pair: Pair) -> None:
    """The names of the columns are held back until it is known whose table it is."""
    alter = query("ALTER TABLE t DISCARD TABLESPACE")
    steps = [query(conversations.TABLE), alter, query("SELECT * FROM t")]
    direct, proxied = pair.talks(CLIENTS["new"], steps)
    assert proxied[-1][-1].payload == direct[-1][-1].payload
    assert proxied[-1][-1].payload[1:3] == (1814).to_bytes(2, "little")


def statement_of(size: int, text: bytes = b"SELECT LENGTH('%s'), 'end'") -> Step:
    """A COM_QUERY whose payload is so many bytes long."""

    def encode(capabilities: int) -> bytes:
        head = b"\x03\x00\x01" if capabilities & QUERY_ATTRIBUTES else b"\x03"
        padding = b"x" * (size - len(head) - len(text) + 2)
        return head + text.replace(b"%s", padding)

    return Step(encode)


def rows_of(size: int) -> list[Step]:
    """Rows whose payload is so many bytes long, in text and in binary."""
    prefix = 4 if size - 4 < 1 << 24 else 9  # the length of a length
    text = f"SELECT REPEAT('x', {size - prefix})"
    binary = f"SELECT REPEAT('x', {size - prefix - 2})"
    return [query(text), prepare(binary), execute(1), query("SELECT 'end'")]


def file_of(size: int) -> list[Step]:
    """A LOCAL INFILE whose first packet is so many bytes long."""
    table = "CREATE TABLE t (a INT, b LONGTEXT, c INT)"
    first = b"7\t" + b"x" * (size - 2)
    load = query("LOAD DATA LOCAL INFILE 'x' INTO TABLE t", file=[first, b"y\t9\n"])
    return [query(table), load, query("SELECT a, LENGTH(b), c FROM t")]


_LONG_BLOB = (252, b"")
LARGE = {
    "statements around one frame": [
        statement_of(MAX_FRAME + more) for more in (-1, 0, 1)
    ],
    "statements of two frames and more": [
        statement_of(2 * MAX_FRAME),
        statement_of(2 * MAX_FRAME + 1),
        query("SELECT 'end'"),
    ],
    "statements around what heatproxy looks at": [
        statement_of((1 << 20) + more) for more in (-1, 0, 1, 5)
    ],
    "a large statement of a name like heatproxy's": [
        statement_of(1_500_000, b"SELECT LENGTH('%s'), 'ml_predict_row'"),
        statement_of(900_000, b"SELECT LENGTH('%s'), 'ml_predict_row'"),
    ],
    "a large error": [statement_of(3_000_000, b"SELECT nothing, '%s'")],
    "a large INSERT": [
        query("CREATE TABLE t (a LONGBLOB)"),
        statement_of(18_000_000, b"INSERT INTO t VALUES ('%s')"),
        query("SELECT LENGTH(a) FROM t"),
    ],
    "rows just under one frame": rows_of(MAX_FRAME - 1),
    "rows of one frame": rows_of(MAX_FRAME),
    "rows just over one frame": rows_of(MAX_FRAME + 1),
    "rows of two frames": rows_of(2 * MAX_FRAME),
    "several large rows": [
        query("SELECT REPEAT('x', 17000000) UNION ALL SELECT REPEAT('y', 17000000)")
    ],
    "a file in one packet just under one frame": file_of(MAX_FRAME - 1),
    "a file in one packet of one frame": file_of(MAX_FRAME),
    "a file in one packet of more": file_of(MAX_FRAME + 9),
    "long data of one frame and more": [
        prepare("SELECT LENGTH(?)"),
        long_data(1, 0, b"x" * (MAX_FRAME - 7)),
        long_data(1, 0, b"x" * MAX_FRAME),
        execute(1, _LONG_BLOB),
        query("SELECT 'end'"),
    ],
    "large parameters": [
        prepare("SELECT LENGTH(?), 'ml_predict_row'"),
        execute(
            1, (252, b"\xfd" + struct.pack("<I", 5_000_000)[:3] + b"x" * 5_000_000)
        ),
    ],
}


@pytest.mark.parametrize("client", ["old", "new"])
@pytest.mark.parametrize("steps", LARGE.values(), ids=LARGE)
def test_large_packets_are_the_same_as_with_mysql_itself(
    pair: Pair, steps: list[Step], client: str
) -> None:
    direct, proxied = pair.talks(CLIENTS[client], steps)
    assert [digests(packets) for packets in proxied] == [
        digests(packets) for packets in direct
    ]


def digests(packets: Sequence[Packet]) -> list[tuple[int, int, str]]:
    """Packets too large to be shown when they differ."""
    return [
        (p.sequence_id, len(p.payload), hashlib.sha256(p.payload).hexdigest()[:16])
        for p in packets
    ]
