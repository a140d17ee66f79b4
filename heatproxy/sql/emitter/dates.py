"""Parts of dates and times, and the numbers and dates made of them."""

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from heatproxy.sql.emitter.moments import temporal_literal
from heatproxy.sql.emitter.numbers import Function, Rule
from heatproxy.sql.emitter.numeric import scaled
from heatproxy.sql.emitter.rounding import constant
from heatproxy.sql.emitter.strings import ascii_text
from heatproxy.sql.emitter.values import (
    TEMPORAL,
    Context,
    Forward,
    Value,
    offset_us,
    plain,
    trap,
)

DAY_US = 86_400_000_000
EPOCH_DAY = 719_528  # TO_DAYS('1970-01-01')
LONGEST_TIME_S = 838 * 3600 + 59 * 60 + 59
Part = Callable[[str], str]
PARTS: Mapping[str, Part] = {  # of a DATE or TIMESTAMP
    "YEAR": "year({0})".format,
    "QUARTER": "quarter({0})".format,
    "MONTH": "month({0})".format,
    "DAY": "day({0})".format,
    "DAYOFWEEK": "(isodow({0}) % 7 + 1)".format,
    "WEEKDAY": "(isodow({0}) - 1)".format,
    "DAYOFYEAR": "dayofyear({0})".format,
    "HOUR": "hour({0})".format,
    "MINUTE": "minute({0})".format,
    "SECOND": "(microsecond({0}) // 1000000)".format,
    "MICROSECOND": "(microsecond({0}) % 1000000)".format,
}
CLOCK: Mapping[str, str] = {  # of microseconds that are not negative
    "HOUR": "({0} // 3600000000)",
    "MINUTE": "({0} // 60000000 % 60)",
    "SECOND": "({0} // 1000000 % 60)",
    "MICROSECOND": "({0} % 1000000)",
}
# EXTRACT's units of several parts: each part is worth so much
UNITS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "YEAR_MONTH": (("YEAR", 100), ("MONTH", 1)),
    "DAY_HOUR": (("DAY", 100), ("HOUR", 1)),
    "DAY_MINUTE": (("DAY", 10**4), ("HOUR", 100), ("MINUTE", 1)),
    "DAY_SECOND": (("DAY", 10**6), ("HOUR", 10**4), ("MINUTE", 100), ("SECOND", 1)),
    "HOUR_MINUTE": (("HOUR", 100), ("MINUTE", 1)),
    "HOUR_SECOND": (("HOUR", 10**4), ("MINUTE", 100), ("SECOND", 1)),
    "MINUTE_SECOND": (("MINUTE", 100), ("SECOND", 1)),
    "SECOND_MICROSECOND": (("SECOND", 10**6), ("MICROSECOND", 1)),
}


def moment(value: Value) -> Value:
    """A DATE or TIMESTAMP, a string literal read strictly.

    Raises:
        Forward: it is neither.
    """
    value = plain(value)
    if value.kind in TEMPORAL:
        return value
    if value.kind == "string" and value.literal is not None:
        sql, is_date = temporal_literal(value.literal)
        scale = len(value.literal.partition(".")[2])
        return Value(sql, "date" if is_date else "datetime", scale=scale)
    raise Forward(f"a date function on {value.kind}")


def part(name: str, digits: int = 2) -> Function:
    """A rule for the function that gives this part of a date."""

    def rule(ctx: Context, values: list[Value]) -> Value:
        return Value(_part(name, values[0]), "int", digits)

    return rule


def year(ctx: Context, values: list[Value]) -> Value:
    sql = PARTS["YEAR"](moment(values[0]).sql)
    return Value(sql, "year", 4, unsigned=True)


def extract(ctx: Context, node: exp.Expr) -> Value:
    unit, value = node.this.name.upper(), plain(ctx.value(node.expression))
    if unit in UNITS:
        pieces = [f"{_part(name, value)} * {n}" for name, n in UNITS[unit]]
        sql, digits = f"({' + '.join(pieces)})", 8
    elif unit in PARTS and unit not in ("DAYOFWEEK", "WEEKDAY", "DAYOFYEAR"):
        sql, digits = _part(unit, value), 4 if unit == "YEAR" else 2
    else:
        raise Forward(f"EXTRACT({unit})")
    if value.kind == "time":
        if unit.startswith("DAY"):
            raise Forward("EXTRACT of the day of a TIME")
        sql = f"(CASE WHEN {value.sql} < 0 THEN -1 ELSE 1 END * {sql})"
    return Value(sql, "int", digits)


def datediff(ctx: Context, values: list[Value]) -> Value:
    one, other = (as_date(moment(value)) for value in values)
    return Value(f"({one} - {other})", "int", 8)


def date(ctx: Context, values: list[Value]) -> Value:
    return Value(as_date(moment(values[0])), "date")


def time(ctx: Context, values: list[Value]) -> Value:
    value = plain(values[0])
    if value.kind == "time":
        return value
    value = moment(value)
    return Value(time_of_day(value.sql), "time", scale=value.scale)


