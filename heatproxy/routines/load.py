"""sys.heatwave_load: files behind URLs become Lakehouse tables, with a report.

The tables are created on the caller's own connection, under the caller's grants; the
rows go from the reader into the engine as Arrow. The report's result sets are sent as
they become true.

Source: HeatWave User Guide, "HEATWAVE_LOAD".
"""

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from heatproxy.answer import titled
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
from heatproxy.routines.report import keep_report
from heatproxy.routines.routine import Outcome, Procedure, needs
from heatproxy.session import Cancel, Session, follow_shells
from heatproxy.wire.columns import ColumnDefinition

EXISTS = "Non-empty existing table is not supported"
UNKNOWN_ENGINE = 1286  # what MySQL before 8.4 says of SECONDARY_LOAD: no RAPID here
STRING_COLUMN = "SELECT CAST('' AS CHAR(4096) CHARACTER SET utf8mb4)"
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

    @property
    def to_load(self) -> list[Plan]:
        loadable = [plan for plan in self.plans if plan.loadable]
        return sorted(loadable, key=lambda p: (p.table.schema, p.table.table))

    @property
    def new_schemas(self) -> list[str]:
        return [s.name for s in self.request.schemas if s.name not in self.schemas]

    def estimate(self, schema: str) -> report.SchemaEstimate:
        plans = [plan for plan in self.to_load if plan.table.schema == schema]
        columns = [column for plan in plans for column in plan.columns]
        size = sum(plan.inferred.file_bytes for plan in plans if plan.inferred)
        others = len(self.schemas.get(schema, ()))
        failed = sum(1 for p in self.plans if p.table.schema == schema and p.issue)
        bad = (
            others
            + failed
            - sum(1 for p in self.plans if p.table.schema == schema and p.exists)
        )
        return report.SchemaEstimate(
            schema,
            tables=len(plans),
            columns=len(columns),
            issues=f"{bad} table(s) are not loadable" if bad else "",
            engine_bytes=size,
            string_columns=sum(1 for column in columns if column.type.is_string),
            load_s=size / LOAD_BYTES_PER_S,
        )


async def load(
    session: Session, input_list: str | None, options: str | None
) -> Outcome:
    """Create and load the external tables that the arguments describe.

    A table that cannot be read or loaded is reported and does not stop the others.

    Raises:
        MySQLError: 3140 or 3877 for wrong arguments; 1235 for modes that are not
            supported; MySQL's own when the caller may not create a table.
    """
    request = parse_request(input_list, options)
    if request.output == "help":
        await _send(session, await _string_column(session), report.help_text())
        return Outcome()
    if request.mode == "validation":
        raise not_supported("heatwave_load mode validation")
    if request.refresh_external_tables:
        raise not_supported("refresh_external_tables")
    for table in request.external:
        _refuse_outside(request, table)
    schemas = await _existing(session, [scope.name for scope in request.schemas])
    session.watch.doing = "loading"
    plans = [
        Plan(t, exists=t.table in schemas.get(t.schema, ())) for t in request.external
    ]
    work = Work(request, plans, schemas)
    with Source(_policy(session)) as source:
        await _run(session, work, source)
    await keep_report(session, work.rows)
    return Outcome()


HEATWAVE_LOAD = Procedure(
    "heatwave_load",
    needs("IN input_list JSON", "IN options JSON"),
    run=load,
    reports=True,
)


def _policy(session: Session) -> SourcePolicy:
    settings = session.house.config.lakehouse
    return SourcePolicy(
        allowed_schemes=(*settings.allowed_schemes, "file"),
        allowed_hosts=tuple(settings.allowed_hosts),
        allowed_folders=tuple(settings.allowed_folders),
        url_mapping=tuple(settings.url_mapping),
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
    blocks = _Blocks(session, work)
    await blocks.send(report.initializing(request.mode, request.policy, request.output))
    if work.plans:
        await session.off_loop(lambda cancel: _look(work, source, cancel))
        await blocks.send(_inference_block(work))
    estimates = [work.estimate(scope.name) for scope in request.schemas]
    await blocks.send(report.offload_analysis(estimates, len(request.exclude_list)))
    await blocks.send(report.capacity_estimation(estimates))
    commands = _script(work)
    seconds = sum(estimate.load_s for estimate in estimates)
    if request.mode == "dryrun":
        await blocks.send(report.script_generation(commands, seconds))
        return
    threads = int(
        await session.backend.scalar("SELECT @@innodb_parallel_read_threads") or 1
    )
    sql_mode = request.sql_mode
    if sql_mode is None:
        sql_mode = await session.backend.scalar("SELECT @@sql_mode") or ""
    total = len(work.to_load)
    await blocks.send(
        report.executing_load(commands, total, threads, sql_mode, seconds)
    )
    for schema in work.new_schemas:
        await session.backend.query(ddl.create_database(schema).rstrip(";"))
    strict = "STRICT_" in sql_mode.upper()
    for number, plan in enumerate(work.to_load, 1):
        plan.outcome = await _load_table(session, work, plan, strict)
        await blocks.send(report.loading_table(number, total, plan.outcome))
    await blocks.send(
        report.load_summary([_summary(work, e.schema) for e in estimates])
    )


class _Blocks:
    """Sends blocks to the client as the output mode wants them."""

    def __init__(self, session: Session, work: Work) -> None:
        self._session, self._work = session, work
        self._column: ColumnDefinition | None = None

    async def send(self, block: report.Block) -> None:
        output = self._work.request.output
        shown = report.compact([block]) if output == "compact" else (block,)
        if output == "silent":
            self._work.rows.block(block)
            return
        if self._column is None:
            self._column = await _string_column(self._session)
        for one in shown:
            await _send(self._session, self._column, one)


async def _string_column(session: Session) -> ColumnDefinition:
    """A column of lines as MySQL describes it to this client."""
    return (await session.backend.query(STRING_COLUMN)).columns[0]


async def _send(
    session: Session, column: ColumnDefinition, block: report.Block
) -> None:
    columns = [await asyncio.to_thread(titled, column, block.title)]
    await session.answer.text_rows(columns, [[row] for row in block.rows], more=True)


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


def _script(work: Work) -> int:
    """Write the load script into the report; how many commands it has."""
    statements = [ddl.create_database(schema) for schema in work.new_schemas]
    for plan in work.to_load:
        table = plan.table
        statements += [
            ddl.create_table(table.schema, table.table, plan.columns, table.attribute),
            ddl.secondary_load(table.schema, table.table),
        ]
    for statement in statements:
        work.rows.sql(statement)
    return len(statements)


def _summary(work: Work, schema: str) -> report.SchemaOutcome:
    outcomes = [
        plan.outcome
        for plan in work.to_load
        if plan.table.schema == schema and plan.outcome is not None
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
        elapsed = time.monotonic() - began
        return report.TableOutcome(
            table.schema,
            table.table,
            commands=2,
            executed=executed,
            elapsed_s=elapsed,
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
