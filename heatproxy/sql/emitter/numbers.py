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

from heatproxy.sql.emitter.numeric import as_double, number, scaled, unscaled
from heatproxy.sql.emitter.values import (
    Context,
    Forward,
    Value,
    decimal,
    failing,
    trap,
)

MOST_STEPS = 12  # of div_precision_increment
BIGINT = 2**63
OVERFLOW = "value is out of range"
NARROW = 18  # digits of the widest DECIMAL of 64 bits
NARROW_SCALE = 12


def literal(text: str) -> Value:
    """A number as it is written."""
    if "e" in text.lower():
        return Value(f"CAST('{text}' AS DOUBLE)", "double", literal=text)
    whole, point, fraction = text.partition(".")
    whole = whole.lstrip("0")
    if point:
        digits = max(1, len(whole)) + len(fraction)
        if digits > 38 or len(fraction) > 30:
            raise Forward("a decimal literal of more than 38 digits")
        value = f"{whole or '0'}.{fraction}" if fraction else whole or "0"
        sql = f"CAST({value} AS DECIMAL({digits},{len(fraction)}))"
        return Value(sql, "decimal", digits, len(fraction), literal=value)
    count, size = int(whole or "0"), max(1, len(whole))
    if count >= 2**64:
        if size > 38:
            raise Forward("an integer literal of more than 38 digits")
        return Value(
            f"CAST({whole} AS DECIMAL({size},0))", "decimal", size, literal=whole
        )
    if count >= 2**63:
        sql = f"CAST({whole} AS UBIGINT)"
        return Value(sql, "int", size, unsigned=True, wide=True, literal=whole)
    return Value(str(count), "int", size, literal=str(count))


def negate(ctx: Context, node: exp.Expr) -> Value:
    value = number(ctx.value(node.this))
    constant = None if value.literal is None else _negated(value.literal)
    if value.kind == "int":
        held = "HUGEINT" if value.wide else "BIGINT"
        sql = f"CAST(-CAST({value.sql} AS {held}) AS BIGINT)"
        if value.bound >= BIGINT:
            sql = failing(sql, f"BIGINT {OVERFLOW}")
        precision = min(19, value.precision)
        return Value(sql, "int", precision, literal=constant, most=value.bound)
    if value.kind == "double":
        return Value(f"(-{value.sql})", "double", literal=constant)
    shown = rounded(value)
    return replace(shown, sql=f"(-{shown.sql})", unsigned=False, literal=constant)


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
    digits = left.digits + right.digits
    if _is_narrow(ctx, digits, left, right):
        product = f"{_as_decimal(left, left.width)} * {_as_decimal(right, right.width)}"
    else:
        # DuckDB stays at 18 digits unless one side is wider already
        wide = max(min(left.precision, 38), 19) if precision > 18 else left.precision
        one = _as_decimal(left, wide) if left.digits < wide else left.sql
        product = f"{one} * {_as_decimal(right, right.precision)}"
    narrow = _is_narrow(ctx, digits, left, right)
    result = _decimal(product, precision, left.scale + right.scale, narrow)
    return _both(result, left, right)


def divide(ctx: Context, node: exp.Expr) -> Value:
    left, right = _operands(ctx, node)
    if "double" in (left.kind, right.kind):
        sql = f"{as_double(left)} / {as_double(right)}"
        return _finite(_divided(ctx, sql, right, as_double(right)))
    if left.mixed or right.mixed:
        raise Forward("division by or of a CASE whose branches differ in scale")
    scale = left.scale + step(ctx)
    shift = scale - left.digits + right.digits
    dividend, divisor = unscaled(left), unscaled(right)
    dividend = _times_ten(dividend, shift)
    divisor = _times_ten(divisor, -shift)
    if kept_digits(step(ctx), left.digits, right.digits) == scale:
        quotient = f"({dividend} // {divisor})"  # no digit is left to round by
    else:
        half = f"CASE WHEN {dividend} < 0 THEN -abs({divisor}) ELSE abs({divisor}) END"
        quotient = f"((2 * {dividend} + {half}) // (2 * {divisor}))"
    quotient = _divided(ctx, quotient, right)
    result = scaled(quotient, left.whole_digits + right.scale + scale, scale)
    return _both(result, left, right)


