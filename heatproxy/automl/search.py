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
from heatproxy.automl.boosting import Boosters, Plan, RowArray, linked
from heatproxy.automl.columns import FloatArray
from heatproxy.automl.metrics import Metric

Estimator = Boosters | Fitted
Progress = Callable[[float, str], None]

SEED = 20
RACE_ROWS, TUNE_ROWS, CV_ROWS = 5_000, 30_000, 300_000
RACE_TREES = 50
FEW_ROWS = 10  # fewer: nothing can be held out
CLASS_ROWS_IN_SAMPLE = 10


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


def folds_of(problem: Problem, folds: int) -> list[tuple[RowArray, RowArray]]:
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
    folds: Sequence[tuple[RowArray, RowArray]],
) -> HeldOut:
    if algorithm.build is None:
        params = boosting_settings(problem)[0] | {"learning_rate": 0.1}
        return _try_boosting(problem, params, folds, 300)[0]
    params = algorithm.settings[0]
    if algorithm.is_forest:
        params = params | {"n_estimators": RACE_TREES}
    return _cross_validate(problem, algorithm, params, folds)


def _tune(problem: Problem, algorithm: Algorithm, progress: Progress) -> Found:
    part = sample(problem, TUNE_ROWS)
    folds = folds_of(part, 5 if part.n_rows < 2000 else 3)
    trials = [
        (_cross_validate(part, algorithm, params, folds), params)
        for params in algorithm.settings
    ]
    held_out, params = max(trials, key=lambda trial: _score(part, trial[0]))
    progress(0.7, f"fitting {algorithm.name}")
    return Found(_fit(problem, algorithm, params), algorithm, params, held_out)


def _tune_boosting(
    problem: Problem, algorithm: Algorithm, progress: Progress
) -> Found:
    part = sample(problem, TUNE_ROWS)
    folds = folds_of(part, 5)
    folds = folds if part.n_rows < 5_000 else folds[:1]
    trials = []
    for setting in boosting_settings(problem):
        tried = setting | {"learning_rate": 0.1}
        held_out, _ = _try_boosting(part, tried, folds, 500)
        trials.append((_score(part, held_out), setting))
    best = max(trials, key=lambda trial: trial[0])[1]

    plan = Plan.of(problem.n_rows, problem.matrix.shape[1], problem.outputs)
    params = best | {"learning_rate": plan.learning_rate}
    part = sample(problem, CV_ROWS)
    folds = folds_of(part, max(plan.folds, 5))[: plan.folds if plan.folds > 1 else 1]
    progress(0.55, f"cross-validating {algorithm.name}")
    held_out, rounds = _try_boosting(part, params, folds, plan.max_rounds)
    progress(0.75, f"fitting {algorithm.name}")
    rounds = max(1, round(rounds * boosting.CV_SHRINKS_ROUNDS))
    estimator = boosting.fit(
        problem.matrix,
        problem.target,
        problem.categorical,
        params,
        rounds,
        plan.members,
        problem.threads,
    )
    shown = params | {"n_estimators": rounds, "n_members": plan.members}
    return Found(estimator, algorithm, shown, held_out)


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
    if problem.n_rows < 3_000:
        # LightGBM's own least leaf of 20 rows is half of a small table
        shared["min_data_in_bin"] = 1
        shapes: list[Params] = [
            {"num_leaves": 7, "min_data_in_leaf": 5},
            {"num_leaves": 4, "min_data_in_leaf": 5, "lambda_l2": 1.0},
            {"num_leaves": 15, "min_data_in_leaf": 10},
            {"num_leaves": 31, "min_data_in_leaf": 20},
        ]
    else:
        shapes = [
            {"num_leaves": 31, "min_data_in_leaf": 20},
            {"num_leaves": 15, "min_data_in_leaf": 20, "lambda_l2": 1.0},
            {"num_leaves": 63, "min_data_in_leaf": 20},
        ]
        if not problem.n_classes:
            shapes.append({"num_leaves": 127, "min_data_in_leaf": 10})
        if problem.categorical:
            # trusts rare words sooner than LightGBM's own settings do
            words = {"cat_smooth": 1.0, "cat_l2": 1.0, "min_data_per_group": 20}
            shapes.append(shapes[0] | words)
    return [shared | shape for shape in shapes]


def _try_boosting(
    problem: Problem,
    params: Params,
    folds: Sequence[tuple[RowArray, RowArray]],
    max_rounds: int,
) -> tuple[HeldOut, int]:
    trial = boosting.try_out(
        problem.matrix,
        problem.target,
        problem.categorical,
        folds,
        params,
        max_rounds,
        problem.threads,
    )
    output = linked(trial.raw, problem.objective)
    return HeldOut(output, problem.target[trial.held_out]), trial.rounds


def _cross_validate(
    problem: Problem,
    algorithm: Algorithm,
    params: Params,
    folds: Sequence[tuple[RowArray, RowArray]],
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
        boosters = boosting.fit(
            problem.matrix,
            problem.target,
            problem.categorical,
            params,
            20,
            1,
            problem.threads,
        )
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
