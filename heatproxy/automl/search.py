"""Which algorithm, with which settings: a race on a sample, then a little tuning.

Every comparison is made on rows the candidate has not seen. Choices depend on the data
and the options alone, never on the clock, so the same call gives the same model; only
where a time is set, nothing more is tried when it is over. Boosting gains more from
tuning than the others do: where it comes in close behind the winner, both are tuned.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import assert_never

import numpy as np

from heatproxy.automl import algorithms, boosting, shapes, xgboosting
from heatproxy.automl.algorithms import Algorithm, Fitted, Library, Params
from heatproxy.automl.boosting import Boosters, linked
from heatproxy.automl.problem import (
    Fold,
    HeldOut,
    Problem,
    Progress,
    folds_of,
    sample,
    score_of,
)
from heatproxy.automl.xgboosting import XGBooster
from heatproxy.errors import secondary_engine

Estimator = Boosters | XGBooster | Fitted

RACE_ROWS, TUNE_ROWS = 5_000, 10_000
RACE_TREES, TUNE_TREES = 50, 100
RACE_ROUNDS, FIXED_ROUNDS = 300, 100
FEW_ROWS = 10  # fewer: nothing can be held out
CLOSE = 0.1  # of the winner's score


@dataclass(frozen=True, slots=True)
class Found:
    """The chosen algorithm, fitted to all rows."""

    estimator: Estimator
    algorithm: Algorithm
    params: Params
    held_out: HeldOut


@dataclass(frozen=True, slots=True)
class _Tuned:
    """The best settings of an algorithm; ``fit`` fits them to all rows."""

    algorithm: Algorithm
    params: Params
    held_out: HeldOut
    fit: Callable[[], Estimator]


def find(
    problem: Problem,
    candidates: Sequence[Algorithm],
    chosen_by_user: bool,
    progress: Progress,
    fixed: Params | None = None,
) -> Found:
    """Race the candidates, tune the winner, fit it to all rows.

    ``candidates`` that need too long on so many rows are left out unless the user
    chose them or nothing else is left. With ``fixed`` settings nothing is tuned.
    """
    quick = [item for item in candidates if problem.n_rows <= item.auto_rows]
    field = list(candidates if chosen_by_user else quick or candidates)
    if fixed is not None:
        return _fit_fixed(problem, field[0], fixed)
    if problem.n_rows < FEW_ROWS:
        return _without_holdout(problem, field)
    runners = _race(problem, field, progress) if len(field) > 1 else field[:1]
    best = _tune(problem, runners[0], progress)
    for algorithm in runners[1:]:
        if problem.is_late:
            break
        other = _tune(problem, algorithm, progress)
        if score_of(problem, other.held_out) > score_of(problem, best.held_out):
            best = other
    progress(0.7, f"fitting {best.algorithm.name}")
    return Found(best.fit(), best.algorithm, best.params, best.held_out)


def finalists(
    scores: Sequence[tuple[Algorithm, float]], margin: float
) -> list[Algorithm]:
    """Who won the race, and LightGBM if it is close behind.

    ``scores`` are in the order of the race; a later one wins by ``margin`` of the best
    before.
    """
    best, best_score = scores[0][0], -np.inf
    for algorithm, score in scores:
        hurdle = margin * abs(best_score) if np.isfinite(best_score) else 0.0
        if score > best_score + hurdle:
            best, best_score = algorithm, score
    close = best_score - CLOSE * abs(best_score)
    boosted = [
        algorithm
        for algorithm, score in scores
        if algorithm.library is Library.LIGHTGBM and score >= close
    ]
    return [best, *(algorithm for algorithm in boosted if algorithm is not best)]


def _race(
    problem: Problem, field: Sequence[Algorithm], progress: Progress
) -> list[Algorithm]:
    part = sample(problem, RACE_ROWS)
    folds = folds_of(part, 5 if part.n_rows < 2000 else 3)
    # what wins on a sample has to win clearly: boosting gains most from more rows
    margin = 0.02 if part.n_rows < problem.n_rows else 0.0
    scores: list[tuple[Algorithm, float]] = []
    for place, algorithm in enumerate(field):
        if place and problem.is_late:
            break
        progress(0.05 + 0.35 * place / len(field), f"trying {algorithm.name}")
        held_out = _first_setting(part, algorithm, folds)
        scores.append((algorithm, score_of(part, held_out)))
    return finalists(scores, margin)


def _first_setting(
    problem: Problem, algorithm: Algorithm, folds: Sequence[Fold]
) -> HeldOut:
    held = np.concatenate([held_rows for _, held_rows in folds])
    if algorithm.library is Library.SCIKIT:
        params = algorithm.settings[0]
        if algorithm.is_forest:
            params = params | {"n_estimators": RACE_TREES}
        return _cross_validate(problem, algorithm, params, folds)
    if algorithm.library is Library.XGBOOST:
        settings = xgboosting.settings_of(problem.objective, problem.n_classes)
        raw = xgboosting.try_out(problem, folds, settings[:1], RACE_ROUNDS)[0].raw
    else:
        settings = [shapes.plain_settings(problem) | {"learning_rate": 0.1}]
        raw = boosting.try_out(problem, folds, [(settings[0], RACE_ROUNDS)])[0].raw
    return HeldOut(linked(raw, problem.objective), problem.target[held])


def _tune(problem: Problem, algorithm: Algorithm, progress: Progress) -> _Tuned:
    progress(0.4, f"tuning {algorithm.name}")
    match algorithm.library:
        case Library.LIGHTGBM:
            return _tune_lightgbm(problem, algorithm, progress)
        case Library.XGBOOST:
            return _tune_xgboost(problem, algorithm)
        case Library.SCIKIT:
            return _tune_scikit(problem, algorithm)
        case _:
            assert_never(algorithm.library)


def _tune_scikit(problem: Problem, algorithm: Algorithm) -> _Tuned:
    part = sample(problem, TUNE_ROWS)
    # shares and rows as LightGBM is tuned with, so that the two compare
    folds = folds_of(part, 5)[: 5 if part.n_rows < 2000 else 3]
    trials: list[tuple[HeldOut, Params]] = []
    for params in algorithm.settings:
        if trials and problem.is_late:
            break
        trees = {"n_estimators": TUNE_TREES} if algorithm.is_forest else {}
        held_out = _cross_validate(part, algorithm, params | trees, folds)
        trials.append((held_out, params))
    held_out, params = max(trials, key=lambda trial: score_of(part, trial[0]))
    fit = partial(_fit, problem, algorithm, params)
    return _Tuned(algorithm, params, held_out, fit)


def _tune_lightgbm(
    problem: Problem, algorithm: Algorithm, progress: Progress
) -> _Tuned:
    tuned = shapes.tune(problem, progress)
    best, rounds = tuned.members[0]
    shown = best | {"n_estimators": rounds, "n_members": len(tuned.members)}
    fit = partial(boosting.fit, problem, tuned.members)
    return _Tuned(algorithm, shown, tuned.held_out, fit)


def _tune_xgboost(problem: Problem, algorithm: Algorithm) -> _Tuned:
    part = sample(problem, max(shapes.FEWEST_TUNE_ROWS, _tune_rows(problem)))
    folds = folds_of(part, 5)[: 2 if part.n_rows <= TUNE_ROWS else 1]
    settings = xgboosting.settings_of(problem.objective, problem.n_classes)
    rounds = xgboosting.most_rounds(part.cells)
    trials = xgboosting.try_out(part, folds, settings, rounds)
    truth = part.target[np.concatenate([held for _, held in folds])]
    kept, held_out = shapes.best_together(part, trials, truth, 1)
    best = kept[0]
    fit = partial(xgboosting.fit, problem, best.params, best.rounds)
    return _Tuned(algorithm, best.params | {"n_estimators": best.rounds}, held_out, fit)


def _tune_rows(problem: Problem) -> int:
    return shapes.TUNE_CELLS * problem.n_rows // max(problem.cells, 1)


def _cross_validate(
    problem: Problem, algorithm: Algorithm, params: Params, folds: Sequence[Fold]
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


def _fit_fixed(problem: Problem, algorithm: Algorithm, fixed: Params) -> Found:
    """The settings of a call, judged on a fold and fitted to all rows.

    Raises:
        MySQLError: 3877, values that the algorithm refuses.
    """
    folds = folds_of(problem, 5)[:1]
    truth = problem.target[folds[0][1]]

    def fitted(part: Problem) -> Estimator:
        if algorithm.library is Library.SCIKIT:
            return _fit(part, algorithm, algorithm.settings[0] | fixed)
        rounds = int(fixed.get("n_estimators", FIXED_ROUNDS))
        own = {name: fixed[name] for name in fixed if name != "n_estimators"}
        if algorithm.library is Library.XGBOOST:
            first = xgboosting.settings_of(part.objective, part.n_classes)[0]
            return xgboosting.fit(part, first | own, rounds)
        return boosting.fit(part, [(shapes.plain_settings(part) | own, rounds)])

    try:
        part = fitted(problem.rows(folds[0][0]))
        held_out = HeldOut(
            part.predict(problem.matrix[folds[0][1]], problem.threads), truth
        )
        return Found(fitted(problem), algorithm, fixed, held_out)
    except (
        ValueError,
        TypeError,
        *boosting.REFUSALS,
        *xgboosting.REFUSALS,
    ) as problem_:
        raise secondary_engine(
            f"ML_TRAIN: hyperparameters of {algorithm.name}: {str(problem_)[:200]}"
        ) from None


def _without_holdout(problem: Problem, field: Sequence[Algorithm]) -> Found:
    """A regression on a handful of rows: the simplest candidate, scored on them."""
    simple = [item for item in field if item.library is Library.SCIKIT]
    estimator: Estimator
    if not simple and field[0].library is Library.XGBOOST:
        params = xgboosting.settings_of(problem.objective, problem.n_classes)[1]
        estimator = xgboosting.fit(problem, params, FEW_ROWS)
    elif not simple:
        params = shapes.plain_settings(problem) | {"learning_rate": 0.1}
        params |= {"num_leaves": 4, "min_data_in_leaf": 1, "bagging_freq": 0}
        estimator = boosting.fit(problem, [(params, 2 * FEW_ROWS)])
    else:
        field, params = simple, simple[0].settings[0]
        estimator = _fit(problem, simple[0], params)
    output = estimator.predict(problem.matrix, problem.threads)
    return Found(estimator, field[0], params, HeldOut(output, problem.target))
