import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl.explain import explain_predictions
from heatproxy.automl.model import Prediction
from heatproxy.automl.results import (
    drift_results,
    explanation_results,
    notes,
    prediction_results,
)
from tests.automl.conftest import customers, fit, houses


def test_a_class_and_probabilities_of_two_decimals(classifier: Any) -> None:
    shown = Prediction(pa.array(["no", "yes"]), np.array([[0.976, 0.024], [0.5, 0.5]]))
    assert prediction_results(classifier, shown).to_pylist() == [
        '{"predictions": {"y": "no"}, "probabilities": {"no": 0.98, "yes": 0.02}}',
        '{"predictions": {"y": "yes"}, "probabilities": {"no": 0.5, "yes": 0.5}}',
    ]


NUMBERS = {
    555.4738572331877: "555.4738572331877",
    5.0: "5.0",
    -0.25: "-0.25",
    1e-300: "1e-300",
    1e22: "1e+22",
}


@pytest.mark.parametrize(("value", "text"), NUMBERS.items(), ids=NUMBERS.values())
def test_a_regression_shows_the_whole_double(
    regressor: Any, value: float, text: str
) -> None:
    found = prediction_results(regressor, Prediction(pa.array([value]), None))
    assert found.to_pylist() == [f'{{"predictions": {{"price": {text}}}}}']
    assert json.loads(found[0].as_py())["predictions"]["price"] == value


def test_numbers_as_classes_are_numbers_with_text_keys() -> None:
    table = pa.table({"x": [0.0, 1.0] * 10, "t": pa.array([0, 1] * 10, pa.int32())})
    model = fit(table, "t")
    results = prediction_results(model, model.predict(table.slice(1, 1)))
    assert (
        results[0].as_py().startswith('{"predictions": {"t": 1}, "probabilities": {"0"')
    )


def test_every_row_is_json_whatever_the_names_and_words() -> None:
    words = ['say "no"', "back\\slash", "line\nbreak", "größe 😀"]
    table = pa.table(
        {
            'x"x': [float(i % 4) for i in range(40)],
            "w\\": [words[i % 4] for i in range(40)],
            "t\n": [words[i % 4] for i in range(40)],
        }
    )
    model = fit(table, "t\n")
    for text in prediction_results(model, model.predict(table)).to_pylist():
        shown = json.loads(text)
        assert set(shown["probabilities"]) == set(words)
    explained = explain_predictions(model, table)
    for text, note in zip(
        explanation_results(model, explained).to_pylist(),
        notes(model, explained).to_pylist(),
        strict=True,
    ):
        shown = json.loads(text)
        assert list(shown) == ["attributions", "predictions", "notes"]
        assert list(shown["attributions"]) == ['x"x', "w\\"]
        assert shown["notes"] == note


def test_notes_name_the_value_for_and_the_value_against(classifier: Any) -> None:
    table = pa.table({"age": [85, 19], "job": ["clerk", None], "balance": [0.0, 0.0]})
    explained = explain_predictions(classifier, table)
    assert explained.prediction.labels.to_pylist() == ["yes", "no"]
    old, young = notes(classifier, explained).to_pylist()
    assert old.startswith("age (85) had the largest impact towards predicting yes")
    assert ", whereas job (clerk) contributed the most against predicting yes" in old
    assert young.startswith("age (19) had the largest impact towards predicting no")


def test_notes_of_a_regression_speak_of_up_and_down(regressor: Any) -> None:
    table = pa.table({"area": [195.0], "town": ["A"]})
    note = notes(regressor, explain_predictions(regressor, table))[0].as_py()
    assert note == (
        "area (195) had the largest impact towards increasing price, whereas town (A) "
        "contributed the most towards decreasing price"
    )


def test_drift_is_small_at_home_and_large_far_away(regressor: Any) -> None:
    home = json.loads(drift_results(regressor, houses(1))[0].as_py())
    away = pa.table({"area": [9000.0], "town": ["Atlantis"]})
    far = json.loads(drift_results(regressor, away)[0].as_py())
    assert home["metric"] < 1.0 < far["metric"]
    assert list(far["attribution_percent"]) == ["area", "town"]
    assert sum(far["attribution_percent"].values()) == pytest.approx(100, abs=0.1)
    shown = prediction_results(
        regressor, regressor.predict(away), drift_results(regressor, away)
    )
    assert json.loads(shown[0].as_py())["drift"] == far


def test_no_rows_give_no_results(classifier: Any) -> None:
    empty = customers(5).slice(0, 0)
    assert len(prediction_results(classifier, classifier.predict(empty))) == 0
    explained = explain_predictions(classifier, empty)
    assert len(explanation_results(classifier, explained)) == 0
    assert len(drift_results(classifier, empty)) == 0
