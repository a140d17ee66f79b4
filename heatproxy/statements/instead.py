"""A statement that MySQL answers in the place of the client's own.

What it leaves in the session is what the client is told when it asks; what was made
for it is cleaned up before the client hears of its end.
"""

from collections.abc import Awaitable, Callable

from heatproxy.aftermath import Aftermath, conditions_of
from heatproxy.session import Session
from heatproxy.wire.parameters import encode
from heatproxy.wire.redescribed import Describe


async def relay_instead(
    session: Session,
    text: bytes,
    describe: Describe | None,
    clean_up: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Have MySQL answer with a statement; its Aftermath becomes the session's.

    Args:
        describe: changes how the columns are described; None for what has none.
        clean_up: runs before the client knows of the end.

    Raises:
        MySQLError: MySQL's.
    """
    backend = session.backend
    left: list[Aftermath] = []

    async def before_end() -> None:
        # in this order: SHOW WARNINGS leaves FOUND_ROWS() as it is
        conditions = await conditions_of(backend)
        found_rows = int(await backend.scalar("SELECT FOUND_ROWS()") or 0)
        affected = session.answer.affected_rows
        row_count = -1 if affected is None else affected
        left.append(Aftermath(found_rows, row_count, conditions))
        if clean_up is not None:
            await clean_up()

    if describe is not None and session.answer.binary:
        reply = await backend.prepare(text)
        try:
            command = encode(reply.statement_id, backend.capabilities, [])
            await session.relay_command(command, before_end, describe)
        finally:
            backend.close_statement(reply.statement_id)
    else:
        await session.relay(text, before_end, describe)
    session.aftermath = left[0] if left else None
