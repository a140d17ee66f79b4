"""ML_SCORE: how well a model does on a table whose answers are known."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.automl.features import find_column, plain
from heatproxy.automl.metrics import evaluate, invalid_data, metric_named
from heatproxy.automl.model import Model
from heatproxy.automl.target import target_numbers
from heatproxy.errors import ml_error, no_target


def score(
    model: Model, table: pa.Table, target: str | None, metric: str, threads: int = 1
) -> float:
    """One score, higher is better, as MySQL's FLOAT widened to double.

    Labels are matched by value: '1' is 1.

    Raises:
        MySQLError: 3877 with ML003011 and ML003015 (the features), ML003019 (the
            metric means nothing on these rows, NULLs as truth included), ML003020 (no
            such metric), ML003039 (no such target column).
    """
    name = metric_named(model.task.metrics, metric, model.task_name)
    if not target:
        raise no_target()
    column = truth_column(table, target, name)
    truth: npt.NDArray[Any]
    if model.labels is not None:
        truth = model.labels.codes(column)
    else:
        truth = target_numbers(column, target)
    outputs = model.outputs(model.features.encode(table), threads)
    return float(np.float32(evaluate(model.task.metrics, name, truth, outputs)))


def truth_column(table: pa.Table, target: str, metric: str) -> pa.Array:
    """The column that a score compares with.

    Raises:
        MySQLError: 3877 ML003039, there is none; ML003019, it is empty or has NULLs.
    """
    place = find_column(table.column_names, target)
    if place is None:
        raise ml_error(
            "ML003039",
            "Not all user specified columns are present in the input table - missing "
            f"columns are {{{target!r}}}.",
        )
    column = plain(table.column(place))
    if not len(column) or pc.any(pc.is_null(column, nan_is_null=True)).as_py():
        raise invalid_data(metric)
    return column
