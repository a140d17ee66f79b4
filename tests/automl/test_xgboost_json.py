import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl import explain, xgboost_json
from heatproxy.automl.model import Model
from heatproxy.automl.storage import from_bytes, to_bytes
from heatproxy.automl.xgboosting import XGBooster
from tests.automl.conftest import customers, fit, houses


def three_classes(n_rows: int = 300) -> pa.Table:
    random = np.random.default_rng(3)
    word = random.choice(["a", "b", "c", "d"], n_rows)
    x = random.normal(size=n_rows)
    kind = (word == "b") * 1 + (x > 0.5) * 1
    return pa.table({"word": word, "x": x, "kind": kind})


def trained(which: str) -> tuple[Model, pa.Table]:
    given = {"n_estimators": 5, "max_depth": 3}
    if which == "regression":
        options = {"task": which, "model_list": ["XGBRegressor"]}
        return fit(houses(), "price", **options, hyperparameters=given), houses()
    table, target = customers(), "y"
    if which == "three classes":
        table, target = three_classes(), "kind"
    options = {"model_list": ["XGBClassifier"], "hyperparameters": given}
    return fit(table, target, **options), table


KINDS = ["two classes", "three classes", "regression"]


@pytest.mark.parametrize("which", KINDS)
def test_a_stored_model_predicts_as_before(which: str) -> None:
    model, table = trained(which)
    again = from_bytes(to_bytes(model))
    assert isinstance(again, Model)
    before, after = model.predict(table), again.predict(table)
    assert before.labels.to_pylist() == pytest.approx(after.labels.to_pylist())
    if before.probabilities is not None:
        assert after.probabilities == pytest.approx(before.probabilities, abs=1e-6)
    assert to_bytes(again) == to_bytes(from_bytes(to_bytes(again)))


@pytest.mark.parametrize("which", KINDS)
def test_its_shap_values_are_its_own(which: str) -> None:
    model, table = trained(which)
    found = explain.explain_predictions(model, table.slice(0, 5), "shap")
    assert np.abs(found.attributions).sum(axis=1) == pytest.approx(1.0, abs=0.05)


Change = Callable[[dict[str, Any]], object]


def tree(document: dict[str, Any]) -> dict[str, Any]:
    trees = document["learner"]["gradient_booster"]["model"]["trees"]
    return next(one for one in trees if one["categories_nodes"])


DAMAGE: dict[str, Change] = {
    "a loop": lambda d: tree(d)["left_children"].__setitem__(1, 0),
    "a node without a sibling": lambda d: tree(d)["right_children"].__setitem__(0, -1),
    "a child past the end": lambda d: tree(d)["left_children"].__setitem__(0, 99),
    "a column past the row": lambda d: tree(d)["split_indices"].__setitem__(0, 70),
    "a split of another kind": lambda d: tree(d)["split_type"].__setitem__(0, 7),
    "a category past all": lambda d: tree(d)["categories"].__setitem__(0, 2**30),
    "a segment elsewhere": lambda d: tree(d)["categories_segments"].__setitem__(0, 9),
    "too few thresholds": lambda d: tree(d)["split_conditions"].pop(),
    "a weight that is none": lambda d: tree(d)["base_weights"].__setitem__(0, 1e999),
    "a fraction as child": lambda d: tree(d)["left_children"].__setitem__(0, 1.5),
    "no trees": lambda d: d["learner"]["gradient_booster"]["model"]["trees"].clear(),
    "another objective": lambda d: d["learner"]["objective"].update(name="rank:map"),
    "trees of other classes": lambda d: d["learner"]["gradient_booster"]["model"][
        "tree_info"
    ].__setitem__(0, 5),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_an_unsound_model_never_reaches_xgboost(damage: Change) -> None:
    model, _ = trained("three classes")
    assert isinstance(model.estimator, XGBooster)
    document = json.loads(bytes(model.estimator.booster.save_raw("json")))
    width, words = model.features.width, model.features.categorical
    sound = json.dumps(document).encode()
    assert xgboost_json.checked(sound, "multiclass", width, 3, words)
    damage(document)
    with pytest.raises(ValueError, match="unsound"):
        xgboost_json.checked(
            json.dumps(document).encode(), "multiclass", width, 3, words
        )


def test_what_is_not_asked_for_is_left_out() -> None:
    model, _ = trained("two classes")
    assert isinstance(model.estimator, XGBooster)
    document = json.loads(bytes(model.estimator.booster.save_raw("json")))
    document["learner"]["attributes"] = {"scikit_learn": "{}"}
    document["learner"]["gradient_booster"]["model"]["cats"] = {"enc": [1, 2]}
    width, words = model.features.width, model.features.categorical
    kept = xgboost_json.checked(
        json.dumps(document).encode(), "binary", width, 1, words
    )
    assert b"scikit_learn" not in kept
    assert json.loads(kept)["learner"]["gradient_booster"]["model"]["cats"] == {
        "enc": [],
        "feature_segments": [],
        "sorted_idx": [],
    }
