"""FROM: tables, derived tables, views and joins, and the names that they bring.

A join's ON sees the two sides of that join only; JOIN binds tighter than a comma.
USING and NATURAL make two columns of one name one: the left one's, or the right
one's in a RIGHT JOIN.
"""

from dataclasses import dataclass

from sqlglot import exp

from heatproxy.sql.emitter.block import Block, Visible
from heatproxy.sql.emitter.columns import of_column
from heatproxy.sql.emitter.compare import compare
from heatproxy.sql.emitter.relations import (
    Queries,
    Relation,
    Scope,
    Source,
    Wanted,
    allowed,
    bound,
    columns_of,
    only,
    quoted,
    renamed,
)
from heatproxy.sql.emitter.values import (
    EngineTable,
    EngineView,
    Forward,
    Value,
)


@dataclass(frozen=True, slots=True)
class Tree:
    """A table or a join: its SQL, its tables, and its columns as * lists them."""

    sql: str
    sources: tuple[Source, ...]
    visible: Visible
    joined: bool = False


def read(block: Block, queries: Queries, node: exp.Select, ordered: bool) -> str:
    """The SQL of FROM, empty without one; the block learns its names.

    ``ordered``: the rows of a sole derived table are seen in that one's order.
    """
    clause, joins = node.args.get("from_"), node.args.get("joins") or []
    if clause is None:
        return ""
    only(clause, "this")
    if _is_dual(clause.this) and not joins:
        return ""
    builder = _Builder(block, queries, ordered and not joins)
    tree = builder.joined(clause.this, joins)
    block.see(tree.sources, tree.visible)
    return f"FROM {tree.sql}"


