"""ML_TRAIN: fit a model to a table and keep it in the caller's model catalog.

Source: HeatWave User Guide, "ML_TRAIN".
"""

import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow as pa

from heatproxy.automl.catalog import Catalog
from heatproxy.automl.orders import parse_options
from heatproxy.automl.tasks import specialist_named
from heatproxy.automl.tasks.contract import Order
from heatproxy.automl.training import Limits, TrainOptions
from heatproxy.automl.work import train_job
from heatproxy.datatypes import quote_text
from heatproxy.errors import MySQLError, ml_error, no_target
from heatproxy.routines.arguments import option_object, table_name
from heatproxy.routines.described import with_tables
from heatproxy.routines.routine import Outcome, Procedure, needs
from heatproxy.session import Session

# Ends that leave a row saying so, as HeatWave does: killed, timed out, failed inside,
# or on data that nothing can be learned from. A wrong argument leaves none.
LEAVES_A_ROW = (1317, 3024, 1105)
UNFIT = "ML001"


async def train(
    session: Session,
    table: str | None,
    target: str | None,
    options: str | None,
    model_handle: str | None,
) -> Outcome:
    """Fit the best model and return its handle.

    The rows are read on the caller's own connection, so MySQL itself refuses a
    table the caller may not read. Fitting runs in a process of its own.

    Raises:
        MySQLError: 1142 or 1146, from MySQL; 1347, a view; 3877, wrong arguments or
            data that nothing can be learned from; 1317, killed.
    """
    user = await session.user()
    catalog = Catalog(session.backend, user, session.generation)
    schema, name = await table_name(session, table, "table_name")
    checked = parse_options(option_object(options, "ML_TRAIN"))
    target = target or None
    _check_target(target, checked)
    handle = model_handle or session.generation.handle(
        f"{schema}.{name}", user, time.time()
    )
    if await catalog.find(handle) is not None:
        raise ml_error(
            "ML006017", f"model_handle {handle} already exists in the Model_Catalog."
        )
    read = partial(session.read_table, schema, name)
    try:
        await learn(session, catalog, handle, read, target, checked, f"{schema}.{name}")
    except MySQLError as problem:
        if problem.message.startswith(UNFIT):
            failed = _failed(checked, target, f"{schema}.{name}", problem)
            await catalog.save(handle, failed)
        raise
    return Outcome(out=(quote_text(handle),))


async def learn(
    session: Session,
    catalog: Catalog,
    handle: str,
    read: Callable[[], Awaitable[pa.Table]],
    target: str | None,
    options: TrainOptions | Order,
    table: str,
    said: Mapping[str, Any] | None = None,
    most_s: float | None = None,
) -> None:
    """Fit a model to the rows that ``read`` gives, and keep it under a new handle.

    ``table`` names where the rows are from; ``said`` joins what the catalog says.

    Raises:
        MySQLError: see train.
        TimeoutError: the fitting took longer than ``most_s`` seconds.
    """
    if session.operation is not None:
        session.operation.handle = handle
    try:
        rows = await read()
        if session.operation is not None:
            session.operation.left_out(rows, _excluded(options))
        if isinstance(options, Order):
            values = await with_tables(session, options.values)
            options = replace(options, values=values)
        await catalog.ensure()
        model, metadata = await session.in_training(
            *(train_job, rows, target, _limited(session, options), table),
            session.threads,
            most_s=most_s,
        )
        built = {"build_timestamp": int(time.time())}
        await catalog.save(handle, {**metadata, **built, **(said or {})}, model)
    except MySQLError as problem:
        if problem.number in LEAVES_A_ROW:
            failed = _failed(options, target, table, problem)
            await catalog.ensure()
            await catalog.save(handle, {**failed, **(said or {})})
        raise


def _excluded(options: TrainOptions | Order) -> Sequence[str]:
    """The columns that the caller does not want to be learned from."""
    if isinstance(options, TrainOptions):
        return options.exclude_column_list
    return options.values.get("exclude_column_list") or ()


def _limited(session: Session, options: TrainOptions | Order) -> TrainOptions | Order:
    """The options with what heatproxy's settings leave to a training."""
    settings = session.house.config.automl
    seconds = settings.time_budget_s or math.inf
    limits = Limits(seconds, settings.memory_limit or math.inf)
    if isinstance(options, TrainOptions):
        return replace(options, limits=limits)
    return options


def _check_target(target: str | None, options: TrainOptions | Order) -> None:
    specialist = specialist_named(options.task)
    if specialist is not None and isinstance(options, Order):
        specialist.check(target, options)
    elif target is None:
        raise no_target()


def _failed(
    options: TrainOptions | Order, target: str | None, table: str, problem: MySQLError
) -> dict[str, Any]:
    return {
        "task": options.task,
        "notes": problem.message,
        "status": "Error",
        "options": options.shown(),
        "target_column_name": target,
        "train_table_name": table,
        "build_timestamp": int(time.time()),
    }


ML_TRAIN = Procedure(
    "ML_TRAIN",
    needs(
        "IN table_name VARCHAR(255)",
        "IN target_column_name VARCHAR(64)",
        "IN options JSON",
        "INOUT model_handle VARCHAR(255)",
    ),
    run=train,
)
