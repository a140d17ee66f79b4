"""sys.heatwave_load: files become Lakehouse tables, InnoDB tables go to RAPID.

Tables are created and changed on the caller's own connection, under the caller's
grants; their rows go into the engine as Arrow. The report's result sets are sent as
they become true.

Source: HeatWave User Guide, "HEATWAVE_LOAD".
"""

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from heatproxy.backend.shells import Shell
from heatproxy.datatypes import Column, quote_text
from heatproxy.errors import MySQLError, not_supported, secondary_engine
from heatproxy.lakehouse import ddl, report
from heatproxy.lakehouse.autopilot import ReportRows
from heatproxy.lakehouse.inference import Inferred
from heatproxy.lakehouse.policy import SourcePolicy
from heatproxy.lakehouse.reader import infer, open_table, untold
from heatproxy.lakehouse.request import ExternalTable, LoadRequest, parse_request
from heatproxy.lakehouse.source import Source
from heatproxy.lakehouse.streams import DataFile
from heatproxy.routines.blocks import Blocks
from heatproxy.routines.innodb import (
    Found,
    TablePlan,
    excluded_items,
    find_tables,
    load_planned,
)
from heatproxy.routines.loading import UNKNOWN_ENGINE
from heatproxy.routines.report import keep_report
from heatproxy.routines.routine import Outcome, Procedure, needs
from heatproxy.session import Cancel, Session, follow_shells

EXISTS = "Non-empty existing table is not supported"
LOAD_BYTES_PER_S = 50 << 20  # for the estimate that the report prints


@dataclass(slots=True)
class Plan:
    """One external table on its way: what was found out, and what it became."""

    table: ExternalTable
    exists: bool = False
    files: tuple[DataFile, ...] = ()
    inferred: Inferred | None = None
    issue: str = ""
    outcome: report.TableOutcome | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.inferred.columns if self.inferred else ()

    @property
    def loadable(self) -> bool:
        return self.inferred is not None and not self.exists


@dataclass(slots=True)
class Work:
    """A call under way."""

    request: LoadRequest
    plans: list[Plan]
    schemas: dict[str, set[str]]  # the existing tables of each schema that exists
    rows: ReportRows = field(default_factory=ReportRows)
    found: Found = field(default_factory=lambda: Found((), {}))

    @property
    def to_load(self) -> list[Plan]:
        loadable = [plan for plan in self.plans if plan.loadable]
        return sorted(loadable, key=lambda p: (p.table.schema, p.table.table))

    @property
    def new_schemas(self) -> list[str]:
        return [s.name for s in self.request.schemas if s.name not in self.schemas]

    @property
    def commands(self) -> int:
        """How many statements the script has."""
        inner = sum(len(plan.script) for plan in self.found.plans)
        return len(self.new_schemas) + 2 * len(self.to_load) + inner

    @property
    def in_order(self) -> list[Plan | TablePlan]:
        """All that is to be loaded, by name."""
        every: list[Plan | TablePlan] = [*self.to_load, *self.found.plans]
        return sorted(every, key=_name_of)

    def estimate(self, schema: str) -> report.SchemaEstimate:
        plans = [plan for plan in self.to_load if plan.table.schema == schema]
        columns = [column for plan in plans for column in plan.columns]
        size = sum(plan.inferred.file_bytes for plan in plans if plan.inferred)
        failed = sum(1 for p in self.plans if p.table.schema == schema and p.issue)
        inner = self.found.estimate(schema)
        return replace(
            inner,
            tables=len(plans) + inner.tables,
            columns=len(columns) + inner.columns,
            issues=self.found.issue_texts(schema, failed),
            engine_bytes=size + inner.engine_bytes,
            string_columns=inner.string_columns
            + sum(1 for column in columns if column.type.is_string),
            load_s=size / LOAD_BYTES_PER_S + inner.load_s,
        )


def _name_of(plan: Plan | TablePlan) -> tuple[str, str]:
    if isinstance(plan, TablePlan):
        return plan.schema, plan.table
    return plan.table.schema, plan.table.table


async def load(
    session: Session, input_list: str | None, options: str | None
) -> Outcome:
    """Load the tables that the arguments name, and create and load external ones.

    A table that cannot be loaded is reported and does not stop the others.

    Raises:
        MySQLError: 3140 or 3877 for wrong arguments; 1235 for modes that are not
            supported; MySQL's own when the caller may not create a table.
    """
    request = parse_request(input_list, options)
    if request.output == "help":
        await Blocks(session, request.output, ReportRows()).send(report.help_text())
        return Outcome()
    if request.mode == "validation":
        raise not_supported("heatwave_load mode validation")
    if request.refresh_external_tables:
        raise not_supported("refresh_external_tables")
    for table in request.external:
        _refuse_outside(request, table)
    schemas = await _existing(session, [scope.name for scope in request.schemas])
    session.watch.doing = "loading"
    known = request.external
    plans = [Plan(t, exists=t.table in schemas.get(t.schema, ())) for t in known]
    work = Work(request, plans, schemas)
    with Source(source_policy(session)) as source:
        await _run(session, work, source)
    await keep_report(session, work.rows)
    return Outcome()


