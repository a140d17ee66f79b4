"""The options of ML_TRAIN, read for the task that they name."""

from collections.abc import Mapping
from typing import Any

from heatproxy.automl.tasks import specialist_named
from heatproxy.automl.tasks.contract import Order
from heatproxy.automl.training import TrainOptions
from heatproxy.errors import secondary_engine
from heatproxy.options import BadOption


def parse_options(given: Mapping[str, Any] | None) -> TrainOptions | Order:
    """What a call asks for.

    Raises:
        MySQLError: 3877 ML001016 no such task, an option that the task has not, or a
            value that an option refuses; 1235 an option of another task.
    """
    given = dict(given or {})
    task = given.get("task")
    specialist = specialist_named(task) if isinstance(task, str) else None
    if specialist is None:
        return TrainOptions.parse(given)
    own = {key: value for key, value in given.items() if key not in ("task", "notes")}
    notes = given.get("notes")
    if notes is not None and not isinstance(notes, str):
        raise secondary_engine(
            f"ML_TRAIN: option 'notes' must be a string, not {notes!r}"
        )
    try:
        values = specialist.train_options.check(own)
    except BadOption as problem:
        raise secondary_engine(f"ML_TRAIN: {problem}") from None
    return Order(specialist.name, values, given, notes)
