import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl import explain, shapley
from heatproxy.automl.explain import explain_model, explain_predictions
from heatproxy.errors import MySQLError
from tests.automl.conftest import customers, fit, houses

EXPLAINERS = ["permutation_importance", "shap", "fast_shap"]


def test_training_ranks_the_columns(classifier: Any) -> None:
    shares = classifier.explanation["permutation_importance"]
    assert list(shares) == ["age", "job", "balance"]
    assert shares["age"] > shares["job"] > shares["balance"]
    assert all(share == round(share, 4) for share in shares.values())


@pytest.mark.parametrize("explainer", EXPLAINERS)
def test_an_explainer_adds_its_own_key(classifier: Any, explainer: str) -> None:
    model = explain_model(classifier, customers(), "y", explainer)
    assert "permutation_importance" in model.explanation
    shares = model.explanation[explainer]
    assert max(shares, key=shares.get) == "age"


def test_partial_dependence_follows_one_class(classifier: Any) -> None:
    model = explain_model(
        classifier,
        customers(),
        "y",
        "partial_dependence",
        columns_to_explain=["AGE", "job"],
        target_value="no",
    )
    found = model.explanation["partial_dependence"]
    assert list(found) == ["age", "job"]
    curve = list(found["age"].values())
    assert curve[0] > 0.8 > 0.2 > curve[-1]
    assert set(found["job"]) == {"clerk", "nurse", "pilot"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model_explainer": "lime"}, "lime"),
        ({"model_explainer": "partial_dependence"}, "columns_to_explain"),
        ({"columns_to_explain": ["age"]}, "partial_dependence only"),
        (
            {"model_explainer": "partial_dependence", "columns_to_explain": ["q"]},
            "ML003039",
        ),
        (
            {
                "model_explainer": "partial_dependence",
                "columns_to_explain": ["age"],
                "target_value": "maybe",
            },
            "maybe",
        ),
        ({"prediction_explainer": "fast_shap"}, "fast_shap"),
    ],
)
def test_a_senseless_explanation_is_refused(
    classifier: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(MySQLError, match=words):
        explain_model(classifier, customers(), "y", **options)


@pytest.mark.parametrize("explainer", ["permutation_importance", "shap"])
def test_attributions_are_shares_with_the_right_sign(
    classifier: Any, explainer: str
) -> None:
    table = pa.table(
        {"age": [85, 19], "job": ["clerk", "nurse"], "balance": [0.0, 0.0]}
    )
    shares = explain_predictions(classifier, table, explainer).attributions
    assert np.abs(shares).max() <= 1
    assert (shares[:, 0] > 0.2).all()  # old says yes, young says no
    assert (shares[:, 1] < 0).all()  # and their jobs object
    assert (shares == shares.round(2)).all()


def test_dropped_columns_have_no_share(classifier: Any) -> None:
    table = customers(60).append_column("same", pa.array(["x"] * 60))
    shares = explain_predictions(fit(table, "y"), table).attributions
    assert shares.shape == (60, 4)
    assert (shares[:, 3] == 0).all()


SHAP_MODELS = ["RandomForestClassifier", "DecisionTreeClassifier", "LogisticRegression"]


@pytest.mark.parametrize("name", SHAP_MODELS)
def test_shap_explains_other_algorithms_too(name: str) -> None:
    model = fit(customers(150), "y", model_list=[name])
    with warnings.catch_warnings():
        # shap's own imports warn, which is no fault of the model
        warnings.simplefilter("ignore")
        shares = explain_predictions(model, customers(5), "shap").attributions
        again = explain_model(model, customers(30), "y", "fast_shap")
    assert np.abs(shares).sum(axis=1) == pytest.approx(1.0, abs=0.03)
    assert again.explanation["fast_shap"]["age"] > 0


def test_the_explainer_of_ml_explain_is_kept(regressor: Any) -> None:
    model = explain_model(
        regressor, houses(), "price", None, prediction_explainer="shap"
    )
    assert model.prediction_explainer == "shap"
    shares = explain_predictions(model, houses(3)).attributions
    assert np.abs(shares).sum(axis=1) == pytest.approx(1.0, abs=0.03)


class Counting:
    """An estimator that notes the cells of each matrix it is given."""

    def __init__(self, estimator: Any) -> None:
        self.estimator, self.cells = estimator, []  # type: Any, list[int]

    def predict(self, matrix: Any, threads: int) -> Any:
        self.cells.append(matrix.size)
        return self.estimator.predict(matrix, threads)


@pytest.mark.parametrize("explainer", ["permutation_importance", "fast_shap"])
def test_a_wide_table_is_explained_in_small_parts(
    monkeypatch: pytest.MonkeyPatch, explainer: str
) -> None:
    random = np.random.default_rng(2)
    table = pa.table({f"c{i}": random.normal(size=40) for i in range(15)})
    table = table.append_column("y", pa.array(["a", "b"] * 20))
    model = fit(table, "y", model_list=["GaussianNB"])
    counting = Counting(model.estimator)
    monkeypatch.setattr(explain, "MOST_CELLS", 5_000)
    for module in (explain, shapley):
        monkeypatch.setattr(module, "BATCH_CELLS", 2_000)
    wide = replace(model, estimator=counting)
    explain_model(wide, table, "y", explainer)
    assert max(counting.cells) <= 2_000
    assert explainer == "fast_shap" or sum(counting.cells) <= 6_000