def timestamp(ctx: Context, values: list[Value]) -> Value:
    value = moment(values[0])
    return Value(as_timestamp(value), "datetime", scale=value.scale)


def last_day(ctx: Context, values: list[Value]) -> Value:
    return Value(f"last_day({moment(values[0]).sql})", "date")


def to_days(ctx: Context, values: list[Value]) -> Value:
    return Value(f"({_days(moment(values[0]))} + {EPOCH_DAY})", "int", 6)


def to_seconds(ctx: Context, values: list[Value]) -> Value:
    value = moment(values[0])
    seconds = f"(epoch_us({as_timestamp(value)}) + {EPOCH_DAY * DAY_US}) // 1000000"
    return Value(f"({seconds})", "int", 11)


def from_days(ctx: Context, values: list[Value]) -> Value:
    days = _integer("FROM_DAYS", values[0])
    sql = f"(DATE '1970-01-01' + CAST({days} - {EPOCH_DAY} AS INTEGER))"
    odd = f"{days} NOT BETWEEN 366 AND 3652424"
    return Value(trap(odd, "FROM_DAYS out of range", sql), "date")


def day_name(ctx: Context, values: list[Value]) -> Value:
    return _name(ctx, "dayname", values[0])


def month_name(ctx: Context, values: list[Value]) -> Value:
    return _name(ctx, "monthname", values[0])


def week(ctx: Context, values: list[Value]) -> Value:
    mode = constant(values[1:], ctx.session.default_week_format)
    return Value(week_number(moment(values[0]), mode), "int", 2)


def week_of_year(ctx: Context, values: list[Value]) -> Value:
    return Value(week_number(moment(values[0]), 3), "int", 2)


def year_week(ctx: Context, values: list[Value]) -> Value:
    value, mode = moment(values[0]), constant(values[1:], 0) | 2
    sql = f"({week_year(value, mode)} * 100 + {week_number(value, mode)})"
    return Value(sql, "int", 6)


def week_number(value: Value, mode: int) -> str:
    """WEEK(value, mode)."""
    anchor = _anchor(value, mode)
    if mode & 2:
        return f"((dayofyear({anchor}) - 1) // 7 + 1)"
    first = f"make_date(year({value.sql}), 1, 1)"
    early = f"{anchor} < {first}"
    return f"CASE WHEN {early} THEN 0 ELSE ({anchor} - {first}) // 7 + 1 END"


def week_year(value: Value, mode: int) -> str:
    """The year that the week belongs to."""
    return f"year({_anchor(value, mode)})"


def time_to_sec(ctx: Context, values: list[Value]) -> Value:
    value = plain(values[0])
    sql = value.sql if value.kind == "time" else time_of_day(moment(value).sql)
    return Value(f"({sql} // 1000000)", "int", 10)


def sec_to_time(ctx: Context, values: list[Value]) -> Value:
    seconds = _integer("SEC_TO_TIME", values[0])
    odd = f"abs({seconds}) > {LONGEST_TIME_S}"
    return Value(trap(odd, "SEC_TO_TIME out of range", f"{seconds} * 1000000"), "time")


def make_date(ctx: Context, values: list[Value]) -> Value:
    year_of, day_of = (_integer("MAKEDATE", value) for value in values)
    sql = (
        f"(make_date(CAST({year_of} AS INTEGER), 1, 1) + CAST({day_of} - 1 AS INTEGER))"
    )
    odd = f"{year_of} NOT BETWEEN 100 AND 9998 OR {day_of} NOT BETWEEN 1 AND 366"
    return Value(trap(odd, "MAKEDATE out of range", sql), "date")


def period_add(ctx: Context, values: list[Value]) -> Value:
    period, months = (_integer("PERIOD_ADD", value) for value in values)
    total = f"({_months(period)} + {months})"
    sql = f"({total} // 12 * 100 + {total} % 12 + 1)"
    odd = f"{_odd_period(period)} OR {total} NOT BETWEEN 1200 AND 119999"
    return Value(trap(odd, "an odd period", sql), "int", 6)


def period_diff(ctx: Context, values: list[Value]) -> Value:
    one, other = (_integer("PERIOD_DIFF", value) for value in values)
    sql = f"({_months(one)} - {_months(other)})"
    odd = f"{_odd_period(one)} OR {_odd_period(other)}"
    return Value(trap(odd, "an odd period", sql), "int", 6)


def unix_timestamp(ctx: Context, values: list[Value]) -> Value:
    value = moment(values[0])
    shift = offset_us(ctx.session.time_zone)  # by which a column was shifted too
    micros = f"(epoch_us({as_timestamp(value)}) - {shift})"
    outside = f"{micros} < 1000000 OR {micros} > 32536771199999999"
    micros = f"CASE WHEN {outside} THEN 0 ELSE {micros} END"
    if not value.scale:
        return Value(f"({micros} // 1000000)", "int", 20)
    return scaled(f"({micros} // {10 ** (6 - value.scale)})", 20, value.scale)


