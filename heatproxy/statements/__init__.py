"""What the engine process does with a statement: one file a kind of statement."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from heatproxy.session import Session
from heatproxy.sql.lexer import Token


@dataclass(frozen=True, slots=True)
class Text:
    """One statement: the text its packet carries, and its tokens in it."""

    text: bytes
    tokens: Sequence[Token]

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
        return Text(self.text, self.tokens[start:])


Work = Callable[[], Awaitable[None]]

# Looks at a statement; what it returns, if anything, gives the client its answer.
Handler = Callable[[Session, Text], Awaitable[Work | None]]
