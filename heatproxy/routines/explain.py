"""ML_EXPLAIN, ML_EXPLAIN_TABLE and ML_EXPLAIN_ROW.

Source: HeatWave User Guide, "ML_EXPLAIN", "ML_EXPLAIN_TABLE", "ML_EXPLAIN_ROW".
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from heatproxy.automl import explain as explainers
from heatproxy.automl import results
from heatproxy.automl.catalog import Catalog
from heatproxy.automl.model import Model
from heatproxy.automl.onnx_model import OnnxModel
from heatproxy.automl.work import (
    explain_model_job,
    explain_rows_job,
    require_explainable,
)
from heatproxy.errors import ml_error
from heatproxy.options import BadOption, Options
from heatproxy.routines.arguments import option_object, table_name
from heatproxy.routines.models import open_model
from heatproxy.routines.output import write_answers
from heatproxy.routines.routine import Outcome, Procedure, RowFunction, needs
from heatproxy.routines.rows import Answerer, Row, answers, in_job
from heatproxy.session import Session

ROWS_AT_ONCE = 64  # explained by ML_EXPLAIN_ROW while it hears no KILL


async def explain(
    session: Session,
    table: str | None,
    target: str | None,
    model_handle: str | None,
    options: str | None,
) -> Outcome:
    """Train explainers on a table and keep what they say in the catalog.

    Raises:
        MySQLError: 3877 for a wrong handle, option or column; MySQL's own.
    """
    given = _checked(explainers.EXPLAIN_OPTIONS, options, "ML_EXPLAIN")
    loaded = await open_model(session, model_handle)
    require_explainable(loaded.model)
    schema, name = await table_name(session, table, "table_name")
    rows = await session.read_table(schema, name)
    entry = loaded.entry
    data, metadata = await session.in_worker(
        explain_model_job,
        loaded.data,
        rows,
        target or "",
        given,
        entry.train_table or "",
        entry.build_timestamp,
        session.threads,
    )
    catalog = Catalog(session.backend, loaded.owner, session.generation)
    await catalog.replace(entry.handle, metadata, data)
    await open_model(session, model_handle)
    return Outcome()


async def explain_table(
    session: Session,
    table: str | None,
    model_handle: str | None,
    output_table: str | None,
    options: str | None,
) -> Outcome:
    """Explain the prediction of every row of a table into a new one.

    Raises:
        MySQLError: 1050, the output table exists; 3877, ML003011 for missing columns;
            MySQL's own.
    """
    explainer = _explainer(options, "ML_EXPLAIN_TABLE")
    loaded = await open_model(session, model_handle)
    require_explainable(loaded.model)
    names = table, output_table
    await write_answers(session, loaded, *names, explain_rows_job, explainer)
    return Outcome()


async def explain_row(session: Session, rows: Sequence[Row]) -> list[str | None]:
    """``{features..., "Prediction", "Notes", "<feature>_attribution"...}``."""
    return await answers(session, rows, _explaining, ROWS_AT_ONCE)


async def _explaining(
    session: Session, model_handle: str | None, options: str | None
) -> Answerer:
    explainer = _explainer(options, "ML_EXPLAIN_ROW")
    loaded = await open_model(session, model_handle)
    model = loaded.model
    require_explainable(model)
    if isinstance(model, OnnxModel):
        model.require_names()
        apart = in_job(session, explain_rows_job, loaded.data, explainer)
        return Answerer(apart=apart)
    assert isinstance(model, Model)

    def results_of(rows: pa.Table) -> pa.Array:
        found = explainers.explain_predictions(model, rows, explainer)
        return results.explanation_results(model, found)

    return Answerer(results_of, numeric=model.numeric_names)


def _checked(options: Options, text: str | None, routine: str) -> dict[str, Any]:
    try:
        return options.check(option_object(text, routine))
    except BadOption as problem:
        raise ml_error("ML006005", f"{routine}: {problem}.") from None


def _explainer(text: str | None, routine: str) -> str | None:
    given = _checked(explainers.PREDICTION_EXPLAIN_OPTIONS, text, routine)
    name = given["prediction_explainer"]
    return None if name is None else str(name)


ML_EXPLAIN = Procedure(
    "ML_EXPLAIN",
    needs(
        "IN table_name VARCHAR(255)",
        "IN target_column_name VARCHAR(64)",
        "IN model_handle VARCHAR(255)",
        "IN options JSON",
    ),
    run=explain,
)
ML_EXPLAIN_TABLE = Procedure(
    "ML_EXPLAIN_TABLE",
    needs(
        "IN table_name VARCHAR(255)",
        "IN model_handle VARCHAR(255)",
        "IN output_table_name VARCHAR(255)",
        "IN options JSON",
    ),
    run=explain_table,
    least=3,
)
ML_EXPLAIN_ROW = RowFunction(
    "ML_EXPLAIN_ROW",
    needs("IN input_data JSON", "IN model_handle VARCHAR(255)", "IN options JSON"),
    run=explain_row,
    least=2,
)
