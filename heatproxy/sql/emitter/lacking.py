"""Rows that an outer join adds, which MySQL loses behind some functions.

FIELD, ELT, INTERVAL(), QUOTE and IN over rows give something for NULL, but MySQL's
optimizer takes them for NULL there: it makes an outer join an inner one where a
condition with one of them reads the side that may have no row. So does a condition on
a column of an inner query that is made of one. The answers are wrong, and are MySQL's.

Source: measured on MySQL 9.7 (``b LEFT JOIN a ... WHERE FIELD(a.s, 'x') = 0``).
"""

from collections.abc import Iterable

from sqlglot import exp

from heatproxy.sql import grammar
from heatproxy.sql.emitter.values import Forward

_FUNCTIONS = frozenset(("FIELD", "ELT", "QUOTE"))
_SHOWN = frozenset(("expressions", "group", "having", "order", "windows"))


def require_kept(statement: exp.Expr, views: Iterable[exp.Expr]) -> None:
    """Raise Forward if MySQL may lose a row.

    ``views`` are the queries of those that the statement reads, at any depth.
    """
    inner = list(views)
    trees = [statement, *inner]
    if not any(_adds_rows(join) for tree in trees for join in tree.find_all(exp.Join)):
        return
    blind = [node for node in statement.walk() if _is_blind(node)]
    if any(not _is_only_shown(node, statement) for node in blind) or any(
        _is_blind(node) for tree in inner for node in tree.walk()
    ):
        raise Forward("a function of NULL beside an outer join")


def _adds_rows(join: exp.Join) -> bool:
    return bool(join.side)


def _is_blind(node: exp.Expr) -> bool:
    match node:
        case exp.In():
            return isinstance(node.this, exp.Tuple)
        case exp.Interval():
            return isinstance(node.this, exp.Tuple)
    return grammar.function_name(node) in _FUNCTIONS


def _is_only_shown(node: exp.Expr, statement: exp.Expr) -> bool:
    """Whether it stands in the outermost SELECT, and in no condition on its rows."""
    below: exp.Expr = node
    above = node.parent
    while above is not None and not isinstance(above, exp.Query):
        below, above = above, above.parent
    return above is statement and below.arg_key in _SHOWN
