"""K-means: groups that are there are found, and a model is kept as it is."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl.orders import parse_options
from heatproxy.automl.storage import from_bytes, to_bytes
from heatproxy.automl.tasks.clustering import CLUSTERING, ClusterModel
from heatproxy.automl.tasks.contract import Order
from heatproxy.errors import MySQLError


def groups(sizes: tuple[int, ...] = (30, 20, 10)) -> pa.Table:
    """Points around as many places, a word for each; Arrow (sum(sizes), 3)."""
    rng = np.random.default_rng(5)
    places = np.repeat(np.arange(len(sizes)), sizes)
    return pa.table(
        {
            "x": 10.0 * places + rng.normal(size=len(places)),
            "y": -5.0 * places + rng.normal(size=len(places)),
            "word": [f"w{place}" for place in places],
        }
    )


def order(**options: Any) -> Order:
    found = parse_options({"task": "clustering", **options})
    assert isinstance(found, Order)
    return found


def model(table: pa.Table, **options: Any) -> ClusterModel:
    asked = order(**options)
    return CLUSTERING.train(table, None, asked, lambda done, stage: None, 1)


def test_each_group_is_a_cluster_the_largest_first() -> None:
    table = groups()
    found = model(table, n_clusters=3).predict(table, {}).added
    assert found["Prediction"].to_pylist() == [0] * 30 + [1] * 20 + [2] * 10
    assert json.loads(found["ml_results"][-1].as_py()) == {
        "predictions": {"cluster": 2}
    }


def test_the_same_rows_give_the_same_clusters_with_any_number_of_threads() -> None:
    table = groups()
    asked = order(n_clusters=4)
    centres = [
        CLUSTERING.train(table, None, asked, lambda done, stage: None, threads).centres
        for threads in (1, 2)
    ]
    np.testing.assert_allclose(centres[0], centres[1])


def test_a_model_is_kept_and_read_again() -> None:
    table = groups()
    made = model(table, n_clusters=3)
    again = from_bytes(to_bytes(made))
    assert again.task_name == "clustering"
    assert again.predict(table, {}, 1).added == made.predict(table, {}, 1).added


def test_a_damaged_model_is_refused() -> None:
    made = model(groups(), n_clusters=3)
    state, arrays = made.state()
    with pytest.raises(ValueError, match="another space"):
        CLUSTERING.restore(state, {"centres": arrays["centres"][:, :1]})


def test_groups_far_apart_score_high() -> None:
    table = groups()
    made = model(table, n_clusters=3)
    assert made.score(table, None, "silhouette", {}) > 0.7
    facts = made.metadata(build_timestamp=1, train_table_name="d.t")
    assert facts["optimization_metric"] == "silhouette"
    assert facts["training_score"] > 0.7
    assert facts["column_names"] == ["x", "y", "word"]


@pytest.mark.parametrize(
    ("options", "target", "text"),
    [
        ({}, None, "n_clusters must be given"),
        ({"n_clusters": 3}, "x", "ML006006"),
        ({"n_clusters": 61}, None, "more than the 60 rows"),
        ({"n_clusters": 3, "exclude_column_list": ["z"]}, None, "ML003039"),
    ],
)
def test_what_cannot_be_is_refused(
    options: dict[str, Any], target: str | None, text: str
) -> None:
    with pytest.raises(MySQLError, match=text):
        CLUSTERING.train(groups(), target, order(**options), lambda d, s: None, 1)


def test_too_few_clusters_are_no_option() -> None:
    with pytest.raises(MySQLError, match="n_clusters"):
        order(n_clusters=1)


def test_fewer_different_rows_than_clusters_are_clusters_of_their_own() -> None:
    table = pa.table({"x": [1.0, 1.0, 1.0, 2.0, 2.0], "y": [0, 1, 0, 1, 1]})
    found = model(table, n_clusters=4).predict(table, {}).added
    assert len(set(found["Prediction"].to_pylist())) == 3


def test_another_metric_is_refused() -> None:
    table = groups()
    with pytest.raises(MySQLError, match="ML003020"):
        model(table, n_clusters=2).score(table, None, "accuracy", {})
