"""JSON: what stands at a path of a document, its length, what it contains.

The engine holds MySQL's own text of each document. Strings, integers, true, false
and null come out exactly; a number with a fraction where both write its digits
alike; objects and arrays with the blanks that MySQL writes and DuckDB does not.
"""

import re

from sqlglot import exp

from heatproxy.sql import grammar
from heatproxy.sql.emitter.logic import predicate
from heatproxy.sql.emitter.numbers import Function, Rule
from heatproxy.sql.emitter.scalars import equal_parts
from heatproxy.sql.emitter.texts import text_literal
from heatproxy.sql.emitter.values import (
    Context,
    Forward,
    Value,
    Written,
    plain,
    unable,
)

BINARY = "utf8mb4_bin"
_LEG = r"\.[A-Za-z_][A-Za-z0-9_]*|\[\d{1,6}\]|\[last\]"
_PATH = re.compile(rf"\$(?:{_LEG})*")
# a fraction that ends in 0 is a DECIMAL's; DuckDB writes no such 0
_DECIMAL = r"[.][0-9]+0([,}}\]]|$)"
_ODD = r"[0-9][eE]|[0-9]{16}[.]|[.][0-9]{10}|\\u"
# a part up to the next comma or colon that is outside of strings
_UP_TO_MARK = r'((?:"(?:[^"\\]|\\.)*"|[^",:])+[,:])'


def extract(ctx: Context, values: list[Value]) -> Value:
    document = _document(values[0])
    if len(values) > 2 or values[1].literal == "$[*]":
        return _several(document, values[1:])
    document, path = _placed(document, values[1])
    text = _text(document, path)
    return Value(text, "json", written=Written(text, place=(document, path)))


def unquote(ctx: Context, node: exp.Expr) -> Value:
    """JSON_UNQUOTE(JSON_EXTRACT(...)), which ->> is."""
    inner = node.expressions[0]
    if grammar.function_name(inner) != "JSON_EXTRACT" or len(inner.expressions) != 2:
        raise Forward("JSON_UNQUOTE of anything but JSON_EXTRACT")
    whole, place = (ctx.value(part) for part in inner.expressions)
    document, path = _placed(_document(whole), place)
    string = f"json_extract_string({document}, {path})"
    is_string = f"json_type({document}, {path}) = 'VARCHAR'"
    sql = f"CASE WHEN {is_string} THEN {string} ELSE {_text(document, path)} END"
    return Value(sql, "string", collation=BINARY)


def length(ctx: Context, values: list[Value]) -> Value:
    document, path = _placed(_document(values[0]), *values[1:])
    arguments = f"{document}, {path}"
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
    sql = unable(odd, "a JSON type that the text does not tell", sql)
    return Value(sql, "string", collation=BINARY, ascii=True, clean=True)


def contains_path(ctx: Context, values: list[Value]) -> Value:
    document, word = _document(values[0]), (values[1].literal or "").lower()
    if word not in ("one", "all"):
        raise Forward("JSON_CONTAINS_PATH with anything but 'one' or 'all'")
    places = [_placed(document, value) for value in values[2:]]
    tests = [f"json_exists({whole}, {path})" for whole, path in places]
    joined = (" OR " if word == "one" else " AND ").join(tests)
    return predicate(f"{joined}")


def contains(ctx: Context, values: list[Value]) -> Value:
    """JSON_CONTAINS of a literal scalar: the value there, or an array's element."""
    document, path = _placed(_document(values[0]), *values[2:])
    candidate = values[1].literal
    if values[1].kind != "string" or candidate is None:
        raise Forward("JSON_CONTAINS of anything but a literal")
    kind = f"json_type({document}, {path})"
    whole = f"CAST(json_extract({document}, {path}) AS VARCHAR)"
    parts = f"CAST(json_extract({document}, {path}) AS JSON[])"
    one, wanted = equal_parts("coalesce(CAST(e AS VARCHAR), 'null')", candidate)
    found = f"len(list_filter({parts}, lambda e: {one} = {wanted})) > 0"
    same = equal_parts(whole, candidate)[0]
    nested = f"{kind} = 'ARRAY' AND regexp_matches({whole}, '.\\[')"
    sql = (
        f"CASE {kind} WHEN 'ARRAY' THEN {found} WHEN 'OBJECT' THEN FALSE ELSE"
        f" CASE WHEN {kind} IS NOT NULL THEN coalesce({same} = {wanted}, FALSE) END END"
    )
    return predicate(unable(nested, "an array in an array", sql))


