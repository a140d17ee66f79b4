"""Our statements leave nothing of their own in the client's session."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from pymysql import MySQLError
from pymysql.constants import CLIENT

from tests.asking import refusal, rows, run, value
from tests.background import until
from tests.conftest import Server
from tests.rawclient import (
    DEPRECATE_EOF,
    PS_MULTI_RESULTS,
    SESSION_TRACK,
    RawClient,
    execute,
    prepare,
)
from tests.statements.conftest import Lake

pytestmark = pytest.mark.mysql

Connection = Any
IN_TRANS = 0x0001
STRING = 253
OURS = {
    "a query": "SELECT id FROM t LIMIT 3",
    "a routine": "CALL sys.ML_MODEL_UNLOAD('nothing')",
    "a routine with a result": "CALL sys.ML_MODEL_ACTIVE('current', @loaded)",
    "a query over copies": "SELECT SLEEP(0) FROM t LIMIT 3",
    "a refused statement": "CHECKSUM TABLE t",
    "a refused routine": "CALL sys.ML_MODEL_LOAD('nothing', NULL)",
    "a table from a query": "CREATE TEMPORARY TABLE twin.traced AS SELECT id FROM t",
}
STATE = (
    "SELECT LAST_INSERT_ID(), @@identity, DATABASE(), @@sql_mode, @@autocommit,"
    " @@character_set_results, @@max_execution_time, @mine"
)
TRACKED = (
    "last_insert_id,identity,max_execution_time,character_set_results,sql_mode,"
    "resultset_metadata,autocommit,sql_log_bin"
)
# These write, or read a table of MySQL's, and so would a procedure of MySQL's.
OPENS_A_TRANSACTION = (
    "a table from a query",
    "a query over copies",
    "a refused routine",
)
PREPARED = (
    "SELECT COUNT(*) FROM performance_schema.prepared_statements_instances"
    " WHERE OWNER_THREAD_ID = PS_CURRENT_THREAD_ID()"
)
LOCKS = (
    "SELECT COUNT(*) FROM performance_schema.metadata_locks"
    " WHERE OBJECT_TYPE = 'USER LEVEL LOCK' AND OBJECT_NAME LIKE 'heatproxy.{}.%'"
)


@pytest.fixture(scope="module", autouse=True)
def catalog(server: Server) -> None:
    """The tables of models, for which routines look in there."""
    with closing(server.connect()) as client:
        run(client, "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()")


def ran(client: Connection, kind: str) -> None:
    if "refused" in kind:
        refusal(client, OURS[kind])
    else:
        run(client, OURS[kind])


@pytest.mark.parametrize("kind", OURS)
def test_the_state_of_the_session_is_as_before(client: Connection, kind: str) -> None:
    run(
        client,
        "CREATE TEMPORARY TABLE twin.counted (id INT AUTO_INCREMENT PRIMARY KEY)",
        "INSERT INTO twin.counted VALUES (77)",
        "INSERT INTO twin.counted VALUES ()",
        "SET @mine = 'mine'",
    )
    before = rows(client, STATE)
    assert before[0][0] == 78
    ran(client, kind)
    assert rows(client, STATE) == before
    assert value(client, PREPARED) == 0


# --- SET TRANSACTION, which is about the next statement -------------------------------

# MySQL alone has these tables; but a Lakehouse table has the name of one of them.
INSERT = "INSERT INTO twin.written SELECT id FROM twin.t LIMIT 1"
NEXT = {
    "at once": ["SET TRANSACTION READ ONLY", INSERT, INSERT],
    "by its variable": ["SET @@transaction_read_only = 1", INSERT, INSERT],
    "by two statements": [
        "SET TRANSACTION READ ONLY",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        INSERT,
        INSERT,
    ],
    "after a mistake": ["SET TRANSACTION READ ONLY", "DELETE FROM nowhere", INSERT],
    "for a query before": [
        "SET TRANSACTION READ ONLY",
        "SELECT id FROM twin.t LIMIT 1",
        INSERT,
    ],
    "after another": ["DO 1", "SET TRANSACTION READ WRITE", INSERT],
    "in a transaction": [
        "START TRANSACTION",
        "SET TRANSACTION READ ONLY",
        INSERT,
        "ROLLBACK",
        INSERT,
    ],
    "within a transaction": [
        "SET TRANSACTION READ ONLY",
        "START TRANSACTION",
        INSERT,
        "ROLLBACK",
        INSERT,
    ],
}


@pytest.mark.parametrize("prepared", [False, True], ids=["text", "prepared"])
@pytest.mark.parametrize("sequence", NEXT)
def test_set_transaction_is_about_the_statement_that_mysql_says(
    client: Connection, backend: Connection, sequence: str, prepared: bool
) -> None:
    run(backend, "CREATE TABLE written (id INT)")
    outcomes = []
    for connection in (client, backend):
        if prepared:
            run(connection, f"PREPARE ins FROM '{INSERT}'")
        texts = NEXT[sequence]
        outcomes.append(
            [
                outcome(connection, "EXECUTE ins" if prepared else text)
                if text == INSERT
                else outcome(connection, text)
                for text in texts
            ]
        )
    run(backend, "DROP TABLE written")
    assert outcomes[0] == outcomes[1]


def test_so_it_is_within_one_packet(server: Server, lake: Lake) -> None:
    options = {"database": "twin", "client_flag": CLIENT.MULTI_STATEMENTS}
    with closing(server.connect(**options)) as client:
        run(client, "CREATE TABLE written (id INT)")
        problem = refusal(client, f"SET TRANSACTION READ ONLY; {INSERT}; {INSERT}")
        written = value(client, "SELECT COUNT(*) FROM written")
        run(client, "SET TRANSACTION READ ONLY; SELECT id FROM lake.t LIMIT 1", INSERT)
        run(client, "DROP TABLE written")
    assert problem[0] == 1792
    assert written == 0


def outcome(connection: Connection, sql: str) -> Any:
    """The error's number, or how many rows."""
    with closing(connection.cursor()) as cursor:
        try:
            return "rows", cursor.execute(sql)
        except MySQLError as problem:
            return "error", problem.args[0]


