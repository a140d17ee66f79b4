"""LightGBM: several boosters that differ in their seeds, averaged.

The number of rounds is found by early stopping in cross-validation, then every
booster is fitted to all rows. Averaging happens before the link function, so the
contributions of features add up as in one booster, and the average is deterministic.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from heatproxy.automl.columns import FloatArray

SEED = 20
CV_SHRINKS_ROUNDS = 1.05  # all rows support a few rounds more than a fold's rows
Params = dict[str, Any]
RowArray = npt.NDArray[np.int64]

# LightGBM takes the time a plain model needs on rows x columns x outputs of 5e5 as
# 0.3 s on two cores; the plan spends about 10 s more than three such models
_PLAIN_MODEL_CELLS = 5e5


@dataclass(frozen=True, slots=True)
class Plan:
    """How much work a table of this size is worth; depends on nothing else."""

    folds: int  # 1: early stopping on one held-out part
    members: int
    learning_rate: float
    max_rounds: int

    @classmethod
    def of(cls, n_rows: int, width: int, outputs: int) -> "Plan":
        plain_models = n_rows * width * outputs / _PLAIN_MODEL_CELLS
        if plain_models <= 1.5:
            return cls(folds=5, members=5, learning_rate=0.05, max_rounds=800)
        if plain_models <= 4:
            return cls(folds=3, members=3, learning_rate=0.06, max_rounds=600)
        if plain_models <= 12:
            return cls(folds=1, members=2, learning_rate=0.1, max_rounds=400)
        return cls(folds=1, members=1, learning_rate=0.1, max_rounds=120)


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
        """Scores before the link: (n_rows,), or (n_rows, n_classes) of three or more."""
        total = sum(
            member.predict(matrix, raw_score=True, num_threads=threads)
            for member in self.members
        )
        return np.asarray(total / len(self.members), dtype=np.float64)

    def contributions(self, matrix: FloatArray, threads: int) -> FloatArray:
        """SHAP values of the raw scores: (n_rows, width, outputs).

        Source: Lundberg et al., "Consistent Individualized Feature Attribution for
        Tree Ensembles", as LightGBM computes it.
        """
        total = sum(
            member.predict(matrix, pred_contrib=True, num_threads=threads)
            for member in self.members
        )
        flat = np.asarray(total / len(self.members), dtype=np.float64)
        per_output = flat.reshape(len(matrix), self.outputs, matrix.shape[1] + 1)
        return per_output[:, :, :-1].transpose(0, 2, 1)


@dataclass(frozen=True, slots=True)
class Trial:
    """What cross-validation of one configuration gave.

    ``held_out`` are the rows of ``raw``: all of them but for a single fold.
    """

    raw: FloatArray
    held_out: RowArray
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
    folds: Sequence[tuple[RowArray, RowArray]],
    params: Params,
    max_rounds: int,
    threads: int,
) -> Trial:
    """Fit on the first part of each fold, stop early on its second.

    ``folds`` are pairs of row numbers. The rounds of the result are those at which
    the mean of the folds would have stopped.
    """
    raws, rows, rounds = [], [], []
    full = _full_params(params, 0, threads)
    patience = max(20, round(2.0 / params["learning_rate"]))
    for fit_rows, held_rows in folds:
        train = _dataset(matrix[fit_rows], target[fit_rows], categorical, full)
        held = train.create_valid(matrix[held_rows], target[held_rows])
        stop = lgb.early_stopping(patience, first_metric_only=True, verbose=False)
        booster = lgb.train(
            full, train, max_rounds, valid_sets=[held], callbacks=[stop]
        )
        raws.append(
            booster.predict(matrix[held_rows], raw_score=True, num_threads=threads)
        )
        rows.append(held_rows)
        rounds.append(max(booster.best_iteration, 1))
    return Trial(
        np.concatenate(raws), np.concatenate(rows), max(1, round(np.mean(rounds)))
    )


def fit(
    matrix: FloatArray,
    target: npt.NDArray[Any],
    categorical: Sequence[int],
    params: Params,
    rounds: int,
    members: int,
    threads: int,
) -> Boosters:
    """Fit ``members`` boosters to all rows."""
    fitted = []
    train = _dataset(matrix, target, categorical, _full_params(params, 0, threads))
    for member in range(members):
        booster = lgb.train(_full_params(params, member, threads), train, rounds)
        # reading it back drops the training data it would keep alive
        fitted.append(lgb.Booster(model_str=booster.model_to_string()))
    objective = params["objective"]
    outputs = params.get("num_class", 1)
    return Boosters(tuple(fitted), objective, outputs)


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


def _full_params(params: Params, member: int, threads: int) -> Params:
    return {
        **params,
        "seed": SEED + member,
        "num_threads": threads,
        "deterministic": True,
        "force_row_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
    }
