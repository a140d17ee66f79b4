"""Exact arithmetic: MySQL's integers, decimals and doubles in DuckDB's words.

Division rounds half away from zero at the dividend's scale plus 4 (kept_digits
says where it cuts instead), computed in HUGEINT. What MySQL answers with NULL and
a warning, or with an error, is a trap.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from heatproxy.sql.emitter.values import Context, Forward, Value, decimal, plain, trap

STEP = 4  # div_precision_increment; other settings are refused
CLEAN_NUMBER = r"-?[0-9]{1,15}(\.[0-9]{1,9})?"


def number(value: Value) -> Value:
    """The value as an int, decimal or double; a string column by a trap."""
    value = plain(value)
    if value.wide:
        raise Forward("arithmetic on BIGINT UNSIGNED")
    if value.kind == "string" and value.literal is None:
        return Value(_parsed(value.sql), "double")
    if value.kind == "float":
        return Value(f"CAST({value.sql} AS DOUBLE)", "double")
    if value.kind == "year":
        return Value(f"CAST({value.sql} AS BIGINT)", "int", 4, unsigned=True)
    if value.unsigned and value.kind != "int":
        raise Forward(f"arithmetic on {value.kind.upper()} UNSIGNED")
    if value.is_exact or value.kind == "double":
        return value
    raise Forward(f"{value.kind} in numeric context")


def as_double(value: Value) -> str:
    """The value as a DOUBLE, rounded as MySQL rounds it."""
    value = plain(value)
    if value.kind == "string" and value.literal is None:
        return _parsed(value.sql)
    if value.kind == "decimal" and value.precision - value.scale + value.digits > 15:
        raise Forward("a DECIMAL of more than 15 digits as DOUBLE")
    if value.is_exact or value.is_approximate:
        return f"CAST({value.sql} AS DOUBLE)"
    raise Forward(f"{value.kind} as DOUBLE")


def literal(text: str) -> Value:
    """A number as it is written."""
    whole, point, fraction = text.partition(".")
    whole = whole.lstrip("0")
    if point:
        digits = max(1, len(whole)) + len(fraction)
        if digits > 38 or len(fraction) > 30:
            raise Forward("a decimal literal of more than 38 digits")
        value = f"{whole or '0'}.{fraction}" if fraction else whole or "0"
        sql = f"CAST({value} AS DECIMAL({digits},{len(fraction)}))"
        return Value(sql, "decimal", digits, len(fraction), literal=value)
    if len(whole) > 18:
        raise Forward("an integer literal of more than 18 digits")
    return Value(whole or "0", "int", max(1, len(whole)), literal=whole or "0")


def negate(ctx: Context, node: exp.Expr) -> Value:
    value = number(ctx.value(node.this))
    if value.unsigned:
        raise Forward("unary minus on UNSIGNED")
    constant = None if value.literal is None else _negated(value.literal)
    if value.kind == "int":
        sql = f"(-CAST({value.sql} AS BIGINT))"
        return Value(sql, "int", value.precision, literal=constant)
    if value.kind == "double":
        return Value(f"(-{value.sql})", "double")
    return Value(
        f"(-{value.sql})",
        "decimal",
        value.precision,
        value.scale,
        hidden=value.hidden,
        mixed=value.mixed,
        literal=constant,
    )


def add(ctx: Context, node: exp.Expr) -> Value:
    return _sum(ctx, node, "+")


def subtract(ctx: Context, node: exp.Expr) -> Value:
    return _sum(ctx, node, "-")


def multiply(ctx: Context, node: exp.Expr) -> Value:
    left, right = _operands(ctx, node)
    if "double" in (left.kind, right.kind):
        return _double(left, right, "*")
    precision = left.precision + right.precision
    if left.kind == right.kind == "int":
        return _integer(left, right, "*", precision)
    # DuckDB stays at 18 digits unless one side is wider already
    wide = max(min(left.precision, 38), 19) if precision > 18 else left.precision
    one = _as_decimal(left, wide) if left.digits < wide else left.sql
    result = decimal(
        f"{one} * {_as_decimal(right, right.precision)}",
        precision,
        left.scale + right.scale,
        _hidden(left, right, left.digits + right.digits),
    )
    return _mixed(result, left, right)


def divide(ctx: Context, node: exp.Expr) -> Value:
    left, right = _operands(ctx, node)
    if "double" in (left.kind, right.kind):
        zero = f"{as_double(right)} = 0"
        return _finite(
            trap(zero, "division by zero", f"{as_double(left)} / {as_double(right)}")
        )
    if left.mixed or right.mixed:
        raise Forward("division by or of a CASE whose branches differ in scale")
    scale = left.scale + STEP
    shift = scale - left.digits + right.digits
    dividend, divisor = unscaled(left), unscaled(right)
    dividend = _times_ten(dividend, shift)
    divisor = _times_ten(divisor, -shift)
    if kept_digits(left.digits, right.digits) == scale:
        quotient = f"({dividend} // {divisor})"  # no digit is left to round by
    else:
        half = f"CASE WHEN {dividend} < 0 THEN -abs({divisor}) ELSE abs({divisor}) END"
        quotient = f"((2 * {dividend} + {half}) // (2 * {divisor}))"
    if not _is_not_zero(right):
        quotient = trap(f"{right.sql} = 0", "division by zero", quotient)
    return scaled(quotient, left.whole_digits + right.scale + scale, scale)


def int_divide(ctx: Context, node: exp.Expr) -> Value:
    left, right = _operands(ctx, node)
    if "double" in (left.kind, right.kind) or left.hidden or right.hidden:
        raise Forward("DIV of approximate numbers")
    if _differ_in_sign(left, right):
        raise Forward("DIV of signed and UNSIGNED")
    sql = f"({_aligned(left, right)} // {_aligned(right, left)})"
    if not _is_not_zero(right):
        sql = trap(f"{right.sql} = 0", "division by zero", sql)
    precision = min(19, left.whole_digits + right.scale)
    unsigned = left.unsigned or right.unsigned
    return Value(f"CAST({sql} AS BIGINT)", "int", precision, unsigned=unsigned)


def modulo(ctx: Context, node: exp.Expr) -> Value:
    left, right = _operands(ctx, node)
    return remainder(left, right)


def remainder(left: Value, right: Value) -> Value:
    """left % right, with the sign of left."""
    if "double" in (left.kind, right.kind) or left.hidden or right.hidden:
        raise Forward("% of approximate numbers")
    sql = f"({_aligned(left, right)} % {_aligned(right, left)})"
    if not _is_not_zero(right):
        sql = trap(f"{right.sql} = 0", "division by zero", sql)
    precision = max(left.whole_digits, right.whole_digits)
    if left.kind == right.kind == "int":
        if _differ_in_sign(left, right):
            raise Forward("% of signed and UNSIGNED")
        return Value(f"CAST({sql} AS BIGINT)", "int", precision, unsigned=left.unsigned)
    scale = max(left.scale, right.scale)
    result = replace(scaled(sql, precision + scale, scale), unsigned=left.unsigned)
    return _mixed(result, left, right)


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


def _sum(ctx: Context, node: exp.Expr, sign: str) -> Value:
    left, right = _operands(ctx, node)
    if "double" in (left.kind, right.kind):
        return _double(left, right, sign)
    whole = max(left.whole_digits, right.whole_digits) + 1
    if left.kind == right.kind == "int":
        return _integer(left, right, sign, whole)
    scale, digits = max(left.scale, right.scale), max(left.digits, right.digits)
    width = whole + digits
    sql = (
        f"{_as_decimal(left, width, digits)} {sign} {_as_decimal(right, width, digits)}"
    )
    result = decimal(sql, whole + scale, scale, _hidden(left, right, digits))
    return _mixed(result, left, right)


def _operands(ctx: Context, node: exp.Expr) -> tuple[Value, Value]:
    return number(ctx.value(node.this)), number(ctx.value(node.expression))


def _integer(left: Value, right: Value, sign: str, precision: int) -> Value:
    sql = f"(CAST({left.sql} AS BIGINT) {sign} CAST({right.sql} AS BIGINT))"
    unsigned = left.unsigned or right.unsigned
    if unsigned:
        sql = trap(f"{sql} < 0", "BIGINT UNSIGNED value is out of range", sql)
    return Value(f"({sql})", "int", min(19, precision), unsigned=unsigned)


def _double(left: Value, right: Value, sign: str) -> Value:
    return _finite(f"({as_double(left)} {sign} {as_double(right)})")


def _finite(sql: str) -> Value:
    safe = trap(f"NOT isfinite({sql})", "DOUBLE value is out of range", sql)
    return Value(f"({safe})", "double")


def _as_decimal(value: Value, width: int, scale: int | None = None) -> str:
    scale = value.digits if scale is None else scale
    if scale > 30:
        raise Forward("a DECIMAL of more than 30 fraction digits")
    return f"CAST({value.sql} AS DECIMAL({min(38, max(width, scale + 1))},{scale}))"


def _aligned(value: Value, other: Value) -> str:
    """Unscaled, at the larger scale of the two."""
    if value.kind == other.kind == "int":
        return f"CAST({value.sql} AS BIGINT)"
    return _times_ten(unscaled(value), max(value.scale, other.scale) - value.scale)


def _times_ten(sql: str, power: int) -> str:
    return f"({sql} * {10**power}::HUGEINT)" if power > 0 else sql


def _hidden(left: Value, right: Value, digits: int) -> int | None:
    return None if left.hidden is None and right.hidden is None else digits


def _mixed(result: Value, *operands: Value) -> Value:
    if not any(operand.mixed for operand in operands):
        return result
    return replace(result, mixed=True)


def _differ_in_sign(left: Value, right: Value) -> bool:
    """Whether one side is UNSIGNED and the other may be negative."""
    if left.unsigned == right.unsigned:
        return False
    signed = right if left.unsigned else left
    return signed.literal is None or signed.literal.startswith("-")


def _is_not_zero(value: Value) -> bool:
    return value.literal is not None and bool(re.search("[1-9]", value.literal))


def _negated(text: str) -> str:
    return text[1:] if text.startswith("-") else "-" + text


def _parsed(sql: str) -> str:
    return trap(
        f"NOT regexp_full_match({sql}, '{CLEAN_NUMBER}')",
        "a string that is not plainly a number",
        f"CAST({sql} AS DOUBLE)",
    )


def kept_digits(dividend: int, divisor: int = 0) -> int:
    """The fraction digits a quotient is cut to, given those of its operands.

    MySQL divides in words of nine digits, cuts, and only then rounds to the
    declared scale. AVG keeps all of these digits.
    """
    words = [9 * math.ceil(digits / 9) for digits in (dividend, divisor)]
    spare = sum(words) - dividend - divisor
    return 9 * math.ceil((sum(words) + max(0, STEP - spare)) / 9)


Rule = Callable[[Context, exp.Expr], Value]
NODES: dict[type[exp.Expr], tuple[Rule, Sequence[str]]] = {
    exp.Neg: (negate, ("this",)),
    exp.Add: (add, ("this", "expression")),
    exp.Sub: (subtract, ("this", "expression")),
    exp.Mul: (multiply, ("this", "expression")),
    # typed and safe are sqlglot's notes for its own generator, the same for all
    exp.Div: (divide, ("this", "expression", "typed", "safe")),
    exp.IntDiv: (int_divide, ("this", "expression")),
    exp.Mod: (modulo, ("this", "expression")),
}
