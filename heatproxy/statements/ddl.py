"""DROP, RENAME and other DDL that names a Lakehouse table or its schema.

MySQL carries it out on the shell; afterwards the engine's data follows the shells that
are left.
"""

import asyncio
from functools import partial

from heatproxy.errors import not_supported
from heatproxy.session import House, Session
from heatproxy.sql.lexer import find_word
from heatproxy.statements import Text, Work


async def handle(session: Session, statement: Text) -> Work | None:
    """Take DROP and RENAME; refuse what would change a Lakehouse table."""
    first = statement.tokens[0]
    shells = session.house.shells
    names = {token.name for token in statement.tokens}
    if first.is_word(b"DROP", b"RENAME") and names & (shells.tables | shells.schemas):
        return partial(_relay_and_follow, session, statement)
    if first.is_word(b"ALTER", b"TRUNCATE") and names & shells.tables:
        verb = first.text.upper().decode()
        raise not_supported(f"{verb} of a Lakehouse table")
    if first.is_word(b"CREATE") and names & shells.tables:
        if find_word(statement.tokens, b"LIKE") is not None:
            raise not_supported("CREATE TABLE ... LIKE a Lakehouse table")
    return None


async def _relay_and_follow(session: Session, statement: Text) -> None:
    await session.relay(statement.text)
    await follow_shells(session.house)


async def follow_shells(house: House) -> None:
    """Look at the shells again, drop data that is nobody's, tell the relays."""
    await asyncio.to_thread(_follow, house)
    house.shells.tell()


def _follow(house: House) -> None:
    house.shells.refresh()
    for name in set(house.engine.tables()) - house.shells.engine_names:
        house.engine.drop(name)
