"""JSON documents of files as MySQL keeps them: members in order, numbers in its words.

The engine answers for MySQL, whose documents have each key once, the last value of it,
shorter keys first, and one way to write a number.

Source: MySQL Reference Manual, "The JSON Data Type", normalization; seen on 9.7.4.
"""

import json
import re
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from heatproxy.jsontext import NumberText, double_text, json_text

MAX_DEPTH = 100
_TOO_DEEP = "The JSON document exceeds the maximum depth."
_SIGNED_LOW, _UNSIGNED_HIGH = -(1 << 63), (1 << 64) - 1
_LONG_NUMBER = re.compile(r"\d{19}")


def canonical(text: str) -> str:
    """The document as MySQL shows it.

    Raises:
        ValueError: it is none that MySQL takes; its message says why.
    """
    try:
        value, shown = _read(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise ValueError(_TOO_DEEP)
    if "\\u" in text:
        shown.encode()  # UnicodeEncodeError, a ValueError: half of a surrogate pair
    return shown


def documents(array: pa.Array) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
    """The texts as MySQL shows them, and which are none; those are NULL."""
    kept: list[str | None] = []
    wrong = np.zeros(len(array), bool)
    for k, text in enumerate(array.to_pylist()):
        try:
            kept.append(None if text is None else canonical(text))
        except ValueError:
            kept.append(None)
            wrong[k] = True
    return pa.array(kept, pa.string()), wrong


def _read(text: str) -> tuple[Any, str]:
    """What it says, and how MySQL shows it."""
    try:
        if _LONG_NUMBER.search(text):
            raise _Odd
        value = _USUAL.decode(text)
        return value, _ENCODER.encode(value)
    except _Odd:
        value = _EVERY.decode(text)
        return value, json_text(value)


class _Odd(Exception):
    """A number that Python and MySQL write in different ways."""


def _usual_fraction(text: str) -> float:
    value = float(text)
    if value and not 1e-4 <= abs(value) < 1e15:
        raise _Odd
    return value


def _every_fraction(text: str) -> NumberText:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("Number too big to be stored in double.")
    return NumberText(double_text(value))


def _every_whole(text: str) -> int | NumberText:
    if len(text) <= 20 and _SIGNED_LOW <= int(text) <= _UNSIGNED_HIGH:
        return int(text)
    return _every_fraction(text)


def _constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON value.")


@lru_cache(1024)
def _order(keys: tuple[str, ...]) -> tuple[str, ...]:
    def place(key: str) -> tuple[int, bytes]:
        written = key.encode("utf-8", "surrogatepass")
        return len(written), written

    return tuple(sorted(set(keys), key=place))


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    given = dict(pairs)
    return {key: given[key] for key in _order(tuple(given))}


def _depth(value: Any) -> int:
    """How deep it is; a scalar that stands alone is 0."""
    deepest, waiting = 0, [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if not isinstance(one, dict | list):
            continue
        deepest = max(deepest, depth + 1)
        inner = one.values() if isinstance(one, dict) else one
        waiting += [(member, depth + 1) for member in inner]
    return deepest


_USUAL = json.JSONDecoder(
    parse_float=_usual_fraction, parse_constant=_constant, object_pairs_hook=_members
)
_EVERY = json.JSONDecoder(
    parse_float=_every_fraction, parse_int=_every_whole, parse_constant=_constant
)
_ENCODER = json.JSONEncoder(ensure_ascii=False)
