"""Comparisons: what MySQL calls equal, and what less.

Strings compare by keys of their collation, exact numbers exactly, dates with
strictly written literals only.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from heatproxy.sql.emitter import scalars
from heatproxy.sql.emitter.logic import UNKNOWN, predicate
from heatproxy.sql.emitter.moments import clock, moments, years
from heatproxy.sql.emitter.numeric import CLEAN_NUMBER, as_double, bits_of
from heatproxy.sql.emitter.texts import (
    EQUALITIES,
    blob_literal,
    common_key,
    of_members,
    text_extreme,
    text_keys,
    text_literal,
    text_order,
    text_sides,
)
from heatproxy.sql.emitter.values import TEMPORAL, Context, Forward, Value, keyed, plain

__all__ = [
    "NODES",
    "OPERATORS",
    "between",
    "compare",
    "equal_keys",
    "extreme",
    "groupable",
    "order_key",
    "sides",
]
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


def compare(ctx: Context, operator: str, left: Value, right: Value) -> str:
    """The BOOLEAN of ``left operator right``."""
    left, right = plain(left), plain(right)
    if "null" in (left.kind, right.kind):
        if operator != "IS NOT DISTINCT FROM":
            return UNKNOWN
        return f"({left.sql} {operator} {right.sql})"
    one, other = sides(ctx, operator, left, right)
    return f"({one} {operator} {other})"


def sides(ctx: Context, operator: str, left: Value, right: Value) -> tuple[str, str]:
    """Two expressions that compare by the operator as MySQL's values do.

    Raises:
        Forward: it is not known how MySQL compares them.
    """
    left, right = _as_text(left, right), _as_text(right, left)
    if "json" in (left.kind, right.kind) and operator in EQUALITIES:
        if left.kind == "json":
            return scalars.equal_sides(left, right)
        other, one = scalars.equal_sides(right, left)
        return one, other
    kinds = {left.kind, right.kind}
    if kinds <= {"int", "decimal"}:
        return _exact(left, right)
    if kinds <= {"int", "decimal", "double", "float", "enum", "set"} and len(kinds) > 1:
        return as_double(left), as_double(right)
    if kinds <= {"double", "float"}:
        return as_double(left), as_double(right)
    if "year" in kinds and kinds <= {"int", "year"}:
        return years(left), years(right)
    if left.kind in TEMPORAL or right.kind in TEMPORAL:
        return moments(left, right)
    if "time" in kinds:
        return clock(left), clock(right)
    if "binary" in kinds:
        return _bytes(left), _bytes(right)
    if kinds == {"string"}:
        return text_sides(ctx, operator, left, right)
    if "string" in kinds and kinds <= {"string", "int", "decimal", "double", "float"}:
        return _text_and_number(left, right)
    raise Forward(f"comparison of {left.kind} and {right.kind}")


def equal_keys(ctx: Context, values: Sequence[Value]) -> list[str]:
    """An expression for each value, all equal exactly where MySQL's values are.

    NULL stays NULL. Where the expression is the value's own ``sql``, the values that
    are equal are also the same.

    Raises:
        Forward: they are of several kinds, or of one that is not grouped exactly.
    """
    if len(values) > 1:
        values = [plain(value) for value in values]
    kinds = {value.kind for value in values} - {"null"}
    if kinds == {"string"}:
        return text_keys(ctx, values)
    if kinds & {"json", "set", "bit", "binary", "double", "float"}:
        listed = " and ".join(sorted(kind.upper() for kind in kinds))
        raise Forward(f"grouping by {listed}")
    if kinds <= {"int", "decimal"} or len(kinds) == 1:
        if any(value.mixed for value in values):
            raise Forward("grouping by a CASE whose branches differ in scale")
        return [value.sql for value in values]
    raise Forward(f"grouping {' and '.join(sorted(kinds))} together")


def order_key(ctx: Context, value: Value) -> str:
    """The expression that sorts as MySQL sorts the value."""
    if value.kind == "string":
        return text_order(ctx, value)
    if value.kind == "enum":
        return _position(value.sql, value.members)
    if value.kind == "set":
        return bits_of(value)
    if value.kind == "json":
        return scalars.order(value)
    if value.kind in ("bit", "binary"):
        raise Forward(f"sorting by {value.kind.upper()}")
    return value.sql


def extreme(ctx: Context, function: str, value: Value) -> Value:
    """MIN or MAX, by name ("min", "max"), of a string or an ENUM.

    Raises:
        Forward: the values are in no order that is known.
    """
    if value.kind != "enum":
        return text_extreme(ctx, function, value)
    text = of_members(value)
    rule = common_key(ctx, text)
    keys = {member: rule.key(member) for member in ("", *value.members)}
    ordered = sorted(keys, key=lambda member: keys[member] or b"")
    sql = f"arg_{function}({value.sql}, {_position(value.sql, ordered)})"
    return replace(text, kind="enum", members=value.members, sql=sql, nullable=True)


def groupable(ctx: Context, value: Value) -> Value:
    """The value, if each group or distinct row shows one text for certain."""
    if equal_keys(ctx, [value]) != [value.sql]:
        raise Forward("grouping strings that differ only in letter case or blanks")
    return value


def comparison(ctx: Context, node: exp.Expr) -> Value:
    if isinstance(node.this, exp.Tuple) or isinstance(node.expression, exp.Tuple):
        return predicate(_rows(ctx, OPERATORS[type(node)], node.this, node.expression))
    left, right = ctx.value(node.this), ctx.value(node.expression)
    return predicate(compare(ctx, OPERATORS[type(node)], left, right))


def between(ctx: Context, node: exp.Expr) -> Value:
    value = ctx.value(node.this)
    low, high = ctx.value(node.args["low"]), ctx.value(node.args["high"])
    families = {_family(bound) for bound in (value, low, high)} - {"null"}
    if len(families) > 1 and "time" not in families:
        raise Forward("BETWEEN among values of several kinds")
    lower, upper = compare(ctx, ">=", value, low), compare(ctx, "<=", value, high)
    return predicate(f"{lower} AND {upper}")


def in_list(ctx: Context, node: exp.Expr) -> Value:
    if not node.expressions:
        raise Forward("IN with a subquery")
    if isinstance(node.this, exp.Tuple):
        tests = [_rows(ctx, "=", node.this, member) for member in node.expressions]
        return predicate(" OR ".join(f"({test})" for test in tests))
    value = ctx.value(node.this)
    members = [ctx.value(member) for member in node.expressions]
    families = {_family(one) for one in (value, *members)} - {"null"}
    binary = value.kind == "binary" and families == {"binary", "text"}
    texts = value.is_exact and all(m.literal is not None for m in members)
    texts = texts and families == {"number", "text"}  # each compares by itself
    if len(families) > 1 and "time" not in families and not binary and not texts:
        raise Forward("IN among values of several kinds")
    if value.kind == "date" and any(len(m.literal or "") > 10 for m in members):
        raise Forward("a DATE in a list of times")  # MySQL warns
    value, known = plain(value), [plain(m) for m in members if m.kind != "null"]
    if value.kind != "null" and known:
        pairs = [sides(ctx, "=", value, member) for member in known]
        lefts, rights = {left for left, _ in pairs}, [right for _, right in pairs]
        if len(lefts) == 1:
            rights += ["NULL"] * (len(known) < len(members))
            return predicate(f"{lefts.pop()} IN ({', '.join(rights)})")
    tests = [compare(ctx, "=", value, member) for member in members]
    return predicate(" OR ".join(tests))


def collated(ctx: Context, node: exp.Expr) -> Value:
    """x COLLATE name; MySQL has checked that the name fits the character set."""
    value, name = ctx.value(node.this), node.expression.name.lower()
    if value.kind != "string" or not re.fullmatch(r"[a-z0-9_]+", name):
        raise Forward(f"COLLATE of {value.kind.upper()}")
    if value.literal is not None and not name.startswith("utf8mb4_"):
        raise Forward("COLLATE of a literal in another character set")
    key = value.key if value.collation == name else None
    clean = value.clean and value.collation == name
    return replace(keyed(value, key), collation=name, explicit=True, clean=clean)


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


def _bytes(value: Value) -> str:
    if value.kind == "binary":
        return value.sql
    if value.kind == "string" and value.literal is not None:
        return blob_literal(value.literal.encode())
    raise Forward(f"comparison of binary and {value.kind}")


def _as_text(value: Value, other: Value) -> Value:
    """An ENUM or SET beside a string is one."""
    if value.kind in ("enum", "set") and other.kind == "string":
        return of_members(value)
    return value


def _position(sql: str, ordered: Sequence[str]) -> str:
    """The place of an ENUM's text in a list, 0 for the text of a wrong value."""
    listed = ", ".join(map(text_literal, ordered))
    place = f"coalesce(list_position([{listed}], {sql}), 0)"
    return f"CASE WHEN {sql} IS NOT NULL THEN {place} END"


