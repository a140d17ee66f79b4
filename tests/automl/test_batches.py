"""Predictions of a batch in which single rows fail."""

import pyarrow as pa
import pytest

from heatproxy.automl.batches import tolerant_job
from heatproxy.automl.storage import to_bytes
from heatproxy.automl.training import TrainOptions, train
from heatproxy.automl.work import predict_job
from heatproxy.errors import MySQLError

OPTIONS = {"additional_details": False}


@pytest.fixture(scope="module")
def model() -> bytes:
    """price is three times area."""
    areas = [float(n) for n in range(40)]
    table = pa.table({"area": areas, "price": [3.0 * area for area in areas]})
    options = TrainOptions.parse(
        {"task": "regression", "model_list": ["LinearRegression"]}
    )
    return to_bytes(train(table, "price", options, lambda done, stage: None, 1))


def test_without_failures_the_answers_are_those_of_a_whole_table(model: bytes) -> None:
    table = pa.table({"area": ["1", "2", "3.5"]})
    whole = predict_job(model, table, OPTIONS, 1)
    assert tolerant_job(model, table, OPTIONS, 1).added == whole.added


def test_a_row_that_cannot_be_read_fails_alone(model: bytes) -> None:
    table = pa.table({"area": ["1", "two", "3", "4", "five", None, "7"]})
    found = tolerant_job(model, table, OPTIONS, 1).added
    failed = [value is None for value in found["ml_results"].to_pylist()]
    assert failed == [False, True, False, False, True, False, False]
    assert found["Prediction"][2].as_py() == pytest.approx(9.0)
    with pytest.raises(MySQLError, match="ML003015"):
        predict_job(model, table, OPTIONS, 1)


def test_a_table_of_which_no_row_can_be_read_is_refused(model: bytes) -> None:
    with pytest.raises(MySQLError, match="ML003015"):
        tolerant_job(model, pa.table({"area": ["one", "two"]}), OPTIONS, 1)


def test_a_column_that_is_missing_is_the_tables_fault(model: bytes) -> None:
    with pytest.raises(MySQLError, match="ML003011"):
        tolerant_job(model, pa.table({"size": [1.0]}), OPTIONS, 1)
