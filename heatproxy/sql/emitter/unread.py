"""What may warn and is not evaluated for every row: MySQL may evaluate it all the same.

A derived table, view or WITH item that MySQL stores has every column of every row
computed, with what it warns of; DuckDB leaves out the columns that nobody reads and the
rows that nobody asks for, and their traps with them. What MySQL merges into the query
around it is left out there, too. Within an expression, DuckDB leaves out the operands
of NULL, and so may a rule.

Source: MySQL Reference Manual, "Optimizing Derived Tables, View References, and Common
Table Expressions with Merging or Materialization".
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from heatproxy.sql import grammar
from heatproxy.sql.emitter.relations import Relation
from heatproxy.sql.emitter.values import TRAP, Forward, Value

_NAME = re.compile(r"\b[a-z]\d+\.c\d+\b")
_NAMED = re.compile(r"\b[a-z]\d+\.|\0")
_ALIAS = re.compile(r"\bt\d+\b")
_PICKS = ("joins", "where", "having", "limit", "offset")
# they evaluate an operand only where they need it, in MySQL and in DuckDB
_CHOICES = ("IF", "IFNULL", "COALESCE", "NULLIF")


@dataclass(frozen=True, slots=True)
class Mark:
    """Of one column: whether it may warn, and whether it must be read for that.

    ``is_lazy``: MySQL may compute it within the query around, and warn of it there.
    """

    warns: bool
    is_due: bool
    is_lazy: bool


@dataclass(frozen=True, slots=True)
class Marks:
    """Of a query: its columns', and whether all of its rows must be asked for.

    ``is_all``: they are made of all rows of a table. ``is_several``: MySQL may read
    several tables for them within the query around.
    """

    columns: tuple[Mark, ...] = ()
    is_whole: bool = False
    is_all: bool = False
    is_several: bool = False


@dataclass(slots=True)
class Unread:
    """The columns and rows of a statement's inner queries, by their names in its SQL.

    ``merges``: MySQL makes inner queries that allow it a part of those around them.
    ``sorts_early``: it may sort a table before it joins others for any purpose, as its
    hypergraph optimizer does.
    """

    merges: bool = True
    sorts_early: bool = False
    _warning: set[str] = field(default_factory=set)
    _due: set[str] = field(default_factory=set)
    _lazy: set[str] = field(default_factory=set)
    _several: set[str] = field(default_factory=set)
    _whole: set[str] = field(default_factory=set)
    _picked: set[str] = field(default_factory=set)

    def marks(self, relation: Relation, is_view: bool = False) -> Marks:
        """What is known of a query's columns and rows.

        A view may say TEMPTABLE, which is told nowhere: it is never merged for sure.
        """
        merged = relation.is_merged and self.merges and not is_view
        computed = relation.computed or (relation.sql,) * len(relation.columns)
        may_merge = relation.is_merged  # a view may say MERGE, too
        columns = tuple(self._mark(sql, merged, may_merge) for sql in computed)
        whole = relation.picks or self._is_of_whole(relation.sql)
        whole |= not merged and TRAP in relation.sql
        several = any(word in relation.sql for word in (" JOIN ", "(SELECT "))
        several |= not self._several.isdisjoint(_ALIAS.findall(relation.sql))
        return Marks(columns, whole, relation.is_all, may_merge and several)

    def _mark(self, sql: str, merged: bool, may_merge: bool) -> Mark:
        read = set(_NAME.findall(sql))
        stored = self.may_warn(sql) and not merged
        lazy = may_merge and self.warns(sql)
        is_due = stored or not read.isdisjoint(self._due)
        return Mark(self.may_warn(sql), is_due, lazy)

    def may_warn(self, sql: str) -> bool:
        """Whether it may warn, wherever that is computed."""
        return TRAP in sql or not self._warning.isdisjoint(_NAME.findall(sql))

    def warns(self, sql: str) -> bool:
        """Whether MySQL may warn where the expression stands."""
        return TRAP in sql or not self._lazy.isdisjoint(_NAME.findall(sql))

    def _is_of_whole(self, sql: str) -> bool:
        return not self._whole.isdisjoint(_ALIAS.findall(sql))

    def bind(self, marks: Marks, alias: str) -> None:
        """The columns are ``alias.c1``, ``alias.c2``, ... from here on."""
        if marks.is_whole:
            self._whole.add(alias)
        if not marks.is_all:
            self._picked.add(alias)
        if marks.is_several:
            self._several.add(alias)
        for place, mark in enumerate(marks.columns, 1):
            if mark.warns:
                self._warning.add(f"{alias}.c{place}")
            if mark.is_due:
                self._due.add(f"{alias}.c{place}")
            if mark.is_lazy:
                self._lazy.add(f"{alias}.c{place}")

    def is_all(self, node: exp.Select, aliases: Collection[str]) -> bool:
        """Whether each row of a SELECT's table takes part in it.

        ``aliases`` are the names in its FROM.
        """
        return self._picked.isdisjoint(aliases) and not any(map(node.args.get, _PICKS))

    def is_several(self, node: exp.Select, aliases: Collection[str]) -> bool:
        """Whether MySQL may read several tables for a SELECT's FROM and WHERE.

        It may then sort the rows of one, and warn, before it leaves out some of them.
        ``aliases`` are the names in its FROM.
        """
        where = node.args.get("where")
        if len(aliases) > 1 or not self._several.isdisjoint(aliases):
            return True
        return where is not None and where.find(exp.Query) is not None

    def require_read(self, sql: str) -> None:
        """Raise Forward if the statement's SQL does not read one that it should."""
        if self._due - set(_NAME.findall(sql)):
            raise Forward("a column that may warn and that nobody reads")

    def require_rows(
        self,
        node: exp.Select,
        aliases: Collection[str],
        where: str | None,
        aggregated: bool,
        outer_reads: int,
    ) -> None:
        """Raise Forward if a SELECT need not read all rows of what it should.

        ``aliases`` are the names in its FROM, ``where`` is its condition.
        """
        if where is not None and self.warns(where):
            if len(aliases) > 1 or outer_reads:
                # which rows it is tested for is up to the plan
                raise Forward("a condition that may warn, of several tables")
            if not self._picked.isdisjoint(aliases):
                # MySQL may test it for rows that the inner query leaves out
                raise Forward("a condition that may warn, on rows that were picked")
            if node.args.get("limit") is not None:
                # DuckDB tests no more rows than the first ones need
                raise Forward("a condition that may warn, with LIMIT")
            if TRAP not in where and node.args["where"].find(exp.And, exp.Or):
                raise Forward("a condition that may warn beside another one")
        whole = self._whole.intersection(aliases)
        if not whole:
            return
        stops = node.args.get("limit") is not None and node.args.get("order") is None
        picks = node.args.get("having") is not None and not aggregated
        if where is not None and not _is_conjunction(node.args["where"].this):
            # a single condition that needs all that may warn
            due = {name for name in self._due if name.partition(".")[0] in whole}
            picks |= not due or not due <= set(_NAME.findall(where))
        elif where is not None:
            picks = True
        if len(aliases) > 1 or stops or picks:
            raise Forward("rows of a query that may warn, of which not all are read")

    def require_sorted_last(self, sql: str) -> None:
        """Raise Forward if MySQL may sort rows of ``sql``'s, and leave some out then.

        For DISTINCT and windows the old optimizer sorts what is joined.
        """
        if self.sorts_early and self.may_warn(sql):
            raise Forward("sorting by what may warn, of several tables")

    def require_quiet(self, sql: str) -> None:
        """Raise Forward if a query may warn that is evaluated only as far as needed."""
        if self.may_warn(sql) or self._is_of_whole(sql):
            raise Forward("a subquery that may warn, as a condition")


def require_evaluated(node: exp.Expr, operands: Sequence[Value], sql: str) -> None:
    """Raise Forward if ``sql`` may not evaluate one of its operands that may warn."""
    if not any(TRAP in operand.sql for operand in operands):
        return
    if TRAP not in sql:
        raise Forward("an operand that may warn and that nobody reads")
    is_choice = isinstance(node, exp.Case) or grammar.function_name(node) in _CHOICES
    if not is_choice and any(map(_is_null, operands)):
        raise Forward("NULL beside an operand that may warn")


def _is_conjunction(condition: exp.Expr) -> bool:
    while isinstance(condition, exp.Paren):
        condition = condition.this
    return isinstance(condition, exp.And)


def _is_null(value: Value) -> bool:
    """Whether it may be NULL in every row: a NULL is written in it, and no name."""
    return "NULL" in value.sql and _NAMED.search(value.sql) is None