TAKES_AND_GIVES = {
    "given out": "CALL sys.ML_TRAIN('twin.learnt', 'y',"
    " JSON_OBJECT('model_list', JSON_ARRAY('GaussianNB')), @{})",
    "refused": "CALL sys.ML_TRAIN('twin.nothing', 'y', NULL, @{})",
    "refused by the stub": "CALL sys.ML_MODEL_ACTIVE('current', @{}, 1)",
    "nothing out": "CALL sys.ML_MODEL_UNLOAD('nothing')",
}
HELD = (
    "SELECT VARIABLE_NAME FROM performance_schema.user_variables_by_thread"
    " WHERE THREAD_ID = PS_CURRENT_THREAD_ID() AND VARIABLE_NAME LIKE 'heatproxy%'"
    " AND VARIABLE_VALUE IS NOT NULL"
)


@pytest.mark.parametrize("protocol", ["text", "binary"])
@pytest.mark.parametrize("call", TAKES_AND_GIVES.values(), ids=TAKES_AND_GIVES)
def test_no_variable_of_ours_keeps_a_value(
    server: Server, client: Connection, learnt: None, call: str, protocol: str
) -> None:
    options = {"host": server.host, "port": server.port, "database": "lake"}
    with RawClient(DEPRECATE_EOF | PS_MULTI_RESULTS, **server.login, **options) as raw:
        raw.query("SET @mine = NULL")
        if protocol == "text":
            raw.query(call.format("mine"))
        else:
            by_driver = call.replace("@{}", "?")
            head = raw.run(prepare(by_driver))[0].payload
            statement = int.from_bytes(head[1:5], "little")
            given = [(STRING, None)] * by_driver.count("?")
            raw.run(execute(statement, *given))
        found = raw.query(HELD)
        assert raw.query("SELECT 5")[-2].payload == b"\x015"
    assert len(found) == 3, found


@pytest.fixture
def learnt(client: Connection) -> Iterator[None]:
    """A table to learn from."""
    run(
        client,
        "DROP TABLE IF EXISTS twin.learnt",
        "CREATE TABLE twin.learnt (a INT, y VARCHAR(3))",
        "INSERT INTO twin.learnt WITH RECURSIVE n AS (SELECT 1 i UNION ALL"
        " SELECT i + 1 FROM n WHERE i < 60) SELECT i, IF(i % 2, 'yes', 'no') FROM n",
    )
    yield
    run(client, "DROP TABLE twin.learnt")


def test_what_a_training_writes_does_not_change_the_last_insert_id(
    client: Connection, learnt: None
) -> None:
    run(
        client,
        "SET LAST_INSERT_ID = 4711, @m = NULL",
        "CALL sys.ML_TRAIN('twin.learnt', 'y',"
        " JSON_OBJECT('model_list', JSON_ARRAY('GaussianNB')), @m)",
    )
    assert rows(client, "SELECT LAST_INSERT_ID(), @@identity") == [(4711, 4711)]
    assert value(client, "SELECT ROW_COUNT()") == -1  # of the SELECT


@pytest.mark.parametrize("kind", OURS)
def test_no_transaction_is_left_open_under_autocommit_0(
    server: Server, lake: Lake, kind: str
) -> None:
    options = {"host": server.host, "port": server.port, "database": "lake"}
    with RawClient(DEPRECATE_EOF, **server.login, **options) as client:
        client.query("SET autocommit = 0")
        client.query("USE lake")
        client.query(OURS[kind])
        (done,) = client.query("DO 1")
    status = int.from_bytes(done.payload[3:5], "little")
    assert bool(status & IN_TRANS) == (kind in OPENS_A_TRANSACTION)


@pytest.mark.parametrize("kind", OURS)
def test_session_tracking_tells_of_none_of_our_settings(
    server: Server, lake: Lake, kind: str
) -> None:
    options = {"host": server.host, "port": server.port, "database": "lake"}
    capabilities = SESSION_TRACK | DEPRECATE_EOF
    with RawClient(capabilities, **server.login, **options) as client:
        client.query(f"SET session_track_system_variables = '{TRACKED}'")
        client.query("SET session_track_state_change = 1")
        client.query("DO 1")
        answer = client.query(OURS[kind])
        (done,) = client.query("DO 1")
    assert done.payload == b"\0\0\0\x02\0\0\0"
    said = b"".join(packet.payload for packet in answer)
    assert not [name for name in TRACKED.split(",") if name.encode() in said]


def test_no_lock_is_held_when_a_watched_statement_has_ended(
    server: Server, client: Connection
) -> None:
    run(client, "SELECT COUNT(*) FROM t a JOIN t b JOIN t c")
    with closing(server.connect_backend()) as past:
        ours = LOCKS.format(client.thread_id())
        until(lambda: value(past, ours) == 0)
