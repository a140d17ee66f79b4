"""Distances to the nearest of some points, by the sum of differences.

A point that is itself among them does not count as its own neighbour, so that a row
of the training gets the same answer whenever it is asked for.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from heatproxy.automl.anomaly.cityblock import (
    nearest_few,
    nearest_of_each,
    ranked,
)
from heatproxy.automl.columns import FloatArray

T = TypeVar("T")

ROWS_AT_ONCE = 2048
SEED = 20
REFERENCE_ROWS = 2048


def some(points: FloatArray, most: int) -> FloatArray:
    """At most so many of the points, in their order."""
    if len(points) <= most:
        return points
    chosen = np.random.default_rng(SEED).choice(len(points), most, replace=False)
    return points[np.sort(chosen)]


def nearest(
    of: FloatArray, among: FloatArray, count: int, threads: int
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Distances and places of the ``count`` nearest (n_points, count), nearest first.

    ``count`` is less than the number of points to look among.
    """
    found = _in_parts(lambda part: _nearest(part, among, count), of, threads)
    return (
        np.concatenate([far for far, _ in found]),
        np.concatenate([places for _, places in found]),
    )


def distances(
    of: FloatArray, among: FloatArray, counts: Sequence[int], threads: int
) -> FloatArray:
    """How far the neighbours of these numbers are (n_points, n_counts).

    The same as in ``nearest``, without looking which they are.
    """
    return np.concatenate(
        _in_parts(lambda part: _distances(part, among, counts), of, threads)
    )


def _distances(of: FloatArray, among: FloatArray, counts: Sequence[int]) -> FloatArray:
    places = np.array(counts)
    ranks = sorted({0, *(places - 1), *places})
    far = ranked(of, among, ranks)
    is_itself = far[:, :1] == 0.0
    own = far[:, np.searchsorted(ranks, places)]
    before = far[:, np.searchsorted(ranks, places - 1)]
    return np.asarray(np.where(is_itself, own, before))


def _nearest(
    of: FloatArray, among: FloatArray, count: int
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    far, places = nearest_few(of, among, count + 1)
    is_itself = far[:, :1] == 0.0
    return (
        np.where(is_itself, far[:, 1:], far[:, :-1]),
        np.where(is_itself, places[:, 1:], places[:, :-1]),
    )


def nearest_of_samples(of: FloatArray, samples: FloatArray, threads: int) -> FloatArray:
    """Mean over samples of the distance to the nearest of each sample (n_points,).

    ``samples`` is (n_samples, sample_size, dimensions).
    """
    found = _in_parts(lambda part: nearest_of_each(part, samples), of, threads)
    return np.concatenate([one.mean(axis=1) for one in found])


def _in_parts(
    work: Callable[[FloatArray], T], points: FloatArray, threads: int
) -> list[T]:
    """The work on some points at a time; most of it leaves Python's lock."""
    starts = range(0, max(len(points), 1), ROWS_AT_ONCE)
    parts = [points[start : start + ROWS_AT_ONCE] for start in starts]
    if len(parts) == 1:
        return [work(parts[0])]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, parts))