def int_divide(ctx: Context, node: exp.Expr) -> Value:
    left, right = _operands(ctx, node)
    if "double" in (left.kind, right.kind) or left.hidden or right.hidden:
        raise Forward("DIV of approximate numbers")
    divisor = right
    if left.unsigned != right.unsigned:
        left, right = (_not_negative(side) for side in (left, right))
    sql = f"({_aligned(left, right)} // {_aligned(right, left)})"
    sql = _divided(ctx, sql, divisor)
    precision = min(19, left.whole_digits + right.scale)
    unsigned = left.unsigned or right.unsigned
    wide = left.wide
    held = "UBIGINT" if wide else "BIGINT"
    sql = f"CAST({sql} AS {held})"
    if left.bound >= BIGINT or left.kind != "int":
        sql = failing(sql, f"BIGINT {OVERFLOW}")
    return Value(sql, "int", precision, unsigned=unsigned, wide=wide)


def modulo(ctx: Context, node: exp.Expr) -> Value:
    left, right = _operands(ctx, node)
    return remainder(ctx, left, right)


def remainder(ctx: Context, left: Value, right: Value) -> Value:
    """left % right, with the sign of left."""
    if left.hidden or right.hidden:
        raise Forward("% of AVG")
    if "double" in (left.kind, right.kind):
        sql = f"({as_double(left)} % {as_double(right)})"
        return Value(_divided(ctx, sql, right, as_double(right)), "double")
    divisor = right
    whole = left.kind == right.kind == "int"
    if whole and left.unsigned != right.unsigned:
        left, right = (_not_negative(side) for side in (left, right))
    sql = f"({_aligned(left, right)} % {_aligned(right, left)})"
    sql = _divided(ctx, sql, divisor)
    precision = max(left.whole_digits, right.whole_digits)
    if whole:
        wide = left.wide
        held = "UBIGINT" if wide else "BIGINT"
        sql = f"CAST({sql} AS {held})"
        return Value(sql, "int", precision, unsigned=left.unsigned, wide=wide)
    scale = max(left.scale, right.scale)
    result = scaled(sql, precision + scale, scale)
    return _both(result, left, right, unsigned=left.unsigned)


def rounded(value: Value) -> Value:
    """The value without AVG's hidden digits, which functions do not see."""
    if value.hidden is None:
        return value
    return decimal(value.sql, value.precision, value.scale)


def _sum(ctx: Context, node: exp.Expr, sign: str) -> Value:
    left, right = _operands(ctx, node)
    if "double" in (left.kind, right.kind):
        return _double(left, right, sign)
    whole = max(left.whole_digits, right.whole_digits) + 1
    if sign == "-" and "NO_UNSIGNED_SUBTRACTION" in ctx.session.sql_mode.upper():
        left, right = (replace(side, unsigned=False) for side in (left, right))
        if left.kind == right.kind == "int":  # a cast traps what BIGINT can't hold
            sql = f"CAST({left.sql} AS HUGEINT) - CAST({right.sql} AS HUGEINT)"
            sql, most = f"CAST({sql} AS BIGINT)", left.bound + right.bound
            sql = failing(sql, f"BIGINT {OVERFLOW}") if most >= BIGINT else sql
            return Value(sql, "int", min(19, whole), most=most)
    if left.kind == right.kind == "int":
        return _integer(left, right, sign, whole)
    scale, digits = max(left.scale, right.scale), max(left.digits, right.digits)
    narrow = _is_narrow(ctx, digits, left, right)
    width = whole + digits - 1  # then DuckDB's result has one digit more
    width = min(18, width) if narrow else width
    sql = (
        f"{_as_decimal(left, width, digits)} {sign} {_as_decimal(right, width, digits)}"
    )
    if left.unsigned and right.unsigned and sign == "-":
        sql = trap(f"{sql} < 0", "DECIMAL UNSIGNED value is out of range", sql)
    return _both(_decimal(sql, whole + scale, scale, narrow), left, right)


def _operands(ctx: Context, node: exp.Expr) -> tuple[Value, Value]:
    return number(ctx.value(node.this)), number(ctx.value(node.expression))


