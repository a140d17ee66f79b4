"""ML_SCORE: how good a model is on a table with known answers.

Source: HeatWave User Guide, "ML_SCORE".
"""

from heatproxy.automl.work import score_job
from heatproxy.errors import ml_error, not_supported
from heatproxy.routines.arguments import option_object, table_name
from heatproxy.routines.models import open_model
from heatproxy.routines.routine import Outcome, Procedure, needs
from heatproxy.session import Session

# Options of tasks that are not here yet: harmless when they are not used.
_OF_OTHER_TASKS = (
    *("threshold", "topk", "remove_seen", "item_metadata", "user_metadata"),
    "supervised_submodel_weight",
)


async def score(
    session: Session,
    table: str | None,
    target: str | None,
    model_handle: str | None,
    metric: str | None,
    score: str | None,
    options: str | None,
) -> Outcome:
    """Compute one metric; the score is a FLOAT.

    Raises:
        MySQLError: 3877 for a wrong handle, metric, column; MySQL's own.
    """
    del score  # OUT
    given = option_object(options, "ML_SCORE")
    for key, value in given.items():
        if key not in _OF_OTHER_TASKS:
            raise ml_error("ML003022", f"ML_SCORE: unknown option '{key}'.")
        if value is not None:
            raise not_supported(f"ML_SCORE option {key} for this task")
    loaded = await open_model(session, model_handle)
    schema, name = await table_name(session, table, "table_name")
    if not metric:
        raise ml_error("ML003022", "metric cannot be Null or empty.")
    rows = await session.read_table(schema, name)
    value = await session.in_worker(
        score_job, loaded.data, rows, target or "", metric, session.threads
    )
    return Outcome(out=(f"{value!r}e0" if "e" not in repr(value) else repr(value),))


ML_SCORE = Procedure(
    "ML_SCORE",
    needs(
        "IN table_name VARCHAR(255)",
        "IN target_column_name VARCHAR(64)",
        "IN model_handle VARCHAR(255)",
        "IN metric VARCHAR(255)",
        "OUT score FLOAT",
        "IN options JSON",
    ),
    run=score,
    least=5,
)
