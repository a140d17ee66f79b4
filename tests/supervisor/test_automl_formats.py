"""The setting ``automl.format``: answers and catalogs as HeatWave 8.0.33 had them."""

import json
import re
from contextlib import closing

import pytest

from tests.asking import rows, run, value
from tests.automl.conftest import customers
from tests.routines.conftest import BY_BAYES, ROW, fill
from tests.supervisor.conftest import Watched

pytestmark = pytest.mark.mysql

OLD = '[automl]\nformat = "8.0"'
PREDICT = f"SELECT sys.ML_PREDICT_ROW({ROW}, @model, NULL)"
EXPLAIN = f"SELECT sys.ML_EXPLAIN_ROW({ROW}, @model, NULL)"
CATALOG = (
    "SELECT column_names, model_metadata->>'$.format', last_accessed = build_timestamp"
    " FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle = @model"
)


def test_labs_of_2023_read_the_formats_of_their_time(watched: Watched) -> None:
    with closing(watched.server.connect()) as client:
        run(
            client,
            "CREATE DATABASE IF NOT EXISTS formats",
            "USE formats",
            "CREATE TABLE people (age int, job varchar(10), balance double, y char(3))",
        )
        fill(client, "people", customers())
        with watched.settled(OLD):
            run(
                client,
                f"CALL sys.ML_TRAIN('formats.people', 'y', {BY_BAYES}, @model)",
                "CALL sys.ML_PREDICT_TABLE('formats.people', @model, 'formats.out1')",
            )
            seconds = re.fullmatch(
                r"formats\.people_admin_(\d{10})", value(client, "SELECT @model")
            )
            assert seconds is not None
            assert rows(client, "SELECT COUNT(*) FROM out1 WHERE (_id=3)") == [(1,)]
            found = json.loads(value(client, PREDICT))
            assert isinstance(found["ml_results"], str)
            inner = json.loads(found["ml_results"])
            assert inner["predictions"] == {"y": found["Prediction"]}
            assert inner["probabilities"].keys() == {"no", "yes"}
            why = json.loads(value(client, EXPLAIN))
            assert why["ml_results"].startswith("{'attributions': {'age': ")
            assert "'predictions': {'y': 'yes'}, 'notes': '" in why["ml_results"]
            assert rows(client, CATALOG) == [
                ('{"0": "age", "1": "job", "2": "balance"}', "HWMLv1.0", 1)
            ]
        # a model of the older format goes on to be used, in the formats of today
        assert isinstance(json.loads(value(client, PREDICT))["ml_results"], dict)
        run(
            client,
            "CALL sys.ML_PREDICT_TABLE('formats.people', @model, 'formats.out2')",
            "CALL sys.ML_MODEL_EXPORT(@model, 'formats.exported')",
            "SET @copy = NULL",
            "CALL sys.ML_MODEL_IMPORT(NULL,"
            " JSON_OBJECT('schema', 'formats', 'table', 'exported'), @copy)",
        )
        assert rows(client, "DESCRIBE out2")[0][0] == "_4aad19ca6e_pk_id"
        handle = value(client, "SELECT @copy")
        assert re.fullmatch(r"formats\.people_admin_\d{13}", handle)
        run(client, "SET @model = @copy")
        assert rows(client, CATALOG) == [
            ('["age", "job", "balance"]', "HWMLv2.0", None)
        ]
        run(client, "DROP DATABASE formats")
