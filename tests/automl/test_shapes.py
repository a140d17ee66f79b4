"""Trees for all rows of a table that settings were searched on a sample of."""

import numpy as np
import pytest

from heatproxy.automl import shapes
from heatproxy.automl.problem import Problem
from heatproxy.automl.tasks import task_named

N_ROWS, COLUMNS = 60_000, 6


def clock(noise: float) -> Problem:
    """Whether one clock is behind another, which takes many leaves to say."""
    chance = np.random.default_rng(8)
    matrix = chance.integers(0, 2400, (N_ROWS, COLUMNS)).astype(float)
    late = (matrix[:, 0] - matrix[:, 1]) % 2400 > 300
    late ^= chance.random(N_ROWS) < noise
    task = task_named("classification")
    comparison = task.comparison(task.default_metric)
    return Problem(matrix, late.astype(int), (), 2, "binary", comparison, 1)


def leaves(problem: Problem) -> int:
    (params, _), *_ = shapes.tune(problem, lambda done, stage: None).members
    return int(params["num_leaves"])


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a quarter of the rows be looked at."""
    monkeypatch.setattr(shapes, "TUNE_CELLS", N_ROWS * COLUMNS // 4)


@pytest.mark.usefixtures("sampled")
@pytest.mark.parametrize(("noise", "times"), [(0.0, 4), (0.3, 1)])
def test_what_a_sample_was_too_small_for_gets_more_leaves_and_noise_does_not(
    monkeypatch: pytest.MonkeyPatch, noise: float, times: int
) -> None:
    grown = leaves(clock(noise))
    monkeypatch.setattr(shapes, "HUNGRY", 2.0)  # no loss is reduced by more than itself
    assert grown == times * leaves(clock(noise))
