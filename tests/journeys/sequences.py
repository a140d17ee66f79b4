"""Random sessions: what a client may do next, and what two servers must then agree on.

Actions are drawn by hypothesis before there is a session. What they need to know of it,
the ids of its prepared statements, is looked up while it is held: the n-th statement
that was prepared may have another id through heatproxy, which prepares some of its own.
"""

import re
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product

from hypothesis import strategies as st
from pymysql import _auth

from tests.journeys import commands, conversations
from tests.journeys.commands import ATTRIBUTES
from tests.rawclient import (
    DEPRECATE_EOF,
    LOCAL_FILES,
    MULTI_STATEMENTS,
    OPTIONAL_METADATA,
    PS_MULTI_RESULTS,
    QUERY_ATTRIBUTES,
    SESSION_TRACK,
    Packet,
    RawClient,
    Reply,
    Step,
    close,
    command,
    execute,
    fetch,
    framed,
    lenenc,
    long_data,
    prepare,
    query,
    reset,
)

SETUP = (
    conversations.TABLE,
    conversations.ROWS,
    "CREATE TABLE u (id INT PRIMARY KEY, x JSON, y MEDIUMTEXT, z DATETIME(6))",
    "INSERT INTO u VALUES (1, '{\"a\": 1}', 'ü', '2024-02-29 12:00:00.5'), (2, NULL,"
    " REPEAT('y', 70000), NULL)",
    "CREATE PROCEDURE p(IN a INT, OUT b INT) BEGIN SELECT a; SET b = a + 1;"
    " SELECT * FROM t ORDER BY id; END",
    "CREATE PROCEDURE refused() BEGIN SELECT 1; SIGNAL SQLSTATE '45000'"
    " SET MESSAGE_TEXT = 'no'; END",
)
FOUND_ROWS = 1 << 1
OPTIONS = (
    *(FOUND_ROWS, LOCAL_FILES, MULTI_STATEMENTS, PS_MULTI_RESULTS, SESSION_TRACK),
    *(DEPRECATE_EOF, OPTIONAL_METADATA, QUERY_ATTRIBUTES),
)
_BLOB, _STRING = 252, 253
NEVER = 9  # the number of a statement that was never prepared
_STATEMENT = re.compile(rb"(handler|statement) \(\d+\)")


@dataclass(frozen=True, slots=True)
class Say:
    """A command that depends on nothing before it."""

    step: Step


@dataclass(frozen=True, slots=True)
class Prepare:
    """COM_STMT_PREPARE: one more statement."""

    sql: str


@dataclass(frozen=True, slots=True)
class Execute:
    """COM_STMT_EXECUTE of the n-th statement, with as many texts as it takes."""

    number: int
    value: bytes | None
    cursor: bool
    bound: bool


@dataclass(frozen=True, slots=True)
class LongData:
    """COM_STMT_SEND_LONG_DATA."""

    number: int
    parameter: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Fetch:
    """COM_STMT_FETCH."""

    number: int
    rows: int


@dataclass(frozen=True, slots=True)
class Reset:
    """COM_STMT_RESET."""

    number: int


@dataclass(frozen=True, slots=True)
class Close:
    """COM_STMT_CLOSE."""

    number: int


@dataclass(frozen=True, slots=True)
class ChangeUser:
    """COM_CHANGE_USER, to somebody who needs no password, or who gives a wrong one."""

    user: str
    secret: bytes
    schema: bytes


Action = Say | Prepare | Execute | LongData | Fetch | Reset | Close | ChangeUser
Answer = list[Packet]


@dataclass(slots=True)
class _Prepared:
    id: int
    parameters: int
    bound: bool = False
    long: set[int] = field(default_factory=set)


