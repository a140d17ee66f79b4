"""What a CREATE MODEL means to ML_TRAIN."""

from typing import Any

import pyarrow as pa
import pytest

from heatproxy.dialects.orders import Plan, check, check_columns, plan, sampled
from heatproxy.errors import MySQLError
from heatproxy.sql.create_model import CreateModel, parse_create_model
from heatproxy.sql.lexer import tokens

WORDS = pa.array(["yes", "no"] * 30)
FLOATS = pa.array([x * 0.5 for x in range(60)])
FEW = pa.array([x % 3 for x in range(60)])
MANY = pa.array(list(range(60)))


def asked(clauses: str, source: str = "FROM t TARGET y") -> CreateModel:
    text = f"CREATE MODEL m {source} FUNCTION f {clauses}".encode()
    return parse_create_model(text, tokens(text))


def planned(clauses: str, label: pa.Array = WORDS) -> Plan:
    wanted = asked(clauses)
    check(wanted)
    return plan(wanted, "y", label)


@pytest.mark.parametrize(
    ("label", "task", "problem"),
    [
        (WORDS, "classification", "BinaryClassification"),
        (FEW, "classification", "MulticlassClassification"),
        (MANY, "regression", "Regression"),
        (FLOATS, "regression", "Regression"),
        (pa.array([0.0, 1.0] * 30), "classification", "BinaryClassification"),
    ],
    ids=["words", "few integers", "many integers", "floats", "two floats"],
)
def test_the_problem_follows_from_the_target(
    label: pa.Array, task: str, problem: str
) -> None:
    found = planned("", label)
    assert (found.task, found.problem) == (task, problem)


@pytest.mark.parametrize(
    ("clauses", "label", "options"),
    [
        ("PROBLEM_TYPE REGRESSION", FEW, {"task": "regression"}),
        (
            "OBJECTIVE 'MSE'",
            FEW,
            {"task": "regression", "optimization_metric": "neg_mean_squared_error"},
        ),
        (
            "PROBLEM_TYPE BINARY_CLASSIFICATION OBJECTIVE 'F1'",
            WORDS,
            {"task": "classification", "optimization_metric": "f1"},
        ),
        (
            "AUTO OFF MODEL_TYPE XGBOOST OBJECTIVE 'reg:squarederror'"
            " HYPERPARAMETERS DEFAULT EXCEPT (NUM_ROUND '100', ETA 0.3)",
            MANY,
            {
                "task": "regression",
                "model_list": ["XGBRegressor"],
                "optimization_metric": "neg_mean_squared_error",
                "hyperparameters": {"n_estimators": 100, "learning_rate": 0.3},
            },
        ),
        (
            "MODEL_TYPE XGBOOST OBJECTIVE 'multi:softmax'"
            " HYPERPARAMETERS DEFAULT EXCEPT (NUM_CLASS '3', MAX_DEPTH 4)",
            WORDS,
            {
                "task": "classification",
                "model_list": ["XGBClassifier"],
                "optimization_metric": "accuracy",
                "hyperparameters": {"max_depth": 4},
            },
        ),
        (
            "MODEL_TYPE LINEAR_LEARNER",
            WORDS,
            {"task": "classification", "model_list": ["LogisticRegression"]},
        ),
    ],
)
def test_clauses_become_options(
    clauses: str, label: pa.Array, options: dict[str, Any]
) -> None:
    assert planned(clauses, label).options == options


def test_kmeans_has_no_target_and_a_number_of_clusters() -> None:
    wanted = asked(
        "AUTO OFF MODEL_TYPE KMEANS HYPERPARAMETERS DEFAULT EXCEPT (K '5')", "FROM t"
    )
    check(wanted)
    found = plan(wanted, None, None)
    assert found.options == {"task": "clustering", "n_clusters": 5}


