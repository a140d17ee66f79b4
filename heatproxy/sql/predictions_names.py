"""The names of the columns that a table is made of, where the text gives none.

MySQL names a column by its expression's text, which is another once look-ups stand in
the calls' places.
"""

from collections.abc import Sequence

from heatproxy.datatypes import quote_name
from heatproxy.sql.calls import RoutineCall
from heatproxy.sql.lexer import Token, split_at_commas, text_of
from heatproxy.sql.predictions import Edit
from heatproxy.sql.predictions_blocks import blocks, main_block

_LONGEST = 64


def query_of_table(part: Sequence[Token]) -> int | None:
    """Where the query of CREATE TABLE ... SELECT begins."""
    block = main_block(blocks(part))
    if not part[0].is_word(b"CREATE") or block is None:
        return None
    begin = block.span[0]
    for span in block.tables:
        begin = min(begin, span[0] - 1)
    while begin and part[begin - 1].is_word(b"WITH", b"RECURSIVE"):
        begin -= 1
    while begin and part[begin - 1].is_symbol(b"("):
        begin -= 1
    return begin


def named(
    text: bytes,
    part: Sequence[Token],
    calls: Sequence[RoutineCall],
    names: Sequence[str],
    given: Sequence[str],
) -> list[Edit] | None:
    """An alias for each column of a table that MySQL names by a call in it.

    ``names`` are MySQL's for the query, ``given`` what they are in the client's own
    text. None: one of them is no name for a column of a table.
    """
    edits: list[Edit] = []
    block = main_block(blocks(part))
    assert block is not None
    first, end = block.clauses[b"LIST"]
    items = list(split_at_commas(part[first:end]))
    star = any(words[-1].is_symbol(b"*") for words in items)
    for place, words in enumerate(items):
        start, stop = words[0].start, words[-1].end
        if not any(start <= call.start < stop for call in calls):
            continue
        at = place if not star else len(names) - len(items) + place
        if at >= len(names) or _squeezed(names[at]) != _squeezed(
            text_of(text, words).decode("utf-8", "replace")
        ):
            continue
        if len(given[at]) > _LONGEST:
            return None
        edits.append((stop, stop, b" AS " + quote_name(given[at]).encode()))
    return edits


def _squeezed(text: str) -> str:
    return "".join(text.split())
