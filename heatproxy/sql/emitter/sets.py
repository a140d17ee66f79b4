"""UNION, INTERSECT and EXCEPT, and ORDER BY and LIMIT around a query.

MySQL stores the rows in a temporary table of the columns' common types. Rows with
strings in them are the same where their keys are; one of the texts is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from heatproxy.sql.collation import CollationWeights
from heatproxy.sql.emitter.block import Block
from heatproxy.sql.emitter.clauses import group_items
from heatproxy.sql.emitter.compare import equal_keys
from heatproxy.sql.emitter.functions import unify
from heatproxy.sql.emitter.grouping import require_groupable
from heatproxy.sql.emitter.ordering import at, limited, order_by, require_fixed
from heatproxy.sql.emitter.relations import (
    Queries,
    Relation,
    Scope,
    Source,
    Wanted,
    allowed,
    at_place,
    bound,
    listed,
    only,
)
from heatproxy.sql.emitter.values import Forward, Value, keyed

_STORED = Wanted(stored=True)
_ARGUMENTS = ("with_", "order", "limit", "offset")


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of both operands in their common type."""

    value: Value
    sides: tuple[str, str]
    keys: tuple[str, str] | None  # MySQL's weights, for whoever reads the column
    equal: tuple[str, str] | None  # what tells rows apart, None: the column itself


def combined(
    queries: Queries,
    weights: CollationWeights,
    node: exp.SetOperation,
    scope: Scope,
    wanted: Wanted,
) -> Relation:
    """A set operation, with its ORDER BY and LIMIT, without its WITH."""
    only(node, "this", "expression", "distinct", *_ARGUMENTS)
    word = type(node).__name__.upper()
    allowed(queries.session.policy, word)
    block = Block(weights, queries.session, queries, Scope(scope.ctes, scope.outer))
    operands = [
        queries.query(operand, scope, _STORED)
        for operand in (node.this, node.expression)
    ]
    left, right = operands
    if word != "UNION" and any(queries.unread.may_warn(o.sql) for o in operands):
        # the engine may leave out one side if the other is empty
        raise Forward(f"{word} of rows that MySQL may warn of")
    if len(left.columns) != len(right.columns):
        raise Forward("a set operation on different numbers of columns")
    distinct = bool(node.args.get("distinct"))
    if word != "UNION" and _loses_nulls(node, left, right):
        raise Forward(f"{word} of a set operation whose columns may be NULL")
    if word != "UNION" and any(map(_is_shaky, (node.this, node.expression))):
        raise Forward(f"{word} of a SELECT with LIMIT or ROLLUP")
    if distinct or word != "UNION":
        for operand in operands:
            require_groupable([value for _, value in operand.columns])
    columns = [
        _column(block, one, other, place, distinct or word != "UNION")
        for place, ((_, one), (_, other)) in enumerate(
            zip(left.columns, right.columns, strict=True), 1
        )
    ]
    both = _operands(columns, operands)
    if (distinct or word != "UNION") and any(column.equal for column in columns):
        if queries.session.policy.exactness == "strict":
            raise Forward(f"{word} of strings that differ only in letter case")
        sql = _by_keys(word, distinct, columns, both)
    else:
        every = "" if distinct else " ALL"
        sql = f"({both[0]}) {word}{every} ({both[1]})"
    names = [name for name, _ in left.columns]
    relation = Relation(sql, tuple(zip(names, [c.value for c in columns], strict=True)))
    return _arranged(block, relation, node, wanted)


def arranged(
    queries: Queries,
    weights: CollationWeights,
    node: exp.Subquery,
    scope: Scope,
    wanted: Wanted,
) -> Relation:
    """A query in parentheses with an ORDER BY or LIMIT behind them."""
    block = Block(weights, queries.session, queries, Scope(scope.ctes, scope.outer))
    inner = replace(_STORED, ordered=node.args.get("order") is None)
    return _arranged(block, queries.query(node.this, scope, inner), node, wanted)


def _is_shaky(operand: exp.Expr) -> bool:
    """Whether MySQL 9.7 has been seen to give wrong rows for such an operand."""
    query = operand.unnest() if isinstance(operand, exp.Subquery) else operand
    parts = (operand, query)
    if any(part.args.get(clause) for part in parts for clause in ("limit", "offset")):
        return True
    return group_items(query.args.get("group"))[1]


def _loses_nulls(node: exp.SetOperation, left: Relation, right: Relation) -> bool:
    """Whether MySQL 9.7 may take NULLs for other values, such as 0.

    It does where an operand is a set operation that it stores by itself, and a column
    of the result can't be NULL: NULLs of the operand become values there, and so meet
    rows that they are not equal to. It stores no INTERSECT within an INTERSECT. An
    EXCEPT's columns can be NULL where those of its left operand can.
    """
    operands = [(node.expression, right)]
    if isinstance(node, exp.Intersect):
        operands.append((node.this, left))
    for operand, relation in operands:
        query = operand.unnest() if isinstance(operand, exp.Subquery) else operand
        is_stored = isinstance(query, exp.SetOperation) and not (
            isinstance(node, exp.Intersect)
            and isinstance(query, exp.Intersect)
            and node.args.get("distinct")
            and query.args.get("distinct")
        )
        if is_stored and any(value.nullable for _, value in relation.columns):
            return True
    return False


