"""LightGBM: boosters of several settings, averaged.

The rounds of each are found by early stopping on rows held out, then all are fitted to
all rows. Boosters of different shapes err differently, so that their mean is better
than any of them; the mean is taken before the link function, where contributions of
features add up as in one booster.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.openmp import lightgbm as lgb
from heatproxy.automl.problem import Fold, Problem

SEED = 20
ALL_ROWS_ROUNDS = 1.1  # all rows carry a few rounds more than a fold's rows
LIKE_COUNTS = "poisson"  # positive numbers, their logarithm learned, their mean met
Params = dict[str, Any]
REFUSALS = (lgb.basic.LightGBMError,)


@dataclass(frozen=True, slots=True)
class Boosters:
    """A fitted ensemble. ``outputs`` is 1 for regression and two classes."""

    members: tuple[lgb.Booster, ...]
    objective: str
    outputs: int

    def predict(self, matrix: FloatArray, threads: int) -> FloatArray:
        """Probabilities (n_rows, n_classes), or values (n_rows,) for a regression."""
        return linked(self.raw(matrix, threads), self.objective)

    def raw(self, matrix: FloatArray, threads: int) -> FloatArray:
        """Scores before the link: (n_rows,), or (n_rows, n_classes) if 3 or more."""
        scores = [
            np.asarray(member.predict(matrix, raw_score=True, num_threads=threads))
            for member in self.members
        ]
        return np.asarray(np.mean(scores, axis=0), dtype=np.float64)

    def contributions(self, matrix: FloatArray, threads: int) -> FloatArray:
        """SHAP values of the raw scores: (n_rows, width, outputs).

        Source: Lundberg et al., "Consistent Individualized Feature Attribution for
        Tree Ensembles", as LightGBM computes it.
        """
        shares = [
            np.asarray(member.predict(matrix, pred_contrib=True, num_threads=threads))
            for member in self.members
        ]
        flat = np.asarray(np.mean(shares, axis=0), dtype=np.float64)
        per_output = flat.reshape(len(matrix), self.outputs, matrix.shape[1] + 1)
        return per_output[:, :, :-1].transpose(0, 2, 1)


@dataclass(frozen=True, slots=True)
class Trial:
    """What the held-out rows said of one setting.

    ``raw`` are scores before the link of the folds' second parts, one after another.
    ``late_gain`` is the share of the loss that the last third of the rounds took away.
    """

    params: Params
    raw: FloatArray
    rounds: int
    late_gain: float = 0.0


def linked(raw: FloatArray, objective: str) -> FloatArray:
    """Raw scores as probabilities (n_rows, n_classes) or values (n_rows,)."""
    if objective == "binary":
        yes = 1.0 / (1.0 + np.exp(-raw))
        return np.column_stack([1.0 - yes, yes])
    if objective == "multiclass":
        scores = np.exp(raw - raw.max(axis=1, keepdims=True))
        return np.asarray(scores / scores.sum(axis=1, keepdims=True))
    return np.exp(np.minimum(raw, 700.0)) if objective == LIKE_COUNTS else raw


def try_out(
    problem: Problem, folds: Sequence[Fold], settings: Sequence[tuple[Params, int]]
) -> list[Trial]:
    """Fit on the first part of each fold, stop early on its second.

    ``settings`` are parameters with the most rounds allowed. The rounds of a trial
    are the mean of where its folds stopped.
    """
    matrix, target = problem.matrix, problem.target

    def one(job: tuple[Params, int, Fold], inner: int) -> tuple[FloatArray, int, float]:
        params, max_rounds, (fit_rows, held_rows) = job
        full = _full_params(params, inner)
        train = _dataset(matrix[fit_rows], target[fit_rows], problem.categorical, full)
        held = train.create_valid(matrix[held_rows], target[held_rows])
        patience = max(20, round(2.0 / params["learning_rate"]))
        stop = lgb.early_stopping(patience, first_metric_only=True, verbose=False)
        losses: dict[str, dict[str, list[float]]] = {}
        record = lgb.record_evaluation(losses)
        calls: list[Callable[..., Any]] = [record, stop, *_ending(problem.until)]
        booster = lgb.train(full, train, max_rounds, valid_sets=[held], callbacks=calls)
        raw = booster.predict(matrix[held_rows], raw_score=True, num_threads=inner)
        by_metric = next(iter(losses.values()), {})  # of the only rows held out
        gain = _late_gain(next(iter(by_metric.values()), []))
        return np.asarray(raw, dtype=np.float64), max(booster.best_iteration, 1), gain

    jobs = [(params, most, fold) for params, most in settings for fold in folds]
    done = _in_parallel(one, jobs, problem.threads)
    trials = []
    for place, (params, _) in enumerate(settings):
        own = done[place * len(folds) : (place + 1) * len(folds)]
        raws, rounds, gains = zip(*own, strict=True)
        mean = max(1, round(float(np.mean(rounds))))
        trials.append(Trial(params, np.concatenate(raws), mean, float(np.mean(gains))))
    return trials


def _late_gain(losses: Sequence[float]) -> float:
    """The share of the least loss that the last third of the rounds took away."""
    if not losses:
        return 0.0
    before, after = min(losses[: 2 * len(losses) // 3 + 1]), min(losses)
    return (before - after) / before if before > 0 else 0.0


def fit(problem: Problem, settings: Sequence[tuple[Params, int]]) -> Boosters:
    """Fit one booster a setting (parameters, rounds) to all rows."""

    def one(job: tuple[Params, int], inner: int) -> lgb.Booster:
        params, rounds = job
        full = _full_params(params, inner)
        data = _dataset(problem.matrix, problem.target, problem.categorical, full)
        booster = lgb.train(full, data, rounds, callbacks=_ending(problem.until))
        # reading it back drops the training data it would keep alive
        return lgb.Booster(model_str=booster.model_to_string())

    members = _in_parallel(one, settings, problem.threads)
    first = settings[0][0]
    return Boosters(tuple(members), first["objective"], first.get("num_class", 1))


def _ending(until: float) -> list[Callable[[Any], None]]:
    """What ends a training when its time is over, with the rounds that it has."""
    if np.isinf(until):
        return []

    def check(state: Any) -> None:
        if time.monotonic() > until:
            best = state.evaluation_result_list
            raise lgb.callback.EarlyStopException(state.iteration, best)

    return [check]


Job = TypeVar("Job")
Result = TypeVar("Result")


def _in_parallel(
    work: Callable[[Job, int], Result], jobs: Sequence[Job], threads: int
) -> list[Result]:
    """Results in order; each job runs on one thread unless there is only one job.

    Threads inside LightGBM meet at a barrier many times a tree, which is slow on a
    busy machine; jobs side by side never meet.
    """
    if len(jobs) == 1 or threads == 1:
        return [work(job, threads) for job in jobs]
    with ThreadPoolExecutor(threads) as pool:
        results: Iterable[Result] = pool.map(lambda job: work(job, 1), jobs)
        return list(results)


def _dataset(
    matrix: FloatArray,
    target: npt.NDArray[Any],
    categorical: Sequence[int],
    params: Params,
) -> lgb.Dataset:
    names = [f"f{i}" for i in range(matrix.shape[1])]
    return lgb.Dataset(
        matrix,
        target,
        feature_name=names,
        categorical_feature=list(categorical),
        params=params,
        free_raw_data=False,
    )


def _full_params(params: Params, threads: int) -> Params:
    return {
        "seed": SEED,
        **params,
        "num_threads": threads,
        "deterministic": True,
        "force_row_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
    }
