"""What SQLite says otherwise than MySQL, in statements of Datasette's functions.

Names between brackets, ``json_group_array``, ``json_each``, and names of the select
list in WHERE. MySQL has none of these: what it accepts is left as it stands.

Source: SQLite, "SQL Keywords", "JSON Functions And Operators", "SELECT".
"""

import json
import re
from collections.abc import Sequence
from itertools import pairwise

from heatproxy.datatypes import quote_name
from heatproxy.sql.lexer import (
    Kind,
    Token,
    closing,
    find_word,
    split_at_commas,
    text_of,
    tokens,
)

_RENAMED = {
    b"JSON_GROUP_ARRAY": b"JSON_ARRAYAGG",
    b"JSON_GROUP_OBJECT": b"JSON_OBJECTAGG",
}
_EACH = b"JSON_EACH"
_AFTER_WHERE = (b"GROUP", b"HAVING", b"WINDOW", b"ORDER", b"LIMIT", b"UNION")
_TEXT = b"LONGTEXT CHARACTER SET utf8mb4"
_DIGITS = re.compile(rb"(?i)0x((?:[0-9A-F]{2})*)")
Edit = tuple[int, int, bytes]


def plain(text: bytes, *, escapes: bool) -> bytes:
    """The statement with brackets as back-ticks and aggregates by MySQL's names."""
    words = tokens(text, backslash_escapes=escapes)
    edits = list(_brackets(text, words))
    for word, following in pairwise(words):
        renamed = _RENAMED.get(word.text.upper()) if word.kind is Kind.WORD else None
        if renamed is not None and following.is_symbol(b"("):
            edits.append((word.start, word.end, renamed))
    return edited(text, edits)


def with_tables(text: bytes, *, escapes: bool) -> bytes:
    """The statement with each ``json_each(array)`` as a table of MySQL's.

    In such a statement the names of the select list may stand in WHERE.
    """
    words = tokens(text, backslash_escapes=escapes)
    edits: list[Edit] = []
    for index, word in enumerate(words):
        opens = index + 1 < len(words) and words[index + 1].is_symbol(b"(")
        end = closing(words, index + 1) if word.is_word(_EACH) and opens else None
        if end is not None:
            array = text[words[index + 1].start : words[end].end]
            kind = _kind_of(words[index + 1 : end + 1])
            edits.append((word.start, words[end].end, _each(array, kind)))
    if not edits:
        return text
    return edited(text, [*edits, *_aliases(text, words)])


def edited(text: bytes, edits: Sequence[Edit]) -> bytes:
    """The text with other bytes in some places that do not overlap."""
    for start, end, piece in sorted(edits, reverse=True):
        text = text[:start] + piece + text[end:]
    return text


def _brackets(text: bytes, words: Sequence[Token]) -> list[Edit]:
    found = []
    opened: Token | None = None
    for word in words:
        if opened is None and word.is_symbol(b"["):
            opened = word
        elif opened is not None and word.is_symbol(b"]"):
            name = text[opened.end : word.start].decode("utf-8", "replace")
            found.append((opened.start, word.end, quote_name(name).encode()))
            opened = None
    return found


def _kind_of(words: Sequence[Token]) -> bytes:
    """The type of the members of an array; that of numbers only where it is known."""
    inside = [w for w in words if not (w.is_symbol(b"(") or w.is_symbol(b")"))]
    if len(inside) != 2 or not inside[0].is_word(b"_UTF8MB4"):
        return _TEXT
    digits = _DIGITS.fullmatch(inside[1].text)
    members = json.loads(bytes.fromhex(digits[1].decode())) if digits else None
    if not isinstance(members, list) or not members:
        return _TEXT
    kinds = {type(one) for one in members if one is not None}
    if kinds == {int} and all(-(1 << 63) <= one < 1 << 63 for one in members if one):
        return b"BIGINT"
    return b"DOUBLE" if kinds == {float} else _TEXT


def _each(array: bytes, kind: bytes) -> bytes:
    return (
        b"(SELECT heatproxy_n - 1 AS `rowid`, heatproxy_n - 1 AS `key`, `value`"
        b" FROM JSON_TABLE(" + array + b", '$[*]' COLUMNS (heatproxy_n FOR ORDINALITY,"
        b" `value` " + kind + b" PATH '$')) AS heatproxy_each)"
    )


def _aliases(text: bytes, words: Sequence[Token]) -> list[Edit]:
    """Aliases quoted, and what they stand for put in their place in WHERE."""
    if not words[0].is_word(b"SELECT"):
        return []
    begin = find_word(words, b"FROM")
    edits: list[Edit] = []
    meant: dict[str, bytes] = {}
    for item in split_at_commas(words[1:begin]):
        alias = item[-1]
        if len(item) > 2 and item[-2].is_word(b"AS") and alias.name is not None:
            meant[alias.name.lower()] = b"(" + text_of(text, item[:-2]) + b")"
            edits.append((alias.start, alias.end, quote_name(alias.name).encode()))
    where = find_word(words, b"WHERE")
    if where is None:
        return edits
    end = find_word(words, *_AFTER_WHERE, start=where) or len(words)
    for index in range(where + 1, end):
        word = words[index]
        expression = meant.get(word.name.lower()) if word.name is not None else None
        if expression is not None and not _is_part(words, index):
            edits.append((word.start, word.end, expression))
    return edits


def _is_part(words: Sequence[Token], index: int) -> bool:
    """Whether a name there is one of a table's columns, a table's, or a function's."""
    if words[index - 1].is_symbol(b"."):
        return True
    following = words[index + 1 : index + 2]
    return any(word.is_symbol(b".") or word.is_symbol(b"(") for word in following)
