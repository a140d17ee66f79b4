"""A schema with a few people, a model of admin's, and sessions past heatproxy."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.asking import run
from tests.automl.conftest import customers
from tests.conftest import Server
from tests.routines.conftest import BY_BAYES, fill

Connection = Any

MODEL = "within"
OF_ROW = "JSON_OBJECT('age', age, 'job', job, 'balance', balance)"
PREDICTION = (
    f"JSON_VALUE(sys.ML_PREDICT_ROW({OF_ROW}, '{MODEL}', NULL), '$.Prediction')"
)
ONE = "JSON_OBJECT('age', 61, 'job', 'nurse', 'balance', 0.5)"


@pytest.fixture(scope="session")
def schema(server: Server) -> Iterator[str]:
    """customers to learn from, four people, and what is predicted of them."""
    with closing(server.connect()) as admin:
        run(
            admin,
            "DROP DATABASE IF EXISTS inside",
            "CREATE DATABASE inside",
            "USE inside",
            "CREATE TABLE customers"
            " (age int, job varchar(10), balance double, y varchar(3))",
        )
        fill(admin, "customers", customers())
        run(
            admin,
            "CREATE TABLE people (id int PRIMARY KEY AUTO_INCREMENT,"
            " age int, job varchar(10), balance double)",
            "INSERT INTO people (age, job, balance) SELECT age, job, balance"
            " FROM customers WHERE age IS NOT NULL LIMIT 4",
            "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()",
            f"DELETE FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle = '{MODEL}'",
            f"SET @m = '{MODEL}'",
            f"CALL sys.ML_TRAIN('inside.customers', 'y', {BY_BAYES}, @m)",
            "CALL sys.ML_PREDICT_TABLE('inside.people', @m, 'inside.expected', NULL)",
        )
        yield "inside"
        run(admin, "DROP DATABASE inside")


@pytest.fixture
def direct(server: Server, schema: str) -> Iterator[Connection]:
    """A session of admin's that goes straight to MySQL."""
    with closing(server.connect_backend(database=schema)) as connection:
        yield connection
