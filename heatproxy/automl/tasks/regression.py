"""Regression: numbers in, numbers out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from heatproxy.automl import metrics as scores
from heatproxy.automl.algorithms import REGRESSORS, Algorithm
from heatproxy.automl.columns import FloatArray
from heatproxy.automl.metrics import Metric, invalid_data
from heatproxy.automl.problem import HeldOut
from heatproxy.automl.target import target_numbers
from heatproxy.automl.tasks.contract import Target

_OBJECTIVES = {
    "neg_mean_absolute_error": "regression_l1",
    "neg_median_absolute_error": "regression_l1",
}


@dataclass(frozen=True, slots=True)
class Regression:
    """The task ``regression``; see Task."""

    name: str = "regression"
    default_metric: str = "neg_mean_squared_error"
    algorithms: tuple[Algorithm, ...] = REGRESSORS

    @property
    def metrics(self) -> Mapping[str, Metric]:
        return scores.REGRESSION

    def target(self, column: pa.Array, name: str, metric: str) -> Target:
        """The numbers of a column; their logarithms when those are what is scored.

        Raises:
            MySQLError: 3877, NULLs (ML001053), not numeric, or a logarithmic metric
                with negative numbers (ML003019).
        """
        values = target_numbers(column, name)
        log_scale = metric == "neg_mean_squared_log_error"
        if log_scale:
            if values.min() < 0:
                raise invalid_data(metric)
            values = np.log1p(values)
        return Target(values, None, _OBJECTIVES.get(metric, "regression"), log_scale)

    def comparison(self, metric: str) -> Metric:
        """The metric; of logarithms where that is what is learned."""
        if metric == "neg_mean_squared_log_error":
            metric = "neg_mean_squared_error"
        return self.metrics[metric]

    def quality(self, held_out: HeldOut) -> str:
        """High when a tenth of the variance is explained."""
        truth = held_out.truth
        left = np.mean((truth - held_out.output) ** 2)
        return "high" if left < 0.9 * np.var(truth) else "low"

    def balance(self, target: Target, held_out: HeldOut, metric: str) -> FloatArray:
        """None: a regression has no classes."""
        return np.ones(0)


REGRESSION = Regression()