class Held:
    """One session, its bytes cut where ``cuts`` say, and the statements it prepared."""

    def __init__(self, client: RawClient, cuts: Sequence[int]) -> None:
        self._client = client
        self._cuts = list(cuts)
        self._prepared: list[_Prepared] = []
        self.over = False
        if client.socket.family != socket.AF_UNIX:
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def hold(self, batch: Sequence[Action]) -> list[Answer]:
        """Send these actions at once; the answers to each, as far as it went."""
        if isinstance(batch[0], ChangeUser):
            return [self._change_user(batch[0])]
        steps = [self._step(action) for action in batch]
        data = b"".join(
            framed(step.encode(self._client.capabilities)) for step in steps
        )
        sender = threading.Thread(target=self._send, args=(data,))
        sender.start()  # else both might wait for the other to read
        try:
            return list(self._answers(batch, steps))
        except TimeoutError:
            self.over = True
            raise
        finally:
            if self.over:
                self._client.close()
            sender.join()

    def _answers(
        self, batch: Sequence[Action], steps: Sequence[Step]
    ) -> Iterator[Answer]:
        for action, step in zip(batch, steps, strict=True):
            answer = self._client.read(step)
            if isinstance(action, Prepare):
                answer = self._note(answer)
            if step.same:
                yield [_masked(packet) for packet in answer]
            else:
                yield [Packet(packet.sequence_id, b"") for packet in answer]
            if answer and answer[-1].sequence_id < 0:
                self.over = True
                return

    def _send(self, data: bytes) -> None:
        """In pieces whose sizes go round."""
        position = 0
        with suppress(OSError):  # the server has ended the session: its answer says so
            while position < len(data):
                size = self._cuts[0] if self._cuts else len(data)
                self._cuts = self._cuts[1:] + self._cuts[:1]
                self._client.socket.sendall(data[position : position + size])
                position += size

    def _note(self, answer: Answer) -> Answer:
        """Remember what was prepared; its id does not count."""
        head = answer[0].payload
        if head[:1] != b"\0":
            return answer
        number, _, parameters = struct.unpack_from("<IHH", head, 1)
        self._prepared.append(_Prepared(number, parameters))
        masked = Packet(answer[0].sequence_id, b"\0idid" + head[5:])
        return [masked, *answer[1:]]

    def _at(self, number: int) -> _Prepared:
        """The n-th statement from behind, going round; or one that never was."""
        if self._prepared and number != NEVER:
            return self._prepared[-1 - number % len(self._prepared)]
        return _Prepared(1_000_000, 1)

    def _step(self, action: Action) -> Step:
        match action:
            case Say(step):
                return step
            case Prepare(sql):
                return prepare(sql)
            case Execute():
                return self._execute(action)
            case LongData(number, parameter, data):
                self._at(number).long.add(parameter)
                return long_data(self._at(number).id, parameter, data)
            case Fetch(number, rows):
                return fetch(self._at(number).id, rows)
            case Reset(number):
                self._at(number).long.clear()
                return reset(self._at(number).id)
            case Close(number):
                return close(self._at(number).id)
            case ChangeUser():
                raise AssertionError("it is sent alone")

    def _execute(self, action: Execute) -> Step:
        statement = self._at(action.number)
        bound = action.bound or not statement.bound
        value = None if action.value is None else lenenc(action.value)
        values: list[tuple[int, bytes | None]] = [
            (_BLOB, b"") if n in statement.long else (_STRING, value)
            for n in range(statement.parameters)
        ]
        statement.bound = True
        statement.long.clear()
        return execute(statement.id, *values, cursor=action.cursor, bound=bound)

    def _change_user(self, action: ChangeUser) -> Answer:
        """Its last packet: what is said before differs by the scramble."""
        body = action.user.encode() + b"\0\0" + action.schema + b"\0\x2d\0"
        client = self._client
        self._send(framed(b"\x11" + body + b"caching_sha2_password\0\0"))
        packets: Answer = []
        for statement in self._prepared:
            statement.id = 2_000_000
        try:
            while (payload := client.packet(packets))[0] not in (0x00, 0xFF):
                answer = None
                if payload[0] == 0xFE:
                    scramble = payload[1:].partition(b"\0")[2][:20]
                    answer = _auth.scramble_caching_sha2(action.secret, scramble)
                elif payload == b"\x01\x04" and client.login.unix_socket:
                    answer = action.secret + b"\0"
                elif payload == b"\x01\x04":
                    answer = b"\x02"  # the key, please
                elif payload[:2] == b"\x01-":
                    secret, key = action.secret, payload[1:]
                    answer = _auth.sha2_rsa_encrypt(secret, scramble, key)
                if answer is not None:
                    self._send(framed(answer, packets[-1].sequence_id + 1))
        except (EOFError, ConnectionError):
            self.over = True
        self.over = self.over or payload[:1] == b"\xff"
        return [Packet(0, packets[-1].payload)]


