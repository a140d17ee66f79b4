"""Comparisons, logic and LIKE: what MySQL calls equal, less and true.

Strings compare by keys of their collation, exact numbers exactly, dates with
strictly written literals only.
"""

import datetime
import re
from collections.abc import Callable, Sequence

from sqlglot import exp

from heatproxy.sql.collation import PRINTABLE, CollationKey
from heatproxy.sql.emitter.numbers import as_double
from heatproxy.sql.emitter.values import TEMPORAL, Context, Forward, Value, plain

UNKNOWN = "CAST(NULL AS BOOLEAN)"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?")
_CLEAN_INTEGER = re.compile(r"-?\d{1,15}")
OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
}
EQUALITIES = ("=", "<>", "IS NOT DISTINCT FROM")


def predicate(sql: str) -> Value:
    """A BOOLEAN expression as MySQL's 0, 1 or NULL."""
    return Value(f"({sql})", "int", precision=1, predicate=True)


def truth(value: Value) -> str:
    """The value as a BOOLEAN: numbers are true unless 0."""
    if value.predicate:
        return value.sql
    if value.kind == "null":
        return UNKNOWN
    if value.is_exact or value.is_approximate:
        return f"({value.sql} <> 0)"
    raise Forward(f"{value.kind} as a condition")


def compare(ctx: Context, operator: str, left: Value, right: Value) -> str:
    """The BOOLEAN of ``left operator right``."""
    left, right = plain(left), plain(right)
    if "null" in (left.kind, right.kind):
        if operator not in ("IS NOT DISTINCT FROM", "="):
            return UNKNOWN
        return f"({left.sql} {operator} {right.sql})"
    one, other = _comparable(ctx, operator, left, right)
    return f"({one} {operator} {other})"


def _comparable(
    ctx: Context, operator: str, left: Value, right: Value
) -> tuple[str, str]:
    kinds = {left.kind, right.kind}
    if kinds <= {"int", "decimal"}:
        return _exact(left, right)
    if kinds <= {"int", "decimal", "double", "float"}:
        return as_double(left), as_double(right)
    if "year" in kinds and kinds <= {"int", "year"}:
        return _year(left), _year(right)
    if left.kind in TEMPORAL or right.kind in TEMPORAL:
        return _temporal(left, right)
    if kinds == {"time"}:
        return left.sql, right.sql
    if kinds == {"string"}:
        key = common_key(ctx, left, right)
        if operator in EQUALITIES:
            return key.equality(left.sql), key.equality(right.sql)
        return key.order(left.sql), key.order(right.sql)
    if "enum" in kinds and kinds <= {"enum", "string"}:
        return _enum(ctx, operator, left, right)
    if "string" in kinds and kinds <= {"string", "int", "decimal", "double", "float"}:
        return _text_and_number(left, right)
    raise Forward(f"comparison of {left.kind} and {right.kind}")


def common_key(ctx: Context, *values: Value) -> CollationKey:
    """The key under which strings compare. Literals take the columns' collation."""
    collations = {value.collation for value in values if value.collation is not None}
    if len(collations) > 1:
        raise Forward("a mix of collations")
    collation = collations.pop() if collations else ctx.session.collation_connection
    key = ctx.weights.keys.get(collation)
    if key is None:
        raise Forward(f"comparing strings of collation {collation}")
    if key.needs_ascii and not all(value.ascii for value in values):
        raise Forward("comparing strings that are not all printable ASCII")
    return key


def order_key(ctx: Context, value: Value) -> str:
    """The expression that sorts as MySQL sorts the value."""
    if value.kind == "string":
        key = common_key(ctx, value)
        if not value.ascii:
            raise Forward("sorting strings that are not all printable ASCII")
        return key.order(value.sql)
    if value.kind == "enum":
        listed = ", ".join(text_literal(member) for member in value.members)
        return f"list_position([{listed}], {value.sql})"
    if value.kind in ("json", "set", "bit", "binary"):
        raise Forward(f"sorting by {value.kind.upper()}")
    return value.sql


def groupable(ctx: Context, value: Value) -> Value:
    """The value, if each group or distinct row shows one text for certain."""
    if value.kind == "string":
        key = common_key(ctx, value)
        distinct = not key.fold and not key.pad_space
        if not distinct and not (value.ascii and value.clean):
            raise Forward("grouping strings that differ only in letter case or blanks")
    elif value.kind in ("json", "set", "bit", "binary", "double", "float"):
        raise Forward(f"grouping by {value.kind.upper()}")
    elif value.mixed:
        raise Forward("grouping by a CASE whose branches differ in scale")
    return value


