"""Rows as JSON objects: to Arrow, to the model, and back with its answers."""

import json
from typing import Any

import pyarrow as pa
import pytest

from heatproxy.errors import MySQLError
from heatproxy.routines.rows import Row, RowsOfOneCall, answers, grouped


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
    assert group.table.column("k").combine_chunks() == column


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


async def answered(texts: list[str], results: list[str]) -> list[Any]:
    async def results_of(session: Any, group: RowsOfOneCall) -> pa.Array:
        assert session is None
        return pa.array([results[place] for place in group.places])

    nothing: Any = None
    return await answers(nothing, rows_of(*texts), results_of)


async def test_an_answer_repeats_the_row_and_adds_what_the_model_says() -> None:
    (text,) = await answered(
        ['{"age": 30, "extra": "kept", "balance": 1425.0, "none": null}'],
        ['{"predictions": {"y": "no"}, "probabilities": {"no": 0.98, "yes": 0.02}}'],
    )
    assert text == (
        '{"age": 30, "none": null, "extra": "kept", "balance": 1425.0, "Prediction":'
        ' "no", "ml_results": {"predictions": {"y": "no"}, "probabilities": {"no":'
        ' 0.98, "yes": 0.02}}}'
    )


async def test_an_explanation_adds_attributions_and_notes() -> None:
    (text,) = await answered(
        ['{"age": 30}'],
        ['{"attributions": {"age": 0.5}, "predictions": {"y": 1}, "notes": "so"}'],
    )
    read = json.loads(text)
    assert (read["age_attribution"], read["Notes"], read["Prediction"]) == (
        0.5,
        "so",
        1,
    )


async def test_answers_come_in_the_order_of_the_rows() -> None:
    texts = ['{"a": 1}', '{"b": 1}', '{"a": 2}']
    results = [f'{{"predictions": {{"y": {place}}}}}' for place in range(3)]
    found = [json.loads(text)["Prediction"] for text in await answered(texts, results)]
    assert found == [0, 1, 2]
