"""What a value of any kind is as a number, and DECIMALs as the integers they are."""

import re

from heatproxy.sql.emitter import scalars
from heatproxy.sql.emitter.values import Forward, Value, decimal, plain, trap

CLEAN_NUMBER = r"-?[0-9]{1,15}(\.[0-9]{1,9})?"


def number(value: Value) -> Value:
    """The value as an int, decimal or double; a string column by a trap."""
    value = plain(value)
    if value.is_exact or value.kind == "double":
        return value
    if value.kind == "string":
        if value.literal is None:
            return Value(_parsed(value.sql), "double")
        if not re.fullmatch(CLEAN_NUMBER, value.literal):
            raise Forward("a string that is not plainly a number")
        return Value(f"CAST('{value.literal}' AS DOUBLE)", "double")
    if value.kind == "float":
        return Value(f"CAST({value.sql} AS DOUBLE)", "double")
    if value.kind == "year":
        return Value(f"CAST({value.sql} AS BIGINT)", "int", 4, unsigned=True)
    if value.kind == "bit":
        sql = f"CAST('0x' || hex({value.sql}) AS UBIGINT)"
        return Value(sql, "int", 20, unsigned=True, wide=True)
    if value.kind == "enum":
        members = ", ".join("'" + m.replace("'", "''") + "'" for m in value.members)
        sql = f"CAST(list_position([{members}], {value.sql}) AS DOUBLE)"
        return Value(sql, "double")
    if value.kind == "set":
        return Value(f"CAST({bits_of(value)} AS DOUBLE)", "double")
    if value.kind in ("date", "datetime", "timestamp", "time"):
        return _of_moment(value)
    if value.kind == "json" and value.literal is None:
        return scalars.as_double(value)
    raise Forward(f"{value.kind} in numeric context")


def as_double(value: Value) -> str:
    """The value as a DOUBLE, rounded as MySQL rounds it."""
    value = number(value)
    if value.kind == "decimal" and value.precision - value.scale + value.digits > 15:
        return f"CAST(CAST({value.sql} AS VARCHAR) AS DOUBLE)"
    return f"CAST({value.sql} AS DOUBLE)"


def bits_of(value: Value) -> str:
    """A SET's number: one bit for each member."""
    members = ", ".join("'" + m.replace("'", "''") + "'" for m in value.members)
    bit = f"CAST(1 AS HUGEINT) << (list_position([{members}], e) - 1)"
    bits = f"list_transform(string_split({value.sql}, ','), lambda e: {bit})"
    total = f"coalesce(list_sum({bits}), 0)"
    return f"CASE WHEN {value.sql} IS NOT NULL THEN {total} END"


def _of_moment(value: Value) -> Value:
    """A date or time as MySQL's number, 20240229134559.123."""
    sql, digits = value.sql, 14
    if value.kind == "time":
        seconds, digits = f"(abs({sql}) // 1000000)", 7
        clock = (
            f"({seconds} // 3600 * 10000 + {seconds} // 60 % 60 * 100 + {seconds} % 60)"
        )
        micros = f"(abs({sql}) % 1000000)"
        sign = f"CASE WHEN {sql} < 0 THEN -1 ELSE 1 END * "
    else:
        clock = f"(year({sql}) * 10000 + month({sql}) * 100 + day({sql}))"
        sign = ""
        if value.kind == "date":
            return Value(clock, "int", 8)
        clock = (
            f"({clock} * 1000000 + hour({sql}) * 10000 + minute({sql}) * 100"
            f" + CAST(floor(second({sql})) AS BIGINT))"
        )
        micros = f"(microsecond({sql}) % 1000000)"
    if not value.scale:
        return Value(f"({sign}{clock})", "int", digits)
    shown = (
        f"{clock} * {10**value.scale}::HUGEINT + {micros} // {10 ** (6 - value.scale)}"
    )
    return scaled(f"({sign}({shown}))", digits + value.scale, value.scale)


def unscaled(value: Value) -> str:
    """The HUGEINT that a DECIMAL is, its point dropped."""
    if value.literal is not None and value.hidden is None:
        return f"CAST({value.literal.replace('.', '')} AS HUGEINT)"
    if value.digits == 0:
        return f"CAST({value.sql} AS HUGEINT)"
    wide = f"CAST({value.sql} AS DECIMAL(38,{value.digits}))"
    return f"CAST({wide} * CAST({10**value.digits} AS DECIMAL(38,0)) AS HUGEINT)"


def scaled(sql: str, precision: int, scale: int, hidden: int | None = None) -> Value:
    """The DECIMAL whose unscaled HUGEINT ``sql`` is."""
    digits = scale if hidden is None else hidden
    if digits > 30:
        raise Forward("a DECIMAL of more than 30 fraction digits")
    whole = f"CAST({sql} AS DECIMAL(38,0))"
    if digits:
        unit = "0." + "1".rjust(digits, "0")
        whole = f"({whole} * CAST({unit} AS DECIMAL(38,{digits})))"
    return decimal(whole, precision, scale, hidden)


def _parsed(sql: str) -> str:
    return trap(
        f"NOT regexp_full_match({sql}, '{CLEAN_NUMBER}')",
        "a string that is not plainly a number",
        f"CAST({sql} AS DOUBLE)",
    )
