"""COUNT, SUM, AVG, MIN and MAX as MySQL computes and types them."""

from collections.abc import Callable

from heatproxy.sql.emitter.compare import common_key, groupable
from heatproxy.sql.emitter.numbers import (
    STEP,
    kept_digits,
    number,
    scaled,
    unscaled,
)
from heatproxy.sql.emitter.values import Context, Forward, Value, decimal, plain, trap

SUM_DIGITS = 22  # what SUM adds to its argument's precision


def count(ctx: Context, value: Value, distinct: bool, grouped: bool) -> Value:
    value = plain(value)
    sql = value.sql
    if distinct and value.kind == "string":
        sql = common_key(ctx, value).equality(sql)
    elif distinct and value.kind in ("json", "set", "bit", "binary", "null"):
        raise Forward(f"COUNT(DISTINCT) of {value.kind.upper()}")
    return Value(f"count({'DISTINCT ' if distinct else ''}{sql})", "int", 19)


def count_rows() -> Value:
    return Value("count(*)", "int", 19)


def total(ctx: Context, value: Value, distinct: bool, grouped: bool) -> Value:
    value = _summed(value)
    sql = f"sum({'DISTINCT ' if distinct else ''}{value.sql})"
    return decimal(sql, value.precision + SUM_DIGITS, value.scale)


def average(ctx: Context, value: Value, distinct: bool, grouped: bool) -> Value:
    value = _summed(value)
    word = "DISTINCT " if distinct else ""
    hidden = kept_digits(value.scale)
    if hidden > 27:
        raise Forward("AVG of a DECIMAL of more than 15 fraction digits")
    summed = decimal(f"sum({word}{value.sql})", 38, value.scale)
    # NULLIF, not a trap: error() would keep DuckDB from decorrelating
    count = f"nullif(count({word}{value.sql}), 0)"
    power = 10 ** (hidden - value.scale)
    return scaled(
        f"({unscaled(summed)} * {power}::HUGEINT // {count})",
        value.precision + STEP,
        value.scale + STEP,
        hidden,
    )


def least(ctx: Context, value: Value, distinct: bool, grouped: bool) -> Value:
    return _extreme(ctx, "min", value, grouped)


def greatest(ctx: Context, value: Value, distinct: bool, grouped: bool) -> Value:
    return _extreme(ctx, "max", value, grouped)


def _summed(value: Value) -> Value:
    value = plain(value)
    if value.wide:
        return Value(value.sql, "int", 20)
    if value.is_approximate or value.kind == "string":
        raise Forward(f"SUM or AVG of {value.kind.upper()}: the order of additions")
    if value.unsigned and value.kind == "decimal":
        return Value(value.sql, "decimal", value.precision, value.scale)
    return number(value)


def _extreme(ctx: Context, function: str, value: Value, grouped: bool) -> Value:
    value = plain(value)
    sql = f"{function}({value.sql})"
    if value.kind == "string":
        value = groupable(ctx, value)
        if not value.ascii:
            raise Forward("MIN or MAX of strings that are not all printable ASCII")
        key = common_key(ctx, value).order(value.sql)
        if key != value.sql:
            sql = f"arg_{function}({value.sql}, {key})"
    elif value.kind in ("enum", "set", "json", "bit", "binary", "null"):
        raise Forward(f"{function.upper()} of {value.kind.upper()}")
    elif value.kind == "date" and grouped and value.nullable:
        # MySQL warns 1292 for each group without a date
        sql = trap(f"count({value.sql}) = 0", "MIN or MAX of no date in a group", sql)
    return Value(
        sql,
        value.kind,
        value.precision,
        value.scale,
        value.hidden,
        unsigned=value.unsigned,
        wide=value.wide,
        collation=value.collation,
        ascii=value.ascii,
        clean=value.clean,
    )


Aggregate = Callable[[Context, Value, bool, bool], Value]
AGGREGATES: dict[str, Aggregate] = {
    "COUNT": count,
    "SUM": total,
    "AVG": average,
    "MIN": least,
    "MAX": greatest,
}
