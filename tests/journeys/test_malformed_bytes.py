"""Damaged bytes of real conversations, by the hundred thousand, in what reads them.

No socket here: each reader is fed what MySQL and its clients really said, with faults.
It may refuse, in the one way it says it does; it must not fail in another, go on
forever, hold more than it was given, or depend on how the bytes were cut.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import pymysql
import pytest

from heatproxy.errors import MySQLError, ProtocolError
from heatproxy.sql.lexer import statements, tokens
from heatproxy.sql.prefilter import Prefilter
from heatproxy.wire.channel import Message, MessageReader, Statement, pack
from heatproxy.wire.compression import ENOUGH_BYTES, ZLIB, ZSTD, Compression
from heatproxy.wire.handshake import Side
from heatproxy.wire.login import LOGIN_BYTES, BackendTls, Login, StartTls
from heatproxy.wire.packets import MAX_FRAME, PacketReader, frame, query_text
from heatproxy.wire.parameters import decode, literal
from heatproxy.wire.tracker import DONE, FILE, KINDS, MORE, Kind, Tracker
from tests.journeys import commands, conversations
from tests.journeys.conftest import Pair
from tests.journeys.mutations import Chance
from tests.journeys.test_transparency import CLIENTS
from tests.rawclient import RawClient, Reply, framed
from tests.wire.logins import CERTIFIED, PLAIN, REFUSED, UNIX
from tests.wire.plain import plain_tracker

pytestmark = pytest.mark.mysql

MANY = int(os.environ.get("HEATPROXY_TEST_FAULTS", "1000"))
PATIENCE_S = 30.0  # of CPU, for what takes milliseconds


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command as it was sent, and all that the server answered."""

    capabilities: int
    command: bytes  # the payload
    reply: bytes

    @property
    def kind(self) -> Kind:
        return KINDS.get(self.command[0], Kind.RESULT)


