"""ALTER TABLE of Lakehouse tables.

What only the dictionary holds is altered there. Where a loaded table's columns or files
become others, its files are read anew into a twin, which then takes its place: until
then, and if anything fails, the table is what it was.

Source: HeatWave User Guide, "Lakehouse External Table SQL Syntax", "Add or Remove Files
Using Selective Load".
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from heatproxy.backend.shells import Shell
from heatproxy.errors import MySQLError, not_supported
from heatproxy.house import follow_shells
from heatproxy.lakehouse.reader import Reading
from heatproxy.routines.filling import describe, filled, in_turn, new_name
from heatproxy.routines.twin import alter, make, take_place, twin_of, unmake
from heatproxy.session import Session
from heatproxy.sql.alterations import Alteration, altered_table, parse_alter
from heatproxy.statements import Text, Work
from heatproxy.statements.external import (
    NOTHING,
    engine_attribute,
    evaluated,
    require_readable,
)
from heatproxy.statements.sealed import SEALED
from heatproxy.statements.shell_load import answer


async def handle(session: Session, statement: Text) -> Work | None:
    """Take ALTER TABLE of a Lakehouse table."""
    words = statement.tokens
    shells = session.house.shells
    if not (words[0].is_word(b"ALTER") and statement.names & shells.tables):
        return None
    named = altered_table(words)
    if named is None:
        return None
    schema, table, at = named
    shell = await session.find_shell(schema or await session.schema(), table)
    if shell is None:
        return None
    alteration = parse_alter(statement.text[: words[-1].end], words, at)
    return Work(partial(_alter, session, shell, alteration), NOTHING)


async def _alter(session: Session, shell: Shell, asked: Alteration) -> None:
    said = await evaluated(session, asked.literals())
    given = engine_attribute(asked.given, said)
    escapes = session.backslash_escapes
    actions = [
        one.columns.sql(said.__getitem__, backslash_escapes=escapes)
        for one in asked.actions
    ]
    async with in_turn(session, shell) as current:
        altered = _with(current, asked, given)
        require_readable(session, altered.attribute)
        reading = await _altered(session, current, altered, asked, actions)
        await follow_shells(session.house)
    await answer(session, reading)


async def _altered(
    session: Session,
    shell: Shell,
    altered: Shell,
    asked: Alteration,
    actions: list[bytes],
) -> Reading | None:
    """Alter the dictionary, or have a twin take the table's place."""
    redefines = any(one.redefines for one in asked.actions)
    held = await asyncio.to_thread(session.house.engine.tables)
    is_loaded = shell.engine_name in held
    moves = altered != shell
    if not (is_loaded and (redefines or moves)):
        try:
            await alter(session, altered, actions, moves=moves)
            return None
        except MySQLError as problem:
            if problem.number != SEALED or not actions:
                raise
    return await _in_a_twin(session, shell, altered, asked, actions)


def _with(shell: Shell, asked: Alteration, given: Mapping[str, Any]) -> Shell:
    """The shell with what ENGINE_ATTRIBUTE or the clauses give."""
    if asked.given.attribute is not None:
        return replace(shell, attribute=given, by_clauses=False)
    if not asked.given.by_clauses:
        return shell
    attribute = dict(shell.attribute)
    attribute |= {"file": given["file"]} if "file" in given else {}
    old = dict(attribute.pop("dialect", None) or {}) | dict(given.get("dialect", {}))
    dialect = {k: v for k, v in old.items() if k not in asked.given.resets}
    attribute |= {"dialect": dialect} if dialect else {}
    return replace(shell, attribute=attribute)


async def _in_a_twin(
    session: Session,
    shell: Shell,
    altered: Shell,
    asked: Alteration,
    actions: list[bytes],
) -> Reading | None:
    """Have another shell take the place of this one, loaded if this one is.

    What the files then do not hold fails it whole.
    """
    if any(one.renames for one in asked.actions):
        raise not_supported("RENAME together with other changes of a Lakehouse table")
    session.watch.doing = "loading"
    held = await asyncio.to_thread(session.house.engine.tables)
    is_loaded, reading = shell.engine_name in held, None
    fresh = replace(altered, engine_name=new_name())
    async with twin_of(session, shell, fresh) as twin:
        await make(session, twin, actions)
        if is_loaded:
            before = await describe(session, shell)
            after = await describe(session, twin.beside)
            await unmake(session, twin)
            if before == after and altered == shell:  # comments, and the like
                await alter(session, shell, actions, moves=False)
                return None
            reading = await filled(session, twin.altered, after)
            await make(session, twin, actions)
        await take_place(session, twin, is_loaded=is_loaded)
    return reading
