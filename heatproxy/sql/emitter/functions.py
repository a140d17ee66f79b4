"""CASE, casts and the scalar functions that are known to be exact.

A function enters FUNCTIONS only with a case in tests/sql that compares it with
MySQL. String functions work on printable ASCII; positions are constants.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from heatproxy.sql.emitter.compare import compare, temporal_literal, truth
from heatproxy.sql.emitter.numbers import (
    as_double,
    number,
    remainder,
)
from heatproxy.sql.emitter.values import (
    TEMPORAL,
    Context,
    Forward,
    Value,
    decimal,
    plain,
)


def case(ctx: Context, node: exp.Expr) -> Value:
    conditions, branches = [], []
    subject = None if node.this is None else ctx.value(node.this)
    for arm in node.args["ifs"]:
        tested = ctx.value(arm.this)
        conditions.append(
            truth(tested) if subject is None else compare(ctx, "=", subject, tested)
        )
        branches.append(ctx.value(arm.args["true"]))
    default = node.args.get("default")
    branches.append(NULL if default is None else ctx.value(default))
    return _chosen(conditions, branches)


def if_function(ctx: Context, values: list[Value]) -> Value:
    return _chosen([truth(values[0])], values[1:])


def coalesce(ctx: Context, values: list[Value]) -> Value:
    common, sqls = unify(values)
    if common.mixed and all(v.literal is None for v in values):
        raise Forward("COALESCE of columns that differ in scale")
    return _replace(common, f"coalesce({', '.join(sqls)})", mixed=False)


def nullif(ctx: Context, values: list[Value]) -> Value:
    value, other = plain(values[0]), values[1]
    if value.kind in ("enum", "year", "time") or value.mixed:
        raise Forward(f"NULLIF of {value.kind.upper()}")
    equal = compare(ctx, "=", value, other)
    return _replace(value, f"CASE WHEN {equal} THEN NULL ELSE {value.sql} END")


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
        if len({value.unsigned for value in known}) > 1:
            raise Forward("a choice between signed and UNSIGNED")
        held = "UBIGINT" if known[0].wide else "BIGINT"
        sqls = [f"CAST({value.sql} AS {held})" for value in values]
        width = max(value.precision for value in known)
        first = known[0]
        kind = Value("", "int", width, unsigned=first.unsigned, wide=first.wide)
        return kind, sqls
    if kinds <= {"int", "decimal"}:
        if any(value.unsigned for value in known):
            raise Forward("a choice among UNSIGNED numbers of several types")
        digits = max(value.digits for value in known)
        scale = max(value.scale for value in known)
        whole = max(value.whole_digits for value in known)
        hidden = digits if any(v.hidden is not None for v in known) else None
        sqls = [decimal(v.sql, whole + scale, scale, hidden).sql for v in values]
        mixed = any(v.mixed or v.scale != scale for v in known)
        return Value(
            "", "decimal", whole + scale, scale, hidden=hidden, mixed=mixed
        ), sqls
    if kinds <= {"int", "decimal", "double"}:
        sqls = [v.sql if v.kind == "null" else as_double(v) for v in values]
        return Value("", "double"), sqls
    if kinds == {"string"}:
        return _texts(known), [value.sql for value in values]
    if len(kinds) == 1 and kinds <= {"date", "datetime"}:
        if len({value.scale for value in known}) > 1:
            raise Forward("a choice among times that differ in fraction digits")
        return _replace(known[0], ""), [value.sql for value in values]
    raise Forward(f"a choice among {' and '.join(sorted(kinds))}")


def _texts(known: Sequence[Value]) -> Value:
    collations = {value.collation for value in known if value.collation is not None}
    if len(collations) > 1:
        raise Forward("a mix of collations")
    texts: frozenset[str] | None = frozenset()
    for value in known:
        texts = texts | value.texts if texts is not None and value.texts else None
    return Value(
        "",
        "string",
        collation=collations.pop() if collations else None,
        ascii=all(value.ascii for value in known),
        clean=texts is not None
        and len({text.lower().rstrip(" ") for text in texts}) == len(texts),
        texts=texts,
    )


def _chosen(conditions: Sequence[str], branches: Sequence[Value]) -> Value:
    common, sqls = unify(branches)
    arms = " ".join(
        f"WHEN {condition} THEN {sql}"
        for condition, sql in zip(conditions, sqls[:-1], strict=True)
    )
    return _replace(common, f"CASE {arms} ELSE {sqls[-1]} END")


def cast(ctx: Context, node: exp.Expr) -> Value:
    target: exp.DataType = node.args["to"]
    if any(
        target.args.get(name)
        for name in target.args
        if name not in ("this", "expressions", "nested")
    ):
        raise Forward("an unknown form of CAST")
    sizes = [int(size.name) for size in target.expressions]
    value, name = plain(ctx.value(node.this)), str(target.this.value)
    if name == "DATE" and value.literal is not None and value.kind == "string":
        sql, is_date = temporal_literal(value.literal)
        return Value(sql if is_date else f"CAST({sql} AS DATE)", "date")
    if name == "TIMESTAMPTZ" and value.literal is not None and value.kind == "string":
        sql, is_date = temporal_literal(value.literal)  # TIMESTAMP'...'
        if not is_date and "." not in value.literal:
            return Value(sql, "datetime")
    if name == "DATE" and value.kind in TEMPORAL:
        return Value(f"CAST({value.sql} AS DATE)", "date")
    if name in ("CHAR", "VARCHAR", "TEXT") and not sizes:
        return text_of(ctx, value)
    if not value.is_exact or value.hidden is not None:
        raise Forward(f"CAST of {value.kind}")
    if name == "BIGINT":
        return Value(f"CAST({value.sql} AS BIGINT)", "int", 19)
    if name == "DECIMAL":
        width, scale = (*sizes, 10, 0)[:2] if len(sizes) != 1 else (sizes[0], 0)
        if width > 38:
            raise Forward("a DECIMAL of more than 38 digits")
        return decimal(value.sql, width, scale)
    if name == "DOUBLE" and not sizes:
        return Value(as_double(value), "double")
    raise Forward(f"CAST to {name}")


def text_of(ctx: Context, value: Value) -> Value:
    """The value as MySQL writes it."""
    if value.kind == "string":
        return value if value.collation else _replace(value, value.sql, literal=None)
    exact = value.is_exact and value.hidden is None and not value.mixed
    if not exact and value.kind != "date":
        raise Forward(f"{value.kind} as a string")
    return Value(
        f"CAST({value.sql} AS VARCHAR)",
        "string",
        collation=ctx.session.collation_connection,
        ascii=True,
        clean=True,
    )


def absolute(ctx: Context, values: list[Value]) -> Value:
    value = number(values[0])
    if value.kind == "int" and not value.unsigned:
        return Value(f"abs(CAST({value.sql} AS BIGINT))", "int", value.precision)
    return _replace(value, f"abs({value.sql})", literal=None)


def floor(ctx: Context, values: list[Value]) -> Value:
    return _whole("floor", values[0])


def ceiling(ctx: Context, values: list[Value]) -> Value:
    return _whole("ceil", values[0])


def round_function(ctx: Context, values: list[Value]) -> Value:
    value, places = number(values[0]), _constant(values[1:], 0)
    if value.mixed:
        raise Forward("ROUND of a CASE whose branches differ in scale")
    if places < 0:
        raise Forward("ROUND to negative places")
    if value.kind == "int":
        return _replace(value, value.sql, literal=None)
    if value.kind == "double":
        if places > 15:
            raise Forward("ROUND of a DOUBLE to more than 15 places")
        sql = f"round_even({value.sql} * 1e{places}, 0) / 1e{places}"
        fits = f"isfinite({value.sql} * 1e{places})"
        safe = f"CASE WHEN {fits} THEN {sql} ELSE {value.sql} END"
        return Value(safe, "double")
    if places > value.scale:
        raise Forward("ROUND of a DECIMAL to more places than it has")
    return decimal(value.sql, value.whole_digits + 1 + places, places)


def mod(ctx: Context, values: list[Value]) -> Value:
    return remainder(number(values[0]), number(values[1]))


def upper(ctx: Context, values: list[Value]) -> Value:
    value = _ascii(values[0])
    return _replace(value, f"upper({value.sql})", clean=True, literal=None, texts=None)


def lower(ctx: Context, values: list[Value]) -> Value:
    value = _ascii(values[0])
    return _replace(value, f"lower({value.sql})", clean=True, literal=None, texts=None)


def length(ctx: Context, values: list[Value]) -> Value:
    return Value(f"length({_ascii(values[0]).sql})", "int", 10)


def concat(ctx: Context, values: list[Value]) -> Value:
    parts = [_ascii(text_of(ctx, plain(value))) for value in values]
    real = [
        part
        for part, value in zip(parts, values, strict=True)
        if value.kind == "string"
    ]
    common = _texts(real or parts)
    sql = " || ".join(part.sql for part in parts)
    return _replace(common, f"({sql})", clean=False, texts=None)


def left(ctx: Context, values: list[Value]) -> Value:
    return _part(values[0], f"left({{0}}, {max(_constant(values[1:]), 0)})")


def right(ctx: Context, values: list[Value]) -> Value:
    return _part(values[0], f"right({{0}}, {max(_constant(values[1:]), 0)})")


def substring(ctx: Context, node: exp.Expr) -> Value:
    return mid(
        ctx,
        [
            ctx.value(part)
            for part in (node.this, node.args.get("start"), node.args.get("length"))
            if part is not None
        ],
    )


def mid(ctx: Context, values: list[Value]) -> Value:
    start = _constant(values[1:])
    count = _constant(values[2:]) if len(values) > 2 else 2**31
    if start == 0 or count <= 0:
        return _part(values[0], "left({0}, 0)")
    if start > 0:
        return _part(values[0], f"substr({{0}}, {start}, {count})")
    tail = f"left(right({{0}}, {-start}), {count})"
    return _part(
        values[0], f"CASE WHEN length({{0}}) < {-start} THEN '' ELSE {tail} END"
    )


def trim(ctx: Context, node: exp.Expr) -> Value:
    return _part(ctx.value(node.this), "trim({0}, ' ')")


def ltrim(ctx: Context, values: list[Value]) -> Value:
    return _part(values[0], "ltrim({0}, ' ')")


def rtrim(ctx: Context, values: list[Value]) -> Value:
    return _part(values[0], "rtrim({0}, ' ')")


def year(ctx: Context, values: list[Value]) -> Value:
    return _replace(_date_part("year", values[0]), None, kind="year", unsigned=True)


def month(ctx: Context, values: list[Value]) -> Value:
    return _date_part("month", values[0])


def day(ctx: Context, values: list[Value]) -> Value:
    return _date_part("day", values[0])


def datediff(ctx: Context, values: list[Value]) -> Value:
    one, other = (f"CAST({_moment(value)} AS DATE)" for value in values)
    return Value(f"({one} - {other})", "int", 8)


NULL = Value("NULL", "null", literal="NULL")


def _replace(value: Value, sql: str | None, **changes: object) -> Value:
    return replace(value, sql=value.sql if sql is None else sql, **changes)  # type: ignore[arg-type]


def _whole(function: str, value: Value) -> Value:
    value = number(value)
    if value.kind == "int":
        return _replace(value, value.sql, literal=None)
    if value.kind == "double":
        return Value(f"{function}({value.sql})", "double")
    if value.mixed or value.hidden is not None:
        raise Forward(f"{function.upper()} of AVG or of a mixed CASE")
    if value.whole_digits > 17:
        raise Forward(f"{function.upper()} of a DECIMAL of more than 17 whole digits")
    return Value(
        f"CAST({function}({value.sql}) AS BIGINT)", "int", value.whole_digits + 1
    )


def _ascii(value: Value) -> Value:
    if value.kind != "string" or not value.ascii:
        raise Forward("a string function on anything but printable ASCII")
    return value


def _part(value: Value, form: str) -> Value:
    value = _ascii(value)
    sql = form.replace("{0}", value.sql)
    return _replace(value, sql, clean=False, texts=None, literal=None)


def _constant(values: Sequence[Value], default: int | None = None) -> int:
    if not values and default is not None:
        return default
    value = values[0]
    if value.kind != "int" or value.literal is None or len(value.literal) > 9:
        raise Forward("a function whose position or length is no integer literal")
    return int(value.literal)


def _moment(value: Value) -> str:
    if value.kind in TEMPORAL:
        return value.sql
    if value.kind == "string" and value.literal is not None:
        return temporal_literal(value.literal)[0]
    raise Forward(f"a date function on {value.kind}")


def _date_part(part: str, value: Value) -> Value:
    return Value(f"{part}({_moment(value)})", "int", 4)


Rule = Callable[[Context, exp.Expr], Value]
NODES: dict[type[exp.Expr], tuple[Rule, Sequence[str]]] = {
    exp.Case: (case, ("this", "ifs", "default")),
    exp.Cast: (cast, ("this", "to")),
    exp.Substring: (substring, ("this", "start", "length")),
    exp.Trim: (trim, ("this",)),
}
Function = Callable[[Context, list[Value]], Value]
FUNCTIONS: dict[str, tuple[Function, int, int]] = {  # rule, fewest, most arguments
    "IF": (if_function, 3, 3),
    "IFNULL": (coalesce, 2, 2),
    "COALESCE": (coalesce, 2, 99),
    "NULLIF": (nullif, 2, 2),
    "ABS": (absolute, 1, 1),
    "FLOOR": (floor, 1, 1),
    "CEIL": (ceiling, 1, 1),
    "CEILING": (ceiling, 1, 1),
    "ROUND": (round_function, 1, 2),
    "MOD": (mod, 2, 2),
    "UPPER": (upper, 1, 1),
    "UCASE": (upper, 1, 1),
    "LOWER": (lower, 1, 1),
    "LCASE": (lower, 1, 1),
    "LENGTH": (length, 1, 1),
    "CHAR_LENGTH": (length, 1, 1),
    "CHARACTER_LENGTH": (length, 1, 1),
    "CONCAT": (concat, 1, 99),
    "LEFT": (left, 2, 2),
    "RIGHT": (right, 2, 2),
    "MID": (mid, 2, 3),
    "LTRIM": (ltrim, 1, 1),
    "RTRIM": (rtrim, 1, 1),
    "YEAR": (year, 1, 1),
    "MONTH": (month, 1, 1),
    "DAY": (day, 1, 1),
    "DAYOFMONTH": (day, 1, 1),
    "DATEDIFF": (datediff, 2, 2),
}
