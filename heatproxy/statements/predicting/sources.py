"""What a statement with predictions reads, as MySQL can read it.

Lakehouse tables are copied for MySQL (``copies``), and tables of RAPID's are read in
MySQL itself: predictions are made of what the client's own session sees.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from heatproxy.errors import not_supported
from heatproxy.session import Cancel, Session
from heatproxy.sql.references import verb
from heatproxy.statements import Text
from heatproxy.statements.copies import Copies, Uncopied
from heatproxy.statements.offload import hidden_by_temporary, names_shell
from heatproxy.statements.sources import (
    Query,
    follow_current,
    query_of,
    require_same_meaning,
)

_CHANGES = (b"UPDATE", b"DELETE")


@asynccontextmanager
async def readable(session: Session, statement: Text) -> AsyncIterator[bytes]:
    """The statement's text over what MySQL can read, as long as that stands.

    Raises:
        MySQLError: 1235, why there are no copies of its Lakehouse tables; 3877, one of
            these has not been loaded.
    """
    found = await _lakehouse(session, statement)
    if found is None or not found.sources:
        yield statement.own
        return
    if await session.backend.scalar("SELECT @@binlog_format") == "STATEMENT":
        raise not_supported("copies for MySQL where binlog_format is STATEMENT")
    copies = Copies(session, await session.schema())
    changes = verb(statement.tokens) in _CHANGES
    try:
        yield await copies.text(found, changes=changes)
    except Uncopied as problem:
        what = f"predictions of Lakehouse tables: {problem}"
        raise not_supported(what) from None
    finally:
        await copies.drop()


async def _lakehouse(session: Session, statement: Text) -> Query | None:
    """What of Lakehouse the statement reads; None: nothing."""
    if not names_shell(session, statement):
        return None
    await follow_current(session, statement)
    schema = await session.schema()

    def look(cancel: Cancel) -> Query:
        return query_of(session.house, statement, schema)

    found = await session.off_loop(partial(look))
    sources = []
    for reference, source in found.sources:
        where = reference.schema or schema or ""
        if not await hidden_by_temporary(session, where, reference.name):
            sources.append((reference, source))
    kept = replace(found, sources=tuple(sources))
    collation = await session.backend.scalar("SELECT @@collation_connection")
    require_same_meaning(kept, collation or "", escapes=session.backslash_escapes)
    return kept
