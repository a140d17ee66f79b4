"""What a condition says of divisors: where it holds, or does not, they are not 0.

``CASE WHEN d > 0 THEN n / d END`` divides by no 0, and so needs no trap.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlglot import exp

from heatproxy.sql.emitter.values import Context

Known = frozenset[str]  # SQL of expressions
NOTHING: Known = frozenset()
Tests = dict[type[exp.Expr], Callable[[float], bool]]


def if_true(ctx: Context, condition: exp.Expr) -> Known:
    """What is not 0 where the condition is true."""
    match condition:
        case exp.Paren():
            return if_true(ctx, condition.this)
        case exp.And():
            left, right = condition.this, condition.expression
            return if_true(ctx, left) | if_true(ctx, right)
        case exp.Not():
            return if_not_true(ctx, condition.this)
    tests: Tests = {
        exp.NEQ: lambda limit: limit == 0,
        exp.EQ: lambda limit: limit != 0,
        exp.GT: lambda limit: limit >= 0,
        exp.GTE: lambda limit: limit > 0,
        exp.LT: lambda limit: limit <= 0,
    }
    return _compared(ctx, condition, tests)


def if_not_true(ctx: Context, condition: exp.Expr) -> Known:
    """What is not 0, or is NULL, where the condition is false or NULL."""
    match condition:
        case exp.Paren():
            return if_not_true(ctx, condition.this)
        case exp.Or():
            left, right = condition.this, condition.expression
            return if_not_true(ctx, left) | if_not_true(ctx, right)
    tests: Tests = {
        exp.EQ: lambda limit: limit == 0,
        exp.LTE: lambda limit: limit >= 0,
        exp.LT: lambda limit: limit > 0,
        exp.GTE: lambda limit: limit <= 0,
    }
    return _compared(ctx, condition, tests)


@contextmanager
def knowing(ctx: Context, known: Known) -> Iterator[None]:
    """Expressions written here may take it for granted."""
    added = known - ctx.nonzero
    ctx.nonzero |= added
    try:
        yield
    finally:
        ctx.nonzero -= added


@contextmanager
def unguarded(ctx: Context) -> Iterator[None]:
    """Expressions written here are evaluated for all rows, as an aggregate's are."""
    around, ctx.nonzero = ctx.nonzero, set()
    try:
        yield
    finally:
        ctx.nonzero |= around


def _compared(ctx: Context, condition: exp.Expr, tests: Tests) -> Known:
    test, limit = tests.get(type(condition)), condition.args.get("expression")
    if test is None or not isinstance(limit, exp.Literal) or limit.is_string:
        return NOTHING
    if not test(float(str(limit.this))):
        return NOTHING
    value = ctx.value(condition.this)
    return frozenset({value.sql}) if value.is_exact or value.is_approximate else NOTHING
