"""MySQL itself as the one that answers, whatever RAPID the session asks for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from heatproxy.session import Session

_FORCED = "FORCED"


@asynccontextmanager
async def in_primary(
    session: Session, engine: str | None = None
) -> AsyncIterator[None]:
    """Have the session's statements answered by MySQL, even where RAPID is FORCED.

    Preparing them, too: under FORCED MySQL refuses some subqueries (3973). ``engine``
    is what the statement has for use_secondary_engine, where that is known already.
    """
    if engine not in (None, _FORCED):
        yield
        return
    before = await session.backend.scalar("SELECT @@use_secondary_engine")
    if before != _FORCED:
        yield
        return
    await session.backend.query("SET use_secondary_engine = OFF")
    try:
        yield
    finally:
        await session.backend.query(f"SET use_secondary_engine = {before}")
