"""How ``ml_results`` of a row is given: as an object, or as text of two kinds."""

import pytest

from heatproxy.automl.generations import NEW, OLD
from heatproxy.jsontext import parse

PREDICTED = '{"predictions": {"y": 1}, "probabilities": {"0": 0.48, "1": 0.52}}'
EXPLAINED = (
    '{"attributions": {"a": -0.5, "b": 0.0}, "predictions": {"y": null},'
    ' "notes": "it\'s a (\\"x\\")"}'
)
PRINTED = (
    "{'attributions': {'a': -0.5, 'b': 0.0}, 'predictions': {'y': None},"
    " 'notes': 'it\\'s a (\"x\")'}"
)


@pytest.mark.parametrize("text", [PREDICTED, EXPLAINED])
def test_today_it_is_an_object(text: str) -> None:
    assert NEW.row_results(parse(text), text) == parse(text)


def test_it_was_the_text_of_one() -> None:
    assert OLD.row_results(parse(PREDICTED), PREDICTED) == PREDICTED


def test_an_explanation_was_what_python_prints() -> None:
    assert OLD.row_results(parse(EXPLAINED), EXPLAINED) == PRINTED


def test_columns_were_numbered() -> None:
    assert OLD.column_names(["b", "a"]) == {"0": "b", "1": "a"}
    assert (NEW.column_names(["b", "a"]), NEW.column_names(None)) == (["b", "a"], [])


def test_handles_had_seconds() -> None:
    made = [one.handle("s.t", "u", 5.25) for one in (OLD, NEW)]
    assert made == ["s.t_u_5", "s.t_u_5250"]
