"""Which parts of an expression are aggregates, windows or subqueries."""

from sqlglot import exp

from heatproxy.sql import grammar
from heatproxy.sql.emitter import composed
from heatproxy.sql.emitter.aggregates import AGGREGATES


def has_aggregate(node: exp.Expr) -> bool:
    """Whether an aggregate function stands anywhere below, subqueries aside."""
    for child in node.walk(prune=lambda child: isinstance(child, exp.Query)):
        if _is_aggregate(child) and not (
            isinstance(child.parent, exp.Window) and child.arg_key == "this"
        ):
            return True
    return False


def has_window(node: exp.Expr) -> bool:
    """Whether a window function stands anywhere below, subqueries aside."""
    inside = node.walk(prune=lambda child: isinstance(child, exp.Query))
    return any(isinstance(child, exp.Window) for child in inside)


def _is_aggregate(node: exp.Expr) -> bool:
    if isinstance(node, exp.GroupConcat):
        return True
    name = grammar.function_name(node)
    if name is None:
        return False
    return name in AGGREGATES or name in composed.AGGREGATES or name == "GROUPING"


def composites(root: exp.Expr) -> set[int]:
    """The ids of the nodes that hold an aggregate, a window or a subquery."""
    found: set[int] = set()
    for node in root.walk(prune=lambda child: isinstance(child, exp.Query)):
        above: exp.Expr | None = node if _is_composite(node) else None
        while above is not None and id(above) not in found:
            found.add(id(above))
            above = None if above is root else above.parent
    return found


def _is_composite(node: exp.Expr) -> bool:
    return isinstance(node, exp.Query | exp.Window) or _is_aggregate(node)
