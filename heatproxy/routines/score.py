"""ML_SCORE: how good a model is on a table with known answers.

Source: HeatWave User Guide, "ML_SCORE".
"""

from collections.abc import Mapping
from typing import Any

from heatproxy.automl.model import Model
from heatproxy.automl.tasks import specialist_named
from heatproxy.automl.tasks.contract import SpecialModel
from heatproxy.automl.work import score_job
from heatproxy.errors import ml_error, not_supported
from heatproxy.options import BadOption, Options
from heatproxy.routines.arguments import option_object, table_name
from heatproxy.routines.described import with_tables
from heatproxy.routines.models import open_model
from heatproxy.routines.routine import Outcome, Procedure, needs
from heatproxy.session import Session

# Options of other tasks: harmless when they are not used.
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
    loaded = await open_model(session, model_handle)
    checked = score_options(loaded.model, options)
    schema, name = await table_name(session, table, "table_name")
    if not metric:
        raise ml_error("ML003022", "metric cannot be Null or empty.")
    rows = await session.read_table(schema, name)
    checked = await with_tables(session, checked)
    value = await session.in_worker(
        score_job, loaded.data, rows, target or None, metric, checked, session.threads
    )
    return Outcome(out=(f"{value!r}e0" if "e" not in repr(value) else repr(value),))


def score_options(model: Model | SpecialModel, text: str | None) -> Mapping[str, Any]:
    """The options of a call that scores this model.

    Raises:
        MySQLError: 1235, an option of another task; 3877, an option that no task has
            or a wrong value.
    """
    given = option_object(text, "ML_SCORE")
    specialist = specialist_named(model.task_name)
    options = Options() if specialist is None else specialist.score_options
    for key in set(given) - set(options.declared):
        if key not in _OF_OTHER_TASKS:
            raise ml_error("ML003022", f"ML_SCORE: unknown option '{key}'.")
        if given.pop(key) is not None:
            raise not_supported(f"ML_SCORE option {key} for this task")
    try:
        return options.check(given)
    except BadOption as problem:
        raise ml_error("ML006005", f"ML_SCORE: {problem}.") from None


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
