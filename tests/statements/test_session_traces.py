"""Our statements leave nothing of their own in the client's session."""

from contextlib import closing
from typing import Any

import pytest

from tests.asking import refusal, rows, run, value
from tests.background import until
from tests.conftest import Server
from tests.rawclient import DEPRECATE_EOF, SESSION_TRACK, RawClient
from tests.statements.conftest import Lake

pytestmark = pytest.mark.mysql

Connection = Any
IN_TRANS = 0x0001
OURS = {
    "a query": "SELECT id FROM t LIMIT 3",
    "a routine": "CALL sys.ML_MODEL_UNLOAD('nothing')",
    "a routine with a result": "CALL sys.ML_MODEL_ACTIVE('current', @loaded)",
    "a refused query": "SELECT SLEEP(0) FROM t",
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
OPENS_A_TRANSACTION = ("a table from a query", "a refused routine")
PREPARED = (
    "SELECT COUNT(*) FROM performance_schema.prepared_statements_instances"
    " WHERE OWNER_THREAD_ID = PS_CURRENT_THREAD_ID()"
)
LOCKS = (
    "SELECT COUNT(*) FROM performance_schema.metadata_locks"
    " WHERE OBJECT_TYPE = 'USER LEVEL LOCK' AND OBJECT_NAME LIKE 'heatproxy.{}.%'"
)


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


def test_what_a_training_writes_does_not_change_the_last_insert_id(
    client: Connection,
) -> None:
    run(
        client,
        "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()",
        "CREATE TEMPORARY TABLE twin.few (a INT, y VARCHAR(3))",
        "DROP TABLE IF EXISTS twin.learnt",
        "CREATE TABLE twin.learnt (a INT, y VARCHAR(3))",
        "INSERT INTO twin.learnt WITH RECURSIVE n AS (SELECT 1 i UNION ALL"
        " SELECT i + 1 FROM n WHERE i < 60) SELECT i, IF(i % 2, 'yes', 'no') FROM n",
        "SET LAST_INSERT_ID = 4711, @m = NULL",
        "CALL sys.ML_TRAIN('twin.learnt', 'y',"
        " JSON_OBJECT('model_list', JSON_ARRAY('GaussianNB')), @m)",
    )
    assert rows(client, "SELECT LAST_INSERT_ID(), @@identity") == [(4711, 4711)]
    assert value(client, "SELECT ROW_COUNT()") == -1  # of the SELECT
    run(client, "DROP TABLE twin.learnt")


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
