"""Arithmetic with times of day: ADDTIME, TIMEDIFF, MAKETIME, CONVERT_TZ.

A TIME is BIGINT microseconds; one beyond 838:59:59, which MySQL cuts with a
warning, is a trap.
"""

import re

from heatproxy.sql.emitter.dates import (
    LONGEST_TIME_S,
    as_timestamp,
    moment,
)
from heatproxy.sql.emitter.numbers import Function
from heatproxy.sql.emitter.values import (
    TEMPORAL,
    Context,
    Forward,
    Value,
    offset_us,
    plain,
    trap,
)

_TIME = re.compile(r"(-?)(\d{1,3}):(\d\d):(\d\d)")


def add_time(ctx: Context, values: list[Value]) -> Value:
    return _moved(values, "+")


def sub_time(ctx: Context, values: list[Value]) -> Value:
    return _moved(values, "-")


def time_diff(ctx: Context, values: list[Value]) -> Value:
    one, other = (plain(value) for value in values)
    if "time" in (one.kind, other.kind):
        (left, first), (right, second) = _duration(one), _duration(other)
        return _time(f"({left} - {right})", max(first, second))
    if {one.kind, other.kind} <= {"datetime", "timestamp", "string"}:
        one, other = moment(one), moment(other)
        if "date" in (one.kind, other.kind):
            raise Forward("TIMEDIFF of a date and a time")
        scale = max(one.scale, other.scale)
        return _time(f"(epoch_us({one.sql}) - epoch_us({other.sql}))", scale)
    raise Forward(f"TIMEDIFF of {one.kind} and {other.kind}")


def make_time(ctx: Context, values: list[Value]) -> Value:
    hours, minutes, seconds = (plain(value) for value in values)
    if any(value.kind != "int" or value.wide for value in values):
        raise Forward("MAKETIME of anything but integers")
    size = f"(abs(CAST({hours.sql} AS BIGINT)) * 3600 + {minutes.sql} * 60"
    size = f"{size} + {seconds.sql}) * 1000000"
    sign = f"CASE WHEN {hours.sql} < 0 THEN -1 ELSE 1 END"
    inside = f"{minutes.sql} BETWEEN 0 AND 59 AND {seconds.sql} BETWEEN 0 AND 59"
    return _time(f"CASE WHEN {inside} THEN {sign} * {size} END", 0)


def convert_tz(ctx: Context, values: list[Value]) -> Value:
    value = moment(values[0])
    zones = [zone.literal for zone in values[1:]]
    if None in zones:
        raise Forward("CONVERT_TZ with anything but literal zones")
    since, until = (offset_us(str(zone)) for zone in zones)
    sql = as_timestamp(value)
    utc = f"(epoch_us({sql}) - {since})"
    # MySQL converts what a TIMESTAMP could hold, and leaves the rest as it is
    inside = f"{utc} BETWEEN 1000000 AND 32536771199999999"
    moved = f"make_timestamp(epoch_us({sql}) + {until - since})"
    sql = f"CASE WHEN {inside} THEN {moved} ELSE {sql} END"
    return Value(sql, "datetime", scale=value.scale)


def _moved(values: list[Value], sign: str) -> Value:
    value, amount = (plain(value) for value in values)
    by, scale = _duration(amount)
    scale = max(scale, value.scale)
    if value.kind == "time":
        return _time(f"({value.sql} {sign} {by})", scale)
    if value.kind not in TEMPORAL or value.kind == "date":
        raise Forward(f"ADDTIME to {value.kind}")
    sql = f"make_timestamp(epoch_us({value.sql}) {sign} {by})"
    sql = trap(f"year({sql}) NOT BETWEEN 1 AND 9999", "a date out of range", sql)
    return Value(sql, "datetime", scale=scale)


def _duration(value: Value) -> tuple[str, int]:
    """Microseconds, and the digits of the fraction shown."""
    if value.kind == "time":
        return value.sql, value.scale
    match = _TIME.fullmatch(value.literal or "")
    if match is None or value.kind != "string" or int(match[3] + match[4]) > 5959:
        raise Forward("a duration in another form than 'hh:mm:ss'")
    size = int(match[2]) * 3600 + int(match[3]) * 60 + int(match[4])
    if size > LONGEST_TIME_S:
        raise Forward("a duration beyond 838:59:59")
    return f"({'-' if match[1] else ''}{size * 1_000_000})", 0


def _time(sql: str, scale: int) -> Value:
    odd = f"abs({sql}) > {LONGEST_TIME_S * 1_000_000}"
    sql = trap(odd, "a time beyond 838:59:59", sql)
    return Value(f"CAST({sql} AS BIGINT)", "time", scale=scale)


FUNCTIONS: dict[str, tuple[Function, int, int]] = {
    "ADDTIME": (add_time, 2, 2),
    "SUBTIME": (sub_time, 2, 2),
    "TIMEDIFF": (time_diff, 2, 2),
    "MAKETIME": (make_time, 3, 3),
    "CONVERT_TZ": (convert_tz, 3, 3),
}
