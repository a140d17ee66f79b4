"""The emitter: whole queries, WITH and views; the tables that a statement reads."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sqlglot import exp

from heatproxy.sql import grammar
from heatproxy.sql.collation import CollationWeights
from heatproxy.sql.emitter import constants, sets
from heatproxy.sql.emitter.recursion import Walk
from heatproxy.sql.emitter.relations import (
    Cte,
    Relation,
    Scope,
    Wanted,
    allowed,
    columns_of,
    only,
    renamed,
)
from heatproxy.sql.emitter.select import select
from heatproxy.sql.emitter.unread import Unread
from heatproxy.sql.emitter.values import (
    EngineTable,
    EngineView,
    Forward,
    SessionFacts,
)

Resolve = Callable[[str | None, str], EngineTable | EngineView | None]
DEEPEST_VIEWS = 8


@dataclass(slots=True)
class Emitter:
    """Writes queries; remembers the tables it met."""

    schema: str | None
    resolve: Resolve
    weights: CollationWeights
    session: SessionFacts
    tables: dict[str, EngineTable] = field(default_factory=dict)
    unread: Unread = field(init=False)
    views: list[exp.Expr] = field(default_factory=list)  # whose queries it met
    _names: int = 0
    _views: int = 0

    def __post_init__(self) -> None:
        self.unread = Unread(
            merges="derived_merge=off" not in self.session.switches,
            sorts_early="hypergraph_optimizer=on" in self.session.switches,
        )

    def query(self, node: exp.Expr, scope: Scope, wanted: Wanted) -> Relation:
        """A SELECT, a set operation, or either in parentheses.

        At the top TIME leaves as an INTERVAL; within it is BIGINT microseconds.

        Raises:
            Forward: a part of it has no rule.
        """
        match node:
            case exp.Select():
                scope, withs = self.with_items(node.args.get("with_"), scope)
                relation = select(self, self.weights, node, scope, wanted)
            case exp.SetOperation():
                scope, withs = self.with_items(node.args.get("with_"), scope)
                relation = sets.combined(self, self.weights, node, scope, wanted)
            case exp.Subquery():
                only(node, "this", "with_", "order", "limit", "offset")
                scope, withs = self.with_items(node.args.get("with_"), scope)
                if any(node.args.get(c) for c in ("order", "limit", "offset")):
                    relation = sets.arranged(self, self.weights, node, scope, wanted)
                else:
                    relation = self.query(node.this, scope, wanted)
            case _:
                raise Forward(f"{type(node).__name__} has no rule")
        return replace(relation, sql=f"{withs}{relation.sql}")

    def table(self, schema: str | None, name: str) -> EngineTable | EngineView:
        found = self.resolve(schema or self.schema, name)
        if found is None:
            raise Forward(f"the table {name}, which is not loaded")
        if isinstance(found, EngineTable):
            self.tables[found.engine_name] = found
        return found

    def view(self, view: EngineView) -> Relation:
        """The query of a view, which sees nothing of the statement around it."""
        collation = self.session.collation_connection
        if view.collation != collation:
            raise Forward(f"a view made under the collation {view.collation}")
        if self._views == DEEPEST_VIEWS:
            raise Forward("views nested too deep")
        tree = grammar.parse(view.text, "", collation)
        constants.require(tree, self.session)
        self.views.append(tree)
        self._views += 1
        try:
            return self.query(tree, Scope(), Wanted(ordered=True))
        finally:
            self._views -= 1

    def name(self, letter: str) -> str:
        self._names += 1
        return f"{letter}{self._names}"

    def with_items(self, clause: exp.Expr | None, scope: Scope) -> tuple[Scope, str]:
        """The scope with the WITH items in it, and their clause, a blank behind."""
        if clause is None:
            return scope, ""
        only(clause, "expressions", "recursive")
        allowed(self.session.policy, "WITH")
        ctes, written, word = dict(scope.ctes), [], "WITH"
        for cte in clause.expressions:
            only(cte, "this", "alias")
            name = cte.alias.lower()
            alias = self.name("w")
            names = columns_of(cte.args.get("alias"))
            if clause.args.get("recursive") and _names_itself(cte.this, name):
                word = "WITH RECURSIVE"
                walk = Walk(self, ctes, name, alias, names)
                sql, ctes[name] = walk.written(cte.this)
                written.append(f"{alias} AS MATERIALIZED ({sql})")
                continue
            relation = self.query(cte.this, Scope(ctes), Wanted())
            written.append(f"{alias} AS ({relation.sql})")
            columns = renamed(relation.columns, names)
            marks = self.unread.marks(relation)
            ctes = {**ctes, name: Cte(alias, columns, marks=marks)}
        return Scope(ctes, scope.outer), f"{word} {', '.join(written)} "


def _names_itself(node: exp.Expr, name: str) -> bool:
    return any(
        table.name.lower() == name and not table.args.get("db")
        for table in node.find_all(exp.Table)
    )
