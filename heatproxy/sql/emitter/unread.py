"""Columns that may warn and that nobody reads: MySQL may compute them all the same.

A derived table, view or WITH item that MySQL stores has every column computed, with
what it warns of; DuckDB leaves out the columns that nobody reads, and their traps with
them. What MySQL merges into the query around it is left out there, too.

Source: MySQL Reference Manual, "Optimizing Derived Tables, View References, and Common
Table Expressions with Merging or Materialization".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from heatproxy.sql.emitter.relations import Relation
from heatproxy.sql.emitter.values import TRAP, Forward

_NAME = re.compile(r"\b[a-z]\d+\.c\d+\b")


@dataclass(frozen=True, slots=True)
class Mark:
    """Of one column: whether it may warn, and whether it must be read for that."""

    warns: bool
    is_due: bool


@dataclass(slots=True)
class Unread:
    """The columns of a statement's inner queries, by their names in its SQL."""

    _warning: set[str] = field(default_factory=set)
    _due: set[str] = field(default_factory=set)

    def marks(self, relation: Relation) -> tuple[Mark, ...]:
        """What is known of a query's columns."""
        computed = relation.computed or (relation.sql,) * len(relation.columns)
        return tuple(self._mark(relation, sql) for sql in computed)

    def _mark(self, relation: Relation, sql: str) -> Mark:
        read = set(_NAME.findall(sql))
        warns = TRAP in sql or not read.isdisjoint(self._warning)
        stored = warns and not relation.is_merged
        return Mark(warns, stored or not read.isdisjoint(self._due))

    def bind(self, marks: Sequence[Mark], alias: str) -> None:
        """The columns are ``alias.c1``, ``alias.c2``, ... from here on."""
        for place, mark in enumerate(marks, 1):
            if mark.warns:
                self._warning.add(f"{alias}.c{place}")
            if mark.is_due:
                self._due.add(f"{alias}.c{place}")

    def require_read(self, sql: str) -> None:
        """Raise Forward if the statement's SQL does not read one that it should."""
        if self._due - set(_NAME.findall(sql)):
            raise Forward("a column that may warn and that nobody reads")
