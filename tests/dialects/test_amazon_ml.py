"""Amazon Machine Learning's way of working: split, train, evaluate, predict, count."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.routines.conftest import BY_LINE, Connection, fill, houses

pytestmark = pytest.mark.mysql

COUNTS = "SELECT @ml_records_seen, @ml_records_failed"


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Connection]:
    """A session in a schema with houses, and a model of their prices, sales."""
    with closing(server.connect()) as made:
        run(
            made,
            "DROP DATABASE IF EXISTS amazon",
            "CREATE DATABASE amazon",
            "USE amazon",
            "CREATE TABLE houses (area double, town char(1), price double)",
            "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()",
            "DELETE FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle = 'sales'",
        )
        fill(made, "houses", houses())
        run(
            made,
            "CALL sys.TRAIN_TEST_SPLIT('amazon.houses', 'price',"
            " JSON_OBJECT('task', 'regression'))",
            "SET @sales = 'sales'",
            f"CALL sys.ML_TRAIN('amazon.houses_train', 'price', {BY_LINE}, @sales)",
        )
        yield made
        run(made, "DROP DATABASE amazon")


def test_a_model_is_evaluated_on_rows_that_it_has_not_seen(client: Connection) -> None:
    run(
        client,
        "CALL sys.ML_SCORE('amazon.houses_test', 'price', 'sales', 'r2', @score, NULL)",
    )
    assert value(client, "SELECT @score") > 0.8


def test_a_batch_counts_the_records_that_it_has_seen(client: Connection) -> None:
    seen = value(client, "SELECT COUNT(*) FROM houses_test")
    run(
        client,
        "CALL sys.ML_PREDICT_TABLE('amazon.houses_test', 'sales', 'amazon.out_1',"
        " NULL)",
    )
    assert rows(client, COUNTS) == [(seen, 0)]


def test_records_that_cannot_be_processed_are_counted_where_that_is_wanted(
    client: Connection,
) -> None:
    run(
        client,
        "CREATE TABLE odd AS SELECT CAST(area AS CHAR(20)) AS area, town FROM houses",
        "INSERT INTO odd VALUES ('wide', 'a'), ('wider', 'b')",
    )
    call = "CALL sys.ML_PREDICT_TABLE('amazon.odd', 'sales', 'amazon.out_2', %s)"
    assert refusal(client, call % "NULL")[0] == 3877
    run(client, call % "JSON_OBJECT('skip_failed', true)")
    seen = value(client, "SELECT COUNT(*) FROM odd")
    assert rows(client, COUNTS) == [(seen, 2)]
    failed = "SELECT area FROM out_2 WHERE Prediction IS NULL ORDER BY area"
    assert rows(client, failed) == [("wide",), ("wider",)]


def test_skip_failed_is_true_or_false(client: Connection) -> None:
    call = "CALL sys.ML_PREDICT_TABLE('amazon.houses', 'sales', 'amazon.out_3', %s)"
    found = refusal(client, call % "JSON_OBJECT('skip_failed', 'often')")
    assert found[0] == 3877
    assert "skip_failed" in found[1]
