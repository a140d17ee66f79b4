"""JSON: what stands at a path of a document, its length, documents made of values.

The engine holds MySQL's own text of each document. Strings, integers, true, false
and null come out exactly; a number with a fraction where both write its digits
alike; objects and arrays, which DuckDB writes without blanks, are a trap.
"""

import json
import re
from dataclasses import replace

from sqlglot import exp

from heatproxy.sql import grammar
from heatproxy.sql.emitter.casts import text_of
from heatproxy.sql.emitter.compare import predicate, text_literal
from heatproxy.sql.emitter.numbers import Function, Rule
from heatproxy.sql.emitter.values import Context, Forward, Value, plain, trap

BINARY = "utf8mb4_bin"
_PATH = re.compile(r"\$(?:\.[A-Za-z_][A-Za-z0-9_]*|\[\d{1,6}\])*")
_PLAIN_FRACTION = r"-?(0|[1-9][0-9]{0,14})\.[0-9]{1,9}"


def extract(ctx: Context, values: list[Value]) -> Value:
    document, path = _document(values[0]), _path(values[1])
    found = f"json_extract({document}, {path})"
    kind = f"json_type({document}, {path})"
    text = f"CAST({found} AS VARCHAR)"
    odd = (
        f"{kind} IN ('OBJECT', 'ARRAY') OR ({kind} = 'VARCHAR' AND"
        f" contains({text}, '\\')) OR {_odd_number(kind, text)}"
    )
    sql = trap(odd, "a JSON value that is written differently", text)
    return Value(sql, "json")


def unquote(ctx: Context, node: exp.Expr) -> Value:
    """JSON_UNQUOTE(JSON_EXTRACT(...)), which ->> is."""
    inner = node.expressions[0]
    if grammar.function_name(inner) != "JSON_EXTRACT" or len(inner.expressions) != 2:
        raise Forward("JSON_UNQUOTE of anything but JSON_EXTRACT")
    return _unquoted(*(ctx.value(part) for part in inner.expressions))


def length(ctx: Context, values: list[Value]) -> Value:
    arguments = ", ".join([_document(values[0]), *(_path(v) for v in values[1:])])
    kind = f"json_type({arguments})"
    keys = f"len(json_keys({arguments}))"
    sql = (
        f"CASE {kind} WHEN 'ARRAY' THEN json_array_length({arguments})"
        f" WHEN 'OBJECT' THEN {keys} ELSE CASE WHEN {kind} IS NOT NULL THEN 1 END END"
    )
    return Value(f"CAST({sql} AS BIGINT)", "int", 10)


def type_name(ctx: Context, values: list[Value]) -> Value:
    """JSON_TYPE; in text DOUBLE and DECIMAL look alike, dates and strings, and the
    two kinds of integers."""
    document = _document(values[0])
    kind = f"json_type({document})"
    dates = f"regexp_matches({document}, '^\"(-?[0-9][0-9]|base64:)')"
    numbers = f"{kind} IN ('DOUBLE', 'UBIGINT')"
    odd = f"{numbers} OR ({kind} = 'VARCHAR' AND {dates})"
    arms = "WHEN 'BIGINT' THEN 'INTEGER' WHEN 'VARCHAR' THEN 'STRING'"
    sql = f"CASE {kind} {arms} ELSE {kind} END"
    sql = trap(odd, "a JSON type that the text does not tell", sql)
    return Value(sql, "string", collation=BINARY, ascii=True, clean=True)


def json_object(ctx: Context, node: exp.Expr) -> Value:
    """JSON_OBJECT with literal keys; MySQL puts short keys before long ones."""
    arguments = node.expressions
    if len(arguments) % 2:
        raise Forward("JSON_OBJECT() with an odd number of arguments")
    members: dict[str, str] = {}
    for place in range(0, len(arguments), 2):
        key = ctx.value(arguments[place]).literal
        if not isinstance(arguments[place], exp.Literal) or key is None:
            raise Forward("JSON_OBJECT with anything but literal keys")
        if key in members or not (key.isascii() and key.isprintable()):
            raise Forward("JSON_OBJECT with an odd key, or one key twice")
        members[key] = _written(ctx, arguments[place + 1])
    ordered = sorted(members, key=lambda key: (len(key), key))
    parts = [
        f"{text_literal(json.dumps(key) + ': ')} || {members[key]}" for key in ordered
    ]
    return Value(_joined("{", parts, "}"), "json", nullable=False)


def json_array(ctx: Context, node: exp.Expr) -> Value:
    parts = [_written(ctx, part) for part in node.expressions]
    return Value(_joined("[", parts, "]"), "json", nullable=False)


