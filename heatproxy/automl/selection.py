"""Which columns of a wide table a model looks at.

Of columns that are the same one stays. Of the others those stay that a booster splits
on most, but only where it does clearly better without the rest: on every fold, on rows
that neither it nor the choice has seen. A little better is not enough: what is tuned
later bears noise well, and did worse without columns that seemed to be worth little. A
table that is not wide keeps all of its columns.

Source: HeatWave User Guide, "AutoML Pipeline", feature selection.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from heatproxy.automl import boosting, shapes
from heatproxy.automl.boosting import linked
from heatproxy.automl.features import FeatureSet
from heatproxy.automl.problem import (
    Fold,
    HeldOut,
    Problem,
    Progress,
    folds_of,
    sample,
    score_of,
)

WIDE = 50  # columns: from here on it is worth the time
FEWEST_ROWS = 200
MOST_CELLS = 600_000  # rows x columns that are looked at
FOLDS = 3
ROUNDS, RATE = 100, 0.1
SHARES = (0.99, 0.9)  # of the gain of all splits
CLEARLY = 0.05  # of the score


def select(
    features: FeatureSet, problem: Problem, keep: Iterable[str], progress: Progress
) -> tuple[FeatureSet, Problem]:
    """The columns worth looking at, and the problem as they show it.

    ``keep`` names columns that stay whatever they are worth.
    """
    if len(features.used) < WIDE:
        return features, problem
    kept = {name.lower() for name in keep}
    wanted = [feature.name.lower() in kept for feature in features.used]
    every = _different(features, problem, wanted)
    narrowed = _narrowed(features, problem, every)
    if problem.n_rows < FEWEST_ROWS or problem.is_late:
        return narrowed
    progress(0.02, "selecting columns")
    chosen = _worthy(*narrowed, [wanted[place] for place in every])
    return _narrowed(*narrowed, chosen)


def _different(features: FeatureSet, problem: Problem, wanted: list[bool]) -> list[int]:
    """The places of features that are not another's copy, the first of each."""
    seen: set[tuple[bool, bytes]] = set()
    found = []
    for place, where in enumerate(features.slices()):
        is_categorical = features.used[place].is_categorical
        content = is_categorical, problem.matrix[:, where].tobytes()
        if wanted[place] or content not in seen:
            found.append(place)
        seen.add(content)
    return found


def _worthy(features: FeatureSet, problem: Problem, wanted: list[bool]) -> list[int]:
    """The places of the features that a model does best with; all of them, if so."""
    everything = list(range(len(features.used)))
    cells_a_row = max(problem.cells // problem.n_rows, 1)
    part = sample(problem, max(MOST_CELLS // cells_a_row, FEWEST_ROWS))
    better: dict[float, list[float]] = {share: [] for share in SHARES}
    for fold in folds_of(part, FOLDS):
        if problem.is_late:
            return everything
        gains = _gains(features, part.rows(fold[0]))
        whole = _score(part, fold)
        for share in SHARES:
            chosen = _most_telling(gains, share, wanted)
            narrow = _narrowed(features, part, chosen)[1]
            better[share].append((_score(narrow, fold) - whole) / max(abs(whole), 1e-9))
    means = {
        share: float(np.mean(one)) for share, one in better.items() if min(one) > 0
    }
    means = {share: mean for share, mean in means.items() if mean > CLEARLY}
    if not means:
        return everything
    best = max(means, key=lambda share: means[share])
    return _most_telling(_gains(features, part), best, wanted)


def _gains(features: FeatureSet, problem: Problem) -> list[float]:
    """What a booster gains by splits on each feature."""
    params = shapes.plain_settings(problem) | {"learning_rate": RATE}
    (booster,) = boosting.fit(problem, [(params, ROUNDS)]).members
    gains = booster.feature_importance("gain")
    return [float(gains[where].sum()) for where in features.slices()]


def _most_telling(gains: list[float], share: float, wanted: list[bool]) -> list[int]:
    """The fewest features with such a share of all gains, in their order."""
    order = np.argsort(-np.array(gains), kind="stable")
    sums = np.cumsum(np.array(gains)[order])
    count = int(np.searchsorted(sums, share * sums[-1])) + 1
    chosen = set(order[:count].tolist())
    return [place for place in range(len(gains)) if place in chosen or wanted[place]]


def _score(problem: Problem, fold: Fold) -> float:
    params = shapes.plain_settings(problem) | {"learning_rate": RATE}
    (trial,) = boosting.try_out(problem, [fold], [(params, ROUNDS)])
    held_out = HeldOut(linked(trial.raw, problem.objective), problem.target[fold[1]])
    return score_of(problem, held_out)


def _narrowed(
    features: FeatureSet, problem: Problem, places: list[int]
) -> tuple[FeatureSet, Problem]:
    """The same with some of the features alone."""
    if len(places) == len(features.used):
        return features, problem
    slices = features.slices()
    columns = np.concatenate([np.r_[slices[place]] for place in places])
    fewer = FeatureSet(
        features.columns, tuple(features.used[place] for place in places)
    )
    matrix = np.ascontiguousarray(problem.matrix[:, columns])
    return fewer, replace(problem, matrix=matrix, categorical=fewer.categorical)
