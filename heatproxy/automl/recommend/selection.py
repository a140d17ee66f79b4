"""Which recommender, with which settings: the one that does best on pairs held out.

Source: HeatWave User Guide, "Recommendation model types".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.metrics import REGRESSION, Metric
from heatproxy.automl.recommend import Kind, Recommender
from heatproxy.automl.recommend.factors import SEED, Settings
from heatproxy.automl.recommend.interactions import CodeArray, Interactions
from heatproxy.automl.recommend.ranking import RANKING, best_of_each, judged
from heatproxy.automl.recommend.slope import MOST_ITEMS
from heatproxy.automl.tasks.contract import Progress

HELD_OUT = 0.2
FEWEST_ROWS = 20  # below which nothing can be held out
RACE_ROWS, RANKED_USERS = 1_000_000, 2_000
TOP_K = 10


def _neg_root_mean_squared_error(truth: FloatArray, found: FloatArray) -> float:
    return -float(np.sqrt(np.mean((truth - found) ** 2)))


RATING: dict[str, Metric] = {
    "neg_mean_absolute_error": REGRESSION["neg_mean_absolute_error"],
    "neg_mean_squared_error": REGRESSION["neg_mean_squared_error"],
    "neg_root_mean_squared_error": _neg_root_mean_squared_error,
    "r2": REGRESSION["r2"],
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """A recommender fitted to all rows; ``score`` is what it reached on held-out ones,
    and ``explained`` the share of the ratings' variance, None when nothing was held
    out or the feedback is implicit."""

    kind: Kind
    settings: Settings
    recommender: Recommender
    score: float | None
    explained: float | None


def choose(
    seen: Interactions,
    kinds: Sequence[Kind],
    metric: str,
    relevant_from: float,
    progress: Progress,
) -> Chosen:
    """Try all settings of all kinds; raising from ``progress`` ends it.

    Raises:
        MySQLError: 3877, the only kind cannot be fitted to so many items.
    """
    if seen.n_items > MOST_ITEMS and len(kinds) > 1:
        kinds = [kind for kind in kinds if kind.name != "SlopeOne"]
    options = [(kind, settings) for kind in kinds for settings in kind.settings]
    best: Chosen | None = None
    part = _some(seen)
    if len(part) >= FEWEST_ROWS:
        held = np.random.default_rng(SEED).random(len(part)) < HELD_OUT
        learned, truth = part.take(~held), part.take(held)
        judge = _judge(metric, learned, truth, relevant_from)
        for place, (kind, settings) in enumerate(options):
            progress(0.05 + 0.7 * place / len(options), f"trying {kind.name}")
            fitted = kind.fit(learned, settings)
            score = judge(fitted)
            if best is None or score > (best.score or -np.inf):
                explained = _explained(fitted, learned, truth)
                best = Chosen(kind, settings, fitted, score, explained)
    if best is None:
        kind, settings = options[0]
        return Chosen(kind, settings, kind.fit(seen, settings), None, None)
    progress(0.8, f"fitting {best.kind.name}")
    return replace(best, recommender=best.kind.fit(seen, best.settings))


def clipped(found: FloatArray, seen: Interactions) -> FloatArray:
    """Ratings within the range of those that were given."""
    return np.clip(found, seen.ratings.min(), seen.ratings.max())


def _some(seen: Interactions) -> Interactions:
    """All ratings of some users, at most about a million."""
    if len(seen) <= RACE_ROWS:
        return seen
    order = np.random.default_rng(SEED).permutation(seen.n_users)
    counts = np.bincount(seen.users, minlength=seen.n_users)
    most = int(np.searchsorted(np.cumsum(counts[order]), RACE_ROWS))
    wanted = np.zeros(seen.n_users, bool)
    wanted[order[: max(most, 1)]] = True
    return seen.take(wanted[seen.users])


def _judge(
    metric: str, learned: Interactions, truth: Interactions, relevant_from: float
) -> Callable[[Recommender], float]:
    if metric in RATING:
        return partial(_rated, RATING[metric], learned, truth)
    return partial(_ranked, metric, learned, truth.take(truth.ratings >= relevant_from))


def _rated(
    metric: Metric, learned: Interactions, truth: Interactions, fitted: Recommender
) -> float:
    found = clipped(fitted.ratings(truth.users, truth.items), learned)
    return float(metric(truth.ratings, found)) if len(found) > 1 else -np.inf


def _ranked(
    metric: str, learned: Interactions, truth: Interactions, fitted: Recommender
) -> float:
    users = np.unique(truth.users)[:RANKED_USERS]
    if not len(users):
        return -np.inf
    known = learned.matrix(np.ones(len(learned)))

    def seen(codes: CodeArray) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        return np.asarray(known[codes].toarray() > 0)

    found = best_of_each(users, fitted.grid, learned.n_items, TOP_K, seen)
    return float(RANKING[metric](judged(found, users, truth, TOP_K)).mean())


def _explained(
    fitted: Recommender, learned: Interactions, truth: Interactions
) -> float | None:
    """The share of the held-out ratings' variance that is explained."""
    variance = float(truth.ratings.var()) if len(truth) > 1 else 0.0
    if variance == 0.0:
        return None
    found = clipped(fitted.ratings(truth.users, truth.items), learned)
    return 1.0 - float(np.mean((truth.ratings - found) ** 2)) / variance
