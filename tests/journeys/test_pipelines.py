"""Statements of heatproxy's own among MySQL's, sent without waiting: answered in turn.

Each conversation is held once step by step; sent in one write, byte by byte or in any
pieces, it must be answered with the same packets.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import run
from tests.conftest import Server
from tests.journeys import commands
from tests.journeys.conftest import Pair, Talk
from tests.journeys.mutations import Chance
from tests.journeys.test_transparency import CLIENTS
from tests.lakeside import external, load, load_call
from tests.rawclient import (
    RawClient,
    Reply,
    Step,
    close,
    command,
    execute,
    framed,
    prepare,
    query,
)

pytestmark = pytest.mark.mysql

SCHEMA = "journey_pipeline"
OURS = "SELECT a, b FROM lake ORDER BY a"
MIXES = {
    "reads of both": [
        query(OURS),
        query("SELECT a, b FROM own ORDER BY a"),
        query("SELECT COUNT(*), SUM(a) FROM lake"),
        command(0x0E),
        query(OURS),
    ],
    "errors of both": [
        query("SELECT nothing FROM lake"),
        query("SELECT nothing"),
        query("CALL sys.ML_TRAIN('x')"),
        query("INSERT INTO lake VALUES (9, 'x')"),
        query(OURS),
        query("SELECT 'end'"),
    ],
    "a session's state between them": [
        query("SET @x = 2"),
        query("SELECT a FROM lake WHERE a > 1 ORDER BY a"),
        query("SELECT @x, ROW_COUNT()"),
        query("BEGIN"),
        query("INSERT INTO own VALUES (7, 'seven')"),
        query("SELECT COUNT(*) FROM own"),
        query("ROLLBACK"),
        query("SELECT COUNT(*) FROM lake"),
        command(0x02, b"mysql"),
        query(f"SELECT COUNT(*) FROM {SCHEMA}.lake"),
        query("SELECT DATABASE()"),
        command(0x02, SCHEMA.encode()),
    ],
    "prepared statements": [
        prepare("SELECT ? + 1"),
        query(OURS),
        execute(1, commands.integer(41)),
        query("SELECT COUNT(*) FROM lake"),
        close(1),
        execute(1, commands.integer(41)),
        query("SELECT 'end'"),
    ],
    "statistics, fields and a reset": [
        query(OURS),
        command(0x09, reply=Reply.ONE_PACKET, same=False),
        command(0x04, b"lake\0", Reply.COLUMNS),
        command(0x1F),
        query(OURS),
    ],
}


@pytest.fixture(scope="module", autouse=True)
def lake(server: Server) -> Iterator[str]:
    """Tables ``lake``, of a file, and ``own``, of InnoDB; a CALL that loads again."""
    rows = b"a,b\n1,one\n2,\n3,drei\n"
    with ObjectStore({"rows.csv": rows}) as store, closing(server.connect()) as admin:
        tables = {"lake": external(store.url("rows.csv"))}
        load(admin, SCHEMA, tables)
        run(admin, f"CREATE TABLE {SCHEMA}.own (a TINYINT, b VARCHAR(5))")
        run(admin, f"INSERT INTO {SCHEMA}.own VALUES (1, 'one'), (2, NULL)")
        yield load_call(admin, SCHEMA, {"again": tables["lake"]})
        run(admin, f"DROP DATABASE {SCHEMA}")


class Piecewise(socket.socket):
    """Sends in the pieces that a chance cuts."""

    chance: Chance | None = None

    def sendall(self, data: Any, flags: int = 0) -> None:
        pieces = self.chance.pieces(bytes(data)) if self.chance else [data]
        for piece in pieces:
            super().sendall(piece)


def connect(pair: Pair, client: str, over: socket.socket | None = None) -> RawClient:
    return pair.proxied(CLIENTS[client], over=over, database=SCHEMA)


def one_by_one(pair: Pair, client: str, steps: list[Step]) -> Talk:
    with connect(pair, client) as session:
        return [session.run(step) for step in steps]


def at_once(session: RawClient, steps: list[Step]) -> Talk:
    data = b"".join(framed(step.encode(session.capabilities)) for step in steps)
    sender = threading.Thread(target=session.socket.sendall, args=(data,))
    sender.start()
    answers = [session.read(step) for step in steps]
    sender.join()
    return answers


def check(steps: list[Step], got: Talk, expected: Talk) -> None:
    for step, one, other in zip(steps, got, expected, strict=True):
        assert one == other or not step.same, step


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("steps", MIXES.values(), ids=MIXES)
def test_what_is_sent_at_once_is_answered_as_if_one_by_one(
    pair: Pair, steps: list[Step], client: str
) -> None:
    expected = one_by_one(pair, client, steps)
    with connect(pair, client) as session:
        check(steps, at_once(session, steps), expected)


@pytest.mark.parametrize("steps", MIXES.values(), ids=MIXES)
def test_what_is_sent_in_any_pieces_is_answered_as_if_one_by_one(
    pair: Pair, steps: list[Step]
) -> None:
    expected = one_by_one(pair, "new", steps)
    for seed in range(5):
        with Piecewise(socket.AF_INET, socket.SOCK_STREAM) as over:
            over.connect((pair.server.host, pair.server.port))
            over.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connect(pair, "new", over) as session:
                over.chance = Chance(seed)
                check(steps, at_once(session, steps), expected)


def test_what_is_sent_behind_a_load_waits_for_its_end(pair: Pair, lake: str) -> None:
    """The table that it makes is there for the statements behind it."""
    steps = [
        query(lake),
        query("SELECT COUNT(*), MAX(b) FROM again"),
        query("SELECT 'relayed'"),
        query("DROP TABLE again"),
        query("SELECT COUNT(*) FROM again"),
        query(OURS),
    ]
    with connect(pair, "new") as session:
        answers = at_once(session, steps)
    assert b"\x013\x03one" in answers[1][-2].payload
    assert answers[2][-2].payload == b"\x07relayed"
    assert answers[4][0].payload[1:3] == (1146).to_bytes(2, "little")
    assert answers[5] == one_by_one(pair, "new", [query(OURS)])[0]
