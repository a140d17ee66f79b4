"""A linear state space model, as what statsmodels fits and what a model stores.

    observed  = design @ state + offset + effects @ exogenous
    next state = transition @ state + drift

Source: Durbin and Koopman, "Time Series Analysis by State Space Methods", chapter 3.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from heatproxy.automl.columns import FloatArray


def standing(result: Any, effects: FloatArray) -> dict[str, Any]:
    """A fitted statsmodels model as JSON values, its state behind the last row.

    ``effects`` (n_variables, width) of the exogenous columns.
    """
    space = result.model.ssm
    offset = _last(space["obs_intercept"], 1)
    return {
        "transition": _last(space["transition"], 2).tolist(),
        "design": _last(space["design"], 2).tolist(),
        # with exogenous columns statsmodels keeps their effect in the offset
        "offset": (0.0 * offset if effects.shape[1] else offset).tolist(),
        "drift": _last(space["state_intercept"], 1).tolist(),
        "state": np.asarray(result.predicted_state)[:, -1].tolist(),
        "effects": effects.tolist(),
    }


def run_on(state: Mapping[str, Any], exogenous: FloatArray) -> FloatArray:
    """The observations to come (n_steps, n_variables).

    ``exogenous`` (n_steps, width).
    """
    transition = np.array(state["transition"], dtype=np.float64)
    design = np.array(state["design"], dtype=np.float64)
    drift = np.array(state["drift"], dtype=np.float64)
    now = np.array(state["state"], dtype=np.float64)
    seen = np.empty((len(exogenous), len(design)))
    for step in range(len(exogenous)):
        seen[step] = design @ now
        now = transition @ now + drift
    seen += np.array(state["offset"], dtype=np.float64)
    effects = np.array(state["effects"], dtype=np.float64).reshape(len(design), -1)
    if effects.shape[1]:
        seen += exogenous @ effects.T
    return seen


def _last(array: Any, dimensions: int) -> FloatArray:
    """A matrix or vector of the model; where it changes with time, the last one."""
    values = np.asarray(array, dtype=np.float64)
    return values if values.ndim == dimensions else values[..., -1]
