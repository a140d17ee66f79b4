"""What a learning process does: whole jobs, from bytes and Arrow to bytes and Arrow.

Each function is the entry of one job. It gets and returns plain values, so that a
model crosses between processes only in its stored form.
"""

from typing import Any

import pyarrow as pa

from heatproxy.automl import explain, results
from heatproxy.automl.scoring import score
from heatproxy.automl.storage import from_bytes, to_bytes
from heatproxy.automl.training import TrainOptions, train

Trained = tuple[bytes, dict[str, Any]]


def train_job(
    table: pa.Table,
    target: str,
    options: TrainOptions,
    train_table: str,
    threads: int,
) -> Trained:
    """Train; the model's bytes and metadata. The caller knows when it was built."""
    model = train(table, target, options, lambda done, stage: None, threads)
    return to_bytes(model), model.metadata(
        build_timestamp=0, train_table_name=train_table
    )


def score_job(
    data: bytes, table: pa.Table, target: str, metric: str, threads: int
) -> float:
    """One score, as a FLOAT widened to double."""
    return score(from_bytes(data), table, target, metric, threads)


def predict_job(
    data: bytes, table: pa.Table, with_drift: bool, threads: int
) -> pa.Table:
    """What is predicted: Arrow (n_rows, 2), the columns Prediction and ml_results."""
    model = from_bytes(data)
    prediction = model.predict(table, threads)
    drift = results.drift_results(model, table) if with_drift else None
    text = results.prediction_results(model, prediction, drift)
    return pa.table({"Prediction": prediction.labels, "ml_results": text})


def explain_rows_job(
    data: bytes, table: pa.Table, explainer: str | None, threads: int
) -> pa.Table:
    """Why each row is predicted so: Arrow (n_rows, 3 + n_columns).

    Columns: Prediction, an ``<feature>_attribution`` each, Notes, ml_results.
    """
    model = from_bytes(data)
    found = explain.explain_predictions(model, table, explainer, threads)
    columns: dict[str, pa.Array] = {"Prediction": found.prediction.labels}
    for place, name in enumerate(model.features.columns):
        columns[f"{name}_attribution"] = pa.array(found.attributions[:, place])
    columns["Notes"] = results.notes(model, found)
    columns["ml_results"] = results.explanation_results(model, found)
    return pa.table(columns)


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
        from_bytes(data), table, target, **options, threads=threads
    )
    return to_bytes(model), model.metadata(
        build_timestamp=built, train_table_name=train_table
    )
