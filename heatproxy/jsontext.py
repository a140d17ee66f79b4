"""JSON as MySQL prints it, and numbers that keep the digits they came with.

Source: MySQL Reference Manual, "The JSON Data Type", normalization.
"""

import json
from typing import Any


class NumberText(str):
    """A JSON number by its text: 1425.0 stays 1425.0, and no digit is lost."""

    __slots__ = ()


def parse(text: str) -> Any:
    """JSON text as Python values, fractional numbers as NumberText."""
    return json.loads(text, parse_float=NumberText)


def json_text(value: Any) -> str:
    """JSON text as MySQL's: keys ordered by length in bytes, then by bytes."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        inner = ", ".join(f"{json_text(key)}: {json_text(value[key])}" for key in keys)
        return "{" + inner + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(json_text(member) for member in value) + "]"
    if isinstance(value, NumberText):
        return value
    return json.dumps(value, ensure_ascii=False)
