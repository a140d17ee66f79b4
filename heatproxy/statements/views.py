"""CREATE VIEW over tables that the engine holds: its name is looked for at once."""

import asyncio
from functools import partial

from heatproxy.session import Session
from heatproxy.statements import Text, Work

_HEAD_TOKENS = 24  # of CREATE OR REPLACE ALGORITHM = ... DEFINER = u@h ... VIEW


async def handle(session: Session, statement: Text) -> Work | None:
    """Take CREATE VIEW where the view may read what the engine holds."""
    words = statement.tokens
    if not words[0].is_word(b"CREATE"):
        return None
    for word in words[1:_HEAD_TOKENS]:
        if word.is_word(b"AS", b"PROCEDURE", b"FUNCTION", b"TRIGGER", b"EVENT"):
            return None
        if word.is_word(b"VIEW"):
            break
    else:
        return None
    always, _, loaded, _ = session.house.filter_names()
    if not statement.names & (always | loaded):
        return None
    return Work(partial(_relay_and_look, session, statement), optional=True)


async def _relay_and_look(session: Session, statement: Text) -> None:
    views = session.house.views
    await session.relay(statement.own, partial(asyncio.to_thread, views.refresh))
    views.tell()
