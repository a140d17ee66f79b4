"""SHAP values of a model's predictions, a feature at a time.

LightGBM computes its own exactly; trees and forests go through shap's TreeExplainer,
all else through its permutation explainer against background rows.

Source: Lundberg and Lee, "A Unified Approach to Interpreting Model Predictions".
"""

import numpy as np

from heatproxy.automl.boosting import Boosters
from heatproxy.automl.columns import FloatArray
from heatproxy.automl.model import Model

SEED = 20
BACKGROUND_ROWS = 20
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
    values = _of_matrix(model, matrix, threads)
    parts = [values[:, where].sum(axis=1) for where in model.features.slices()]
    return np.stack(parts, axis=1)


def _of_matrix(model: Model, matrix: FloatArray, threads: int) -> FloatArray:
    """(n_rows, width, outputs)"""
    if isinstance(model.estimator, Boosters):
        return model.estimator.contributions(matrix, threads)
    # importing shap takes seconds, and most models never need it
    from shap import TreeExplainer
    from shap.explainers import Permutation

    if model.facts.algorithm_name.startswith(_TREES):
        explainer = TreeExplainer(model.estimator.pipeline)
        values = explainer.shap_values(matrix, check_additivity=False)
    else:
        background = model.background[:BACKGROUND_ROWS]
        permuted = Permutation(model.outputs, background, seed=SEED)
        evaluations = 2 * matrix.shape[1] + 1
        values = permuted(matrix, max_evals=max(evaluations, 100), silent=True).values
    values = np.asarray(values, dtype=np.float64)
    return values if values.ndim == 3 else values[:, :, None]
