"""Which algorithm is taken: who wins on a sample, and what tuning then makes of it."""

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl.algorithms import REGRESSORS
from heatproxy.automl.search import finalists
from tests.automl.conftest import fit

BOOSTED, LINEAR, FOREST = REGRESSORS[:3]


@pytest.mark.parametrize(
    ("scores", "margin", "names"),
    [
        ((-1.0, -2.0, -3.0), 0.0, ["LGBMRegressor"]),
        ((-1.05, -1.0, -3.0), 0.0, ["LinearRegression", "LGBMRegressor"]),
        ((-1.2, -1.0, -3.0), 0.0, ["LinearRegression"]),
        ((0.75, 0.5, 0.8), 0.0, ["RandomForestRegressor", "LGBMRegressor"]),
        ((-1.01, -1.0, -3.0), 0.02, ["LGBMRegressor"]),
        ((-1.0, -1.0, -1.0), 0.0, ["LGBMRegressor"]),
        ((-np.inf, -1.0, -np.inf), 0.0, ["LinearRegression"]),
    ],
)
def test_boosting_that_comes_in_close_is_tuned_too(
    scores: tuple[float, ...], margin: float, names: list[str]
) -> None:
    field = list(zip((BOOSTED, LINEAR, FOREST), scores, strict=True))
    assert [algorithm.name for algorithm in finalists(field, margin)] == names


def test_who_wins_untuned_and_loses_tuned_is_not_taken() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=(250, 3))
    y = x[:, 0] + 0.7 * x[:, 1] + 0.5 * np.abs(x[:, 2]) + random.normal(0, 0.3, 250)
    table = pa.table({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": y})
    both = {"model_list": ["LinearRegression", "LGBMRegressor"]}
    model = fit(table, "y", task="regression", **both)
    assert model.facts.algorithm_name == "LGBMRegressor"
