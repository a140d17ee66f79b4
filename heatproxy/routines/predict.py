"""ML_PREDICT_TABLE and ML_PREDICT_ROW.

Source: HeatWave User Guide, "ML_PREDICT_TABLE", "ML_PREDICT_ROW".
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from heatproxy.automl import results
from heatproxy.automl.anomaly.model import AnomalyModel
from heatproxy.automl.batches import tolerant_job
from heatproxy.automl.model import Model
from heatproxy.automl.onnx_model import OnnxModel
from heatproxy.automl.tasks import specialist_named
from heatproxy.automl.tasks.contract import BATCH_SIZE, OfTables, SpecialModel
from heatproxy.automl.work import predict_job
from heatproxy.errors import ml_error, not_supported, secondary_engine
from heatproxy.options import BadOption, Flag, Options
from heatproxy.routines.arguments import option_object
from heatproxy.routines.described import require_not_towers, with_tables
from heatproxy.routines.models import open_model
from heatproxy.routines.output import write_answers
from heatproxy.routines.routine import Outcome, Procedure, RowFunction, needs
from heatproxy.routines.rows import Answerer, Row, answers, in_job
from heatproxy.session import Session

OPTIONS = Options(
    additional_details=Flag(default=False),
    batch_size=BATCH_SIZE,
)
SKIP_FAILED = "skip_failed"  # of ours: HeatWave fails as a whole
ONE_ANSWER = ("clustering",)  # of the other tasks: those that have a Prediction
ROWS_AT_ONCE = 4096  # predicted by ML_PREDICT_ROW while it hears no KILL
OF_OTHER_TASKS = (
    *("threshold", "topk", "recommend", "remove_seen", "prediction_interval"),
    *("logad_options", "item_metadata", "user_metadata"),
    "supervised_submodel_weight",
)


def predict_options(
    model: Model | SpecialModel, text: str | None, routine: str
) -> Mapping[str, Any]:
    """The options of a call that predicts with this model.

    Raises:
        MySQLError: 1235, an option of another task; 3877, an option that no task has
            or a wrong value.
    """
    given = option_object(text, routine)
    specialist = specialist_named(model.task_name)
    options = OPTIONS if specialist is None else specialist.predict_options
    for key in OF_OTHER_TASKS:
        if key not in options.declared and given.pop(key, None) is not None:
            raise not_supported(f"{routine} option {key} for this task")
    for key, constraint in options.declared.items():
        of_tables = routine == "ML_PREDICT_ROW" and isinstance(constraint, OfTables)
        if of_tables and given.get(key) is not None:
            raise secondary_engine(f"{routine} takes no option {key} for this task.")
    try:
        return options.check(given)
    except BadOption as problem:
        raise ml_error("ML006005", f"{routine}: {problem}.") from None


async def predict_table(
    session: Session,
    table: str | None,
    model_handle: str | None,
    output_table: str | None,
    options: str | None,
) -> Outcome:
    """Predict every row of a table into a new one.

    How many rows there were, and how many of them have no answer, is afterwards in
    @ml_records_seen and @ml_records_failed. A row fails alone only with skip_failed.

    Raises:
        MySQLError: 1050, the output table exists; 3877, ML003011 for missing columns;
            MySQL's own.
    """
    loaded = await open_model(session, model_handle)
    given = option_object(options, "ML_PREDICT_TABLE")
    try:
        skips = Flag(default=False).convert(given.pop(SKIP_FAILED, None) or False)
    except BadOption as problem:
        text = f"ML_PREDICT_TABLE: option '{SKIP_FAILED}' must be {problem}."
        raise ml_error("ML006005", text) from None
    checked = predict_options(loaded.model, json.dumps(given), "ML_PREDICT_TABLE")
    checked = await with_tables(session, checked)
    job = tolerant_job if skips else predict_job
    written = await write_answers(session, loaded, table, output_table, job, checked)
    await session.backend.query(
        f"SET @ml_records_seen = {written.seen}, @ml_records_failed = {written.failed}"
    )
    return Outcome()


async def predict_row(session: Session, rows: Sequence[Row]) -> list[str | None]:
    """``{features..., "Prediction": ..., "ml_results": {...}}`` of each row."""
    return await answers(session, rows, _predicting, ROWS_AT_ONCE)


async def _predicting(
    session: Session, model_handle: str | None, options: str | None
) -> Answerer:
    loaded = await open_model(session, model_handle)
    model = loaded.model
    require_not_towers(loaded.entry.metadata, "ML_PREDICT_ROW")
    checked = predict_options(model, options, "ML_PREDICT_ROW")
    if isinstance(model, Model):
        results_of_rows = partial(
            _results_of, model, bool(checked["additional_details"])
        )
        return Answerer(results_of_rows, numeric=model.numeric_names)
    if isinstance(model, OnnxModel):
        model.require_names()
        return Answerer(apart=in_job(session, predict_job, loaded.data, checked))
    specialist = specialist_named(model.task_name)
    if specialist is not None and not specialist.by_row:
        raise secondary_engine(
            f"ML_PREDICT_ROW is not supported for {model.task_name} task."
        )
    special = model

    def results_of(rows: pa.Table) -> pa.Array:
        return special.predict(rows, checked).added.column("ml_results")

    numeric: frozenset[str] = frozenset()
    if isinstance(model, AnomalyModel):
        numeric = model.features.numeric_names
    return Answerer(results_of, model.task_name in ONE_ANSWER, numeric=numeric)


def _results_of(model: Model, with_drift: bool, rows: pa.Table) -> pa.Array:
    prediction = model.predict(rows)
    drift = results.drift_results(model, rows) if with_drift else None
    return results.prediction_results(model, prediction, drift)


ML_PREDICT_TABLE = Procedure(
    "ML_PREDICT_TABLE",
    needs(
        "IN table_name VARCHAR(255)",
        "IN model_handle VARCHAR(255)",
        "IN output_table_name VARCHAR(255)",
        "IN options JSON",
    ),
    run=predict_table,
    least=3,
)
ML_PREDICT_ROW = RowFunction(
    "ML_PREDICT_ROW",
    needs("IN input_data JSON", "IN model_handle VARCHAR(255)", "IN options JSON"),
    run=predict_row,
    least=2,
)
