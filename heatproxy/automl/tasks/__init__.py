"""The tasks of ML_TRAIN: what each asks of a target and how its outputs are read.

A task is one value in ``TASKS`` or, with a way of its own, in ``SPECIALISTS``.
"""

from heatproxy.automl.tasks.anomaly_detection import ANOMALY_DETECTION
from heatproxy.automl.tasks.classification import CLASSIFICATION
from heatproxy.automl.tasks.clustering import CLUSTERING
from heatproxy.automl.tasks.contract import Specialist, Task
from heatproxy.automl.tasks.forecasting import FORECASTING
from heatproxy.automl.tasks.log_anomaly_detection import LOG_ANOMALY_DETECTION
from heatproxy.automl.tasks.recommendation import RECOMMENDATION
from heatproxy.automl.tasks.regression import REGRESSION
from heatproxy.automl.tasks.topics import TOPIC_MODELING
from heatproxy.errors import ml_error

TASKS: tuple[Task, ...] = (CLASSIFICATION, REGRESSION)
SPECIALISTS: tuple[Specialist, ...] = (
    FORECASTING,
    ANOMALY_DETECTION,
    LOG_ANOMALY_DETECTION,
    TOPIC_MODELING,
    RECOMMENDATION,
    CLUSTERING,
)


def task_named(name: str) -> Task:
    """The task of a name, whatever its letter case.

    Raises:
        MySQLError: 3877 ML001016, there is none that learns one answer a row.
    """
    wanted = name.strip().lower()
    for task in TASKS:
        if task.name == wanted:
            return task
    raise ml_error(
        "ML001016",
        "Only classification, regression, and forecasting tasks are supported.",
    )


def specialist_named(name: str) -> Specialist | None:
    """The specialist of a name, whatever its letter case, or None."""
    wanted = name.strip().lower()
    for specialist in SPECIALISTS:
        if specialist.name == wanted:
            return specialist
    return None
