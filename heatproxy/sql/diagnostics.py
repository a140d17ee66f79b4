"""Statements that ask what the one before them has left: SHOW WARNINGS, ROW_COUNT().

Source: MySQL Reference Manual, "SHOW WARNINGS Statement", "SHOW ERRORS Statement",
"GET DIAGNOSTICS Statement", "Information Functions".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from heatproxy.datatypes import quote_name
from heatproxy.sql.lexer import Kind, Token, find_word, split_at_commas, text_of

FUNCTIONS = ("FOUND_ROWS", "ROW_COUNT")
VARIABLES = ("@@WARNING_COUNT", "@@ERROR_COUNT")
_SCOPES = re.compile(r"@@(?:SESSION|LOCAL)\.")
_END_OF_ITEMS = (
    *(b"FROM", b"INTO", b"WHERE", b"GROUP", b"HAVING", b"WINDOW", b"ORDER", b"LIMIT"),
    *(b"UNION", b"EXCEPT", b"INTERSECT", b"FOR", b"LOCK"),
)


@dataclass(frozen=True, slots=True)
class Show:
    """A SHOW WARNINGS or SHOW ERRORS."""

    only_errors: bool
    counts: bool  # SHOW COUNT(*) ...
    offset: int = 0
    limit: int | None = None


def show(part: Sequence[Token]) -> Show | None:
    """The SHOW WARNINGS or SHOW ERRORS that a statement is."""
    if len(part) < 2 or not part[0].is_word(b"SHOW"):
        return None
    counts = [token.text.upper() for token in part[1:5]] == [b"COUNT", b"(", b"*", b")"]
    at = 5 if counts else 1
    if len(part) <= at or not part[at].is_word(b"WARNINGS", b"ERRORS"):
        return None
    only_errors = part[at].is_word(b"ERRORS")
    rest = part[at + 1 :]
    if not rest:
        return Show(only_errors, counts)
    numbers = [int(t.text) for t in rest if t.kind is Kind.NUMBER and t.text.isdigit()]
    if counts or not rest[0].is_word(b"LIMIT") or not numbers:
        return None
    return Show(only_errors, counts, sum(numbers[:-1]), numbers[-1])


@dataclass(frozen=True, slots=True)
class Get:
    """A GET DIAGNOSTICS: each variable, and in upper case what it is to hold."""

    condition: bytes | None  # the expression for its number; None: about the whole
    items: Sequence[tuple[bytes, str]]


def get(text: bytes, part: Sequence[Token]) -> Get | None:
    """The GET DIAGNOSTICS into user variables that a statement is."""
    at = 2 if len(part) > 2 and part[1].is_word(b"CURRENT") else 1
    if len(part) < at + 4 or not part[0].is_word(b"GET"):
        return None
    if not part[at].is_word(b"DIAGNOSTICS"):
        return None
    at += 1
    condition = None
    if part[at].is_word(b"CONDITION"):
        condition = text_of(text, part[at + 1 : at + 2])
        at += 2
    items = []
    for item in split_at_commas(part[at:]):
        is_plain = len(item) == 3 and item[0].kind is Kind.VARIABLE
        if not is_plain or not item[1].is_symbol(b"="):
            return None
        name = item[2].text.upper().decode("utf-8", "replace")
        items.append((text_of(text, item[:1]), name))
    return Get(condition, items)


def replaced(
    text: bytes, part: Sequence[Token], values: Mapping[str, int]
) -> bytes | None:
    """The statement with these FUNCTIONS and VARIABLES as what they should say.

    Each stands in the new text still, where it does not count: what MySQL warns of, it
    warns of, and describes it as ever. None when there is none.
    """
    found = list(_found(part, values))
    if not found:
        return None
    starts = [start for start, _, _ in found]
    edits = [
        (start, end, _instead(name, values[name], text[start:end]))
        for start, end, name in found
    ]
    edits += [(end, end, alias) for end, alias in _aliases(text, part, starts)]
    pieces: list[bytes] = []
    position = part[0].start
    for start, end, new in sorted(edits):
        pieces += [text[position:start], new]
        position = end
    return b"".join([*pieces, text[position : part[-1].end]])


def _instead(name: str, value: int, own: bytes) -> bytes:
    number = b"CAST(%d AS UNSIGNED)" if name in VARIABLES else b"%d"
    return b"IF(1, %b, %b)" % (number % value, own)


def _found(
    part: Sequence[Token], values: Mapping[str, int]
) -> Iterator[tuple[int, int, str]]:
    for index, token in enumerate(part):
        word = token.text.upper().decode("utf-8", "replace")
        if token.kind is Kind.VARIABLE:
            name = _SCOPES.sub("@@", word).replace("`", "")
            if name in values:
                yield token.start, token.end, name
        elif word in values and len(part) > index + 2:
            empty = part[index + 1].is_symbol(b"(") and part[index + 2].is_symbol(b")")
            if empty and token.kind is Kind.WORD:
                yield token.start, part[index + 2].end, word


def _aliases(
    text: bytes, part: Sequence[Token], starts: Sequence[int]
) -> Iterator[tuple[int, bytes]]:
    """Where a select item that is changed ends, and the name it must keep."""
    if not part[0].is_word(b"SELECT"):
        return
    end = find_word(part, *_END_OF_ITEMS, start=1)
    for item in split_at_commas(part[1:end]):
        inside = any(item[0].start <= start < item[-1].end for start in starts)
        if inside and not _is_named(item):
            name = quote_name(text_of(text, item).decode("utf-8", "replace"))
            yield item[-1].end, b" AS " + name.encode()


def _is_named(item: Sequence[Token]) -> bool:
    if len(item) < 2 or find_word(item, b"AS") is not None:
        return len(item) > 1
    last, before = item[-1], item[-2]
    names = last.kind in (Kind.WORD, Kind.NAME, Kind.STRING)
    return names and (before.is_symbol(b")") or before.kind is not Kind.SYMBOL)
