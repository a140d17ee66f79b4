"""Which settings of LightGBM: waves of trials, each around the best of those before.

First trees of several sizes, and what of the target to learn; then larger or smaller
ones in the direction that won, and ways to split on categories; then other ways to
keep trees apart. What is kept is the best mean of a few, as they err differently. A
long table is searched on a sample of its rows and gets one booster, which may grow
larger than on the sample, as far as the work of about two plain fits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heatproxy.automl import boosting
from heatproxy.automl.boosting import LIKE_COUNTS, Params, Trial, linked
from heatproxy.automl.problem import (
    HeldOut,
    Problem,
    Progress,
    folds_of,
    sample,
    score_of,
)

SMALL_ROWS = 3_000  # below, LightGBM's own least leaf of 20 rows is too much
FEWEST_TUNE_ROWS = 15_000
TUNE_CELLS = 1_000_000  # rows x columns x outputs that settings are tried on
SAMPLE_ROUNDS, SAMPLE_RATE = 150, 0.15
CALM = 0.6  # of the rate of trials
GROWTH = 0.4  # rounds grow with that power of the rows
MOST_WORK = 360.0  # rounds of plain trees, to fit a long table
MOST_LEAVES, MOST_MEMBERS = 511, 4
HUNGRY = 0.05  # of the loss, in the last third of the rounds on a sample
MOST_GROWN = 255
_PLAIN_LEAVES = 31

# splits on a category: one word against the rest; or sets of words, trusting rare
# ones sooner than LightGBM's own settings do
ONE_AGAINST_REST: Params = {"max_cat_to_onehot": 256}
TRUSTING_WORDS: Params = {"cat_smooth": 1.0, "cat_l2": 1.0, "min_data_per_group": 20}
_SUBSAMPLED: Params = {"bagging_fraction": 0.8, "bagging_freq": 1}


@dataclass(frozen=True, slots=True)
class Tuned:
    """Settings with their rounds on all rows, the best first, and what they gave."""

    members: tuple[tuple[Params, int], ...]
    held_out: HeldOut


def tune(problem: Problem, progress: Progress) -> Tuned:
    """The settings to fit to all rows, and their outputs for rows held out."""
    cells_a_row = max(problem.cells // max(problem.n_rows, 1), 1)
    part = sample(problem, max(TUNE_CELLS // cells_a_row, FEWEST_TUNE_ROWS))
    folds = folds_of(part, 5)[: _folds_used(part.n_rows)]
    is_small, is_sampled = part.n_rows < SMALL_ROWS, part.n_rows < problem.n_rows
    waves = (_small_shapes,) if is_small else (_sizes, _directions, _habits)
    trials: list[Trial] = []
    truth = part.target[np.concatenate([held for _, held in folds])]
    for number, wave in enumerate(waves):
        if number and problem.is_late:
            break
        settings = wave(part, _ranked(part, trials, truth))
        jobs = [_hastened(s) if is_sampled else (s, _rounds(s)) for s in settings]
        trials += boosting.try_out(part, folds, jobs)
        progress(0.4 + 0.3 * (number + 1) / len(waves), "tuning")
    most = 1 if is_sampled else MOST_MEMBERS
    if int(_ranked(part, trials, truth)[0].params["num_leaves"]) > 127:
        most = min(most, 2)  # such trees take long to fit and to ask
    kept, held_out = best_together(part, trials, truth, most)
    times = problem.n_rows / part.n_rows
    members = [(_grown(trial, times), _more(trial, times**GROWTH)) for trial in kept]
    if is_sampled:
        members = [(params, min(n, _affordable(params))) for params, n in members]
    elif not is_small:
        members = [_calmed(params, rounds) for params, rounds in members]
    return Tuned(tuple(members), held_out)


def plain_settings(problem: Problem) -> Params:
    """Settings that do well on most tables."""
    if problem.n_rows < SMALL_ROWS:
        return _small_shapes(problem, [])[0]
    return _shared(problem) | {"num_leaves": 31} | _SUBSAMPLED


def best_together(
    problem: Problem, trials: Sequence[Trial], truth: npt.NDArray[np.int64], most: int
) -> tuple[list[Trial], HeldOut]:
    """Of the settings with one objective as many as make the best mean.

    Each next one is that which helps most.
    """
    ranked = _ranked(problem, trials, truth)
    objectives = dict.fromkeys(str(trial.params["objective"]) for trial in ranked)
    found = [
        _best_of(problem, ranked, objective, truth, most) for objective in objectives
    ]
    _, kept, held_out = max(found, key=lambda one: one[0])
    return kept, held_out


def _best_of(
    problem: Problem,
    ranked: Sequence[Trial],
    objective: str,
    truth: npt.NDArray[np.int64],
    most: int,
) -> tuple[float, list[Trial], HeldOut]:
    left = [trial for trial in ranked if trial.params["objective"] == objective]

    def judged(chosen: Sequence[Trial]) -> tuple[float, HeldOut]:
        mean = np.mean([trial.raw for trial in chosen], axis=0)
        held_out = HeldOut(linked(mean, objective), truth)
        return score_of(problem, held_out), held_out

    kept = [left.pop(0)]
    best, held_out = judged(kept)
    while left and len(kept) < most:
        scores = [judged([*kept, trial])[0] for trial in left]
        place = int(np.argmax(scores))
        if scores[place] <= best:
            break
        kept.append(left.pop(place))
        best, held_out = judged(kept)
    return best, kept, held_out


def _more(trial: Trial, growth: float) -> int:
    return max(1, round(trial.rounds * boosting.ALL_ROWS_ROUNDS * growth))


def _grown(trial: Trial, times: float) -> Params:
    """Settings for so many times the rows.

    What was still getting better fast when its rounds on the sample were over gets
    leaves of as few rows on all of them. Where noise was all that was left, more leaves
    would learn that.
    """
    if times == 1 or trial.late_gain < HUNGRY:
        return trial.params
    leaves = int(trial.params["num_leaves"])
    grown = min(round(times * leaves), max(MOST_GROWN, leaves))
    return trial.params | {"num_leaves": grown}


def _calmed(params: Params, rounds: int) -> tuple[Params, int]:
    """Smaller steps and more of them: slower than trials should be, and better."""
    rate = CALM * float(params["learning_rate"])
    if int(params["num_leaves"]) > 127:
        return params, rounds
    return params | {"learning_rate": rate}, round(rounds / CALM)


def _hastened(params: Params) -> tuple[Params, int]:
    """Settings with the rounds they may take, for a sample."""
    return params | {"learning_rate": SAMPLE_RATE}, SAMPLE_ROUNDS


def _affordable(params: Params) -> int:
    """How many rounds are the most work for a long table; trees cost by their depth."""
    depth = np.log2(max(int(params["num_leaves"]), 2)) / np.log2(_PLAIN_LEAVES)
    return max(1, int(MOST_WORK / max(depth, 0.5)))


def _folds_used(n_rows: int) -> int:
    """Of five; the fewer rows, the more of them must judge."""
    if n_rows <= 2_000:
        return 5
    return 2 if n_rows <= 20_000 else 1


def _rounds(params: Params) -> int:
    """At most; large trees need fewer."""
    rate = 0.1 / float(params["learning_rate"])
    leaves = max(int(params["num_leaves"]), _PLAIN_LEAVES)
    return round(float(500 * rate * (_PLAIN_LEAVES / leaves) ** 0.25))


def _ranked(
    problem: Problem, trials: Sequence[Trial], truth: npt.NDArray[np.int64]
) -> list[Trial]:
    def score(trial: Trial) -> float:
        output = linked(trial.raw, trial.params["objective"])
        return score_of(problem, HeldOut(output, truth))

    return sorted(trials, key=score, reverse=True)


def _shared(problem: Problem) -> Params:
    shared: Params = {
        "objective": problem.objective,
        "learning_rate": 0.1,
        "min_data_in_leaf": 20,
        "feature_fraction_bynode": 0.7 if problem.matrix.shape[1] > 3 else 1.0,
    }
    if problem.n_classes > 2:
        shared["num_class"] = problem.n_classes
        if problem.n_rows >= SMALL_ROWS:
            # leaves of almost certain rows make scores of rare classes explode
            shared["min_sum_hessian_in_leaf"] = 1.0
    return shared


def _small_shapes(problem: Problem, _: Sequence[Trial]) -> list[Params]:
    shared = _shared(problem) | _SUBSAMPLED
    shared |= {"min_data_in_bin": 1, "learning_rate": 0.05}
    shapes: list[Params] = [
        {"num_leaves": 7, "min_data_in_leaf": 5},
        {"num_leaves": 4, "min_data_in_leaf": 5, "lambda_l2": 1.0},
        {"num_leaves": 15, "min_data_in_leaf": 10},
        {"num_leaves": 31, "min_data_in_leaf": 20},
    ]
    if problem.categorical:
        shapes.append(shapes[0] | ONE_AGAINST_REST)
    if _is_like_counts(problem):
        shapes += [shape | {"objective": LIKE_COUNTS} for shape in shapes[:3]]
    return [shared | shape for shape in shapes]


def _sizes(problem: Problem, _: Sequence[Trial]) -> list[Params]:
    shared = _shared(problem)
    plain = shared | {"num_leaves": 31, "feature_fraction_bynode": 1.0}
    found = [
        plain,
        shared | {"num_leaves": 15} | _SUBSAMPLED,
        shared | {"num_leaves": 63, "lambda_l2": 2.0} | _SUBSAMPLED,
    ]
    if _is_long(problem):
        found[1] = found[2] | {"num_leaves": 127}
    if _is_like_counts(problem):
        found.append(plain | {"objective": LIKE_COUNTS})
    return found


def _is_like_counts(problem: Problem) -> bool:
    """Positive numbers, a few of them very large: amounts, prices, waiting times."""
    if problem.n_classes or problem.target.min() < 0:
        return False
    mean = float(problem.target.mean())
    return mean > 0.1 and mean > 1.1 * float(np.median(problem.target))


def _directions(problem: Problem, ranked: Sequence[Trial]) -> list[Params]:
    best = ranked[0].params
    leaves = int(best["num_leaves"])
    if leaves == 15:
        sizes = [7, 23]
    elif _is_long(problem):
        sizes = {31: [15], 63: [95]}.get(leaves, [MOST_LEAVES // 2])
    elif leaves == 31:
        sizes = [47, 95] if best["objective"] == LIKE_COUNTS else [23]
    else:
        sizes = [127, MOST_LEAVES // 2]
    found = [best | _size(best, size) for size in sizes]
    if problem.categorical:
        found += [best | ONE_AGAINST_REST, best | TRUSTING_WORDS]
    return found


def _habits(problem: Problem, ranked: Sequence[Trial]) -> list[Params]:
    best = ranked[0].params
    found = []
    leaves = int(best["num_leaves"])
    if leaves >= MOST_LEAVES // 2:
        found.append(best | _size(best, MOST_LEAVES) | {"learning_rate": 0.07})
    few = {"feature_fraction_bynode": 0.4, "lambda_l2": 5.0, **_SUBSAMPLED}
    if problem.matrix.shape[1] > 3:
        found.append(best | few)
    if _is_long(problem):
        return found
    if "bagging_fraction" not in best:
        found.append(best | _SUBSAMPLED | {"feature_fraction_bynode": 0.7})
    else:
        found.append(best | {"bagging_freq": 0, "extra_trees": True, "seed": 21})
    return found


def _is_long(problem: Problem) -> bool:
    """Whether there are enough rows for large trees and few trials."""
    return problem.cells >= 0.9 * TUNE_CELLS


def _size(best: Params, leaves: int) -> Params:
    size: Params = {"num_leaves": leaves}
    if leaves > 63:
        size |= {"min_data_in_leaf": 10} | _SUBSAMPLED
    return size
