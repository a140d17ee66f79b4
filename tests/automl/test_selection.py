"""Which columns of a wide table are looked at: copies and noise go, all else stays."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl.features import FeatureSet, fit_features
from heatproxy.automl.problem import Problem
from heatproxy.automl.selection import WIDE, select
from heatproxy.automl.tasks.regression import REGRESSION
from tests.automl.conftest import fit, quietly

N_ROWS = 300


def wide(telling: int, noise: int) -> pa.Table:
    """A target that follows from so many columns, and others it knows nothing of."""
    random = np.random.default_rng(11)
    columns = random.normal(size=(N_ROWS, telling + noise))
    target = columns[:, :telling] @ np.linspace(1, 3, telling)
    named = {f"c{place}": columns[:, place] for place in range(telling + noise)}
    return pa.table({**named, "y": target + random.normal(size=N_ROWS) / 4})


def selected(table: pa.Table, keep: Any = ()) -> tuple[FeatureSet, Problem]:
    names = [name for name in table.column_names if name != "y"]
    features = fit_features(table, names)
    target = REGRESSION.target(
        table.column("y").combine_chunks(), "y", "neg_mean_squared_error"
    )
    problem = Problem(
        features.encode(table),
        target.values,
        features.categorical,
        0,
        target.objective,
        REGRESSION.comparison("neg_mean_squared_error"),
        1,
    )
    return select(features, problem, keep, quietly)


def names_of(features: FeatureSet) -> list[str]:
    return [feature.name for feature in features.used]


def test_noise_goes_and_what_tells_something_stays() -> None:
    table = wide(3, 100)
    features, problem = selected(table, keep=["C50"])
    left = names_of(features)
    assert {"c0", "c1", "c2", "c50"} <= set(left)
    assert len(left) < 60
    assert features.columns == tuple(f"c{place}" for place in range(103))
    assert problem.matrix.shape == (N_ROWS, features.width)
    np.testing.assert_array_equal(problem.matrix, features.encode(table))


def test_where_every_column_tells_something_all_stay() -> None:
    features, _ = selected(wide(WIDE, 0))
    assert len(features.used) == WIDE


def test_a_table_that_is_not_wide_keeps_even_copies() -> None:
    table = wide(3, 2)
    table = table.append_column("copy", table.column("c0"))
    assert len(selected(table)[0].used) == 6


@pytest.mark.parametrize("keep", [[], ["COPY7"]])
def test_of_columns_that_are_the_same_one_stays(keep: list[str]) -> None:
    table = wide(2, 0)
    for place in range(WIDE):
        table = table.append_column(f"copy{place}", table.column("c1"))
    left = names_of(selected(table, keep)[0])
    assert left == ["c0", "c1", *(name.lower() for name in keep)]


def test_a_model_of_a_wide_table_says_what_it_looks_at() -> None:
    table = wide(2, 0)
    for place in range(WIDE):
        table = table.append_column(f"copy{place}", table.column("c1"))
    model = fit(table, "y", task="regression", model_list=["LinearRegression"])
    said = model.metadata(build_timestamp=1, train_table_name="d.t")
    assert (said["n_columns"], said["n_selected_columns"]) == (WIDE + 2, 2)
    assert said["selected_column_names"] == ["c0", "c1"]
    (shown,) = model.explanation.values()
    assert set(shown) == set(model.features.columns)
    assert len(model.predict(table.drop_columns("y")).labels) == N_ROWS