def valid(ctx: Context, values: list[Value]) -> Value:
    document = _document(values[0])
    return predicate(f"CASE WHEN {document} IS NOT NULL THEN TRUE END")


def _several(document: str, paths: list[Value]) -> Value:
    """An array of what is found at several places, or of all elements."""
    if paths[0].literal == "$[*]" and len(paths) == 1:
        whole = _text(document, "'$'")
        kind = f"json_type({document})"
        empty = f"json_array_length({document}) = 0"
        sql = f"CASE WHEN {kind} = 'ARRAY' AND NOT {empty} THEN {whole} END"
        return Value(sql, "json")
    found = [_text(*_placed(document, path)) for path in paths]
    joined = f"concat_ws(', ', {', '.join(found)})"
    known = " OR ".join(f"{text} IS NOT NULL" for text in found)
    return Value(f"CASE WHEN {known} THEN '[' || {joined} || ']' END", "json")


def _text(document: str, path: str) -> str:
    """What stands at a path, as MySQL writes it."""
    kind = f"json_type({document}, {path})"
    text = f"CAST(json_extract({document}, {path}) AS VARCHAR)"
    numbers = f"{kind} IN ('DOUBLE', 'OBJECT', 'ARRAY')"
    odd = f"regexp_matches({text}, '{_ODD}') AND {kind} <> 'VARCHAR'"
    odd += f" OR {kind} = 'VARCHAR' AND contains({text}, '\\u')"
    odd += f" OR {numbers} AND regexp_matches({document}, '{_DECIMAL}')"
    spaced = f"regexp_replace({text}, '{_UP_TO_MARK}', '\\1 ', 'g')"
    written = f"CASE WHEN {kind} IN ('OBJECT', 'ARRAY') THEN {spaced} ELSE {text} END"
    return unable(odd, "a JSON value that is written differently", written)


def _document(value: Value) -> str:
    value = plain(value)
    if value.kind != "json":
        raise Forward(f"a JSON function on {value.kind}")
    return value.sql


def _placed(document: str, *paths: Value) -> tuple[str, str]:
    """A document and DuckDB's literal of a path in it.

    To MySQL a value that is no array is the first and the last element of itself.
    """
    if not paths:
        return document, "'$'"
    path = paths[0].literal
    if paths[0].kind != "string" or path is None or not _PATH.fullmatch(path):
        raise Forward("a JSON path other than keys and places")
    legs = re.findall(_LEG, path)
    tests = []
    for place, leg in enumerate(legs):
        if leg in ("[last]", "[0]"):
            before = _joined(legs[:place])
            tests.append(f"json_type({document}, {before}) <> 'ARRAY'")
    if tests:
        document = unable(" OR ".join(tests), "an element of no array", document)
    return document, _joined(legs)


def _joined(legs: list[str]) -> str:
    return text_literal("$" + "".join(legs).replace("[last]", "[#-1]"))


FORMS: dict[str, tuple[Rule, int, int]] = {
    "JSON_UNQUOTE": (unquote, 1, 1),
}
FUNCTIONS: dict[str, tuple[Function, int, int]] = {
    "JSON_EXTRACT": (extract, 2, 9),
    "JSON_LENGTH": (length, 1, 2),
    "JSON_TYPE": (type_name, 1, 1),
    "JSON_CONTAINS": (contains, 2, 3),
    "JSON_CONTAINS_PATH": (contains_path, 3, 99),
    "JSON_VALID": (valid, 1, 1),
}
