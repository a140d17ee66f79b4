"""Anomaly detection: rows in, the chance that each is an anomaly out.

Source: HeatWave User Guide, "Anomaly detection", "ML_TRAIN", "ML_PREDICT_TABLE",
"ML_SCORE".
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from heatproxy.automl.anomaly import KINDS, Kind
from heatproxy.automl.anomaly.judge import Judge, Supervision, fit_judge
from heatproxy.automl.anomaly.labels import DECISION_SCORES, MIN_LABELS, labels_of
from heatproxy.automl.anomaly.model import AnomalyModel
from heatproxy.automl.anomaly.space import Space
from heatproxy.automl.columns import FloatArray
from heatproxy.automl.drift import Drift
from heatproxy.automl.features import all_dropped, find_column, fit_features
from heatproxy.automl.tasks.choice import (
    COLUMN_LISTS,
    MODEL_LISTS,
    column_of,
    feature_columns,
    models_left,
)
from heatproxy.automl.tasks.contract import (
    BATCH_SIZE,
    Arrays,
    Coded,
    OfTables,
    Order,
    Progress,
)
from heatproxy.automl.tasks.metadata import SpecialFacts, float32
from heatproxy.errors import ml_error, no_target
from heatproxy.options import (
    Constraint,
    Flag,
    Nested,
    Number,
    OneOf,
    Options,
)

CONTAMINATION = 0.01
SUBMODEL = "DistanceWeightedKNNClassifier"


@dataclass(frozen=True, slots=True)
class Experimental:
    """``{"semisupervised": {...}}``, or that word alone."""

    options: Options
    default: None = None

    def convert(self, value: Any) -> dict[str, Any]:
        if value == "semisupervised":
            value = {"semisupervised": {}}
        nested = Options(semisupervised=Nested(self.options))
        return Nested(nested).convert(value)

    def describe(self) -> str:
        return 'a JSON object with the key semisupervised, or "semisupervised"'


EXPERIMENTAL = Experimental(
    Options(
        supervised_submodel_options=Nested(
            Options(
                n_neighbors=Number(1, whole=True, default=5),
                min_labels=Number(1, whole=True, default=MIN_LABELS),
            )
        ),
        ensemble_score=OneOf(tuple(DECISION_SCORES), default="f1"),
    )
)
CONTAMINATION_OPTION = Coded(
    Number(0, 0.5, inclusive=False),
    "ML003071",
    "contamination must be numeric value greater than 0 and less than 0.5.",
)
LIMITS: Mapping[str, Constraint] = {
    "threshold": Coded(
        Number(0, 1),
        "ML003074",
        "threshold must be a numeric value between 0 and 1, inclusively "
        "(0 <= threshold <= 1).",
    ),
    "topk": OfTables(
        Coded(
            Number(1, whole=True),
            "ML003073",
            "topk must be an integer value between 1 and length of the table, "
            "inclusively (1 <= topk).",
        )
    ),
    "supervised_submodel_weight": Number(0, 1, inclusive=False),
}
TRAINING_PARAMS = {"lsa_components": 0}


@dataclass(frozen=True, slots=True)
class AnomalyDetection:
    """The task ``anomaly_detection``; see Specialist."""

    name: str = "anomaly_detection"
    by_row: bool = True

    @property
    def train_options(self) -> Options:
        return Options(
            contamination=CONTAMINATION_OPTION,
            experimental=EXPERIMENTAL,
            **MODEL_LISTS,
            **COLUMN_LISTS,
        )

    @property
    def predict_options(self) -> Options:
        return Options(
            **LIMITS,
            additional_details=Flag(default=False),
            batch_size=BATCH_SIZE,
        )

    @property
    def score_options(self) -> Options:
        return Options(**LIMITS)

    def check(self, target: str | None, order: Order) -> None:
        """Refuse a target that is not wanted, or one that is not given.

        Raises:
            MySQLError: 3877 ML006006, ML006016; a model that there is not, ML003047.
        """
        check_target(target, order)
        kind_of(order)

    def train(
        self,
        table: pa.Table,
        target: str | None,
        order: Order,
        progress: Progress,
        threads: int,
    ) -> AnomalyModel:
        """Fit a detector to all columns but the labels'.

        Raises:
            MySQLError: 3877 ML001051/52 rows or columns that are empty, ML003039 a
                column that is not there, labels that are none or too few.
        """
        started = time.monotonic()
        progress(0.0, "reading the columns")
        kind = kind_of(order)
        labels = [target] if target is not None else []
        columns = feature_columns(table, order.values, labels)
        if table.num_rows == 0:
            raise all_dropped()
        supervision = supervision_of(table, target, order)
        features = fit_features(
            table, columns, order.values["include_column_list"] or ()
        )
        matrix = features.encode(table)
        drift = Drift.fit(matrix, features.categorical)
        space = Space.fit(matrix, drift)
        progress(0.2, f"fitting {kind.name}")
        contamination = order.values["contamination"] or CONTAMINATION
        judge = fit_judge(
            kind, space.points(matrix), contamination, supervision, threads
        )
        used = tuple(feature.name for feature in features.used)
        facts = SpecialFacts(
            task=self.name,
            algorithm_name=kind.shown,
            options=shown_options(order, judge),
            notes=order.notes,
            n_rows=table.num_rows,
            n_selected_rows=table.num_rows,
            columns=features.columns,
            used=used,
            target=spelled(table, target),
            training_time=time.monotonic() - started,
            contamination=float(contamination),
            hyperparameters=judge.detector.settings,
            training_params=training_params(contamination, judge),
            drift={
                "mean": round(drift.mean, 4),
                "variance": round(drift.variance, 4),
            },
        )
        progress(1.0, "done")
        return AnomalyModel(features, drift, space, judge, facts)

    def restore(self, state: Mapping[str, Any], arrays: Arrays) -> AnomalyModel:
        return AnomalyModel.restore(state, arrays)


def is_semisupervised(order: Order) -> bool:
    experimental = order.values["experimental"]
    return experimental is not None and experimental["semisupervised"] is not None


def check_target(target: str | None, order: Order) -> None:
    """Raises: MySQLError 3877 ML006006 or ML006016."""
    if not is_semisupervised(order) and target is not None:
        raise ml_error("ML006006", "target_column_name should be NULL or empty string.")
    if is_semisupervised(order) and target is None:
        raise no_target()


def kind_of(order: Order) -> Kind:
    """The detector that the lists of a call leave. Raises: MySQLError 3877."""
    left = models_left(order.task, [kind.name for kind in KINDS], order.values)
    return next(kind for kind in KINDS if kind.name == left[0])


def supervision_of(
    table: pa.Table,
    target: str | None,
    order: Order,
    of_points: Callable[[FloatArray], FloatArray] = np.asarray,
) -> Supervision | None:
    """What a semi-supervised model learns from; ``of_points`` makes labels of points
    from those of rows. Raises: MySQLError 3877."""
    if target is None or not is_semisupervised(order):
        return None
    asked = order.values["experimental"]["semisupervised"]
    submodel = asked["supervised_submodel_options"] or {}
    return Supervision(
        of_points(labels_of(column_of(table, target), target)),
        int(submodel.get("n_neighbors", 5)),
        int(submodel.get("min_labels", MIN_LABELS)),
        asked["ensemble_score"],
    )


def spelled(table: pa.Table, target: str | None) -> str | None:
    """The target's name as the table spells it."""
    place = None if target is None else find_column(table.column_names, target)
    return target if place is None else str(table.column_names[place])


def shown_options(order: Order, judge: Judge) -> dict[str, Any]:
    """The options of the call, those of semi-supervision with what was found."""
    shown = order.shown()
    if judge.labelled is None:
        return shown
    asked = order.values["experimental"]["semisupervised"]
    submodel = asked["supervised_submodel_options"] or {"min_labels": MIN_LABELS}
    shown["experimental"] = {
        "semisupervised": {
            "ensemble_score": asked["ensemble_score"],
            "ensemble_algorithm": "weighted_sum",
            "supervised_submodel_class": SUBMODEL,
            "supervised_submodel_weight": judge.weight,
            "supervised_submodel_options": submodel,
        }
    }
    return shown


def training_params(contamination: float, judge: Judge) -> dict[str, Any]:
    """What ``model_metadata.training_params`` has besides what all tasks have."""
    return TRAINING_PARAMS | {
        "contamination": float32(contamination),
        "semisupervised": judge.labelled is not None,
        "anomaly_detection_threshold": float32(judge.threshold),
    }


ANOMALY_DETECTION = AnomalyDetection()
