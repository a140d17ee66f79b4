"""The Lakehouse tables that a call of heatwave_load is about, and what each needs.

A new table gets the columns that its files have. One that is there and has not been
loaded keeps its own, made wider where the files need it; what is of another kind in
them is left out, if the caller's policy says so.

Source: HeatWave User Guide, "HEATWAVE_LOAD"; "Lakehouse Auto Schema Inference".
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from heatproxy.backend.shells import Shell
from heatproxy.datatypes import Column
from heatproxy.errors import MySQLError
from heatproxy.lakehouse import ddl, report
from heatproxy.lakehouse.autopilot import ReportRows
from heatproxy.lakehouse.inference import Inferred
from heatproxy.lakehouse.reader import infer, untold
from heatproxy.lakehouse.request import (
    ExternalTable,
    LoadRequest,
    TableScope,
    excluded_columns,
)
from heatproxy.lakehouse.source import Source
from heatproxy.routines.filling import Described, Found, describe
from heatproxy.routines.guided import (
    Change,
    actions_of,
    changed,
    compared,
    created_by,
)
from heatproxy.routines.innodb import ALREADY_LOADED, NOT_LOADABLE, wanted_table
from heatproxy.routines.load_warnings import OLD_PROFILE
from heatproxy.session import Cancel, Session

EXISTS = "Non-empty existing table is not supported"
DISABLES = "disable_unsupported_columns"


@dataclass(slots=True)
class FilePlan:
    """One Lakehouse table on its way: what was found out, and what it became.

    ``asked`` describes a table that is to be made, ``shell`` is one that is there; of
    one that is there and has not been loaded, ``asked`` says which files it now has.
    """

    schema: str
    table: str
    asked: ExternalTable | None = None
    shell: Shell | None = None
    described: Described | None = None  # the shell as it is
    is_loaded: bool = False  # that is: it has rows already
    changes: list[Change] = field(default_factory=list)  # that it needs
    actions: list[bytes] = field(default_factory=list)  # which make these
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
        return self.asked is not None and self.shell is None and not self.issue

    @property
    def file_bytes(self) -> int:
        return self.found.inferred.file_bytes if self.found else 0

    @property
    def loaded_columns(self) -> list[Column]:
        kept = enumerate(self.columns)
        return [column for k, column in kept if k not in self.left_out]

    @property
    def script(self) -> list[str]:
        """The statements that make or alter it, and load it."""
        name = self.schema, self.table
        load = ddl.secondary_load(*name)
        attribute = None if self.asked is None else self.asked.attribute
        if self.shell is not None:
            actions = [action.decode() for action in self.actions]
            if attribute is None and not actions:
                return [load]
            return [ddl.alter_table(*name, attribute, actions), load]
        assert attribute is not None
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


async def plan_tables(
    session: Session,
    request: LoadRequest,
    schemas: Mapping[str, set[str]],
    rows: ReportRows,
) -> list[FilePlan]:
    """The Lakehouse tables that a request is about; ``schemas`` has those that exist.

    Raises:
        MySQLError: 1054, a column that is named is not there.
    """
    plans = []
    held = set(await asyncio.to_thread(session.house.engine.tables))
    old = session.house.config.lakehouse.profile == OLD_PROFILE
    for asked in request.external:
        plan = FilePlan(asked.schema, asked.table, asked)
        if asked.table in schemas.get(asked.schema, ()):
            shell = await session.find_shell(asked.schema, asked.table)
            checked = request.mode == "validation"
            if shell is None or (shell.engine_name in held and not checked) or old:
                plan.issue, plan.count = EXISTS, NOT_LOADABLE
                rows.pass_over(plan.schema, plan.table, 3877, EXISTS)
            else:
                await _know(session, plan, shell, asked)
        plans.append(plan)
    named = {(plan.schema, plan.table) for plan in plans}
    anew = request.refresh_external_tables or request.mode == "validation"
    for scope in request.schemas:
        for table in sorted(schemas.get(scope.name, ())):
            wanted = wanted_table(request, scope, table)
            if wanted is None or (scope.name, table) in named:
                continue
            shell = await session.find_shell(scope.name, table)
            if shell is None:
                continue
            excluded = excluded_columns(request.exclude_list, scope.name, table)
            wanted = replace(
                wanted, exclude_columns=(*wanted.exclude_columns, *excluded)
            )
            plan = FilePlan(scope.name, table, is_loaded=shell.engine_name in held)
            await _know(session, plan, shell, wanted)
            if plan.is_loaded and not anew:
                plan.count = ALREADY_LOADED
            if old and not anew:
                plan.issue, plan.count = EXISTS, NOT_LOADABLE
            plans.append(plan)
    return sorted(plans, key=lambda plan: (plan.schema, plan.table))


async def _know(
    session: Session, plan: FilePlan, shell: Shell, wanted: ExternalTable | TableScope
) -> None:
    """Take a table that is there into a plan, without the columns not wanted."""
    described = await describe(session, shell)
    plan.shell, plan.described = shell, described
    out = _left_out(wanted, described.columns, f"{plan.schema}.{plan.table}")
    _change(
        plan,
        [
            Change(place, described.columns[place], described.columns[place], True)
            for place in sorted(out - described.left_out)
        ],
    )
    if plan.changes:
        created = await asyncio.to_thread(created_by, session.house, shell)
        plan.actions = actions_of(created, plan.changes)


def _change(plan: FilePlan, changes: Sequence[Change]) -> None:
    assert plan.described is not None
    plan.changes = list(changes)
    after = changed(plan.described, changes)
    if not after.loaded:
        raise _nothing_left()
    plan.columns, plan.left_out = after.columns, after.left_out


def look(
    session: Session,
    plans: Sequence[FilePlan],
    source: Source,
    rows: ReportRows,
    policy: str,
    cancel: Cancel,
) -> None:
    """Fetch and infer every table whose files are named.

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
            if plan.shell is None:
                take(plan, asked, Found(files, inferred))
            else:
                _reconcile(session, plan, inferred, rows, policy)
                # what is in the files may be more than what the sample has shown
                plan.found = Found(files, replace(inferred, sampled=False))
        except MySQLError as problem:
            if cancel():
                raise
            plan.issue, plan.count = problem.message, NOT_LOADABLE
            rows.error(plan.schema, plan.table, problem.number, problem.message)
            continue
        for condition in (*source.warnings, *inferred.warnings):
            rows.warn(plan.schema, plan.table, condition.number, condition.message)
        source.warnings.clear()


