"""Where a prepared statement takes its parameters, and the text with values in place.

A ``?`` is found by the lexer: those in strings, names and comments are none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from heatproxy.sql.lexer import Token

_ENDS_A_LIST = (
    *(b"LIMIT", b"HAVING", b"WINDOW", b"FOR", b"LOCK", b"INTO", b"WITH", b"ROWS"),
    *(b"RANGE", b"UNION", b"EXCEPT", b"INTERSECT", b"SELECT", b"WHERE"),
)


class Place(Enum):
    """What a value would mean at a place."""

    VALUE = auto()
    COUNT = auto()  # of LIMIT or OFFSET: digits and nothing else
    KEY = auto()  # of ORDER BY or GROUP BY: digits would be a column's number


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One ``?``."""

    start: int
    place: Place


def placeholders(found: Sequence[Token]) -> list[Placeholder]:
    """The ``?`` of a statement, in their order."""
    marks = []
    keys = [False]  # for each open parenthesis: whether a list of keys is being read
    for index, token in enumerate(found):
        if token.is_symbol(b"("):
            keys.append(False)
        elif token.is_symbol(b")") and len(keys) > 1:
            keys.pop()
        elif token.is_word(b"BY"):
            keys[-1] = True
        elif token.is_word(*_ENDS_A_LIST):
            keys[-1] = False
        elif token.is_symbol(b"?"):
            marks.append(Placeholder(token.start, _place(found, index, keys[-1])))
    return marks


def _place(found: Sequence[Token], index: int, among_keys: bool) -> Place:
    before = found[index - 1] if index else None
    if before is None:
        return Place.VALUE
    if before.is_word(b"LIMIT", b"OFFSET"):
        return Place.COUNT
    if not before.is_symbol(b","):
        is_key = among_keys and before.is_word(b"BY")
        return Place.KEY if is_key else Place.VALUE
    if index > 2 and found[index - 3].is_word(b"LIMIT"):
        return Place.COUNT
    return Place.KEY if among_keys else Place.VALUE


def filled(
    text: bytes, marks: Sequence[Placeholder], by: Sequence[bytes]
) -> tuple[bytes, frozenset[int]]:
    """The text with values for its placeholders, and where each value begins."""
    pieces: list[bytes] = []
    places = []
    position = length = 0
    for mark, value in zip(marks, by, strict=True):
        before = text[position : mark.start]
        length += len(before) + 1
        places.append(length)
        pieces += [before, b" ", value, b" "]  # a word may stand right beside it
        length += len(value) + 1
        position = mark.start + 1
    pieces.append(text[position:])
    return b"".join(pieces), frozenset(places)
