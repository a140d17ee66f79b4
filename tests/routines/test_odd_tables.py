"""Tables that are odd but allowed, and those that nothing can be learned from."""

import json
from typing import Any

import pytest

from tests.asking import refusal, rows, run, value
from tests.routines.conftest import Connection

pytestmark = pytest.mark.mysql

CATALOG = "ML_SCHEMA_admin.MODEL_CATALOG"
ROWS = (
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 60)"
    " SELECT {} FROM n"
)
TASKS = {
    "classification": ("IF(i % 3, 'a', 'b')", "varchar(3)", "GaussianNB", "accuracy"),
    "regression": ("i % 3 * 10.5", "double", "LinearRegression", "r2"),
}
every_task = pytest.mark.parametrize("task", TASKS)
MANY = [f"c{i}" for i in range(1000)]

# column definitions and expressions of i, besides those of the target
ODD: dict[str, tuple[list[str], list[str]]] = {
    "quotes and letters": (
        ["`it's ``odd``` int", '`"é 日本` int', "`a b` varchar(5)", "`x.y` int"],
        ["i % 3", "i % 3 + 1", "CONCAT('v', i % 3)", "i"],
    ),
    "nothing but NULL": (["a int", "b int", "t varchar(3)"], ["i % 3", "NULL", "NULL"]),
    "constants": (["a int", "b int", "c varchar(3)"], ["i % 3", "7", "'x'"]),
    "some NULLs": (
        ["a int", "b varchar(5)", "c int"],
        ["NULLIF(i % 3, 1)", "IF(i % 2, NULL, i % 3)", "i % 2"],
    ),
    "times": (
        ["a date", "b datetime(6)", "c timestamp NULL", "d time", "e year"],
        [
            "'2020-01-01' + INTERVAL i % 3 DAY",
            "'2020-01-01 01:02:03.5' + INTERVAL i HOUR",
            "'2020-01-01 01:02:03'",
            "SEC_TO_TIME(i % 3)",
            "2000 + i % 3",
        ],
    ),
    "a key alone": (["id int PRIMARY KEY"], ["i"]),
    "numbers of every kind": (
        ["a tinyint unsigned", "b bigint", "c decimal(20,5)", "d float", "e bool"],
        ["i % 3", "i * 1000000007", "i % 3 / 7", "i % 3 / 7", "i % 3 = 1"],
    ),
    "1,000 columns": ([f"{name} int" for name in MANY], ["i % 3"] * len(MANY)),
}


@pytest.fixture
def odd(client: Connection) -> Connection:
    run(
        client,
        "DROP TABLE IF EXISTS odd, odd_out",
        f"DELETE FROM {CATALOG} WHERE model_handle = 'odd'",
        "SET @odd = 'odd'",
    )
    return client


def make(client: Connection, task: str, kinds: list[str], values: list[str]) -> None:
    target, kind, *_ = TASKS[task]
    run(client, f"CREATE TABLE odd ({', '.join([*kinds, f'y {kind}'])})")
    run(client, f"INSERT INTO odd {ROWS.format(', '.join([*values, target]))}")


def train(task: str) -> str:
    model = TASKS[task][2]
    options = f"JSON_OBJECT('task', '{task}', 'model_list', JSON_ARRAY('{model}'))"
    return f"CALL sys.ML_TRAIN('routines.odd', 'y', {options}, @odd)"


@every_task
@pytest.mark.parametrize("case", ODD)
def test_an_odd_table_is_learned_predicted_and_scored(
    odd: Connection, task: str, case: str
) -> None:
    kinds, values = ODD[case]
    if task == "regression":  # a thousand columns once are enough
        kinds, values = kinds[:100], values[:100]
    make(odd, task, kinds, values)
    run(
        odd,
        train(task),
        "CALL sys.ML_MODEL_UNLOAD('odd')",
        "CALL sys.ML_PREDICT_TABLE('routines.odd', 'odd', 'routines.odd_out', NULL)",
        f"CALL sys.ML_SCORE('routines.odd', 'y', 'odd', '{TASKS[task][3]}', @s, NULL)",
    )
    count = "SELECT COUNT(*) FROM odd_out WHERE JSON_VALID(ml_results)"
    assert value(odd, f"{count} AND Prediction IS NOT NULL") == 60
    score = value(odd, "SELECT @s")
    assert -1 <= score <= 1
    names = [name for name, *_ in rows(odd, "DESCRIBE odd")]
    (listed,) = rows(
        odd, f"SELECT column_names FROM {CATALOG} WHERE model_handle = 'odd'"
    )
    assert json.loads(listed[0]) == names[:-1]


UNFIT: dict[str, tuple[str, dict[str, tuple[int, str]]]] = {
    "an empty table": (
        "DELETE FROM odd",
        {"classification": (3877, "ML001052"), "regression": (3877, "ML001052")},
    ),
    "one row": (
        "DELETE FROM odd WHERE a <> 2 OR b <> 2",
        {"classification": (3877, "ML001031"), "regression": (3877, "ML001052")},
    ),
    "one class": (
        "UPDATE odd SET y = (SELECT v FROM (SELECT MAX(y) v FROM odd) m)",
        {"classification": (3877, "ML001031")},
    ),
    "no label": (
        "UPDATE odd SET y = NULL WHERE a = 1 AND b = 1",
        {"classification": (3877, "ML001053"), "regression": (3877, "ML001053")},
    ),
    "a row of NULLs": (
        "UPDATE odd SET a = NULL, b = NULL WHERE a = 1 AND b = 1",
        {"classification": (3877, "ML001051"), "regression": (3877, "ML001051")},
    ),
}
CASES = [
    pytest.param(change, task, *expected, id=f"{case}-{task}")
    for case, (change, by_task) in UNFIT.items()
    for task, expected in by_task.items()
]


@pytest.mark.parametrize(("change", "task", "number", "code"), CASES)
def test_a_table_that_teaches_nothing_is_refused_and_leaves_a_row_that_says_so(
    odd: Connection, change: str, task: str, number: int, code: str
) -> None:
    make(odd, task, ["a int", "b int"], ["i % 3", "i"])
    run(odd, change)
    got = refusal(odd, train(task))
    assert (got[0], got[1][:8]) == (number, code)
    status = "model_metadata->>'$.status', notes"
    left = rows(odd, f"SELECT {status} FROM {CATALOG} WHERE model_handle = 'odd'")
    assert left == [("Error", got[1])]


def test_labels_that_were_never_learned_count_as_wrong(odd: Connection) -> None:
    make(odd, "classification", ["a int"], ["i % 3"])
    run(
        odd,
        train("classification"),
        "UPDATE odd SET y = 'new' WHERE a = 0",
        "CALL sys.ML_SCORE('routines.odd', 'y', 'odd', 'accuracy', @s, NULL)",
    )
    score: Any = value(odd, "SELECT @s")
    assert score == pytest.approx(2 / 3, abs=0.001)
