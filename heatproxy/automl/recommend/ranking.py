"""The best few of many, and how good they are.

Source: HeatWave User Guide, "Ranking metrics"; Jarvelin and Kekalainen, "Cumulated
Gain-Based Evaluation of IR Techniques".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.recommend.interactions import CodeArray, Interactions

CELLS_AT_ONCE = 1 << 21  # ratings of users for items that are computed together


@dataclass(frozen=True, slots=True)
class Best:
    """``places`` and ``values`` (n_rows, k), best first; a place of -1 is none."""

    places: CodeArray
    values: FloatArray


def best(values: FloatArray, k: int, unwanted: npt.NDArray[np.bool_] | None) -> Best:
    """The k largest of each row of ``values`` (n_rows, n); of equal ones the first.

    ``unwanted`` (n_rows, n) marks those that must not be among them.
    """
    if unwanted is not None:
        values = np.where(unwanted, -np.inf, values)
    k = min(k, values.shape[1])
    if k == 0:
        return Best(np.zeros((len(values), 0), np.int64), np.zeros((len(values), 0)))
    places = np.argsort(-values, axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(values, places, axis=1)
    return Best(np.where(np.isneginf(found), -1, places), found)


def best_of_each(
    codes: CodeArray,
    grid: Callable[[CodeArray], FloatArray],
    width: int,
    k: int,
    seen: Callable[[CodeArray], npt.NDArray[np.bool_]] | None,
) -> Best:
    """The best k of ``width`` for each of some codes, computed a part at a time."""
    places, values = [], []
    at_once = max(1, CELLS_AT_ONCE // max(width, 1))
    for start in range(0, len(codes), at_once):
        part = codes[start : start + at_once]
        found = best(grid(part), k, None if seen is None else seen(part))
        places.append(found.places)
        values.append(found.values)
    if not places:
        return Best(np.zeros((0, k), np.int64), np.zeros((0, k)))
    return Best(np.concatenate(places), np.concatenate(values))


@dataclass(frozen=True, slots=True)
class Judged:
    """Of each user (n_users,): hits among the best k, and how many were relevant."""

    hits: npt.NDArray[np.bool_]  # (n_users, k)
    relevant: FloatArray
    k: int


def judged(found: Best, users: CodeArray, truth: Interactions, k: int) -> Judged:
    """The best of each of ``users`` against the pairs of ``truth``."""
    pairs = np.sort(truth.users * truth.n_items + truth.items)
    asked = users[:, None] * truth.n_items + np.maximum(found.places, 0)
    at = np.minimum(np.searchsorted(pairs, asked), max(len(pairs) - 1, 0))
    hits = (found.places >= 0) & (len(pairs) > 0)
    if len(pairs):
        hits &= pairs[at] == asked
    counts = np.bincount(truth.users, minlength=truth.n_users)
    return Judged(hits, counts[users].astype(np.float64), k)


def _precision(judged: Judged) -> FloatArray:
    return np.asarray(judged.hits.sum(axis=1) / judged.k)


def _recall(judged: Judged) -> FloatArray:
    return np.asarray(judged.hits.sum(axis=1) / np.maximum(judged.relevant, 1.0))


def _hit_ratio(judged: Judged) -> FloatArray:
    return np.asarray(judged.hits.any(axis=1).astype(np.float64))


def _ndcg(judged: Judged) -> FloatArray:
    discounts = 1.0 / np.log2(np.arange(judged.k) + 2.0)
    gained = (judged.hits * discounts[: judged.hits.shape[1]]).sum(axis=1)
    reachable = np.minimum(judged.relevant, judged.k).astype(np.int64)
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])[reachable]
    return np.asarray(
        np.divide(gained, ideal, where=ideal > 0, out=np.zeros(len(gained)))
    )


RANKING: Mapping[str, Callable[[Judged], FloatArray]] = {
    "precision_at_k": _precision,
    "recall_at_k": _recall,
    "hit_ratio_at_k": _hit_ratio,
    "ndcg_at_k": _ndcg,
}