HEATWAVE_LOAD = Procedure(
    "heatwave_load",
    needs("IN input_list JSON", "IN options JSON"),
    run=load,
    reports=True,
)


def source_policy(session: Session) -> SourcePolicy:
    settings = session.house.config.lakehouse
    return SourcePolicy(
        allowed_schemes=(*settings.allowed_schemes, "file"),
        allowed_hosts=tuple(settings.allowed_hosts),
        allowed_folders=tuple(settings.allowed_folders),
        url_mapping=tuple(settings.url_mapping),
        allowed_buckets=tuple(settings.allowed_buckets),
        s3_endpoint=settings.s3_endpoint,
        s3_region=settings.s3_region,
        oci_config=settings.oci_config,
        oci_profile=settings.oci_profile,
        oci_endpoint=settings.oci_endpoint,
        max_file_bytes=settings.max_file_bytes,
    )


def _refuse_outside(request: LoadRequest, table: ExternalTable) -> None:
    excluded = {f"{table.schema}.{table.table}", table.schema}
    if excluded & set(request.exclude_list):
        raise secondary_engine(
            f"Invalid argument of heatwave_load: table '{table.schema}.{table.table}'"
            " is both external and excluded"
        )


async def _existing(session: Session, names: Sequence[str]) -> dict[str, set[str]]:
    listed = ", ".join(quote_text(name) for name in names)
    found = await session.backend.query(
        "SELECT HEX(CONVERT(SCHEMA_NAME USING utf8mb4)),"
        " HEX(CONVERT(TABLE_NAME USING utf8mb4)) FROM information_schema.SCHEMATA"
        " LEFT JOIN information_schema.TABLES ON TABLE_SCHEMA = SCHEMA_NAME"
        f" WHERE SCHEMA_NAME IN ({listed})"
    )
    existing: dict[str, set[str]] = {}
    for schema, table in found.texts():
        assert schema is not None
        tables = existing.setdefault(bytes.fromhex(schema).decode(), set())
        if table is not None:
            tables.add(bytes.fromhex(table).decode())
    return existing


# --- the report's blocks, in order --------------------------------------------------


async def _run(session: Session, work: Work, source: Source) -> None:
    request = work.request
    blocks = Blocks(session, request.output, work.rows)
    parallel = session.house.config.rapid.load_connections
    await blocks.send(report.initializing(request.mode, request.policy, request.output))
    if work.plans:
        await session.off_loop(lambda cancel: _look(work, source, cancel))
        await blocks.send(_inference_block(work))
    work.found = await find_tables(session, request, work.rows, parallel)
    estimates = [work.estimate(scope.name) for scope in request.schemas]
    await blocks.send(report.offload_analysis(estimates, excluded_items(request)))
    await blocks.send(report.capacity_estimation(estimates))
    _write_script(work)
    commands = work.commands
    seconds = sum(estimate.load_s for estimate in estimates)
    if request.mode == "dryrun":
        await blocks.send(report.script_generation(commands, seconds))
        return
    threads = await session.backend.scalar("SELECT @@innodb_parallel_read_threads")
    sql_mode = request.sql_mode
    if sql_mode is None:
        sql_mode = await session.backend.scalar("SELECT @@sql_mode") or ""
    total = len(work.in_order)
    await blocks.send(
        report.executing_load(commands, total, parallel, sql_mode, seconds)
    )
    for schema in work.new_schemas:
        await session.backend.query(ddl.create_database(schema).rstrip(";"))
    strict = "STRICT_" in sql_mode.upper()
    for number, plan in enumerate(work.in_order, 1):
        if isinstance(plan, TablePlan):
            plan.outcome = await load_planned(session, plan, work.rows)
        else:
            plan.outcome = await _load_table(session, work, plan, strict)
        await blocks.send(report.loading_table(number, total, plan.outcome))
    if work.found.plans and request.set_load_parallelism:
        await session.backend.query(ddl.load_parallelism(int(threads or 1)).rstrip(";"))
    await blocks.send(
        report.load_summary([_summary(work, e.schema) for e in estimates])
    )