def _reconcile(
    session: Session, plan: FilePlan, inferred: Inferred, rows: ReportRows, policy: str
) -> None:
    """Find out what a table that is there needs for these files."""
    assert plan.asked is not None
    assert plan.shell is not None
    assert plan.described is not None
    own = changed(plan.described, plan.changes)
    disables = policy == DISABLES
    needed = compared(own, inferred, plan.asked.dialect, disables=disables)
    tell_changes(plan, needed, rows)
    _change(plan, [*plan.changes, *needed])
    plan.actions = actions_of(created_by(session.house, plan.shell), plan.changes)


def tell_changes(plan: FilePlan, changes: Sequence[Change], rows: ReportRows) -> None:
    """Have the report say what becomes of columns."""
    for change in changes:
        if change.is_left_out:
            rows.error(plan.schema, plan.table, 3877, change.text)
        else:
            rows.warn(plan.schema, plan.table, 3877, change.text)


def take(plan: FilePlan, asked: ExternalTable, found: Found) -> None:
    """Make the plan one for the columns of a new table's files.

    Raises:
        MySQLError: 1054, a column that is named is not there.
    """
    columns = found.inferred.columns
    out = _left_out(asked, columns, f"{asked.schema}.{asked.table}")
    if len(out) == len(columns):
        raise _nothing_left()
    plan.found, plan.columns, plan.left_out = found, columns, frozenset(out)


def _left_out(
    wanted: ExternalTable | TableScope, columns: Sequence[Column], name: str
) -> set[int]:
    """The places of the columns that the caller leaves out.

    Raises:
        MySQLError: 1054, one that is named is not there.
    """
    places = {column.name.lower(): k for k, column in enumerate(columns)}
    for one in (*wanted.columns, *wanted.exclude_columns):
        if one.lower() not in places:
            raise MySQLError(1054, "42S22", f"Unknown column '{one}' in '{name}'")
    out = {places[one.lower()] for one in wanted.exclude_columns}
    if wanted.columns:
        out |= set(places.values()) - {places[one.lower()] for one in wanted.columns}
    return out


def _nothing_left() -> MySQLError:
    text = "Secondary engine operation failed. All columns marked as NOT SECONDARY."
    return MySQLError(3889, "HY000", text)
