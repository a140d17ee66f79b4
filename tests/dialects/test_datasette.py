"""Datasette ML's functions through a server: the tutorial, and refusals."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.asking import refusal, result_sets, rows, run, value
from tests.conftest import Server
from tests.routines.conftest import Connection

pytestmark = pytest.mark.mysql

CATALOG = "ML_SCHEMA_admin.MODEL_CATALOG"
FEATURES = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)")
FEATURES = (*FEATURES, "petal width (cm)")
OBJECT = ", ".join(f"'{name}', [{name}]" for name in FEATURES)
BATCH = f"""SELECT
  dataset_iris.*,
  batch.value AS prediction,
  dataset_iris.target = batch.value AS match
FROM
  dataset_iris
  JOIN json_each (
    (
      SELECT
        sqml_predict_batch(
          'Iris prediction',
          json_group_array(
            json_object({OBJECT})
          )
        )
      FROM
        dataset_iris
    )
  ) batch ON (batch.rowid + 1) = dataset_iris.rowid
WHERE match = FALSE"""


def trained(client: Connection, algorithm: str, *more: str) -> dict[str, Any]:
    listed = ", ".join(
        f"'{one}'" for one in ("Iris prediction", "classification", algorithm)
    )
    rest = "".join(f", {one}" for one in more)
    sql = f"SELECT sqml_train({listed}, 'dataset_iris', 'target'{rest}) AS training"
    found: dict[str, Any] = json.loads(value(client, sql))
    return found


@pytest.fixture(scope="module")
def schema(server: Server) -> Iterator[str]:
    """dataset_iris, and a first model of it."""
    with closing(server.connect()) as client:
        run(
            client,
            "DROP DATABASE IF EXISTS datasette",
            "CREATE DATABASE datasette",
            "USE datasette",
            "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()",
            f"DELETE FROM {CATALOG} WHERE model_handle LIKE 'sqml.%'",
            "SELECT sqml_load_dataset('iris') AS dataset",
        )
        first = trained(client, "logistic_regression", "0.25", "'shuffle'")
        assert first["deployed"] is True
        yield "datasette"
        run(
            client,
            f"DELETE FROM {CATALOG} WHERE model_handle LIKE 'sqml.%'",
            "DROP DATABASE datasette",
        )


@pytest.fixture
def client(server: Server, schema: str) -> Iterator[Connection]:
    with closing(server.connect(database=schema)) as connection:
        yield connection


def test_a_data_set_becomes_a_table(client: Connection) -> None:
    (found,) = result_sets(client, "SELECT sqml_load_dataset('iris') AS dataset")
    assert found.columns == ("dataset",)
    assert json.loads(found.rows[0][0]) == {
        "table": "dataset_iris",
        "feature_names": list(FEATURES),
        "target_names": ["setosa", "versicolor", "virginica"],
        "size": 150,
    }
    first = rows(client, "SELECT * FROM dataset_iris LIMIT 1")
    assert first == [(5.1, 3.5, 1.4, 0.2, 0.0)]
    assert value(client, "SELECT MAX(rowid) FROM dataset_iris") == 150


def test_a_table_of_ones_own_is_not_replaced(client: Connection) -> None:
    run(client, "CREATE TABLE mine (a INT)")
    assert refusal(client, "SELECT sqml_load_dataset('wine', 'mine')")[0] == 1050
    run(client, "DROP TABLE mine")


def test_a_row_is_predicted(client: Connection) -> None:
    sql = (
        f"SELECT dataset_iris.*, sqml_predict('Iris prediction', json_object({OBJECT}))"
        " AS prediction FROM dataset_iris LIMIT 1"
    )
    (found,) = result_sets(client, sql)
    assert found.columns[-1] == "prediction"
    ((*_, target, prediction),) = found.rows
    assert (target, float(prediction)) == (0.0, 0.0)


def test_rows_that_are_predicted_wrongly_are_found(client: Connection) -> None:
    (found,) = result_sets(client, BATCH)
    assert found.columns[-2:] == ("prediction", "match")
    assert 0 < len(found.rows) < 15
    each = (
        f"SELECT COUNT(*) FROM (SELECT target, sqml_predict('Iris prediction',"
        f" json_object({OBJECT})) AS p FROM dataset_iris) t WHERE target <> p"
    )
    assert len(found.rows) == value(client, each)
    for *_, target, prediction, match in found.rows:
        assert target != float(prediction)
        assert match == 0


def test_a_batch_is_a_list_of_predictions(client: Connection) -> None:
    batch = json.dumps([dict.fromkeys(FEATURES, 1.0)] * 2)
    (found,) = result_sets(
        client, f"SELECT sqml_predict_batch('Iris prediction', '{batch}')"
    )
    assert len(json.loads(found.rows[0][0])) == 2
    assert found.columns[0].startswith("sqml_predict_batch('Iris prediction'")


def test_only_what_beats_the_deployed_model_is_deployed(client: Connection) -> None:
    same = trained(client, "logistic_regression")
    assert (same["experiment_name"], same["algorithm"]) == (
        "Iris prediction",
        "logistic_regression",
    )
    assert same["deployed"] is False
    deployed = (
        f"SELECT COUNT(*), MAX(model_metadata->>'$.sqml.score') FROM {CATALOG} WHERE"
        " model_metadata->>'$.sqml.experiment' = 'Iris prediction'"
        " AND JSON_EXTRACT(model_metadata, '$.sqml.deployed') = TRUE"
    )
    assert rows(client, deployed) == [(1, str(same["score"]))]
    run(
        client,
        f"UPDATE {CATALOG} SET model_metadata ="
        " JSON_SET(model_metadata, '$.sqml.score', 0.5)"
        " WHERE model_handle LIKE 'sqml.%'",
    )
    better = trained(client, "decision_tree")
    assert better["deployed"] is True
    assert rows(client, deployed) == [(1, str(better["score"]))]


@pytest.mark.parametrize(
    ("call", "number", "text"),
    [
        ("sqml_train('e', 'ranking', 'svc', 't', 'y')", 3877, "prediction_type must"),
        ("sqml_train('e', 'classification', 'x', 't', 'y')", 3877, "algorithm must"),
        ("sqml_train('e', 'classification', 'svc', 't', 'y', 2)", 3877, "test_size"),
        (
            "sqml_train('e', 'classification', 'svc', 't', 'y', .5, 'x')",
            3877,
            "split_strategy must",
        ),
        ("sqml_train('e', 'classification', 'svc', 't', 'y')", 1146, "datasette.t"),
        (
            "sqml_train('Iris prediction', 'regression', 'svr', 'dataset_iris', 'y')",
            3877,
            "is of classification",
        ),
        (
            "sqml_train('e', 'classification', 'svc', 'dataset_iris', 'y')",
            1054,
            "Unknown column 'y'",
        ),
        ("sqml_predict('nobody', '{}')", 3877, "Experiment 'nobody' has no model"),
        ("sqml_predict_batch('Iris prediction', '{}')", 3877, "must be a JSON array"),
        ("sqml_predict('x')", 1318, "expected 2, got 1"),
        ("sqml_load_dataset('no')", 3877, "is none of iris"),
        ("sqml_load_dataset('iris') FROM dataset_iris", 1235, "sqml_load_dataset"),
    ],
)
def test_what_cannot_be_is_refused(
    client: Connection, call: str, number: int, text: str
) -> None:
    found = refusal(client, f"SELECT {call}")
    assert found[0] == number
    assert text in found[1]


def test_a_function_of_ones_own_by_that_name_is_mysqls(client: Connection) -> None:
    run(
        client, "CREATE FUNCTION sqml_predict(a INT, b INT) RETURNS INT NO SQL RETURN 7"
    )
    try:
        assert value(client, "SELECT sqml_predict(1, 2)") == 7
    finally:
        run(client, "DROP FUNCTION sqml_predict")
