"""JSON documents made of values: JSON_OBJECT, JSON_ARRAY, and those of groups.

The engine holds MySQL's own text of each document, so text is what is put together.
"""

import json
from dataclasses import replace

from sqlglot import exp

from heatproxy.sql.emitter.casts import text_of
from heatproxy.sql.emitter.numbers import Rule
from heatproxy.sql.emitter.texts import text_literal
from heatproxy.sql.emitter.values import Context, Forward, Value, plain, trap, unable


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


def object_of_rows(ctx: Context, values: list[Value]) -> Value:
    """JSON_OBJECTAGG; of a key that comes twice MySQL shows the last."""
    key, value = plain(values[0]), plain(values[1])
    if key.kind != "string":
        raise Forward("JSON_OBJECTAGG with keys that are no strings")
    name, shown = _json_text(ctx, key), f"coalesce({_json_text(ctx, value)}, 'null')"
    text = f"{name} || ': ' || {shown}"
    member = f"struct_pack(l := strlen({key.sql}), k := {key.sql}, t := {text})"
    listed = f"list_transform(list_sort(list({member})), lambda e: e.t)"
    sql = f"'{{' || array_to_string({listed}, ', ') || '}}'"
    twice = f"count(DISTINCT {key.sql}) <> count({key.sql})"
    sql = unable(twice, "a key that comes twice in JSON", sql)
    unnamed = f"count({key.sql}) <> count(*)"
    return Value(trap(unnamed, "a JSON key of NULL", sql), "json")


def array_of_rows(ctx: Context, values: list[Value], order: str) -> Value:
    """JSON_ARRAYAGG; ``order`` is the place of each row."""
    text = f"coalesce({_json_text(ctx, plain(values[0]))}, 'null')"
    listed = f"list({text} ORDER BY {order})"
    return Value(f"'[' || array_to_string({listed}, ', ') || ']'", "json")


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
        text = f"CAST({value.sql} AS VARCHAR)"
        stored = value.text is not None and value.text.stored
        if value.kind == "decimal" and value.scale and not stored:
            # 0.00 * -2 is -0.00 on its way, for which MySQL writes 0
            return unable(f"{value.sql} = 0", "a computed 0 in JSON", text)
        return text
    if value.kind == "double":
        text = f"CAST({value.sql} AS VARCHAR)"
        plain = (
            f"{value.sql} = 0 OR abs({value.sql}) BETWEEN 0.0001 AND 99999999999999.0"
        )
        return unable(f"NOT ({plain}) OR {text} = '-0.0'", "a DOUBLE in JSON", text)
    if value.kind == "date":
        return f"'\"' || {text_of(ctx, value).sql} || '\"'"
    if value.kind in ("datetime", "timestamp", "time"):
        precise = replace(value, scale=6)
        return f"'\"' || {text_of(ctx, precise).sql} || '\"'"
    if value.kind in ("string", "enum", "set"):
        odd = f"regexp_matches({value.sql}, '[\x00-\x1f\x7f]')"
        text = f"CAST(to_json({value.sql}) AS VARCHAR)"
        return unable(odd, "a control character in JSON", text)
    raise Forward(f"{value.kind} in JSON")


FORMS: dict[str, tuple[Rule, int, int]] = {
    "JSON_OBJECT": (json_object, 0, 99),
    "JSON_ARRAY": (json_array, 0, 99),
}
AGGREGATES = {"JSON_OBJECTAGG": 2, "JSON_ARRAYAGG": 1}  # and how many arguments
