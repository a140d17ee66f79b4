"""Which Lakehouse tables a statement reads, by itself or through views.

Source: MySQL Reference Manual, "CREATE VIEW Statement".
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from heatproxy.backend.shells import Shell
from heatproxy.errors import MySQLError, not_supported
from heatproxy.house import House, follow_shells
from heatproxy.session import Session
from heatproxy.sql.emitter.values import EngineView
from heatproxy.sql.lexer import Token, tokens
from heatproxy.sql.references import Reference, expressions, references
from heatproxy.statements import Text

# What a view says of its definer, and not of who reads it.
_OF_DEFINERS = (b"CURRENT_USER", b"CURRENT_ROLE")


@dataclass(frozen=True, slots=True)
class Query:
    """A text with the tables in it that are Lakehouse's, or views of such."""

    text: bytes
    part: Sequence[Token]
    sources: "tuple[tuple[Reference, Shell | ViewQuery], ...]"

    def shells(self) -> Iterator[Shell]:
        """The Lakehouse tables in the order of the text, as often as they are read."""
        for _, source in self.sources:
            if isinstance(source, Shell):
                yield source
            else:
                yield from source.query.shells()

    def parts(self) -> Iterator[Sequence[Token]]:
        """The tokens of the text and of every view in it."""
        yield self.part
        for _, source in self.sources:
            if isinstance(source, ViewQuery):
                yield from source.query.parts()


@dataclass(frozen=True, slots=True)
class ViewQuery:
    """A view and its text."""

    view: EngineView
    query: Query


async def follow_current(session: Session, statement: Text) -> None:
    """See to it that the shells a statement names are those that the backend has.

    One that was dropped there behind our back, and another made in its place, is
    MySQL's.
    """
    shells, named = session.house.shells, statement.names
    for shell in [one for one in shells.all() if one.table in named]:
        if not await asyncio.to_thread(shells.is_current, shell):
            await follow_shells(session.house)
            break


def query_of(house: House, statement: Text, schema: str | None) -> Query:
    """The statement and what it reads; blocks.

    Raises:
        MySQLError: 1235, one of its names has two meanings.
    """
    return _query(house, statement.text, statement.tokens, schema)


def reads_shell(house: House, statement: Text, schema: str | None) -> bool:
    """Whether a statement of any kind reads a Lakehouse table; blocks."""
    try:
        return any(query_of(house, statement, schema).shells())
    except MySQLError:
        return True


def require_same_meaning(found: Query, collation: str, *, escapes: bool) -> None:
    """Refuse a view whose text would mean something else in the caller's own session.

    ``collation`` is the session's collation_connection; ``escapes``: a backslash
    escapes in its literals.

    Raises:
        MySQLError: 1235, and which view it is.
    """
    for _, source in found.sources:
        if isinstance(source, Shell):
            continue
        view, name = source.view, f"{source.view.schema}.{source.view.name}"
        if not escapes:
            raise not_supported(f"the view {name} under NO_BACKSLASH_ESCAPES")
        if view.collation != collation:
            raise not_supported(f"the view {name}, made under {view.collation},")
        if any(token.is_word(*_OF_DEFINERS) for token in source.query.part):
            raise not_supported(f"the view {name}, which asks who its definer is,")
        require_same_meaning(source.query, collation, escapes=escapes)


def _query(
    house: House, text: bytes, part: Sequence[Token], schema: str | None
) -> Query:
    found: list[tuple[Reference, Shell | ViewQuery]] = []
    own = expressions(part)
    views = house.names_over_shells()
    for reference in references(part):
        where = reference.schema or schema
        shell = house.shells.find(where, reference.name)
        is_own = reference.schema is None and reference.name.lower() in own
        if shell is not None:
            if is_own:
                what = "a common table expression by the name of a Lakehouse table"
                raise not_supported(what)
            found.append((reference, shell))
        elif reference.name in views and not is_own:
            view = house.translator.view(where, reference.name)
            if view is None:
                continue
            inner = view.text.encode()
            query = _query(house, inner, tokens(inner), view.schema)
            if query.sources:
                found.append((reference, ViewQuery(view, query)))
    return Query(text, part, tuple(found))
