"""Which algorithm, with which settings: a race on a sample, then a little tuning.

Every comparison is made on rows the candidate has not seen. All choices depend on the
data and the options alone, never on the clock, so the same call gives the same model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import KFold, StratifiedKFold

from heatproxy.automl import algorithms, boosting
from heatproxy.automl.algorithms import Algorithm, Fitted, Params
from heatproxy.automl.boosting import Boosters, Fold, Plan, RowArray, Trial, linked
from heatproxy.automl.columns import FloatArray
from heatproxy.automl.metrics import Metric

Estimator = Boosters | Fitted
Progress = Callable[[float, str], None]

SEED = 20
RACE_ROWS, TUNE_ROWS = 5_000, 10_000
RACE_TREES, TUNE_TREES = 50, 100
FEW_ROWS = 10  # fewer: nothing can be held out
CLASS_ROWS_IN_SAMPLE = 10

# splits on a category: one word against the rest; or sets of words, trusting rare
# ones sooner than LightGBM's own settings do
ONE_AGAINST_REST = {"max_cat_to_onehot": 256}
TRUSTING_WORDS = {"cat_smooth": 1.0, "cat_l2": 1.0, "min_data_per_group": 20}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be learned.

    ``matrix`` (n_rows, width); ``target`` (n_rows,), class codes or numbers;
    ``n_classes`` 0 in a regression; ``metric`` compares candidates.
    """

    matrix: FloatArray
    target: npt.NDArray[Any]
    categorical: tuple[int, ...]
    n_classes: int
    objective: str
    metric: Metric
    threads: int

    @property
    def n_rows(self) -> int:
        return len(self.target)

    @property
    def outputs(self) -> int:
        """Scores a row that LightGBM computes."""
        return self.n_classes if self.n_classes > 2 else 1

    def rows(self, which: RowArray) -> "Problem":
        return Problem(
            self.matrix[which],
            self.target[which],
            self.categorical,
            self.n_classes,
            self.objective,
            self.metric,
            self.threads,
        )


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Outputs for rows whose model had not seen them; ``truth`` goes with them."""

    output: FloatArray
    truth: npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Found:
    """The chosen algorithm, fitted to all rows."""

    estimator: Estimator
    algorithm: Algorithm
    params: Params
    held_out: HeldOut


def find(
    problem: Problem,
    candidates: Sequence[Algorithm],
    chosen_by_user: bool,
    progress: Progress,
) -> Found:
    """Race the candidates, tune the winner, fit it to all rows.

    ``candidates`` that need too long on so many rows are left out unless the user
    chose them or nothing else is left.
    """
    quick = [item for item in candidates if problem.n_rows <= item.auto_rows]
    field = list(candidates if chosen_by_user else quick or candidates)
    if problem.n_rows < FEW_ROWS:
        return _without_holdout(problem, field)
    winner = _race(problem, field, progress) if len(field) > 1 else field[0]
    progress(0.4, f"tuning {winner.name}")
    if winner.build is None:
        return _tune_boosting(problem, winner, progress)
    return _tune(problem, winner, progress)


def folds_of(problem: Problem, folds: int) -> list[Fold]:
    """Row numbers to fit on and to hold out, classes in equal shares."""
    empty = np.zeros(problem.n_rows)
    if problem.n_classes:
        rarest = np.bincount(problem.target)
        folds = max(2, min(folds, int(rarest[rarest > 0].min())))
        splitter = StratifiedKFold(folds, shuffle=True, random_state=SEED)
    else:
        splitter = KFold(min(folds, problem.n_rows), shuffle=True, random_state=SEED)
    return list(splitter.split(empty, problem.target))


def sample(problem: Problem, n_rows: int) -> Problem:
    """At most about ``n_rows`` rows; a rare class keeps its first few."""
    if problem.n_rows <= n_rows:
        return problem
    order = np.random.default_rng(SEED).permutation(problem.n_rows)
    if not problem.n_classes:
        return problem.rows(np.sort(order[:n_rows]))
    share = n_rows / problem.n_rows
    kept = []
    for code in range(problem.n_classes):
        members = order[problem.target[order] == code]
        kept.append(members[: max(round(len(members) * share), CLASS_ROWS_IN_SAMPLE)])
    return problem.rows(np.sort(np.concatenate(kept)))


def _race(
    problem: Problem, field: Sequence[Algorithm], progress: Progress
) -> Algorithm:
    part = sample(problem, RACE_ROWS)
    folds = folds_of(part, 5 if part.n_rows < 2000 else 3)
    # what wins on a sample has to win clearly: boosting gains most from more rows
    margin = 0.02 if part.n_rows < problem.n_rows else 0.0
    best, best_score = field[0], -np.inf
    for place, algorithm in enumerate(field):
        progress(0.05 + 0.35 * place / len(field), f"trying {algorithm.name}")
        held_out = _first_setting(part, algorithm, folds)
        score = _score(part, held_out)
        hurdle = margin * abs(best_score) if np.isfinite(best_score) else 0.0
        if score > best_score + hurdle:
            best, best_score = algorithm, score
    return best


def _first_setting(
    problem: Problem,
    algorithm: Algorithm,
    folds: Sequence[Fold],
) -> HeldOut:
    if algorithm.build is None:
        params = boosting_settings(problem)[0] | {"learning_rate": 0.1}
        trial = _try_boosting(problem, folds, [(params, 300)])[0]
        held = np.concatenate([held_rows for _, held_rows in folds])
        return HeldOut(linked(trial.raw, problem.objective), problem.target[held])
    params = algorithm.settings[0]
    if algorithm.is_forest:
        params = params | {"n_estimators": RACE_TREES}
    return _cross_validate(problem, algorithm, params, folds)


def _tune(problem: Problem, algorithm: Algorithm, progress: Progress) -> Found:
    part = sample(problem, TUNE_ROWS)
    folds = folds_of(part, 5 if part.n_rows < 2000 else 3)
    trials = []
    for params in algorithm.settings:
        trees = {"n_estimators": TUNE_TREES} if algorithm.is_forest else {}
        held_out = _cross_validate(part, algorithm, params | trees, folds)
        trials.append((held_out, params))
    held_out, params = max(trials, key=lambda trial: _score(part, trial[0]))
    progress(0.7, f"fitting {algorithm.name}")
    return Found(_fit(problem, algorithm, params), algorithm, params, held_out)


def _tune_boosting(problem: Problem, algorithm: Algorithm, progress: Progress) -> Found:
    plan = Plan.of(problem.n_rows, problem.matrix.shape[1], problem.outputs)
    cells_a_row = problem.matrix.shape[1] * problem.outputs
    part = sample(problem, int(min(plan.tune_cells / cells_a_row, problem.n_rows)))
    folds = folds_of(part, 5)[: plan.folds]
    settings = []
    for setting in boosting_settings(problem)[: plan.settings]:
        params = setting | {"learning_rate": plan.learning_rate}
        settings.append((params, plan.rounds_of(params)))
    trials = _try_boosting(part, folds, settings)
    held = np.concatenate([held_rows for _, held_rows in folds])
    chosen, held_out = _best_together(part, trials, plan.members, part.target[held])

    progress(0.7, f"fitting {algorithm.name}")
    members = [
        (trial.params, max(1, round(trial.rounds * boosting.ALL_ROWS_ROUNDS)))
        for trial in chosen
    ]
    estimator = _fit_boosting(problem, members)
    best, rounds = members[0]
    shown = best | {"n_estimators": rounds, "n_members": len(members)}
    return Found(estimator, algorithm, shown, held_out)


def _best_together(
    problem: Problem, trials: Sequence[Trial], most: int, truth: npt.NDArray[Any]
) -> tuple[list[Trial], HeldOut]:
    """The best settings by score, as many as make the best mean."""
    options = []
    for trial in trials:
        held_out = HeldOut(linked(trial.raw, problem.objective), truth)
        options.append((_score(problem, held_out), trial))
    ranked = [trial for _, trial in sorted(options, key=lambda option: -option[0])]
    best: tuple[float, list[Trial], HeldOut] | None = None
    for size in range(1, most + 1):
        mean = np.mean([trial.raw for trial in ranked[:size]], axis=0)
        held_out = HeldOut(linked(mean, problem.objective), truth)
        score = _score(problem, held_out)
        if best is None or score >= best[0]:
            best = score, ranked[:size], held_out
    assert best is not None  # there is at least one trial
    return best[1], best[2]


def boosting_settings(problem: Problem) -> list[Params]:
    """LightGBM settings worth a trial, the most likely first."""
    shared: Params = {
        "objective": problem.objective,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "feature_fraction_bynode": 0.7 if problem.matrix.shape[1] > 3 else 1.0,
    }
    if problem.n_classes > 2:
        shared["num_class"] = problem.n_classes
        if problem.n_rows >= 3_000:
            # leaves of almost certain rows make scores of rare classes explode
            shared["min_sum_hessian_in_leaf"] = 1.0
    if problem.n_rows < 3_000:
        # LightGBM's own least leaf of 20 rows is half of a small table
        shared["min_data_in_bin"] = 1
        shapes: list[Params] = [
            {"num_leaves": 7, "min_data_in_leaf": 5},
            {"num_leaves": 4, "min_data_in_leaf": 5, "lambda_l2": 1.0},
            {"num_leaves": 15, "min_data_in_leaf": 10},
            {"num_leaves": 31, "min_data_in_leaf": 20},
        ]
        if problem.categorical:
            shapes.append(shapes[0] | ONE_AGAINST_REST)
    else:
        first: Params = {"num_leaves": 31, "min_data_in_leaf": 20}
        large: Params = {"num_leaves": 63, "min_data_in_leaf": 20}
        if not problem.n_classes:
            large = {"num_leaves": 127, "min_data_in_leaf": 10}
        shapes = [first, large]
        if problem.categorical:
            shapes += [first | ONE_AGAINST_REST, first | TRUSTING_WORDS]
        shapes.append({"num_leaves": 15, "min_data_in_leaf": 20, "lambda_l2": 1.0})
        shapes.append(first | {"feature_fraction_bynode": 0.4})
    return [shared | shape for shape in shapes]


def _try_boosting(
    problem: Problem,
    folds: Sequence[Fold],
    settings: Sequence[tuple[Params, int]],
) -> list[Trial]:
    return boosting.try_out(
        problem.matrix,
        problem.target,
        problem.categorical,
        folds,
        settings,
        problem.threads,
    )


def _fit_boosting(problem: Problem, members: Sequence[tuple[Params, int]]) -> Boosters:
    return boosting.fit(
        problem.matrix, problem.target, problem.categorical, members, problem.threads
    )


def _cross_validate(
    problem: Problem,
    algorithm: Algorithm,
    params: Params,
    folds: Sequence[Fold],
) -> HeldOut:
    outputs = []
    for fit_rows, held_rows in folds:
        fitted = _fit(problem.rows(fit_rows), algorithm, params)
        outputs.append(fitted.predict(problem.matrix[held_rows], problem.threads))
    held = np.concatenate([held_rows for _, held_rows in folds])
    return HeldOut(np.concatenate(outputs), problem.target[held])


def _fit(problem: Problem, algorithm: Algorithm, params: Params) -> Fitted:
    return algorithms.fit(
        algorithm,
        params,
        problem.matrix,
        problem.target,
        problem.categorical,
        problem.n_classes,
        problem.threads,
    )


def _without_holdout(problem: Problem, field: Sequence[Algorithm]) -> Found:
    """A regression on a handful of rows: the simplest candidate, scored on them."""
    simple = [item for item in field if item.build is not None]
    if not simple:
        params = boosting_settings(problem)[1] | {"learning_rate": 0.1}
        params |= {"min_data_in_leaf": 1, "bagging_freq": 0}
        boosters = _fit_boosting(problem, [(params, 20)])
        output = boosters.predict(problem.matrix, problem.threads)
        return Found(boosters, field[0], params, HeldOut(output, problem.target))
    params = simple[0].settings[0]
    fitted = _fit(problem, simple[0], params)
    output = fitted.predict(problem.matrix, problem.threads)
    return Found(fitted, simple[0], params, HeldOut(output, problem.target))


def _score(problem: Problem, held_out: HeldOut) -> float:
    """The metric on held-out rows, or minus infinity where it means nothing."""
    try:
        score = problem.metric(held_out.truth, held_out.output)
    except ValueError:
        return -np.inf
    return score if np.isfinite(score) else -np.inf
