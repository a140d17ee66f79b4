"""ROUND, TRUNCATE, FLOOR, CEIL, ABS, SIGN, SQRT and the functions of libm.

A DECIMAL rounds half away from zero, a DOUBLE half to even, as MySQL's do. What
libm computes (POW, LN, ...) may differ in the last digit from machine to machine,
so only the level "heatwave" takes it.
"""

from collections.abc import Sequence
from dataclasses import replace

from heatproxy.sql.emitter.numbers import (
    BIGINT,
    OVERFLOW,
    Function,
    remainder,
    rounded,
)
from heatproxy.sql.emitter.numeric import as_double, number, scaled, unscaled
from heatproxy.sql.emitter.values import (
    TEMPORAL,
    Context,
    Forward,
    Value,
    decimal,
    failing,
    trap,
)


def absolute(ctx: Context, values: list[Value]) -> Value:
    value = rounded(_number("ABS", values[0]))
    if value.kind == "int" and not value.unsigned:
        sql = f"abs(CAST({value.sql} AS BIGINT))"
        if value.bound >= BIGINT:
            sql = failing(sql, f"BIGINT {OVERFLOW}")
        return Value(sql, "int", value.precision, most=value.bound)
    if value.unsigned:
        return replace(value, literal=None)
    return replace(value, sql=f"abs({value.sql})", literal=None)


def sign(ctx: Context, values: list[Value]) -> Value:
    value = _number("SIGN", values[0])
    return Value(f"CAST(sign({value.sql}) AS BIGINT)", "int", 19)


def floor(ctx: Context, values: list[Value]) -> Value:
    return _whole("floor", values[0])


def ceiling(ctx: Context, values: list[Value]) -> Value:
    return _whole("ceil", values[0])


def round_function(ctx: Context, values: list[Value]) -> Value:
    value, places = _number("ROUND", values[0]), constant(values[1:], 0)
    if value.mixed:
        raise Forward("ROUND of a CASE whose branches differ in scale")
    if value.kind == "int":
        if places >= 0:
            return replace(value, literal=None)
        return _int_to(value, places, half=True)
    if value.kind == "double":
        return _round_double(value, places)
    _require_shown(value, places)
    if places >= value.scale:
        return decimal(value.sql, value.precision, value.scale)
    if places >= 0:
        return decimal(value.sql, value.whole_digits + 1 + places, places)
    unit = 10 ** (value.digits - places)
    half = f"CASE WHEN {value.sql} < 0 THEN {-unit // 2} ELSE {unit // 2} END"
    sql = f"(({unscaled(value)} + {half}) // {unit}::HUGEINT * {10**-places}::HUGEINT)"
    return scaled(sql, value.whole_digits + 1, 0)


def truncate(ctx: Context, values: list[Value]) -> Value:
    value, places = _number("TRUNCATE", values[0]), constant(values[1:])
    if value.mixed:
        raise Forward("TRUNCATE of a CASE whose branches differ in scale")
    if value.kind == "int":
        if places >= 0:
            return replace(value, literal=None)
        return _int_to(value, places, half=False)
    if value.kind == "double":
        return _truncate_double(value, places)
    _require_shown(value, places)
    if places >= value.digits:
        return decimal(value.sql, value.precision, value.scale)
    cut = f"({unscaled(value)} // {10 ** (value.digits - places)}::HUGEINT)"
    if places >= 0:
        return scaled(cut, max(1, value.whole_digits + places), places)
    return scaled(f"({cut} * {10**-places}::HUGEINT)", max(1, value.whole_digits), 0)


def mod(ctx: Context, values: list[Value]) -> Value:
    return remainder(ctx, number(values[0]), number(values[1]))


def square_root(ctx: Context, values: list[Value]) -> Value:
    value = as_double(values[0])
    sql = f"CASE WHEN {value} < 0 THEN NULL ELSE sqrt(abs({value})) END"
    return Value(sql, "double")


def libm(function: str, domain: str = "TRUE") -> Function:
    """A rule for a function of libm where ``domain`` holds; {0}, {1}: arguments."""

    def rule(ctx: Context, values: list[Value]) -> Value:
        if ctx.session.policy.exactness != "heatwave":
            raise Forward(f"{function.partition('(')[0].upper()}() of libm")
        parts = [as_double(value) for value in values]
        sql = function.format(*parts) if "{" in function else f"{function}({parts[0]})"
        # a CASE: outside its domain DuckDB's function is an error
        held = f"CASE WHEN {domain.format(*parts)} THEN {sql} END"
        known = " AND ".join(f"{part} IS NOT NULL" for part in parts)
        odd = f"{known} AND coalesce(NOT isfinite({held}), TRUE)"
        return Value(trap(odd, "a result that MySQL warns of", held), "double")

    return rule


