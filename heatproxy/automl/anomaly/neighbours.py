"""Distances to the nearest of some points, by the sum of differences.

A point that is itself among them does not count as its own neighbour, so that a row
of the training gets the same answer whenever it is asked for.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

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
    far = cdist(of, among, "cityblock")
    places = np.array(counts)
    far.partition(sorted({0, *(places - 1), *places}), axis=1)
    is_itself = far[:, :1] == 0.0
    return np.asarray(np.where(is_itself, far[:, places], far[:, places - 1]))


def _nearest(
    of: FloatArray, among: FloatArray, count: int
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    far = cdist(of, among, "cityblock")
    if count + 1 < far.shape[1]:
        places = np.argpartition(far, count, axis=1)[:, : count + 1]
    else:
        places = np.broadcast_to(np.arange(far.shape[1]), far.shape)
    far = np.take_along_axis(far, places, axis=1)
    order = np.lexsort((places, far), axis=1)
    far = np.take_along_axis(far, order, axis=1)
    places = np.take_along_axis(places, order, axis=1)
    is_itself = far[:, :1] == 0.0
    return (
        np.where(is_itself, far[:, 1:], far[:, :-1]),
        np.where(is_itself, places[:, 1:], places[:, :-1]),
    )


def nearest_of_samples(of: FloatArray, samples: FloatArray, threads: int) -> FloatArray:
    """Mean over samples of the distance to the nearest of each sample (n_points,).

    ``samples`` is (n_samples, sample_size, dimensions).
    """
    flat = samples.reshape(-1, samples.shape[2])
    means = _in_parts(lambda part: _nearest_mean(part, flat, samples), of, threads)
    return np.concatenate(means)


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


def _nearest_mean(of: FloatArray, flat: FloatArray, samples: FloatArray) -> FloatArray:
    count, size, _ = samples.shape
    far = cdist(of, flat, "cityblock").reshape(len(of), count, size)
    first = far.min(axis=2)
    if size > 1 and (first == 0.0).any():
        second = np.partition(far, 1, axis=2)[:, :, 1]
        first = np.where(first == 0.0, second, first)
    return np.asarray(first.mean(axis=1))
