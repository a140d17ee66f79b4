"""What is to be learned, and how candidates for it are judged on rows held out."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import KFold, StratifiedKFold

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.metrics import Metric

SEED = 20
CLASS_ROWS_IN_SAMPLE = 10

RowArray = npt.NDArray[np.int64]
Fold = tuple[RowArray, RowArray]  # to fit on, and to hold out
Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be learned.

    ``matrix`` (n_rows, width); ``target`` (n_rows,), class codes or numbers;
    ``n_classes`` 0 in a regression; ``metric`` compares candidates. After ``until``,
    a time of ``time.monotonic``, nothing more is tried.
    """

    matrix: FloatArray
    target: npt.NDArray[Any]
    categorical: tuple[int, ...]
    n_classes: int
    objective: str
    metric: Metric
    threads: int
    until: float = np.inf

    @property
    def n_rows(self) -> int:
        return len(self.target)

    @property
    def outputs(self) -> int:
        """Scores a row that a booster computes."""
        return self.n_classes if self.n_classes > 2 else 1

    @property
    def cells(self) -> int:
        """What the work of a booster grows with: rows x columns x outputs."""
        return self.matrix.size * self.outputs

    @property
    def is_late(self) -> bool:
        return time.monotonic() > self.until

    def rows(self, which: RowArray) -> "Problem":
        return replace(self, matrix=self.matrix[which], target=self.target[which])


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Outputs for rows whose model had not seen them; ``truth`` goes with them."""

    output: FloatArray
    truth: npt.NDArray[Any]


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
    return problem.rows(sampled(problem.target, problem.n_classes, n_rows))


def sampled(target: npt.NDArray[Any], n_classes: int, n_rows: int) -> RowArray:
    """The numbers of about ``n_rows`` rows of a target, in their order."""
    order = np.random.default_rng(SEED).permutation(len(target))
    if not n_classes:
        return np.sort(order[:n_rows])
    share = n_rows / len(target)
    kept = []
    for code in range(n_classes):
        members = order[target[order] == code]
        kept.append(members[: max(round(len(members) * share), CLASS_ROWS_IN_SAMPLE)])
    return np.sort(np.concatenate(kept))


def score_of(problem: Problem, held_out: HeldOut) -> float:
    """The metric on held-out rows, or minus infinity where it means nothing."""
    try:
        score = problem.metric(held_out.truth, held_out.output)
    except ValueError:
        return -np.inf
    return score if np.isfinite(score) else -np.inf