def _family(value: Value) -> str:
    if value.predicate or value.is_exact or value.is_approximate:
        return "number"
    if value.kind in TEMPORAL or value.kind in ("time", "year"):
        return "time"
    return "text" if value.kind in ("string", "enum", "set") else value.kind


def _rows(ctx: Context, operator: str, one: exp.Expr, other: exp.Expr) -> str:
    """The BOOLEAN of (a, b) operator (c, d)."""
    if not isinstance(one, exp.Tuple) or not isinstance(other, exp.Tuple):
        raise Forward("a row compared with anything but a row")
    if len(one.expressions) != len(other.expressions):
        raise Forward("rows of different lengths")
    lefts, rights = (
        [ctx.value(item) for item in row.expressions] for row in (one, other)
    )
    pairs = list(zip(lefts, rights, strict=True))
    if operator == "<>":
        return f"NOT ({_all_equal(ctx, '=', pairs)})"
    if operator in EQUALITIES:
        return _all_equal(ctx, operator, pairs)
    tests = []
    for place, (left, right) in enumerate(pairs):
        last = place == len(pairs) - 1
        decided = compare(ctx, operator if last else operator[0], left, right)
        before = [compare(ctx, "=", *pair) for pair in pairs[:place]]
        tests.append(f"({' AND '.join([*before, decided])})")
    return " OR ".join(tests)


