"""A whole SELECT in DuckDB's words: FROM, WHERE, GROUP BY, ORDER BY, LIMIT."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from sqlglot import exp

from heatproxy.sql.collation import CollationWeights
from heatproxy.sql.emitter.block import Block, Source, only
from heatproxy.sql.emitter.clauses import (
    Cte,
    Item,
    Relation,
    bound,
    grouped_by,
    is_aggregated,
    join_word,
    quoted,
    renamed,
)
from heatproxy.sql.emitter.compare import compare, groupable, order_key
from heatproxy.sql.emitter.values import (
    EngineTable,
    Forward,
    SessionFacts,
    Value,
    decimal,
    of_column,
    plain,
)

Resolve = Callable[[str | None, str], EngineTable | None]
CLAUSES = (
    *("with_", "expressions", "distinct", "from_", "joins", "where"),
    *("group", "having", "order", "limit", "offset"),
)


@dataclass(slots=True)
class Emitter:
    """Writes SELECTs; remembers the tables it met."""

    schema: str | None
    resolve: Resolve
    weights: CollationWeights
    session: SessionFacts
    tables: dict[str, EngineTable] = field(default_factory=dict)
    _names: int = 0

    def select(
        self, node: exp.Query, ctes: dict[str, Cte], top: bool = False
    ) -> Relation:
        """The SELECT, with the CTEs visible to it by lower-case name.

        At the top TIME leaves as an INTERVAL; within it is BIGINT microseconds.

        Raises:
            Forward: a part of it has no rule.
        """
        if not isinstance(node, exp.Select):
            raise Forward(f"{type(node).__name__} has no rule")
        only(node, *CLAUSES)
        ctes, withs = self._with(node.args.get("with_"), ctes)
        block = Block(self.weights, self.session)
        tables = self._from(node, block, ctes)
        clauses = [f"FROM {tables}"]
        having = node.args.get("having")
        conditions = []
        if where := node.args.get("where"):
            only(where, "this")
            conditions.append(block.condition(where.this))
        items = list(self._items(node, block))
        aggregated = is_aggregated(node)
        group_clause = ""
        block.see_aggregates()
        if aggregated:
            group_clause = self._group(node.args.get("group"), block, items)
        values = [block.value(item) for _, item in items]
        block.aliases = {
            item.alias.lower(): item.this if isinstance(item, exp.Alias) else item
            for item in node.expressions
            if isinstance(item, exp.Alias)
        }
        having_sql = ""
        if having:
            only(having, "this")
            having_sql = block.condition(having.this)
            if not aggregated:
                conditions.append(having_sql)
                having_sql = ""
        if conditions:
            clauses.append(f"WHERE {' AND '.join(conditions)}")
        clauses.append(group_clause)
        if having_sql:
            clauses.append(f"HAVING {having_sql}")
        outputs = [self._materialised(value, top) for value in values]
        listed = ", ".join(
            f"{value.sql} AS c{place}" for place, value in enumerate(outputs, 1)
        )
        distinct = node.args.get("distinct")
        if distinct:
            only(distinct)
            for value in values:
                groupable(block, value)
                if value.hidden is not None:
                    raise Forward("DISTINCT of AVG")
        body = " ".join(["SELECT", listed, *filter(None, clauses)])
        order = self._order(node, block, values, bool(distinct))
        if distinct:
            names = ", ".join(f"c{place}" for place in range(1, len(items) + 1))
            inner = body.replace("SELECT", "SELECT DISTINCT", 1)
            body = f"SELECT {names} FROM ({inner}) AS d"
        sql = " ".join(filter(None, [withs, body, order, self._limit(node)]))
        named = tuple(name for name, _ in items)
        return Relation(sql, tuple(zip(named, outputs, strict=True)))

    def _with(
        self, clause: exp.Expr | None, ctes: dict[str, Cte]
    ) -> tuple[dict[str, Cte], str]:
        if clause is None:
            return ctes, ""
        only(clause, "expressions")
        ctes, written = dict(ctes), []
        for cte in clause.expressions:
            only(cte, "this", "alias")
            relation = self.select(cte.this, ctes)
            name = self._name("w")
            written.append(f"{name} AS ({relation.sql})")
            columns = renamed(relation.columns, cte.args["alias"])
            ctes[cte.alias.lower()] = Cte(name, columns)
        return ctes, f"WITH {', '.join(written)}"

    def _from(self, node: exp.Select, block: Block, ctes: dict[str, Cte]) -> str:
        clause, joins = node.args.get("from_"), node.args.get("joins") or []
        if clause is None:
            raise Forward("a SELECT without FROM")
        only(clause, "this")
        sql = self._source(clause.this, block, ctes)
        commas = any(join_word(join) == "," for join in joins)
        for join in joins:
            only(join, "this", "side", "kind", "on", "using")
            word = join_word(join)
            if commas and word == "RIGHT JOIN":
                raise Forward("RIGHT JOIN together with a comma")
            on, using = join.args.get("on"), join.args.get("using")
            before = len(block.sources)
            right = self._source(join.this, block, ctes)
            if using:
                condition = self._using(using, block, before, word)
            elif on is not None:
                condition = block.condition(on)
            elif word in ("LEFT JOIN", "RIGHT JOIN"):
                raise Forward(f"{word} without ON")
            else:
                sql += f" CROSS JOIN {right}"
                continue
            joined = "JOIN" if word in (",", "CROSS JOIN") else word
            sql += f" {joined} {right} ON {condition}"
        return sql

    def _using(
        self, using: list[exp.Expr], block: Block, before: int, word: str
    ) -> str:
        if word == "RIGHT JOIN" or before != 1:
            raise Forward("USING in a RIGHT JOIN or among more than two tables")
        tests = []
        for name in using:
            left, right = (source.find(name.name) for source in block.sources)
            if not isinstance(left, Value) or not isinstance(right, Value):
                raise Forward(f"a name that is unknown here: {name.name}")
            tests.append(compare(block, "=", left, right))
            block.merged.add(name.name.lower())
        return " AND ".join(tests)

    def _source(self, node: exp.Expr, block: Block, ctes: dict[str, Cte]) -> str:
        alias = self._name("t")
        if isinstance(node, exp.Subquery):
            only(node, "this", "alias")
            relation = self.select(node.this, ctes)
            columns = renamed(relation.columns, node.args.get("alias"))
            sql, name, schema = f"({relation.sql}) AS {alias}", node.alias, None
        elif isinstance(node, exp.Table):
            only(node, "this", "db", "alias")
            if not isinstance(node.this, exp.Identifier):
                raise Forward("a table function")
            if extra := node.args.get("alias"):
                only(extra, "this")
            name, schema = node.alias or node.name, node.text("db") or None
            cte = ctes.get(node.name.lower()) if schema is None else None
            if cte is not None:
                columns, sql = cte.columns, f"{cte.name} AS {alias}"
            else:
                return self._table(node, name, schema, alias, block)
        else:
            raise Forward(f"{type(node).__name__} in FROM")
        block.sources.append(Source(name, schema, bound(columns, alias)))
        return sql

    def _table(
        self,
        node: exp.Table,
        name: str,
        schema: str | None,
        alias: str,
        block: Block,
    ) -> str:
        table = self.resolve(schema or self.schema, node.name)
        if table is None:
            raise Forward(f"the table {node.name}, which is not loaded")
        self.tables[table.engine_name] = table
        columns: list[tuple[str, Value | Forward]] = []
        for column, facts in table.columns.items():
            sql = f"{alias}.{quoted(column)}"
            try:
                columns.append((column, of_column(sql, facts, self.session)))
            except Forward as refusal:
                columns.append((column, refusal))  # until a statement reads it
        visible = None if node.alias else table.schema
        block.sources.append(Source(name, visible, tuple(columns)))
        return f"{quoted(table.engine_name)} AS {alias}"

    def _items(self, node: exp.Select, block: Block) -> Iterator[Item]:
        for item in node.expressions:
            if isinstance(item, exp.Alias):
                only(item, "this", "alias")
                yield item.alias, item.this
            elif isinstance(item, exp.Star):
                only(item)
                yield from self._star(block, None)
            elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
                only(item, "this", "table")
                yield from self._star(block, item.table)
            else:
                yield (item.name if isinstance(item, exp.Column) else None), item

    def _star(self, block: Block, table: str | None) -> Iterator[Item]:
        if block.merged:
            raise Forward("* after USING")
        names = [source.name for source in block.sources]
        if len(set(names)) < len(names) or (table and table not in names):
            raise Forward("* of tables of one name")
        for source in block.sources:
            if table in (None, "", source.name):
                for column, _ in source.columns:
                    yield column, exp.column(column, table=source.name)

    def _group(
        self,
        clause: exp.Expr | None,
        block: Block,
        items: list[Item],
    ) -> str:
        keys: dict[str, Value] = {}
        if clause is not None:
            only(clause, "expressions")
            block.grouped = True
            for node in clause.expressions:
                value = groupable(block, block.value(grouped_by(node, block, items)))
                if value.literal is not None or value.sql.isdigit():
                    raise Forward("GROUP BY a constant")
                keys[value.sql] = value
        block.keys = keys
        return f"GROUP BY {', '.join(keys)}" if keys else ""

    def _order(
        self, node: exp.Select, block: Block, values: list[Value], distinct: bool
    ) -> str:
        clause, keys = node.args.get("order"), []
        if clause is None:
            return ""
        only(clause, "expressions")
        for item in clause.expressions:
            # nulls_first is sqlglot's note of what MySQL does anyway
            only(item, "this", "desc", "nulls_first")
            value = self._ordered_by(item.this, block, values)
            if value.literal is not None or value.sql.isdigit():
                continue  # DuckDB would take a number for a place
            if distinct:
                places = [n for n, v in enumerate(values, 1) if v.sql == value.sql]
                if not places:
                    raise Forward("ORDER BY of what DISTINCT does not show")
                value = replace(value, sql=f"d.c{places[0]}")
            direction = (
                "DESC NULLS LAST" if item.args.get("desc") else "ASC NULLS FIRST"
            )
            keys.append(f"{order_key(block, value)} {direction}")
        return f"ORDER BY {', '.join(keys)}" if keys else ""

    def _ordered_by(self, node: exp.Expr, block: Block, values: list[Value]) -> Value:
        if isinstance(node, exp.Literal) and not node.args.get("is_string"):
            place = str(node.this)
            if not place.isdigit() or not 1 <= int(place) <= len(values):
                raise Forward("ORDER BY a number that is no column's place")
            return values[int(place) - 1]
        if isinstance(node, exp.Column) and not node.table:
            item = block.aliases.get(node.name.lower())
            if item is not None:  # an alias goes before a column, here alone
                aliases, block.aliases = block.aliases, {}
                try:
                    return block.value(item)
                finally:
                    block.aliases = aliases
        return block.value(node)

    def _limit(self, node: exp.Select) -> str:
        words = []
        for word in ("limit", "offset"):
            clause = node.args.get(word)
            if clause is None:
                continue
            only(clause, "expression")
            text = clause.expression.name
            if not isinstance(clause.expression, exp.Literal) or not text.isdigit():
                raise Forward("LIMIT with anything but an integer literal")
            if int(text) < 2**63:
                words.append(f"{word.upper()} {text}")
            elif word == "offset":
                raise Forward("an OFFSET beyond 63 bits")
        return " ".join(words)

    def _materialised(self, value: Value, top: bool) -> Value:
        """The value as a column of a result or derived table."""
        value = plain(value)
        if value.mixed:
            raise Forward("a CASE whose branches differ in scale")
        if value.hidden is not None:
            return decimal(value.sql, value.precision, value.scale)
        if value.kind == "string" and value.collation is None:
            return replace(value, collation=self.session.collation_connection)
        if value.kind == "time" and top:
            return replace(value, sql=f"to_microseconds({value.sql})")
        return value

    def _name(self, letter: str) -> str:
        self._names += 1
        return f"{letter}{self._names}"
