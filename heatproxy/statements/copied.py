"""Statements that MySQL answers over copies of the Lakehouse tables that they read.

That is every statement that changes rows or variables, and a SELECT whose exact answer
the engine is not known to have. What the client is told, columns and counts included,
is what MySQL says of the statement as it stands.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pymysql
from pymysql.constants import FLAG

from heatproxy.errors import MySQLError, ProtocolError, not_supported
from heatproxy.rapid.decision import ASKS, Refusal, Settings
from heatproxy.session import Cancel, Declined, Session
from heatproxy.sql import hints
from heatproxy.sql.lexer import Token
from heatproxy.sql.references import references, verb
from heatproxy.statements import Text, Work
from heatproxy.statements.copies import OF_COPIES, Copies, Uncopied
from heatproxy.statements.instead import relay_instead
from heatproxy.statements.offload import Trial, hidden_by_temporary, names_shell
from heatproxy.statements.primary import in_primary
from heatproxy.statements.sources import (
    Query,
    follow_current,
    query_of,
    require_same_meaning,
)
from heatproxy.wire.columns import ColumnDefinition

_CHANGES = (b"UPDATE", b"DELETE")
_VERBS = (*_CHANGES, b"INSERT", b"REPLACE", b"SET", b"DO", b"CREATE")
_BEGINS = (b"SELECT", b"WITH", b"TABLE", b"VALUES")
# A copy has no keys.
_OF_KEYS = FLAG.PRI_KEY | FLAG.UNIQUE_KEY | FLAG.MULTIPLE_KEY | FLAG.PART_KEY
_KINDS = (b"TEMPORARY", b"EXTERNAL")  # of TABLE
_NOT_UPDATABLE = 1288
_OF_CLAUSES = (1064, 3889, 6033)  # what MySQL says of a clause that a copy has not
_EXPORTS = (b"URI", b"URL", b"WITH")


async def handle(session: Session, statement: Text) -> Work | None:
    """Take a statement other than a query that reads a Lakehouse table."""
    words = statement.tokens
    does = verb(words)
    if does not in _VERBS or not names_shell(session, statement):
        return None
    explains = words[0].is_word(b"EXPLAIN", b"DESC", b"DESCRIBE")
    if explains or (does == b"CREATE" and _query_at(words) is None):
        return None
    if does == b"UPDATE" and len(references(words)) == 1:
        return None  # it is what is to be changed
    await follow_current(session, statement)
    schema = await session.schema()
    found = await session.off_loop(partial(_sources, session, statement, schema))
    if not found.sources:
        return None
    return Work(partial(answer, session, statement, found=found))


async def answer(
    session: Session,
    statement: Text,
    why: Refusal | None = None,
    found: Query | None = None,
) -> None:
    """Have MySQL answer a statement over copies of the Lakehouse tables in it.

    Args:
        why: the engine does not.
        found: what the statement reads, where that has been looked for.

    Raises:
        Declined: it reads none.
        MySQLError: MySQL's own; 1235, why neither the engine nor MySQL can answer it;
            3877, a table has not been loaded.
    """
    made = await _trial(session, statement)
    described = await session.backend.prepared_columns(statement.own)  # may they?
    query = await _query(made, found)
    copies = Copies(session, made.settings.schema)
    try:
        async with in_primary(made.session, made.settings.engine):
            text = await _over_copies(made, query, copies)
            columns = await _columns(made, text, described, copies)
            await _run(made, text, columns, copies)
    except Uncopied as problem:
        raise _refusal(why, str(problem)) from None
    finally:
        await copies.drop()
    if why is not None:
        made.note(why)


async def _trial(session: Session, statement: Text) -> Trial:
    escapes = session.backslash_escapes
    said = hints.read(statement.own, backslash_escapes=escapes)
    made = Trial(session, statement, "", said, must=True)
    row = (await session.backend.query(f"SELECT {ASKS}")).texts()[0]
    made.settings = Settings.of(row, said)
    return made


async def _query(made: Trial, found: Query | None) -> Query:
    """What the statement reads of Lakehouse; ``found`` may have temporary tables too.

    Raises:
        Declined: nothing, for temporary tables of the session bear the names.
    """
    session, statement = made.session, made.statement
    if found is None:
        find = partial(_sources, session, statement, made.settings.schema)
        found = await session.off_loop(find)
    sources = []
    for reference, source in found.sources:
        schema = reference.schema or made.settings.schema or ""
        if not await hidden_by_temporary(session, schema, reference.name):
            sources.append((reference, source))
    if not sources:
        raise Declined("no Lakehouse table in it")
    collation = made.settings["collation_connection"]
    kept = replace(found, sources=tuple(sources))
    require_same_meaning(kept, collation, escapes=session.backslash_escapes)
    return kept


def _sources(
    session: Session, statement: Text, schema: str | None, cancel: Cancel
) -> Query:
    return query_of(session.house, statement, schema)


async def _over_copies(made: Trial, found: Query, copies: Copies) -> bytes:
    if made.settings["binlog_format"] == "STATEMENT":
        raise Uncopied("no copies for MySQL are made where binlog_format is STATEMENT")
    is_change = verb(made.statement.tokens) in _CHANGES
    text = await copies.text(found, changes=is_change)
    escapes = made.session.backslash_escapes
    return hints.in_primary(text, backslash_escapes=escapes)


async def _columns(
    made: Trial, text: bytes, described: list[ColumnDefinition], copies: Copies
) -> Sequence[ColumnDefinition]:
    """The columns of the answer, as MySQL describes them for the client's own text.

    Raises:
        MySQLError: 1235, they are others over copies.
    """
    statement, backend = made.statement, made.session.backend
    begin = _query_at(statement.tokens)
    names: list[str] = []
    if statement.tokens[0].is_word(b"CREATE") and begin is not None:
        # of these the names become those of a table
        own = statement.part(begin).own
        names = [column.name for column in await backend.prepared_columns(own)]
        start = statement.tokens[begin].start - statement.tokens[0].start
        text = text[start:]
    try:
        columns = await backend.prepared_columns(text)
    except MySQLError as problem:
        if problem.is_kill:
            raise
        raise _refused(problem, statement, copies, OF_COPIES) from None
    for name, column in zip(names, columns, strict=False):
        if name != column.name:
            raise not_supported(f"a column without a name of its own, {name},")
    if names:
        return ()
    if [column.kind for column in described] != [column.kind for column in columns]:
        raise not_supported("columns that are others over copies of Lakehouse tables")
    return statement.described(described)


async def _run(
    made: Trial, text: bytes, columns: Sequence[ColumnDefinition], copies: Copies
) -> None:
    """Have MySQL run it, and keep what it leaves in the session."""
    session, binding = made.session, made.statement.binding
    is_bound = binding is not None and bool(binding.places)

    def describe(place: int, column: ColumnDefinition) -> ColumnDefinition:
        own = _as_its_own(column, columns[place], copies)
        if is_bound and own.kind == columns[place].kind:
            # a literal is as long as its value, a parameter as its type
            own = replace(own, length=columns[place].length)
        return own

    try:
        shown = describe if columns else None
        await relay_instead(session, text, shown, copies.drop)
    except (ProtocolError, asyncio.CancelledError):
        loop = asyncio.get_running_loop()
        # a session that ends cancels this before a thread has taken it up
        await asyncio.shield(loop.run_in_executor(None, _end_session, session))
        raise
    except MySQLError as problem:
        # another object: what MySQL's session knows of it is gone with the copies
        raise _refused(problem, made.statement, copies) from None
    left = session.aftermath
    made.rows = max(0, left.found_rows or 0) if left is not None and columns else 0


def _end_session(session: Session) -> None:
    """The client has left: MySQL would not know before it has a row to send."""
    with suppress(pymysql.MySQLError):  # the session has ended, or is not ours to end
        session.house.account.query(f"KILL {session.watch.thread_id}")


def _as_its_own(
    column: ColumnDefinition, described: ColumnDefinition, copies: Copies
) -> ColumnDefinition:
    """A column of the answer over copies as it would be over the tables.

    ``described`` is how MySQL prepared the client's own text: an answer has other flags
    and tables where it comes from a temporary table of MySQL's own.
    """
    org_name = column.org_name
    if column.name != described.name and org_name == column.name:
        org_name = described.name
    table = copies.tables.get(column.org_table)
    if table is None:
        return replace(column, name=described.name, org_name=org_name)
    keys = described.flags & _OF_KEYS
    return replace(
        column,
        schema=table[0],
        org_table=described.org_table or table[1],  # the view's, where it is one's
        name=described.name,
        org_name=org_name,
        flags=column.flags | keys,
    )


def _refused(
    problem: MySQLError,
    statement: Text,
    copies: Copies,
    of_copies: Sequence[int] = (),
) -> MySQLError:
    """MySQL's error for the statement over copies, as one for the statement itself."""
    lacking = _lacking(statement.tokens)
    if lacking and problem.number in _OF_CLAUSES:
        return not_supported(f"{lacking} in a statement that reads Lakehouse tables")
    if problem.number == _NOT_UPDATABLE:
        table = problem.message.split(" ")[3]
        table = copies.tables.get(table, ("", table))[1]
        message = f"Table storage engine for '{table}' doesn't have this option"
        return MySQLError(1031, "HY000", message)
    if "heatproxy_copy_" in problem.message or problem.number in of_copies:
        what = f"{problem.message}, over copies of Lakehouse tables"
        return not_supported(what)
    again = MySQLError(problem.number, problem.sqlstate, problem.message)
    again.packet = problem.packet
    return again


