"""A schema with small tables, a model trained on each, and an object store."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pyarrow as pa
import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import run
from tests.automl.conftest import customers, houses
from tests.conftest import Server

Connection = Any

BY_BAYES = "JSON_OBJECT('model_list', JSON_ARRAY('GaussianNB'))"
BY_LINE = (
    "JSON_OBJECT('task', 'regression', 'model_list', JSON_ARRAY('LinearRegression'))"
)
ROW = "JSON_OBJECT('age', 61, 'job', 'nurse', 'balance', 0.5)"


def fill(connection: Connection, table: str, rows: pa.Table) -> None:
    """Insert Arrow rows as literals that PyMySQL writes."""
    marks = ", ".join(["%s"] * rows.num_columns)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} VALUES ({marks})",
            [tuple(row.values()) for row in rows.to_pylist()],
        )


@pytest.fixture(scope="session")
def schema(server: Server) -> Iterator[str]:
    """customers and houses, and the models ``bayes`` and ``line`` of admin."""
    with closing(server.connect()) as client:
        run(
            client,
            "DROP DATABASE IF EXISTS routines",
            "CREATE DATABASE routines",
            "USE routines",
            "CREATE TABLE customers"
            " (age int, job varchar(10), balance double, y varchar(3))",
            "CREATE TABLE houses (area double, town char(1), price double)",
        )
        fill(client, "customers", customers())
        fill(client, "houses", houses())
        run(
            client,
            "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()",
            "DELETE FROM ML_SCHEMA_admin.MODEL_CATALOG"
            " WHERE model_handle IN ('bayes', 'line')",
            "SET @bayes = 'bayes', @line = 'line'",
            f"CALL sys.ML_TRAIN('routines.customers', 'y', {BY_BAYES}, @bayes)",
            f"CALL sys.ML_TRAIN('routines.houses', 'price', {BY_LINE}, @line)",
        )
        yield "routines"
        run(client, "DROP DATABASE IF EXISTS routines")  # test_named has it too


@pytest.fixture
def client(server: Server, schema: str) -> Iterator[Connection]:
    """A session of admin in that schema."""
    with closing(server.connect(database=schema)) as connection:
        yield connection


@pytest.fixture(scope="session")
def store() -> Iterator[ObjectStore]:
    """An object store; tests put in what they need, under names of their own."""
    with ObjectStore({}) as running:
        yield running


@pytest.fixture
def bay(client: Connection, store: ObjectStore) -> Iterator[str]:
    """An empty schema, and a file in the object store."""
    store.objects["people.csv"] = b"id,name,age\n1,ann,30\n2,bob,41\n"
    run(client, "DROP DATABASE IF EXISTS bay", "CREATE DATABASE bay")
    yield "bay"
    run(client, "DROP DATABASE IF EXISTS bay")
