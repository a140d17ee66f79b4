"""CASE, IF, COALESCE, NULLIF, GREATEST and LEAST: one value among several."""

import re
from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from heatproxy.sql.emitter import guards
from heatproxy.sql.emitter.casts import text_of
from heatproxy.sql.emitter.compare import compare
from heatproxy.sql.emitter.logic import truth
from heatproxy.sql.emitter.numbers import NARROW, rounded
from heatproxy.sql.emitter.numeric import as_double
from heatproxy.sql.emitter.values import (
    TEMPORAL,
    Context,
    Forward,
    Value,
    decimal,
    keyed,
    plain,
)

NULL = Value("NULL", "null", literal="NULL")
_ZERO = re.compile(r"0+(\.0*)?")


def case(ctx: Context, node: exp.Expr) -> Value:
    conditions, branches = [], []
    subject = None if node.this is None else ctx.value(node.this)
    others = guards.NOTHING  # what the conditions before say, which did not hold
    for arm in node.args["ifs"]:
        with guards.knowing(ctx, others):
            tested = ctx.value(arm.this)
        if subject is not None:
            conditions.append(compare(ctx, "=", subject, tested))
            branches.append(ctx.value(arm.args["true"]))
            continue
        conditions.append(truth(tested))
        with guards.knowing(ctx, others | guards.if_true(ctx, arm.this)):
            branches.append(ctx.value(arm.args["true"]))
        others |= guards.if_not_true(ctx, arm.this)
    default = node.args.get("default")
    with guards.knowing(ctx, others):
        branches.append(NULL if default is None else ctx.value(default))
    return _chosen(ctx, conditions, branches)


def if_function(ctx: Context, node: exp.Expr) -> Value:
    condition, one, other = node.expressions
    tested = truth(ctx.value(condition))
    with guards.knowing(ctx, guards.if_true(ctx, condition)):
        branches = [ctx.value(one)]
    with guards.knowing(ctx, guards.if_not_true(ctx, condition)):
        branches.append(ctx.value(other))
    return _chosen(ctx, [tested], branches)


def coalesce(ctx: Context, values: list[Value]) -> Value:
    values = _alike(ctx, [rounded(value) for value in values])
    common, sqls = unify(values)
    if common.mixed and all(v.literal is None for v in values):
        raise Forward("COALESCE of columns that differ in scale")
    nullable = all(value.nullable for value in values)
    chosen = replace(common, sql=f"coalesce({', '.join(sqls)})", mixed=False)
    keys = _keys(values)
    key = f"coalesce({', '.join(keys)})" if keys else None
    return keyed(replace(chosen, nullable=nullable), key)


def nullif(ctx: Context, values: list[Value]) -> Value:
    value, other = plain(values[0]), values[1]
    if value.kind in ("enum", "year", "time", "set", "bit") or value.mixed:
        raise Forward(f"NULLIF of {value.kind.upper()}")
    equal = compare(ctx, "=", value, other)
    sql = f"CASE WHEN {equal} THEN NULL ELSE {value.sql} END"
    if other.literal is not None and _ZERO.fullmatch(other.literal):
        ctx.nonzero.add(sql)
    if value.kind == "string":
        key = value.key and f"CASE WHEN {equal} THEN NULL ELSE {value.key} END"
        return keyed(_derived(value, sql), key)
    return replace(value, sql=sql, nullable=True, literal=None)


def greatest(ctx: Context, values: list[Value]) -> Value:
    return _extreme("greatest", values)


def least(ctx: Context, values: list[Value]) -> Value:
    return _extreme("least", values)


def unify(values: Sequence[Value]) -> tuple[Value, list[str]]:
    """The type MySQL gives a choice among the values, and each value in it."""
    values = [plain(value) for value in values]
    kinds = {value.kind for value in values} - {"null"}
    if not kinds:
        raise Forward("a choice among NULLs only")
    known = [value for value in values if value.kind != "null"]
    if any(value.wide for value in known) and len({v.wide for v in known}) > 1:
        raise Forward("a choice between BIGINT UNSIGNED and other numbers")
    if kinds == {"int"}:
        return _whole(known), _held(values, "UBIGINT" if known[0].wide else "BIGINT")
    if kinds <= {"int", "decimal"}:
        return _decimals(known, values)
    if kinds <= {"int", "decimal", "double"}:
        sqls = [v.sql if v.kind == "null" else as_double(v) for v in values]
        return Value("", "double"), sqls
    if kinds == {"string"}:
        return _texts(known), [value.sql for value in values]
    if len(kinds) == 1 and kinds <= {"date", "datetime", "timestamp", "time", "year"}:
        if len({value.scale for value in known}) > 1:
            raise Forward("a choice among times that differ in fraction digits")
        first = known[0]
        kind = Value("", first.kind, first.precision, first.scale)
        return replace(kind, unsigned=first.unsigned), [v.sql for v in values]
    if kinds <= set(TEMPORAL):
        if len({value.scale for value in known if value.kind != "date"}) > 1:
            raise Forward("a choice among times that differ in fraction digits")
        scale = max(value.scale for value in known)
        sqls = [f"CAST({value.sql} AS TIMESTAMP)" for value in values]
        return Value("", "datetime", scale=scale), sqls
    raise Forward(f"a choice among {' and '.join(sorted(kinds))}")


