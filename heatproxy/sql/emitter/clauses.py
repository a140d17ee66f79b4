"""What single clauses mean: join words, column lists, GROUP BY items."""

from dataclasses import dataclass, replace

from sqlglot import exp

from heatproxy.sql.emitter.block import Block, has_aggregate, only
from heatproxy.sql.emitter.values import Forward, Value

Columns = tuple[tuple[str | None, Value], ...]
Item = tuple[str | None, exp.Expr]  # of a select list: its name, its expression


@dataclass(frozen=True, slots=True)
class Relation:
    """A SELECT: its SQL, and its columns, which the SQL calls c1, c2, ..."""

    sql: str
    columns: Columns


@dataclass(frozen=True, slots=True)
class Cte:
    """A WITH item: the emitter's name for it, and its columns."""

    name: str
    columns: Columns


def quoted(name: str) -> str:
    """A DuckDB identifier."""
    return '"' + name.replace('"', '""') + '"'


def join_word(join: exp.Join) -> str:
    side, kind = join.side.upper(), join.kind.upper()
    if side in ("LEFT", "RIGHT") and kind in ("", "OUTER"):
        return f"{side} JOIN"
    if not side and kind in ("INNER", "CROSS"):
        return f"{kind} JOIN"
    if not side and not kind:
        return "," if not join.args.get("on") and not join.args.get("using") else "JOIN"
    raise Forward(f"{side} {kind} JOIN".strip())


def renamed(columns: Columns, alias: exp.Expr | None) -> Columns:
    """The columns under the names of ``AS x (a, b)``."""
    if alias is None:
        return columns
    only(alias, "this", "columns")
    names = [name.name for name in alias.args.get("columns") or ()]
    if not names:
        return columns
    if len(names) != len(columns):
        raise Forward("a column list of another length")
    return tuple((name, v) for name, (_, v) in zip(names, columns, strict=True))


def bound(columns: Columns, alias: str) -> tuple[tuple[str, Value | Forward], ...]:
    """The columns as an outer SELECT sees them; without a name they can't be read."""
    return tuple(
        (name or "", replace(value, sql=f"{alias}.c{place}", literal=None))
        for place, (name, value) in enumerate(columns, 1)
    )


def is_aggregated(node: exp.Select) -> bool:
    clauses = [*node.expressions, node.args.get("having"), node.args.get("order")]
    return node.args.get("group") is not None or any(
        has_aggregate(clause) for clause in clauses if clause is not None
    )


def grouped_by(
    node: exp.Expr,
    block: Block,
    items: list[Item],
) -> exp.Expr:
    """What a GROUP BY item means: a place, a column, else a select alias."""
    if isinstance(node, exp.Literal):
        place = str(node.this)
        if node.args.get("is_string") or not place.isdigit():
            raise Forward("GROUP BY a constant")
        if not 1 <= int(place) <= len(items):
            raise Forward("GROUP BY a number that is no column's place")
        return items[int(place) - 1][1]
    if not isinstance(node, exp.Column) or node.table:
        return node
    name = node.name.lower()
    named = [item for alias, item in items if alias and alias.lower() == name]
    if any(source.find(name) is not None for source in block.sources):
        if any(not is_column(item, name) for item in named):
            raise Forward(f"the ambiguous name {node.name}")
        return node
    if len(named) != 1:
        raise Forward(f"a name that is unknown or ambiguous here: {node.name}")
    return named[0]


def is_column(node: exp.Expr, name: str) -> bool:
    return isinstance(node, exp.Column) and node.name.lower() == name
