"""One SELECT block: its names, its grouping, its expressions in DuckDB's words.

Tables and output columns get names of the emitter's own (t1, c1, ...), so DuckDB
never resolves a name; every name was resolved here by MySQL's rules.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from heatproxy.sql import grammar
from heatproxy.sql.collation import CollationWeights
from heatproxy.sql.emitter import compare, functions, numbers
from heatproxy.sql.emitter.aggregates import AGGREGATES, count_rows
from heatproxy.sql.emitter.compare import groupable, predicate
from heatproxy.sql.emitter.values import (
    LONGEST_SQL,
    Context,
    Forward,
    SessionFacts,
    Value,
)

Rule = Callable[[Context, exp.Expr], Value]
NODES: Mapping[type[exp.Expr], tuple[Rule, Sequence[str]]] = {
    **numbers.NODES,
    **compare.NODES,
    **functions.NODES,
}


@dataclass(frozen=True, slots=True)
class Source:
    """What stands in FROM: its name there and its columns, in order."""

    name: str
    schema: str | None
    columns: tuple[tuple[str, Value | Forward], ...]  # Forward: of no usable type

    def find(self, column: str) -> Value | Forward | None:
        for name, value in self.columns:
            if name.lower() == column.lower():
                return value
        return None


@dataclass(slots=True)
class Block:
    """The expressions of one SELECT; the Context that rules run in.

    ``keys`` are the GROUP BY expressions by their SQL, None where there is no
    grouping; ``aliases`` the select list's names, while HAVING and ORDER BY see
    them; ``merged`` the columns that USING made one.
    """

    weights: CollationWeights
    session: SessionFacts
    sources: list[Source] = field(default_factory=list)
    merged: set[str] = field(default_factory=set)
    keys: dict[str, Value] | None = None
    grouped: bool = False
    aliases: dict[str, exp.Expr] = field(default_factory=dict)
    _inside: bool = False  # an aggregate's argument
    _aggregates: bool = False  # may stand here

    def value(self, node: exp.Expr) -> Value:
        """The expression's Value.

        Raises:
            Forward: there is no rule for it, or for one of its parts.
        """
        if self.keys is not None and not self._inside and not has_aggregate(node):
            value = self._of_group(node)
            if value is not None:
                return value
        value = self._value(node)
        if len(value.sql) > LONGEST_SQL:
            raise Forward("an expression nested too deep")
        return value

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
                    return compare.of_text(text)
                return numbers.literal(text)
            case exp.Null():
                return functions.NULL
            case exp.Boolean():
                return replace(
                    predicate("TRUE" if node.this else "FALSE"),
                    literal="1" if node.this else "0",
                )
        rule = NODES.get(type(node))
        if rule is None:
            raise Forward(f"{type(node).__name__} has no rule")
        only(node, *rule[1])
        return rule[0](self, node)

    def _function(self, name: str, node: exp.Expr) -> Value:
        only(node, "this", "expressions")
        if name in AGGREGATES:
            return self._aggregate(name, node.expressions)
        if name not in functions.FUNCTIONS:
            raise Forward(f"{name}() has no rule")
        rule, fewest, most = functions.FUNCTIONS[name]
        if not fewest <= len(node.expressions) <= most:
            raise Forward(f"{name}() with {len(node.expressions)} arguments")
        return rule(self, [self.value(argument) for argument in node.expressions])

    def _aggregate(self, name: str, arguments: list[exp.Expr]) -> Value:
        if not self._aggregates or self._inside or len(arguments) != 1:
            raise Forward(f"{name}() in this place")
        argument, distinct = arguments[0], False
        if isinstance(argument, exp.Star) and name == "COUNT":
            only(argument)
            return count_rows()
        if isinstance(argument, exp.Distinct):
            only(argument, "expressions")
            if len(argument.expressions) != 1:
                raise Forward("COUNT(DISTINCT) of several columns")
            argument, distinct = argument.expressions[0], True
        self._inside = True
        try:
            value = self.value(argument)
        finally:
            self._inside = False
        return AGGREGATES[name](self, value, distinct, self.grouped)

    def _of_group(self, node: exp.Expr) -> Value | None:
        """The GROUP BY expression that the node is, or a column one row stands for."""
        assert self.keys is not None
        if isinstance(node, exp.Literal | exp.Null | exp.Boolean):
            return None
        if isinstance(node, exp.Column) and self.alias(node) is not None:
            return None
        keys, self.keys = self.keys, None
        try:
            value = self._value(node)
        finally:
            self.keys = keys
        if value.sql in keys:
            return value
        if not isinstance(node, exp.Column):
            return None
        if "ONLY_FULL_GROUP_BY" not in self.session.sql_mode.upper() or not keys:
            raise Forward("a column that is not grouped by")
        # MySQL accepted it in PREPARE: the grouped columns determine it
        return replace(groupable(self, value), sql=f"any_value({value.sql})")

    def alias(self, node: exp.Column) -> exp.Expr | None:
        """The select item that a bare name means where aliases are seen."""
        if node.table:
            return None
        item = self.aliases.get(node.name.lower())
        if item is None or item is node:
            return None
        if any(s.find(node.name) is not None for s in self.sources) and not (
            isinstance(item, exp.Column) and item.name.lower() == node.name.lower()
        ):
            raise Forward(f"the ambiguous name {node.name}")
        return item

    def column(self, node: exp.Column) -> Value:
        """The Value of a column, found by MySQL's rules."""
        only(node, "this", "table", "db")
        if not isinstance(node.this, exp.Identifier):
            raise Forward("* in an expression")
        item = self.alias(node)
        if item is not None:
            aliases, self.aliases = self.aliases, {}
            try:
                return self.value(item)
            finally:
                self.aliases = aliases
        name, table, schema = node.name, node.table, node.text("db")
        found = [
            value
            for source in self.sources
            if table in ("", source.name)
            and schema in ("", source.schema)
            and (value := source.find(name)) is not None
        ]
        if len(found) > 1 and not table and name.lower() in self.merged:
            found = found[:1]
        if len(found) != 1:
            raise Forward(f"a name that is unknown or ambiguous here: {name}")
        if isinstance(found[0], Forward):
            raise found[0]
        return found[0]

    def condition(self, node: exp.Expr) -> str:
        """The BOOLEAN of WHERE, ON or HAVING."""
        return compare.truth(self.value(node))

    def see_aggregates(self) -> None:
        """From here on (select list, HAVING, ORDER BY) aggregates may stand."""
        self._aggregates = True


def only(node: exp.Expr, *known: str) -> None:
    """Refuse a node that says more than the rule for it reads."""
    for name, argument in node.args.items():
        if argument and name not in known:
            raise Forward(f"{type(node).__name__} with {name}")


def has_aggregate(node: exp.Expr) -> bool:
    """Whether an aggregate function stands anywhere below, subqueries aside."""
    inside = node.walk(prune=lambda child: isinstance(child, exp.Query | exp.Window))
    return any((grammar.function_name(c) or "") in AGGREGATES for c in inside)
