"""KILL QUERY of every routine that computes, with every task: nothing of it stays.

The process that computes is stopped as soon as it is there, so that the KILL comes in
the midst of its work however small the tables and however slow the machine.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from typing import Any

import pytest

from tests.asking import Rows, rows, run, value
from tests.background import children, is_alive, running, until, until_it_waits
from tests.conftest import Server
from tests.routines.conftest import Connection

pytestmark = pytest.mark.mysql

CATALOG = "ML_SCHEMA_admin.MODEL_CATALOG"
SOON_S = 20.0  # 0.2 on a machine that does nothing else
ATTEMPTS = 5
N_ROWS = 120
# of each task: the target, and the options of its training
TASKS = {
    "classification": ("'y'", "'model_list', JSON_ARRAY('GaussianNB')"),
    "regression": ("'v'", "'model_list', JSON_ARRAY('LinearRegression')"),
    "forecasting": (
        "NULL",
        "'datetime_index', 'day', 'endogenous_variables', JSON_ARRAY('v'),"
        " 'model_list', JSON_ARRAY('NaiveForecaster')",
    ),
    "anomaly_detection": (
        "NULL",
        "'model_list', JSON_ARRAY('PCA'), 'exclude_column_list', JSON_ARRAY('label')",
    ),
    "log_anomaly_detection": (
        "NULL",
        "'model_list', JSON_ARRAY('PCA'), 'exclude_column_list',"
        " JSON_ARRAY('day', 'v', 'who', 'what', 'y', 'label')",
    ),
    "recommendation": (
        "'v'",
        "'users', 'who', 'items', 'what', 'model_list', JSON_ARRAY('Baseline')",
    ),
    "topic_modeling": ("NULL", "'document_column', 'line'"),
}
# what each is scored by
SCORES = {
    "classification": ("'y'", "accuracy"),
    "regression": ("'v'", "r2"),
    "forecasting": ("NULL", "neg_mean_absolute_error"),
    "anomaly_detection": ("'label'", "roc_auc"),
    "log_anomaly_detection": ("'label'", "roc_auc"),
    "recommendation": ("'v'", "r2"),
}
EXPLAINED = ("classification", "regression")


def _training(task: str, handle: str) -> str:
    target, options = TASKS[task]
    given = f"JSON_OBJECT('task', '{task}', {options})"
    return f"CALL sys.ML_TRAIN('killed.facts', {target}, {given}, {handle})"


CASES = [
    *(pytest.param(_training(task, "@new"), id=f"train-{task}") for task in TASKS),
    *(
        pytest.param(
            f"CALL sys.ML_SCORE('killed.facts', {target}, 'k {task}', '{metric}',"
            " @score, NULL)",
            id=f"score-{task}",
        )
        for task, (target, metric) in SCORES.items()
    ),
    *(
        pytest.param(
            f"CALL sys.ML_PREDICT_TABLE('killed.facts', 'k {task}', 'killed.said')",
            id=f"predict-{task}",
        )
        for task in TASKS
    ),
    *(
        pytest.param(
            f"CALL sys.ML_EXPLAIN_TABLE('killed.facts', 'k {task}', 'killed.said')",
            id=f"explain-{task}",
        )
        for task in EXPLAINED
    ),
    pytest.param(
        "CALL sys.ML_EXPLAIN('killed.facts', 'y', 'k classification', NULL)",
        id="explain-the-model",
    ),
]


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Connection]:
    """One table for all tasks, and a model of each, ``k <task>``."""
    with closing(server.connect()) as client:
        run(
            client,
            "DROP DATABASE IF EXISTS killed",
            "CREATE DATABASE killed",
            "USE killed",
            "CREATE TABLE facts (id INT PRIMARY KEY, day DATE, v DOUBLE,"
            " who VARCHAR(9), what VARCHAR(9), line VARCHAR(90), y VARCHAR(3),"
            " label INT)",
            "INSERT INTO facts WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL"
            f" SELECT i + 1 FROM n WHERE i < {N_ROWS}) SELECT i,"
            " '2024-01-01' + INTERVAL i DAY, i % 7 + i / 50, CONCAT('u', i % 12),"
            " CONCAT('i', i % 5), CONCAT('user ', ELT(1 + i % 3, 'reads a long book',"
            " 'writes one letter', 'sells old cars'), ' at ', i),"
            " IF(i % 7 > 3, 'yes', 'no'), i % 30 = 0 FROM n",
            "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()",
            f"DELETE FROM {CATALOG} WHERE model_handle LIKE 'k %'",
        )
        for task in TASKS:
            run(client, f"SET @k = 'k {task}'", _training(task, "@k"))
        yield client
        run(
            client,
            "DROP DATABASE killed",
            f"DELETE FROM {CATALOG} WHERE model_handle LIKE 'k %'",
        )


@pytest.fixture(scope="module")
def other(server: Server) -> Iterator[Connection]:
    """Another session, which kills."""
    with closing(server.connect()) as other:
        yield other


def state(other: Connection) -> tuple[Rows, Rows]:
    """What a routine may leave: tables, and rows of the catalog."""
    told = f"SELECT model_handle, model_metadata FROM {CATALOG} ORDER BY model_id"
    return rows(other, "SHOW TABLES FROM killed"), rows(other, told)


def stopped_worker(
    heatproxy: int, before: set[int], answer: "Future[Any]"
) -> int | None:
    """The job's process, stopped; None where it was too quick."""
    while not answer.done():
        for pid in children(heatproxy) - before:
            try:
                os.kill(pid, signal.SIGSTOP)
            except ProcessLookupError:
                continue
            return pid
    return None


@pytest.mark.parametrize("call", CASES)
def test_a_kill_ends_it_at_once_and_nothing_of_it_stays(
    server: Server, client: Connection, other: Connection, call: str
) -> None:
    heatproxy = int((server.data_dir / "heatproxy.lock").read_text())
    own = client.thread_id()
    run(client, "SET @new = 'k new', @score = 7")
    tables, models = state(other)
    for _ in range(ATTEMPTS):
        before = children(heatproxy)
        with running(client, call) as answer:
            worker = stopped_worker(heatproxy, before, answer)
            if worker is not None:
                until_it_waits(other, own)
                began = time.monotonic()
                run(other, f"KILL QUERY {own}")
                problem = answer.exception()
                took = time.monotonic() - began
        if worker is not None:
            break
        run(client, "DROP TABLE IF EXISTS said", "SET @score = 7")
        run(client, f"DELETE FROM {CATALOG} WHERE model_handle = 'k new'")
    assert worker is not None, "its process was never seen"
    assert problem.args == (1317, "Query execution was interrupted")
    assert took < SOON_S
    until(lambda: not is_alive(worker))
    until(lambda: not children(heatproxy) - before)
    # the session is as it was
    assert rows(client, "SELECT @new, @score, CONNECTION_ID()") == [("k new", 7, own)]
    left_tables, left = state(other)
    assert left_tables == tables
    if "ML_TRAIN" not in call:
        assert left == models
        return
    (killed,) = (row for row in left if row not in models)
    assert killed[0] == "k new"
    said = json.loads(killed[1])
    assert said["status"] == "Error"
    assert said["notes"] == "Query execution was interrupted"
    objects = "SELECT COUNT(*) FROM ML_SCHEMA_admin.model_object_catalog"
    assert value(other, f"{objects} WHERE model_handle = 'k new'") == 0
    run(client, f"DELETE FROM {CATALOG} WHERE model_handle = 'k new'")
