from typing import Any

import pytest

from heatproxy.automl.boosting import Boosters
from heatproxy.errors import MySQLError
from tests.automl.conftest import customers, fit, houses

GIVEN: dict[str, tuple[str, dict[str, Any]]] = {
    "LightGBM": ("LGBMClassifier", {"n_estimators": 7, "num_leaves": 5}),
    "XGBoost": ("XGBClassifier", {"n_estimators": 7, "eta": 0.3, "lambda": 2}),
    "scikit-learn": ("LogisticRegression", {"C": 0.5}),
    "inside a calibration": ("LinearSVC", {"C": 0.5}),
    "a network": ("MLPClassifier", {"hidden_layer_sizes": [8], "max_iter": 20}),
}


@pytest.mark.parametrize(("name", "given"), GIVEN.values(), ids=GIVEN)
def test_settings_of_a_call_replace_the_search(name: str, given: Any) -> None:
    model = fit(customers(120), "y", model_list=[name], hyperparameters=given)
    assert model.facts.algorithm_name == name
    assert len(model.predict(customers(5)).labels) == 5


def test_as_many_trees_are_grown_as_a_call_says() -> None:
    given = {"n_estimators": 7, "min_child_samples": 3}
    options = {"model_list": ["LGBMClassifier"], "hyperparameters": given}
    model = fit(customers(120), "y", **options)
    assert isinstance(model.estimator, Boosters)
    assert [member.num_trees() for member in model.estimator.members] == [7]


def test_settings_reach_the_estimator_inside_a_transformed_target() -> None:
    options = {"model_list": ["SVR"], "hyperparameters": {"epsilon": 0.25}}
    model = fit(houses(60), "price", task="regression", **options)
    machine = model.estimator.pipeline.steps[-1][1].regressor_  # type: ignore[union-attr]
    assert machine.epsilon == 0.25


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no model named": ({"hyperparameters": {"C": 1}}, "exactly one name"),
    "an unknown name": (
        {"model_list": ["SVC"], "hyperparameters": {"depth": 1}},
        "'depth' is not a hyperparameter of SVC",
    ),
    "threads": (
        {"model_list": ["RandomForestClassifier"], "hyperparameters": {"n_jobs": 9}},
        "'n_jobs' is not",
    ),
    "an object": (
        {"model_list": ["SVC"], "hyperparameters": {"C": {"a": 1}}},
        "must be a number",
    ),
    "no object": ({"model_list": ["SVC"], "hyperparameters": 3}, "JSON object"),
    "a value that scikit-learn refuses": (
        {"model_list": ["LogisticRegression"], "hyperparameters": {"C": -1}},
        "hyperparameters of LogisticRegression",
    ),
    "a value that LightGBM refuses": (
        {"model_list": ["LGBMClassifier"], "hyperparameters": {"num_leaves": -4}},
        "hyperparameters of LGBMClassifier",
    ),
    "a value that XGBoost refuses": (
        {"model_list": ["XGBClassifier"], "hyperparameters": {"max_depth": "deep"}},
        "hyperparameters of XGBClassifier",
    ),
    "a time of nothing": ({"max_runtime_s": 0}, "max_runtime_s"),
}


@pytest.mark.parametrize(("options", "words"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_setting_is_refused_by_name(
    options: dict[str, Any], words: str
) -> None:
    with pytest.raises(MySQLError) as refused:
        fit(customers(60), "y", **options)
    assert refused.value.number == 3877
    assert words in refused.value.message