def constant(values: Sequence[Value], default: int | None = None) -> int:
    """The integer that a position, length or number of places is written as."""
    if not values and default is not None:
        return default
    value = values[0]
    if value.kind != "int" or value.literal is None or len(value.literal) > 9:
        raise Forward("a function whose position or length is no integer literal")
    return int(value.literal)


def _number(name: str, value: Value) -> Value:
    if value.kind in (*TEMPORAL, "time", "bit"):
        raise Forward(f"{name}() of {value.kind.upper()}")
    return number(value)


def _require_shown(value: Value, places: int) -> None:
    """AVG's hidden digits are rounded or cut once, not first at more places."""
    if value.hidden is not None and places > value.scale:
        raise Forward("ROUND or TRUNCATE of AVG to more places than it shows")


def _whole(function: str, value: Value) -> Value:
    value = _number(function.upper(), value)
    if value.kind == "int":
        return replace(value, literal=None)
    if value.kind == "double":
        return Value(f"{function}({value.sql})", "double")
    if value.mixed:
        raise Forward(f"{function.upper()} of a mixed CASE")
    if value.whole_digits > 17:
        raise Forward(f"{function.upper()} of a DECIMAL of more than 17 whole digits")
    sql = f"CAST({function}({value.sql}) AS BIGINT)"
    return Value(sql, "int", value.whole_digits + 1)


def _int_to(value: Value, places: int, half: bool) -> Value:
    """An integer at tens, hundreds, ...; ``half``: rounded, else cut."""
    if places < -18:
        raise Forward("ROUND or TRUNCATE to more than 18 negative places")
    unit = 10**-places
    whole = f"CAST({value.sql} AS HUGEINT)"
    if half:
        step = f"CASE WHEN {value.sql} < 0 THEN {-unit // 2} ELSE {unit // 2} END"
        whole = f"({whole} + {step})"
    held = "UBIGINT" if value.wide else "BIGINT"
    sql = f"CAST({whole} // {unit}::HUGEINT * {unit}::HUGEINT AS {held})"
    most = value.bound + unit
    if half and most >= BIGINT:
        sql = failing(sql, f"BIGINT {OVERFLOW}")
    return replace(value, sql=sql, literal=None, most=most)


def _round_double(value: Value, places: int) -> Value:
    if not -15 <= places <= 15:
        raise Forward("ROUND of a DOUBLE to more than 15 places")
    if places < 0:
        return Value(
            f"(round_even({value.sql} / 1e{-places}, 0) * 1e{-places})", "double"
        )
    sql = f"round_even({value.sql} * 1e{places}, 0) / 1e{places}"
    fits = f"isfinite({value.sql} * 1e{places})"
    return Value(f"CASE WHEN {fits} THEN {sql} ELSE {value.sql} END", "double")


def _truncate_double(value: Value, places: int) -> Value:
    if not -15 <= places <= 15:
        raise Forward("TRUNCATE of a DOUBLE to more than 15 places")
    if places < 0:
        return Value(f"(trunc({value.sql} / 1e{-places}) * 1e{-places})", "double")
    sql = f"trunc({value.sql} * 1e{places}) / 1e{places}"
    fits = f"isfinite({value.sql} * 1e{places})"
    return Value(f"CASE WHEN {fits} THEN {sql} ELSE {value.sql} END", "double")


FUNCTIONS: dict[str, tuple[Function, int, int]] = {
    "ABS": (absolute, 1, 1),
    "SIGN": (sign, 1, 1),
    "FLOOR": (floor, 1, 1),
    "CEIL": (ceiling, 1, 1),
    "CEILING": (ceiling, 1, 1),
    "ROUND": (round_function, 1, 2),
    "TRUNCATE": (truncate, 2, 2),
    "MOD": (mod, 2, 2),
    "SQRT": (square_root, 1, 1),
    "POW": (libm("pow({0}, {1})"), 2, 2),
    "POWER": (libm("pow({0}, {1})"), 2, 2),
    "EXP": (libm("exp"), 1, 1),
    "LN": (libm("ln", "{0} > 0"), 1, 1),
    "LOG10": (libm("log10", "{0} > 0"), 1, 1),
    "LOG2": (libm("log2", "{0} > 0"), 1, 1),
    "SIN": (libm("sin"), 1, 1),
    "COS": (libm("cos"), 1, 1),
    "TAN": (libm("tan"), 1, 1),
    "ATAN": (libm("atan"), 1, 1),
}
