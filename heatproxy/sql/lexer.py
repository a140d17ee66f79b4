"""Where the words of a statement are: a lexer that keeps the text as it came.

Statements are bytes in the client's character set; every set MySQL accepts from a
client keeps ASCII's own bytes, so words, quotes and commas are found without decoding,
and whatever is passed on is passed on byte for byte.

Source: MySQL Reference Manual, "Language Structure".
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from heatproxy.errors import not_supported


class Kind(Enum):
    """What a token is."""

    WORD = auto()  # an unquoted identifier or keyword
    NAME = auto()  # an identifier between back-ticks
    STRING = auto()
    NUMBER = auto()
    VARIABLE = auto()  # @x, @`x y`, @@session.x
    SYMBOL = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind, its text, and where that stands in the statement."""

    kind: Kind
    text: bytes
    start: int
    end: int

    def is_word(self, *words: bytes) -> bool:
        """Whether it is one of these keywords, given in upper case."""
        return self.kind is Kind.WORD and self.text.upper() in words

    def is_symbol(self, symbol: bytes) -> bool:
        return self.kind is Kind.SYMBOL and self.text == symbol

    @property
    def name(self) -> str | None:
        """The identifier it spells, or None."""
        if self.kind is Kind.NAME:
            return self.text[1:-1].replace(b"``", b"`").decode("utf-8", "replace")
        if self.kind is Kind.WORD:
            return self.text.decode("utf-8", "replace")
        return None


def _pattern(escapes: bool) -> re.Pattern[bytes]:
    # What is opened and never closed reaches to the end of the text: looking for its
    # end again from every quote in it would take time by the square of its length.
    plain = rb"%s(?:[^%s\\]|\\(?:.|\Z)|%s%s)*+(?:%s|\Z)"
    if not escapes:
        plain = rb"%s(?:[^%s]|%s%s)*+(?:%s|\Z)"
    single, double = (plain % ((quote,) * 5) for quote in (b"'", b'"'))
    name = rb"`(?:[^`]|``)*+(?:`|\Z)"
    word = rb"[A-Za-z0-9_$\x80-\xff]"
    return re.compile(
        rb"(?P<SPACE>\s+|--(?=[\s\x00-\x1f]|\Z)[^\n]*|#[^\n]*"
        rb"|/\*(?![!+]).*?(?:\*/|\Z))"
        rb"|(?P<VERSIONED>/\*!)"
        rb"|(?P<HINT>/\*\+.*?(?:\*/|\Z))"
        rb"|(?P<STRING>(?:[nN](?='))?(?:" + single + rb"|" + double + rb"))"
        rb"|(?P<NAME>" + name + rb")"
        rb"|(?P<VARIABLE>@@?(?:"
        + name
        + rb"|'[^']*(?:'|\Z)|\"[^\"]*(?:\"|\Z)|(?:"
        + word
        + rb"|\.)+|(?=[^@])))"
        rb"|(?P<NUMBER>(?:(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?+|\d++)(?!"
        + word
        + rb"))"
        rb"|(?P<WORD>" + word + rb"+)"
        rb"|(?P<SYMBOL>:=|<=>|->>|->|<=|>=|<>|!=|<<|>>|&&|\|\||[^\s])",
        re.DOTALL,
    )


_PATTERNS = {True: _pattern(True), False: _pattern(False)}


def tokens(text: bytes, *, backslash_escapes: bool = True) -> list[Token]:
    """The tokens of a text, comments and optimizer hints left out.

    Raises:
        MySQLError: 1235, there is a versioned comment: whether its inside counts
            depends on the server.
    """
    found = []
    for match in _PATTERNS[backslash_escapes].finditer(text):
        group = match.lastgroup
        if group == "VERSIONED":
            raise not_supported("/*! ... */ comments in a statement for HeatWave")
        if group in ("SPACE", "HINT") or group is None:
            continue
        found.append(Token(Kind[group], match[0], match.start(), match.end()))
    return found


def hint_spans(text: bytes, *, backslash_escapes: bool = True) -> list[tuple[int, int]]:
    """Where the optimizer hints of a text begin and end."""
    found = _PATTERNS[backslash_escapes].finditer(text)
    return [match.span() for match in found if match.lastgroup == "HINT"]


def statements(found: Sequence[Token]) -> list[Sequence[Token]]:
    """The tokens of each statement of a text, empty statements left out."""
    parts: list[Sequence[Token]] = []
    start = 0
    for index, token in enumerate(found):
        if token.is_symbol(b";"):
            parts.append(found[start:index])
            start = index + 1
    parts.append(found[start:])
    return [part for part in parts if part]


def text_of(text: bytes, part: Sequence[Token]) -> bytes:
    """The text that some neighbouring tokens stand in."""
    return text[part[0].start : part[-1].end] if part else b""


def split_at_commas(part: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The parts of a list between the commas of its own level."""
    depth = start = 0
    for index, token in enumerate(part):
        depth += _depth_change(token)
        if depth == 0 and token.is_symbol(b","):
            yield part[start:index]
            start = index + 1
    if part:
        yield part[start:]


def _depth_change(token: Token) -> int:
    if token.kind is not Kind.SYMBOL:
        return 0
    return {b"(": 1, b")": -1}.get(token.text, 0)


def closing(part: Sequence[Token], opening: int) -> int | None:
    """The index of the parenthesis that closes the one at ``opening``."""
    depth = 0
    for index in range(opening, len(part)):
        depth += _depth_change(part[index])
        if depth == 0:
            return index
    return None


def find_word(part: Sequence[Token], *words: bytes, start: int = 0) -> int | None:
    """The index of the first of these keywords outside of parentheses."""
    depth = 0
    for index in range(start, len(part)):
        depth += _depth_change(part[index])
        if depth == 0 and part[index].is_word(*words):
            follows_dot = index and part[index - 1].is_symbol(b".")
            if not follows_dot:
                return index
    return None


def qualified_name(
    part: Sequence[Token], start: int
) -> tuple[str | None, str, int] | None:
    """``schema.name`` or ``name`` at ``start``: both, and the index behind them."""
    if start >= len(part) or part[start].name is None:
        return None
    first = part[start].name
    assert first is not None
    if start + 2 < len(part) and part[start + 1].is_symbol(b"."):
        second = part[start + 2].name
        if second is not None:
            return first, second, start + 3
    return None, first, start + 1
