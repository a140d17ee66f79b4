"""Loading the Lakehouse tables of a call of heatwave_load, or only validating them.

A new table is made on the caller's own connection, under the caller's grants; when
loading it fails, it goes again. One that is there keeps what it held until then.

Source: HeatWave User Guide, "HEATWAVE_LOAD"; "Refresh Data".
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from heatproxy.backend.shells import Shell
from heatproxy.errors import MySQLError
from heatproxy.house import follow_shells
from heatproxy.lakehouse import ddl, report
from heatproxy.lakehouse.autopilot import ReportRows
from heatproxy.lakehouse.convert import Unforeseen
from heatproxy.lakehouse.reader import Reading, infer
from heatproxy.routines.file_plans import DISABLES, FilePlan, take, tell_changes
from heatproxy.routines.filling import (
    Described,
    Found,
    describe,
    filled,
    in_turn,
    mark,
    new_name,
    validated,
)
from heatproxy.routines.guided import changed, load_guided
from heatproxy.routines.load_warnings import OLD_PROFILE, Told
from heatproxy.routines.unfinished import unfinished
from heatproxy.session import Session


async def load_one(
    session: Session,
    plan: FilePlan,
    rows: ReportRows,
    told: Told,
    *,
    policy: str,
    strict: bool,
) -> report.TableOutcome:
    """Load a table; what fails is reported and does not stop others.

    Raises:
        MySQLError: 1317 or 3024, the call was killed.
    """
    executed = [0]

    async def work() -> Reading:
        if plan.shell is not None:
            async with in_turn(session, plan.shell) as current:
                reading = await _guided(session, plan, current, rows, policy, strict)
        else:
            reading = await _made(session, plan, rows, executed, strict)
        executed[0] += 1
        return reading

    return await _reported(session, plan, rows, told, work, executed)


async def validate_one(
    session: Session, plan: FilePlan, rows: ReportRows, told: Told, *, strict: bool
) -> report.TableOutcome:
    """See whether a table's files could be loaded; see ``load_one``."""

    async def work() -> Reading:
        if plan.shell is not None:
            described = changed(await describe(session, plan.shell), plan.changes)
            shell = _altered(plan, plan.shell)
            return await validated(
                session, shell, described, strict=strict, found=plan.found
            )
        assert plan.asked is not None
        shell = Shell(plan.schema, plan.table, new_name(), plan.asked.attribute)
        try:
            described = Described(plan.columns, left_out=plan.left_out)
            return await validated(
                session, shell, described, strict=strict, found=plan.found
            )
        except Unforeseen:
            await _look_again(session, plan)
            described = Described(plan.columns, left_out=plan.left_out)
            return await validated(
                session, shell, described, strict=strict, found=plan.found
            )

    return await _reported(session, plan, rows, told, work, [0])


async def _reported(
    session: Session,
    plan: FilePlan,
    rows: ReportRows,
    told: Told,
    work: Callable[[], Awaitable[Reading]],
    executed: Sequence[int],
) -> report.TableOutcome:
    began = time.monotonic()
    try:
        reading = await work()
    except MySQLError as problem:
        if problem.is_kill:
            raise
        rows.error(plan.schema, plan.table, problem.number, problem.message)
        commands = plan.script
        return report.TableOutcome(
            plan.schema,
            plan.table,
            commands=len(commands),
            executed=executed[0],
            elapsed_s=time.monotonic() - began,
            failed=commands[executed[0]] if executed[0] else _first(commands),
            error=problem.message,
        )
    told.add(reading)
    for one in reading.warnings:
        rows.warn(plan.schema, plan.table, one.number, one.message, "EXECUTE")
    outcome = report.TableOutcome(
        plan.schema,
        plan.table,
        commands=len(plan.script),
        executed=len(plan.script),
        columns=len(plan.loaded_columns),
        warnings=reading.warning_count,
        elapsed_s=time.monotonic() - began,
        rows=reading.rows_read,
    )
    rows.table_summary(outcome)
    return outcome


def _first(commands: Sequence[str]) -> str:
    """The first statement; of CREATE TABLE what tells it from others."""
    return "CREATE TABLE" if len(commands) > 1 else commands[0]


def _altered(plan: FilePlan, shell: Shell) -> Shell:
    """A table that is there, with the files that it is to have."""
    if plan.asked is None:
        return shell
    return replace(shell, attribute=plan.asked.attribute, by_clauses=False)


async def _guided(
    session: Session,
    plan: FilePlan,
    shell: Shell,
    rows: ReportRows,
    policy: str,
    strict: bool,
) -> Reading:
    """Load a table that is there."""
    guided = await load_guided(
        session,
        shell,
        strict=strict,
        altered=_altered(plan, shell),
        changes=plan.changes,
        found=plan.found,
        widens=session.house.config.lakehouse.profile != OLD_PROFILE,
        disables=policy == DISABLES and not plan.is_loaded,
    )
    more = [change for change in guided.changes if change not in plan.changes]
    tell_changes(plan, more, rows)
    plan.left_out |= {change.place for change in more if change.is_left_out}
    return guided.reading


async def _made(
    session: Session,
    plan: FilePlan,
    rows: ReportRows,
    executed: list[int],
    strict: bool,
) -> Reading:
    """Make a table and fill it; by all of its values, if the sample misled."""
    try:
        return await _make(session, plan, executed, strict)
    except Unforeseen:
        before = plan.script
        await _look_again(session, plan)
        for old, new in zip(before, plan.script, strict=True):
            rows.instead(old, new)
        executed[0] = 0
        return await _make(session, plan, executed, strict)


async def _look_again(session: Session, plan: FilePlan) -> None:
    """Infer the columns from all values."""
    asked, found = plan.asked, plan.found
    assert asked is not None
    assert found is not None
    look_at = partial(infer, found.files, asked.dialect)
    inferred = await session.off_loop(lambda cancel: look_at(cancel))
    take(plan, asked, Found(found.files, inferred))


async def _make(
    session: Session, plan: FilePlan, executed: list[int], strict: bool
) -> Reading:
    """The sealed shell and the engine's rows; on failure neither is left."""
    assert plan.asked is not None
    shell = Shell(plan.schema, plan.table, new_name(), plan.asked.attribute)
    create, seal = shell.create(
        ddl.shell_columns(plan.columns, plan.left_out),
        backslash_escapes=session.backslash_escapes,
    )
    await session.backend.query(create)
    try:
        await session.backend.query(seal)
        executed[0] = 1
        described = Described(plan.columns, left_out=plan.left_out)
        async with unfinished(session.house, [shell.engine_name]):
            reading = await filled(
                session, shell, described, strict=strict, found=plan.found
            )
        await mark(session, shell, "SECONDARY_LOAD")
    except BaseException:
        await session.undo(f"DROP TABLE IF EXISTS {shell.name}")
        await asyncio.to_thread(session.house.engine.drop, shell.engine_name)
        await follow_shells(session.house)
        raise
    return reading