def from_unixtime(ctx: Context, values: list[Value]) -> Value:
    seconds = _integer("FROM_UNIXTIME", values[0])
    shift = offset_us(ctx.session.time_zone)
    sql = f"make_timestamp(CAST({seconds} AS BIGINT) * 1000000 + {shift})"
    inside = f"{seconds} BETWEEN 0 AND 32536771199"
    return Value(f"CASE WHEN {inside} THEN {sql} END", "datetime")


def as_date(value: Value) -> str:
    return value.sql if value.kind == "date" else f"CAST({value.sql} AS DATE)"


def as_timestamp(value: Value) -> str:
    return f"CAST({value.sql} AS TIMESTAMP)" if value.kind == "date" else value.sql


def time_of_day(sql: str) -> str:
    """The microseconds of a TIMESTAMP since midnight."""
    return f"(epoch_us({sql}) - epoch_us(CAST(CAST({sql} AS DATE) AS TIMESTAMP)))"


def _part(name: str, value: Value) -> str:
    value = plain(value)
    if value.kind == "time" and name in CLOCK:
        return CLOCK[name].format(f"abs({value.sql})")
    value = moment(value)
    if value.kind == "date" and name in CLOCK:
        return f"CASE WHEN {value.sql} IS NOT NULL THEN 0 END"
    return PARTS[name](value.sql)


def _days(value: Value) -> str:
    return f"({as_date(value)} - DATE '1970-01-01')"


def _anchor(value: Value, mode: int) -> str:
    """The day of a week that says which year the week belongs to.

    ``mode`` is WEEK()'s: 1 begins weeks on Monday (else Sunday), 4 turns the rule
    by which the first week is found.
    """
    day = as_date(value)
    monday = bool(mode & 1)
    since = f"(isodow({day}) - 1)" if monday else f"(isodow({day}) % 7)"
    first_weekday = bool(mode & 4) == monday
    return f"({day} - CAST({since} - {0 if first_weekday else 3} AS INTEGER))"


def _name(ctx: Context, function: str, value: Value) -> Value:
    if ctx.session.lc_time_names != "en_US":
        raise Forward("lc_time_names other than en_US")
    return ascii_text(ctx, f"{function}({moment(value).sql})")


def _integer(name: str, value: Value) -> str:
    value = plain(value)
    if value.kind != "int" or value.wide:
        raise Forward(f"{name} of anything but an integer")
    return value.sql


def _months(period: str) -> str:
    return f"({period} // 100 * 12 + {period} % 100 - 1)"


def _odd_period(period: str) -> str:
    return (
        f"{period} NOT BETWEEN 10001 AND 999912 OR {period} % 100 NOT BETWEEN 1 AND 12"
    )


NODES: dict[type[exp.Expr], tuple[Rule, Sequence[str]]] = {
    exp.Extract: (extract, ("this", "expression")),
}
FUNCTIONS: dict[str, tuple[Function, int, int]] = {
    "YEAR": (year, 1, 1),
    "QUARTER": (part("QUARTER"), 1, 1),
    "MONTH": (part("MONTH"), 1, 1),
    "DAY": (part("DAY"), 1, 1),
    "DAYOFMONTH": (part("DAY"), 1, 1),
    "DAYOFWEEK": (part("DAYOFWEEK"), 1, 1),
    "WEEKDAY": (part("WEEKDAY"), 1, 1),
    "DAYOFYEAR": (part("DAYOFYEAR", 3), 1, 1),
    "HOUR": (part("HOUR"), 1, 1),
    "MINUTE": (part("MINUTE"), 1, 1),
    "SECOND": (part("SECOND"), 1, 1),
    "MICROSECOND": (part("MICROSECOND", 6), 1, 1),
    "DATEDIFF": (datediff, 2, 2),
    "DATE": (date, 1, 1),
    "TIME": (time, 1, 1),
    "TIMESTAMP": (timestamp, 1, 1),
    "LAST_DAY": (last_day, 1, 1),
    "TO_DAYS": (to_days, 1, 1),
    "TO_SECONDS": (to_seconds, 1, 1),
    "FROM_DAYS": (from_days, 1, 1),
    "DAYNAME": (day_name, 1, 1),
    "MONTHNAME": (month_name, 1, 1),
    "WEEK": (week, 1, 2),
    "WEEKOFYEAR": (week_of_year, 1, 1),
    "YEARWEEK": (year_week, 1, 2),
    "TIME_TO_SEC": (time_to_sec, 1, 1),
    "SEC_TO_TIME": (sec_to_time, 1, 1),
    "MAKEDATE": (make_date, 2, 2),
    "PERIOD_ADD": (period_add, 2, 2),
    "PERIOD_DIFF": (period_diff, 2, 2),
    "UNIX_TIMESTAMP": (unix_timestamp, 1, 1),
    "FROM_UNIXTIME": (from_unixtime, 1, 1),
}
