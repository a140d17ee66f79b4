"""DROP, RENAME and other DDL that names a Lakehouse table or its schema.

MySQL carries it out on the shell; afterwards the engine's data follows the shells that
are left.
"""

from functools import partial

from heatproxy.errors import not_supported
from heatproxy.session import Session, follow_shells
from heatproxy.sql.lexer import find_word, qualified_name, split_at_commas
from heatproxy.statements import Text, Work

# Of these MySQL would speak of the shell: an empty checksum, a missing tablespace.
MAINTENANCE = (b"ANALYZE", b"CHECK", b"CHECKSUM", b"OPTIMIZE", b"REPAIR")
_NOISE = (b"TABLE", b"TABLES", b"NO_WRITE_TO_BINLOG", b"LOCAL")


async def handle(session: Session, statement: Text) -> Work | None:
    """Take DROP and RENAME; refuse what would change a Lakehouse table."""
    words = statement.tokens
    shells = session.house.shells
    names = statement.names
    verb = words[0].text.upper()
    if verb in (b"DROP", b"RENAME") and names & (shells.tables | shells.schemas):
        return Work(partial(_relay_and_follow, session, statement))
    if not names & shells.tables:
        return None
    if verb in (b"ALTER", b"TRUNCATE", *MAINTENANCE):
        if await _is_of_a_shell(session, statement, 1):
            raise not_supported(f"{verb.decode()} of a Lakehouse table")
    elif verb == b"CREATE":
        like = find_word(words, b"LIKE") or next(
            (i for i, word in enumerate(words[:8]) if word.is_word(b"LIKE")), None
        )
        if like is not None and await _is_of_a_shell(session, statement, like + 1):
            raise not_supported("CREATE TABLE ... LIKE a Lakehouse table")
    return None


async def _is_of_a_shell(session: Session, statement: Text, start: int) -> bool:
    """Whether one of the tables listed from there on is a Lakehouse table."""
    words = statement.tokens
    while start < len(words) and words[start].is_word(*_NOISE):
        start += 1
    default = await session.schema()
    for listed in split_at_commas(words[start:]):
        named = qualified_name(listed, 0)
        if named and session.house.shells.find(named[0] or default, named[1]):
            return True
        if not words[0].is_word(*MAINTENANCE):  # these alone take several tables
            return False
    return False


async def _relay_and_follow(session: Session, statement: Text) -> None:
    await session.relay(statement.own, partial(follow_shells, session.house))
