"""Bit operators: 64 bits without sign, whatever the operands were."""

from collections.abc import Sequence

from sqlglot import exp

from heatproxy.sql.emitter.numbers import Function, Rule
from heatproxy.sql.emitter.numeric import number
from heatproxy.sql.emitter.rounding import constant
from heatproxy.sql.emitter.values import Context, Forward, Value

ALL_BITS = 2**64


def conjunction(ctx: Context, node: exp.Expr) -> Value:
    return _bits(f"({_left(ctx, node)} & {_right(ctx, node)})")


def disjunction(ctx: Context, node: exp.Expr) -> Value:
    return _bits(f"({_left(ctx, node)} | {_right(ctx, node)})")


def exclusion(ctx: Context, node: exp.Expr) -> Value:
    return _bits(f"xor({_left(ctx, node)}, {_right(ctx, node)})")


def inversion(ctx: Context, node: exp.Expr) -> Value:
    return _bits(f"xor({_left(ctx, node)}, CAST({ALL_BITS - 1} AS UBIGINT))")


def left_shift(ctx: Context, node: exp.Expr) -> Value:
    places = _places(ctx, node)
    kept = f"({_left(ctx, node)} & CAST({2 ** (64 - places) - 1} AS UBIGINT))"
    if places == 64:
        kept = f"({_left(ctx, node)} & CAST(0 AS UBIGINT))"
    return _bits(f"({kept} * {2**places}::HUGEINT)")


def right_shift(ctx: Context, node: exp.Expr) -> Value:
    return _bits(f"({_left(ctx, node)} // {2 ** _places(ctx, node)}::HUGEINT)")


def bit_count(ctx: Context, values: list[Value]) -> Value:
    sql = f"CAST(bit_count(CAST({as_bits(values[0])} AS HUGEINT)) AS BIGINT)"
    return Value(sql, "int", 2)


def binary_text(ctx: Context, values: list[Value]) -> Value:
    return _in_base(ctx, "b", values[0])


def octal_text(ctx: Context, values: list[Value]) -> Value:
    return _in_base(ctx, "o", values[0])


def as_bits(value: Value) -> str:
    """The UBIGINT of an integer's 64 bits."""
    value = number(value)
    if value.kind != "int":
        raise Forward(f"bits of {value.kind.upper()}")
    if value.unsigned:
        return f"CAST({value.sql} AS UBIGINT)"
    whole = f"CAST({value.sql} AS HUGEINT)"
    moved = f"CASE WHEN {whole} < 0 THEN {whole} + {ALL_BITS}::HUGEINT ELSE {whole} END"
    return f"CAST({moved} AS UBIGINT)"


def _in_base(ctx: Context, code: str, value: Value) -> Value:
    return Value(
        f"format('{{:{code}}}', {as_bits(value)})",
        "string",
        collation=ctx.session.collation_connection,
        ascii=True,
        clean=True,
    )


def _bits(sql: str) -> Value:
    return Value(f"CAST({sql} AS UBIGINT)", "int", 20, unsigned=True, wide=True)


def _left(ctx: Context, node: exp.Expr) -> str:
    return as_bits(ctx.value(node.this))


def _right(ctx: Context, node: exp.Expr) -> str:
    return as_bits(ctx.value(node.expression))


def _places(ctx: Context, node: exp.Expr) -> int:
    """How far a shift goes; 64 and more shift everything out."""
    places = constant([ctx.value(node.expression)])
    return min(places, 64) if places >= 0 else 64


_BOTH = ("this", "expression")
NODES: dict[type[exp.Expr], tuple[Rule, Sequence[str]]] = {
    exp.BitwiseAnd: (conjunction, _BOTH),
    exp.BitwiseOr: (disjunction, _BOTH),
    exp.BitwiseXor: (exclusion, _BOTH),
    exp.BitwiseNot: (inversion, ("this",)),
    exp.BitwiseLeftShift: (left_shift, _BOTH),
    exp.BitwiseRightShift: (right_shift, _BOTH),
}
FUNCTIONS: dict[str, tuple[Function, int, int]] = {
    "BIT_COUNT": (bit_count, 1, 1),
    "BIN": (binary_text, 1, 1),
    "OCT": (octal_text, 1, 1),
}
