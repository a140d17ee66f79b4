"""LightGBM: boosters of several settings, averaged.

The rounds of each are found by early stopping on rows held out, then all are fitted to
all rows. Boosters of different shapes err differently, so that their mean is better
than any of them; the mean is taken before the link function, where contributions of
features add up as in one booster.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.openmp import lightgbm as lgb

SEED = 20
ALL_ROWS_ROUNDS = 1.05  # all rows carry a few rounds more than a fold's rows
Params = dict[str, Any]
RowArray = npt.NDArray[np.int64]
Fold = tuple[RowArray, RowArray]

# rows x columns x outputs for which a plain LightGBM model takes about 0.3 s
_PLAIN_MODEL_CELLS = 5e5
_PLAIN_LEAVES = 31


@dataclass(frozen=True, slots=True)
class Plan:
    """How much work a table of this size is worth; depends on nothing else.

    The aim is about 10 s more than three plain models on two cores.
    """

    folds: int  # of five that are used; the fewer, the less held-out data
    settings: int  # tried
    members: int  # kept at most
    learning_rate: float
    max_rounds: int  # of trees with 31 leaves; fewer of larger ones
    tune_cells: float  # rows x columns x outputs to tune on

    @classmethod
    def of(cls, n_rows: int, width: int, outputs: int) -> "Plan":
        plain_models = n_rows * width * outputs / _PLAIN_MODEL_CELLS
        if plain_models <= 1.2:
            return cls(2 if n_rows > 2000 else 5, 6, 5, 0.05, 700, np.inf)
        if plain_models <= 3:
            return cls(1, 5, 3, 0.05, 600, np.inf)
        if plain_models <= 40:
            return cls(1, 3, 2, 0.1, 300, np.inf)
        return cls(1, 2, 1, 0.1, 150, 5 * _PLAIN_MODEL_CELLS)

    def rounds_of(self, params: Params) -> int:
        leaves = int(params.get("num_leaves", _PLAIN_LEAVES))
        return round(self.max_rounds * min(1.0, 1.5 * _PLAIN_LEAVES / leaves))


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
    """

    params: Params
    raw: FloatArray
    rounds: int


def linked(raw: FloatArray, objective: str) -> FloatArray:
    """Raw scores as probabilities (n_rows, n_classes) or values (n_rows,)."""
    if objective == "binary":
        yes = 1.0 / (1.0 + np.exp(-raw))
        return np.column_stack([1.0 - yes, yes])
    if objective == "multiclass":
        scores = np.exp(raw - raw.max(axis=1, keepdims=True))
        return np.asarray(scores / scores.sum(axis=1, keepdims=True))
    return raw


def try_out(
    matrix: FloatArray,
    target: npt.NDArray[Any],
    categorical: Sequence[int],
    folds: Sequence[Fold],
    settings: Sequence[tuple[Params, int]],
    threads: int,
) -> list[Trial]:
    """Fit on the first part of each fold, stop early on its second.

    ``settings`` are parameters with the most rounds allowed. The rounds of a trial
    are the mean of where its folds stopped.
    """

    def one(job: tuple[Params, int, Fold], inner: int) -> tuple[FloatArray, int]:
        params, max_rounds, (fit_rows, held_rows) = job
        full = _full_params(params, inner)
        train = _dataset(matrix[fit_rows], target[fit_rows], categorical, full)
        held = train.create_valid(matrix[held_rows], target[held_rows])
        patience = max(20, round(2.0 / params["learning_rate"]))
        stop = lgb.early_stopping(patience, first_metric_only=True, verbose=False)
        booster = lgb.train(
            full, train, max_rounds, valid_sets=[held], callbacks=[stop]
        )
        raw = booster.predict(matrix[held_rows], raw_score=True, num_threads=inner)
        return np.asarray(raw, dtype=np.float64), max(booster.best_iteration, 1)

    jobs = [(params, most, fold) for params, most in settings for fold in folds]
    done = _in_parallel(one, jobs, threads)
    trials = []
    for place, (params, _) in enumerate(settings):
        own = done[place * len(folds) : (place + 1) * len(folds)]
        rounds = max(1, round(float(np.mean([rounds for _, rounds in own]))))
        trials.append(Trial(params, np.concatenate([raw for raw, _ in own]), rounds))
    return trials


def fit(
    matrix: FloatArray,
    target: npt.NDArray[Any],
    categorical: Sequence[int],
    settings: Sequence[tuple[Params, int]],
    threads: int,
) -> Boosters:
    """Fit one booster a setting (parameters, rounds) to all rows."""

    def one(job: tuple[Params, int], inner: int) -> lgb.Booster:
        params, rounds = job
        full = _full_params(params, inner)
        booster = lgb.train(full, _dataset(matrix, target, categorical, full), rounds)
        # reading it back drops the training data it would keep alive
        return lgb.Booster(model_str=booster.model_to_string())

    members = _in_parallel(one, settings, threads)
    first = settings[0][0]
    return Boosters(tuple(members), first["objective"], first.get("num_class", 1))


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
        **params,
        "seed": SEED,
        "num_threads": threads,
        "deterministic": True,
        "force_row_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
    }
