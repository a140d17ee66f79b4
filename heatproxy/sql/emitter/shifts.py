"""Dates moved by intervals, and the distance between two: DATE_ADD, TIMESTAMPDIFF."""

import re
from collections.abc import Mapping, Sequence

from sqlglot import exp

from heatproxy.sql.emitter import numbers
from heatproxy.sql.emitter.dates import DAY_US, as_timestamp, moment
from heatproxy.sql.emitter.numbers import Rule
from heatproxy.sql.emitter.values import TEMPORAL, Context, Forward, Value, plain, trap

MONTHS = {"YEAR": 12, "QUARTER": 3, "MONTH": 1}
DAYS = {"WEEK": 7, "DAY": 1}
CLOCK = {
    "HOUR": 3_600_000_000,
    "MINUTE": 60_000_000,
    "SECOND": 1_000_000,
    "MICROSECOND": 1,
}
# units of several parts: what each is worth, in months or microseconds
COMPOUND: Mapping[str, tuple[int, ...]] = {
    "YEAR_MONTH": (12, 1),
    "DAY_HOUR": (DAY_US, 3_600_000_000),
    "DAY_MINUTE": (DAY_US, 3_600_000_000, 60_000_000),
    "DAY_SECOND": (DAY_US, 3_600_000_000, 60_000_000, 1_000_000),
    "HOUR_MINUTE": (3_600_000_000, 60_000_000),
    "HOUR_SECOND": (3_600_000_000, 60_000_000, 1_000_000),
    "MINUTE_SECOND": (60_000_000, 1_000_000),
}
_NUMBERS = re.compile(r"(-?)(\d{1,9}(?:[-: .]\d{1,9})*)")


def add(ctx: Context, node: exp.Expr) -> Value:
    """+, where INTERVAL may stand on either side."""
    left, right = node.this, node.expression
    if isinstance(left, exp.Interval):
        left, right = right, left
    if isinstance(right, exp.Interval):
        return moved(ctx, ctx.value(left), right, 1)
    return numbers.add(ctx, node)


def subtract(ctx: Context, node: exp.Expr) -> Value:
    if isinstance(node.expression, exp.Interval):
        return moved(ctx, ctx.value(node.this), node.expression, -1)
    return numbers.subtract(ctx, node)


def date_add(ctx: Context, node: exp.Expr) -> Value:
    return _by_function(ctx, node, 1)


def date_sub(ctx: Context, node: exp.Expr) -> Value:
    return _by_function(ctx, node, -1)


def timestamp_add(ctx: Context, node: exp.Expr) -> Value:
    unit, amount, value = node.expressions
    interval = exp.Interval(this=amount, unit=exp.Var(this=_unit(unit)))
    return moved(ctx, ctx.value(value), interval, 1)


def timestamp_diff(ctx: Context, node: exp.Expr) -> Value:
    unit = _unit(node.expressions[0])
    one, other = (
        as_timestamp(moment(ctx.value(part))) for part in node.expressions[1:]
    )
    if unit in MONTHS:
        return Value(_months_between(one, other, MONTHS[unit]), "int", 20)
    sizes = {**{name: n * DAY_US for name, n in DAYS.items()}, **CLOCK}
    if unit not in sizes:
        raise Forward(f"TIMESTAMPDIFF({unit})")
    sql = f"((epoch_us({other}) - epoch_us({one})) // {sizes[unit]})"
    return Value(sql, "int", 20)


