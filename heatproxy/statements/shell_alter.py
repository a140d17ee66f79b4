"""ALTER TABLE of Lakehouse tables.

What only the dictionary holds is altered there. Where a loaded table's columns or files
become others, its files are read anew into a twin, which then takes its place: until
then, and if anything fails, the table is what it was.

Source: HeatWave User Guide, "Lakehouse External Table SQL Syntax", "Add or Remove Files
Using Selective Load".
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from heatproxy.backend.shells import Shell
from heatproxy.errors import MySQLError, not_supported
from heatproxy.lakehouse.reader import Reading
from heatproxy.routines.filling import (
    describe,
    filled,
    in_turn,
    mark,
    new_name,
    require_alter,
)
from heatproxy.session import Session, follow_shells
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
            await _run(session, altered, moves, actions)
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


async def _run(
    session: Session, shell: Shell, moves: bool, actions: list[bytes]
) -> None:
    """One ALTER TABLE of a shell with all the actions."""
    listed = list(actions)
    if moves:
        literal = shell.mark(backslash_escapes=session.backslash_escapes)
        listed.insert(0, f"SECONDARY_ENGINE_ATTRIBUTE={literal}".encode())
    if not listed:
        await require_alter(session, shell)
        return
    await session.backend.query(
        f"ALTER TABLE {shell.name} ".encode() + b", ".join(listed)
    )


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
    await require_alter(session, shell)
    twin = replace(altered, table=f"heatproxy {new_name()}", engine_name=new_name())
    held = await asyncio.to_thread(session.house.engine.tables)
    is_loaded, reading = shell.engine_name in held, None
    try:
        await _make(session, shell, twin, actions)
        if is_loaded:
            before, after = (
                await describe(session, shell),
                await describe(session, twin),
            )
            if before == after and altered == shell:  # comments, and the like
                await _run(session, shell, False, actions)
                await session.backend.query(f"DROP TABLE {twin.name}")
                return None
            # nobody is to see it while the files are read
            await session.backend.query(f"DROP TABLE {twin.name}")
            reading = await filled(session, replace(twin, table=shell.table), after)
            await _make(session, shell, twin, actions)
        await session.backend.query(f"ALTER TABLE {twin.name} DISCARD TABLESPACE")
        if is_loaded:
            await mark(session, twin, "SECONDARY_LOAD")
        old = replace(shell, table=f"heatproxy {new_name()}")
        await session.backend.query(
            f"RENAME TABLE {shell.name} TO {old.name}, {twin.name} TO {shell.name}"
        )
    except BaseException as problem:
        await _undo(session, twin)
        if isinstance(problem, MySQLError) and twin.table in problem.message:
            text = problem.message.replace(twin.table, shell.table)
            raise MySQLError(problem.number, problem.sqlstate, text) from None
        raise
    await _drop(session, old)
    return reading


async def _undo(session: Session, twin: Shell) -> None:
    """Leave nothing of a twin, neither in the dictionary nor in the engine."""
    with suppress(MySQLError):  # who may not drop it could not make it
        await session.undo(f"DROP TABLE IF EXISTS {twin.name}")
    await asyncio.to_thread(session.house.engine.drop, twin.engine_name)


async def _drop(session: Session, old: Shell) -> None:
    """Take away what a twin stands for now: the statement has done its work."""
    sql = f"DROP TABLE {old.name}"
    try:
        await session.undo(sql)
    except MySQLError:  # it was killed too late
        await asyncio.to_thread(session.house.account.query, sql)


async def _make(
    session: Session, shell: Shell, twin: Shell, actions: list[bytes]
) -> None:
    """A table like the shell, altered, and not sealed."""
    await session.backend.query(f"CREATE TABLE {twin.name} LIKE {shell.name}")
    await _run(session, twin, True, actions)
