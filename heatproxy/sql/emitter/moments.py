"""Dates, times and years compared: with each other, and with clean literals.

What MySQL would have to convert, or would warn of, is left to it.
"""

import datetime
import re

from heatproxy.sql.emitter.values import TEMPORAL, Forward, Value

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?")
_SHORT = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(:\d\d)?(\.\d{1,6})?")
_TIME = re.compile(r"(-?)(\d{2,3}):([0-5]\d):([0-5]\d)(?:\.(\d{1,6}))?")


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


def years(value: Value) -> str:
    """One side of a comparison with YEAR."""
    if value.kind == "int" and (
        value.literal is None or not 1901 <= int(value.literal) <= 2155
    ):
        raise Forward("comparing YEAR with anything but a year of four digits")
    return value.sql


def moments(left: Value, right: Value) -> tuple[str, str]:
    """Both sides of a comparison of dates and times of day."""
    sides = [_moment(left), _moment(right)]
    if sides[0][1] == sides[1][1]:
        return sides[0][0], sides[1][0]
    one, other = (
        f"CAST({sql} AS TIMESTAMP)" if is_date else sql for sql, is_date in sides
    )
    return one, other


def clock(value: Value) -> str:
    """One side of a comparison of TIME, in microseconds."""
    if value.kind == "time":
        return value.sql
    match = _TIME.fullmatch(value.literal or "") if value.kind == "string" else None
    if match is None or int(match[2]) > 837:
        raise Forward(f"comparison of time and {value.kind}")
    seconds = int(match[2]) * 3600 + int(match[3]) * 60 + int(match[4])
    micros = seconds * 1_000_000 + int((match[5] or "").ljust(6, "0"))
    return f"{'-' if match[1] else ''}{micros}"


def _moment(value: Value) -> tuple[str, bool]:
    if value.kind in TEMPORAL:
        return value.sql, value.kind == "date"
    if value.kind == "string" and value.literal is not None:
        short = _SHORT.fullmatch(value.literal)
        if short is None or (short[4] and not short[3]):
            return temporal_literal(value.literal)
        day, minute, second, fraction = short.groups()
        return temporal_literal(f"{day} {minute}{second or ':00'}{fraction or ''}")
    raise Forward(f"comparison of a date and {value.kind}")