@dataclass(slots=True)
class _Builder:
    block: Block
    queries: Queries
    ordered: bool

    def joined(self, first: exp.Expr, joins: list[exp.Join]) -> Tree:
        """``first`` and what is joined to it, commas last."""
        trees, tree = [], self.item(first, None)
        for join in joins:
            only(join, "this", "side", "kind", "method", "on", "using")
            word = _word(join)
            if word == ",":
                trees.append(tree)
                tree = self.item(join.this, _beside(trees))
            else:
                if trees and isinstance(join.this, exp.Lateral):
                    raise Forward("LATERAL in a join beside a comma")
                tree = self._join(tree, join, word)
        return _beside([*trees, tree])

    def item(self, node: exp.Expr, before: Tree | None) -> Tree:
        """One item of FROM; ``before`` is what LATERAL may name."""
        if node.args.get("joins"):
            joins = node.args["joins"]
            return self.joined(_alone(node), joins)
        match node:
            case exp.Lateral():
                return self._lateral(node, before)
            case exp.Subquery() if not node.args.get("alias"):
                only(node, "this")  # parentheses around tables
                return self.item(node.this, before)
            case exp.Subquery():
                only(node, "this", "alias")
                return self._derived(node, node.this, "", self.block.scope.outer)
            case exp.Table():
                return self._named(node)
        raise Forward(f"{type(node).__name__} in FROM")

    def _join(self, left: Tree, join: exp.Join, word: str) -> Tree:
        right = self.item(join.this, left)
        natural = str(join.args.get("method") or "").upper()
        if natural not in ("", "NATURAL"):
            raise Forward(f"{natural} JOIN")
        names = _common(left, right) if natural else _names(join.args.get("using"))
        sources = (*left.sources, *right.sources)
        visible = (*left.visible, *right.visible)
        on = join.args.get("on")
        if names:
            if on is not None:
                raise Forward("a join with ON and USING")
            condition = self._equal(left, right, names)
            visible = _merged(left, right, names, word == "RIGHT JOIN")
        elif on is not None:
            with self.block.seeing(sources, visible):
                condition = self.block.condition(on)
        elif word in ("LEFT JOIN", "RIGHT JOIN") and not natural:
            raise Forward(f"{word} without ON")
        else:
            condition = "TRUE" if word in ("LEFT JOIN", "RIGHT JOIN") else ""
        if self.queries.unread.warns(condition):  # for which rows is up to the plan
            raise Forward("a join by what may warn")
        if word == "LEFT JOIN":
            sources, visible = _may_lack(right.sources, sources, visible)
        elif word == "RIGHT JOIN":
            sources, visible = _may_lack(left.sources, sources, visible)
        second = f"({right.sql})" if right.joined else right.sql
        if not condition:
            return Tree(f"{left.sql} CROSS JOIN {second}", sources, visible, True)
        return Tree(
            f"{left.sql} {word} {second} ON {condition}", sources, visible, True
        )

    def _equal(self, left: Tree, right: Tree, names: list[str]) -> str:
        tests = []
        for name in names:
            one, other = _column(left, name), _column(right, name)
            tests.append(compare(self.block, "=", one, other))
        return " AND ".join(tests)

    def _lateral(self, node: exp.Expr, before: Tree | None) -> Tree:
        only(node, "this", "alias")
        allowed(self.block.session.policy, "LATERAL")
        if not isinstance(node.this, exp.Subquery):
            raise Forward("LATERAL of anything but a subquery")
        only(node.this, "this")
        if before is None:
            return self._derived(node, node.this.this, "", self.block.scope.outer)
        with self.block.seeing(before.sources, before.visible):
            return self._derived(node, node.this.this, "LATERAL ", self.block)

    def _derived(
        self, node: exp.Expr, query: exp.Expr, word: str, outer: Block | None
    ) -> Tree:
        while isinstance(query, exp.Subquery) and not any(
            argument for name, argument in query.args.items() if name != "this"
        ):
            query = query.this
        if not isinstance(query, exp.Query):
            raise Forward(f"{type(query).__name__} in FROM")
        scope = Scope(self.block.scope.ctes, outer)
        relation = self.queries.query(query, scope, Wanted(ordered=self.ordered))
        if not node.alias:
            raise Forward("a derived table without a name")
        return self._of_relation(
            relation, columns_of(node.args.get("alias")), node.alias, None, word
        )

    def _named(self, node: exp.Table) -> Tree:
        # index hints change no result
        only(node, "this", "db", "alias", "hints")
        if not isinstance(node.this, exp.Identifier):
            raise Forward("a table function")
        if extra := node.args.get("alias"):
            only(extra, "this")
        schema = node.text("db") or None
        if schema is None:
            cte = self.block.scope.ctes.get(node.name.lower())
            if cte is not None:
                alias = self.queries.name("t")
                columns = bound(cte.columns, alias)
                if cte.marks is not None:
                    self.queries.unread.bind(cte.marks, alias)
                name = node.alias or node.name
                source = Source(name, None, alias, columns, cte.hidden)
                return _leaf(f"{cte.name} AS {alias}", source)
        found = self.queries.table(schema, node.name)
        visible_schema = None if node.alias else found.schema
        name = node.alias or node.name
        if isinstance(found, EngineView):
            relation = self.queries.view(found)
            names = list(found.columns)
            return self._of_relation(relation, names, name, visible_schema, "", True)
        return self._table(found, name, visible_schema)

    def _of_relation(
        self,
        relation: Relation,
        names: list[str],
        name: str,
        schema: str | None,
        word: str,
        is_view: bool = False,
    ) -> Tree:
        alias = self.queries.name("t")
        columns = bound(renamed(relation.columns, names), alias)
        unread = self.queries.unread
        unread.bind(unread.marks(relation, is_view), alias)
        source = Source(name, schema, alias, columns)
        return _leaf(f"{word}({relation.sql}) AS {alias}", source)

    def _table(self, table: EngineTable, name: str, schema: str | None) -> Tree:
        alias = self.queries.name("t")
        columns: list[tuple[str, Value | Forward]] = []
        for column, facts in table.columns.items():
            sql = f"{alias}.{quoted(column)}"
            try:
                columns.append((column, of_column(sql, facts, self.block.session)))
            except Forward as refusal:
                columns.append((column, refusal))  # until a statement reads it
        source = Source(
            name,
            schema,
            alias,
            tuple(columns),
            frozenset(c for c, facts in table.columns.items() if not facts.visible),
            table.unique,
        )
        return _leaf(f"{quoted(table.engine_name)} AS {alias}", source)


