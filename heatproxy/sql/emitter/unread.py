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
    """Of one column: whether it may warn, and whether it must be read for that."""

    warns: bool
    is_due: bool


@dataclass(frozen=True, slots=True)
class Marks:
    """Of a query: its columns', and whether all of its rows must be asked for.

    ``is_all``: they are made of all rows of a table.
    """

    columns: tuple[Mark, ...] = ()
    is_whole: bool = False
    is_all: bool = False


@dataclass(slots=True)
class Unread:
    """The columns and rows of a statement's inner queries, by their names in its SQL.

    ``merges``: MySQL makes inner queries that allow it a part of those around them.
    """

    merges: bool = True
    _warning: set[str] = field(default_factory=set)
    _due: set[str] = field(default_factory=set)
    _whole: set[str] = field(default_factory=set)
    _picked: set[str] = field(default_factory=set)

    def marks(self, relation: Relation, is_view: bool = False) -> Marks:
        """What is known of a query's columns and rows.

        A view may say TEMPTABLE, which is told nowhere: it is never merged for sure.
        """
        merged = relation.is_merged and self.merges and not is_view
        computed = relation.computed or (relation.sql,) * len(relation.columns)
        columns = tuple(self._mark(sql, merged) for sql in computed)
        whole = relation.picks or self._is_of_whole(relation.sql)
        whole |= not merged and TRAP in relation.sql
        return Marks(columns, whole, relation.is_all)

    def _mark(self, sql: str, merged: bool) -> Mark:
        read = set(_NAME.findall(sql))
        warns = TRAP in sql or not read.isdisjoint(self._warning)
        stored = warns and not merged
        return Mark(warns, stored or not read.isdisjoint(self._due))

    def _is_of_whole(self, sql: str) -> bool:
        return not self._whole.isdisjoint(_ALIAS.findall(sql))

    def bind(self, marks: Marks, alias: str) -> None:
        """The columns are ``alias.c1``, ``alias.c2``, ... from here on."""
        if marks.is_whole:
            self._whole.add(alias)
        if not marks.is_all:
            self._picked.add(alias)
        for place, mark in enumerate(marks.columns, 1):
            if mark.warns:
                self._warning.add(f"{alias}.c{place}")
            if mark.is_due:
                self._due.add(f"{alias}.c{place}")

    def is_all(self, node: exp.Select, aliases: Collection[str]) -> bool:
        """Whether each row of a SELECT's table takes part in it.

        ``aliases`` are the names in its FROM.
        """
        return self._picked.isdisjoint(aliases) and not any(map(node.args.get, _PICKS))

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
    ) -> None:
        """Raise Forward if a SELECT need not read all rows of what it should.

        ``aliases`` are the names in its FROM, ``where`` is its condition.
        """
        if where is not None and TRAP in where and not self._picked.isdisjoint(aliases):
            # MySQL may test it for rows that the inner query leaves out
            raise Forward("a condition that may warn, on rows that were picked")
        if where is not None and TRAP in where and node.args.get("limit") is not None:
            # DuckDB tests no more rows than the first ones need
            raise Forward("a condition that may warn, with LIMIT")
        whole = self._whole.intersection(aliases)
        if not whole:
            return
        stops = node.args.get("limit") is not None and node.args.get("order") is None
        picks = node.args.get("having") is not None and not aggregated
        if where is not None and not _is_several(node.args["where"].this):
            # a single condition that needs all that may warn
            due = {name for name in self._due if name.partition(".")[0] in whole}
            picks |= not due or not due <= set(_NAME.findall(where))
        elif where is not None:
            picks = True
        if len(aliases) > 1 or stops or picks:
            raise Forward("rows of a query that may warn, of which not all are read")

    def require_quiet(self, sql: str) -> None:
        """Raise Forward if a query may warn that is evaluated only as far as needed."""
        if TRAP in sql or self._is_of_whole(sql):
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


def _is_several(condition: exp.Expr) -> bool:
    while isinstance(condition, exp.Paren):
        condition = condition.this
    return isinstance(condition, exp.And)


def _is_null(value: Value) -> bool:
    """Whether it may be NULL in every row: a NULL is written in it, and no name."""
    return "NULL" in value.sql and _NAMED.search(value.sql) is None