def text_literal(text: str) -> str:
    """A DuckDB string literal."""
    if "\0" in text:
        raise Forward("a NUL character in a string literal")
    return "'" + text.replace("'", "''") + "'"


def of_text(text: str) -> Value:
    """The Value of a string literal."""
    return Value(
        text_literal(text),
        "string",
        ascii=all(char in PRINTABLE for char in text),
        clean=True,
        texts=frozenset((text,)),
        literal=text,
    )


def comparison(ctx: Context, node: exp.Expr) -> Value:
    left, right = ctx.value(node.this), ctx.value(node.expression)
    return predicate(compare(ctx, OPERATORS[type(node)], left, right))


def between(ctx: Context, node: exp.Expr) -> Value:
    value = ctx.value(node.this)
    low, high = ctx.value(node.args["low"]), ctx.value(node.args["high"])
    lower, upper = compare(ctx, ">=", value, low), compare(ctx, "<=", value, high)
    return predicate(f"{lower} AND {upper}")


def in_list(ctx: Context, node: exp.Expr) -> Value:
    value = ctx.value(node.this)
    members = [ctx.value(member) for member in node.expressions]
    if not members:
        raise Forward("IN with a subquery")
    if value.kind == "date" and any(len(m.literal or "") > 10 for m in members):
        raise Forward("a DATE in a list of times")  # MySQL warns
    kinds = {member.kind for member in members} - {"null"}
    if len(kinds) == 1 and value.kind != "null":
        sides = [
            (None, "NULL")
            if member.kind == "null"
            else _comparable(ctx, "=", plain(value), plain(member))
            for member in members
        ]
        lefts = {left for left, _ in sides} - {None}
        if len(lefts) == 1:
            return predicate(f"{lefts.pop()} IN ({', '.join(r for _, r in sides)})")
    tests = [compare(ctx, "=", value, member) for member in members]
    return predicate(" OR ".join(tests))


def conjunction(ctx: Context, node: exp.Expr) -> Value:
    # AND chains nest to the left, as deep as the statement is long
    parts = list(node.flatten(unnest=False))
    return predicate(" AND ".join(truth(ctx.value(part)) for part in parts))


def disjunction(ctx: Context, node: exp.Expr) -> Value:
    parts = list(node.flatten(unnest=False))
    return predicate(" OR ".join(truth(ctx.value(part)) for part in parts))


def exclusive(ctx: Context, node: exp.Expr) -> Value:
    left, right = truth(ctx.value(node.this)), truth(ctx.value(node.expression))
    return predicate(f"{left} <> {right}")


def negation(ctx: Context, node: exp.Expr) -> Value:
    return predicate(f"NOT {truth(ctx.value(node.this))}")


def is_test(ctx: Context, node: exp.Expr) -> Value:
    value, tested = ctx.value(node.this), node.expression
    if isinstance(tested, exp.Null):
        return predicate(f"{value.sql} IS NULL")
    if isinstance(tested, exp.Boolean):
        return predicate(f"{truth(value)} IS {'TRUE' if tested.this else 'FALSE'}")
    raise Forward("IS with anything but NULL, TRUE and FALSE")


def like(ctx: Context, node: exp.Expr) -> Value:
    return _like(ctx, node, "\\")


def like_escape(ctx: Context, node: exp.Expr) -> Value:
    escape = node.expression
    if not isinstance(node.this, exp.Like) or not isinstance(escape, exp.Literal):
        raise Forward("ESCAPE with anything but a literal")
    character = str(escape.this)
    if len(character) != 1 or character not in PRINTABLE or character.isalnum():
        raise Forward("ESCAPE with a letter, digit or no single character")
    unknown = set(node.this.args) - {"this", "expression", "negate"}
    if any(node.this.args[name] for name in unknown):
        raise Forward("an unknown form of LIKE")
    return _like(ctx, node.this, character)


def _like(ctx: Context, node: exp.Expr, escape: str) -> Value:
    value, pattern = ctx.value(node.this), ctx.value(node.expression)
    if value.kind != "string" or pattern.kind != "string" or pattern.literal is None:
        raise Forward("LIKE on anything but a string and a literal pattern")
    text = pattern.literal
    if len(re.findall(re.escape(escape), text)) % 2 and text.endswith(escape):
        raise Forward("a LIKE pattern that ends with its escape character")
    if escape in "%_":
        raise Forward("a LIKE pattern escaped by a wildcard")
    key = common_key(ctx, value, pattern)
    if not (value.ascii and pattern.ascii):
        raise Forward("LIKE on strings that are not all printable ASCII")
    fold = (lambda sql: f"{key.fold}({sql})") if key.fold else (lambda sql: sql)
    word = "NOT LIKE" if node.args.get("negate") else "LIKE"
    matched = f"{fold(value.sql)} {word} {fold(pattern.sql)}"
    return predicate(f"{matched} ESCAPE {text_literal(escape)}")