def _leaf(sql: str, source: Source) -> Tree:
    visible = tuple((column, source) for column, _ in source.columns)
    return Tree(sql, (source,), visible)


def _beside(trees: list[Tree]) -> Tree:
    """The trees with commas between them."""
    if len(trees) == 1:
        return trees[0]
    first, *others = trees
    rest = "".join(
        f" CROSS JOIN {f'({tree.sql})' if tree.joined else tree.sql}" for tree in others
    )
    return Tree(
        first.sql + rest,
        tuple(source for tree in trees for source in tree.sources),
        tuple(column for tree in trees for column in tree.visible),
        True,
    )


def _alone(node: exp.Expr) -> exp.Expr:
    """The item without the joins that hang on it, its children left in place."""
    alone = type(node)()
    alone.args = {name: arg for name, arg in node.args.items() if name != "joins"}
    return alone


def _word(join: exp.Join) -> str:
    side, kind = join.side.upper(), join.kind.upper()
    if side in ("LEFT", "RIGHT") and kind in ("", "OUTER"):
        return f"{side} JOIN"
    if not side and kind in ("INNER", "CROSS", "STRAIGHT_JOIN"):
        return "JOIN"
    if not side and not kind:
        bare = not any(join.args.get(name) for name in ("on", "using", "method"))
        return "," if bare else "JOIN"
    raise Forward(" ".join(filter(None, (side, kind, "JOIN"))))


def _is_dual(node: exp.Expr) -> bool:
    return (
        isinstance(node, exp.Table)
        and node.name.upper() == "DUAL"
        and not node.args.get("db")
        and not node.this.args.get("quoted")
    )


def _names(using: list[exp.Expr] | None) -> list[str]:
    return [name.name for name in using or ()]


def _common(left: Tree, right: Tree) -> list[str]:
    """The names that both sides have, as NATURAL joins by."""
    names = {name.lower() for name, source in right.visible if _is_shown(name, source)}
    shown = [name for name, source in left.visible if _is_shown(name, source)]
    return [name for name in shown if name.lower() in names]


def _is_shown(name: str, source: Source) -> bool:
    return name not in source.hidden


def _column(tree: Tree, name: str) -> Value:
    found = [s.find(name) for n, s in tree.visible if n.lower() == name.lower()]
    if len(found) != 1 or not isinstance(found[0], Value):
        raise Forward(f"a name that is unknown or ambiguous here: {name}")
    return found[0]


def _merged(left: Tree, right: Tree, names: list[str], swapped: bool) -> Visible:
    """The columns of a USING join: the common ones, the first's, the second's."""
    first, second = (right, left) if swapped else (left, right)
    common = {name.lower() for name in names}
    return (
        *(item for item in first.visible if item[0].lower() in common),
        *(item for item in first.visible if item[0].lower() not in common),
        *(item for item in second.visible if item[0].lower() not in common),
    )


def _may_lack(
    lacking: tuple[Source, ...], sources: tuple[Source, ...], visible: Visible
) -> tuple[tuple[Source, ...], Visible]:
    """The names of an outer join, whose ``lacking`` side may have no row."""
    nullable = {source.alias: source.nullable() for source in lacking}
    return (
        tuple(nullable.get(source.alias, source) for source in sources),
        tuple((name, nullable.get(s.alias, s)) for name, s in visible),
    )


def first_of(block: Block) -> str:
    """What takes one row's value of a group: of the first row, if rows have places."""
    if len(block.sources) == 1 and block.sources[0].unique:
        return f"arg_min({{}}, {block.sources[0].alias}.rowid)"
    return "first({})"
