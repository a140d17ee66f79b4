"""DROP, RENAME and other DDL that names a Lakehouse table or its schema.

MySQL carries it out on the shell; afterwards the engine's data follows the shells that
are left. What Lakehouse tables lack is refused, or answered, as MySQL does for engines
that lack it.

Source: HeatWave User Guide, "Lakehouse Limitations for all File Formats".
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from heatproxy.aftermath import Aftermath, conditions_of, of_rows
from heatproxy.backend.shells import Shell
from heatproxy.datatypes import quote_text
from heatproxy.errors import (
    lakehouse_lacks,
    lakehouse_lacks_option,
    no_such_option_of_table,
    not_supported,
)
from heatproxy.house import follow_shells
from heatproxy.routines.filling import new_name
from heatproxy.session import Session
from heatproxy.sql.lexer import Token, qualified_name, split_at_commas
from heatproxy.statements import Text, Work

# Of these MySQL would speak of the shell: an empty checksum, a missing tablespace.
MAINTENANCE = (b"ANALYZE", b"CHECK", b"CHECKSUM", b"OPTIMIZE", b"REPAIR")
_EXISTS = 1050
_NOISE = (b"TABLE", b"TABLES", b"NO_WRITE_TO_BINLOG", b"LOCAL")
_HEAD_TOKENS = 24  # of CREATE DEFINER = u@h TRIGGER ... BEFORE INSERT ON


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
    for at, word in enumerate(words):
        if word.is_word(b"REFERENCES") and any(
            await _listed(session, words[at + 1 :][:3])
        ):
            raise lakehouse_lacks("foreign keys")
    if verb in (b"ALTER", b"TRUNCATE"):
        for shell in await _listed(session, words[1:]):
            if shell is not None and verb == b"TRUNCATE":
                raise no_such_option_of_table(shell.table)
            if shell is not None:
                raise not_supported("this ALTER of a Lakehouse table")
    elif verb in MAINTENANCE:
        return await _maintenance(session, words)
    elif verb == b"CREATE":
        made = _made_like(words)
        if made is not None:
            for shell in await _listed(session, words[made[2] :][:3]):
                if shell is not None:
                    return Work(partial(_copy, session, statement, shell, made[:2]))
    return None


def _made_like(words: Sequence[Token]) -> tuple[str | None, str, int] | None:
    """The table that CREATE TABLE ... LIKE makes, and where it names the other."""
    at = 2 if words[1].is_word(b"TEMPORARY") else 1
    if len(words) <= at + 3 or not words[at].is_word(b"TABLE"):
        return None
    named = qualified_name(words, at + (4 if words[at + 1].is_word(b"IF") else 1))
    if named is None:
        return None
    schema, table, at = named
    at += at < len(words) and words[at].is_symbol(b"(")
    if at + 1 >= len(words) or not words[at].is_word(b"LIKE"):
        return None
    return schema, table, at + 1


async def require_definable(session: Session, statement: Text) -> None:
    """Refuse CREATE TRIGGER and CREATE INDEX on a Lakehouse table.

    Raises:
        MySQLError: 1178.
    """
    words = statement.tokens
    if not statement.names & session.house.shells.tables:
        return
    for at, word in enumerate(words[:_HEAD_TOKENS]):
        if not word.is_word(b"TRIGGER", b"INDEX"):
            continue
        on = next((i for i in range(at, len(words)) if words[i].is_word(b"ON")), None)
        if on is not None and any(await _listed(session, words[on + 1 :][:3])):
            what = word.text.decode().upper()
            raise lakehouse_lacks(f"CREATE {what}")
        return


async def _listed(session: Session, words: Sequence[Token]) -> list[Shell | None]:
    """The tables of a list: those that are Lakehouse tables, None for all others."""
    start = 0
    while start < len(words) and words[start].is_word(*_NOISE):
        start += 1
    default = await session.schema()
    found: list[Shell | None] = []
    for listed in split_at_commas(words[start:]):
        named = qualified_name(listed, 0)
        if named is not None:
            schema, table, _ = named
            found.append(session.house.shells.find(schema or default, table))
    return found


async def _maintenance(session: Session, words: Sequence[Token]) -> Work | None:
    """What to answer where all tables of a statement are Lakehouse tables."""
    verb = words[0].text.decode().upper()
    found = await _listed(session, words[1:])
    shells = [shell for shell in found if shell is not None]
    if not shells:
        return None
    if len(shells) < len(found) or verb == "CHECKSUM":
        raise not_supported(f"{verb} of a Lakehouse table")
    return Work(partial(_answer_maintenance, session, verb.lower(), shells))


async def _answer_maintenance(
    session: Session, operation: str, shells: Sequence[Shell]
) -> None:
    """A note for each table, as of any engine that cannot do it."""
    note = f"The storage engine for the table doesn't support {operation}"
    rows = " UNION ALL ".join(
        f"SELECT {quote_text(f'{shell.schema}.{shell.table}')} AS `Table`,"
        f" '{operation}' AS `Op`, 'note' AS `Msg_type`, {quote_text(note)}"
        " AS `Msg_text`"
        for shell in shells
    )
    found = await session.backend.packed(rows.encode(), binary=session.answer.binary)
    await session.answer.packed_rows(found.columns, found.rows)
    session.aftermath = of_rows(len(found.rows))


async def _copy(
    session: Session, statement: Text, shell: Shell, made: tuple[str | None, str]
) -> None:
    """CREATE TABLE ... LIKE: a table of the same files, with nothing loaded."""
    backend = session.backend
    if statement.tokens[1].is_word(b"TEMPORARY"):
        raise lakehouse_lacks_option("TEMPORARY")
    schema = made[0] or await session.schema() or ""
    await backend.query(statement.own)
    conditions = await conditions_of(backend)
    if not any(one.number == _EXISTS for one in conditions):
        copy = replace(shell, schema=schema, table=made[1], engine_name=new_name())
        mark = copy.mark(backslash_escapes=session.backslash_escapes)
        try:
            await backend.query(
                f"ALTER TABLE {copy.name} SECONDARY_ENGINE_ATTRIBUTE={mark}"
            )
            await backend.query(f"ALTER TABLE {copy.name} DISCARD TABLESPACE")
        except BaseException:
            await session.undo(f"DROP TABLE IF EXISTS {copy.name}")
            raise
        await follow_shells(session.house)
        await backend.query("DO 0")
    session.answer.warnings = len(conditions)
    await session.answer.ok()
    session.aftermath = Aftermath(conditions=conditions) if conditions else None


async def _relay_and_follow(session: Session, statement: Text) -> None:
    await session.relay(statement.own, partial(follow_shells, session.house))
