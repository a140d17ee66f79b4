"""The Lakehouse tables of a call of heatwave_load: what their files hold, loading them.

A new table is made on the caller's own connection, under the caller's grants; when
loading it fails, it goes again. One that is there keeps what it held until then.

Source: HeatWave User Guide, "HEATWAVE_LOAD"; "Refresh Data".
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from heatproxy.aftermath import Condition
from heatproxy.backend.shells import Shell
from heatproxy.datatypes import Column
from heatproxy.errors import MySQLError, not_supported
from heatproxy.lakehouse import ddl, report
from heatproxy.lakehouse.autopilot import ReportRows
from heatproxy.lakehouse.convert import Unforeseen
from heatproxy.lakehouse.reader import Reading, infer, untold
from heatproxy.lakehouse.request import ExternalTable, LoadRequest
from heatproxy.lakehouse.source import Source
from heatproxy.routines.filling import (
    Described,
    Found,
    describe,
    filled,
    in_turn,
    mark,
    new_name,
    refilled,
    validated,
)
from heatproxy.routines.innodb import ALREADY_LOADED, KILLED, NOT_LOADABLE, wanted_table
from heatproxy.session import Cancel, Session, follow_shells

EXISTS = "Non-empty existing table is not supported"
OLD_PROFILE = "8.0"
MOST_CONDITIONS = 1024  # of a call, in SHOW WARNINGS
_SUMMARY, _OLD_SUMMARY = 6434, 3877


@dataclass(slots=True)
class FilePlan:
    """One Lakehouse table on its way: what was found out, and what it became.

    ``asked`` describes a table that is to be made, ``shell`` is one that is there.
    """

    schema: str
    table: str
    asked: ExternalTable | None = None
    shell: Shell | None = None
    found: Found | None = None
    columns: tuple[Column, ...] = ()
    left_out: frozenset[int] = frozenset()
    issue: str = ""  # in the report of the inference
    count: str = ""  # in the analysis: why it is not loaded
    outcome: report.TableOutcome | None = None

    @property
    def loadable(self) -> bool:
        return not self.issue and not self.count

    @property
    def is_new(self) -> bool:
        return self.asked is not None and not self.issue

    @property
    def file_bytes(self) -> int:
        return self.found.inferred.file_bytes if self.found else 0

    @property
    def loaded_columns(self) -> list[Column]:
        kept = enumerate(self.columns)
        return [column for k, column in kept if k not in self.left_out]

    @property
    def script(self) -> list[str]:
        """The statements that make and load it."""
        load = ddl.secondary_load(self.schema, self.table)
        if self.asked is None:
            return [load]
        name, attribute = (self.schema, self.table), self.asked.attribute
        return [ddl.create_table(*name, self.columns, attribute, self.left_out), load]

    def line(self) -> report.InferredTable:
        """Its line in the report of the inference."""
        known = self.found.inferred if self.found else None
        return report.InferredTable(
            self.schema,
            self.table,
            created=self.shell is not None or self.issue == EXISTS,
            file_bytes=known.file_bytes if known else None,
            columns=len(self.columns) if self.columns else None,
            rows=known.rows if known else None,
            issues=self.issue,
        )


@dataclass(slots=True)
class Told:
    """What is to be said of values, of all tables of a call."""

    conditions: list[Condition] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)

    def add(self, reading: Reading) -> None:
        room = MOST_CONDITIONS - len(self.conditions)
        self.conditions += [
            Condition("Warning", one.number, one.message)
            for one in reading.warnings[:room]
        ]
        for number, count in reading.counts.items():
            self.counts[number] = self.counts.get(number, 0) + count

    def all(self, profile: str) -> list[Condition]:
        """The rows of SHOW WARNINGS."""
        return [
            *self.conditions,
            *summaries(self.counts, len(self.conditions), profile),
        ]


def summaries(
    counts: Mapping[int, int], told: int, profile: str
) -> Iterator[Condition]:
    """What SHOW WARNINGS ends with, when ``told`` of the warnings were shown."""
    total = sum(counts.values())
    if not total:
        return
    if profile == OLD_PROFILE:
        yield Condition("Warning", _OLD_SUMMARY, f"Total Warnings: {total}")
        return
    yield Condition(
        "Warning",
        _SUMMARY,
        f"[WARNINGS SUMMARY] Lakehouse Load had {total} warning(s) out of which"
        f" {total - told} were not recorded (due to max_error_count limit or filtering"
        " rules)",
    )
    for number, count in sorted(counts.items()):
        name = report.condition_name(number)
        yield Condition(
            "Warning",
            _SUMMARY,
            f"[WARNINGS SUMMARY] {count} warnings with code: {number}({name})",
        )


async def plan_tables(
    session: Session,
    request: LoadRequest,
    schemas: Mapping[str, set[str]],
    rows: ReportRows,
) -> list[FilePlan]:
    """The Lakehouse tables that a request is about; ``schemas`` has those that exist.

    Raises:
        MySQLError: 1235, columns of a table that is there.
    """
    plans = []
    for asked in request.external:
        plan = FilePlan(asked.schema, asked.table, asked)
        if asked.table in schemas.get(asked.schema, ()):
            plan.issue = EXISTS
            rows.warn(plan.schema, plan.table, 3877, EXISTS)
        plans.append(plan)
    named = {(plan.schema, plan.table) for plan in plans}
    held = set(await asyncio.to_thread(session.house.engine.tables))
    profile = session.house.config.lakehouse.profile
    for scope in request.schemas:
        for table in sorted(schemas.get(scope.name, ())):
            wanted = wanted_table(request, scope, table)
            if wanted is None or (scope.name, table) in named:
                continue
            shell = await session.find_shell(scope.name, table)
            if shell is None:
                continue
            if wanted.columns or wanted.exclude_columns:
                raise not_supported("columns of a Lakehouse table that is there")
            plan = FilePlan(scope.name, table, shell=shell)
            described = await describe(session, shell)
            plan.columns, plan.left_out = described.columns, described.left_out
            anew = request.refresh_external_tables or request.mode == "validation"
            if shell.engine_name in held and not anew:
                plan.count = ALREADY_LOADED
            if profile == OLD_PROFILE and not anew:
                plan.issue, plan.count = EXISTS, NOT_LOADABLE
            plans.append(plan)
    return sorted(plans, key=lambda plan: (plan.schema, plan.table))


def look(
    plans: Sequence[FilePlan], source: Source, rows: ReportRows, cancel: Cancel
) -> None:
    """Fetch and infer every table that is to be made.

    Raises:
        MySQLError: 1317.
    """
    cancel.interrupts(source.abort)
    for plan in plans:
        asked = plan.asked
        if asked is None or plan.issue:
            continue
        try:
            files = source.fetch(asked.files, asked.dialect, cancel, untold)
            inferred = infer(files, asked.dialect, cancel, untold, asked.sampling)
            _take(plan, asked, Found(files, inferred))
        except MySQLError as problem:
            if cancel():
                raise
            plan.issue, plan.count = problem.message, NOT_LOADABLE
            rows.error(plan.schema, plan.table, problem.message)
            continue
        for condition in (*source.warnings, *inferred.warnings):
            rows.warn(plan.schema, plan.table, condition.number, condition.message)
        source.warnings.clear()


def _take(plan: FilePlan, asked: ExternalTable, found: Found) -> None:
    """Make the plan one for these columns.

    Raises:
        MySQLError: 1054, a column that is named is not there.
    """
    columns = found.inferred.columns
    places = {column.name.lower(): k for k, column in enumerate(columns)}
    for name in (*asked.columns, *asked.exclude_columns):
        if name.lower() not in places:
            text = f"Unknown column '{name}' in '{asked.schema}.{asked.table}'"
            raise MySQLError(1054, "42S22", text)
    out = {places[name.lower()] for name in asked.exclude_columns}
    if asked.columns:
        out = set(places.values()) - {places[name.lower()] for name in asked.columns}
    if len(out) == len(columns):
        text = "Secondary engine operation failed. All columns marked as NOT SECONDARY."
        raise MySQLError(3889, "HY000", text)
    plan.found, plan.columns, plan.left_out = found, columns, frozenset(out)


async def load_one(
    session: Session, plan: FilePlan, rows: ReportRows, told: Told, *, strict: bool
) -> report.TableOutcome:
    """Load a table; what fails is reported and does not stop others.

    Raises:
        MySQLError: 1317 or 3024, the call was killed.
    """
    executed = [0]

    async def work() -> Reading:
        if plan.shell is not None:
            async with in_turn(session, plan.shell) as current:
                reading = await refilled(session, current, strict=strict)
                await follow_shells(session.house)
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
            described = await describe(session, plan.shell)
            return await validated(session, plan.shell, described, strict=strict)
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
        if problem.number in KILLED:
            raise
        rows.error(plan.schema, plan.table, problem.message)
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
    _take(plan, asked, Found(found.files, inferred))


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
