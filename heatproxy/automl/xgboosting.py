"""XGBoost: settings tried on rows held out, the best fitted to all rows.

Each fit runs on one thread, so that the model does not depend on how many there are.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost

from heatproxy.automl.boosting import ALL_ROWS_ROUNDS, Trial, linked
from heatproxy.automl.columns import FloatArray
from heatproxy.automl.problem import Fold, Problem

SEED = 20
PATIENCE = 30
SETTINGS: tuple[dict[str, Any], ...] = (
    {"max_depth": 6, "min_child_weight": 5.0},
    {"max_depth": 4, "min_child_weight": 1.0},
    {"max_depth": 9, "min_child_weight": 10.0, "reg_lambda": 5.0},
)
OBJECTIVES = {
    "binary": "binary:logistic",
    "multiclass": "multi:softprob",
    "regression": "reg:squarederror",
    "regression_l1": "reg:absoluteerror",
}
REFUSALS = (xgboost.core.XGBoostError,)
_PLAIN_CELLS, _ROUNDS, _FEWEST_ROUNDS = 5e5, 600, 100


@dataclass(frozen=True, slots=True)
class XGBooster:
    """A fitted booster. ``objective`` is LightGBM's word; ``outputs`` 1, or classes
    if they are 3 or more.
    """

    booster: xgboost.Booster
    objective: str
    outputs: int
    categorical: tuple[int, ...]

    def predict(self, matrix: FloatArray, threads: int) -> FloatArray:
        """Probabilities (n_rows, n_classes), or values (n_rows,) for a regression."""
        return linked(self.raw(matrix, threads), self.objective)

    def raw(self, matrix: FloatArray, threads: int) -> FloatArray:
        """Scores before the link: (n_rows,), or (n_rows, n_classes) if 3 or more."""
        rows = _rows(matrix, None, self.categorical, threads)
        return np.asarray(self.booster.predict(rows, output_margin=True), np.float64)

    def contributions(self, matrix: FloatArray, threads: int) -> FloatArray:
        """SHAP values of the raw scores: (n_rows, width, outputs)."""
        rows = _rows(matrix, None, self.categorical, threads)
        shares = np.asarray(self.booster.predict(rows, pred_contribs=True), np.float64)
        per_output = shares.reshape(len(matrix), self.outputs, matrix.shape[1] + 1)
        return per_output[:, :, :-1].transpose(0, 2, 1)


def settings_of(objective: str, n_classes: int) -> list[dict[str, Any]]:
    """The settings worth a trial."""
    shared: dict[str, Any] = {
        "objective": objective,
        "learning_rate": 0.1,
        "subsample": 0.8,
        "colsample_bynode": 0.8,
    }
    if n_classes > 2:
        shared["num_class"] = n_classes
    return [shared | shape for shape in SETTINGS]


def most_rounds(cells: float) -> int:
    """Rounds at most, for rows x columns x outputs of a table."""
    share = min(1.0, 10.0 * _PLAIN_CELLS / max(cells, 1.0))
    return max(_FEWEST_ROUNDS, round(_ROUNDS * share))


def try_out(
    problem: Problem,
    folds: Sequence[Fold],
    settings: Sequence[dict[str, Any]],
    rounds: int,
) -> list[Trial]:
    """Fit on the first part of each fold, stop early on its second."""
    matrix, target, categorical = problem.matrix, problem.target, problem.categorical

    def one(job: tuple[dict[str, Any], Fold]) -> tuple[FloatArray, int]:
        params, (fit_rows, held_rows) = job
        learnt = _rows(matrix[fit_rows], target[fit_rows], categorical, 1)
        held = _rows(matrix[held_rows], target[held_rows], categorical, 1)
        booster = xgboost.train(
            _full(params),
            learnt,
            rounds,
            evals=[(held, "held")],
            early_stopping_rounds=PATIENCE,
            verbose_eval=False,
            callbacks=_ending(problem.until),
        )
        best = int(booster.best_iteration) + 1
        raw = booster.predict(held, output_margin=True, iteration_range=(0, best))
        return np.asarray(raw, np.float64), best

    jobs = [(params, fold) for params in settings for fold in folds]
    with ThreadPoolExecutor(problem.threads) as pool:
        done = list(pool.map(one, jobs))
    trials = []
    for place, params in enumerate(settings):
        own = done[place * len(folds) : (place + 1) * len(folds)]
        mean = float(np.mean([best for _, best in own])) * ALL_ROWS_ROUNDS
        trials.append(
            Trial(params, np.concatenate([raw for raw, _ in own]), max(1, round(mean)))
        )
    return trials


def fit(problem: Problem, params: dict[str, Any], rounds: int) -> XGBooster:
    """Fit one setting to all rows."""
    learnt = _rows(problem.matrix, problem.target, problem.categorical, 1)
    booster = xgboost.train(
        _full(params), learnt, rounds, callbacks=_ending(problem.until)
    )
    return XGBooster(
        loaded(bytes(booster.save_raw("json"))),
        str(params["objective"]),
        int(params.get("num_class", 1)),
        problem.categorical,
    )


def loaded(content: bytes) -> xgboost.Booster:
    """A booster of its own JSON; it predicts with as many threads as a call says."""
    booster = xgboost.Booster(params={"verbosity": 0})
    booster.load_model(bytearray(content))
    return booster


class _Clock(xgboost.callback.TrainingCallback):
    """Ends a training when its time is over, with the rounds that it has."""

    def __init__(self, until: float) -> None:
        super().__init__()
        self._until = until

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        return time.monotonic() > self._until


def _ending(until: float) -> list[_Clock]:
    return [] if np.isinf(until) else [_Clock(until)]


def _full(params: dict[str, Any]) -> dict[str, Any]:
    return {
        **params,
        "objective": OBJECTIVES[str(params["objective"])],
        "tree_method": "hist",
        "nthread": 1,
        "seed": SEED,
        "verbosity": 0,
    }


def _rows(
    matrix: FloatArray,
    target: npt.NDArray[Any] | None,
    categorical: tuple[int, ...],
    threads: int,
) -> xgboost.DMatrix:
    kinds = ["c" if i in set(categorical) else "q" for i in range(matrix.shape[1])]
    return xgboost.DMatrix(
        matrix, target, feature_types=kinds, enable_categorical=True, nthread=threads
    )
