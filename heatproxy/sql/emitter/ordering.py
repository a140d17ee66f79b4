"""ORDER BY and LIMIT, and whether the order of the rows is fixed by them.

Rows are sorted by what MySQL would show of each expression, an AVG rounded.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from heatproxy.sql.emitter.block import Block
from heatproxy.sql.emitter.compare import equal_keys, order_key
from heatproxy.sql.emitter.grouping import is_constant
from heatproxy.sql.emitter.relations import Source, only, quoted
from heatproxy.sql.emitter.values import (
    Context,
    Forward,
    Value,
    decimal,
    plain,
)

_COLUMN = re.compile(r't\d+\."[^"]+"')


@dataclass(frozen=True, slots=True)
class Order:
    """ORDER BY: its clause, and the SQL of the expressions that it sorts by."""

    sql: str = ""
    by: frozenset[str] = frozenset()


def order_by(
    block: Block,
    clause: exp.Expr | None,
    meaning: Callable[[exp.Expr], Value],
    rows: str | None = None,
    is_several: bool = False,
) -> Order:
    """The ORDER BY clause; ``meaning`` gives the Value of one item.

    ``rows``: the FROM and WHERE, None where what is shown is sorted. ``is_several``:
    MySQL may sort some tables of them before it reads the others.
    """
    if clause is None:
        return Order()
    only(clause, "expressions")
    keys, by = [], set()
    for item in clause.expressions:
        # nulls_first is sqlglot's note of what MySQL does anyway
        only(item, "this", "desc", "nulls_first")
        value = sortable(meaning(item.this))
        if is_constant(value):
            continue  # DuckDB would take a number for a place
        if value.kind == "json" and rows is not None:
            _require_shown(value, rows)
        if is_several and block.queries.unread.warns(value.sql):
            raise Forward("sorting by what may warn, of several tables")
        way = "DESC NULLS LAST" if item.args.get("desc") else "ASC NULLS FIRST"
        keys.append(f"{order_key(block, value)} {way}")
        by.add(value.sql)
    return Order(f"ORDER BY {', '.join(keys)}" if keys else "", frozenset(by))


def _require_shown(value: Value, rows: str) -> None:
    """Refuse JSON of rows that MySQL may sort, and warn of, and leave out afterwards.

    Documents that are put together it warns of whenever it sorts two.
    """
    place = None if value.text is None else value.text.place
    document = value.sql if place is None else place[0]
    alone = " JOIN " not in rows and "(SELECT " not in rows
    if not (alone and _COLUMN.fullmatch(document)):
        raise Forward("sorting by JSON that is not a column of the only table")


def sortable(value: Value) -> Value:
    value = plain(value)
    if value.hidden is None:
        return value
    return decimal(value.sql, value.precision, value.scale)


def meant(block: Block, node: exp.Expr, outputs: Sequence[Value]) -> Value:
    """What an ORDER BY item means: a place, an alias, else an expression."""
    if isinstance(node, exp.Literal) and not node.args.get("is_string"):
        return at(node, outputs)
    if isinstance(node, exp.Column) and not node.table:
        item = block.aliases.get(node.name.lower())
        if item is not None:  # an alias goes before a column, here alone
            with block.without_aliases():
                return block.value(item)
    return block.value(node)


def at(node: exp.Expr, outputs: Sequence[Value]) -> Value:
    """The output column that a number in ORDER BY means."""
    place = str(node.this)
    if not place.isdigit() or not 1 <= int(place) <= len(outputs):
        raise Forward("ORDER BY a number that is no column's place")
    return outputs[int(place) - 1]


def limited(node: exp.Expr, most: int | None = None) -> str:
    """The LIMIT and OFFSET clauses; ``most`` is the LIMIT where none is written.

    An OFFSET is always written: without one DuckDB 2.0 drops the LIMIT of an outer
    join whose inner side it knows to be empty.
    """
    limit = _number(node, "limit")
    offset = _number(node, "offset") or 0
    if offset >= 2**63:
        raise Forward("an OFFSET beyond 63 bits")
    if limit is None:
        limit = most
    if limit is None and not offset:
        return ""
    words = f"OFFSET {offset}"
    return words if limit is None or limit >= 2**63 else f"LIMIT {limit} {words}"


def _number(node: exp.Expr, word: str) -> int | None:
    clause = node.args.get(word)
    if clause is None:
        return None
    only(clause, "expression")
    text = clause.expression.name
    if not isinstance(clause.expression, exp.Literal) or not text.isdigit():
        raise Forward("LIMIT with anything but an integer literal")
    return int(text)


def require_fixed(
    ctx: Context, order: Order, outputs: Iterable[Value], unique: Iterable[set[str]]
) -> None:
    """Refuse, at exactness strict, an order of rows that ORDER BY leaves open.

    ``unique`` are sets of expressions that no two rows share.
    """
    if ctx.session.policy.exactness != "strict":
        return
    if any(found <= order.by for found in unique):
        return
    whole = all(
        is_constant(v) or (v.sql in order.by and _shows_itself(ctx, v)) for v in outputs
    )
    if not whole:
        raise Forward("rows in an order that ORDER BY does not fix")


def unique_in(sources: Sequence[Source]) -> list[set[str]]:
    """The sets of columns that no two rows of these tables' product share."""
    found: list[set[str]] = [set()]
    for source in sources:
        if not source.unique:
            return []
        keys = [{f"{source.alias}.{quoted(c)}" for c in key} for key in source.unique]
        found = [one | key for one in found for key in keys][:16]
    return found


def _shows_itself(ctx: Context, value: Value) -> bool:
    return equal_keys(ctx, [value]) == [value.sql]
