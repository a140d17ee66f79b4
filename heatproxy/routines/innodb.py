"""The InnoDB tables of a call of heatwave_load: which can be loaded, and loading them.

The caller's own connection says which tables there are and runs the script, so that a
caller sees and changes no more than MySQL allows.

Source: HeatWave User Guide, "HEATWAVE_LOAD", for InnoDB tables.
"""

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from heatproxy.datatypes import quote_text
from heatproxy.errors import MySQLError
from heatproxy.lakehouse import ddl, report
from heatproxy.lakehouse.autopilot import ReportRows
from heatproxy.lakehouse.request import (
    LoadRequest,
    SchemaScope,
    TableScope,
    excluded_columns,
)
from heatproxy.rapid.describe import (
    NOT_SECONDARY,
    RAPID,
    Description,
    describe,
    is_flagged,
    secondary_engine_of,
)
from heatproxy.rapid.load import Loader
from heatproxy.routines.loading import (
    NO_SUCH_TABLE,
    OtherEngine,
    load_table,
    reported,
)
from heatproxy.session import Session

FOOTPRINT_BYTES = 4 << 20  # in MySQL, of a table that is loaded
BYTES_PER_S = 50 << 20
_IS_STRING = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext")
NOT_LOADABLE = "{} table(s) are not loadable"
ALREADY_LOADED = "{} table(s) are already loaded"


@dataclass(slots=True)
class TablePlan:
    """A table that is to be loaded, by the statements of ``script``."""

    schema: str
    table: str
    columns: int
    strings: int
    data_bytes: int
    script: Sequence[str]
    outcome: report.TableOutcome | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What there is in the schemas: what to load, and why not the rest, by schema."""

    plans: Sequence[TablePlan]
    issues: Mapping[str, Counter[str]]

    def estimate(self, schema: str) -> report.SchemaEstimate:
        """A line of the report's analysis."""
        plans = [plan for plan in self.plans if plan.schema == schema]
        size = sum(plan.data_bytes for plan in plans)
        return report.SchemaEstimate(
            schema,
            tables=len(plans),
            columns=sum(plan.columns for plan in plans),
            engine_bytes=size,
            backend_bytes=FOOTPRINT_BYTES * len(plans),
            string_columns=sum(plan.strings for plan in plans),
            load_s=size / BYTES_PER_S,
        )

    def issue_texts(self, schema: str, more: Iterable[str] = ()) -> str:
        """Why tables of a schema are not loaded; ``more`` has one text for a table."""
        counted = Counter(self.issues.get(schema, {}))
        counted.update(more)
        return ", ".join(text.format(n) for text, n in counted.items() if n)


async def find_tables(
    session: Session, request: LoadRequest, rows: ReportRows, threads: int
) -> Found:
    """Look at the tables that the request is about.

    Raises:
        MySQLError: 1317 or 3024, the call was killed; what MySQL says.
    """
    plans: list[TablePlan] = []
    issues: dict[str, Counter[str]] = {}
    external = {(one.schema, one.table) for one in request.external}
    external_names = {table for _, table in external}
    for scope in request.schemas:
        counted = issues.setdefault(scope.name, Counter())
        every = await _listed(session, scope.name)
        for name in _unknown(scope, {one.name for one in every} | external_names):
            text = f"Table '{scope.name}.{name}' doesn't exist"
            rows.pass_over(scope.name, name, NO_SUCH_TABLE, text)
            counted[NOT_LOADABLE] += 1
        for listed in every:
            wanted = wanted_table(request, scope, listed.name)
            if wanted is None or (scope.name, listed.name) in external:
                continue
            if session.house.shells.find(scope.name, listed.name):
                continue
            issue = listed.issue
            if session.house.rapid.loader is None:
                issue = NOT_LOADABLE
            if issue:
                counted[issue] += 1
                continue
            plan = await _plan(session, request, scope.name, listed, wanted, rows)
            if plan is None:
                counted[NOT_LOADABLE] += 1
                continue
            if request.set_load_parallelism:
                plan.script = [ddl.load_parallelism(threads), *plan.script]
            plans.append(plan)
    return Found(plans, issues)


async def load_planned(
    session: Session, plan: TablePlan, rows: ReportRows
) -> report.TableOutcome:
    """Run a table's script; what fails is reported and does not stop others.

    Raises:
        MySQLError: 1317 or 3024, the call was killed.
    """
    loader = session.house.rapid.loader
    assert loader is not None
    began, executed, warnings, threads = time.monotonic(), 0, 0, 1
    command = ""
    try:
        for command in plan.script:
            sql = command.rstrip(";")
            if sql.endswith(" SECONDARY_LOAD"):
                loaded = await load_table(session, loader, plan.schema, plan.table, sql)
                threads, warnings = loaded.threads, len(loaded.notes)
                for note in loaded.notes:
                    rows.warn(plan.schema, plan.table, 3877, note)
            else:
                await session.backend.query(sql)
            executed += 1
    except (MySQLError, OtherEngine) as problem:
        number, text = reported(problem)
        rows.error(plan.schema, plan.table, number, text)
        return report.TableOutcome(
            plan.schema,
            plan.table,
            commands=len(plan.script),
            executed=executed,
            elapsed_s=time.monotonic() - began,
            failed=command,
            error=text,
        )
    outcome = report.TableOutcome(
        plan.schema,
        plan.table,
        commands=len(plan.script),
        executed=executed,
        columns=plan.columns,
        warnings=warnings,
        elapsed_s=time.monotonic() - began,
        threads=threads,
    )
    rows.table_summary(outcome)
    return outcome


