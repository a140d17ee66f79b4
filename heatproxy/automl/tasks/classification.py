"""Classification: classes in, probabilities out.

A class that is rare loses every even contest: with 12 % yes, a plain model calls no
two thirds of the rows that are yes. Around its threshold accuracy is flat, so a small
push towards rare classes costs accuracy nothing and balanced accuracy gains much. The
push multiplies the shown probabilities, which keeps Prediction and probabilities of
one mind; how far it goes is decided on held-out rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from heatproxy.automl import metrics as scores
from heatproxy.automl.algorithms import CLASSIFIERS, Algorithm
from heatproxy.automl.columns import FloatArray
from heatproxy.automl.metrics import Metric, log_loss_of
from heatproxy.automl.problem import HeldOut
from heatproxy.automl.target import Labels
from heatproxy.automl.tasks.contract import Target

# exponents of 1 / class frequency
GENTLE_PUSHES = (0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2)
ANY_PUSHES = (*GENTLE_PUSHES, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
MOST_LOG_LOSS = 1.0005  # times what it was
FEW_ROWS_TO_JUDGE = 200


@dataclass(frozen=True, slots=True)
class Classification:
    """The task ``classification``; see Task."""

    name: str = "classification"
    default_metric: str = "neg_log_loss"
    algorithms: tuple[Algorithm, ...] = CLASSIFIERS

    @property
    def metrics(self) -> Mapping[str, Metric]:
        return scores.CLASSIFICATION

    def target(self, column: pa.Array, name: str, metric: str) -> Target:
        """The classes of a column. Raises: see Labels.fit."""
        labels = Labels.fit(column, name)
        objective = "binary" if len(labels) == 2 else "multiclass"
        return Target(labels.codes(column), labels, objective)

    def comparison(self, metric: str) -> Metric:
        """The metric; one of labels as good as pushes would make it."""
        score = self.metrics[metric]
        if metric in ("neg_log_loss", "accuracy", "roc_auc"):
            return score

        def pushed(truth: npt.NDArray[Any], output: FloatArray) -> float:
            shares = np.bincount(truth, minlength=output.shape[1])
            logs = _rarity(np.maximum(shares, 1))
            push = _best(HeldOut(output, truth), logs, ANY_PUSHES, score)
            return score(truth, rebalanced(output, np.exp(push * logs)))

        return pushed

    def quality(self, held_out: HeldOut) -> str:
        """High when the log loss is 10 % below that of the class frequencies."""
        truth = held_out.truth
        shares = np.bincount(truth, minlength=held_out.output.shape[1]) / len(truth)
        constant = log_loss_of(truth, np.tile(shares, (len(truth), 1)))
        return "high" if log_loss_of(truth, held_out.output) < 0.9 * constant else "low"

    def balance(self, target: Target, held_out: HeldOut, metric: str) -> FloatArray:
        """Factors for the probabilities (n_classes,), with geometric mean 1.

        The metrics that look at labels only are made as good as they get. For the
        log loss the push is the strongest that leaves accuracy where it was and
        makes the loss at most 0.05 % worse, less than the ensemble has won.
        """
        none = np.ones(target.n_classes)
        if len(held_out.truth) < FEW_ROWS_TO_JUDGE or metric in ("accuracy", "roc_auc"):
            return none
        logs = _rarity(np.bincount(target.values, minlength=target.n_classes))
        judge = _gentle if metric == "neg_log_loss" else _best
        pushes = GENTLE_PUSHES if metric == "neg_log_loss" else ANY_PUSHES
        push = judge(held_out, logs, pushes, self.metrics[metric])
        return np.asarray(np.exp(push * logs))


def rebalanced(probabilities: FloatArray, factors: FloatArray) -> FloatArray:
    """Probabilities (n_rows, n_classes) times factors (n_classes,), summing to 1."""
    weighed = probabilities * factors
    return np.asarray(weighed / weighed.sum(axis=1, keepdims=True))


def _rarity(counts: npt.NDArray[Any]) -> FloatArray:
    """Logarithms of 1 / frequency, centred (n_classes,)."""
    logs = -np.log(counts / counts.sum())
    return np.asarray(logs - logs.mean())


def _gentle(
    held_out: HeldOut, logs: FloatArray, pushes: tuple[float, ...], _: Metric
) -> float:
    truth, output = held_out.truth, held_out.output
    accuracy = scores.CLASSIFICATION["accuracy"]
    balanced = scores.CLASSIFICATION["balanced_accuracy"]
    was = accuracy(truth, output)
    tolerance = 0.25 * np.sqrt(was * (1.0 - was) / len(truth))
    best, best_balanced = 0.0, balanced(truth, output)
    for push in pushes:
        pushed = rebalanced(output, np.exp(push * logs))
        if log_loss_of(truth, pushed) > MOST_LOG_LOSS * log_loss_of(truth, output):
            break
        gain = balanced(truth, pushed)
        if gain > best_balanced and accuracy(truth, pushed) >= was - tolerance:
            best, best_balanced = push, gain
    return best


def _best(
    held_out: HeldOut, logs: FloatArray, pushes: tuple[float, ...], metric: Metric
) -> float:
    best, best_score = 0.0, metric(held_out.truth, held_out.output)
    for push in pushes:
        score = metric(held_out.truth, rebalanced(held_out.output, np.exp(push * logs)))
        if score > best_score:
            best, best_score = push, score
    return best


CLASSIFICATION = Classification()
