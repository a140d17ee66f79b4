"""JSON text made a column at a time: whole columns are joined, never row by row."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.automl.columns import FloatArray


def joined(parts: Sequence[Any]) -> pa.Array:
    """Constants and string columns (n_rows,), one after the other (n_rows,)."""
    return pc.binary_join_element_wise(*parts, "")


def json_strings(texts: pa.Array) -> pa.Array:
    """Quoted and escaped; each distinct text is escaped once."""
    encoded = texts.dictionary_encode()
    quoted = [json.dumps(t, ensure_ascii=False) for t in encoded.dictionary.to_pylist()]
    return pa.array(quoted, pa.string()).take(encoded.indices)


def json_key(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def numbers(values: FloatArray) -> pa.Array:
    """Doubles as the shortest JSON numbers that read back the same; NaN is null."""
    column = pa.array(values, pa.float64())
    texts = column.cast(pa.string())
    whole = pc.invert(pc.match_substring_regex(texts, "[.eE]"))
    texts = pc.if_else(whole, pc.binary_join_element_wise(texts, ".0", ""), texts)
    return pc.if_else(pc.is_finite(column), texts, "null")


def fixed(values: FloatArray, decimals: int) -> pa.Array:
    """Numbers in -1..1 rounded, as text such as 0.98, 0.5 and 1.0 (n_rows,)."""
    steps, known = 10**decimals, _known(decimals)
    places = np.rint(np.clip(values, -1.0, 1.0) * steps).astype(np.int64) + steps
    return known.take(pa.array(places))


@cache
def _known(decimals: int) -> pa.Array:
    """All numbers in -1..1 of so many decimals, as text."""
    steps = 10**decimals
    return pa.array([str(step / steps) for step in range(-steps, steps + 1)])
