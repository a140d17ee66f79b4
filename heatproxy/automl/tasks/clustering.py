"""Clustering by K-means: rows in, and out which cluster each is nearest to.

HeatWave has no such task. It is what CREATE MODEL ... MODEL_TYPE KMEANS trains, and
takes the options of ML_TRAIN that other tasks without a target take.

Source: Lloyd, "Least squares quantization in PCM"; Arthur and Vassilvitskii,
"k-means++: The Advantages of Careful Seeding".
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_argmin, silhouette_score
from threadpoolctl import threadpool_limits

from heatproxy.automl import columns
from heatproxy.automl.anomaly.space import Space
from heatproxy.automl.columns import FloatArray
from heatproxy.automl.drift import Drift
from heatproxy.automl.features import FeatureSet, all_dropped, fit_features
from heatproxy.automl.json_columns import joined
from heatproxy.automl.metrics import metric_named
from heatproxy.automl.tasks.choice import COLUMN_LISTS, feature_columns
from heatproxy.automl.tasks.contract import BATCH_SIZE, Answers, Arrays, Order, Progress
from heatproxy.automl.tasks.metadata import SpecialFacts, Told
from heatproxy.errors import ml_error, secondary_engine
from heatproxy.options import Number, Options

ALGORITHM, METRIC = "KMeans", "silhouette"
SEED, STARTS = 20, 10
SCORED_ROWS = 2000  # a score compares each row with each other


@dataclass(frozen=True, slots=True)
class ClusterModel(Told):
    """The centres (n_clusters, dimensions) of the clusters, the largest first."""

    features: FeatureSet
    space: Space
    centres: FloatArray
    facts: SpecialFacts

    def clusters(self, points: FloatArray) -> npt.NDArray[np.int64]:
        """The nearest centre of each of the points (n_rows, dimensions)."""
        if not len(points):
            return np.zeros(0, np.int64)
        nearest = pairwise_distances_argmin(points, self.centres)
        return np.asarray(nearest, np.int64)

    def predict(
        self, table: pa.Table, options: Mapping[str, Any], threads: int = 1
    ) -> Answers:
        """``Prediction`` and ``{"predictions": {"cluster": 2}}`` of each row.

        Raises:
            MySQLError: 3877 ML003011, ML003015 the columns.
        """
        with threadpool_limits(threads):
            found = self.clusters(self.space.points(self.features.encode(table)))
        numbers = pa.array(found)
        text = joined(['{"predictions": {"cluster": ', numbers.cast(pa.string()), "}}"])
        return Answers(pa.table({"Prediction": numbers, "ml_results": text}))

    def score(
        self,
        table: pa.Table,
        target: str | None,
        metric: str,
        options: Mapping[str, Any],
        threads: int = 1,
    ) -> float:
        """The silhouette, as a FLOAT widened.

        Raises:
            MySQLError: 3877 ML003020 another metric, ML003019 fewer than two clusters.
        """
        metric_named({METRIC: max}, metric, self.task_name)
        points = self.space.points(self.features.encode(table))
        with threadpool_limits(threads):
            value = _silhouette(points, self.clusters(points))
        if value is None:
            raise ml_error(
                "ML003019",
                f"Invalid data for the metric ({metric}). Score could not be computed.",
            )
        return float(np.float32(value))

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """See SpecialModel."""
        state = {
            "columns": self.features.columns,
            "used": [columns.to_state(feature) for feature in self.features.used],
            "space": self.space.state(),
            "facts": self.facts.state(),
        }
        return state, {"centres": self.centres}


@dataclass(frozen=True, slots=True)
class Clustering:
    """The task ``clustering``; see Specialist."""

    name: str = "clustering"
    by_row: bool = True

    @property
    def train_options(self) -> Options:
        return Options(n_clusters=Number(2, whole=True), **COLUMN_LISTS)

    @property
    def predict_options(self) -> Options:
        return Options(batch_size=BATCH_SIZE)

    @property
    def score_options(self) -> Options:
        return Options()

    def check(self, target: str | None, order: Order) -> None:
        """Raises: MySQLError 3877, no n_clusters; ML006006, a target."""
        if target:
            raise ml_error(
                "ML006006", "target_column_name should be NULL or empty string."
            )
        if order.values["n_clusters"] is None:
            raise secondary_engine("ML_TRAIN: n_clusters must be given for clustering.")

    def train(
        self,
        table: pa.Table,
        target: str | None,
        order: Order,
        progress: Progress,
        threads: int,
    ) -> ClusterModel:
        """Find the centres.

        Raises:
            MySQLError: those of check; 3877 ML001051/52 rows or columns that are empty,
                ML003039 a column that is not there, more clusters than rows.
        """
        started = time.monotonic()
        progress(0.0, "reading the columns")
        self.check(target, order)
        wanted = int(order.values["n_clusters"])
        names = feature_columns(table, order.values)
        if table.num_rows == 0:
            raise all_dropped()
        if wanted > table.num_rows:
            raise secondary_engine(
                f"n_clusters {wanted} is more than the {table.num_rows} rows there are."
            )
        features = fit_features(table, names, order.values["include_column_list"] or ())
        matrix = features.encode(table)
        space = Space.fit(matrix, Drift.fit(matrix, features.categorical))
        points = space.points(matrix)
        progress(0.2, f"fitting {ALGORITHM}")
        centres, codes = _fitted(points, wanted, threads)
        progress(0.9, "scoring")
        facts = SpecialFacts(
            task=self.name,
            algorithm_name=ALGORITHM,
            options=order.shown(),
            notes=order.notes,
            n_rows=table.num_rows,
            n_selected_rows=table.num_rows,
            columns=features.columns,
            used=tuple(feature.name for feature in features.used),
            target=None,
            training_time=time.monotonic() - started,
            training_score=_silhouette(points, codes),
            optimization_metric=METRIC,
            hyperparameters={"n_clusters": wanted},
        )
        progress(1.0, "done")
        return ClusterModel(features, space, centres, facts)

    def restore(self, state: Mapping[str, Any], arrays: Arrays) -> ClusterModel:
        """See Specialist."""
        used = tuple(columns.from_state(feature) for feature in state["used"])
        features = FeatureSet(tuple(state["columns"]), used)
        space = Space.from_state(state["space"], features.width)
        centres = np.array(arrays["centres"], dtype=np.float64)
        if centres.ndim != 2 or centres.shape[1] != space.dimensions:
            raise ValueError("centres of another space")
        return ClusterModel(
            features, space, centres, SpecialFacts.from_state(state["facts"])
        )


def _fitted(
    points: FloatArray, wanted: int, threads: int
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """The centres, that of the largest cluster first, and each point's cluster.

    Fewer distinct points than clusters leave some of these without a point.
    """
    distinct = len(np.unique(points, axis=0))
    with threadpool_limits(threads):
        made = KMeans(min(wanted, distinct), n_init=STARTS, random_state=SEED)
        codes = made.fit_predict(points)
    sizes = np.bincount(codes, minlength=len(made.cluster_centers_))
    order = np.argsort(-sizes, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return np.asarray(made.cluster_centers_[order], np.float64), place[codes]


def _silhouette(points: FloatArray, codes: npt.NDArray[np.int64]) -> float | None:
    """How much nearer points are to their own cluster than to the next: -1 to 1."""
    drawn = np.random.default_rng(SEED).permutation(len(points))[:SCORED_ROWS]
    points, codes = points[drawn], codes[drawn]
    if not 2 <= len(np.unique(codes)) < len(codes):
        return None
    return float(silhouette_score(points, codes))


CLUSTERING = Clustering()