def _all_equal(
    ctx: Context, operator: str, pairs: Sequence[tuple[Value, Value]]
) -> str:
    return " AND ".join(compare(ctx, operator, *pair) for pair in pairs)


def _text_and_number(left: Value, right: Value) -> tuple[str, str]:
    literal, column = (left, right) if left.literal is not None else (right, left)
    if literal.kind == "string" and literal.literal is not None:
        if column.kind == "int" and _CLEAN_INTEGER.fullmatch(literal.literal):
            number = Value(literal.literal, "int", literal=literal.literal)
            return (
                (number.sql, right.sql) if literal is left else (left.sql, number.sql)
            )
        if column.kind == "int" or not re.fullmatch(CLEAN_NUMBER, literal.literal):
            raise Forward("a number compared with a string literal")
    elif literal.literal is None and (left.nullable or right.nullable):
        # the engine does not look at the texts if it knows the numbers to be NULL
        raise Forward("a number that may be NULL compared with strings")
    return as_double(left), as_double(right)


Rule = Callable[[Context, exp.Expr], Value]
NODES: dict[type[exp.Expr], tuple[Rule, Sequence[str]]] = {
    **{kind: (comparison, ("this", "expression")) for kind in OPERATORS},
    exp.Between: (between, ("this", "low", "high")),
    exp.In: (in_list, ("this", "expressions")),
    exp.Collate: (collated, ("this", "expression")),
}
