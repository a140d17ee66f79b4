"""An imported ONNX model seen as one of ours, so that the same explainers explain it.

Our models are functions of a matrix of numbers. Here a column of words becomes codes of
all the words there are, in the table that is explained and in the rows it is compared
with, and the codes become words again before the ONNX model sees them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from heatproxy.automl import explain
from heatproxy.automl.columns import (
    Category,
    Feature,
    FloatArray,
    Numeric,
    as_text,
    is_text,
    numbers,
)
from heatproxy.automl.drift import Drift
from heatproxy.automl.features import FeatureSet, find_column, plain
from heatproxy.automl.model import Facts, Model
from heatproxy.automl.onnx_model import OnnxModel, labels_of
from heatproxy.automl.onnx_outputs import REGRESSION, Outputs, Told
from heatproxy.automl.onnx_runtime import Runtime, numpy_type, opened
from heatproxy.automl.target import Labels
from heatproxy.automl.tasks import task_named
from heatproxy.errors import ml_error

BACKGROUND_ROWS = 100


@dataclass(frozen=True, slots=True)
class Words:
    """The estimator of such a view; ``by_label``: the shares are those of one label."""

    runtime: Runtime
    types: dict[str, str]
    outputs: Outputs
    task: str
    features: tuple[Feature, ...]
    labels: Labels | None
    by_label: bool

    def predict(self, matrix: FloatArray, threads: int) -> FloatArray:
        """Shares (n_rows, n_classes), or numbers (n_rows,)."""
        columns = [
            _decoded(feature, matrix[:, place])
            for place, feature in enumerate(self.features)
        ]
        told = self.outputs.read(self.runtime.run(columns, self.types), self.task)
        if self.labels is None:
            return np.array(told.labels.to_numpy(zero_copy_only=False))
        if self.by_label or told.shares is None:
            codes = self.labels.codes(told.labels)
            return np.asarray(np.eye(len(self.labels) + 1)[codes][:, :-1])
        return np.maximum(told.shares, 0.0)


def viewed(model: OnnxModel, table: pa.Table, threads: int = 1) -> Model:
    """The model as one that can say why it answers the rows of this table.

    Raises:
        MySQLError: 3877, ML_EXPLAIN has made no explainer for it; its columns.
    """
    if model.prediction_explainer is None or not model.background:
        raise ml_error(
            "ML004007",
            "An imported model explains predictions when ML_EXPLAIN has trained a"
            " prediction explainer for it.",
        )
    background = pa.table({name: pa.array(v) for name, v in model.background.items()})
    return _view(model, table, background, threads)


def explained(
    model: OnnxModel, table: pa.Table, target: str, threads: int, **options: Any
) -> OnnxModel:
    """ML_EXPLAIN: the same model with explainers made from this table.

    From now on the model knows its columns by name.

    Raises:
        MySQLError: 3877, as explain.explain_model.
    """
    model = replace(model, target=model.target or target or None)
    names = model.columns_in(table.column_names, opened(model.data, threads))
    model = replace(model, columns=tuple(names))
    random = np.random.default_rng(explain.SEED).permutation(table.num_rows)
    sample = table.take(pa.array(np.sort(random[:BACKGROUND_ROWS]))).select(names)
    view = _view(model, table, sample, threads)
    found = explain.explain_model(view, table, target, **options, threads=threads)
    asked = options.get("prediction_explainer")
    explainer = found.prediction_explainer if asked else model.prediction_explainer
    return replace(
        model,
        explanation=found.explanation,
        prediction_explainer=explainer,
        background={name: _plain_list(sample.column(name)) for name in names},
    )


def _view(
    model: OnnxModel, table: pa.Table, background: pa.Table, threads: int
) -> Model:
    runtime = opened(model.data, threads)
    names = model.columns_in(table.column_names, runtime)
    features = _features(model, runtime, table, background, names)
    both = [_both(table, background, name) for name in names]
    outputs = model.outputs(runtime)
    told = outputs.read(runtime.run(both, model.types), model.task_name)
    labels = None if model.task_name == REGRESSION else labels_of(told)
    by_label = labels is not None and not _agree(told, labels)
    feature_set = FeatureSet(tuple(names), features)
    matrix = np.column_stack(
        [f.encode(column) for f, column in zip(features, both, strict=True)]
    )
    span = 1.0
    if labels is None and len(told.labels):
        span = float(np.ptp(told.labels.to_numpy(zero_copy_only=False))) or 1.0
    is_bare = labels is not None and told.shares is None  # of probabilities
    metric = "accuracy" if is_bare else task_named(model.task_name).default_metric
    return Model(
        task_name=model.task_name,
        target=model.answer,
        features=feature_set,
        labels=labels,
        estimator=Words(
            runtime,
            dict(model.types),
            outputs,
            model.task_name,
            features,
            labels,
            by_label,
        ),
        balance=() if labels is None else (1.0,) * len(labels),
        log_scale=False,
        output_span=span,
        background=matrix[table.num_rows :],
        drift=Drift.fit(matrix, feature_set.categorical),
        facts=Facts.of_a_file("ONNX", metric, {}),
        explanation=model.explanation,
        prediction_explainer=model.prediction_explainer or "permutation_importance",
    )


def _features(
    model: OnnxModel,
    runtime: Runtime,
    table: pa.Table,
    background: pa.Table,
    names: Sequence[str],
) -> tuple[Feature, ...]:
    types = [one.type for one in runtime.inputs]
    if len(types) == 1:
        types *= len(names)
    found: list[Feature] = []
    for name, tensor in zip(names, types, strict=True):
        if numpy_type(tensor, model.types) == "str_":
            words = as_text(_both(table, background, name)).unique().drop_null()
            found.append(Category(name, tuple(words.to_pylist()), null_level=False))
        else:
            found.append(Numeric(name))
    return tuple(found)


def _both(table: pa.Table, background: pa.Table, name: str) -> pa.Array:
    """A column of the table, and behind it that of the background."""
    columns = [
        plain(table.column(name)),
        plain(background.column(_in(background, name))),
    ]
    if columns[0].type == columns[1].type:
        return pa.concat_arrays(columns)
    if any(is_text(column.type) for column in columns):
        return pa.concat_arrays([as_text(column) for column in columns])
    return pa.concat_arrays([pa.array(numbers(column, name)) for column in columns])


def _in(table: pa.Table, name: str) -> str:
    place = find_column(table.column_names, name)
    return str(table.column_names[place if place is not None else 0])


def _decoded(feature: Feature, codes: FloatArray) -> pa.Array:
    """A column of the matrix as the ONNX model takes it; NaN is NULL."""
    if not isinstance(feature, Category):
        return pa.array(codes)
    places = pa.array(np.nan_to_num(codes).astype(int), mask=np.isnan(codes))
    return pa.array(feature.levels, pa.string()).take(places)


def _agree(told: Told, labels: Labels) -> bool:
    """Whether each label is the one with the highest share."""
    if told.shares is None:
        return False
    return bool((told.shares.argmax(axis=1) == labels.codes(told.labels)).all())


def _plain_list(column: pa.ChunkedArray) -> list[Any]:
    """The values as JSON has them."""
    array = plain(column)
    if is_text(array.type):
        return list(array.to_pylist())
    try:
        values = numbers(array, "")
    except Exception:  # dates and the like travel as text
        return list(as_text(array).to_pylist())
    return [float(value) if np.isfinite(value) else None for value in values]
