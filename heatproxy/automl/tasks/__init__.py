"""The tasks of ML_TRAIN: what each asks of a target and how its outputs are read.

A task is one value in ``TASKS``. The reference has more of them; those are named in
``NOT_YET`` so that they can be refused by name.
"""

from heatproxy.automl.tasks.classification import CLASSIFICATION
from heatproxy.automl.tasks.contract import Task
from heatproxy.automl.tasks.regression import REGRESSION
from heatproxy.errors import ml_error, not_supported

TASKS: tuple[Task, ...] = (CLASSIFICATION, REGRESSION)
NOT_YET = (
    "forecasting",
    "anomaly_detection",
    "log_anomaly_detection",
    "recommendation",
    "topic_modeling",
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
    if wanted in NOT_YET:
        raise not_supported(f"task {wanted}")
    raise ml_error(
        "ML001016",
        "Only classification, regression, and forecasting tasks are supported.",
    )
