"""CREATE TABLE ... AS SELECT from tables that the engine holds.

MySQL makes the table from the statement itself, with no rows: so its columns are
exactly what MySQL would make of this SELECT. The engine's rows are then inserted on
the caller's connection; on failure the table goes again.
"""

from collections.abc import Awaitable, Callable
from contextlib import aclosing, closing
from functools import partial

from heatproxy.aftermath import Aftermath
from heatproxy.backend.insert import insert_batches
from heatproxy.datatypes import quote_name
from heatproxy.errors import MySQLError
from heatproxy.rapid.decision import Cause, Refusal
from heatproxy.session import Session
from heatproxy.sql import hints
from heatproxy.sql.lexer import find_word, qualified_name
from heatproxy.statements import Text, Work, copied
from heatproxy.statements.offload import Unproven, may_read, names_shell
from heatproxy.statements.primary import in_primary
from heatproxy.statements.select import Selected, select_rows


async def handle(session: Session, statement: Text) -> Work | None:
    """Take CREATE TABLE ... SELECT whose SELECT reads what the engine holds."""
    words = statement.tokens
    at = 1
    if not words[0].is_word(b"CREATE") or len(words) < 3:
        return None
    temporary = words[at].is_word(b"TEMPORARY")
    at += temporary
    if not words[at].is_word(b"TABLE"):
        return None
    begin = find_word(words, b"SELECT", b"WITH")
    if begin is None:
        return None
    select = statement.part(begin)
    if not may_read(session, select):
        return None
    optional = not names_shell(session, select)
    at += 1
    if words[at].is_word(b"IF"):  # IF NOT EXISTS
        return None
    if any(word.is_word(b"REPLACE", b"IGNORE") for word in words[at:begin]):
        return None
    named = qualified_name(words, at)
    if named is None:
        return None
    schema, table, _ = named
    schema = schema or await session.schema()
    if schema is None:
        raise MySQLError(1046, "3D000", "No database selected")
    target = f"{quote_name(schema)}.{quote_name(table)}"
    fill = _temporary if temporary else _permanent
    filled = partial(fill, session, target)
    work = partial(_answer, session, statement, select, filled)
    return Work(work, kind="rapid" if optional else "", optional=optional)


async def _answer(
    session: Session,
    statement: Text,
    select: Text,
    fill: Callable[[Selected], Awaitable[int]],
) -> None:
    try:
        selected = await select_rows(session, select, to_store=True)
    except Unproven as unproven:
        await copied.answer(session, statement, unproven.refusal)
        return
    with closing(selected.rows):
        await _make(session, statement, select, selected, fill)


async def _make(
    session: Session,
    statement: Text,
    select: Text,
    selected: Selected,
    fill: Callable[[Selected], Awaitable[int]],
) -> None:
    made = selected.made
    if made.settings["binlog_format"] == "STATEMENT" and not made.must:
        raise made.declined(Refusal(Cause.SESSION, "binlog_format is STATEMENT"))
    without_rows = _without_rows(statement, select)
    escapes = session.backslash_escapes
    async with in_primary(made.session, made.settings.engine):
        await session.backend.query(
            hints.in_primary(without_rows, backslash_escapes=escapes)
        )
        count = await fill(selected)
    made.rows = count
    made.note()
    await session.answer.ok(count, f"Records: {count}  Duplicates: 0  Warnings: 0")
    session.aftermath = Aftermath(row_count=count)


async def _permanent(session: Session, target: str, selected: Selected) -> int:
    try:
        await session.backend.query("START TRANSACTION")
        count = await _fill(session, target, selected)
        await session.backend.query("COMMIT")
    except BaseException:
        await session.undo(f"DROP TABLE IF EXISTS {target}")
        raise
    return count


async def _temporary(session: Session, target: str, selected: Selected) -> int:
    """Its creation leaves the caller's transaction open, and so must its rows."""
    try:
        return await _fill(session, target, selected)
    except Exception:
        await session.backend.query(f"DROP TEMPORARY TABLE IF EXISTS {target}")
        raise


async def _fill(session: Session, target: str, selected: Selected) -> int:
    names = [column.name for column in selected.columns]
    async with aclosing(selected.batches()) as batches:
        return await insert_batches(session.backend, target, names, batches)


def _without_rows(statement: Text, select: Text) -> bytes:
    """The statement with LIMIT 0 at the end of its SELECT."""
    words = select.tokens
    limit = find_word(words, b"LIMIT")
    end = words[-1].end if limit is None else words[limit].start
    return statement.text[statement.tokens[0].start : end] + b" LIMIT 0"
