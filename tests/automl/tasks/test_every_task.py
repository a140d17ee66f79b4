"""What is so of every task: odd tables are learned, kept, answered and scored.

Or they are refused in HeatWave's way; which, and how, is said here.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl.orders import parse_options
from heatproxy.automl.storage import from_bytes, to_bytes
from heatproxy.automl.work import predict_job, score_job, trained
from heatproxy.errors import MySQLError
from heatproxy.routines.predict import predict_options
from tests.automl.conftest import quietly
from tests.automl.tasks.trained import score_options

N_ROWS = 84
_RANDOM = np.random.default_rng(3)
_DAYS = np.arange(N_ROWS)
FACTS = pa.table(
    {
        "day": pa.array(_DAYS.astype("datetime64[D]")),
        "amount": _DAYS % 7 + _RANDOM.normal(size=N_ROWS).round(2) / 4,
        "who": [f"u{n % 12}" for n in range(N_ROWS)],
        "what": [f"i{n * 5 % 7}" for n in range(N_ROWS)],
        "line": [
            f"{('reads a book', 'writes a letter', 'sells cars')[n % 3]} at {n}"
            for n in range(N_ROWS)
        ],
        "kind": [("no", "yes")[n % 7 > 3] for n in range(N_ROWS)],
    }
)


@dataclass(frozen=True)
class Subject:
    """A task, the columns it needs, and what it is asked."""

    columns: tuple[str, ...]
    target: str | None
    options: dict[str, Any]
    metric: str | None = None
    excludes: bool = False  # columns that the task has no use for


SUBJECTS = {
    "classification": Subject(
        ("amount", "who", "kind"), "kind", {"model_list": ["GaussianNB"]}, "accuracy"
    ),
    "regression": Subject(
        ("who", "kind", "amount"),
        "amount",
        {"model_list": ["LinearRegression"]},
        "neg_mean_absolute_error",
    ),
    "forecasting": Subject(
        ("day", "amount"),
        None,
        {
            "datetime_index": "day",
            "endogenous_variables": ["amount"],
            "model_list": ["NaiveForecaster"],
        },
        "neg_mean_absolute_error",
    ),
    "anomaly_detection": Subject(("amount", "who"), None, {"model_list": ["PCA"]}),
    "log_anomaly_detection": Subject(
        ("line",), None, {"model_list": ["PCA"]}, excludes=True
    ),
    "recommendation": Subject(
        ("who", "what", "amount"),
        "amount",
        {"users": "who", "items": "what", "model_list": ["Baseline"]},
        "neg_mean_absolute_error",
    ),
    "topic_modeling": Subject(("line",), None, {"document_column": "line"}),
}


def _more(name: str, values: Any) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.append_column(name, [pa.array(values[: len(table)])])


def _thousand(table: pa.Table) -> pa.Table:
    for place in range(1000):
        table = table.append_column(f"c{place}", [pa.array(_DAYS * place % 11)])
    return table


def _with_nulls(table: pa.Table) -> pa.Table:
    """Each column has some, but for the index of time."""
    holes = {}
    for place, name in enumerate(table.column_names):
        mask = (_DAYS + place) % 9 == 4
        column = table.column(name).combine_chunks()
        null = pa.scalar(None, column.type)
        if name not in ("day", "kind"):
            column = pa.compute.if_else(pa.array(mask), null, column)
        holes[name] = column
    return pa.table(holes)


SHAPES: dict[str, Callable[[pa.Table], pa.Table]] = {
    "as it is": lambda table: table,
    "some NULLs": _with_nulls,
    "a column of NULLs": _more("none", [None] * N_ROWS),
    "a constant": _more("same", [7] * N_ROWS),
    "moments": _more("at", (_DAYS * 40_000).astype("datetime64[s]")),
    "a twin but for its letters' case": _more("AMOUNT ", list(_DAYS % 5)),
    "1,000 columns": _thousand,
    "one row": lambda table: table.slice(0, 1),
    "no rows": lambda table: table.slice(0, 0),
    "one value": lambda table: pa.concat_tables([table.slice(0, 1)] * 60),
}
NAMES = {"amount": "größe `1`", "who": 'it\'s "who"', "what": "日本", "line": "a.b c"}
ONE_CLASS, UNLABELLED, NOTHING = "ML001031", "ML001053", "ML001052"
EVERYWHERE = {"no rows": NOTHING}
# what HeatWave's rules refuse
REFUSED: dict[str, dict[str, str]] = {
    "classification": {"one row": ONE_CLASS, "one value": ONE_CLASS},
    "regression": {
        "some NULLs": UNLABELLED,
        "one row": NOTHING,
        "one value": NOTHING,
    },
    "forecasting": {
        "some NULLs": "ML003019",  # they are forecast, but no score can be had
        "one value": "The datetime_index column 'day' has the same value",
    },
    "anomaly_detection": {"one row": NOTHING, "one value": NOTHING},
    "recommendation": {"some NULLs": UNLABELLED},
    "topic_modeling": {
        "some NULLs": "The document_column 'line' has NULL values",
        "one row": NOTHING,
        "one value": NOTHING,
    },
}


def renamed(value: Any) -> Any:
    if isinstance(value, list):
        return [renamed(member) for member in value]
    return NAMES.get(value, value) if isinstance(value, str) else value


def outcome(task: str, table: pa.Table, subject: Subject) -> str:
    """``fine``, or how the training was refused."""
    options = {"task": task, **subject.options}
    if subject.excludes:
        left = [name for name in table.column_names if name not in subject.columns]
        options["exclude_column_list"] = left
    order = parse_options(options)
    try:
        kept = to_bytes(trained(table, subject.target, order, quietly, threads=1))
    except MySQLError as refused:
        if (refused.number, refused.sqlstate) != (3877, "HY000"):
            raise
        return refused.message
    model = from_bytes(kept)
    given = predict_options(model, None, "ML_PREDICT_TABLE")
    answers = predict_job(kept, table, given, 1)
    texts = answers.added.column("ml_results").to_pylist()
    assert len(texts) == table.num_rows or answers.own_rows
    assert all(json.loads(text)["predictions"] for text in texts)
    if subject.metric is not None:
        scoring = (
            {} if task in ("classification", "regression") else score_options(task)
        )
        try:
            score = score_job(kept, table, subject.target, subject.metric, scoring, 1)
        except MySQLError as refused:
            return refused.message
        assert np.isfinite(score)
    return "fine"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("task", SUBJECTS)
def test_an_odd_table_is_learned_or_refused(task: str, shape: str) -> None:
    subject = SUBJECTS[task]
    table = SHAPES[shape](FACTS.select(subject.columns))
    found = outcome(task, table, subject)
    expected = (EVERYWHERE | REFUSED.get(task, {})).get(shape, "fine")
    assert found.startswith(expected), found


@pytest.mark.parametrize("task", SUBJECTS)
def test_names_are_only_names(task: str) -> None:
    subject = SUBJECTS[task]
    table = FACTS.select(subject.columns)
    table = table.rename_columns([renamed(name) for name in table.column_names])
    other = Subject(
        tuple(table.column_names),
        renamed(subject.target),
        {key: renamed(value) for key, value in subject.options.items()},
        subject.metric,
        excludes=subject.excludes,
    )
    assert outcome(task, table, other) == "fine"


@pytest.mark.parametrize("task", SUBJECTS)
def test_values_that_were_never_learned_are_answered(task: str) -> None:
    subject = SUBJECTS[task]
    table = FACTS.select(subject.columns)
    order = parse_options({"task": task, **subject.options})
    kept = to_bytes(trained(table, subject.target, order, quietly, threads=1))
    new = {
        "amount": 1e6,
        "who": "nobody",
        "what": "nothing",
        "line": "é new",
        "kind": "?",
    }
    strange = table.slice(0, 3)
    for place, name in enumerate(table.column_names):
        if name in new:
            strange = strange.set_column(place, name, [pa.array([new[name]] * 3)])
    given = predict_options(from_bytes(kept), None, "ML_PREDICT_TABLE")
    answers = predict_job(kept, strange, given, 1)
    texts = answers.added.column("ml_results").to_pylist()
    assert len(texts) == 3 or answers.own_rows
    assert all("predictions" in json.loads(text) for text in texts)