def _masked(packet: Packet) -> Packet:
    """The packet without the id of a statement."""
    if packet.payload[:1] != b"\xff":
        return packet
    text = _STATEMENT.sub(rb"\1 (?)", packet.payload)
    return Packet(packet.sequence_id, text)


def batches(actions: Sequence[Action], ahead: Sequence[bool]) -> list[list[Action]]:
    """The actions in groups that are sent at once.

    ``ahead`` says, in turn, whether an action is sent before the one before it was
    answered. What the client itself is asked something for goes alone.
    """
    groups: list[list[Action]] = []
    together = False
    for index, action in enumerate(actions):
        alone = isinstance(action, ChangeUser) or (
            isinstance(action, Say) and bool(action.step.file or _asks_for_file(action))
        )
        if together and not alone and ahead[index % len(ahead)]:
            groups[-1].append(action)
        else:
            groups.append([action])
        together = not alone
    return groups


def _asks_for_file(action: Say) -> bool:
    return b"LOAD DATA" in action.step.encode(0)


# --- what is drawn --------------------------------------------------------------------

# Left out: what outlives the session or the schema, what ends the connection (two ends
# race then), what tells of time or statistics, and the one thing that heatproxy answers
# itself.
_UNFIT = re.compile(
    rb"(?i)\bXA\b|_LOCK\(|\bUSER\b|GRANT|KILL|BENCHMARK|EXPLAIN|SHOW INDEX|ANALYZE"
    rb"|DISCARD|RAPID|OUTFILE|SECONDARY|DATABASE journey|MAX_EXECUTION|sys\."
)


def _pool() -> list[Step]:
    tables = (
        *(conversations.SELECTS, conversations.CHANGES, conversations.ERRORS),
        *(conversations.SESSION, conversations.SEVERAL, commands.PROCEDURES),
    )
    steps = [step for table in tables for steps in table.values() for step in steps]
    fit = [
        step
        for step in steps
        if step.reply is Reply.RESULTS and not _UNFIT.search(step.encode(0))
    ]
    return list({step.encode(0): step for step in fit}.values())


