"""Trainings as others see them: in rpd_query_stats and in SHOW PROCESSLIST."""

import json
import threading
import time
from contextlib import closing
from typing import Any

import pytest

from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.routines.conftest import BY_BAYES, ROW, Connection

pytestmark = pytest.mark.mysql

LATEST = (
    "SELECT QEXEC_TEXT FROM performance_schema.rpd_query_stats WHERE QUERY_TEXT = '{}'"
    " ORDER BY QUERY_ID DESC LIMIT 1"
)
FAILED = (
    "SELECT model_metadata->>'$.status' FROM ML_SCHEMA_admin.MODEL_CATALOG"
    " WHERE model_handle = 'long one'"
)
WAIT_S = 60.0


def latest(connection: Connection, routine: str) -> Any:
    found = rows(connection, LATEST.format(routine))
    return json.loads(found[0][0]) if found else None


@pytest.fixture
def long_table(client: Connection) -> str:
    """A table whose training takes a while, of many algorithms."""
    run(
        client,
        "DROP TABLE IF EXISTS long_one",
        "CREATE TABLE long_one AS SELECT a.*, b.age AS age2, b.job AS job2"
        " FROM customers a JOIN (SELECT age, job FROM customers LIMIT 60) b",
        "DELETE FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle = 'long one'",
    )
    return "routines.long_one"


def test_a_training_tells_how_far_it_is_until_it_is_killed(
    server: Server, client: Connection, long_table: str
) -> None:
    with closing(server.connect(database="routines")) as trainer:
        thread = value(trainer, "SELECT CONNECTION_ID()")
        run(trainer, "SET @long = 'long one'")
        call = f"CALL sys.ML_TRAIN('{long_table}', 'y', NULL, @long)"
        refused: list[Any] = []
        training = threading.Thread(
            target=lambda: refused.append(_outcome(trainer, call))
        )
        training.start()
        told: Any = None
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            told = latest(client, "ML_TRAIN")
            ours = told is not None and told["sessionId"] == thread
            if ours and (told["status"] != "RUNNING" or told["completedSteps"]):
                break
            time.sleep(0.05)
        assert told["details"] == {"operation": "ML_TRAIN", "model_handle": "long one"}
        assert told["progressItems"]
        run(client, f"KILL QUERY {thread}")
        training.join(WAIT_S)
        assert not training.is_alive()
        # a machine may be so quick that nothing was left to be killed
        if refused[0] is not None:
            assert refused[0][0] == 1317
            told = latest(client, "ML_TRAIN")
            assert told["status"] == "ABORTED"
            # killed while the model was saved, it leaves nothing
            if told["completionPercentage"] < 80:
                assert rows(client, FAILED) == [("Error",)]


def _outcome(connection: Connection, sql: str) -> tuple[int, str] | None:
    try:
        run(connection, sql)
    except Exception as problem:
        return int(problem.args[0]), str(problem.args[1])
    return None


def test_routines_that_have_ended_are_told_of(client: Connection) -> None:
    run(
        client,
        "DELETE FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle = 'seen'",
        "SET @seen = 'seen'",
        f"CALL sys.ML_TRAIN('routines.customers', 'y', {BY_BAYES}, @seen)",
        "CALL sys.ML_SCORE('routines.customers', 'y', @seen, 'accuracy', @s, NULL)",
        f"SELECT sys.ML_PREDICT_ROW({ROW}, @seen, NULL)",
    )
    for routine in ("ML_TRAIN", "ML_SCORE", "ML_PREDICT_ROW"):
        told = latest(client, routine)
        assert (told["status"], told["completionPercentage"]) == ("COMPLETED", 100)
    refusal(client, "CALL sys.ML_TRAIN('routines.customers', 'none', NULL, @new)")
    told = latest(client, "ML_TRAIN")
    assert (told["status"], told["error"][:8]) == ("ERROR", "ML003039")
    ids = "SELECT QUERY_ID FROM performance_schema.{} WHERE QUERY_ID > 0"
    stats = {row[0] for row in rows(client, ids.format("rpd_query_stats"))}
    execs = {row[0] for row in rows(client, ids.format("rpd_exec_stats"))}
    newest = value(
        client,
        "SELECT MAX(QUERY_ID) FROM performance_schema.rpd_query_stats"
        " WHERE QUERY_TEXT LIKE 'ML_%'",
    )
    assert newest in stats & execs
    statistics = "SELECT * FROM performance_schema.rpd_ml_stats"
    told = json.loads(dict(rows(client, statistics))["ML_SCORE"])
    count = "SELECT COUNT(*) FROM {} WHERE TABLE_NAME = 'customers'"
    n_columns = value(client, count.format("information_schema.COLUMNS"))
    n_rows = value(client, "SELECT COUNT(*) FROM routines.customers")
    assert told["n_cells"] >= n_rows * n_columns
    assert told["table_size_bytes"] > told["blob_size_bytes"]
