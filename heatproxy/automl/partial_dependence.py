"""Partial dependence: the mean prediction as one column takes one value after another.

Source: Friedman, "Greedy Function Approximation: A Gradient Boosting Machine".
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.automl.columns import FloatArray, as_text
from heatproxy.automl.features import find_column, plain
from heatproxy.automl.model import Model
from heatproxy.errors import MySQLError, ml_error, secondary_engine

SEED = 20
GRID, ROWS = 20, 500


def explain(
    model: Model,
    table: pa.Table,
    matrix: FloatArray,
    columns: Sequence[str] | None,
    target_value: str | None,
    threads: int,
) -> dict[str, dict[str, float]]:
    """``{column: {value: mean}}`` with four decimals.

    The mean is that of the probability of ``target_value`` (default: the last class),
    or of the prediction of a regression. A column of many values is seen at 20 of
    them, evenly spread over its rows.

    Raises:
        MySQLError: 3877, no columns, one the model lacks (ML003039), or no such class.
    """
    if not columns:
        raise secondary_engine(
            "ML_EXPLAIN: partial_dependence needs the option columns_to_explain"
        )
    output = _output(model, target_value)
    known = list(model.features.columns)
    places = [find_column(known, name) for name in columns]
    missing = [
        repr(name) for name, at in zip(columns, places, strict=True) if at is None
    ]
    if missing:
        raise ml_error(
            "ML003039",
            "Not all user specified columns are present in the input table - missing "
            f"columns are {{{', '.join(missing)}}}.",
        )
    rows = np.random.default_rng(SEED).permutation(len(matrix))[:ROWS]
    sample = matrix[np.sort(rows)]
    names = [known[place] for place in places if place is not None]
    return {name: _curve(model, table, sample, name, output, threads) for name in names}


def _curve(
    model: Model,
    table: pa.Table,
    sample: FloatArray,
    name: str,
    output: int | None,
    threads: int,
) -> dict[str, float]:
    place = find_column(table.column_names, name)
    grid = _grid(plain(table.column(place)))
    used = [feature.name for feature in model.features.used]
    changed = np.tile(sample, (len(grid), 1))
    if name in used:
        at = used.index(name)
        values = model.features.used[at].encode(grid)
        changed[:, model.features.slices()[at]] = np.repeat(values, len(sample), axis=0)
    outputs = model.outputs(changed, threads)
    chosen = outputs if output is None else outputs[:, output]
    means = chosen.reshape(len(grid), len(sample)).mean(axis=1)
    texts = as_text(grid).to_pylist()
    return {
        text: round(float(mean), 4) for text, mean in zip(texts, means, strict=True)
    }


def _grid(column: pa.Array) -> pa.Array:
    values = pc.unique(column.drop_null())
    if len(values) <= GRID:
        return values.take(pc.sort_indices(values))
    if pa.types.is_string(values.type):
        commonest = pc.value_counts(column.drop_null())
        order = np.argsort(-commonest.field("counts").to_numpy(), kind="stable")
        return commonest.field("values").take(pa.array(order[:GRID]))
    ordered = column.drop_null()
    ordered = ordered.take(pc.sort_indices(ordered))
    picks = np.linspace(0, len(ordered) - 1, GRID).round().astype(int)
    return pc.unique(ordered.take(pa.array(picks)))


def _output(model: Model, target_value: str | None) -> int | None:
    """Which class's probability to follow; None for a regression."""
    if model.labels is None:
        if target_value is not None:
            raise secondary_engine(
                "ML_EXPLAIN: option 'target_value' is for classification only"
            )
        return None
    if target_value is None:
        return len(model.labels) - 1
    code = int(model.labels.codes(pa.array([target_value]))[0])
    if code < 0:
        raise _no_such_class(model, target_value)
    return code


def _no_such_class(model: Model, target_value: str) -> MySQLError:
    texts = model.labels.texts if model.labels else []
    return secondary_engine(
        f"ML_EXPLAIN: target_value '{target_value}' is not one of the classes "
        + ", ".join(texts[:20])
    )