def _whole(known: Sequence[Value]) -> Value:
    unsigned = all(value.unsigned for value in known)
    width = max(value.precision for value in known)
    most = max(value.bound for value in known)
    wide = known[0].wide
    return Value("", "int", width, unsigned=unsigned, wide=wide, most=most)


def _held(values: Sequence[Value], name: str) -> list[str]:
    return [f"CAST({value.sql} AS {name})" for value in values]


def _decimals(
    known: Sequence[Value], values: Sequence[Value]
) -> tuple[Value, list[str]]:
    digits = max(value.digits for value in known)
    scale = max(value.scale for value in known)
    whole = max(value.whole_digits for value in known)
    hidden = digits if any(v.hidden is not None for v in known) else None
    room = max(value.width - value.digits for value in known) + digits
    narrow = hidden is None and room <= NARROW < whole + digits
    held = NARROW if narrow else 0
    width = held or whole + scale
    sqls = [decimal(v.sql, width, scale, hidden).sql for v in values]
    mixed = any(v.mixed or v.scale != scale for v in known)
    unsigned = all(value.unsigned for value in known)
    common = Value("", "decimal", whole + scale, scale, hidden=hidden, mixed=mixed)
    return replace(common, unsigned=unsigned, held=held), sqls


def _texts(known: Sequence[Value]) -> Value:
    texts: frozenset[str] | None = frozenset()
    for value in known:
        texts = texts | value.texts if texts is not None and value.texts else None
    return Value(
        "",
        "string",
        collation=common_collation(known),
        ascii=all(value.ascii for value in known),
        clean=texts is not None
        and len({text.lower().rstrip(" ") for text in texts}) == len(texts),
        texts=texts,
    )


def common_collation(values: Sequence[Value]) -> str | None:
    """The one collation of the strings that have one; None: literals only."""
    collations = {value.collation for value in values if value.collation is not None}
    if len(collations) > 1:
        raise Forward("a mix of collations")
    return collations.pop() if collations else None


def _derived(value: Value, sql: str) -> Value:
    """A string made of another's characters, some of its rows NULL."""
    return Value(
        sql,
        "string",
        collation=value.collation,
        ascii=value.ascii,
        clean=value.clean,
        texts=value.texts,
    )


def _alike(ctx: Context, values: Sequence[Value]) -> list[Value]:
    """The values; all as strings where some are strings and the others are not."""
    values = [plain(value) for value in values]
    kinds = {value.kind for value in values} - {"null"}
    if "string" not in kinds or len(kinds) == 1:
        return values
    if kinds & {"json", "binary", "bit", "float", "enum", "set"}:
        raise Forward(f"a choice among {' and '.join(sorted(kinds))}")
    strings = [value for value in values if value.kind == "string"]
    collation = common_collation(strings)
    return [
        replace(text_of(ctx, value), collation=collation, literal=None)
        if value.kind not in ("string", "null")
        else value
        for value in values
    ]


def _chosen(
    ctx: Context, conditions: Sequence[str], branches: Sequence[Value]
) -> Value:
    branches = _alike(ctx, branches)

    def written(sqls: Sequence[str]) -> str:
        pairs = zip(conditions, sqls[:-1], strict=True)
        arms = " ".join(f"WHEN {condition} THEN {sql}" for condition, sql in pairs)
        return f"CASE {arms} ELSE {sqls[-1]} END"

    common, sqls = unify(branches)
    keys = _keys(branches)
    return keyed(replace(common, sql=written(sqls)), written(keys) if keys else None)


def _keys(values: Sequence[Value]) -> list[str]:
    """The collation keys of strings that all have one; else none."""
    keys = ["NULL" if v.kind == "null" else v.key for v in values]
    known = [key for key in keys if key is not None]
    return known if len(known) == len(keys) else []


def _extreme(function: str, values: list[Value]) -> Value:
    if any(value.hidden is not None for value in values):
        raise Forward(f"{function.upper()} of AVG")
    common, sqls = unify(values)
    if common.kind in ("string", "time", "year"):
        raise Forward(f"{function.upper()} of {common.kind.upper()}")
    if any(value.kind == "null" for value in values):
        raise Forward(f"{function.upper()} of NULL")
    missing = " OR ".join(f"{sql} IS NULL" for sql in sqls)
    chosen = f"{function}({', '.join(sqls)})"
    sql = f"CASE WHEN {missing} THEN NULL ELSE {chosen} END"
    return replace(common, sql=sql, mixed=False)
