"""SHAP values of a model's predictions, a feature at a time.

LightGBM computes its own exactly; trees and forests go through shap's TreeExplainer.
Of all else values are the mean of what a feature adds, in orders of the features drawn
at random and backwards, to background rows that become the row one feature at a time.

Source: Lundberg and Lee, "A Unified Approach to Interpreting Model Predictions";
Strumbelj and Kononenko, "Explaining prediction models and individual predictions with
feature contributions".
"""

from itertools import permutations

import numpy as np

from heatproxy.automl.algorithms import Fitted
from heatproxy.automl.boosting import Boosters
from heatproxy.automl.columns import FloatArray
from heatproxy.automl.model import Model
from heatproxy.automl.xgboosting import XGBooster

SEED = 20
BACKGROUND_ROWS = 20
EVALUATIONS = 400_000  # rows predicted, about, to explain all rows of a call
MOST_ORDERS = 8  # and as many backwards
EXACT_FEATURES = 3  # of so few all orders are tried
BATCH_CELLS = 16_000_000  # predicted in one call: 128 MB of them
_TREES = ("DecisionTree", "RandomForest", "ExtraTrees")


def attributions(
    model: Model, matrix: FloatArray, outputs: FloatArray, threads: int
) -> FloatArray:
    """Of each row's own answer (n_rows, n_used), as shares: absolutes sum to 1."""
    values = _values(model, matrix, threads)
    if values.shape[2] > 1:
        best = outputs.argmax(axis=1)
        own = values[np.arange(len(values)), :, best]
    else:
        own = values[:, :, 0]
        if model.labels is not None:  # values of the second class of two
            own = np.where(outputs.argmax(axis=1)[:, None] == 1, own, -own)
    total = np.abs(own).sum(axis=1, keepdims=True)
    return np.asarray(np.divide(own, total, out=np.zeros_like(own), where=total > 0))


def importance(model: Model, matrix: FloatArray, threads: int) -> FloatArray:
    """Mean absolute SHAP value of each feature (n_used,)."""
    values = np.abs(_values(model, matrix, threads))
    return np.asarray(values.mean(axis=(0, 2)))


def _values(model: Model, matrix: FloatArray, threads: int) -> FloatArray:
    """(n_rows, n_used, outputs); parts of one column are summed."""
    estimator = model.estimator
    if isinstance(estimator, Boosters | XGBooster):
        values = estimator.contributions(matrix, threads)
    elif isinstance(estimator, Fitted) and model.facts.algorithm_name.startswith(
        _TREES
    ):
        # importing shap takes seconds, and most models never need it
        from shap import TreeExplainer

        explainer = TreeExplainer(estimator.pipeline)
        values = explainer.shap_values(matrix, check_additivity=False)
    else:
        return _sampled(model, matrix, threads)
    values = np.asarray(values, dtype=np.float64)
    values = values if values.ndim == 3 else values[:, :, None]
    parts = [values[:, where].sum(axis=1) for where in model.features.slices()]
    return np.stack(parts, axis=1)


def _sampled(model: Model, matrix: FloatArray, threads: int) -> FloatArray:
    slices = model.features.slices()
    others = model.background[:BACKGROUND_ROWS]
    orders = _orders(len(slices), len(matrix) * len(others))
    nothing = _as_columns(model.outputs(others, threads)).mean(axis=0)
    values = np.zeros((len(matrix), len(slices), len(nothing)))
    at_once = max(1, BATCH_CELLS // (matrix.shape[1] * len(others)))
    for start in range(0, len(matrix), at_once):
        rows = matrix[start : start + at_once]
        for order in orders:
            changed = np.tile(others, (len(rows), 1, 1))
            before = nothing
            for place in order:
                changed[:, :, slices[place]] = rows[:, None, slices[place]]
                flat = changed.reshape(-1, matrix.shape[1])
                outputs = _as_columns(model.outputs(flat, threads))
                after = outputs.reshape(len(rows), len(others), -1).mean(axis=1)
                values[start : start + at_once, place] += after - before
                before = after
    return values / len(orders)


def _orders(features: int, rows: int) -> list[tuple[int, ...]]:
    """Orders of the features: all of few, else some at random and backwards."""
    if features <= EXACT_FEATURES:
        return list(permutations(range(features)))
    wanted = EVALUATIONS // max(2 * features * rows, 1)
    random = np.random.default_rng(SEED)
    drawn = [
        tuple(random.permutation(features).tolist())
        for _ in range(min(max(wanted, 1), MOST_ORDERS))
    ]
    return [order for one in drawn for order in (one, one[::-1])]


def _as_columns(outputs: FloatArray) -> FloatArray:
    """(n_rows, outputs)"""
    return outputs if outputs.ndim == 2 else outputs[:, None]
