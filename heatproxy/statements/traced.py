"""INFORMATION_SCHEMA.OPTIMIZER_TRACE with the reason why RAPID did not answer.

MySQL writes the trace of what it was left with, and shows it; the reason is put into
the rows on their way.

Source: HeatWave User Guide, "Debugging Queries": Rapid_Offload_Fails and
secondary_engine_not_used.
"""

import json
from functools import partial

from heatproxy.datatypes import quote_text
from heatproxy.rapid.decision import Cause, Refusal
from heatproxy.session import Session
from heatproxy.sql.lexer import Token
from heatproxy.sql.prefilter import TRACE
from heatproxy.statements import Text, Work

_CLAUSES = (
    *(b"WHERE", b"ORDER", b"LIMIT", b"GROUP", b"HAVING", b"UNION", b"JOIN", b"LEFT"),
    *(b"RIGHT", b"INNER", b"CROSS", b"NATURAL", b"WINDOW", b"FOR", b"INTO"),
)


async def handle(session: Session, statement: Text) -> Work | None:
    """Take a SELECT of the trace; and note that FLUSH STATUS forgets counts."""
    words = statement.tokens
    if words[0].is_word(b"FLUSH"):
        session.notes.counts_lost = True
        return None
    refusal = session.notes.explained
    if refusal is None or not words[0].is_word(b"SELECT", b"WITH"):
        return None
    text = _with_reason(statement, refusal)
    return None if text is None else Work(partial(session.relay, text))


def _with_reason(statement: Text, refusal: Refusal) -> bytes | None:
    """The statement with a query in place of the table; None if it reads it not."""
    words = statement.tokens
    for index, word in enumerate(words):
        if (word.name or "").lower() != TRACE:
            continue
        first = index
        if index >= 2 and words[index - 1].is_symbol(b"."):
            first = index - 2
        if not words[first - 1].is_word(b"FROM", b"JOIN"):
            continue
        alias = b"" if _has_alias(statement, index) else b" AS OPTIMIZER_TRACE"
        begin, end = words[0].start, words[-1].end
        before = statement.text[begin : words[first].start]
        after = statement.text[word.end : end]
        return before + b"(" + _rows(refusal) + b")" + alias + after
    return None


def _has_alias(statement: Text, index: int) -> bool:
    if index + 1 >= len(statement.tokens):
        return False
    follows: Token = statement.tokens[index + 1]
    return follows.name is not None and not follows.is_word(*_CLAUSES)


def _rows(refusal: Refusal) -> bytes:
    key, value = reason_of(refusal)
    path, text = quote_text(f"$.{key}"), quote_text(json.dumps(value))
    traced = f"JSON_SET(TRACE, {path}, CAST({text} AS JSON))"
    return (
        f"SELECT QUERY, IF(JSON_VALID(TRACE), {traced}, TRACE) AS TRACE,"
        " MISSING_BYTES_BEYOND_MAX_MEM_SIZE, INSUFFICIENT_PRIVILEGES"
        " FROM information_schema.OPTIMIZER_TRACE"
    ).encode()


def reason_of(refusal: Refusal) -> tuple[str, dict[str, object]]:
    """The key and the value that the trace has for a refusal."""
    if refusal.cause is Cause.COST:
        value = {"reason": refusal.words, "cost": refusal.cost}
        return "secondary_engine_not_used", {**value, "threshold": refusal.threshold}
    return "Rapid_Offload_Fails", {"Reason": refusal.words}
