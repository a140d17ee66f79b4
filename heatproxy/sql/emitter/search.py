"""Functions that look for one value among others: INSTR, FIELD, ELT, INTERVAL.

Where strings are searched, letters count as the collation has them count.
"""

from collections.abc import Sequence

from sqlglot import exp

from heatproxy.sql.collation import CollationKey
from heatproxy.sql.emitter.casts import text_of
from heatproxy.sql.emitter.choice import unify
from heatproxy.sql.emitter.compare import compare
from heatproxy.sql.emitter.numbers import Function, Rule
from heatproxy.sql.emitter.rounding import constant
from heatproxy.sql.emitter.texts import common_key, of_members, text_literal
from heatproxy.sql.emitter.values import Context, Forward, Value, plain


def instr(ctx: Context, values: list[Value]) -> Value:
    return _position(ctx, values[0], values[1], 1)


def locate(ctx: Context, values: list[Value]) -> Value:
    return _position(ctx, values[1], values[0], constant(values[2:], 1))


def position(ctx: Context, node: exp.Expr) -> Value:
    """POSITION(needle IN text), which sqlglot reads as an IN."""
    pair = node.expressions[0]
    field = pair.args.get("field") if isinstance(pair, exp.In) else None
    if field is None or pair.expressions:
        raise Forward("POSITION() in an unknown form")
    return _position(ctx, ctx.value(field), ctx.value(pair.this), 1)


def field(ctx: Context, values: list[Value]) -> Value:
    wanted, *others = (plain(value) for value in values)
    _alike("FIELD", values)
    arms = " ".join(
        f"WHEN {compare(ctx, '=', wanted, other)} THEN {place}"
        for place, other in enumerate(others, 1)
    )
    return Value(f"CASE {arms} ELSE 0 END", "int", 3, nullable=False)


def elt(ctx: Context, values: list[Value]) -> Value:
    place = plain(values[0])
    if place.kind != "int" or any(value.kind != "string" for value in values[1:]):
        raise Forward("ELT of anything but an integer and strings")
    common, sqls = unify(values[1:])
    arms = " ".join(f"WHEN {n} THEN {sql}" for n, sql in enumerate(sqls, 1))
    collation = common.collation or ctx.session.collation_connection
    sql = f"CASE {place.sql} {arms} END"
    return Value(sql, "string", collation=collation, ascii=common.ascii)


def find_in_set(ctx: Context, values: list[Value]) -> Value:
    if values[1].kind == "set":
        return _member(ctx, values[0], values[1])
    wanted, listed = (text_of(ctx, value) for value in values)
    key = _searched(ctx, "FIND_IN_SET", wanted, listed)
    one, other = _folded(key, wanted.sql), _folded(key, listed.sql)
    place = f"list_position(string_split({other}, ','), {one})"
    unknown = f"{one} IS NULL OR {other} IS NULL"
    empty = f"{other} = ''"
    sql = (
        f"CASE WHEN {unknown} THEN NULL WHEN {empty} THEN 0"
        f" ELSE coalesce({place}, 0) END"
    )
    return Value(f"CAST({sql} AS BIGINT)", "int", 3)


def _member(ctx: Context, wanted: Value, value: Value) -> Value:
    """FIND_IN_SET of a literal in a SET: the member's place among all there are."""
    if '."' not in value.sql:  # of a view's column MySQL takes the text
        raise Forward("FIND_IN_SET in a SET out of a subquery")
    rule = common_key(ctx, of_members(value))
    text = wanted.literal
    if wanted.kind != "string" or text is None or not wanted.ascii or rule.pad_space:
        raise Forward("FIND_IN_SET in a SET")
    folded = [rule.folded(member) for member in value.members]
    found = "0"
    if rule.folded(text) in folded:
        place = folded.index(rule.folded(text))
        member = text_literal(value.members[place])
        held = f"list_contains(string_split({value.sql}, ','), {member})"
        found = f"CASE WHEN {held} THEN {place + 1} ELSE 0 END"
    return Value(f"CASE WHEN {value.sql} IS NOT NULL THEN {found} END", "int", 3)


def strcmp(ctx: Context, values: list[Value]) -> Value:
    one, other = (text_of(ctx, value) for value in values)
    equal, less = compare(ctx, "=", one, other), compare(ctx, "<", one, other)
    sql = f"CASE WHEN {equal} THEN 0 WHEN {less} THEN -1 WHEN NOT {less} THEN 1 END"
    return Value(sql, "int", 1)


def interval(ctx: Context, node: exp.Expr) -> Value:
    """INTERVAL(n, 1, 10, ...): how many of the ascending literals n reaches."""
    if not isinstance(node.this, exp.Tuple):
        raise Forward("INTERVAL in this place")
    wanted, *bounds = (plain(ctx.value(part)) for part in node.this.expressions)
    numbers = [bound.literal for bound in bounds if bound.is_exact]
    if not wanted.is_exact or len(numbers) < len(bounds) or None in numbers:
        raise Forward("INTERVAL() of anything but exact numbers and literals")
    ascending = [float(text or 0) for text in numbers]
    if ascending != sorted(ascending):
        raise Forward("INTERVAL() of literals that do not ascend")
    reached = " + ".join(
        f"CASE WHEN {compare(ctx, '>=', wanted, bound)} THEN 1 ELSE 0 END"
        for bound in bounds
    )
    sql = f"CASE WHEN {wanted.sql} IS NULL THEN -1 ELSE {reached} END"
    return Value(sql, "int", 2, nullable=False)


def _position(ctx: Context, whole: Value, part: Value, start: int) -> Value:
    whole, part = text_of(ctx, plain(whole)), text_of(ctx, plain(part))
    key = _searched(ctx, "LOCATE", whole, part)
    text, wanted = _folded(key, whole.sql), _folded(key, part.sql)
    if start == 1:
        return Value(f"instr({text}, {wanted})", "int", 10)
    if start < 1:
        raise Forward("LOCATE from a place before the first")
    rest = f"substr({text}, {start})"
    found = f"instr({rest}, {wanted})"
    outside = f"length({text}) < {start - 1}"
    sql = (
        f"CASE WHEN {outside} OR {found} = 0 THEN"
        f" CASE WHEN {found} IS NOT NULL THEN 0 END ELSE {found} + {start - 1} END"
    )
    return Value(sql, "int", 10)


def _searched(ctx: Context, name: str, *values: Value) -> CollationKey:
    key = common_key(ctx, *values)
    if key.needs_ascii and not all(value.ascii for value in values):
        raise Forward(f"{name} on strings that are not all printable ASCII")
    return key


def _folded(key: CollationKey, sql: str) -> str:
    return f"{key.fold}({sql})" if key.fold else sql


def _alike(name: str, values: Sequence[Value]) -> None:
    kinds = {value.kind for value in values}
    if kinds != {"string"} and not kinds <= {"int", "decimal"}:
        raise Forward(f"{name} of values of several kinds")


NODES: dict[type[exp.Expr], tuple[Rule, Sequence[str]]] = {
    exp.Interval: (interval, ("this",)),
}
FORMS: dict[str, tuple[Rule, int, int]] = {"POSITION": (position, 1, 1)}
FUNCTIONS: dict[str, tuple[Function, int, int]] = {
    "INSTR": (instr, 2, 2),
    "LOCATE": (locate, 2, 3),
    "FIELD": (field, 2, 99),
    "ELT": (elt, 2, 99),
    "FIND_IN_SET": (find_in_set, 2, 2),
    "STRCMP": (strcmp, 2, 2),
}
