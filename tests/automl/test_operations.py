"""What rpd_query_stats tells of a routine while it runs and when it has ended."""

import asyncio
from typing import Any

import pyarrow as pa
import pytest

from heatproxy.automl.operations import KEPT, Operation, Operations
from heatproxy.errors import interrupted, ml_error


def training() -> Operation:
    operation = Operations().begin(7, 3, "ML_TRAIN")
    operation.handle = "mine"
    operation.heard(0.1, "reading")
    operation.heard(0.4, "searching")
    operation.heard(0.3, "searching")  # it never goes back
    return operation


def test_an_operation_under_way_tells_how_far_it_is() -> None:
    told = training().told()
    assert (told["status"], told["completionPercentage"]) == ("RUNNING", 40)
    assert told["details"] == {"operation": "ML_TRAIN", "model_handle": "mine"}
    assert told["completedSteps"] == ["reading"]
    assert told["progressItems"] == [
        {"type": "reading", "status": "COMPLETED"},
        {"type": "searching", "status": "RUNNING"},
    ]
    assert (told["sessionId"], told["queryEndTime"], told["error"]) == (3, None, "")
    assert told["totalRunTime"] >= 0


def test_an_operation_that_has_ended_has_done_all() -> None:
    operation = training()
    operation.end()
    told = operation.told()
    assert (told["status"], told["completionPercentage"]) == ("COMPLETED", 100)
    assert told["completedSteps"] == ["reading", "searching"]
    assert told["startTime"] <= told["queryEndTime"]


ENDS: list[tuple[BaseException, str, str]] = [
    (ml_error("ML001031", "too few"), "ERROR", "ML001031: too few"),
    (interrupted(), "ABORTED", "Query execution was interrupted"),
    (asyncio.CancelledError(), "ABORTED", "CancelledError"),
]


@pytest.mark.parametrize(("problem", "status", "error"), ENDS)
def test_an_operation_that_failed_says_why(
    problem: Any, status: str, error: str
) -> None:
    operation = training()
    operation.end(problem)
    told = operation.told()
    assert (told["status"], told["error"]) == (status, error)
    assert told["completionPercentage"] == 40
    assert told["progressItems"][1]["status"] == status


def test_the_latest_operations_are_kept() -> None:
    operations = Operations()
    for number in range(KEPT + 5):
        operations.begin(number, 1, "ML_SCORE")
    ids = [operation.query_id for operation in operations.latest()]
    assert ids == list(range(5, KEPT + 5))


def test_what_a_routines_calls_have_read_is_counted_together() -> None:
    operations = Operations()
    assert operations.totals("ML_TRAIN") == {}
    table = pa.table({"a": [1, 2, 3], "Text": ["x", "y", "z"], "b": [0.5, 1.5, 2.5]})
    for _ in range(2):
        operation = operations.begin(1, 1, "ML_TRAIN")
        operation.read(table, {"Text"})
        operation.left_out(table, ["B", "no such"])
    operations.begin(2, 1, "ML_SCORE").read(table.select(["a"]), ())
    assert operations.totals("ML_TRAIN") == {
        "n_cells": 18,
        "n_cells_user_excluded": 6,
        "n_blob_cells": 6,
        "table_size_bytes": 2 * table.nbytes,
        "blob_size_bytes": 2 * table["Text"].nbytes,
    }
    assert operations.totals("ML_SCORE")["n_cells"] == 3
    assert operations.totals("ML_SCORE")["n_cells_user_excluded"] == 0
