"""Aggregate functions as MySQL computes and types them, over groups and windows."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from heatproxy.sql.emitter.compare import equal_keys, extreme
from heatproxy.sql.emitter.numbers import kept_digits, step
from heatproxy.sql.emitter.numeric import number, scaled, unscaled
from heatproxy.sql.emitter.relations import elsewhere
from heatproxy.sql.emitter.summands import summand
from heatproxy.sql.emitter.values import (
    Context,
    Forward,
    Value,
    decimal,
    plain,
    trap,
)

MOST_ROWS = 2**53  # that anybody waits for
SUM_DIGITS = 22  # what SUM adds to its argument's precision
_OPAQUE = ("json", "set", "bit", "binary", "null")


@dataclass(frozen=True, slots=True)
class Use:
    """How an aggregate is used: of groups, or as a window function (``over``)."""

    distinct: bool = False
    grouped: bool = False  # GROUP BY stands there
    strict: bool = False
    inner: bool = False  # not all groups are shown, or only to another query
    over: str = ""

    def call(self, function: str, argument: str) -> str:
        word = "DISTINCT " if self.distinct else ""
        return f"{function}({word}{argument}){self.over}"


def count(ctx: Context, values: list[Value], use: Use) -> Value:
    values = [plain(value) for value in values]
    if not use.distinct:
        if len(values) != 1:
            raise Forward("COUNT() of several arguments")
        return _counted(use.call("count", values[0].sql))
    keys = []
    for value in values:
        if value.kind in _OPAQUE:
            raise Forward(f"COUNT(DISTINCT) of {value.kind.upper()}")
        keys += [value.sql] if value.is_approximate else equal_keys(ctx, [value])
    if len(keys) == 1:
        return _counted(use.call("count", keys[0]))
    # a row with a NULL in it is not counted
    unknown = " OR ".join(f"{value.sql} IS NULL" for value in values)
    fields = ", ".join(f"f{place} := {key}" for place, key in enumerate(keys))
    row = f"CASE WHEN {unknown} THEN NULL ELSE struct_pack({fields}) END"
    return _counted(use.call("count", row))


def count_rows(use: Use) -> Value:
    return _counted(f"count(*){use.over}")


def total(ctx: Context, values: list[Value], use: Use) -> Value:
    value = _summed(ctx, _only_one("SUM", values))
    sql = use.call("sum", summand(value.sql))
    if value.kind == "double":
        return Value(sql, "double")
    return decimal(sql, value.precision + SUM_DIGITS, value.scale)


def average(ctx: Context, values: list[Value], use: Use) -> Value:
    value = _summed(ctx, _only_one("AVG", values))
    if value.kind == "double":
        return Value(use.call("avg", value.sql), "double")
    hidden = kept_digits(step(ctx), value.scale)
    if hidden > 27:
        raise Forward("AVG of a DECIMAL of more than 15 fraction digits")
    summed = decimal(use.call("sum", summand(value.sql)), 38, value.scale)
    # NULLIF, not a trap: an empty group is no rare thing
    count = f"nullif({use.call('count', value.sql)}, 0)"
    power = 10 ** (hidden - value.scale)
    quotient = scaled(
        f"({unscaled(summed)} * {power}::HUGEINT // {count})",
        value.precision + step(ctx),
        value.scale + step(ctx),
        hidden,
    )
    if not use.over:
        return quotient
    return decimal(quotient.sql, quotient.precision, quotient.scale)


def least(ctx: Context, values: list[Value], use: Use) -> Value:
    return _extreme(ctx, "min", _only_one("MIN", values), use)


def greatest(ctx: Context, values: list[Value], use: Use) -> Value:
    return _extreme(ctx, "max", _only_one("MAX", values), use)


def any_value(ctx: Context, values: list[Value], use: Use) -> Value:
    # which row's value is shown is up to the plan
    if ctx.session.policy.exactness != "heatwave":
        raise Forward("ANY_VALUE() of what is not grouped by")
    value = plain(_only_one("ANY_VALUE", values))
    return Value(
        use.call("first", value.sql),
        value.kind,
        value.precision,
        value.scale,
        unsigned=value.unsigned,
        wide=value.wide,
        collation=value.collation,
        ascii=value.ascii,
    )


def bits(function: str, nothing: int) -> "Aggregate":
    """BIT_AND, BIT_OR or BIT_XOR, which is ``nothing`` of no rows."""

    def aggregate(ctx: Context, values: list[Value], use: Use) -> Value:
        name = function.upper()
        value = plain(_only_one(name, values))
        if not value.is_exact or value.mixed or use.over or use.distinct:
            raise Forward(f"{name}() of anything but exact numbers")
        if value.whole_digits > 18 and value.kind == "decimal":
            raise Forward(f"{name}() of a DECIMAL of more than 18 whole digits")
        sql = value.sql
        if value.kind == "decimal":
            sql = decimal(sql, value.whole_digits + 1, 0).sql
        if not value.unsigned:
            # two's complement of 64 bits; MySQL's bits are unsigned
            wide = f"CAST({sql} AS HUGEINT)"
            sql = f"CASE WHEN {sql} < 0 THEN {wide} + {2**64} ELSE {wide} END"
        called = use.call(function, f"CAST({sql} AS UBIGINT)")
        return Value(
            f"coalesce({called}, CAST({nothing} AS UBIGINT))",
            "int",
            20,
            unsigned=True,
            wide=True,
            nullable=False,
        )

    return aggregate


def deviation(function: str) -> "Aggregate":
    """STDDEV, VARIANCE and their kin: doubles, added up in any order."""

    def aggregate(ctx: Context, values: list[Value], use: Use) -> Value:
        if ctx.session.policy.exactness != "heatwave":
            raise Forward(f"{function.upper()}(): the order of additions")
        value = number(_only_one(function.upper(), values))
        return Value(use.call(function, f"CAST({value.sql} AS DOUBLE)"), "double")

    return aggregate


def _counted(sql: str) -> Value:
    return Value(sql, "int", 19, nullable=False, most=MOST_ROWS)


def _only_one(name: str, values: list[Value]) -> Value:
    if len(values) != 1:
        raise Forward(f"{name}() with {len(values)} arguments")
    return values[0]


def _summed(ctx: Context, value: Value) -> Value:
    value = plain(value)
    if value.wide:
        return Value(value.sql, "int", 20)
    if value.is_approximate or value.kind == "string":
        if value.is_approximate and ctx.session.policy.exactness == "heatwave":
            return Value(f"CAST({value.sql} AS DOUBLE)", "double")
        raise Forward(f"SUM or AVG of {value.kind.upper()}: the order of additions")
    if value.unsigned and value.kind == "decimal":
        return Value(value.sql, "decimal", value.precision, value.scale)
    return number(value)


def _extreme(ctx: Context, function: str, value: Value, use: Use) -> Value:
    value = plain(value)
    if value.kind in ("string", "enum"):
        if value.kind == "enum" and use.grouped and not use.over:
            # whether the column says ENUM depends on MySQL's plan
            raise Forward(f"{function.upper()} of ENUM in groups")
        found = extreme(ctx, function, value)
        if found.kind == "enum":  # MySQL makes it a string
            found = replace(found, kind="string", members=())
        if not use.over:
            return found
        key = None if found.key is None else f"{found.key}{use.over}"
        return elsewhere(found, f"{found.sql}{use.over}", key)
    if value.kind in _OPAQUE:
        raise Forward(f"{function.upper()} of {value.kind.upper()}")
    if value.kind == "timestamp" and use.grouped and not use.over:
        # MySQL warns 1292 of the 0000-00-00 that it begins some groups with
        raise Forward(f"{function.upper()} of TIMESTAMP in groups")
    if value.kind == "float" and use.grouped and '."' not in value.sql:
        # of a view's column it is a DOUBLE, or not, by MySQL's plan
        raise Forward(f"{function.upper()} of FLOAT out of a subquery in groups")
    if value.kind == "year" and "(" not in value.sql:  # 0000 is shown as 0
        raise Forward(f"{function.upper()} of YEAR")
    sql = f"{function}({value.sql}){use.over}"
    if value.kind == "date" and use.grouped and value.nullable and not use.over:
        # MySQL warns 1292 for each group that has or begins with a row without a date
        if use.inner:
            raise Forward(
                f"{function.upper()} of DATE in groups that are not all shown"
            )
        unknown = f"count({value.sql}) < count(*)"
        sql = trap(unknown, "MIN or MAX of no date in a group", sql)
    return Value(
        sql,
        value.kind,
        value.precision,
        value.scale,
        value.hidden,
        unsigned=value.unsigned,
        wide=value.wide,
    )


Aggregate = Callable[[Context, list[Value], Use], Value]
_DEVIATIONS: dict[str, Aggregate] = {
    "STD": deviation("stddev_pop"),
    "STDDEV": deviation("stddev_pop"),
    "STDDEV_POP": deviation("stddev_pop"),
    "STDDEV_SAMP": deviation("stddev_samp"),
    "VARIANCE": deviation("var_pop"),
    "VAR_POP": deviation("var_pop"),
    "VAR_SAMP": deviation("var_samp"),
}
APPROXIMATE = frozenset(_DEVIATIONS)  # at exactness heatwave only
AGGREGATES: dict[str, Aggregate] = {
    "COUNT": count,
    "SUM": total,
    "AVG": average,
    "MIN": least,
    "MAX": greatest,
    "ANY_VALUE": any_value,
    "BIT_AND": bits("bit_and", 2**64 - 1),
    "BIT_OR": bits("bit_or", 0),
    "BIT_XOR": bits("bit_xor", 0),
    **_DEVIATIONS,
}
