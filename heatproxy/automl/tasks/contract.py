"""What a task of ML_TRAIN is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt
import pyarrow as pa

from heatproxy.automl.algorithms import Algorithm
from heatproxy.automl.columns import FloatArray
from heatproxy.automl.metrics import Metric
from heatproxy.automl.search import HeldOut
from heatproxy.automl.target import Labels


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
