"""ML_PREDICT_TABLE and ML_PREDICT_ROW.

Source: HeatWave User Guide, "ML_PREDICT_TABLE", "ML_PREDICT_ROW".
"""

from collections.abc import Sequence

import pyarrow as pa

from heatproxy.automl import results
from heatproxy.automl.work import predict_job
from heatproxy.errors import ml_error, not_supported
from heatproxy.options import BadOption, Flag, Options, Text
from heatproxy.routines.arguments import option_object
from heatproxy.routines.models import open_model
from heatproxy.routines.output import write_answers
from heatproxy.routines.routine import Outcome, Procedure, RowFunction, needs
from heatproxy.routines.rows import ResultsOf, Row, answers
from heatproxy.session import Session

OPTIONS = Options(
    additional_details=Flag(default=False),
    batch_size=Text(),  # deprecated since 9.4.1: taken and ignored
)
ROWS_AT_ONCE = 4096  # predicted by ML_PREDICT_ROW while it hears no KILL
OF_OTHER_TASKS = (
    *("threshold", "topk", "recommend", "remove_seen", "prediction_interval"),
    *("logad_options", "item_metadata", "user_metadata"),
    "supervised_submodel_weight",
)


def predict_options(text: str | None, routine: str) -> bool:
    """Whether drift is asked for.

    Raises:
        MySQLError: 1235, an option of a task that is not here yet; 3877, an option
            that no task has or a wrong value.
    """
    given = option_object(text, routine)
    for key in OF_OTHER_TASKS:
        if given.pop(key, None) is not None:
            raise not_supported(f"{routine} option {key} for this task")
    try:
        return bool(OPTIONS.check(given)["additional_details"])
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

    Raises:
        MySQLError: 1050, the output table exists; 3877, ML003011 for missing columns;
            MySQL's own.
    """
    with_drift = predict_options(options, "ML_PREDICT_TABLE")
    names = table, model_handle, output_table
    return await write_answers(session, *names, predict_job, with_drift)


async def predict_row(session: Session, rows: Sequence[Row]) -> list[str | None]:
    """``{features..., "Prediction": ..., "ml_results": {...}}`` of each row."""
    return await answers(session, rows, _predicting, ROWS_AT_ONCE)


async def _predicting(
    session: Session, model_handle: str | None, options: str | None
) -> ResultsOf:
    with_drift = predict_options(options, "ML_PREDICT_ROW")
    model = (await open_model(session, model_handle)).model

    def results_of(rows: pa.Table) -> pa.Array:
        prediction = model.predict(rows)
        drift = results.drift_results(model, rows) if with_drift else None
        return results.prediction_results(model, prediction, drift)

    return results_of


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