def moved(ctx: Context, value: Value, interval: exp.Expr, sign: int) -> Value:
    """The date later (sign 1) or earlier (-1) by the interval.

    A date that leaves the years 1 to 9999, where MySQL warns, is a trap.
    """
    value = plain(value)
    if value.kind not in TEMPORAL:
        raise Forward(f"INTERVAL added to {value.kind}")
    if any(v and name not in ("this", "unit") for name, v in interval.args.items()):
        raise Forward("INTERVAL in an unknown form")
    unit = _unit(interval.args["unit"])
    amount = plain(ctx.value(interval.this))
    if unit in COMPOUND:
        count, unit = _compound(amount, unit)
        amount = Value(str(count), "int", 18, literal=str(count))
    if amount.kind == "string" and re.fullmatch(r"-?\d{1,9}", amount.literal or ""):
        amount = Value(str(amount.literal), "int", 9, literal=amount.literal)
    if amount.kind != "int" or amount.wide:
        raise Forward("INTERVAL of anything but an integer")
    by = f"({sign} * CAST({amount.sql} AS BIGINT))"
    if unit in MONTHS:
        sql = f"({value.sql} + to_months(CAST({by} * {MONTHS[unit]} AS INTEGER)))"
    elif unit in DAYS:
        days = f"CAST({by} * {DAYS[unit]} AS INTEGER)"
        step = days if value.kind == "date" else f"to_days({days})"
        sql = f"({value.sql} + {step})"
    elif unit in CLOCK:
        sql = f"({as_timestamp(value)} + to_microseconds({by} * {CLOCK[unit]}))"
    else:
        raise Forward(f"INTERVAL in the unit {unit}")
    held = value.kind == "date" and unit not in CLOCK
    sql = f"CAST({sql} AS {'DATE' if held else 'TIMESTAMP'})"
    sql = trap(f"year({sql}) NOT BETWEEN 1 AND 9999", "a date out of range", sql)
    scale = 6 if unit == "MICROSECOND" else value.scale
    return Value(sql, "date" if held else "datetime", scale=0 if held else scale)


def _by_function(ctx: Context, node: exp.Expr, sign: int) -> Value:
    value, amount = node.expressions
    if not isinstance(amount, exp.Interval):  # ADDDATE(d, 31)
        amount = exp.Interval(this=amount, unit=exp.Var(this="DAY"))
    return moved(ctx, ctx.value(value), amount, sign)


def _unit(node: exp.Expr) -> str:
    if isinstance(node, exp.Var | exp.Column):
        return node.name.upper().removeprefix("SQL_TSI_")
    raise Forward("a unit that is no word")


def _compound(amount: Value, unit: str) -> tuple[int, str]:
    """'1:30' HOUR_MINUTE in the smallest unit that the emitter adds."""
    match = _NUMBERS.fullmatch(amount.literal or "")
    worth = COMPOUND[unit]
    if match is None or amount.kind != "string":
        raise Forward(f"INTERVAL in {unit} of anything but a plain literal")
    parts = [int(part) for part in re.split(r"\D", match[2])]
    if len(parts) != len(worth):
        raise Forward(f"INTERVAL in {unit} with other than {len(worth)} parts")
    total = sum(part * n for part, n in zip(parts, worth, strict=True))
    count = -total if match[1] else total
    if abs(count) > 10**17:
        raise Forward("INTERVAL of a very long time")
    return count, "MONTH" if unit == "YEAR_MONTH" else "CLOCK"


def _months_between(one: str, other: str, size: int) -> str:
    low, high = f"least({one}, {other})", f"greatest({one}, {other})"

    def within(sql: str) -> str:
        start = f"date_trunc('month', {sql})"
        return f"(epoch_us({sql}) - epoch_us(CAST({start} AS TIMESTAMP)))"

    months = (
        f"((year({high}) - year({low})) * 12 + month({high}) - month({low})"
        f" - CASE WHEN {within(high)} < {within(low)} THEN 1 ELSE 0 END)"
    )
    sign = f"CASE WHEN {one} > {other} THEN -1 WHEN {one} <= {other} THEN 1 END"
    return f"({sign} * ({months} // {size}))"


CLOCK["CLOCK"] = 1  # microseconds that MySQL shows no digits of
_SUM = ("this", "expression")
NODES: dict[type[exp.Expr], tuple[Rule, Sequence[str]]] = {
    exp.Add: (add, _SUM),
    exp.Sub: (subtract, _SUM),
}
FORMS: dict[str, tuple[Rule, int, int]] = {
    "DATE_ADD": (date_add, 2, 2),
    "ADDDATE": (date_add, 2, 2),
    "DATE_SUB": (date_sub, 2, 2),
    "SUBDATE": (date_sub, 2, 2),
    "TIMESTAMPADD": (timestamp_add, 3, 3),
    "TIMESTAMPDIFF": (timestamp_diff, 3, 3),
}
