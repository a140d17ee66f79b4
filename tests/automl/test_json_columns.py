"""JSON text made a column at a time."""

import json

import numpy as np
import pyarrow as pa

from heatproxy.automl.json_columns import fixed, joined, json_key, json_strings, numbers


def test_numbers_read_back_the_same() -> None:
    values = np.array([0.1, -2.0, 1e300, 1e-7, 5.0, np.nan, np.inf])
    texts = numbers(values).to_pylist()
    assert [json.loads(text) for text in texts[:5]] == values[:5].tolist()
    assert texts[1] == "-2.0"
    assert texts[5:] == ["null", "null"]


def test_fixed_numbers_have_so_many_decimals() -> None:
    values = np.array([0.12346, 1.0, -0.5, 2.0])
    assert fixed(values, 2).to_pylist() == ["0.12", "1.0", "-0.5", "1.0"]
    assert fixed(values, 4).to_pylist() == ["0.1235", "1.0", "-0.5", "1.0"]


def test_strings_and_keys_are_escaped() -> None:
    texts = ['a"b', "ä\n", "", 'a"b']
    assert [json.loads(t) for t in json_strings(pa.array(texts)).to_pylist()] == texts
    assert json.loads(json_key('"ü')) == '"ü'


def test_constants_and_columns_are_joined() -> None:
    found = joined(["{", pa.array(["1", "2"]), "}"])
    assert found.to_pylist() == ["{1}", "{2}"]