def _integer(left: Value, right: Value, sign: str, precision: int) -> Value:
    unsigned = left.unsigned or right.unsigned
    one, other = left.bound, right.bound
    most = one * other if sign == "*" else one + other
    if unsigned and (precision > 18 or left.wide or right.wide):
        sql = f"(CAST({left.sql} AS HUGEINT) {sign} CAST({right.sql} AS HUGEINT))"
        # the cast traps what BIGINT UNSIGNED can't hold
        sql = failing(f"CAST({sql} AS UBIGINT)", f"BIGINT UNSIGNED {OVERFLOW}")
        most = min(most, 2**64)
        digits = min(20, precision)
        return Value(sql, "int", digits, unsigned=True, wide=True, most=most)
    sql = f"(CAST({left.sql} AS BIGINT) {sign} CAST({right.sql} AS BIGINT))"
    if unsigned and (sign == "-" or not all(map(_is_not_negative, (left, right)))):
        sql = trap(f"{sql} < 0", f"BIGINT UNSIGNED {OVERFLOW}", sql)
    elif most >= BIGINT:
        sql, most = failing(sql, f"BIGINT {OVERFLOW}"), BIGINT
    return Value(f"({sql})", "int", min(19, precision), unsigned=unsigned, most=most)


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
    if value.kind == other.kind == "int" and not value.wide and not other.wide:
        return f"CAST({value.sql} AS BIGINT)"
    return _times_ten(unscaled(value), max(value.scale, other.scale) - value.scale)


def _times_ten(sql: str, power: int) -> str:
    return f"({sql} * {10**power}::HUGEINT)" if power > 0 else sql


def _is_narrow(ctx: Context, digits: int, left: Value, right: Value) -> bool:
    """Whether 18 digits are tried first, though MySQL's precision says more.

    They cost half; where they are too few, DuckDB's overflow is a trap.
    """
    fits = left.width <= 18 and right.width <= 18 and digits <= NARROW_SCALE
    return fits and not ctx.session.wide_decimals


def _decimal(sql: str, precision: int, scale: int, narrow: bool) -> Value:
    """A DECIMAL rounded to what MySQL shows: AVG's hidden digits end here."""
    if not narrow or precision <= 18:
        return decimal(sql, precision, scale)
    result = decimal(sql, 18, scale)
    return replace(result, precision=min(65, precision), held=18)


def _both(
    result: Value, left: Value, right: Value, unsigned: bool | None = None
) -> Value:
    """A DECIMAL with what it has of both its operands."""
    if unsigned is None:
        unsigned = left.unsigned and right.unsigned
    return replace(result, mixed=left.mixed or right.mixed, unsigned=unsigned)


def _not_negative(value: Value) -> Value:
    """The value; where it meets an UNSIGNED and is negative, MySQL decides."""
    if _is_not_negative(value):
        return value
    return replace(value, sql=trap(f"{value.sql} < 0", "a sign", value.sql))


def _is_not_negative(value: Value) -> bool:
    literal = value.literal is not None and not value.literal.startswith("-")
    return value.unsigned or literal


def _divided(ctx: Context, sql: str, divisor: Value, tested: str = "") -> str:
    """The quotient ``sql``, a trap where the divisor is 0 and may be."""
    literal = divisor.literal
    if literal is not None and re.search("[1-9]", literal):
        return sql
    if divisor.sql in ctx.nonzero:
        return sql
    return trap(f"{tested or divisor.sql} = 0", "division by zero", sql)


def _negated(text: str) -> str:
    return text[1:] if text.startswith("-") else "-" + text


def kept_digits(step: int, dividend: int, divisor: int = 0) -> int:
    """The fraction digits a quotient is cut to, given those of its operands.

    MySQL divides in words of nine digits, cuts, and only then rounds to the
    declared scale. AVG keeps all of these digits.
    """
    words = [9 * math.ceil(digits / 9) for digits in (dividend, divisor)]
    spare = sum(words) - dividend - divisor
    return 9 * math.ceil((sum(words) + max(0, step - spare)) / 9)


def step(ctx: Context) -> int:
    """How many fraction digits a quotient has more than its dividend.

    Raises:
        Forward: more than are known to come out exactly.
    """
    digits = ctx.session.div_precision_increment
    if digits > MOST_STEPS:
        raise Forward(f"div_precision_increment over {MOST_STEPS}")
    return digits


Rule = Callable[[Context, exp.Expr], Value]
Function = Callable[[Context, list[Value]], Value]
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
