"""SHOW CREATE TABLE and SHOW TABLE STATUS of Lakehouse tables, in HeatWave's words."""

import asyncio
from collections.abc import Sequence
from functools import partial

from heatproxy.aftermath import Aftermath, conditions_of
from heatproxy.backend.shells import Shell
from heatproxy.datatypes import quote_name
from heatproxy.house import House
from heatproxy.jsontext import json_text
from heatproxy.lakehouse.dictionary import Told, status_query
from heatproxy.session import Session
from heatproxy.sql.lexer import Token, qualified_name, text_of
from heatproxy.sql.shown import create_table
from heatproxy.statements import Text, Work

_IN = (b"FROM", b"IN")


async def handle(session: Session, statement: Text) -> Work | None:
    """Take a SHOW that would show a shell."""
    words = statement.tokens
    if len(words) < 3 or not words[0].is_word(b"SHOW"):
        return None
    if words[1].is_word(b"CREATE") and words[2].is_word(b"TABLE"):
        return await _creation(session, statement)
    if words[1].is_word(b"TABLE") and words[2].is_word(b"STATUS"):
        return await _status(session, statement)
    return None


async def _creation(session: Session, statement: Text) -> Work | None:
    words = statement.tokens
    named = qualified_name(words, 3)
    if named is None or named[2] != len(words):
        return None
    if named[1] not in session.house.shells.tables:
        return None
    schema = named[0] or await session.schema()
    shell = await session.find_shell(schema, named[1])
    return None if shell is None else Work(partial(_create, session, statement, shell))


async def _create(session: Session, statement: Text, shell: Shell) -> None:
    found = await session.backend.query(statement.own)
    rows = [
        (name, _shown(shell, text or ""), *others)
        for name, text, *others in found.texts()
    ]
    conditions = await conditions_of(session.backend)
    session.answer.warnings = len(conditions)
    columns = statement.described(list(found.columns))
    await session.answer.text_rows(columns, rows)
    session.aftermath = Aftermath(len(rows), -1, conditions)


def _shown(shell: Shell, text: str) -> str:
    """The text, if it is of the shell and no temporary table before it."""
    if "SECONDARY_ENGINE_ATTRIBUTE" not in text:
        return text
    return create_table(text, shell.attribute, by_clauses=shell.by_clauses)


def told(house: House) -> list[Told]:
    """What there is to tell of the Lakehouse tables. It blocks."""
    return [
        Told(shell.schema, shell.table, json_text(shell.attribute), _rows(house, shell))
        for shell in house.shells.all()
    ]


def _rows(house: House, shell: Shell) -> int:
    try:
        return house.engine.facts(shell.engine_name).rows
    except KeyError:  # it has not been loaded
        return 0


# --- SHOW TABLE STATUS --------------------------------------------------------------


async def _status(session: Session, statement: Text) -> Work | None:
    words = statement.tokens
    place, schema = 3, None
    if place + 1 < len(words) and words[place].is_word(*_IN):
        schema, place = words[place + 1].name, place + 2
    schema = schema or await session.schema()
    condition = words[place:]
    if schema not in session.house.shells.schemas:
        return None
    if condition and not condition[0].is_word(b"LIKE", b"WHERE"):
        return None  # MySQL says what is wrong with it
    run = partial(_answer_status, session, statement, schema, condition)
    return Work(run)


async def _answer_status(
    session: Session, statement: Text, schema: str, condition: Sequence[Token]
) -> None:
    backend = session.backend
    # who may not see the schema is told so
    await backend.query(f"SHOW TABLES FROM {quote_name(schema)} LIKE ''")
    query = status_query(await asyncio.to_thread(told, session.house), schema)
    ending = text_of(statement.text, condition)
    if condition and condition[0].is_word(b"LIKE"):
        ending = b"WHERE `Name` " + ending
    text = b"SELECT * FROM (" + query + b") AS heatproxy_rows " + ending
    found = await backend.packed(
        text + b" ORDER BY `Name`", binary=session.answer.binary
    )
    conditions = await conditions_of(backend)
    session.answer.warnings = len(conditions)
    columns = statement.described(list(found.columns))
    await session.answer.packed_rows(columns, found.rows)
    session.aftermath = Aftermath(len(found.rows), -1, conditions)
