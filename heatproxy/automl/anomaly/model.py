"""A trained detector of anomalies: chances, decisions, scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from heatproxy.automl import columns
from heatproxy.automl.anomaly.judge import Judge, judge_from, judge_state
from heatproxy.automl.anomaly.labels import (
    METRICS,
    labels_of,
    score_of,
)
from heatproxy.automl.anomaly.space import Space
from heatproxy.automl.columns import FloatArray
from heatproxy.automl.drift import Drift
from heatproxy.automl.drift_text import drift_text
from heatproxy.automl.features import FeatureSet
from heatproxy.automl.json_columns import fixed, joined
from heatproxy.automl.metrics import metric_named
from heatproxy.automl.tasks.choice import column_of
from heatproxy.automl.tasks.contract import Answers, Arrays
from heatproxy.automl.tasks.metadata import SpecialFacts, Told
from heatproxy.errors import MySQLError, ml_error, no_target, secondary_engine

CodeArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class AnomalyModel(Told):
    """See SpecialModel."""

    features: FeatureSet
    drift: Drift
    space: Space
    judge: Judge
    facts: SpecialFacts

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        judge, arrays = judge_state(self.judge)
        state = {
            "facts": self.facts.state(),
            "columns": self.features.columns,
            "used": [columns.to_state(feature) for feature in self.features.used],
            "drift": self.drift.state(),
            "space": self.space.state(),
            "judge": judge,
        }
        return state, arrays

    @classmethod
    def restore(cls, state: Mapping[str, Any], arrays: Arrays) -> "AnomalyModel":
        """Any exception means that it cannot be read."""
        used = tuple(columns.from_state(feature) for feature in state["used"])
        features = FeatureSet(tuple(state["columns"]), used)
        space = Space.from_state(state["space"], features.width)
        return cls(
            features,
            Drift.from_state(state["drift"]),
            space,
            judge_from(state["judge"], arrays, space.dimensions),
            SpecialFacts.from_state(state["facts"]),
        )

    def predict(
        self, table: pa.Table, options: Mapping[str, Any], threads: int = 1
    ) -> Answers:
        """``is_anomaly`` and the chances of each row.

        Raises:
            MySQLError: 3877 ML003011, ML003015 the columns; ML003073 topk, and what
                else is wrong with the options.
        """
        matrix = self.features.encode(table)
        chances = self.judge.chances(
            self.space.points(matrix), weight_of(self.judge, options), threads
        )
        decisions = decided(self.judge, chances, options)
        drift = None
        if options.get("additional_details"):
            drift = drift_text(self.features, self.drift, matrix)
        text = joined(["{", *anomaly_parts(chances, decisions, drift), "}"])
        return Answers(pa.table({"ml_results": text}))

    def score(
        self,
        table: pa.Table,
        target: str | None,
        metric: str,
        options: Mapping[str, Any],
        threads: int = 1,
    ) -> float:
        """See ``scored``."""
        name = metric_for(self.task_name, metric, target, options)
        truth = labels_of(column_of(table, target or ""), target or "")
        chances = self.judge.chances(
            self.space.points(self.features.encode(table)),
            weight_of(self.judge, options),
            threads,
        )
        return scored(name, self.judge, truth, chances, options)


def metric_for(
    task: str, metric: str, target: str | None, options: Mapping[str, Any]
) -> str:
    """The metric's own spelling, when its options are those that it can have.

    Raises:
        MySQLError: 3877 ML003020 no such metric, ML006016 no column of labels,
            ML003022 options that do not go with it.
    """
    name = metric_named({known: max for known in METRICS}, metric, task)
    if target is None:
        raise no_target()
    has_threshold = options["threshold"] is not None
    has_topk = options["topk"] is not None
    if name == "precision_k" and (has_threshold or not has_topk):
        raise ml_error(
            "ML003022", "The metric precision_k needs topk and takes no threshold."
        )
    if name == "roc_auc" and (has_threshold or has_topk):
        raise ml_error("ML003022", "The metric roc_auc takes no threshold or topk.")
    if name not in ("precision_k", "roc_auc") and has_topk:
        raise ml_error("ML003022", f"The metric {name} takes no topk.")
    return name


def scored(
    name: str,
    judge: Judge,
    truth: FloatArray,
    chances: FloatArray,
    options: Mapping[str, Any],
) -> float:
    """One score, as a FLOAT widened. Raises: MySQLError 3877 ML003019, ML003073."""
    decisions = decided(judge, chances, options)
    return float(np.float32(score_of(name, truth, chances, decisions)))


def decided(judge: Judge, chances: FloatArray, options: Mapping[str, Any]) -> CodeArray:
    """1 for anomalies (n_rows,): by topk, threshold, or that of the training.

    Raises:
        MySQLError: 3877 ML003073, more than there are rows; topk with threshold.
    """
    topk, threshold = options.get("topk"), options.get("threshold")
    if topk is not None and threshold is not None:
        raise secondary_engine("topk and threshold cannot be given together.")
    if topk is None:
        limit = judge.threshold if threshold is None else float(threshold)
        return np.asarray(chances > limit, np.int64)
    if not 1 <= topk <= len(chances):
        raise wrong_topk(len(chances))
    found = np.zeros(len(chances), np.int64)
    found[np.argsort(-chances, kind="stable")[: int(topk)]] = 1
    return found


def wrong_topk(most: int) -> MySQLError:
    return ml_error(
        "ML003073",
        "topk must be an integer value between 1 and length of the table, inclusively "
        f"(1 <= topk <= {most}).",
    )


def weight_of(judge: Judge, options: Mapping[str, Any]) -> float | None:
    """The weight that a call asks for. Raises: MySQLError 3877, there is none."""
    weight = options.get("supervised_submodel_weight")
    if weight is not None and judge.labelled is None:
        raise secondary_engine(
            "supervised_submodel_weight is only for semi-supervised models."
        )
    return None if weight is None else float(weight)


def anomaly_parts(
    chances: FloatArray, decisions: CodeArray, drift: pa.Array | None = None
) -> list[Any]:
    """``"predictions": {...}, "probabilities": {...}`` without braces around."""
    words = pa.array(["0", "1"])
    parts: list[Any] = [
        '"predictions": {"is_anomaly": ',
        words.take(pa.array(decisions)),
        '}, "probabilities": {"normal": ',
        fixed(1.0 - np.round(chances, 4), 4),
        ', "anomaly": ',
        fixed(chances, 4),
        "}",
    ]
    return parts if drift is None else [*parts, ', "drift": ', drift]
