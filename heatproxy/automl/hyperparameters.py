"""Settings of one algorithm that a call gives itself, in place of a search.

``hyperparameters`` is no option of HeatWave: the dialects that have such settings bring
them here. Their names are the libraries' own, aliases among them; of scikit-learn's
those that are numbers, words, truths or lists of numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heatproxy.automl.algorithms import Algorithm, Library, Params
from heatproxy.errors import MySQLError, secondary_engine
from heatproxy.options import BadOption

_TREES = ("n_estimators", "max_depth", "learning_rate")
_LIGHTGBM = {
    **{name: name for name in _TREES},
    "num_leaves": "num_leaves",
    "lambda_l1": "lambda_l1",
    "reg_alpha": "lambda_l1",
    "lambda_l2": "lambda_l2",
    "reg_lambda": "lambda_l2",
    "min_child_weight": "min_sum_hessian_in_leaf",
    "min_child_samples": "min_data_in_leaf",
    "min_data_in_leaf": "min_data_in_leaf",
    "bagging_fraction": "bagging_fraction",
    "subsample": "bagging_fraction",
    "feature_fraction": "feature_fraction",
    "colsample_bytree": "feature_fraction",
    "min_split_gain": "min_gain_to_split",
}
_XGBOOST = {
    **{name: name for name in _TREES},
    "eta": "learning_rate",
    "gamma": "gamma",
    "min_child_weight": "min_child_weight",
    "max_delta_step": "max_delta_step",
    "subsample": "subsample",
    "colsample_bytree": "colsample_bytree",
    "colsample_bylevel": "colsample_bylevel",
    "colsample_bynode": "colsample_bynode",
    "lambda": "reg_lambda",
    "reg_lambda": "reg_lambda",
    "alpha": "reg_alpha",
    "reg_alpha": "reg_alpha",
    "max_leaves": "max_leaves",
    "max_bin": "max_bin",
}
_NOT_THEIRS = {"n_jobs", "random_state", "verbose", "warm_start", "monotonic_cst"}


@dataclass(frozen=True, slots=True)
class Settings:
    """A JSON object whose keys the algorithm knows, which is checked later."""

    default: None = None

    def convert(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise BadOption(self.describe())
        return value

    def describe(self) -> str:
        return "a JSON object with settings of the one model in model_list"


def fixed_settings(
    candidates: list[Algorithm], given: Mapping[str, Any] | None
) -> Params | None:
    """The settings in the algorithm's own words; None where none are given.

    Raises:
        MySQLError: 3877, there is not exactly one algorithm, or no such setting.
    """
    if given is None:
        return None
    if len(candidates) != 1:
        raise secondary_engine(
            "ML_TRAIN: option 'hyperparameters' needs exactly one name in model_list"
        )
    known = _known(candidates[0])
    settings: Params = {}
    for name, value in given.items():
        if name.lower() not in known:
            raise _unknown(candidates[0], name, sorted(known))
        settings[known[name.lower()]] = _value(name, value)
    return settings


def _known(algorithm: Algorithm) -> Mapping[str, str]:
    """Names that a call may write, in lower case, and the library's."""
    if algorithm.library is Library.LIGHTGBM:
        return _LIGHTGBM
    if algorithm.library is Library.XGBOOST:
        return _XGBOOST
    assert algorithm.build is not None  # only boosters have none
    names = algorithm.parameters
    return {name.lower(): name for name in names if name not in _NOT_THEIRS}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, list) and all(type(one) in (int, float) for one in value):
        return tuple(value)
    if isinstance(value, bool | int | float | str):
        return value
    raise secondary_engine(
        f"ML_TRAIN: hyperparameter '{name}' must be a number, a word or a list of "
        "numbers"
    )


def _unknown(algorithm: Algorithm, name: str, known: list[str]) -> MySQLError:
    return secondary_engine(
        f"ML_TRAIN: '{name}' is not a hyperparameter of {algorithm.name}: known are "
        + ", ".join(known)
    )
