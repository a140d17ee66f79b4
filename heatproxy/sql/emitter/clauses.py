"""What single clauses of a SELECT mean: its items, what it groups by."""

from sqlglot import exp

from heatproxy.sql.emitter.block import Block
from heatproxy.sql.emitter.parts import has_aggregate
from heatproxy.sql.emitter.relations import allowed, only
from heatproxy.sql.emitter.values import Forward, Policy

Item = tuple[str | None, exp.Expr]  # of a select list: its name, its expression


def is_aggregated(node: exp.Select) -> bool:
    """Whether the SELECT gives groups, or the one group of all rows."""
    clauses = [*node.expressions, node.args.get("having"), node.args.get("order")]
    return node.args.get("group") is not None or any(
        has_aggregate(clause) for clause in clauses if clause is not None
    )


def aliased(node: exp.Select) -> dict[str, exp.Expr]:
    """The select list's expressions that have an alias, by it in lower case."""
    return {
        item.alias.lower(): item.this
        for item in node.expressions
        if isinstance(item, exp.Alias)
    }


def group_items(clause: exp.Expr | None) -> tuple[list[exp.Expr], bool]:
    """The GROUP BY expressions, and whether WITH ROLLUP or ROLLUP() stands there."""
    if clause is None:
        return [], False
    only(clause, "expressions", "rollup")
    items: list[exp.Expr] = clause.expressions
    rollups = clause.args.get("rollup") or []
    if len(items) == 1 and isinstance(items[0], exp.Rollup) and not rollups:
        only(items[0], "expressions")
        return items[0].expressions, True
    if any(isinstance(item, exp.Rollup | exp.Cube) for item in items):
        raise Forward("ROLLUP or CUBE beside other expressions")
    for rollup in rollups:
        only(rollup)
    return items, bool(rollups)


def grouped_by(node: exp.Expr, block: Block, items: list[Item]) -> exp.Expr:
    """What a GROUP BY item means: a place, a column, else a select alias."""
    if has_aggregate(node) or node.find(exp.Query) is not None:
        raise Forward("GROUP BY an aggregate or a subquery")
    if isinstance(node, exp.Literal) and not node.args.get("is_string"):
        place = str(node.this)
        if not place.isdigit() or not 1 <= int(place) <= len(items):
            raise Forward("GROUP BY a number that is no column's place")
        return items[int(place) - 1][1]
    if not isinstance(node, exp.Column) or node.table:
        return node
    name = node.name.lower()
    named = [item for alias, item in items if alias and alias.lower() == name]
    if block.sources_of(name):
        if any(not is_column(item, name) for item in named):
            raise Forward(f"the ambiguous name {node.name}")
        return node
    if not named:
        return node  # an outer query's column
    if len(named) != 1:
        raise Forward(f"a name that is unknown or ambiguous here: {node.name}")
    return named[0]


def is_column(node: exp.Expr, name: str) -> bool:
    return isinstance(node, exp.Column) and node.name.lower() == name


def require_allowed(policy: Policy, node: exp.Select) -> None:
    """Raise Forward if a SELECT has a clause that a setting has switched off."""
    for clause in ("where", "group", "having", "order", "limit", "distinct"):
        if node.args.get(clause) is not None:
            allowed(policy, clause.upper())
    if node.args.get("joins"):
        allowed(policy, "JOIN")
