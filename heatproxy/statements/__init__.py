"""What the engine process does with a statement: one file a kind of statement."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from heatproxy.session import Session
from heatproxy.sql.lexer import Token
from heatproxy.wire.columns import ColumnDefinition


@dataclass(frozen=True, slots=True)
class Binding:
    """What a prepared statement was before values were put in for its ``?``.

    ``places`` says where in the text a value begins; ``columns`` are those that MySQL
    gave the statement when it was prepared. ``is_first``: to MySQL the values mean what
    they would at the first execution.
    """

    places: frozenset[int]
    columns: Sequence[ColumnDefinition]
    is_first: bool = True


@dataclass(frozen=True, slots=True)
class Text:
    """One statement: the text it stands in, and its tokens there."""

    text: bytes
    tokens: Sequence[Token]
    binding: Binding | None = None

    @property
    def own(self) -> bytes:
        """The statement's own part of the text."""
        return self.text[self.tokens[0].start : self.tokens[-1].end]

    @property
    def names(self) -> set[str]:
        """Every identifier and keyword in it."""
        return {token.name for token in self.tokens if token.name is not None}

    def part(self, start: int) -> "Text":
        """The statement from one of its tokens on."""
        return replace(self, tokens=self.tokens[start:])

    def described(self, columns: list[ColumnDefinition]) -> list[ColumnDefinition]:
        """The columns of its result, as those of the prepared statement it comes from.

        They bear the names that have ``?`` in them. A column whose kind the value of a
        parameter decides is what the value makes it.
        """
        if self.binding is None or len(self.binding.columns) != len(columns):
            return columns
        return [
            prepared
            if prepared.kind == column.kind
            else replace(column, name=prepared.name)
            for prepared, column in zip(self.binding.columns, columns, strict=True)
        ]


Shown = Callable[[str], str]


def _unchanged(name: str) -> str:
    return name


@dataclass(frozen=True, slots=True)
class Work:
    """What gives a client its answer to a statement, or raises Declined.

    ``whole`` is the statement as MySQL can prepare it, where that is not its own text:
    older scripts leave arguments out. ``shown`` makes a column's name what it is in
    the text that the client sent. ``optional``: MySQL can answer it as well.
    """

    run: Callable[[], Awaitable[None]]
    whole: bytes | None = None
    shown: Shown = _unchanged
    kind: str = ""  # what metrics call it, if not by the name of its module
    optional: bool = False


# Looks at a statement; what it returns, if anything, gives the client its answer.
Handler = Callable[[Session, Text], Awaitable[Work | None]]
