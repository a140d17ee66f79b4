"""One SELECT in DuckDB's words: its rows, its groups, its columns, its order."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from heatproxy.sql.collation import CollationWeights
from heatproxy.sql.emitter import sets, sources
from heatproxy.sql.emitter.block import Block
from heatproxy.sql.emitter.clauses import (
    Item,
    aliased,
    group_items,
    grouped_by,
    is_aggregated,
    require_allowed,
)
from heatproxy.sql.emitter.compare import order_key
from heatproxy.sql.emitter.concatenation import CUT
from heatproxy.sql.emitter.grouping import Grouping
from heatproxy.sql.emitter.ordering import (
    Order,
    at,
    limited,
    meant,
    order_by,
    require_fixed,
    unique_in,
)
from heatproxy.sql.emitter.parts import has_window
from heatproxy.sql.emitter.relations import (
    Queries,
    Relation,
    Scope,
    Wanted,
    allowed,
    at_place,
    listed,
    only,
)
from heatproxy.sql.emitter.values import Forward, Value, decimal, plain

CLAUSES = (
    *("with_", "expressions", "distinct", "from_", "joins", "where", "group"),
    *("having", "order", "limit", "offset", "windows"),
)


def select(
    queries: Queries,
    weights: CollationWeights,
    node: exp.Select,
    scope: Scope,
    wanted: Wanted,
) -> Relation:
    """One SELECT, without its WITH.

    Raises:
        Forward: a part of it has no rule.
    """
    clauses = [*node.expressions, node.args.get("order")]
    cuts = any(node.args.get(clause) for clause in ("having", "limit", "offset"))
    inner = cuts or not wanted.top
    windowed = any(has_window(clause) for clause in clauses if clause is not None)
    return _Select(
        queries,
        node,
        wanted,
        Block(weights, queries.session, queries, scope, inner=inner),
        is_aggregated(node),
        windowed,
        node.args.get("distinct") is not None,
    ).written()


@dataclass(slots=True)
class _Select:
    """One SELECT on its way into DuckDB's words."""

    queries: Queries
    node: exp.Select
    wanted: Wanted
    block: Block
    aggregated: bool
    windowed: bool
    distinct: bool
    rows: str = ""  # FROM and WHERE
    having: str = ""
    picks: bool = False  # WHERE may warn
    is_all: bool = True  # each row of its table takes part in it
    is_several: bool = False  # MySQL may read several tables for its rows

    def written(self) -> Relation:
        only(self.node, *CLAUSES)
        require_allowed(self.queries.session.policy, self.node)
        self._read()
        if self.wanted.exists and not self._is_shaped:
            return self._one()
        items = list(self._items())
        self._group(items)
        values = [self.block.value(item) for _, item in items]
        self._require_shown(values)
        outputs = [self._output(value) for value in values]
        self.block.aliases = aliased(self.node)
        names = tuple(name for name, _ in items)
        if not self.distinct:
            sql = self._plain(values, outputs)
        elif self.block.grouping is None and not self.windowed:
            sql, outputs = self._distinct(names, outputs)
        else:
            sql, outputs = self._distinct_around(names, values, outputs)
        if self.is_several and (self.distinct or self.windowed):
            self.queries.unread.require_sorted_last(sql)
        columns = tuple(zip(names, outputs, strict=True))
        computed = tuple(self._computed(value) for value in outputs)
        told = (self._is_merged, self.picks, self.is_all)
        return Relation(sql, columns, computed, *told)

    def _require_shown(self, values: Sequence[Value]) -> None:
        """Refuse what MySQL may compute, and warn of, where HAVING leaves it out."""
        grouping = self.block.grouping
        if not self.having:
            return
        if grouping is not None and grouping.holds(CUT):
            raise Forward("GROUP_CONCAT() in groups that are not all shown")
        # it stores what is to be distinct, or to be sorted behind ROLLUP, before that
        if self.distinct or (grouping is not None and grouping.rollup):
            spelled = str if grouping is None else grouping.spelled
            if any(map(self.queries.unread.may_warn, [spelled(v.sql) for v in values])):
                raise Forward("what may warn, in rows that are not all shown")

    def _computed(self, value: Value) -> str:
        """What is not computed where nobody reads a column."""
        if self.distinct:
            return ""
        grouping = self.block.grouping
        return value.sql if grouping is None else grouping.spelled(value.sql)

    @property
    def _is_shaped(self) -> bool:
        """Whether how many rows there are depends on more than FROM and WHERE."""
        shaped = self.aggregated or self.windowed or self.distinct
        return shaped or self.node.args.get("having") is not None

    @property
    def _is_merged(self) -> bool:
        """Whether MySQL makes it, in FROM, a part of the query around it."""
        limited = any(self.node.args.get(clause) for clause in ("limit", "offset"))
        nested = any(item.find(exp.Query) for item in self.node.expressions)
        return not (self._is_shaped or limited or nested)

    def _read(self) -> None:
        """FROM and WHERE."""
        simple = not self._is_shaped and self.node.args.get("order") is None
        ordered = self.wanted.ordered and simple
        self.rows = sources.read(self.block, self.queries, self.node, ordered)
        condition: str | None = None
        if where := self.node.args.get("where"):
            only(where, "this")
            condition = self.block.condition(where.this)
            self.rows = f"{self.rows} WHERE {condition}".strip()
            self.picks = self.queries.unread.warns(condition)
        aliases = [source.alias for source in self.block.sources]
        unread, outer = self.queries.unread, self.block.outer_reads
        self.is_all = unread.is_all(self.node, aliases)
        self.is_several = unread.is_several(self.node, aliases)
        unread.require_rows(self.node, aliases, condition, self.aggregated, outer)

    def _group(self, items: list[Item]) -> None:
        """GROUP BY, HAVING and the named windows."""
        block, node = self.block, self.node
        having, order = node.args.get("having"), node.args.get("order")
        clauses = [*(item for _, item in items), having, order]
        block.note([clause for clause in clauses if clause is not None])
        if self.aggregated:
            clause = node.args.get("group")
            keys, rollup = group_items(clause)
            if rollup:
                allowed(block.session.policy, "ROLLUP")
            name, first = self.queries.name("g"), sources.first_of(block)
            grouping = Grouping(name, first, rollup, apart=rollup or self.windowed)
            for key in keys:
                grouping.group_by(block, block.value(grouped_by(key, block, items)))
            grouping.know(block.sources, self.is_several, self.queries.unread.warns)
            block.grouping = grouping
            block.aggregates = True
        if having is not None:
            only(having, "this")
            block.aliases = aliased(self.node)
            self.having = block.condition(having.this)
            block.aliases = {}
        block.windowed = True
        if block.grouping is not None:
            block.grouping.stored = self.windowed
        for window in node.args.get("windows") or ():
            only(window, "this", "partition_by", "order", "spec")
            block.windows[window.name.lower()] = window

    def _one(self) -> Relation:
        """What EXISTS asks of: rows, whatever they hold."""
        one = Value("1", "int", 1, literal="1")
        sql = f"SELECT 1 {self.rows} {limited(self.node)}".strip()
        return Relation(sql, ((None, one),))

    def _plain(self, values: list[Value], outputs: list[Value]) -> str:
        order = self._order(lambda item: meant(self.block, item, values))
        grouping = self.block.grouping
        if grouping is None:
            unique = unique_in(self.block.sources)
        elif grouping.rollup:
            unique = []
        else:
            unique = [{grouping.shown(sql).sql for sql in grouping.keys}]
        self._require_fixed(order, outputs, unique)
        return self._assembled(outputs, order.sql, self._limit())

    def _distinct(
        self, names: Sequence[str | None], outputs: list[Value]
    ) -> tuple[str, list[Value]]:
        """DISTINCT of rows, which is grouping by every column."""
        block = self.block
        name = self.queries.name("g")
        block.grouping = grouping = Grouping(name, sources.first_of(block))
        for value in outputs:
            grouping.group_by(block, value)
        shown = [grouping.shown(value.sql) for value in outputs]

        def meaning(item: exp.Expr) -> Value:
            place = self._place(item, names, shown)
            return block.value(item) if place is None else place

        order = self._order(meaning)
        self._require_fixed(order, shown, [])
        return self._assembled(shown, order.sql, self._limit()), shown

    def _distinct_around(
        self, names: Sequence[str | None], values: list[Value], outputs: list[Value]
    ) -> tuple[str, list[Value]]:
        """DISTINCT of groups or of windows' rows."""
        block = self.block
        alias, name = self.queries.name("d"), self.queries.name("g")
        grouping = Grouping(name, "first({})")
        columns = [at_place(v, alias, place) for place, v in enumerate(outputs, 1)]
        for value in columns:
            grouping.group_by(block, value)
        shown = [grouping.shown(value.sql) for value in columns]

        def meaning(item: exp.Expr) -> Value:
            place = self._place(item, names, shown)
            if place is not None:
                return place
            wanted = block.value(item).sql
            for value, found in zip(values, shown, strict=True):
                if value.sql == wanted:
                    return found
            raise Forward("ORDER BY of what DISTINCT does not show")

        order = self._order(meaning)
        self._require_fixed(order, shown, [])
        inner = self._assembled(outputs, "", "", inner=True)
        text = (
            f"SELECT {self._listed(shown)} FROM ({inner}) AS {alias}"
            f" {grouping.clause()} {order.sql} {self._limit()}"
        )
        return grouping.resolved(text.strip()), shown

    def _place(
        self, item: exp.Expr, names: Sequence[str | None], shown: Sequence[Value]
    ) -> Value | None:
        """The output column that an item of ORDER BY names by place or alias."""
        if isinstance(item, exp.Literal) and not item.args.get("is_string"):
            return at(item, shown)
        if not isinstance(item, exp.Column) or item.table:
            return None
        lower = item.name.lower()
        if lower not in self.block.aliases:
            return None
        places = [n for n, name in enumerate(names) if (name or "").lower() == lower]
        if len(places) != 1:
            raise Forward(f"the ambiguous name {item.name}")
        return shown[places[0]]

    def _order(self, meaning: Callable[[exp.Expr], Value]) -> Order:
        seen = self.wanted.top or self.wanted.ordered
        if not seen and not any(self.node.args.get(c) for c in ("limit", "offset")):
            return Order()
        clause = self.node.args.get("order")
        grouping = self.block.grouping
        if clause is None and grouping is not None and grouping.rollup:
            return self._order_of_rollup(grouping)
        is_several = self.is_several and grouping is None
        return order_by(self.block, clause, meaning, self.rows, is_several)

    def _order_of_rollup(self, grouping: Grouping) -> Order:
        """Each group before its total, as MySQL gives them without ORDER BY."""
        keys = []
        for sql in list(grouping.keys):
            keys.append(grouping.level([sql]).sql)
            key = order_key(self.block, grouping.shown(sql))
            keys.append(f"{key} ASC NULLS FIRST")
        return Order(f"ORDER BY {', '.join(keys)}")

    def _require_fixed(
        self, order: Order, outputs: Sequence[Value], unique: list[set[str]]
    ) -> None:
        limits = any(self.node.args.get(c) for c in ("limit", "offset"))
        if self.wanted.top or limits:
            require_fixed(self.block, order, outputs, unique)

    def _limit(self) -> str:
        most = self.queries.session.sql_select_limit if self.wanted.top else None
        return limited(self.node, most)

    def _assembled(
        self, outputs: Sequence[Value], order: str, limit: str, inner: bool = False
    ) -> str:
        select = listed(outputs, True) if inner else self._listed(outputs)
        grouping, rows, having = self.block.grouping, self.rows, self.having
        if grouping is None:
            if having:
                word = "AND" if self.node.args.get("where") else "WHERE"
                rows = f"{rows} {word} {having}".strip()
            return _joined("SELECT", select, rows, order, limit)
        told = _joined(select, having, order)
        if not grouping.keys and not grouping.mentioned(told):
            grouping.apart = True  # nothing else says that there is one row
        if grouping.apart:
            core = f"FROM ({grouping.query(rows)}) AS {grouping.name}"
            having = having and f"WHERE {having}"
        else:
            core = _joined(rows, grouping.clause())
            having = having and f"HAVING {having}"
        return grouping.resolved(_joined("SELECT", select, core, having, order, limit))

    def _listed(self, outputs: Sequence[Value]) -> str:
        wanted = self.wanted
        if wanted.top:
            outputs = [sets.leaving(value) for value in outputs]
        return listed(outputs, not (wanted.top or wanted.bare))

    def _items(self) -> Iterator[Item]:
        for item in self.node.expressions:
            if isinstance(item, exp.Alias):
                only(item, "this", "alias")
                yield item.alias, item.this
            elif isinstance(item, exp.Star):
                only(item)
                yield from self._star(None)
            elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
                only(item, "this", "table", "db")
                yield from self._star(item)
            else:
                yield (item.name if isinstance(item, exp.Column) else None), item

    def _star(self, of: exp.Column | None) -> Iterator[Item]:
        visible = self.block.visible
        if of is not None:
            table, schema = of.table, of.text("db")
            found = [
                source
                for source in self.block.sources
                if source.name == table and schema in ("", source.schema)
            ]
            if len(found) != 1:
                raise Forward("* of tables of one name")
            visible = tuple((name, found[0]) for name, _ in found[0].columns)
        if not visible:
            raise Forward("* without FROM")
        for name, source in visible:
            if name not in source.hidden:
                yield name, exp.column(name, table=f"\0{source.alias}")

    def _output(self, value: Value) -> Value:
        """The value as a column of the result or of a derived table."""
        value = plain(value)
        if value.kind == "string" and value.collation is None:
            collation = self.queries.session.collation_connection
            value = replace(value, collation=collation)
        if value.hidden is None and not value.mixed:
            return value
        limits = any(self.node.args.get(c) for c in ("limit", "offset"))
        stores = self.distinct or self.windowed
        if self.wanted.raw:
            if stores or limits or self.node.args.get("group") is not None:
                raise Forward("AVG or CASE in a subquery that MySQL may store")
            return value
        if not (self.wanted.top or self.wanted.stored):
            if not (stores or limits or self.aggregated):
                raise Forward("AVG or CASE in a derived table that MySQL may merge")
            stores = True
        if value.mixed and not (stores or self.wanted.stored):
            raise Forward("a CASE whose branches differ in scale")
        if value.hidden is not None:
            return decimal(value.sql, value.precision, value.scale)
        return replace(value, mixed=False)


def _joined(*parts: str) -> str:
    return " ".join(filter(None, parts))
