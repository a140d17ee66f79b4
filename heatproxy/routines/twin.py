"""Another shell in a Lakehouse table's place: the way to other columns or files.

A sealed shell cannot be given other columns. A twin is made beside it, altered and
sealed, and both change names in one statement; what is read into the engine is read
before that, under the twin's own name there. If anything fails the table is what it
was.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from heatproxy.backend.shells import Shell
from heatproxy.errors import MySQLError
from heatproxy.routines.filling import mark, new_name, require_alter
from heatproxy.routines.unfinished import STAND_IN, unfinished
from heatproxy.session import Session


@dataclass(frozen=True, slots=True)
class Twin:
    """The table as it is, as it is to be, and the names that both have meanwhile."""

    shell: Shell
    altered: Shell  # with the table's own name, and another in the engine
    beside: Shell  # the same under a name of its own
    old: Shell  # the table once it is not that any more


@asynccontextmanager
async def twin_of(
    session: Session, shell: Shell, altered: Shell
) -> AsyncIterator[Twin]:
    """A twin that is nowhere yet; where this fails nothing of it is left.

    ``altered`` has a name in the engine that is not the shell's.

    Raises:
        MySQLError: MySQL's own, before anything is done, to who may not alter it.
    """
    await require_alter(session, shell)
    beside = replace(altered, table=STAND_IN + new_name())
    old = replace(shell, table=STAND_IN + new_name())
    names = altered.engine_name, shell.engine_name
    async with unfinished(session.house, names, [beside, old]):
        try:
            yield Twin(shell, altered, beside, old)
        except BaseException as problem:
            if await asyncio.to_thread(session.house.shells.is_current, altered):
                await _drop(session, old)  # too late: it has been done
            else:
                await _undo(session, beside)
            if isinstance(problem, MySQLError) and beside.table in problem.message:
                text = problem.message.replace(beside.table, shell.table)
                raise MySQLError(problem.number, problem.sqlstate, text) from None
            raise


async def make(session: Session, twin: Twin, actions: Sequence[bytes]) -> None:
    """The twin beside the table, altered, and not sealed."""
    name = twin.beside.name
    await session.backend.query(f"CREATE TABLE {name} LIKE {twin.shell.name}")
    await alter(session, twin.beside, actions, moves=True)


async def unmake(session: Session, twin: Twin) -> None:
    """Take the twin away again: nobody is to see it while files are read."""
    await session.backend.query(f"DROP TABLE {twin.beside.name}")


async def take_place(session: Session, twin: Twin, *, is_loaded: bool) -> None:
    """Have the twin, which has been made, be the table."""
    beside, shell, old = twin.beside, twin.shell, twin.old
    await session.backend.query(f"ALTER TABLE {beside.name} DISCARD TABLESPACE")
    if is_loaded:
        await mark(session, beside, "SECONDARY_LOAD")
    await session.backend.query(
        f"RENAME TABLE {shell.name} TO {old.name}, {beside.name} TO {shell.name}"
    )
    await _drop(session, old)


async def alter(
    session: Session, shell: Shell, actions: Sequence[bytes], *, moves: bool
) -> None:
    """One ALTER TABLE of a shell with all the actions; ``moves``: its mark too."""
    listed = list(actions)
    if moves:
        literal = shell.mark(backslash_escapes=session.backslash_escapes)
        listed.insert(0, f"SECONDARY_ENGINE_ATTRIBUTE={literal}".encode())
    if not listed:
        await require_alter(session, shell)
        return
    head = f"ALTER TABLE {shell.name} ".encode()
    await session.backend.query(head + b", ".join(listed))


async def _drop(session: Session, old: Shell) -> None:
    """Take away what a twin stands for now: the statement has done its work."""
    sql = f"DROP TABLE IF EXISTS {old.name}"
    try:
        await session.undo(sql)
    except MySQLError:  # it was killed too late
        await asyncio.to_thread(session.house.account.query, sql)


async def _undo(session: Session, beside: Shell) -> None:
    """Leave nothing of a twin, neither in the dictionary nor in the engine."""
    with suppress(MySQLError):  # who may not drop it could not make it
        await session.undo(f"DROP TABLE IF EXISTS {beside.name}")
    await asyncio.to_thread(session.house.engine.drop, beside.engine_name)
