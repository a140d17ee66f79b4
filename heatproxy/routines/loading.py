"""Having MySQL's dictionary and the engine agree on whether a table is loaded.

MySQL goes first, on the caller's own connection: it says who may. The rows are then
read on heatproxy's own account, while the statement waits.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from heatproxy.datatypes import quote_name
from heatproxy.errors import MySQLError, ProtocolError, secondary_engine
from heatproxy.rapid.describe import RAPID, secondary_engine_of
from heatproxy.rapid.load import Load, Loader
from heatproxy.session import Cancel, Session

log = logging.getLogger(__name__)

UNKNOWN_ENGINE = 1286  # what MySQL before 8.4 says of SECONDARY_LOAD: no RAPID here
SECONDARY_ENGINE = 3889
NO_SUCH_TABLE = 1146
LOCK_WAIT_TIMEOUT = 1205
UNDO_WAIT_S = 5
GONE = "The backend could not be reached while the table was loaded"


class OtherEngine(Exception):
    """The table's secondary engine, so called, is none of ours: MySQL did its part."""


def reported(problem: MySQLError | OtherEngine) -> tuple[int, str]:
    """The number and the text that a report has for what stopped a table's script.

    Raises:
        MySQLError: 1317 or 3024, it was the call that was stopped.
    """
    if not isinstance(problem, MySQLError):
        return 3877, "Not RAPID"
    if problem.is_kill:
        raise problem
    return problem.number, problem.message


async def load_table(
    session: Session, loader: Loader, schema: str, table: str, sql: str | bytes
) -> Load:
    """Run the ALTER that MySQL is to carry out, then fill the engine.

    On failure the table is not loaded, in MySQL's dictionary neither.

    Raises:
        MySQLError: MySQL's own; 3877, the table cannot be loaded; 1317, it was killed.
        OtherEngine: nothing was loaded.
    """
    session.watch.doing = "loading"
    await _claim(session, loader, schema, table)
    try:
        await _let_mysql(session, sql)
        try:
            options = await session.off_loop(
                lambda cancel: loader.create_options(schema, table)
            )
            if secondary_engine_of(options or "") != RAPID:
                _, _, other = (options or "").partition('SECONDARY_ENGINE="')
                raise OtherEngine(other.partition('"')[0])
            return await session.off_loop(partial(_fill, loader, schema, table))
        except OtherEngine:
            raise
        except BaseException as problem:
            await _leave_unloaded(session, loader, schema, table)
            if isinstance(problem, ProtocolError):
                raise secondary_engine(GONE) from None
            raise
    finally:
        loader.let_go(schema, table)


async def unload_table(
    session: Session, loader: Loader, schema: str, table: str, sql: str | bytes
) -> None:
    """Run what MySQL is to carry out, then forget the rows if it says so.

    Raises:
        MySQLError: MySQL's own.
    """
    session.watch.doing = "unloading"
    await _claim(session, loader, schema, table)
    try:
        await _let_mysql(session, sql)
        await session.off_loop(partial(_forget, loader, schema, table))
    finally:
        loader.let_go(schema, table)


def forget(loader: Loader, schema: str, table: str, cancel: Cancel) -> None:
    """Forget the rows of a table that MySQL no longer calls loaded."""
    with loader.alone(schema, table, cancel):
        _forget(loader, schema, table, cancel)


async def take_back(session: Session, loader: Loader, sql: str) -> None:
    """Undo what MySQL has done, if there is anything to undo.

    Behind a transaction that does not end it would wait for ever, and others behind
    it: the dictionary then goes on to call the table loaded, and so it will be.
    """
    try:
        await _within(session, UNDO_WAIT_S, sql)
    except ProtocolError:  # the caller has left
        await asyncio.to_thread(loader.run_alone, sql)
    except MySQLError as problem:
        if problem.number == LOCK_WAIT_TIMEOUT:
            log.warning("%s: %s", sql, problem)
        elif problem.number not in (UNKNOWN_ENGINE, SECONDARY_ENGINE, NO_SUCH_TABLE):
            raise


async def _within(session: Session, seconds: int, sql: str) -> None:
    """Run DDL that waits no longer than that for who uses the table."""
    backend = session.backend
    old = await backend.scalar("SELECT @@lock_wait_timeout")
    await backend.query(f"SET lock_wait_timeout = {seconds}")
    try:
        await backend.query(sql)
    finally:
        await backend.query(f"SET lock_wait_timeout = {old}")


@asynccontextmanager
async def alone(
    session: Session, loader: Loader, schema: str, table: str
) -> AsyncIterator[None]:
    """Nobody else loads or unloads the table meanwhile.

    Raises:
        MySQLError: 1317.
    """
    await _claim(session, loader, schema, table)
    try:
        yield
    finally:
        loader.let_go(schema, table)


async def _claim(session: Session, loader: Loader, schema: str, table: str) -> None:
    claimed = False

    def claim(cancel: Cancel) -> None:
        nonlocal claimed
        loader.claim(schema, table, cancel)
        claimed = True

    try:
        await session.off_loop(claim)
    except BaseException:
        if claimed:  # too late: the statement had been called off
            loader.let_go(schema, table)
        raise


async def _let_mysql(session: Session, sql: str | bytes) -> None:
    try:
        await session.backend.query(sql)
    except MySQLError as problem:
        if problem.number != UNKNOWN_ENGINE:
            raise


async def _leave_unloaded(
    session: Session, loader: Loader, schema: str, table: str
) -> None:
    name = f"{quote_name(schema)}.{quote_name(table)}"
    await take_back(session, loader, f"ALTER TABLE {name} SECONDARY_UNLOAD")
    found = loader.tables.find(schema, table)
    if found is not None:
        await session.off_loop(lambda cancel: loader.unload(found))


def _fill(loader: Loader, schema: str, table: str, cancel: Cancel) -> Load:
    return loader.load(schema, table, cancel.interrupts)


def _forget(loader: Loader, schema: str, table: str, cancel: Cancel) -> None:
    found = loader.tables.find(schema, table)
    if found is not None and not loader.is_flagged(schema, table):
        loader.unload(found)
