"""Sums of differences between points, compiled: several times as fast as SciPy's.

The sum is taken over the dimensions in their order, point by point: the same number
whichever other points are asked for.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from numba import njit

from heatproxy.automl.columns import FloatArray

SAMPLE = 256


def nearest_few(
    of: FloatArray, among: FloatArray, count: int
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Distances and places of the ``count`` nearest (n_points, count), nearest first.

    Of two that are as near, the one that stands first comes first. ``of`` is
    (n_points, dimensions), ``among`` (n_others, dimensions) with n_others >= count.
    """
    far = np.empty((len(of), count))
    places = np.empty((len(of), count), np.int64)
    _nearest_few(np.ascontiguousarray(of), np.ascontiguousarray(among.T), far, places)
    return far, places


def ranked(of: FloatArray, among: FloatArray, ranks: Sequence[int]) -> FloatArray:
    """How far those of these ranks are, 0 for the nearest (n_points, n_ranks).

    ``ranks`` ascend; the last is less than the number of points among them.
    """
    far = np.empty((len(of), len(ranks)))
    _ranked(
        np.ascontiguousarray(of),
        np.ascontiguousarray(among.T),
        np.array(ranks, np.int64),
        far,
    )
    return far


def nearest_of_each(of: FloatArray, samples: FloatArray) -> FloatArray:
    """The distance of each point to the nearest of each sample (n_points, n_samples).

    A point that is in a sample itself has the next one there for its nearest.
    ``samples`` is (n_samples, sample_size, dimensions).
    """
    count, size, dimensions = samples.shape
    turned = np.ascontiguousarray(samples.reshape(-1, dimensions).T)
    found = np.empty((len(of), count))
    _nearest_of_each(np.ascontiguousarray(of), turned, size, found)
    return found


def _compiled(function: Any) -> Any:
    return cast(Any, njit)(cache=True, nogil=True)(function)


@_compiled
def _add_differences(point: Any, turned: Any, sums: Any) -> None:
    sums[:] = 0.0
    for d in range(len(point)):
        place, places = point[d], turned[d]
        for k in range(len(sums)):  # the innermost: it takes several at a time
            sums[k] += abs(place - places[k])


@_compiled
def _sink(kept: Any, at: Any, start: int, end: int) -> None:
    """Put the member at ``start`` where it belongs in the heap before ``end``."""
    own, own_at = kept[start], at[start]
    parent = start
    while 2 * parent + 1 < end:
        child = 2 * parent + 1
        if child + 1 < end and (
            kept[child + 1] > kept[child]
            or (kept[child + 1] == kept[child] and at[child + 1] > at[child])
        ):
            child += 1
        if kept[child] < own or (kept[child] == own and at[child] < own_at):
            break
        kept[parent], at[parent] = kept[child], at[child]
        parent = child
    kept[parent], at[parent] = own, own_at


@_compiled
def _select(values: Any, rank: int) -> float:
    """The value of this rank, at its place; smaller ones stand before it."""
    low, high = 0, len(values) - 1
    while low < high:
        first, middle, last = values[low], values[(low + high) >> 1], values[high]
        pivot = max(min(first, middle), min(max(first, middle), last))
        left, right = low, high
        while left <= right:
            while values[left] < pivot:
                left += 1
            while values[right] > pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if rank <= right:
            high = right
        elif rank >= left:
            low = left
        else:
            break
    return float(values[rank])


@_compiled
def _limit(sums: Any, room: Any, rank: int) -> float:
    """At least ``rank`` + 1 of the sums are no larger, and most of the others are.

    A few of them tell about how far that rank is; ``room`` is for as many.
    """
    step = max(1, len(sums) // SAMPLE)
    sample = (len(sums) - 1) // step + 1
    room[:sample] = sums[::step]
    guess = min(sample - 1, 8 + 8 * rank * sample // (5 * len(sums)))
    limit = _select(room[:sample], guess)
    found = 0
    for k in range(len(sums)):
        found += sums[k] <= limit
    return limit if found > rank else np.inf


@_compiled
def _nearest_few(of: Any, turned: Any, far: Any, places: Any) -> None:
    others, count = turned.shape[1], far.shape[1]
    sums = np.empty(others)
    near = np.empty(others)
    near_at = np.empty(others, np.int64)
    for i in range(len(of)):
        _add_differences(of[i], turned, sums)
        limit = _limit(sums, near, count - 1)
        found = 0
        for k in range(others):
            near[found], near_at[found] = sums[k], k
            found += sums[k] <= limit
        # the farthest of those kept is on top of a heap
        kept, at = far[i], places[i]
        kept[:], at[:] = near[:count], near_at[:count]
        for start in range(count // 2 - 1, -1, -1):
            _sink(kept, at, start, count)
        for k in range(count, found):
            if near[k] < kept[0]:
                kept[0], at[0] = near[k], near_at[k]
                _sink(kept, at, 0, count)
        for end in range(count - 1, 0, -1):
            kept[0], kept[end] = kept[end], kept[0]
            at[0], at[end] = at[end], at[0]
            _sink(kept, at, 0, end)


@_compiled
def _ranked(of: Any, turned: Any, ranks: Any, far: Any) -> None:
    others, last = turned.shape[1], ranks[-1]
    sums = np.empty(others)
    near = np.empty(others)
    for i in range(len(of)):
        _add_differences(of[i], turned, sums)
        limit = _limit(sums, near, last)
        count = 0
        for k in range(others):
            near[count] = sums[k]
            count += sums[k] <= limit
        for place in range(len(ranks) - 1, -1, -1):
            far[i, place] = _select(near[:count], ranks[place])
            count = ranks[place] + 1  # all that are nearer stand before it


@_compiled
def _nearest_of_each(of: Any, turned: Any, size: int, found: Any) -> None:
    sums = np.empty(turned.shape[1])
    for i in range(len(of)):
        _add_differences(of[i], turned, sums)
        for sample in range(found.shape[1]):
            first = second = np.inf
            for k in range(sample * size, (sample + 1) * size):
                if sums[k] < first:
                    second = first
                    first = sums[k]
                elif sums[k] < second:
                    second = sums[k]
            is_itself = first == 0.0 and size > 1
            found[i, sample] = second if is_itself else first
