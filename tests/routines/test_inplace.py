"""A table that is the input and the output of ML_PREDICT_TABLE or ML_EXPLAIN_TABLE."""

import json
from typing import Any

import pytest

from tests.asking import refusal, rows, run, value
from tests.routines.conftest import Connection

pytestmark = pytest.mark.mysql

KEY = "_4aad19ca6e_pk_id"
PREDICT = "CALL sys.ML_PREDICT_TABLE('routines.own_out', '{}', 'routines.own_out')"


@pytest.fixture
def own_out(client: Connection) -> str:
    """A table without a key, with an index and a column that tells of changes."""
    run(
        client,
        "DROP TABLE IF EXISTS own_out, apart",
        "CREATE TABLE own_out (age int, job varchar(10), balance double,"
        " made timestamp NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP,"
        " must varchar(3) NOT NULL, KEY (age))",
        "INSERT INTO own_out SELECT age, job, balance, '2001-02-03', 'x'"
        " FROM customers LIMIT 40",
    )
    return "own_out"


def described(client: Connection) -> list[str]:
    return [row[0] for row in rows(client, "DESCRIBE own_out")]


def test_the_answers_are_beside_the_rows_they_are_for(
    client: Connection, own_out: str
) -> None:
    run(
        client,
        "CALL sys.ML_PREDICT_TABLE('routines.own_out', 'bayes', 'routines.apart')",
        PREDICT.format("bayes"),
    )
    assert described(client) == [
        *(KEY, "age", "job", "balance", "made", "must", "Prediction", "ml_results")
    ]
    columns = "age, job, balance, made, must, Prediction, ml_results"
    ordered = f"SELECT {columns} FROM {{}} ORDER BY {columns}"
    here = rows(client, ordered.format(own_out))
    assert here == rows(client, ordered.format("apart"))
    assert len(here) == 40
    assert {str(row[3]) for row in here} == {"2001-02-03 00:00:00"}
    assert rows(client, "SHOW TABLES LIKE '\\_4aad%'") == []
    keys = "SHOW INDEX FROM own_out WHERE Key_name <> 'PRIMARY'"
    assert len(rows(client, keys)) == 1


def test_explanations_too(client: Connection, own_out: str) -> None:
    run(client, PREDICT.format("bayes").replace("PREDICT", "EXPLAIN"))
    (text,) = {
        type(json.loads(row[0]))
        for row in rows(client, "SELECT ml_results FROM own_out")
    }
    assert text is dict
    assert described(client)[6:] == [
        *("Prediction", "age_attribution", "job_attribution", "balance_attribution"),
        *("Notes", "ml_results"),
    ]


REFUSED: dict[str, tuple[str, str]] = {
    "a key": (
        "ADD COLUMN k int AUTO_INCREMENT PRIMARY KEY",
        "it has a primary key",
    ),
    "its name": (f"ADD COLUMN {KEY} int", f"it has a column {KEY}"),
    "a Prediction": ("ADD COLUMN prediction int", "it has a column Prediction"),
    "results": ("ADD COLUMN ml_results int", "it has a column ml_results"),
}


@pytest.mark.parametrize(("change", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_in_the_way_is_named(
    client: Connection, own_out: str, change: str, why: str
) -> None:
    run(client, f"ALTER TABLE own_out {change}")
    before = described(client)
    assert refusal(client, PREDICT.format("bayes")) == (
        3877,
        f"routines.own_out cannot be both the input and the output table: {why}.",
    )
    assert described(client) == before


@pytest.mark.usefixtures("own_out")
def test_a_model_that_cannot_answer_leaves_the_table_as_it_was(
    client: Connection,
) -> None:
    before: Any = (described(client), value(client, "SELECT COUNT(*) FROM own_out"))
    assert refusal(client, PREDICT.format("line"))[1].startswith("ML003011")
    after = (described(client), value(client, "SELECT COUNT(*) FROM own_out"))
    assert after == before
