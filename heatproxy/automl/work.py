"""What a learning process does: whole jobs, from bytes and Arrow to bytes and Arrow.

Each function is the entry of one job. It gets and returns plain values, so that a
model crosses between processes only in its stored form.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from heatproxy.automl import explain, onnx_model, onnx_view, results
from heatproxy.automl.model import Model
from heatproxy.automl.model_bytes import ModelBytes, folder_of, view_of
from heatproxy.automl.onnx_model import OnnxModel
from heatproxy.automl.scoring import score
from heatproxy.automl.storage import from_bytes, to_bytes, unreadable
from heatproxy.automl.target import refuse_unlabelled
from heatproxy.automl.tasks import specialist_named
from heatproxy.automl.tasks.choice import column_of
from heatproxy.automl.tasks.contract import Answers, Order, Progress, SpecialModel
from heatproxy.automl.training import TrainOptions, train
from heatproxy.errors import ml_error, no_target

ZIP = b"PK\x03\x04"  # how stored models begin
Trained = tuple[ModelBytes, dict[str, Any]]


def train_job(
    table: pa.Table,
    target: str | None,
    options: TrainOptions | Order,
    train_table: str,
    threads: int,
    progress: Progress,
) -> Trained:
    """Train; the model's bytes and metadata. The caller knows when it was built."""
    model = trained(table, target, options, progress, threads)
    return to_bytes(model), model.metadata(
        build_timestamp=0, train_table_name=train_table
    )


def trained(
    table: pa.Table,
    target: str | None,
    options: TrainOptions | Order,
    progress: Progress,
    threads: int,
) -> Model | SpecialModel:
    """The model that the options ask for. Raises: MySQLError 3877, 1235."""
    if isinstance(options, TrainOptions):
        return train(table, target or "", options, progress, threads)
    specialist = specialist_named(options.task)
    assert specialist is not None  # the order is made for one
    return specialist.train(table, target, options, progress, threads)


def score_job(
    data: ModelBytes,
    table: pa.Table,
    target: str | None,
    metric: str,
    options: Mapping[str, Any],
    threads: int,
) -> float:
    """One score, as a FLOAT widened to double."""
    model = from_bytes(data)
    if isinstance(model, Model):
        return score(model, table, target, metric, threads)
    return model.score(table, target, metric, options, threads)


def predict_job(
    data: ModelBytes, table: pa.Table, options: Mapping[str, Any], threads: int
) -> Answers:
    """What is predicted: of a class or number the columns Prediction and ml_results."""
    return predicted(from_bytes(data), table, options, threads)


def predicted(
    model: Model | SpecialModel,
    table: pa.Table,
    options: Mapping[str, Any],
    threads: int,
) -> Answers:
    """What a model predicts for a table: see predict_job. Raises: MySQLError 3877."""
    if not isinstance(model, Model):
        return model.predict(table, options, threads)
    prediction = model.predict(table, threads)
    drift = (
        results.drift_results(model, table) if options["additional_details"] else None
    )
    text = results.prediction_results(model, prediction, drift)
    return Answers(pa.table({"Prediction": prediction.labels, "ml_results": text}))


def require_explainable(model: Model | SpecialModel) -> None:
    """Refuse a model that has no explainers.

    Raises:
        MySQLError: 3877 ML003076, models of its task have none.
    """
    if not isinstance(model, Model | OnnxModel):
        raise ml_error(
            "ML003076",
            "ML_EXPLAIN, ML_EXPLAIN_ROW and ML_EXPLAIN_TABLE are not supported for "
            f"{model.task_name} task.",
        )


def explain_rows_job(
    data: ModelBytes, table: pa.Table, explainer: str | None, threads: int
) -> Answers:
    """Why each row is predicted so: Arrow (n_rows, 3 + n_columns).

    Columns: Prediction, an ``<feature>_attribution`` each, Notes, ml_results.
    """
    stored = from_bytes(data)
    require_explainable(stored)
    if isinstance(stored, OnnxModel):
        stored = onnx_view.viewed(stored, table, threads)
    assert isinstance(stored, Model)
    model = stored
    found = explain.explain_predictions(model, table, explainer, threads)
    columns: dict[str, pa.Array] = {"Prediction": found.prediction.labels}
    for place, name in enumerate(model.features.columns):
        columns[f"{name}_attribution"] = pa.array(found.attributions[:, place])
    columns["Notes"] = results.notes(model, found)
    columns["ml_results"] = results.explanation_results(model, found)
    return Answers(pa.table(columns))


def explain_model_job(
    data: ModelBytes,
    table: pa.Table,
    target: str,
    options: dict[str, Any],
    train_table: str,
    built: int,
    threads: int,
) -> Trained:
    """The model with explainers made from this table; its bytes and metadata.

    Raises:
        MySQLError: 3877, ML006016 and ML003011 another target than the model's, its
            column's (ML001053); as explain.explain_model.
    """
    stored = from_bytes(data)
    require_explainable(stored)
    assert isinstance(stored, Model | OnnxModel)
    if not target:
        raise no_target()
    if stored.target and target.lower() != stored.target.lower():
        raise ml_error(
            "ML003011",
            "Columns of provided data need to match those used for training. "
            f"Provided - ['{target}'] vs Trained - ['{stored.target}']",
        )
    refuse_unlabelled(column_of(table, target))
    model: Model | OnnxModel
    if isinstance(stored, OnnxModel):
        model = onnx_view.explained(stored, table, target, threads, **options)
    else:
        model = explain.explain_model(stored, table, target, **options, threads=threads)
    return to_bytes(model, folder_of(data)), model.metadata(
        build_timestamp=built, train_table_name=train_table
    )


def import_job(data: ModelBytes, said: Mapping[str, Any], built: int) -> Trained:
    """A model that somebody else made or exported; its bytes and metadata.

    ``said`` is the ``model_metadata`` that came with it. What it says of a model of
    ours is taken from the model itself.

    Raises:
        MySQLError: 3877, it cannot be read, or is not what the metadata say.
    """
    is_onnx = str(said.get("format") or "ONNX").upper().startswith("ONNX")
    table = str(said.get("train_table_name") or "")
    built = int(said.get("build_timestamp") or built)
    if data.startswith(ZIP):
        model = from_bytes(data)
    elif is_onnx:
        model = onnx_model.from_metadata(view_of(data), said)
    else:
        raise unreadable("it is not of this format")
    if isinstance(model, OnnxModel):
        model = model.checked()
    elif is_onnx:
        raise unreadable("it is not in ONNX format, as its metadata say")
    stored = data if data.startswith(ZIP) else to_bytes(model, folder_of(data))
    return stored, model.metadata(build_timestamp=built, train_table_name=table)