def _unknown(scope: SchemaScope, known: set[str]) -> list[str]:
    """The tables that a request names and that are not there."""
    return [one.name for one in scope.tables or () if one.name not in known]


# --- what there is ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Listed:
    """A table or view of a schema; ``issue`` says why it is not loaded."""

    name: str
    data_bytes: int
    is_attached: bool  # to RAPID
    issue: str


async def _listed(session: Session, schema: str) -> list[_Listed]:
    found = await session.backend.query(
        "SELECT HEX(CONVERT(TABLE_NAME USING utf8mb4)), TABLE_TYPE, ENGINE,"
        " CREATE_OPTIONS, DATA_LENGTH FROM information_schema.TABLES"
        f" WHERE TABLE_SCHEMA = {quote_text(schema)} ORDER BY TABLE_NAME"
    )
    listed = []
    for name, kind, engine, options, size in found.texts():
        attached = secondary_engine_of(options or "")
        issue = ""
        if kind != "BASE TABLE" or engine != "InnoDB" or attached not in (RAPID, None):
            issue = NOT_LOADABLE
        elif is_flagged(options or ""):
            issue = ALREADY_LOADED
        decoded = bytes.fromhex(name or "").decode()
        listed.append(_Listed(decoded, int(size or 0), attached == RAPID, issue))
    return listed


def wanted_table(
    request: LoadRequest, scope: SchemaScope, table: str
) -> TableScope | None:
    """What the request says of a table; None if it is left out."""
    excluded = set(request.exclude_list)
    if scope.name in excluded or f"{scope.name}.{table}" in excluded:
        return None
    if table in scope.exclude_tables:
        return None
    if scope.tables is None:
        return TableScope(table)
    return next((one for one in scope.tables if one.name == table), None)


async def _plan(
    session: Session,
    request: LoadRequest,
    schema: str,
    listed: _Listed,
    wanted: TableScope,
    rows: ReportRows,
) -> TablePlan | None:
    """How to load a table; None if it cannot be."""
    loader = session.house.rapid.loader
    assert loader is not None
    try:
        described = await session.off_loop(partial(_describe, loader, schema, listed))
    except MySQLError as problem:
        if problem.is_kill:
            raise
        rows.warn(schema, listed.name, problem.number, problem.message)
        return None
    if described is None:
        return None
    unwanted = set(_unwanted(request, schema, described, wanted))
    unsupported = {
        column.name: f"Column '{column.name}': {column.refusal}"
        for column in described.columns
        if column.refusal not in (None, NOT_SECONDARY) and column.name not in unwanted
    }
    for text in unsupported.values():
        rows.warn(schema, listed.name, 3877, text)
    disables = request.policy == "disable_unsupported_columns"
    held = [column for column in described.held if column.name not in unwanted]
    if not held or (unsupported and not disables):
        return None
    script = []
    to_disable = [
        column.name
        for column in described.columns
        if column.name in unsupported
        or (column.name in unwanted and column.refusal != NOT_SECONDARY)
    ]
    if to_disable:
        created = await session.backend.query(f"SHOW CREATE TABLE {described.quoted}")
        definitions = str(created.texts()[0][1]).split("\n")
        script += list(_disabling(described, to_disable, definitions))
    if not listed.is_attached:
        script.append(ddl.secondary_engine(schema, listed.name))
    script.append(ddl.secondary_load(schema, listed.name))
    strings = sum(column.type.name in _IS_STRING for column in held)
    return TablePlan(schema, listed.name, len(held), strings, listed.data_bytes, script)


def _describe(
    loader: Loader, schema: str, listed: _Listed, cancel: object
) -> Description | None:
    return describe(loader.ask, schema, listed.name)


def _unwanted(
    request: LoadRequest, schema: str, described: Description, wanted: TableScope
) -> Iterator[str]:
    """The columns that the caller leaves out."""
    for column in described.columns:
        name = column.name
        if (
            f"{schema}.{described.name}.{name}" in request.exclude_list
            or name in wanted.exclude_columns
            or (wanted.columns and name not in wanted.columns)
        ):
            yield name


def _disabling(
    table: Description, columns: Sequence[str], lines: Sequence[str]
) -> Iterator[str]:
    """Statements that make columns NOT SECONDARY and leave them else as they are."""
    for column in columns:
        quoted = re.escape(column.replace("`", "``"))
        line = re.compile(rf'\s*[`"]{quoted}[`"] ')
        for text in lines:
            if line.match(text):
                definition = text.strip().removesuffix(",")
                yield (f"ALTER TABLE {table.quoted} MODIFY {definition} NOT SECONDARY;")
                break
        else:
            raise MySQLError(1054, "42S22", f"Unknown column '{column}'")


def excluded_items(request: LoadRequest) -> int:
    """How many tables and columns the caller leaves out by name."""
    named = sum(len(scope.exclude_tables) for scope in request.schemas)
    columns = sum(
        len(table.exclude_columns)
        for scope in request.schemas
        for table in scope.tables or ()
    )
    for table in request.external:  # what exclude_list names of them is among these
        listed = excluded_columns(request.exclude_list, table.schema, table.table)
        columns += len(table.exclude_columns) - len(listed)
    return len(request.exclude_list) + named + columns