def _look(work: Work, source: Source, cancel: Cancel) -> None:
    """Fetch and infer every table that is to be created."""
    cancel.interrupts(source.abort)
    for plan in work.plans:
        table = plan.table
        if plan.exists:
            plan.issue = EXISTS
            work.rows.warn(table.schema, table.table, 3877, EXISTS)
            continue
        try:
            plan.files = source.fetch(table.files, table.dialect, cancel, untold)
            plan.inferred = infer(plan.files, table.dialect, cancel)
        except MySQLError as problem:
            if cancel():
                raise
            plan.issue = problem.message
            work.rows.error(table.schema, table.table, problem.message)
            continue
        for condition in (*source.warnings, *plan.inferred.warnings):
            work.rows.warn(
                table.schema, table.table, condition.number, condition.message
            )
        source.warnings.clear()


def _inference_block(work: Work) -> report.Block:
    lines = [
        report.InferredTable(
            plan.table.schema,
            plan.table.table,
            created=plan.exists,
            file_bytes=plan.inferred.file_bytes if plan.inferred else None,
            columns=len(plan.columns) if plan.inferred else None,
            rows=plan.inferred.rows if plan.inferred else None,
            issues=plan.issue,
        )
        for plan in work.plans
    ]
    return report.schema_inference(lines, len(work.new_schemas))


def _write_script(work: Work) -> None:
    """Have the report tell the statements, in the order in which they are run."""
    for schema in work.new_schemas:
        work.rows.sql(ddl.create_database(schema))
    for plan in work.in_order:
        if isinstance(plan, TablePlan):
            statements = plan.script
        else:
            table, columns = plan.table, plan.columns
            name = (table.schema, table.table)
            statements = [
                ddl.create_table(*name, columns, table.attribute),
                ddl.secondary_load(*name),
            ]
        for statement in statements:
            work.rows.sql(statement)


def _summary(work: Work, schema: str) -> report.SchemaOutcome:
    outcomes = [
        plan.outcome
        for plan in work.in_order
        if plan.outcome is not None and plan.outcome.schema == schema
    ]
    loaded = [outcome for outcome in outcomes if outcome.loaded]
    return report.SchemaOutcome(
        schema,
        loaded=len(loaded),
        failed=len(outcomes) - len(loaded),
        columns=sum(outcome.columns for outcome in loaded),
        duration_s=sum(outcome.elapsed_s for outcome in outcomes),
    )


# --- one table ----------------------------------------------------------------------


async def _load_table(
    session: Session, work: Work, plan: Plan, strict: bool
) -> report.TableOutcome:
    """Create the sealed shell, fill the engine; on failure neither is left."""
    table, began = plan.table, time.monotonic()
    attribute = table.attribute
    shell = Shell(table.schema, table.table, f"t_{uuid.uuid4().hex}", attribute)
    columns = ddl.shell_columns(plan.columns)
    create, seal = shell.create(columns, backslash_escapes=session.backslash_escapes)
    command, executed, warnings = "CREATE TABLE", 0, 0
    try:
        await session.backend.query(create)
        try:
            await session.backend.query(seal)
            command, executed = ddl.secondary_load(table.schema, table.table), 1
            warnings = await session.off_loop(
                lambda cancel: _fill(session, plan, shell, strict, cancel)
            )
            await _mark_loaded(session, command)
        except BaseException:
            await session.undo(f"DROP TABLE IF EXISTS {shell.name}")
            await asyncio.to_thread(session.house.engine.drop, shell.engine_name)
            await follow_shells(session.house)
            raise
    except MySQLError as problem:
        if problem.number in (1317, 3024):
            raise
        work.rows.error(table.schema, table.table, problem.message)
        return report.TableOutcome(
            table.schema,
            table.table,
            commands=2,
            executed=executed,
            elapsed_s=time.monotonic() - began,
            failed=command,
            error=problem.message,
        )
    await follow_shells(session.house)
    outcome = report.TableOutcome(
        table.schema,
        table.table,
        commands=2,
        executed=2,
        columns=len(plan.columns),
        warnings=warnings,
        elapsed_s=time.monotonic() - began,
    )
    work.rows.table_summary(outcome)
    return outcome


async def _mark_loaded(session: Session, command: str) -> None:
    """Have the dictionary say SECONDARY_LOAD="1"."""
    try:
        await session.backend.query(command.rstrip(";"))
    except MySQLError as problem:
        if problem.number != UNKNOWN_ENGINE:
            raise


def _fill(
    session: Session, plan: Plan, shell: Shell, strict: bool, cancel: Cancel
) -> int:
    """Load the rows into the engine; how many warnings there were."""
    reading = open_table(
        plan.files, plan.table.dialect, plan.columns, strict=strict, cancelled=cancel
    )
    try:
        session.house.engine.load(
            shell.engine_name, plan.columns, reading.reader, cancel.interrupts
        )
    except Exception:
        if reading.failure is not None:
            raise reading.failure from None
        raise
    return reading.warning_count
