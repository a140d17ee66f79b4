"""DROP, RENAME and other DDL that names a Lakehouse table or its schema.

MySQL carries it out on the shell; afterwards the engine's data follows the shells that
are left.
"""

from functools import partial

from heatproxy.errors import not_supported
from heatproxy.session import Session, follow_shells
from heatproxy.sql.lexer import find_word
from heatproxy.statements import Text, Work


async def handle(session: Session, statement: Text) -> Work | None:
    """Take DROP and RENAME; refuse what would change a Lakehouse table."""
    first = statement.tokens[0]
    shells = session.house.shells
    names = statement.names
    if first.is_word(b"DROP", b"RENAME") and names & (shells.tables | shells.schemas):
        return partial(_relay_and_follow, session, statement)
    if first.is_word(b"ALTER", b"TRUNCATE") and names & shells.tables:
        verb = first.text.upper().decode()
        raise not_supported(f"{verb} of a Lakehouse table")
    creates = first.is_word(b"CREATE") and names & shells.tables
    if creates and find_word(statement.tokens, b"LIKE") is not None:
        raise not_supported("CREATE TABLE ... LIKE a Lakehouse table")
    return None


async def _relay_and_follow(session: Session, statement: Text) -> None:
    await session.relay(statement.text)
    await follow_shells(session.house)
