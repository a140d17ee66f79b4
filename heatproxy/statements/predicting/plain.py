"""SELECTs whose predictions can be put into the rows on their way to the client.

That is one query block with calls in its select list alone, each by itself or with
``$.Prediction`` taken from it, and nothing that is computed of what they answer.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from heatproxy.sql.calls import RoutineCall
from heatproxy.sql.lexer import Kind, Token, split_at_commas, text_of
from heatproxy.sql.predictions import AGGREGATES
from heatproxy.sql.predictions_blocks import Block, blocks
from heatproxy.statements.predicting.calls import is_constant

_OTHER_CLAUSES = (b"GROUP", b"HAVING", b"WINDOW", b"INTO", b"FOR", b"LOCK")
_MODIFIERS = (
    *(b"ALL", b"HIGH_PRIORITY", b"STRAIGHT_JOIN", b"SQL_SMALL_RESULT"),
    *(b"SQL_BIG_RESULT", b"SQL_BUFFER_RESULT", b"SQL_NO_CACHE"),
)
_NOT_PLAIN = (b"DISTINCT", b"DISTINCTROW", b"SQL_CALC_FOUND_ROWS", b"OVER")
_PATH = rb"\s*,\s*'\$\.Prediction'\s*\)"
# What may stand around a call: the whole answer, its Prediction as JSON or as text,
# or as a value of some type.
WHOLE, PREDICTION, TEXT, VALUE = "whole", "prediction", "text", "value"
_FORMS = (
    (re.compile(rb"(?is)\s*"), re.compile(rb"(?is)\s*"), WHOLE),
    (
        re.compile(rb"(?is)\s*JSON_EXTRACT\s*\(\s*"),
        re.compile(rb"(?s)" + _PATH + rb"\s*"),
        PREDICTION,
    ),
    (
        re.compile(rb"(?is)\s*JSON_UNQUOTE\s*\(\s*JSON_EXTRACT\s*\(\s*"),
        re.compile(rb"(?s)" + _PATH + rb"\s*\)\s*"),
        TEXT,
    ),
    (
        re.compile(rb"(?is)\s*JSON_VALUE\s*\(\s*"),
        re.compile(
            rb"(?is)\s*,\s*'\$\.Prediction'\s+RETURNING\s+"
            rb"(?P<type>SIGNED|DOUBLE|CHAR\(\d+\))\s+ERROR\s+ON\s+ERROR\s*\)\s*"
        ),
        VALUE,
    ),
)
_ALIAS = re.compile(
    rb"(?is)(?:\s+AS)?\s*(?:`(?:[^`]|``)+`|(?<=\s)[A-Za-z_\x80-\xff][\w$\x80-\xff]*"
    rb"|'[^']*'|(?<=\s)\"[^\"]*\")\s*"
)
_KEY = re.compile(rb"'([^'\\\\]*)'")
_TERM = (b"+", b"-", b"*", b"/", b"(", b")", b".")


@dataclass(frozen=True, slots=True)
class Item:
    """A member of the select list: its text, and the call in it.

    ``type`` is that of a VALUE, in upper case.
    """

    text: bytes
    call: RoutineCall | None = None
    form: str = WHOLE
    type: bytes = b""


@dataclass(frozen=True, slots=True)
class Plain:
    """Such a SELECT: what stands before its list, the list, and what is behind it."""

    head: bytes
    items: tuple[Item, ...]
    rest: bytes


def plain(
    text: bytes, part: Sequence[Token], calls: Sequence[RoutineCall], *, escapes: bool
) -> Plain | None:
    """The SELECT, if it is one."""
    found = blocks(part)
    if not found or found[0].span != (0, len(part)) or not part[0].is_word(b"SELECT"):
        return None
    block = found[0]
    first, end = block.clauses[b"LIST"]
    if any(name in block.clauses for name in _OTHER_CLAUSES):
        return None
    while first < end and part[first].is_word(*_MODIFIERS):
        first += 1
    listed = part[first:end]
    if any(t.is_word(*AGGREGATES, *_NOT_PLAIN) or t.is_symbol(b":=") for t in listed):
        return None
    start, stop = listed[0].start, listed[-1].end
    if any(not start <= call.start < stop for call in calls):
        return None
    if any(not _has_constants(call, escapes=escapes) for call in calls):
        return None
    items = []
    for words in split_at_commas(listed):
        item = _item(text, words, calls)
        if item is None:
            return None
        items.append(item)
    if _orders_by_one(part, block, items):
        return None
    rest = text_of(text, part[end:])
    return Plain(text[part[0].start : start], tuple(items), rest)


def fields_of(argument: bytes, part: Sequence[Token]) -> list[tuple[str, bytes]] | None:
    """Key and expression of each member of a JSON_OBJECT; None where it is no such.

    The keys are literals and all different; the expressions are columns and numbers,
    and sums of them, so that their types say what they are in JSON.
    """
    words = part
    if len(words) < 3 or not words[0].is_word(b"JSON_OBJECT"):
        return None
    if not words[1].is_symbol(b"(") or not words[-1].is_symbol(b")"):
        return None
    members = list(split_at_commas(words[2:-1]))
    if len(members) % 2 or not members:
        return None
    found: dict[str, bytes] = {}
    for key, value in zip(members[::2], members[1::2], strict=True):
        match = _KEY.fullmatch(key[0].text) if len(key) == 1 else None
        if match is None or key[0].kind is not Kind.STRING or not _is_term(value):
            return None
        found[match[1].decode()] = text_of(argument, value)
    return list(found.items()) if 2 * len(found) == len(members) else None


def _is_term(value: Sequence[Token]) -> bool:
    for index, token in enumerate(value):
        if token.kind is Kind.SYMBOL and token.text in _TERM:
            continue
        if token.kind is Kind.NAME or token.kind is Kind.NUMBER:
            continue
        if token.kind is not Kind.WORD or token.is_word(b"TRUE", b"FALSE", b"NULL"):
            return False
        behind = value[index + 1] if index + 1 < len(value) else None
        if behind is not None and not (
            behind.kind is Kind.SYMBOL and behind.text in _TERM and behind.text != b"("
        ):
            return False
    return bool(value)


def _has_constants(call: RoutineCall, *, escapes: bool) -> bool:
    """Whether all of its arguments but the first are the same for every row."""
    return all(is_constant(text, escapes=escapes) for text in call.arguments[1:])


def _item(
    text: bytes, words: Sequence[Token], calls: Sequence[RoutineCall]
) -> Item | None:
    start, end = words[0].start, words[-1].end
    inside = [call for call in calls if start <= call.start < end]
    whole = text[start:end]
    if not inside:
        return Item(whole)
    if len(inside) > 1:
        return None
    before = text[start : inside[0].start]
    behind = text[inside[0].end : end]
    for opening, closing, form in _FORMS:
        match = closing.match(behind) if opening.fullmatch(before) else None
        if match is None:
            continue
        alias = behind[match.end() :]
        spaced = behind[match.end() - 1 : match.end()].isspace()
        if not alias or _ALIAS.fullmatch((b" " if spaced else b"") + alias):
            kind = match["type"] if form == VALUE else b""
            return Item(whole, inside[0], form, kind.upper())
    return None


def _orders_by_one(part: Sequence[Token], block: Block, items: Sequence[Item]) -> bool:
    """Whether ORDER BY names a prediction, or a column by its place."""
    first, end = block.clauses.get(b"ORDER", (0, 0))
    words = part[first:end]
    aliases = set(_aliases(items))
    if any(t.name is not None and t.name.lower() in aliases for t in words):
        return True
    return any(
        member[0].kind is Kind.NUMBER for member in split_at_commas(words) if member
    )


def _aliases(items: Sequence[Item]) -> Iterator[str]:
    for item in items:
        if item.call is None:
            continue
        last = re.search(rb"([\w$\x80-\xff]+|`(?:[^`]|``)+`)\s*$", item.text)
        if last is not None:
            yield (
                last[1]
                .strip(b"`")
                .replace(b"``", b"`")
                .decode("utf-8", "replace")
                .lower()
            )