def leaving(value: Value) -> Value:
    """A column of the statement's result: TIME leaves as an INTERVAL."""
    if value.kind != "time":
        return value
    return replace(value, sql=f"to_microseconds({value.sql})")


def _column(
    block: Block, left: Value, right: Value, place: int, told_apart: bool
) -> _Column:
    one, other = at_place(left, "l", place), at_place(right, "r", place)
    common, sides = unify([one, other])
    keys = None
    if one.key and other.key and one.collation == other.collation:
        keys = (one.key, other.key)
    equal = None
    if told_apart and common.kind == "string":
        strings = [v for v in (one, other) if v.kind == "string"]
        found = equal_keys(block, [one, other])
        if len(strings) < 2:
            found = [one.sql, other.sql]  # NULLs only
        if found != [one.sql, other.sql]:
            equal = (found[0], found[1])
    elif told_apart:
        equal_keys(block, [replace(common, sql="c", mixed=False, hidden=None)])
    value = replace(
        common,
        sql=f"c{place}",
        mixed=False,
        hidden=None,
        literal=None,
        nullable=left.nullable or right.nullable,
    )
    if keys is not None:
        value = keyed(value, f"k{place}")
    return _Column(value, (sides[0], sides[1]), keys, equal)


def _operands(columns: Sequence[_Column], operands: Sequence[Relation]) -> list[str]:
    """Each operand's SELECT of the columns in their common types."""
    written = []
    for side, alias in enumerate("lr"):
        items = []
        for place, column in enumerate(columns, 1):
            items.append(f"{column.sides[side]} AS c{place}")
            if column.keys is not None:
                items.append(f"{column.keys[side]} AS k{place}")
            if column.equal is not None:
                items.append(f"{column.equal[side]} AS e{place}")
        written.append(
            f"SELECT {', '.join(items)} FROM ({operands[side].sql}) AS {alias}"
        )
    return written


def _by_keys(
    word: str, distinct: bool, columns: Sequence[_Column], both: Sequence[str]
) -> str:
    """A set operation in which keys, not texts, say which rows are the same."""
    sides = " UNION ALL ".join(
        f"(SELECT {side} AS side, * FROM ({operand}) AS o{side})"
        for side, operand in enumerate(both, 1)
    )
    same = ", ".join(
        f"{'c' if column.equal is None else 'e'}{place}"
        for place, column in enumerate(columns, 1)
    )
    if not distinct:
        if word == "UNION":
            raise AssertionError(word)  # nothing to tell apart
        kept = "n > others" if word == "EXCEPT" else "n <= others"
        numbered = (
            "SELECT *, row_number() OVER (PARTITION BY side, "
            f"{same}) AS n, count(*) FILTER (WHERE side = 2) OVER (PARTITION BY {same})"
            f" AS others FROM ({sides}) AS b"
        )
        return (
            f"SELECT {_shown(columns, '{}')} FROM ({numbered}) AS b"
            f" WHERE side = 1 AND {kept}"
        )
    having = {
        "UNION": "",
        "INTERSECT": " HAVING bool_or(side = 1) AND bool_or(side = 2)",
        "EXCEPT": " HAVING NOT bool_or(side = 2)",
    }[word]
    first = "first({})" if word == "UNION" else "first({}) FILTER (WHERE side = 1)"
    shown = _shown(columns, first)
    return f"SELECT {shown} FROM ({sides}) AS b GROUP BY {same}{having}"


def _shown(columns: Sequence[_Column], form: str) -> str:
    items = []
    for place, column in enumerate(columns, 1):
        items.append(f"{form.format(f'c{place}')} AS c{place}")
        if column.keys is not None:
            items.append(f"{form.format(f'k{place}')} AS k{place}")
    return ", ".join(items)


def _arranged(
    block: Block, relation: Relation, node: exp.Expr, wanted: Wanted
) -> Relation:
    """The query with ORDER BY, whose names are its columns', and LIMIT."""
    most = block.session.sql_select_limit if wanted.top else None
    limit = limited(node, most)
    unread = block.queries.unread
    if limit and unread.may_warn(relation.sql):
        # DuckDB tests no more rows than the first ones need
        raise Forward("LIMIT of rows that MySQL may warn of")
    is_sorted = node.args.get("order") is not None and unread.warns(relation.sql)
    if is_sorted and unread.marks(relation).is_several:
        # MySQL sorts what is in parentheses as if they were not there
        raise Forward("sorting by what may warn, of several tables")
    seen = wanted.top or wanted.ordered or limit
    alias = block.queries.name("u")
    columns = bound(relation.columns, alias)
    source = Source("", None, alias, columns)
    block.see((source,), tuple((name, source) for name, _ in columns))
    outputs = [value for _, value in columns]

    def meaning(item: exp.Expr) -> Value:
        if isinstance(item, exp.Literal) and not item.args.get("is_string"):
            return at(item, outputs)
        return block.value(item)

    order = order_by(block, node.args.get("order") if seen else None, meaning)
    if wanted.top or limit:
        require_fixed(block, order, outputs, [])
    kept = listed(outputs, not (wanted.top or wanted.bare))
    if wanted.top:
        kept = listed([leaving(value) for value in outputs], False)
    sql = f"SELECT {kept} FROM ({relation.sql}) AS {alias} {order.sql} {limit}"
    names = [name for name, _ in relation.columns]
    return Relation(sql.strip(), tuple(zip(names, outputs, strict=True)))
