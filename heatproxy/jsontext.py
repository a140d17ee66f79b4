"""JSON as MySQL prints it, and numbers that keep the digits they came with.

Source: MySQL Reference Manual, "The JSON Data Type", normalization.
"""

import json
import math
from decimal import Decimal
from typing import Any

_LEAST, _MOST = -15, 14  # powers of ten that MySQL writes without one


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


def double_text(value: float) -> str:
    """A double as MySQL writes it in JSON: 0.5, 1e15, 1.5e-16."""
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).rstrip("0") or "0"
    power = len(digits) + exponent - 1  # of the first digit
    minus = "-" if sign else ""
    if not any(digits):
        return minus + "0.0"
    if _LEAST <= power <= _MOST or len(text) > power + 1 > 0:
        if power < 0:
            return f"{minus}0.{'0' * (-power - 1)}{text}"
        whole, rest = text[: power + 1].ljust(power + 1, "0"), text[power + 1 :]
        return f"{minus}{whole}.{rest or '0'}"
    rest = f".{text[1:]}" if text[1:] else ""
    return f"{minus}{text[0]}{rest}e{power}"


def read_as_number(value: Any) -> Any:
    """A text that holds a number as that double; anything else as it is."""
    if not isinstance(value, str) or isinstance(value, NumberText):
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    return NumberText(double_text(number)) if math.isfinite(number) else value
