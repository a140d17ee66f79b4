"""The compiled kernels find what sorting all distances finds."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from heatproxy.automl.anomaly.cityblock import nearest_few, nearest_of_each, ranked
from heatproxy.automl.columns import FloatArray


def clouds() -> dict[str, tuple[FloatArray, FloatArray]]:
    random = np.random.default_rng(7)
    spread = random.normal(size=(1500, 6))
    tied = random.integers(0, 3, (1200, 3)).astype(np.float64)
    sorted_ = np.sort(random.gamma(0.3, size=(900, 1)), axis=0)
    return {
        "spread": (spread[:80], spread),
        "ties": (tied[:80], tied),
        # what stands first is near, so that a few of them tell the wrong distance
        "in order": (sorted_[::20], sorted_),
        "all the same": (np.ones((3, 2)), np.ones((700, 2))),
        "few": (spread[:9], spread[:3]),
    }


CLOUDS = clouds()


@pytest.mark.parametrize("name", CLOUDS)
@pytest.mark.parametrize("count", [1, 3, 6, 101, 600])
def test_the_nearest_are_those_of_a_sort(name: str, count: int) -> None:
    of, among = CLOUDS[name]
    count = min(count, len(among))
    whole = cdist(of, among, "cityblock")
    order = np.argsort(whole, axis=1, kind="stable")[:, :count]
    far, places = nearest_few(of, among, count)
    assert np.array_equal(places, order)
    assert np.array_equal(far, np.take_along_axis(whole, order, axis=1))


@pytest.mark.parametrize("name", CLOUDS)
@pytest.mark.parametrize("ranks", [[0], [0, 4, 5], [0, 99, 100], [2, 650]])
def test_ranks_are_those_of_a_sort(name: str, ranks: list[int]) -> None:
    of, among = CLOUDS[name]
    ranks = sorted({min(rank, len(among) - 1) for rank in ranks})
    whole = np.sort(cdist(of, among, "cityblock"), axis=1)
    assert np.array_equal(ranked(of, among, ranks), whole[:, ranks])


@pytest.mark.parametrize("size", [1, 8])
def test_a_point_in_a_sample_is_not_its_own_neighbour(size: int) -> None:
    points = np.random.default_rng(3).normal(size=(40, 4)).round(1)
    samples = points.reshape(-1, size, 4)
    far = cdist(points, points, "cityblock").reshape(40, -1, size)
    ordered = np.sort(far, axis=2)
    first, second = ordered[:, :, 0], ordered[:, :, min(1, size - 1)]
    wanted = np.where(first == 0.0, second, first)
    assert np.array_equal(nearest_of_each(points, samples), wanted)
