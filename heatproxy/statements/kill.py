"""KILL of a session whose statement may be ours.

MySQL carries it out and decides who may. It ignores a KILL QUERY of a session that
waits for nothing just then, though heatproxy may be at work for it: the statement that
was under way when the KILL came ends all the same.
"""

from functools import partial

from heatproxy.session import Session
from heatproxy.statements import Text, Work


async def handle(session: Session, statement: Text) -> Work | None:
    """Take KILL QUERY; KILL CONNECTION does without us."""
    words = statement.tokens
    alone = statement.text.strip(b" \t\r\n;") == statement.own
    if not alone or len(words) < 3 or not words[0].is_word(b"KILL"):
        return None
    if not words[1].is_word(b"QUERY"):
        return None
    expression = statement.text[words[2].start : words[-1].end]
    return Work(partial(_answer, session, statement.own, expression))


async def _answer(session: Session, text: bytes, expression: bytes) -> None:
    (asked,) = await session.backend.evaluate([expression])
    watches = session.house.watches
    watch = watches.running(int(asked)) if asked and asked.isdigit() else None
    await session.backend.query(text)
    if watch is not None and watch is not session.watch:
        watch.kill()
    session.aftermath = None
    await session.answer.ok()