def _lacking(words: Sequence[Token]) -> str | None:
    """The clause of a statement that tables have and copies of them have not."""
    for at, word in enumerate(words):
        if at and words[at - 1].is_symbol(b"."):
            continue  # a column by that name
        opens = words[at + 1 : at + 2]
        if word.is_word(b"PARTITION", b"CUBE") and opens and opens[0].is_symbol(b"("):
            return word.text.decode().upper()
        if word.is_word(b"TABLESAMPLE"):
            return "TABLESAMPLE"
        if word.is_word(b"OUTFILE") and opens and opens[0].is_word(*_EXPORTS):
            return f"INTO OUTFILE {opens[0].text.decode().upper()}"
    return None


def _refusal(why: Refusal | None, problem: str) -> MySQLError:
    if why is None:
        return not_supported(f"a statement that reads Lakehouse tables: {problem}")
    return not_supported(f"{why.words}, in a query of Lakehouse tables: {problem}")


def _query_at(words: Sequence[Token]) -> int | None:
    """Where the query of a CREATE TABLE begins."""
    depth = 0
    for at in range(2, len(words)):
        word, before = words[at], words[at - 1]
        if depth == 0 and not before.is_symbol(b"."):
            if word.is_word(*_BEGINS) and not before.is_word(*_KINDS):
                return at
            inner = at
            while inner < len(words) - 1 and words[inner].is_symbol(b"("):
                inner += 1
            if inner > at and words[inner].is_word(*_BEGINS):
                return at
        depth += word.is_symbol(b"(") - word.is_symbol(b")")
    return None