_OFTEN = (
    *("SELECT 1", "SELECT * FROM t ORDER BY id", "SELECT * FROM u ORDER BY id"),
    *("INSERT INTO t (a) VALUES ('n')", "UPDATE t SET b = id", "DELETE FROM t LIMIT 1"),
    *("BEGIN", "COMMIT", "ROLLBACK", "SET autocommit = 0", "SET autocommit = 1"),
    *("SHOW WARNINGS", "SHOW ERRORS", "SELECT @@warning_count, @@error_count"),
    *("SELECT ROW_COUNT(), FOUND_ROWS(), LAST_INSERT_ID()", "SELECT 1 / 0, 'a' + 1"),
    *("SELECT 'ml_predict_row'", "SELECT nothing, 'ml_explain_row'", "SELECT nothing"),
    *("SELECT 'ml_predict_row' FROM t; SELECT 2; SELECT nothing", "CALL p(1, @b)"),
    *("CALL refused()", "SELECT @b, @x", "SET @x = 'ml_predict_row', @b = 7"),
    *("CALL p(2, @b); SELECT @b", "SELECT REPEAT('r', 70000), 1 / 0", "USE journey"),
    *("SELECT SQL_CALC_FOUND_ROWS id FROM t LIMIT 1", "SELECT id, x FROM u FOR UPDATE"),
    *("PREPARE q FROM 'SELECT * FROM t WHERE id = ?'", "EXECUTE q USING @b"),
    *("DEALLOCATE PREPARE q", "CREATE TEMPORARY TABLE w SELECT * FROM t", "TABLE w"),
    *("SET sql_mode = 'NO_BACKSLASH_ESCAPES'", r"SELECT '\', 'ml_predict_row'"),
    *("SET SESSION session_track_transaction_info = 'CHARACTERISTICS'", "DO 1 / 0"),
    "SET SESSION session_track_system_variables = 'autocommit,sql_mode,time_zone'",
    "SET NAMES latin1",
    *("SET SESSION session_track_state_change = ON", "SET NAMES utf8mb4"),
    *("SET resultset_metadata = NONE", "SET resultset_metadata = FULL"),
    *("DROP TABLE t", "DROP TABLE IF EXISTS t", "CREATE VIEW v AS SELECT a FROM t"),
    *("SELECT a FROM v ORDER BY a", "ALTER TABLE t ADD COLUMN c INT DEFAULT 5"),
)
_PREPARED = (
    *("SELECT 1", "SELECT ?, ?", "SELECT * FROM t WHERE id > ? ORDER BY id", "SELEC"),
    *("INSERT INTO t (a, b) VALUES (?, ?)", "SELECT * FROM u ORDER BY id", "BEGIN"),
    *("SELECT LENGTH(?), 'ml_predict_row'", "CALL p(?, ?)", "SELECT * FROM nowhere"),
    *("CALL refused()", "SELECT ? / 0", "DO ?", "SHOW WARNINGS", "UPDATE t SET b = ?"),
    *("SET @x = ?", conversations.SEQUENCE.format(300)),
)
_COMMANDS = (
    command(0x0E),
    command(0x09, reply=Reply.ONE_PACKET, same=False),
    *(command(0x02, name) for name in (b"journey", b"mysql", b"nowhere", b"")),
    *(command(0x04, t + b"\0", Reply.COLUMNS) for t in (b"t", b"u", b"nowhere")),
    *(command(0x1B, option) for option in (b"\0\0", b"\1\0", b"\7\0", b"")),
    *(command(number) for number in (0x00, 0x05, 0x08, 0x0B, 0x0F, 0xF0, 0x17, 0x1A)),
    command(0x1F),
    command(0x17, b"\1\0\0"),
    command(0x1C, b"\1"),
    Step(lambda capabilities: b""),
)
_FILES = (
    (b"91\tx\t1\n92\ty\t2\n",),
    (b"91\tx\t1", b"\n92\ty\t\\N\n", b"93\n"),
    tuple(b"%d\tline\t0\n" % n for n in range(200, 500)),
    (),
)
_LOADS = (
    "LOAD DATA LOCAL INFILE 'x' IGNORE INTO TABLE t",
    "LOAD DATA LOCAL INFILE 'ml_predict_row' REPLACE INTO TABLE t",
    "LOAD DATA LOCAL INFILE 'x' INTO TABLE nowhere",
    "SELECT 1; LOAD DATA LOCAL INFILE 'x' IGNORE INTO TABLE t; SELECT 2",
)

_NUMBERS = (0, 0, 0, 1, 1, 2, 3, NEVER)
_VALUES = (b"1", b"2.5", b"", b"x" * 300, "naïve".encode(), None)


def _bag() -> Iterator[Action]:
    """Every action there is, each as often as it is to be drawn."""
    for sql in _OFTEN:
        yield from [Say(query(sql))] * 12
        for several in (ATTRIBUTES[:1], ATTRIBUTES):
            yield Say(query(sql, attributes=several))
    yield from [Say(step) for step in _pool()]
    yield from [Say(step) for step in _COMMANDS] * 4
    for sql, file in product(_LOADS, _FILES):
        yield from [Say(query(sql, file=file))] * 2
    for sql in _PREPARED:
        yield from [Prepare(sql)] * 12
    for number in _NUMBERS:
        for value, cursor, bound in product(_VALUES, (False, True), (False, True)):
            yield from [Execute(number, value, cursor, bound)] * 2
        for parameter in range(3):
            yield from [LongData(number, parameter, b"5" * 9)] * 2
        for rows in (0, 1, 2, 1000):
            yield from [Fetch(number, rows)] * 3
        yield from [Reset(number)] * 3
        yield from [Close(number)] * 3
    for user in ("journey_anybody", "journey_nobody"):
        for schema in (b"journey", b"", b"nowhere"):
            yield ChangeUser(user, b"", schema)
    yield ChangeUser("journey_anybody", b"wrong", b"journey")
    yield from [ChangeUser("journey_anybody", b"", b"journey")] * 9


BAG = tuple(_bag())
capabilities = st.lists(st.sampled_from(OPTIONS), unique=True).map(sum)
sessions = st.lists(st.sampled_from(BAG), min_size=8, max_size=30)
pieces = st.lists(st.sampled_from([1, 2, 3, 4, 5, 7, 19, 100, 5000]), max_size=5)
haste = st.lists(st.booleans(), min_size=1, max_size=6)
