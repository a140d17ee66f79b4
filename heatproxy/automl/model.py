"""A trained model: what it computes and what the catalog says of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.drift import Drift
from heatproxy.automl.features import FeatureSet
from heatproxy.automl.metrics import labels_of
from heatproxy.automl.search import Estimator
from heatproxy.automl.target import Labels
from heatproxy.automl.tasks import task_named
from heatproxy.automl.tasks.classification import rebalanced
from heatproxy.automl.tasks.contract import Task
from heatproxy.automl.tasks.metadata import FORMAT, TRAINING_PARAMS, float32


@dataclass(frozen=True, slots=True)
class Facts:
    """What the training noted down; goes into ``model_metadata``."""

    algorithm_name: str
    optimization_metric: str
    training_score: float | None  # in units of the metric, on rows held out
    training_time: float  # seconds
    n_rows: int
    n_selected_rows: int
    quality: str
    hyperparameters: dict[str, Any]
    options: dict[str, Any]
    notes: str | None

    @classmethod
    def of_a_file(
        cls, algorithm_name: str, metric: str, options: dict[str, Any]
    ) -> "Facts":
        """Of a model that was trained elsewhere: of its training nothing is known."""
        return cls(
            algorithm_name=algorithm_name,
            optimization_metric=metric,
            training_score=None,
            training_time=0.0,
            n_rows=0,
            n_selected_rows=0,
            quality="",
            hyperparameters={},
            options=options,
            notes=None,
        )


@dataclass(frozen=True, slots=True)
class Prediction:
    """Answers for n_rows rows.

    ``labels``: Arrow (n_rows,), classes in the target's own type, or doubles.
    ``probabilities``: (n_rows, n_classes) of a classification, else None.
    """

    labels: pa.Array
    probabilities: FloatArray | None


class Foreign(Protocol):
    """An estimator that was not trained here."""

    def predict(self, matrix: FloatArray, threads: int) -> FloatArray:
        """Shares (n_rows, n_classes), or numbers (n_rows,)."""
        ...


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that a prediction, a score or an explanation needs.

    ``balance`` (n_classes,) multiplies the estimator's probabilities. ``background``
    (at most 100 rows, width) are training rows that explanations compare with;
    ``output_span`` is the range of a regression's target. The value is never changed:
    ML_EXPLAIN makes another one.
    """

    task_name: str
    target: str
    features: FeatureSet
    labels: Labels | None
    estimator: Estimator | Foreign
    balance: tuple[float, ...]
    log_scale: bool
    output_span: float
    background: FloatArray
    drift: Drift
    facts: Facts
    explanation: Mapping[str, Any]
    prediction_explainer: str

    @property
    def task(self) -> Task:
        return task_named(self.task_name)

    @property
    def numeric_names(self) -> frozenset[str]:
        """Features that are numbers, in lower case: texts given for them are read."""
        return self.features.numeric_names

    def outputs(self, matrix: FloatArray, threads: int = 1) -> FloatArray:
        """Probabilities (n_rows, n_classes) or values (n_rows,), as clients see them.

        ``matrix`` is what ``features.encode`` makes of a table.
        """
        if not len(matrix):
            return np.zeros((0, len(self.labels)) if self.labels else 0)
        raw = self.estimator.predict(matrix, threads)
        if self.labels is not None:
            return rebalanced(raw, np.array(self.balance))
        return np.expm1(raw) if self.log_scale else raw

    def predict(self, table: pa.Table, threads: int = 1) -> Prediction:
        """Predict each row of a table that has the features; other columns are ignored.

        Raises:
            MySQLError: 3877 ML003011 a feature is missing, ML003015 a value that is
                not of the feature's kind.
        """
        return self.read(self.outputs(self.features.encode(table), threads))

    def read(self, outputs: FloatArray) -> Prediction:
        """The answers in what ``outputs`` computed."""
        if self.labels is None:
            return Prediction(pa.array(outputs, pa.float64()), None)
        return Prediction(self.labels.take(labels_of(outputs)), outputs)

    def metadata(
        self,
        *,
        build_timestamp: int,
        train_table_name: str,
        chunks: int = 1,
        status: str = "Ready",
    ) -> dict[str, Any]:
        """The ``model_metadata`` of the catalog; its floats are FLOATs widened.

        Source: HeatWave User Guide, "Model metadata", version 9.5.
        """
        facts = self.facts
        used = [feature.name for feature in self.features.used]
        return {
            "task": self.task_name,
            "notes": facts.notes,
            "chunks": chunks,
            "format": FORMAT,
            "n_rows": facts.n_rows,
            "status": status,
            "options": facts.options,
            "n_columns": len(self.features.columns),
            "column_names": list(self.features.columns),
            "contamination": None,
            "model_quality": facts.quality,
            "training_time": float32(facts.training_time),
            "algorithm_name": facts.algorithm_name,
            "training_score": float32(facts.training_score),
            "build_timestamp": build_timestamp,
            "hyperparameters": facts.hyperparameters,
            "n_selected_rows": facts.n_selected_rows,
            "training_params": dict(TRAINING_PARAMS),
            "train_table_name": train_table_name,
            "model_explanation": dict(self.explanation),
            "n_selected_columns": len(used),
            "target_column_name": self.target,
            "optimization_metric": facts.optimization_metric,
            "selected_column_names": sorted(used),
            "training_drift_metric": {
                "mean": round(self.drift.mean, 4),
                "variance": round(self.drift.variance, 4),
            },
        }