@pytest.mark.parametrize(
    ("clauses", "number", "text"),
    [
        ("AUTO OFF", 3877, "AUTO OFF needs a MODEL_TYPE"),
        ("MODEL_TYPE FOREST", 1235, "MODEL_TYPE FOREST"),
        ("PROBLEM_TYPE RANKING", 3877, "PROBLEM_TYPE must be one of"),
        ("OBJECTIVE 'beauty'", 3877, "OBJECTIVE must be one of"),
        ("SETTINGS (HORIZON 5)", 1235, "HORIZON"),
        ("SETTINGS (MAX_CELLS 0)", 3877, "MAX_CELLS must be a whole number"),
        ("SETTINGS (MAX_RUNTIME 'long')", 3877, "MAX_RUNTIME must be a whole number"),
        ("MODEL_TYPE KMEANS", 3877, "MODEL_TYPE KMEANS has no TARGET"),
        ("PROBLEM_TYPE REGRESSION OBJECTIVE 'F1'", 3877, "is not for Regression"),
        (
            "HYPERPARAMETERS DEFAULT EXCEPT (eta 1)",
            3877,
            "HYPERPARAMETERS need a MODEL_TYPE",
        ),
        ("PREPROCESSORS 'scaled'", 3877, "PREPROCESSORS must be 'none' or a JSON"),
        ("PREPROCESSORS '[{}]'", 3877, "has ColumnSet and Transformers"),
        (
            'PREPROCESSORS \'[{"ColumnSet": ["a"], "Transformers": ["Magic"]}]\'',
            1235,
            "Magic in the PREPROCESSORS",
        ),
    ],
)
def test_what_cannot_be_is_refused(clauses: str, number: int, text: str) -> None:
    with pytest.raises(MySQLError, match=text) as caught:
        planned(clauses)
    assert caught.value.number == number


@pytest.mark.parametrize(
    "clauses",
    [
        *("MODEL_TYPE KMEANS", ""),
        "MODEL_TYPE KMEANS HYPERPARAMETERS DEFAULT EXCEPT (K 1)",
        "MODEL_TYPE KMEANS HYPERPARAMETERS DEFAULT EXCEPT (K 3, MAGIC 1)",
        "MODEL_TYPE KMEANS HYPERPARAMETERS DEFAULT EXCEPT (K 3) OBJECTIVE 'mse'",
    ],
)
def test_without_a_target_a_number_of_clusters_must_be_given(clauses: str) -> None:
    with pytest.raises(MySQLError) as caught:
        check(asked(clauses, "FROM t"))
    assert caught.value.number == 3877


def test_what_changes_nothing_is_noted() -> None:
    found = planned("IAM_ROLE default SETTINGS (S3_BUCKET 'b', MAX_CELLS 9)")
    assert [note.partition(" ")[0] for note in found.notes] == ["IAM_ROLE", "S3_BUCKET"]


def test_a_number_of_classes_is_noted_to_be_what_the_rows_say() -> None:
    given = "MODEL_TYPE XGBOOST HYPERPARAMETERS DEFAULT EXCEPT (NUM_CLASS '3')"
    (note,) = planned(given).notes
    assert note == "HYPERPARAMETERS: num_class is ignored by XGBOOST"


def test_preprocessors_are_noted_and_their_columns_must_be_there() -> None:
    given = '[{"ColumnSet": ["A"], "Transformers": ["StandardScaler"]}]'
    wanted = asked(f"PREPROCESSORS '{given}'")
    (note,) = plan(wanted, "y", WORDS).notes
    assert note.startswith("PREPROCESSORS StandardScaler: ignored")
    check_columns(wanted, ["a", "b"])
    with pytest.raises(MySQLError, match="Unknown column 'A'") as caught:
        check_columns(wanted, ["b"])
    assert caught.value.number == 1054


def test_an_objective_that_is_not_fitted_is_noted() -> None:
    (note,) = planned("OBJECTIVE 'reg:absoluteerror'", MANY).notes
    assert "compared by it" in note


def test_bounds_are_redshifts_where_settings_do_not_say() -> None:
    found = check(asked("SETTINGS (MAX_RUNTIME 7)"))
    assert (found.max_cells, found.max_runtime_s) == (1_000_000, 7)


def test_a_sample_has_so_many_cells_and_keeps_the_order() -> None:
    rows = pa.table({"a": list(range(1000)), "b": [0, 1] * 500})
    kept, note = sampled(rows, 400)
    assert kept.num_rows == 200
    assert kept["a"].to_pylist() == sorted(kept["a"].to_pylist())
    assert note is not None
    assert "200 of 1000 rows" in note


def test_a_sample_is_of_all_parts_of_the_table_alike() -> None:
    rows = pa.table({"a": list(range(10_000))})
    kept, _ = sampled(rows, 1000)
    tenths = [0] * 10
    for value in kept["a"].to_pylist():
        tenths[value // 1000] += 1
    # of 100 each, the standard deviation is 9
    assert min(tenths) > 60
    assert max(tenths) < 140


def test_a_table_that_is_small_enough_stays() -> None:
    rows = pa.table({"a": [1, 2]})
    assert sampled(rows, 2) == (rows, None)