class Recorder(socket.socket):
    """A socket that remembers what was said through it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.said: list[tuple[Side, bytes]] = []

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.said.append((Side.CLIENT, bytes(data)))
        super().sendall(data, flags)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        count = super().recv_into(buffer, nbytes, flags)
        self.said.append((Side.BACKEND, bytes(buffer[:count])))
        return count


@pytest.fixture(scope="module")
def exchanges(pair: Pair) -> list[Exchange]:
    """What MySQL says in the conversations of the transparency tests."""
    tables = (
        *(conversations.SELECTS, conversations.ERRORS, conversations.SESSION),
        *(conversations.SEVERAL, commands.PROCEDURES, commands.PREPARED),
        *(commands.FILES, commands.COMMANDS),
    )
    found = []
    for capabilities in (CLIENTS["old"], CLIENTS["new"]):
        for talk in (steps for table in tables for steps in table.values()):
            pair.fresh_schema()
            with pair.direct(capabilities) as client:
                for step in talk:
                    if step.reply is Reply.CLOSED:
                        break
                    packets = client.run(step)
                    frames = [framed(p.payload, p.sequence_id) for p in packets]
                    payload = step.encode(client.capabilities) or b"\0"
                    reply = b"".join(frames)
                    if len(reply) < 4000 and len(payload) < 4000:
                        made = Exchange(client.capabilities, payload, reply)
                        found.append(made)
    assert len(found) > 500
    return found


@pytest.fixture(scope="module")
def logins(pair: Pair) -> list[list[tuple[Side, bytes]]]:
    """How a client came in, with its password cached and not, and how one did not."""
    said = []
    pair.admin("FLUSH PRIVILEGES")
    for password in (None, None, "wrong"):
        refusal: AbstractContextManager[Any] = nullcontext()
        login = {"host": pair.server.host, "port": pair.server.port}
        login |= pair.server.login
        if password is not None:
            refusal = pytest.raises(pymysql.MySQLError)
            login["password"] = password
        with Recorder(socket.AF_INET, socket.SOCK_STREAM) as recorder:
            recorder.connect((pair.server.host, pair.server.port))
            with refusal:
                RawClient(CLIENTS["new"], recorder, **login).close()
            said.append(recorder.said)
    assert all(len(login) >= 3 for login in said)
    return said


TERMS = {
    "plain": PLAIN,
    "unix": UNIX,
    "offering TLS": replace(CERTIFIED, compression=("zlib", "zstd", "uncompressed")),
    "requiring TLS": replace(CERTIFIED, requires_tls=True),
    "TLS behind": replace(PLAIN, backend_tls=BackendTls.REQUIRED, backend_local=False),
}


def held(
    login: Login, said: list[tuple[Side, bytes]], chance: Chance
) -> tuple[int, int]:
    """Hold a conversation until it ends: bytes in, bytes out."""
    spoken = answered = 0
    for side, data in said:
        for piece in chance.pieces(data):
            spoken += len(piece)
            for step in login.feed(side, piece):
                if isinstance(step, StartTls):
                    return spoken, answered
                answered += len(step[1])
            if login.over:
                return spoken, answered
    return spoken, answered


@pytest.mark.parametrize("terms", TERMS.values(), ids=TERMS)
def test_a_damaged_login_is_refused_or_goes_on(
    logins: list[list[tuple[Side, bytes]]], terms: Any
) -> None:
    chance = Chance(1)
    refused = 0
    for _ in range(4 * MANY):
        said = list(chance.choice(logins))
        for _ in range(chance.choice((1, 1, 2))):
            index = chance.randrange(len(said))
            side, data = said[index]
            said[index] = (side, chance.damaged(data))
        login = Login(terms)
        try:
            spoken, answered = held(login, said, chance)
        except ProtocolError:
            refused += 1
        else:
            assert answered <= 2 * spoken + 1000
        assert all(len(login.rest(side)) <= LOGIN_BYTES for side in Side)
    assert 0 < refused < 4 * MANY


def test_nothing_a_client_says_lets_it_in(
    logins: list[list[tuple[Side, bytes]]],
) -> None:
    """Only an OK of the backend does; here it says no, whenever it is asked."""
    chance = Chance(2)
    for _ in range(10 * MANY):
        talk = chance.choice(logins)
        said = [(s, chance.damaged(d)) for s, d in talk if s is Side.CLIENT]
        login = Login(chance.choice((PLAIN, UNIX)))
        login.feed(Side.BACKEND, talk[0][1])
        try:
            held(login, said, chance)
            if not login.over:
                login.feed(Side.BACKEND, frame(REFUSED, 2))
        except ProtocolError:
            pass
        assert login.status is None


def walked(
    exchange: Exchange, data: bytes, pieces: Iterator[bytes]
) -> list[tuple[int, int]]:
    """Where a tracker stopped, and why; again and again as for pipelined commands."""
    made = Tracker(exchange.capabilities)
    made.expect(exchange.kind)
    stops, begun = [], 0
    for piece in pieces:
        position = 0
        while position < len(piece):
            start = position
            position, event = made.scan(piece, position)
            assert start <= position <= len(piece)
            assert event in (MORE, DONE, FILE)
            if event == MORE:
                assert position == len(piece)
            else:
                stops.append((begun + position, event))
                if event == DONE:
                    stops.append((made.status, made.refusal))
                    made.expect(exchange.kind)
        begun += len(piece)
    assert begun == len(data)
    return stops


def relevant(exchanges: list[Exchange]) -> list[Exchange]:
    """Those that are answered."""
    return [e for e in exchanges if e.kind != Kind.NOTHING]


def test_a_damaged_reply_is_walked_to_its_end_however_it_is_cut(
    exchanges: list[Exchange],
) -> None:
    chance, replies = Chance(3), relevant(exchanges)
    for _ in range(20 * MANY):
        exchange = chance.choice(replies)
        data = chance.damaged(exchange.reply)
        whole = walked(exchange, data, iter([data]))
        assert walked(exchange, data, chance.pieces(data)) == whole


def test_the_compiled_tracker_walks_as_the_python_one_does(
    exchanges: list[Exchange], monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, replies = Chance(4), relevant(exchanges)
    cases = []
    for _ in range(4 * MANY):
        exchange = chance.choice(replies)
        data = chance.damaged(exchange.reply)[:600]
        cases.append((exchange, data, walked(exchange, data, iter([data]))))
    plain_tracker(monkeypatch)
    for exchange, data, expected in cases:
        assert walked(exchange, data, iter([data])) == expected, (exchange, data)


def test_packets_are_the_same_however_damaged_bytes_are_cut(
    exchanges: list[Exchange],
) -> None:
    chance = Chance(5)
    for _ in range(10 * MANY):
        data = chance.damaged(chance.choice(exchanges).reply)
        reader, other = PacketReader(), PacketReader()
        whole = list(reader.feed(data))
        cut = [p for piece in chance.pieces(data) for p in other.feed(piece)]
        assert cut == whole
        assert sum(len(p) + 4 for p in whole) + len(reader.buffer) == len(data)
        assert other.buffer == reader.buffer


def test_messages_between_our_processes_are_read_or_refused(
    exchanges: list[Exchange],
) -> None:
    chance = Chance(6)
    refused = 0
    for _ in range(10 * MANY):
        exchange = chance.choice(exchanges)
        statement = Statement(exchange.command, exchange.capabilities, 2, 7)
        data = pack(Message.START, statement.to_bytes())
        data += pack(Message.BACKEND, exchange.reply) + pack(Message.DONE, b"\2\0")
        data = chance.damaged(data)
        reader = MessageReader()
        found = 0
        try:
            for piece in chance.pieces(data):
                found += sum(len(body) for _, body in reader.feed(piece))
        except ValueError:  # no such message: the peer is of another version
            refused += 1
        assert found <= len(data)
    assert 0 < refused < 10 * MANY


@pytest.mark.parametrize("algorithm", [ZLIB, ZSTD])
def test_damaged_envelopes_are_opened_or_refused(
    exchanges: list[Exchange], algorithm: str
) -> None:
    chance = Chance(7)
    refused = 0
    packed = [
        Compression(algorithm, 3).send(exchange.reply)
        for exchange in exchanges
        if exchange.reply
    ]
    for _ in range(4 * MANY):
        data = chance.damaged(chance.choice(packed))
        made = Compression(algorithm, 3)
        try:
            for piece in chance.pieces(data):
                found, _ = made.receive(piece)
                while made.more:
                    found, _ = made.receive(b"")
                assert len(found) < ENOUGH_BYTES + MAX_FRAME
        except ProtocolError:
            refused += 1
            assert made.end()
    assert 0 < refused < 4 * MANY


def test_damaged_statements_are_looked_at_and_refused_by_name(
    exchanges: list[Exchange],
) -> None:
    chance = Chance(8)
    queries = [e for e in exchanges if e.command[0] == 3]
    prefilter = Prefilter(["t", "weird`name"], ["journey"])
    seen = 0
    for _ in range(15 * MANY):
        exchange = chance.choice(queries)
        payload = b"\3" + chance.damaged(exchange.command[1:])
        try:
            text = query_text(payload, exchange.capabilities)
        except (ProtocolError, IndexError):  # the relay leaves it to MySQL
            continue
        assert payload.endswith(text)
        assert prefilter.wants(text) in (True, False)
        for escapes in (True, False):
            try:
                found = tokens(text, backslash_escapes=escapes)
            except MySQLError:
                continue
            places = [(token.start, token.end) for token in found]
            assert places == sorted(places)
            assert all(text[t.start : t.end] == t.text for t in found)
            assert sum(map(len, statements(found))) <= len(found)
            seen += 1
    assert seen > 5 * MANY


def test_damaged_parameters_are_read_or_refused_by_name(
    exchanges: list[Exchange],
) -> None:
    chance = Chance(9)
    executed = [e for e in exchanges if e.command[0] == 0x17 and len(e.command) > 12]
    assert executed
    values = 0
    for _ in range(15 * MANY):
        exchange = chance.choice(executed)
        payload = exchange.command[:10] + chance.damaged(exchange.command[10:])
        count, long_data = chance.randint(1, 10), {chance.randint(0, 9): b"x"}
        types = chance.choice((None, [3] * count, [253] * count))
        try:
            found = decode(payload, exchange.capabilities, count, types, long_data)
        except MySQLError:
            continue
        assert len(found) == count
        for parameter in found:
            try:
                literal(parameter, backslash_escapes=True)
            except MySQLError:
                continue
            values += 1
    assert values > MANY


# What makes a careless pattern look for the same end from every place.
LONG: dict[str, Callable[[int], bytes]] = {
    "digits and a letter": lambda n: b"SELECT " + b"1" * n + b"a",
    "digits and points": lambda n: b"SELECT " + b"1." * n + b"e",
    "exponents": lambda n: b"SELECT " + b"1e1" * n,
    "open quotes": lambda n: b"SELECT '" + b"''\\" * n,
    "quotes of both kinds": lambda n: b"SELECT " + b"'\"" * n,
    "open back-ticks": lambda n: b"SELECT `" + b"``" * n,
    "backslashes": lambda n: b"SELECT '" + b"\\" * n,
    "open variables": lambda n: b"SELECT " + b"@'" * n + b'@"',
    "ats": lambda n: b"SELECT " + b"@" * n,
    "open comments": lambda n: b"SELECT " + b"/* " * n,
    "comments": lambda n: b"/**/" * n + b"SELECT 1",
    "comments in a call": lambda n: b"CALL sys" + b" /**/" * n + b". ml",
    "comments to the end of a line": lambda n: b"-- \n" * n + b"CALL",
    "hints": lambda n: b"SELECT " + b"/*+ " * n,
    "numbers of lines": lambda n: b"#" * n + b"\n" * n,
    "parentheses": lambda n: b"(" * n + b"SELECT t",
    "names like ours": lambda n: b"SELECT " + b"ml_predict_" * n,
    "names of tables, nearly": lambda n: b"SELECT " + b"weird``nam " * n,
    "spaces": lambda n: b"CALL" + b" " * n + b"sys" + b" " * n,
}


@pytest.mark.parametrize("long", LONG.values(), ids=LONG)
def test_a_long_statement_takes_no_more_than_its_length(
    long: Callable[[int], bytes],
) -> None:
    text = long(60_000)
    prefilter = Prefilter(["t", "weird`name"], ["journey"])
    started = time.process_time()
    prefilter.wants(text)
    for escapes in (True, False):
        tokens(text, backslash_escapes=escapes)
    assert time.process_time() - started < PATIENCE_S
