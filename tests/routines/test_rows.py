"""Rows as JSON objects: to Arrow, to the model, and back with its answers."""

import json
from typing import Any

import pyarrow as pa
import pytest

from heatproxy.errors import MySQLError, interrupted
from heatproxy.routines.rows import Answerer, Row, grouped
from heatproxy.session import Cancel


def rows_of(*texts: str, handle: str = "m", options: str | None = None) -> list[Row]:
    return [(text, handle, options) for text in texts]


COLUMNS = {
    "integers": (["1", "2"], pa.array([1, 2], pa.int64())),
    "integers and NULLs": (["1", "null"], pa.array([1, None], pa.int64())),
    "fractions": (["1.5", "2"], pa.array([1.5, 2.0])),
    "exponents": (["1e2", "2"], pa.array([100.0, 2.0])),
    "booleans": (["true", "false"], pa.array([1, 0], pa.int64())),
    "texts": (['"a"', '"b"'], pa.array(["a", "b"])),
    "texts and numbers": (['"a"', "1", "1.50"], pa.array(["a", "1", "1.50"])),
    "only NULLs": (["null", "null"], pa.array([None, None], pa.string())),
    "objects": (['{"b": 1}', "[1, 2.0]"], pa.array(['{"b": 1}', "[1, 2.0]"])),
}


@pytest.mark.parametrize(("values", "column"), COLUMNS.values(), ids=COLUMNS)
def test_the_values_of_a_key_become_one_column(
    values: list[str], column: pa.Array
) -> None:
    (group,) = grouped(rows_of(*(f'{{"k": {value}}}' for value in values)))
    assert group.table(Cancel()).column("k").combine_chunks() == column


def test_rows_are_grouped_by_handle_options_and_keys() -> None:
    rows = [
        ('{"a": 1}', "m", None),
        ('{"a": 2}', "n", None),
        ('{"a": 3}', "m", None),
        ('{"a": 4, "b": 5}', "m", None),
        ('{"a": 6}', "m", "{}"),
    ]
    assert [group.places for group in grouped(rows)] == [[0, 2], [1], [3], [4]]


@pytest.mark.parametrize(
    ("text", "code"),
    [(None, "ML003016"), ("[]", "ML003017"), ("5", "ML003017"), ('"x"', "ML003017")],
)
def test_a_row_that_is_no_object_is_refused(text: str | None, code: str) -> None:
    with pytest.raises(MySQLError) as caught:
        grouped([(text, "m", None)])
    assert caught.value.message.startswith(code)


def answered(
    texts: list[str], results: list[str], at_once: int = 2, has_prediction: bool = True
) -> list[Any]:
    found: list[Any] = [None] * len(texts)
    for group in grouped(rows_of(*texts)):
        left = [results[place] for place in group.places]

        def results_of(rows: pa.Table, left: list[str] = left) -> pa.Array:
            given = pa.array(left[: len(rows)])
            del left[: len(rows)]
            return given

        answerer = Answerer(results_of, has_prediction)
        for place, text in group.answers(answerer, at_once, Cancel()):
            found[place] = text
    return found


def test_an_answer_repeats_the_row_and_adds_what_the_model_says() -> None:
    (text,) = answered(
        ['{"age": 30, "extra": "kept", "balance": 1425.0, "none": null}'],
        ['{"predictions": {"y": "no"}, "probabilities": {"no": 0.98, "yes": 0.02}}'],
    )
    assert text == (
        '{"age": 30, "none": null, "extra": "kept", "balance": 1425.0, "Prediction":'
        ' "no", "ml_results": {"predictions": {"y": "no"}, "probabilities": {"no":'
        ' 0.98, "yes": 0.02}}}'
    )


def test_texts_that_were_read_as_numbers_are_echoed_as_numbers() -> None:
    (group,) = grouped(
        rows_of('{"Time": "1425", "Delay": " -0.50 ", "Name": "7", "Null": null}')
    )
    numeric = frozenset({"time", "delay", "null"})
    answerer = Answerer(
        lambda rows: pa.array(['{"predictions": {"y": 1}}'] * len(rows)),
        numeric=numeric,
    )
    ((_, text),) = group.answers(answerer, 1, Cancel())
    assert text.startswith('{"Name": "7", "Null": null, "Time": 1425.0, "Delay": -0.5,')


def test_a_task_without_a_prediction_of_its_own_adds_results_alone() -> None:
    texts = ['{"user": "7"}']
    results = ['{"predictions": {"item": ["a", "b"], "rating": [4.5, 4.0]}}']
    (text,) = answered(texts, results, has_prediction=False)
    assert json.loads(text) == {"user": "7", "ml_results": json.loads(results[0])}


def test_an_explanation_adds_attributions_and_notes() -> None:
    (text,) = answered(
        ['{"age": 30}'],
        ['{"attributions": {"age": 0.5}, "predictions": {"y": 1}, "notes": "so"}'],
    )
    read = json.loads(text)
    assert (read["age_attribution"], read["Notes"], read["Prediction"]) == (
        0.5,
        "so",
        1,
    )


def test_answers_come_in_the_order_of_the_rows() -> None:
    texts = ['{"a": 1}', '{"b": 1}', '{"a": 2}']
    results = [f'{{"predictions": {{"y": {place}}}}}' for place in range(3)]
    found = [json.loads(text)["Prediction"] for text in answered(texts, results)]
    assert found == [0, 1, 2]


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_the_model_sees_so_many_rows_at_a_time_in_columns_of_one_type(
    at_once: int,
) -> None:
    (group,) = grouped(rows_of(*(f'{{"k": {value}}}' for value in (1, 2, 3, '"x"'))))
    seen: list[Any] = []

    def results_of(rows: pa.Table) -> pa.Array:
        seen.append(rows.column("k").to_pylist())
        return pa.array(['{"predictions": {"y": 1}}'] * len(rows))

    answering = group.answers(Answerer(results_of), at_once, Cancel())
    places = [place for place, _ in answering]
    assert places == [0, 1, 2, 3]
    assert max(map(len, seen)) == min(at_once, 4)
    assert [value for part in seen for value in part] == ["1", "2", "3", "x"]


@pytest.mark.parametrize("when", ["before the first row", "after it"])
def test_the_work_on_rows_ends_when_it_is_told_to(when: str) -> None:
    texts = ['{"a": 1}'] * 4
    cancel = Cancel()
    (group,) = grouped(rows_of(*texts))
    answerer = Answerer(
        lambda rows: pa.array(['{"predictions": {"y": 1}}'] * len(rows))
    )
    working = group.answers(answerer, 2, cancel)
    if when == "after it":
        next(working)
    cancel.ask()
    with pytest.raises(MySQLError) as caught:
        next(working)
    assert caught.value.args == interrupted().args
    with pytest.raises(MySQLError):
        grouped(cancel.between(rows_of(*texts)))
