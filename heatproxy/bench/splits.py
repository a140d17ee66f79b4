"""The data sets of ``bench automl``, cut into rows to learn from and rows to judge by.

They are files of a folder that the machine must have, and no part of heatproxy. The
cuts are those of Oracle's own notebooks: 30 % held out at random with seed 1, classes
in equal shares; the census as its two files; forecasts in order.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

HELD_OUT, SEED = 0.30, 1
LATE_MINUTES = 15


@dataclass(frozen=True, slots=True)
class Split:
    """One data set: ``read`` gives the rows to learn from and those to be judged.

    ``metrics`` are the default one, then the one that Oracle's notebooks print;
    ``printed`` is what they printed, None where there is no such notebook.
    """

    name: str
    file: str
    task: str
    target: str
    metrics: tuple[str, ...]
    read: Callable[[Path], tuple[pa.Table, pa.Table]]
    options: Mapping[str, Any] = field(default_factory=dict)
    printed: Mapping[str, float] = field(default_factory=dict)


def _csv(path: Path, delimiter: str = ",", nulls: tuple[str, ...] = ("",)) -> pa.Table:
    return pyarrow.csv.read_csv(
        path,
        parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter),
        convert_options=pyarrow.csv.ConvertOptions(
            null_values=list(nulls), strings_can_be_null=True
        ),
    )


def _at_random(table: pa.Table, classes: str | None) -> tuple[pa.Table, pa.Table]:
    from sklearn.model_selection import train_test_split

    shares = None if classes is None else table.column(classes).to_pylist()
    learnt, judged = train_test_split(
        range(table.num_rows), test_size=HELD_OUT, random_state=SEED, stratify=shares
    )
    return table.take(learnt), table.take(judged)


def _in_order(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    first = int(table.num_rows * (1.0 - HELD_OUT))
    return table.slice(0, first), table.slice(first)


def _bank(path: Path) -> tuple[pa.Table, pa.Table]:
    return _at_random(_csv(path, ";"), "y")


def _census(path: Path) -> tuple[pa.Table, pa.Table]:
    test = path.with_name("census_test.csv.gz")
    return _csv(path, nulls=("", "NULL")), _csv(test, nulls=("", "NULL"))


def _numbers(path: Path) -> tuple[pa.Table, pa.Table]:
    return _at_random(_csv(path), None)


def _fars(path: Path) -> tuple[pa.Table, pa.Table]:
    return _at_random(_csv(path), "INJURY_SEVERITY")


def _flights(path: Path) -> tuple[pa.Table, pa.Table]:
    table = _csv(path, nulls=("", "NA"))
    table = table.filter(pc.is_valid(table["arr_delay"]))
    late = pc.if_else(pc.greater(table["arr_delay"], LATE_MINUTES), "yes", "no")
    table = table.drop_columns(["arr_delay"]).append_column("late", late)
    return _at_random(table, "late")


def _shuttle(path: Path) -> tuple[pa.Table, pa.Table]:
    return _at_random(_csv(path), "anomaly")


def _insteval(path: Path) -> tuple[pa.Table, pa.Table]:
    table = _csv(path).select(["s", "d", "y"])
    for place, name in enumerate(("s", "d")):
        table = table.set_column(place, name, table[name].cast(pa.string()))
    return _at_random(table, None)


def _daily(path: Path) -> tuple[pa.Table, pa.Table]:
    return _in_order(_csv(path).select(["date", "consumption_mw"]))


_LOSS, _SQUARES = "neg_log_loss", "neg_mean_squared_error"

SPLITS: tuple[Split, ...] = (
    Split(
        "bank-full",
        "bank-marketing/bank-full.csv",
        "classification",
        "y",
        (_LOSS, "accuracy", "balanced_accuracy"),
        _bank,
        printed={"accuracy": 0.9075},
    ),
    Split(
        "census",
        "census/census_train.csv.gz",
        "classification",
        "revenue",
        (_LOSS, "balanced_accuracy"),
        _census,
    ),
    Split(
        "diamonds",
        "diamonds/diamonds.csv.gz",
        "regression",
        "price",
        (_SQUARES, "neg_mean_absolute_error"),
        _numbers,
        printed={"neg_mean_absolute_error": -271.23},
    ),
    Split(
        "casp",
        "regression/casp.csv.gz",
        "regression",
        "RMSD",
        (_SQUARES, "r2"),
        _numbers,
    ),
    Split(
        "fars",
        "multiclass/fars.csv.gz",
        "classification",
        "INJURY_SEVERITY",
        (_LOSS, "balanced_accuracy"),
        _fars,
    ),
    Split(
        "flights",
        "flights/flights.csv.gz",
        "classification",
        "late",
        (_LOSS, "balanced_accuracy"),
        _flights,
    ),
    Split(
        "shuttle",
        "anomaly/shuttle.csv.gz",
        "anomaly_detection",
        "anomaly",
        ("roc_auc",),
        _shuttle,
        {"exclude_column_list": ["anomaly"]},
        {"roc_auc": 0.9089},  # of other data, as the real set is not to be had
    ),
    Split(
        "insteval",
        "recommend/insteval.csv.gz",
        "recommendation",
        "y",
        ("neg_mean_squared_error",),
        _insteval,
        {"users": "s", "items": "d"},
        {"neg_mean_squared_error": -0.86},  # of MovieLens
    ),
    Split(
        "electricity",
        "timeseries/electricity_consumption_synthetic_daily.csv",
        "forecasting",
        "consumption_mw",
        ("neg_sym_mean_abs_percent_error",),
        _daily,
        {
            "datetime_index": "date",
            "endogenous_variables": ["consumption_mw"],
        },
        {"neg_sym_mean_abs_percent_error": -0.23},
    ),
)
