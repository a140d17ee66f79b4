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
ROW = "JSON_OBJECT('age', 61, 'job', 'größe 日 😀', 'balance', 0.5)"


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
    store.files["accents.csv"] = b"a,b\n1,x\n"
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
            if b"\x03def" in packet.payload[:8].replace(b"\0", b"")
        )
        assert definition[-13:] == beside.payloads[0][-13:]


@each_charset
@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_predictions_are_as_mysql_would_send_them(
    through: RawSession, past: RawSession, results: str, binary: bool
) -> None:
    row = ROW if not binary else ROW.replace("😀", "x")
    asks = f"SELECT sys.ML_PREDICT_ROW({row}, 'bayes', NULL) AS p FROM customers"
    document = _only_value(through.query(f"{asks} LIMIT 1").rows)
    for raw in (through, past):
        raw.run(f"SET character_set_results = {results}")
    given = f"SELECT CAST({literal(document)} AS JSON) AS p FROM customers LIMIT 2"
    mysqls, asked = past.query, through.query
    if binary:
        mysqls, asked = past.execute, through.execute
    ours, theirs = asked(f"{asks} LIMIT 2"), mysqls(given)
    assert ours.rows == theirs.rows


def _only_value(rows: bytes) -> str:
    payload = rows[4:]
    return payload[{0xFC: 3, 0xFD: 4}.get(payload[0], 1) :].decode()


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
