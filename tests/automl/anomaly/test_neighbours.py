"""Distances to the nearest of some points."""

import numpy as np
import pytest

from heatproxy.automl.anomaly import neighbours
from heatproxy.automl.anomaly.neighbours import (
    distances,
    nearest,
    nearest_of_samples,
    some,
)

ROWS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [10.0, 10.0]])


def test_neighbours_come_nearest_first_by_the_sum_of_differences() -> None:
    far, places = nearest(np.array([[0.5, 0.0]]), ROWS, 3, 1)
    assert far.tolist() == [[0.5, 0.5, 3.5]]
    assert places.tolist() == [[0, 1, 2]]


def test_a_point_is_not_its_own_neighbour() -> None:
    far, places = nearest(ROWS, ROWS, 2, 1)
    assert far[0].tolist() == [1.0, 3.0]
    assert places[0].tolist() == [1, 2]


def test_distances_alone_are_those_of_the_neighbours() -> None:
    points = np.random.default_rng(1).normal(size=(60, 3)).round(1)
    for among in (points[:30], points):
        far, _ = nearest(points, among, 20, 1)
        assert np.array_equal(
            distances(points, among, [1, 5, 20], 2), far[:, [0, 4, 19]]
        )


@pytest.mark.parametrize("threads", [1, 3])
def test_parts_and_threads_change_nothing(
    monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    points = np.random.default_rng(1).normal(size=(50, 3))
    samples = points[:12].reshape(3, 4, 3)
    whole = nearest(points, points[:20], 5, 1), nearest_of_samples(points, samples, 1)
    monkeypatch.setattr(neighbours, "ROWS_AT_ONCE", 7)
    far, places = nearest(points, points[:20], 5, threads)
    assert np.array_equal(far, whole[0][0])
    assert np.array_equal(places, whole[0][1])
    means = nearest_of_samples(points, samples, threads)
    assert np.array_equal(means, whole[1])


def test_samples_are_means_of_their_nearest() -> None:
    samples = np.array([[[0.0], [5.0]], [[2.0], [9.0]]])
    found = nearest_of_samples(np.array([[1.0], [5.0]]), samples, 1)
    # the second point is in the first sample: there its neighbour is the other one
    assert found.tolist() == [1.0, 4.0]


def test_some_points_are_all_when_they_are_few() -> None:
    assert some(ROWS, 4) is ROWS
    assert len(some(ROWS, 2)) == 2
    assert np.array_equal(some(ROWS, 2), some(ROWS, 2))
