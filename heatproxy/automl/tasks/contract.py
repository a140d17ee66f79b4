"""What a task of ML_TRAIN is.

A ``Task`` has one answer a row to learn, a class or a number; all of those share one
pipeline and one kind of model. A ``Specialist`` trains and answers by rules of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt
import pyarrow as pa

from heatproxy.automl.algorithms import Algorithm
from heatproxy.automl.columns import FloatArray
from heatproxy.automl.metrics import Metric
from heatproxy.automl.problem import HeldOut
from heatproxy.automl.target import Labels
from heatproxy.errors import ml_error
from heatproxy.options import BadOption, Constraint, Options, Text

Arrays = Mapping[str, npt.NDArray[Any]]
Progress = Callable[[float, str], None]  # a fraction of 1, and a stage

BATCH_SIZE: Constraint = Text()  # deprecated since 9.4.1: taken and ignored


@dataclass(frozen=True, slots=True)
class Target:
    """A target ready to be learned: ``values`` (n_rows,), codes or numbers."""

    values: npt.NDArray[Any]
    labels: Labels | None  # None: the values are numbers
    objective: str  # LightGBM's word
    log_scale: bool = False  # the values are log(1 + x) of what the table holds

    @property
    def n_classes(self) -> int:
        return 0 if self.labels is None else len(self.labels)


class Task(Protocol):
    """One value of the option ``task``."""

    @property
    def name(self) -> str: ...

    @property
    def metrics(self) -> Mapping[str, Metric]: ...

    @property
    def default_metric(self) -> str: ...

    @property
    def algorithms(self) -> tuple[Algorithm, ...]: ...

    def target(self, column: pa.Array, name: str, metric: str) -> Target:
        """Check a training column. Raises: MySQLError 3877."""
        ...

    def comparison(self, metric: str) -> Metric:
        """The score by which algorithms and settings are compared."""
        ...

    def quality(self, held_out: HeldOut) -> str:
        """``high`` or ``low``: is the model better than a constant one?"""
        ...

    def balance(self, target: Target, held_out: HeldOut, metric: str) -> FloatArray:
        """Factors by which to multiply probabilities (n_classes,)."""
        ...


@dataclass(frozen=True, slots=True)
class Coded:
    """A constraint whose refusal is an error that the reference has a code for."""

    constraint: Constraint
    code: str
    text: str

    @property
    def default(self) -> Any:
        return self.constraint.default

    def convert(self, value: Any) -> Any:
        """Raises: MySQLError 3877."""
        try:
            return self.constraint.convert(value)
        except BadOption:
            raise ml_error(self.code, self.text) from None

    def describe(self) -> str:
        return self.constraint.describe()


@dataclass(frozen=True, slots=True)
class OfTables:
    """A constraint of an option that makes no sense for single rows."""

    constraint: Constraint

    @property
    def default(self) -> Any:
        return self.constraint.default

    def convert(self, value: Any) -> Any:
        return self.constraint.convert(value)

    def describe(self) -> str:
        return self.constraint.describe()


@dataclass(frozen=True, slots=True)
class Order:
    """What a call of ML_TRAIN asks of a specialist, its options checked.

    ``values`` has every option that the specialist declares; ``given`` only those of
    the call, as they came.
    """

    task: str
    values: Mapping[str, Any]
    given: Mapping[str, Any]
    notes: str | None = None

    def shown(self) -> dict[str, Any]:
        """What ``model_metadata.options`` holds."""
        told = {key: value for key, value in self.given.items() if value is not None}
        return told | {"task": self.task}


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model says of a table: columns to add to it, ``ml_results`` among them.

    ``added`` is Arrow (n_rows, n_added). With ``own_rows`` its rows are not those of
    the table, and stand alone; the first column is their key.
    """

    added: pa.Table
    own_rows: bool = False


class SpecialModel(Protocol):
    """What a specialist trains."""

    @property
    def task_name(self) -> str: ...

    def metadata(
        self,
        *,
        build_timestamp: int,
        train_table_name: str,
        chunks: int = 1,
        status: str = "Ready",
    ) -> dict[str, Any]:
        """The ``model_metadata`` of the catalog."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Everything, as JSON values and arrays; ``Specialist.restore`` reads it."""
        ...

    def predict(
        self, table: pa.Table, options: Mapping[str, Any], threads: int = 1
    ) -> Answers:
        """Answer a table. Raises: MySQLError 3877."""
        ...

    def score(
        self,
        table: pa.Table,
        target: str | None,
        metric: str,
        options: Mapping[str, Any],
        threads: int = 1,
    ) -> float:
        """One score, a FLOAT widened to double. Raises: MySQLError 3877."""
        ...


class Specialist(Protocol):
    """One value of the option ``task``, with a way of its own."""

    @property
    def name(self) -> str: ...

    @property
    def train_options(self) -> Options:
        """What ML_TRAIN takes besides ``task`` and ``notes``."""
        ...

    @property
    def predict_options(self) -> Options: ...

    @property
    def score_options(self) -> Options: ...

    @property
    def by_row(self) -> bool:
        """Whether ML_PREDICT_ROW can answer."""
        ...

    def check(self, target: str | None, order: Order) -> None:
        """Refuse what can be refused before a row is read. Raises: MySQLError 3877."""
        ...

    def train(
        self,
        table: pa.Table,
        target: str | None,
        order: Order,
        progress: Progress,
        threads: int,
    ) -> SpecialModel:
        """Learn; raising from ``progress`` ends it. Raises: MySQLError 3877."""
        ...

    def restore(self, state: Mapping[str, Any], arrays: Arrays) -> SpecialModel:
        """The model of a state. Whatever it raises means that it cannot be read."""
        ...
