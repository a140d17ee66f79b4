"""One SELECT block: its names, and its expressions in DuckDB's words.

Tables and output columns get names of the emitter's own (t1, c1, ...), so DuckDB
never resolves a name; every name was resolved here by MySQL's rules.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sqlglot import exp

from heatproxy.sql import grammar
from heatproxy.sql.collation import CollationWeights
from heatproxy.sql.emitter import (
    compare,
    composed,
    constants,
    functions,
    guards,
    logic,
    numbers,
    texts,
)
from heatproxy.sql.emitter.aggregates import AGGREGATES, Use, count_rows
from heatproxy.sql.emitter.concatenation import concatenated
from heatproxy.sql.emitter.grouping import Grouping
from heatproxy.sql.emitter.logic import predicate
from heatproxy.sql.emitter.parts import composites
from heatproxy.sql.emitter.relations import Queries, Scope, Source, allowed, only
from heatproxy.sql.emitter.subqueries import in_query, subquery_rule
from heatproxy.sql.emitter.unread import require_evaluated
from heatproxy.sql.emitter.values import (
    LONGEST_SQL,
    Context,
    Forward,
    SessionFacts,
    Value,
)
from heatproxy.sql.emitter.windows import window

Rule = Callable[[Context, exp.Expr], Value]
NODES: Mapping[type[exp.Expr], tuple[Rule, Sequence[str]]] = {
    **numbers.NODES,
    **compare.NODES,
    **logic.NODES,
    **functions.NODES,
}
Visible = tuple[tuple[str, Source], ...]


@dataclass(slots=True)
class Block:
    """The expressions of one SELECT; the Context that rules run in.

    ``visible`` are the names that may stand without a table, each with the source
    that has it; ``aliases`` the select list's names, while HAVING and ORDER BY see
    them; ``grouping`` what the SELECT groups by, None before that and without it.
    """

    weights: CollationWeights
    session: SessionFacts
    queries: Queries
    scope: Scope
    sources: tuple[Source, ...] = ()
    visible: Visible = ()
    _named: dict[str, list[Source]] = field(default_factory=dict)
    grouping: Grouping | None = None
    aliases: dict[str, exp.Expr] = field(default_factory=dict)
    windows: dict[str, exp.Expr] = field(default_factory=dict)
    aggregates: bool = False  # may stand here
    windowed: bool = False  # windows may stand here
    inner: bool = False  # of its groups not all are shown, if any
    nonzero: set[str] = field(default_factory=set)
    reads: int = 0  # of own columns
    outer_reads: int = 0
    _inside: bool = False  # an aggregate's argument
    _operands: list[Value] = field(default_factory=list)  # of the node in hand
    _composite: set[int] = field(default_factory=set)

    def value(self, node: exp.Expr) -> Value:
        """The expression's Value.

        Raises:
            Forward: there is no rule for it, or for one of its parts.
        """
        with self._apart() as operands:
            value = self._found(node)
        require_evaluated(node, operands, value.sql)
        self._operands.append(value)
        return value

    def _found(self, node: exp.Expr) -> Value:
        if constants.folds(node):
            return constants.folded(self, node)
        if self.grouping is not None and not self._inside:
            value = self._of_group(node, self.grouping)
            if value is not None:
                return value
        value = self._value(node)
        if len(value.sql) > LONGEST_SQL:
            raise Forward("an expression nested too deep")
        return value

    @contextmanager
    def _apart(self) -> Iterator[list[Value]]:
        """Expressions that are no operands of the node in hand."""
        around, self._operands = self._operands, []
        try:
            yield self._operands
        finally:
            self._operands = around

    def condition(self, node: exp.Expr) -> str:
        """The BOOLEAN of WHERE, ON or HAVING, where NULL is as good as false."""
        if isinstance(node, exp.And):
            only(node, "this", "expression")
            parts = list(node.flatten(unnest=False))
            return " AND ".join(logic.undisturbed(map(self.condition, parts)))
        if isinstance(node, exp.Paren) and isinstance(node.this, exp.And | exp.In):
            only(node, "this")
            return f"({self.condition(node.this)})"
        if isinstance(node, exp.In) and node.args.get("query") is not None:
            return logic.truth(in_query(self, node, null_is_false=True))
        return logic.truth(self.value(node))

    def note(self, nodes: Sequence[exp.Expr]) -> None:
        """Note which nodes of these clauses hold aggregates, windows, subqueries."""
        self._composite.update(*map(composites, nodes))

    @contextmanager
    def seeing(self, sources: tuple[Source, ...], visible: Visible) -> Iterator[None]:
        """Let names mean these tables only, as ON does."""
        kept = self.sources, self.visible
        self.see(sources, visible)
        try:
            yield
        finally:
            self.see(*kept)

    def see(self, sources: tuple[Source, ...], visible: Visible) -> None:
        """Let names mean these tables from here on."""
        self.sources, self.visible, self._named = sources, visible, {}
        for name, source in visible:
            self._named.setdefault(name.lower(), []).append(source)

    @contextmanager
    def without_aliases(self) -> Iterator[None]:
        aliases, self.aliases = self.aliases, {}
        try:
            yield
        finally:
            self.aliases = aliases

    def alias(self, node: exp.Column) -> exp.Expr | None:
        """The select item that a bare name means where aliases are seen."""
        if node.table:
            return None
        item = self.aliases.get(node.name.lower())
        if item is None or item is node:
            return None
        if self.sources_of(node.name) and not (
            isinstance(item, exp.Column) and item.name.lower() == node.name.lower()
        ):
            raise Forward(f"the ambiguous name {node.name}")
        return item

    def column(self, node: exp.Column) -> Value:
        """The Value of a column, found by MySQL's rules."""
        item = self.alias(node)
        if item is not None:
            with self.without_aliases():
                return self.value(item)
        value = self.own(node)
        if value is not None:
            self.reads += 1
            return value
        if self.scope.outer is None:
            raise Forward(f"a name that is unknown or ambiguous here: {node.name}")
        self.outer_reads += 1
        return self.scope.outer.for_subquery(node)

    def own(self, node: exp.Column) -> Value | None:
        """The column of this block's own FROM that the node names, if one does."""
        only(node, "this", "table", "db")
        if not isinstance(node.this, exp.Identifier):
            raise Forward("* in an expression")
        name, table, schema = node.name, node.table, node.text("db")
        if table:
            sources = [
                source
                for source in self.sources
                if (table == source.name and schema in ("", source.schema))
                or table == f"\0{source.alias}"
            ]
        else:
            sources = self.sources_of(name)
        found = [v for source in sources if (v := source.find(name)) is not None]
        if len(found) > 1:
            raise Forward(f"a name that is unknown or ambiguous here: {name}")
        if not found:
            return None
        if isinstance(found[0], Forward):
            raise found[0]
        return found[0]

    def sources_of(self, name: str) -> list[Source]:
        """Those that have a column which may be named without its table."""
        return self._named.get(name.lower(), [])

    def for_subquery(self, node: exp.Column) -> Value:
        """A column of this block as a subquery within it sees it."""
        if not node.table and self.aliases.get(node.name.lower()) is not None:
            item = self.aliases[node.name.lower()]
            same = (
                isinstance(item, exp.Column) and item.name.lower() == node.name.lower()
            )
            if not same:
                raise Forward(f"the ambiguous name {node.name}")
        with self.without_aliases():
            value = self.value(node)
        if self.grouping is not None and self.grouping.mentioned(value.sql):
            self.grouping.apart = True
        return value

    def before_grouping(self, node: exp.Expr) -> Value:
        """The expression's Value of a row, not of a group."""
        grouping, self.grouping = self.grouping, None
        aggregates, self.aggregates = self.aggregates, False
        try:
            with self._apart():
                return self._value(node)
        finally:
            self.grouping, self.aggregates = grouping, aggregates

    def _value(self, node: exp.Expr) -> Value:
        name = grammar.function_name(node)
        if name is not None:
            return self._function(name, node)
        match node:
            case exp.Column():
                return self.column(node)
            case exp.Paren():
                only(node, "this")
                return self.value(node.this)
            case exp.Literal():
                text = str(node.this)
                if node.args.get("is_string"):
                    return texts.of_text(text)
                return numbers.literal(text)
            case exp.Null():
                return functions.NULL
            case exp.Boolean():
                return replace(
                    predicate("TRUE" if node.this else "FALSE"),
                    literal="1" if node.this else "0",
                )
            case exp.GroupConcat():
                return self._concatenation(node)
            case exp.Window():
                with guards.unguarded(self):
                    return window(self, node)
        query = subquery_rule(node)
        if query is not None:
            return query(self, node)
        rule = NODES.get(type(node))
        if rule is None:
            raise Forward(f"{type(node).__name__} has no rule")
        only(node, *rule[1])
        allowed(self.session.policy, type(node).__name__.upper())
        return rule[0](self, node)

    def _function(self, name: str, node: exp.Expr) -> Value:
        only(node, "this", "expressions")
        allowed(self.session.policy, name)
        if name == "GROUPING":
            return self._level(node)
        if name in AGGREGATES or name in composed.AGGREGATES:
            return self._aggregate(name, node.expressions)
        form = functions.FORMS.get(name)
        if form is not None:
            functions.require_arguments(name, node, form[1], form[2])
            return form[0](self, node)
        if name not in functions.FUNCTIONS:
            raise Forward(f"{name}() has no rule")
        rule, fewest, most = functions.FUNCTIONS[name]
        functions.require_arguments(name, node, fewest, most)
        return rule(self, [self.value(argument) for argument in node.expressions])

    def _aggregate(self, name: str, arguments: list[exp.Expr]) -> Value:
        if self.grouping is None or not self.aggregates or self._inside:
            raise Forward(f"{name}() in this place")
        use = Use(
            grouped=bool(self.grouping.keys), strict=self._strict, inner=self.inner
        )
        if name == "COUNT" and [type(one) for one in arguments] == [exp.Star]:
            only(arguments[0])
            rows = self.grouping.computed(count_rows(use))
            if use.grouped and not self.grouping.rollup:
                self.nonzero.add(rows.sql)  # a group has rows
            return rows
        if len(arguments) == 1 and isinstance(arguments[0], exp.Distinct):
            only(arguments[0], "expressions")
            arguments, use = arguments[0].expressions, replace(use, distinct=True)
        if name in composed.AGGREGATES:
            return self._composed(name, arguments, use)
        if name == "ANY_VALUE" and len(arguments) == 1:
            key = self._of_key(arguments[0], self.grouping)
            if key is not None:
                return key
        values = self.arguments(arguments)
        return self.grouping.computed(AGGREGATES[name](self, values, use))

    def arguments(self, nodes: Sequence[exp.Expr]) -> list[Value]:
        """An aggregate's arguments, which are expressions of rows."""
        own, outer = self.reads, self.outer_reads
        self._inside = True
        try:
            with self._apart(), guards.unguarded(self):
                values = [self.value(node) for node in nodes]
        finally:
            self._inside = False
        if self.outer_reads > outer and self.reads == own:
            raise Forward("an aggregate of an outer query's columns")
        return values

    def _composed(self, name: str, arguments: list[exp.Expr], use: Use) -> Value:
        """A JSON document of a group's rows."""
        assert self.grouping is not None
        if use.distinct or len(arguments) != composed.AGGREGATES[name]:
            raise Forward(f"{name}() with {len(arguments)} arguments")
        values = self.arguments(arguments)
        if name == "JSON_OBJECTAGG":
            return self.grouping.computed(composed.object_of_rows(self, values))
        if not self.place:
            raise Forward(f"{name}() of several tables")
        return self.grouping.computed(composed.array_of_rows(self, values, self.place))

    def _concatenation(self, node: exp.Expr) -> Value:
        allowed(self.session.policy, "GROUP_CONCAT")
        if self.grouping is None or not self.aggregates or self._inside:
            raise Forward("GROUP_CONCAT() in this place")
        value = concatenated(self, node, self.arguments, self.place)
        return self.grouping.computed(value)

    def _level(self, node: exp.Expr) -> Value:
        if self.grouping is None or self._inside:
            raise Forward("GROUPING() in this place")
        keys = []
        for argument in node.expressions:
            item = self.alias(argument) if isinstance(argument, exp.Column) else None
            keys.append(self.before_grouping(item or argument).sql)
        return self.grouping.level(keys)

    def _of_group(self, node: exp.Expr, grouping: Grouping) -> Value | None:
        """The GROUP BY expression that the node is, or a column one row stands for."""
        if id(node) in self._composite:
            return None
        if isinstance(node, exp.Literal | exp.Null | exp.Boolean | exp.Paren):
            return None
        if not isinstance(node, exp.Column):
            return self._of_key(node, grouping)
        if self.alias(node) is not None:
            return None
        own = self.own(node)
        if own is None:
            return None
        if own.sql in grouping.keys:
            return grouping.shown(own.sql)
        if "ONLY_FULL_GROUP_BY" not in self.session.sql_mode.upper().split(","):
            raise Forward("a column that is not grouped by")
        if self._strict:  # MySQL accepted it in PREPARE: the groups determine it
            compare.equal_keys(self, [own])
            if own.kind == "string" and not own.clean:
                raise Forward("a string that its group may write in several ways")
        return grouping.dependent(own)

    def _of_key(self, node: exp.Expr, grouping: Grouping) -> Value | None:
        """The GROUP BY expression that the node is, None if it is none."""
        if not grouping.keys:
            return None
        try:
            value = self.before_grouping(node)
        except Forward:
            return None  # the alias of an aggregate, say
        return grouping.shown(value.sql) if value.sql in grouping.keys else None

    @property
    def place(self) -> str:
        """What MySQL reads the rows of its one table in the order of, if that is all.

        Where it does not, the order is one that SQL leaves open.
        """
        if len(self.sources) != 1 or not self.sources[0].unique or self._strict:
            return ""
        return f"{self.sources[0].alias}.rowid"

    @property
    def _strict(self) -> bool:
        return self.session.policy.exactness == "strict"
