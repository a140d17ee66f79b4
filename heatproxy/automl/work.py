"""What a learning process does: whole jobs, from bytes and Arrow to bytes and Arrow.

Each function is the entry of one job. It gets and returns plain values, so that a
model crosses between processes only in its stored form.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from heatproxy.automl import explain, results
from heatproxy.automl.model import Model
from heatproxy.automl.scoring import score
from heatproxy.automl.storage import from_bytes, to_bytes
from heatproxy.automl.tasks import specialist_named
from heatproxy.automl.tasks.contract import Answers, Order, Progress, SpecialModel
from heatproxy.automl.training import TrainOptions, train
from heatproxy.errors import ml_error

Trained = tuple[bytes, dict[str, Any]]


def train_job(
    table: pa.Table,
    target: str | None,
    options: TrainOptions | Order,
    train_table: str,
    threads: int,
) -> Trained:
    """Train; the model's bytes and metadata. The caller knows when it was built."""
    model = trained(table, target, options, lambda done, stage: None, threads)
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
    data: bytes,
    table: pa.Table,
    target: str | None,
    metric: str,
    options: Mapping[str, Any],
    threads: int,
) -> float:
    """One score, as a FLOAT widened to double."""
    model = from_bytes(data)
    if isinstance(model, Model):
        return score(model, table, target or "", metric, threads)
    return model.score(table, target, metric, options, threads)


def predict_job(
    data: bytes, table: pa.Table, options: Mapping[str, Any], threads: int
) -> Answers:
    """What is predicted: of a class or number the columns Prediction and ml_results."""
    model = from_bytes(data)
    if not isinstance(model, Model):
        return model.predict(table, options, threads)
    prediction = model.predict(table, threads)
    drift = (
        results.drift_results(model, table) if options["additional_details"] else None
    )
    text = results.prediction_results(model, prediction, drift)
    return Answers(pa.table({"Prediction": prediction.labels, "ml_results": text}))


def explained(model: Model | SpecialModel) -> Model:
    """The model as one that can be explained.

    Raises:
        MySQLError: 3877 ML003076, models of its task cannot.
    """
    if not isinstance(model, Model):
        raise ml_error(
            "ML003076",
            "ML_EXPLAIN, ML_EXPLAIN_ROW and ML_EXPLAIN_TABLE are not supported for "
            f"{model.task_name} task.",
        )
    return model


def explain_rows_job(
    data: bytes, table: pa.Table, explainer: str | None, threads: int
) -> Answers:
    """Why each row is predicted so: Arrow (n_rows, 3 + n_columns).

    Columns: Prediction, an ``<feature>_attribution`` each, Notes, ml_results.
    """
    model = explained(from_bytes(data))
    found = explain.explain_predictions(model, table, explainer, threads)
    columns: dict[str, pa.Array] = {"Prediction": found.prediction.labels}
    for place, name in enumerate(model.features.columns):
        columns[f"{name}_attribution"] = pa.array(found.attributions[:, place])
    columns["Notes"] = results.notes(model, found)
    columns["ml_results"] = results.explanation_results(model, found)
    return Answers(pa.table(columns))


def explain_model_job(
    data: bytes,
    table: pa.Table,
    target: str,
    options: dict[str, Any],
    train_table: str,
    built: int,
    threads: int,
) -> Trained:
    """The model with explainers made from this table; its bytes and metadata."""
    model = explain.explain_model(
        explained(from_bytes(data)), table, target, **options, threads=threads
    )
    return to_bytes(model), model.metadata(
        build_timestamp=built, train_table_name=train_table
    )
