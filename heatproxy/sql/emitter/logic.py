"""Conditions: what is true, AND, OR, XOR, NOT and IS."""

from collections.abc import Callable, Iterable, Sequence

from sqlglot import exp

from heatproxy.sql.emitter.numeric import as_double
from heatproxy.sql.emitter.values import TEMPORAL, TRAP, Context, Forward, Value

UNKNOWN = "CAST(NULL AS BOOLEAN)"


def predicate(sql: str) -> Value:
    """A BOOLEAN expression as MySQL's 0, 1 or NULL."""
    return Value(f"({sql})", "int", precision=1, predicate=True)


def truth(value: Value) -> str:
    """The value as a BOOLEAN: numbers are true unless 0."""
    if value.predicate:
        return value.sql
    if value.kind == "null":
        return UNKNOWN
    if value.is_exact or value.is_approximate or value.kind in ("year", "time"):
        return f"({value.sql} <> 0)"
    if value.kind in TEMPORAL:
        return f"({value.sql} = {value.sql})"  # none is zero
    if value.kind == "string" and value.literal is None:
        return f"({as_double(value)} <> 0)"
    raise Forward(f"{value.kind} as a condition")


def conjunction(ctx: Context, node: exp.Expr) -> Value:
    # AND chains nest to the left, as deep as the statement is long
    parts = list(node.flatten(unnest=False))
    return predicate(" AND ".join(undisturbed(truth(ctx.value(p)) for p in parts)))


def disjunction(ctx: Context, node: exp.Expr) -> Value:
    parts = list(node.flatten(unnest=False))
    return predicate(" OR ".join(undisturbed(truth(ctx.value(p)) for p in parts)))


def undisturbed(parts: Iterable[str]) -> list[str]:
    """Conditions that are tested together.

    Which of them a row is tested for first is MySQL's choice and DuckDB's: one that
    MySQL warns of for a row may not be reached here.

    Raises:
        Forward: one of several has a trap in it.
    """
    found = list(parts)
    if len(found) > 1 and any(TRAP in part for part in found):
        raise Forward("a condition that may warn beside another one")
    return found


def exclusive(ctx: Context, node: exp.Expr) -> Value:
    left, right = truth(ctx.value(node.this)), truth(ctx.value(node.expression))
    return predicate(f"{left} <> {right}")


def negation(ctx: Context, node: exp.Expr) -> Value:
    return predicate(f"NOT {truth(ctx.value(node.this))}")


def is_test(ctx: Context, node: exp.Expr) -> Value:
    value, tested = ctx.value(node.this), node.expression
    if isinstance(tested, exp.Null):
        return predicate(f"{value.sql} IS NULL")
    if isinstance(tested, exp.Boolean):
        return predicate(f"{truth(value)} IS {'TRUE' if tested.this else 'FALSE'}")
    raise Forward("IS with anything but NULL, TRUE and FALSE")


Rule = Callable[[Context, exp.Expr], Value]
NODES: dict[type[exp.Expr], tuple[Rule, Sequence[str]]] = {
    exp.And: (conjunction, ("this", "expression")),
    exp.Or: (disjunction, ("this", "expression")),
    exp.Xor: (exclusive, ("this", "expression")),
    exp.Not: (negation, ("this",)),
    exp.Is: (is_test, ("this", "expression")),
}