def contains_path(ctx: Context, values: list[Value]) -> Value:
    document, word = _document(values[0]), (values[1].literal or "").lower()
    if word not in ("one", "all"):
        raise Forward("JSON_CONTAINS_PATH with anything but 'one' or 'all'")
    paths = [_path(value) for value in values[2:]]
    tests = [f"json_exists({document}, {path})" for path in paths]
    joined = (" OR " if word == "one" else " AND ").join(tests)
    return predicate(f"{joined}")


def valid(ctx: Context, values: list[Value]) -> Value:
    document = _document(values[0])
    return predicate(f"CASE WHEN {document} IS NOT NULL THEN TRUE END")


def _unquoted(whole: Value, place: Value) -> Value:
    """The text at a path: a string's characters, another scalar's JSON."""
    document, path = _document(whole), _path(place)
    kind = f"json_type({document}, {path})"
    text = f"CAST(json_extract({document}, {path}) AS VARCHAR)"
    odd = f"{kind} IN ('OBJECT', 'ARRAY') OR {_odd_number(kind, text)}"
    string = f"json_extract_string({document}, {path})"
    sql = f"CASE WHEN {kind} = 'VARCHAR' THEN {string} ELSE {text} END"
    sql = trap(odd, "a JSON value that is written differently", sql)
    return Value(sql, "string", collation=BINARY)


def _joined(opened: str, parts: list[str], closed: str) -> str:
    inner = " || ', ' || ".join(parts)
    return f"('{opened}' || {inner} || '{closed}')" if parts else f"'{opened}{closed}'"


def _written(ctx: Context, node: exp.Expr) -> str:
    """A value as a part of a document's text."""
    value = ctx.value(node)
    if value.predicate:
        if not isinstance(node.unnest(), exp.Boolean | exp.Predicate | exp.Connector):
            raise Forward("a function's truth in JSON")
        known = f"CASE WHEN {value.sql} THEN 'true' ELSE 'false' END"
        return f"CASE WHEN {value.sql} IS NULL THEN 'null' ELSE {known} END"
    return f"coalesce({_json_text(ctx, value)}, 'null')"


def _json_text(ctx: Context, value: Value) -> str:
    if value.kind in ("null", "json"):
        return f"CAST({value.sql} AS VARCHAR)"
    if value.kind in ("int", "decimal", "year") and value.hidden is None:
        return f"CAST({value.sql} AS VARCHAR)"
    if value.kind == "double":
        text = f"CAST({value.sql} AS VARCHAR)"
        plain = (
            f"{value.sql} = 0 OR abs({value.sql}) BETWEEN 0.0001 AND 99999999999999.0"
        )
        return trap(f"NOT ({plain}) OR {text} = '-0.0'", "a DOUBLE in JSON", text)
    if value.kind == "date":
        return f"'\"' || {text_of(ctx, value).sql} || '\"'"
    if value.kind in ("datetime", "timestamp", "time"):
        precise = replace(value, scale=6)
        return f"'\"' || {text_of(ctx, precise).sql} || '\"'"
    if value.kind in ("string", "enum", "set"):
        odd = f"regexp_matches({value.sql}, '[\x00-\x1f\x7f]')"
        text = f"CAST(to_json({value.sql}) AS VARCHAR)"
        return trap(odd, "a control character in JSON", text)
    raise Forward(f"{value.kind} in JSON")


def _odd_number(kind: str, text: str) -> str:
    """Where a DOUBLE's digits may be written in two ways."""
    return f"({kind} = 'DOUBLE' AND NOT regexp_full_match({text}, '{_PLAIN_FRACTION}'))"


def _document(value: Value) -> str:
    value = plain(value)
    if value.kind != "json":
        raise Forward(f"a JSON function on {value.kind}")
    return value.sql


def _path(value: Value) -> str:
    path = value.literal
    if value.kind != "string" or path is None or not _PATH.fullmatch(path):
        raise Forward("a JSON path other than keys and places")
    return text_literal(path)


FORMS: dict[str, tuple[Rule, int, int]] = {
    "JSON_UNQUOTE": (unquote, 1, 1),
    "JSON_OBJECT": (json_object, 0, 99),
    "JSON_ARRAY": (json_array, 0, 99),
}
FUNCTIONS: dict[str, tuple[Function, int, int]] = {
    "JSON_EXTRACT": (extract, 2, 2),
    "JSON_LENGTH": (length, 1, 2),
    "JSON_TYPE": (type_name, 1, 1),
    "JSON_CONTAINS_PATH": (contains_path, 3, 99),
    "JSON_VALID": (valid, 1, 1),
}
