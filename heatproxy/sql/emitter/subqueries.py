"""Subqueries in expressions: values, IN, EXISTS, ANY and ALL.

A scalar subquery of more than one row fails in the engine as in MySQL. EXISTS reads
no select list. What AVG gives inside IN or ANY is rounded or not as MySQL plans the
statement: such a subquery is MySQL's.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from heatproxy.sql import grammar
from heatproxy.sql.emitter.compare import OPERATORS, compare, sides
from heatproxy.sql.emitter.logic import predicate
from heatproxy.sql.emitter.relations import (
    Relation,
    Scope,
    Wanted,
    allowed,
    at_place,
    elsewhere,
    only,
)
from heatproxy.sql.emitter.values import Forward, Value, plain

if TYPE_CHECKING:
    from heatproxy.sql.emitter.block import Block

Rule = Callable[["Block", exp.Expr], Value]
_RAW = Wanted(raw=True)


def subquery_rule(node: exp.Expr) -> Rule | None:
    """The rule for a node with a subquery or a row in it, None for any other."""
    match node:
        case exp.Subquery():
            return scalar
        case exp.Exists():
            return exists
        case exp.In():
            return None if node.args.get("query") is None else in_query
        case exp.EQ() | exp.NEQ() | exp.LT() | exp.LTE() | exp.GT() | exp.GTE():
            if isinstance(node.expression, exp.Any | exp.All):
                return _quantified
    return None


def scalar(block: "Block", node: exp.Expr) -> Value:
    """``(SELECT ...)`` as a value."""
    allowed(block.session.policy, "SUBQUERY")
    relation = _query(block, node, Wanted(raw=True, bare=True))
    if len(relation.columns) != 1:
        raise Forward("a subquery of several columns as a value")
    value = elsewhere(relation.columns[0][1], f"({relation.sql})")
    return replace(value, nullable=True)


def exists(block: "Block", node: exp.Expr) -> Value:
    only(node, "this")
    allowed(block.session.policy, "EXISTS")
    before = block.reads, block.outer_reads
    sql = _query(block, node.this, Wanted(exists=True, bare=True)).sql
    if before == (block.reads, block.outer_reads):
        # DuckDB's own LIMIT 1 may be lost, see ordering.limited
        sql = f"SELECT 1 FROM ({sql}) AS {block.queries.name('s')} LIMIT 1 OFFSET 0"
    block.queries.unread.require_quiet(sql)
    return replace(predicate(f"EXISTS ({sql})"), nullable=False)


def in_query(block: "Block", node: exp.Expr, null_is_false: bool = False) -> Value:
    """``x IN (SELECT ...)``; ``null_is_false``: where a condition stands."""
    only(node, "this", "query")
    allowed(block.session.policy, "IN_SUBQUERY")
    if _is_row(node.this):
        return _row_in_query(block, node, null_is_false)
    left = plain(block.value(node.this))
    relation, alias = _query(block, node.args["query"], _RAW), block.queries.name("s")
    right = _column(relation, alias)
    if left.kind == "null":
        one, other = left.sql, right.sql  # NULL, or false of no rows
    else:
        one, other = sides(block, "=", left, right)
    rows = f"(SELECT {other} FROM ({relation.sql}) AS {alias})"
    block.queries.unread.require_quiet(f"{one} {rows}")
    return predicate(f"{one} IN {rows}")


def _quantified(block: "Block", node: exp.Expr) -> Value:
    only(node, "this", "expression")
    word = "ANY" if isinstance(node.expression, exp.Any) else "ALL"
    allowed(block.session.policy, word)
    only(node.expression, "this")
    left, operator = plain(block.value(node.this)), OPERATORS[type(node)]
    relation, alias = _query(block, node.expression.this, _RAW), block.queries.name("s")
    one, other = sides(block, operator, left, _column(relation, alias))
    rows = f"(SELECT {other} FROM ({relation.sql}) AS {alias})"
    block.queries.unread.require_quiet(f"{one} {rows}")
    return predicate(f"{one} {operator} {word} {rows}")


def _row_in_query(block: "Block", node: exp.Expr, null_is_false: bool) -> Value:
    lefts = [plain(block.value(part)) for part in _parts(node.this)]
    relation, alias = _query(block, node.args["query"], _RAW), block.queries.name("s")
    if len(lefts) != len(relation.columns):
        raise Forward("rows of several lengths")
    rights = [
        _checked(at_place(value, alias, place))
        for place, (_, value) in enumerate(relation.columns, 1)
    ]
    if not null_is_false and any(map(_may_be_null, (*lefts, *rights))):
        raise Forward("rows with NULL compared")
    tests = " AND ".join(
        compare(block, "=", left, right)
        for left, right in zip(lefts, rights, strict=True)
    )
    rows = f"(SELECT 1 FROM ({relation.sql}) AS {alias} WHERE {tests})"
    block.queries.unread.require_quiet(rows)
    return predicate(f"EXISTS {rows}")


def _query(block: "Block", node: exp.Expr, wanted: Wanted) -> Relation:
    query = node
    while isinstance(query, exp.Subquery) and not any(
        argument for name, argument in query.args.items() if name != "this"
    ):
        query = query.this
    if not isinstance(query, exp.Query):
        raise Forward(f"{type(query).__name__} as a subquery")
    return block.queries.query(query, Scope(block.scope.ctes, block), wanted)


def _column(relation: Relation, alias: str) -> Value:
    if len(relation.columns) != 1:
        raise Forward("a subquery of several columns as a value")
    return _checked(at_place(relation.columns[0][1], alias, 1))


def _checked(value: Value) -> Value:
    if value.hidden is not None:
        raise Forward("AVG in a subquery of IN, ANY or ALL")
    return plain(value)


def _may_be_null(value: Value) -> bool:
    return value.nullable and (value.literal is None or value.literal == "NULL")


def _is_row(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Tuple) or (
        node is not None and grammar.function_name(node) == "ROW"
    )


def _parts(node: exp.Expr) -> Sequence[exp.Expr]:
    if isinstance(node, exp.Tuple):
        only(node, "expressions")
    parts: Sequence[exp.Expr] = node.expressions
    if any(_is_row(part) for part in parts):
        raise Forward("rows within rows")
    return parts
