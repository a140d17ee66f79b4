"""Reports, predictions and warnings reach a session in the character set it reads."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from heatproxy.objectstore import ObjectStore
from tests.conftest import Server
from tests.lakeside import external, load_call
from tests.rawclient import DEPRECATE_EOF, RawClient
from tests.routines.conftest import Connection
from tests.wire.raw_session import RawSession

pytestmark = pytest.mark.mysql

RESULTS = ["latin1", "utf8mb3", "gbk", "utf16", "binary", "NULL"]
each_charset = pytest.mark.parametrize("results", RESULTS)
TABLE = "größe日"


@pytest.fixture
def through(server: Server, schema: str) -> Iterator[RawSession]:
    where = {"host": server.host, "port": server.port, "database": schema}
    with closing(RawSession({**where, **server.login})) as raw:
        yield raw


@pytest.fixture
def past(server: Server, schema: str) -> Iterator[RawSession]:
    with closing(RawSession({**server.backend_login, "database": schema})) as raw:
        yield raw


def literal(value: str) -> str:
    return f"CONVERT(0x{value.encode().hex()} USING utf8mb4)"


@each_charset
def test_a_report_is_as_mysql_would_send_it(
    server: Server,
    client: Connection,
    past: RawSession,
    store: ObjectStore,
    results: str,
) -> None:
    store.objects["accents.csv"] = b"a,b\n1,x\n"
    tables = {TABLE: external(store.url("accents.csv"))}
    call = load_call(client, "routines", tables, mode="dryrun")
    found: list[list[Any]] = []
    where = {"host": server.host, "port": server.port, "database": "routines"}
    for name in ("utf8mb4", results):
        with RawClient(DEPRECATE_EOF, **server.login, **where) as raw:
            raw.query("SET NAMES utf8mb4")
            raw.query(f"SET character_set_results = {name}")
            found.append(raw.query(call.encode()))
    told, shown = found
    assert len(told) == len(shown)
    lines = [
        index for index, packet in enumerate(told) if TABLE.encode() in packet.payload
    ]
    assert lines
    past.run(f"SET character_set_results = {results}")
    for index in lines:
        payload = told[index].payload
        text = payload[1 if payload[0] < 0xFB else 3 :].decode()
        beside = past.query(
            f"SELECT CAST({literal(text)} AS CHAR(4096)) AS `INITIALIZING`"
        )
        assert shown[index].payload == beside.rows[4:]
        definition = next(
            packet.payload
            for packet in reversed(shown[:index])
            if b"def" in packet.payload[:8].replace(b"\0", b"")
        )
        assert definition[-13:] == beside.payloads[0][-13:]


@each_charset
@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("age", ["61", "age"], ids=["constant", "of each row"])
def test_predictions_are_as_mysql_would_send_them(
    through: RawSession, past: RawSession, results: str, binary: bool, age: str
) -> None:
    row = f"JSON_OBJECT('age', {age}, 'job', 'größe 日 😀', 'balance', 0.5)"
    asks = (
        f"SELECT sys.ML_PREDICT_ROW({row}, 'bayes', NULL) AS p FROM customers"
        " ORDER BY age LIMIT 2"
    )
    documents = _texts(through.query(asks).rows)
    assert len(documents) == 2
    for raw in (through, past):
        raw.run(f"SET character_set_results = {results}")
    casts = [f"CAST({literal(document)} AS JSON)" for document in documents]
    given = f"SELECT {casts[0]} AS p UNION ALL SELECT {casts[1]}"
    mysqls, asked = past.query, through.query
    if binary:
        mysqls, asked = past.execute, through.execute
    assert asked(asks).rows == mysqls(given).rows


def _texts(rows: bytes) -> list[str]:
    """The values of rows of one column."""
    found = []
    while rows:
        end = 4 + int.from_bytes(rows[:3], "little")
        payload, rows = rows[4:end], rows[end:]
        found.append(payload[3 if payload[0] == 0xFC else 1 :].decode())
    return found


@each_charset
def test_a_remembered_warning_is_as_mysql_would_send_it(
    through: RawSession, past: RawSession, results: str
) -> None:
    name = "größe日" * 30  # longer than what SIGNAL takes
    for raw in (through, past):
        raw.run(f"SET character_set_results = {results}")
    with pytest.raises(AssertionError):
        through.run(f"CALL sys.ML_MODEL_LOAD('{name}', NULL)")
    ours = through.query("SHOW WARNINGS")
    text = f"ML006018: model_handle {name} does not exist in the Model_Catalog."
    with pytest.raises(AssertionError):
        past.run("SELECT nothing")
    theirs = past.query("SHOW WARNINGS")
    assert ours.payloads == theirs.payloads
    past.run(f"SET character_set_results = {results}")
    beside = past.query(
        "SELECT CONVERT('Error' USING utf8mb3), 3877,"
        f" CONVERT({literal(text)} USING utf8mb3)"
    )
    assert ours.rows == beside.rows


@pytest.mark.parametrize("results", ["utf8mb4", *RESULTS])
@pytest.mark.parametrize(
    "call",
    [
        "CALL sys.ML_MODEL_LOAD('größe日', NULL)",
        "CALL sys.ML_TRAIN('routines.größe日', 'y', NULL, @größe)",
    ],
    ids=["ours", "MySQL's"],
)
def test_an_error_is_as_mysql_would_send_it(
    server: Server, schema: str, results: str, call: str
) -> None:
    where = {"host": server.host, "port": server.port, "database": schema}
    with RawClient(DEPRECATE_EOF, **server.login, **where) as raw:
        raw.query("SET NAMES utf8mb4")
        (told,) = raw.query(call.encode())
    number, state = int.from_bytes(told.payload[1:3], "little"), told.payload[4:9]
    message = told.payload[9:].decode()
    assert TABLE in message
    signal = (
        f"SIGNAL SQLSTATE '{state.decode()}' SET MYSQL_ERRNO = {number},"
        f" MESSAGE_TEXT = _utf8mb4 0x{message.encode().hex()}"
    )
    refused = []
    beside = {"database": schema, **server.backend_login}
    for way, sql in (({**where, **server.login}, call), (beside, signal)):
        with RawClient(DEPRECATE_EOF, **way) as raw:
            raw.query("SET NAMES utf8mb4")
            raw.query(f"SET character_set_results = {results}")
            refused += raw.query(sql.encode())
    through, past = refused
    assert through == past
