"""JSON scalars: compared with literals, as numbers, and in order.

JSON compares by kinds before values; here a value of another kind than the literal
is only ever not equal to it. A date in a document looks like a string.
"""

import re

from heatproxy.sql.emitter.values import Forward, Value, unable

_NUMBERS = ("BIGINT", "UBIGINT", "DOUBLE")
_LISTED = ", ".join(f"'{name}'" for name in _NUMBERS)
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,14})")
_STRING = re.compile(r'"([^"\\\x00-\x1f\x7f]*)"')
_OPAQUE = re.compile(r"-?\d\d|base64:")
_SAFE_NUMBER = 999_999_999_999_999


def as_double(value: Value) -> Value:
    """A JSON number as a DOUBLE; MySQL warns of other scalars, or takes their text."""
    document, path = _place(value)
    kind = f"json_type({document}, {path})"
    text = f"json_extract_string({document}, {path})"
    odd = f"{kind} NOT IN ({_LISTED})"
    number = unable(odd, "a JSON value that is no number", f"CAST({text} AS DOUBLE)")
    return Value(number, "double")


def order(value: Value) -> str:
    """What JSON numbers sort by."""
    number = as_double(value).sql
    large = f"abs({number}) > {_SAFE_NUMBER}"
    return unable(large, "a JSON number that a DOUBLE may not hold", number)


def equal_sides(value: Value, literal: Value) -> tuple[str, str]:
    """Two expressions that are equal where the JSON value and the literal are."""
    document, path = _place(value)
    kind = f"json_type({document}, {path})"
    text = f"json_extract_string({document}, {path})"
    written = literal.literal
    if literal.kind == "int" and written is not None and _INTEGER.fullmatch(written):
        other = f"CAST({int(written) + 1} AS DOUBLE)"
        alike, same = f"IN ({_LISTED})", f"CAST({text} AS DOUBLE)"
        wanted = f"CAST({written} AS DOUBLE)"
    elif literal.kind == "string" and written is not None:
        if _OPAQUE.match(written):
            raise Forward("a JSON value compared with what may be a date")
        alike, same, wanted = "= 'VARCHAR'", text, literal.sql
        other = "''" if written else "'x'"
    else:
        raise Forward(f"comparison of json and {literal.kind}")
    unequal = f"CASE WHEN {kind} IS NOT NULL THEN {other} END"
    return f"CASE WHEN {kind} {alike} THEN {same} ELSE {unequal} END", wanted


def equal_parts(text: str, wanted: str) -> tuple[str, str]:
    """What a JSON scalar's text is compared by with a literal's, and that literal's."""
    if _INTEGER.fullmatch(wanted):
        return f"TRY_CAST({text} AS DOUBLE)", f"CAST({wanted} AS DOUBLE)"
    string = _STRING.fullmatch(wanted)
    if string is not None and not _OPAQUE.match(string[1]):
        escaped = wanted.replace("'", "''")
        return text, f"'{escaped}'"
    if wanted in ("null", "true", "false"):
        return text, f"'{wanted}'"
    raise Forward("JSON_CONTAINS of anything but a plain scalar")


def _place(value: Value) -> tuple[str, str]:
    place = None if value.text is None else value.text.place
    return place or (value.sql, "'$'")
