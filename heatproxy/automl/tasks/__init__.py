"""The tasks of ML_TRAIN: what each asks of a target and how its outputs are read.

A task is one value in ``TASKS`` or, with a way of its own, in ``SPECIALISTS``. The
reference has more of them; those are named in ``NOT_YET`` so that they can be refused
by name.
"""

from heatproxy.automl.tasks.anomaly_detection import ANOMALY_DETECTION
from heatproxy.automl.tasks.classification import CLASSIFICATION
from heatproxy.automl.tasks.contract import Specialist, Task
from heatproxy.automl.tasks.forecasting import FORECASTING
from heatproxy.automl.tasks.log_anomaly_detection import LOG_ANOMALY_DETECTION
from heatproxy.automl.tasks.recommendation import RECOMMENDATION
from heatproxy.automl.tasks.regression import REGRESSION
from heatproxy.automl.tasks.topics import TOPIC_MODELING
from heatproxy.errors import MySQLError, ml_error, not_supported

TASKS: tuple[Task, ...] = (CLASSIFICATION, REGRESSION)
SPECIALISTS: tuple[Specialist, ...] = (
    FORECASTING,
    ANOMALY_DETECTION,
    LOG_ANOMALY_DETECTION,
    TOPIC_MODELING,
    RECOMMENDATION,
)
_OF_THE_REFERENCE = (
    "forecasting",
    "anomaly_detection",
    "log_anomaly_detection",
    "recommendation",
    "topic_modeling",
)
NOT_YET = tuple(
    name
    for name in _OF_THE_REFERENCE
    if name not in {specialist.name for specialist in SPECIALISTS}
)


def task_named(name: str) -> Task:
    """The task of a name, whatever its letter case.

    Raises:
        MySQLError: 1235 one of the reference's other tasks, 3877 ML001016 no task.
    """
    wanted = name.strip().lower()
    for task in TASKS:
        if task.name == wanted:
            return task
    raise _no_task(wanted)


def specialist_named(name: str) -> Specialist | None:
    """The specialist of a name, whatever its letter case, or None."""
    wanted = name.strip().lower()
    for specialist in SPECIALISTS:
        if specialist.name == wanted:
            return specialist
    return None


def _no_task(wanted: str) -> MySQLError:
    if wanted in NOT_YET:
        return not_supported(f"task {wanted}")
    return ml_error(
        "ML001016",
        "Only classification, regression, and forecasting tasks are supported.",
    )