def temporal_literal(text: str) -> tuple[str, bool]:
    """The DuckDB literal of 'YYYY-MM-DD[ hh:mm:ss[.f]]', and whether it is a DATE."""
    try:
        if _DATE.fullmatch(text):
            datetime.date.fromisoformat(text)
            return f"DATE '{text}'", True
        if _DATETIME.fullmatch(text):
            datetime.datetime.fromisoformat(text[:19])
            return f"TIMESTAMP '{text}'", False
    except ValueError:
        pass
    raise Forward("a date literal in another form than 'YYYY-MM-DD[ hh:mm:ss]'")


def _exact(left: Value, right: Value) -> tuple[str, str]:
    if left.kind == right.kind == "int":
        return left.sql, right.sql

    def whole(value: Value) -> int:
        if value.kind == "int" and value.literal is None:
            return 20 if value.wide else 19
        return value.whole_digits

    digits = max(left.digits, right.digits)
    if max(whole(left), whole(right)) + digits <= 38:
        return left.sql, right.sql
    return tuple(f"CAST({v.sql} AS DECIMAL(38,{digits}))" for v in (left, right))  # type: ignore[return-value]


def _year(value: Value) -> str:
    if value.kind == "int" and (
        value.literal is None or not 1901 <= int(value.literal) <= 2155
    ):
        raise Forward("comparing YEAR with anything but a year of four digits")
    return value.sql


def _temporal(left: Value, right: Value) -> tuple[str, str]:
    sides = [_moment(left), _moment(right)]
    if sides[0][1] == sides[1][1]:
        return sides[0][0], sides[1][0]
    one, other = (
        f"CAST({sql} AS TIMESTAMP)" if is_date else sql for sql, is_date in sides
    )
    return one, other


def _moment(value: Value) -> tuple[str, bool]:
    if value.kind in TEMPORAL:
        return value.sql, value.kind == "date"
    if value.kind == "string" and value.literal is not None:
        return temporal_literal(value.literal)
    raise Forward(f"comparison of a date and {value.kind}")


def _enum(ctx: Context, operator: str, left: Value, right: Value) -> tuple[str, str]:
    if operator not in EQUALITIES or left.kind == right.kind:
        raise Forward("ENUM in anything but a comparison for equality")
    column, text = (left, right) if left.kind == "enum" else (right, left)
    if text.literal is None or not all(_is_ascii(m) for m in column.members):
        raise Forward("ENUM compared with anything but a literal")
    listed = Value(column.sql, "string", collation=column.collation, ascii=True)
    key = common_key(ctx, listed, text)
    return key.equality(column.sql), key.equality(text.sql)


def _is_ascii(text: str) -> bool:
    return all(char in PRINTABLE for char in text)


def _text_and_number(left: Value, right: Value) -> tuple[str, str]:
    literal, column = (left, right) if left.literal is not None else (right, left)
    if literal.kind == "string" and literal.literal is not None:
        if column.kind != "int" or not _CLEAN_INTEGER.fullmatch(literal.literal):
            raise Forward("a number compared with a string literal")
        number = Value(literal.literal, "int", literal=literal.literal)
        return (number.sql, right.sql) if literal is left else (left.sql, number.sql)
    return as_double(left), as_double(right)


Rule = Callable[[Context, exp.Expr], Value]
NODES: dict[type[exp.Expr], tuple[Rule, Sequence[str]]] = {
    **{kind: (comparison, ("this", "expression")) for kind in OPERATORS},
    exp.Between: (between, ("this", "low", "high")),
    exp.In: (in_list, ("this", "expressions")),
    exp.And: (conjunction, ("this", "expression")),
    exp.Or: (disjunction, ("this", "expression")),
    exp.Xor: (exclusive, ("this", "expression")),
    exp.Not: (negation, ("this",)),
    exp.Is: (is_test, ("this", "expression")),
    exp.Like: (like, ("this", "expression", "negate")),
    exp.Escape: (like_escape, ("this", "expression")),
}
