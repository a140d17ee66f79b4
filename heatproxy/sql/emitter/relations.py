"""Tables and subqueries with their columns, as the SELECTs around them see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from sqlglot import exp

from heatproxy.sql.emitter.values import (
    EngineTable,
    EngineView,
    Forward,
    Policy,
    SessionFacts,
    Value,
    moved,
)

if TYPE_CHECKING:
    from heatproxy.sql.emitter.block import Block
    from heatproxy.sql.emitter.unread import Marks, Unread

Columns = tuple[tuple[str | None, Value], ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """A query: its SQL, and its columns, which the SQL calls c1, c2, ...

    A string column that has a key brings it as k1, k2, ... beside it. ``computed`` is
    the SQL that each column is left out with where nobody reads it; None: it may be
    any of the query's. ``is_merged``: MySQL makes it a part of the query around it, if
    it may. ``picks``: what picks its rows may warn. ``is_all``: nothing picks its rows.
    """

    sql: str
    columns: Columns
    computed: tuple[str, ...] | None = None
    is_merged: bool = False
    picks: bool = False
    is_all: bool = False


@dataclass(frozen=True, slots=True)
class Cte:
    """A WITH item: the emitter's name for it, and its columns."""

    name: str
    columns: Columns
    hidden: frozenset[str] = frozenset()  # from *
    marks: "Marks | None" = None


@dataclass(frozen=True, slots=True)
class Source:
    """What stands in FROM: its name there, its name in the SQL, its columns."""

    name: str
    schema: str | None
    alias: str
    columns: tuple[tuple[str, Value | Forward], ...]  # Forward: of no usable type
    hidden: frozenset[str] = frozenset()  # from *
    unique: tuple[tuple[str, ...], ...] = ()  # columns no two rows share, none NULL
    _found: dict[str, Value | Forward] = field(default_factory=dict)

    def find(self, column: str) -> Value | Forward | None:
        if not self._found:
            self._found.update({name.lower(): value for name, value in self.columns})
        return self._found.get(column.lower())

    def nullable(self) -> "Source":
        """The source on the side of an outer join that may have no row."""
        columns = tuple(
            (name, value if isinstance(value, Forward) else maybe_null(value))
            for name, value in self.columns
        )
        return replace(self, columns=columns, unique=(), _found={})


@dataclass(frozen=True, slots=True)
class Scope:
    """What a query may name besides its own FROM: WITH items, outer SELECTs."""

    ctes: Mapping[str, Cte] = field(default_factory=dict)  # by lower-case name
    outer: "Block | None" = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the query is for.

    ``top``: the statement itself. ``ordered``: the order of its rows is seen.
    ``raw``: its values are used as computed, an AVG with its hidden digits; else
    MySQL may or may not store them in a temporary table, and so round them.
    ``stored``: it does. ``bare``: nobody reads the columns' keys. ``exists``: nor
    the columns.
    """

    top: bool = False
    ordered: bool = False
    raw: bool = False
    stored: bool = False
    bare: bool = False
    exists: bool = False


class Queries(Protocol):
    """The emitter, as the rules for subqueries use it."""

    session: SessionFacts
    unread: "Unread"

    def query(self, node: exp.Expr, scope: Scope, wanted: Wanted) -> Relation:
        """A whole query. Raises Forward."""
        ...

    def view(self, view: EngineView) -> Relation:
        """A view's query. Raises Forward."""
        ...

    def table(self, schema: str | None, name: str) -> EngineTable | EngineView:
        """What a name in FROM is. Raises Forward."""
        ...

    def name(self, letter: str) -> str:
        """A name that nothing else in the SQL has."""
        ...


def quoted(name: str) -> str:
    """A DuckDB identifier."""
    return '"' + name.replace('"', '""') + '"'


def only(node: exp.Expr, *known: str) -> None:
    """Refuse a node that says more than the rule for it reads."""
    for name, argument in node.args.items():
        if argument and name not in known:
            raise Forward(f"{type(node).__name__} with {name}")


def allowed(policy: Policy, construct: str) -> None:
    """Refuse a construct that a setting has switched off."""
    if construct in policy.switched_off:
        raise Forward(f"{construct}, which is switched off")


def maybe_null(value: Value) -> Value:
    return value if value.nullable else replace(value, nullable=True)


def listed(values: Sequence[Value], keys: bool) -> str:
    """The select list that gives the values their names: c1, k1, c2, ..."""
    written = []
    for place, value in enumerate(values, 1):
        written.append(f"{value.sql} AS c{place}")
        if keys and value.key is not None:
            written.append(f"{value.key} AS k{place}")
    return ", ".join(written)


def renamed(columns: Columns, names: Sequence[str]) -> Columns:
    """The columns under the names of ``AS x (a, b)``; no names: their own."""
    if not names:
        return columns
    if len(names) != len(columns):
        raise Forward("a column list of another length")
    return tuple((name, v) for name, (_, v) in zip(names, columns, strict=True))


def columns_of(alias: exp.Expr | None) -> list[str]:
    """The names in ``AS x (a, b)``."""
    if alias is None:
        return []
    only(alias, "this", "columns")
    return [name.name for name in alias.args.get("columns") or ()]


def bound(columns: Columns, alias: str) -> tuple[tuple[str, Value], ...]:
    """The columns as an outer SELECT sees them; without a name they can't be read."""
    return tuple(
        (name or "", at_place(value, alias, place))
        for place, (name, value) in enumerate(columns, 1)
    )


def at_place(value: Value, alias: str, place: int) -> Value:
    """A query's column as ``alias`` shows it."""
    key = None if value.key is None else f"{alias}.k{place}"
    return elsewhere(value, f"{alias}.c{place}", key)


def elsewhere(value: Value, sql: str, key: str | None = None) -> Value:
    """The same values under another name, or some of them; with their key there."""
    if value.kind in ("string", "enum"):
        return moved(value, sql, key)
    return replace(value, sql=sql, literal=None)
