"""sys.heatwave_load: files become Lakehouse tables, InnoDB tables go to RAPID.

Tables are created and changed on the caller's own connection, under the caller's
grants; their rows go into the engine as Arrow. The report's result sets are sent as
they become true.

Source: HeatWave User Guide, "HEATWAVE_LOAD".
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from heatproxy.aftermath import Condition
from heatproxy.datatypes import quote_text
from heatproxy.errors import secondary_engine
from heatproxy.house import follow_shells
from heatproxy.lakehouse import ddl, report, validation_report
from heatproxy.lakehouse.autopilot import ReportRows
from heatproxy.lakehouse.request import ExternalTable, LoadRequest, parse_request
from heatproxy.lakehouse.source import Source
from heatproxy.routines.blocks import Blocks
from heatproxy.routines.file_plans import FilePlan, look, plan_tables
from heatproxy.routines.files import load_one, validate_one
from heatproxy.routines.filling import source_policy
from heatproxy.routines.innodb import (
    Found,
    TablePlan,
    excluded_items,
    find_tables,
    load_planned,
)
from heatproxy.routines.load_warnings import Told
from heatproxy.routines.loading import NO_SUCH_TABLE
from heatproxy.routines.report import keep_report
from heatproxy.routines.routine import Outcome, Procedure, needs
from heatproxy.session import Session

LOAD_BYTES_PER_S = 50 << 20  # for the estimate that the report prints
OF_SECONDARY_ENGINE = 3877
NO_SUCH_SCHEMA = "Schema does not exist"
SYSTEM_SCHEMAS = ("mysql", "sys", "performance_schema", "information_schema")


@dataclass(slots=True)
class Work:
    """A call under way."""

    request: LoadRequest
    plans: list[FilePlan]
    schemas: dict[str, set[str]]  # the existing tables of each schema that exists
    rows: ReportRows = field(default_factory=ReportRows)
    found: Found = field(default_factory=lambda: Found((), {}))
    told: Told = field(default_factory=Told)

    @property
    def validates(self) -> bool:
        return self.request.mode == "validation"

    @property
    def to_load(self) -> list[FilePlan]:
        return [plan for plan in self.plans if plan.loadable]

    @property
    def new_schemas(self) -> list[str]:
        """Those that are not there and are to have a table."""
        wanted = {plan.schema for plan in self.plans if plan.is_new}
        names = [scope.name for scope in self.request.schemas]
        return [name for name in names if name in wanted and name not in self.schemas]

    @property
    def commands(self) -> int:
        """How many statements the script has."""
        plans = len(self.new_schemas)
        return plans + sum(len(plan.script) for plan in self.in_order)

    @property
    def in_order(self) -> list[FilePlan | TablePlan]:
        """All that is to be loaded, by name."""
        every: list[FilePlan | TablePlan] = [*self.to_load, *self.found.plans]
        return sorted(every, key=lambda plan: (plan.schema, plan.table))

    def estimate(self, schema: str) -> report.SchemaEstimate:
        own = [plan for plan in self.plans if plan.schema == schema]
        plans = [plan for plan in own if plan.loadable]
        columns = [column for plan in plans for column in plan.loaded_columns]
        size = sum(plan.file_bytes for plan in plans)
        inner = self.found.estimate(schema)
        issues = self.found.issue_texts(schema, [p.count for p in own if p.count])
        if schema not in self.schemas and schema not in self.new_schemas:
            issues = issues or NO_SUCH_SCHEMA
        return replace(
            inner,
            tables=len(plans) + inner.tables,
            columns=len(columns) + inner.columns,
            issues=issues,
            engine_bytes=size + inner.engine_bytes,
            string_columns=inner.string_columns
            + sum(1 for column in columns if column.type.is_string),
            load_s=size / LOAD_BYTES_PER_S + inner.load_s,
        )


async def load(
    session: Session, input_list: str | None, options: str | None
) -> Outcome:
    """Load the tables that the arguments name, and create and load external ones.

    A table that cannot be loaded is reported and does not stop the others.

    Raises:
        MySQLError: 3140 or 3877 for wrong arguments; 1231, a sql_mode that is none;
            1235 for what is not supported; MySQL's own when the caller may not
            create a schema.
    """
    profile = session.house.config.lakehouse.profile
    request = parse_request(input_list, options, profile)
    if request.output == "help":
        await Blocks(session, request.output, ReportRows()).send(report.help_text())
        return Outcome()
    for scope in request.schemas:
        if scope.name.lower() in SYSTEM_SCHEMAS:
            raise secondary_engine(
                f"Invalid argument of heatwave_load: the tables of '{scope.name}' are"
                " MySQL's own and are not loaded"
            )
    for table in request.external:
        _refuse_outside(request, table)
    session.watch.doing = "loading"
    async with _in_mode(session, request.sql_mode) as sql_mode:
        schemas = await existing(session, [scope.name for scope in request.schemas])
        work = Work(request, [], schemas)
        tell_unknown(request, schemas, work.rows)
        work.plans = await plan_tables(session, request, schemas, work.rows)
        with Source(source_policy(session)) as source:
            await _run(session, work, source, sql_mode)
        await keep_report(session, work.rows)
    problems = [Condition(*problem) for problem in work.rows.problems]
    return Outcome(conditions=[*problems, *work.told.all(profile)])


HEATWAVE_LOAD = Procedure(
    "heatwave_load",
    needs("IN input_list JSON", "IN options JSON"),
    run=load,
    reports=True,
)


@asynccontextmanager
async def _in_mode(session: Session, given: str | None) -> AsyncIterator[str]:
    """Have the session's sql_mode be the one that is given, meanwhile."""
    backend = session.backend
    own = await backend.scalar("SELECT @@sql_mode") or ""
    if given is None:
        yield own
        return
    await backend.query(f"SET SESSION sql_mode = {quote_text(given)}")
    try:
        yield given
    finally:
        await session.undo(f"SET SESSION sql_mode = {quote_text(own)}")


def _refuse_outside(request: LoadRequest, table: ExternalTable) -> None:
    excluded = {f"{table.schema}.{table.table}", table.schema}
    if excluded & set(request.exclude_list):
        raise secondary_engine(
            f"Invalid argument of heatwave_load: table '{table.schema}.{table.table}'"
            " is both external and excluded"
        )


def tell_unknown(
    request: LoadRequest, there: Mapping[str, set[str]], rows: ReportRows
) -> None:
    """Warn of what is to be left out and is not there: it may be a slip of the pen.

    ``there`` has the tables of each schema that exists.
    """
    tables = {(schema, name) for schema, names in there.items() for name in names}
    for scope in request.schemas:
        for name in scope.exclude_tables:
            if (scope.name, name) not in tables:
                text = f"Table '{scope.name}.{name}' doesn't exist"
                rows.pass_over(scope.name, name, NO_SUCH_TABLE, text)
    tables |= {(table.schema, table.table) for table in request.external}
    schemas = {scope.name for scope in request.schemas}
    for one in request.exclude_list:
        known = one in schemas or any(
            f"{one}.".startswith(f"{schema}.{table}.") for schema, table in tables
        )
        if not known:
            text = f"exclude_list: '{one}' is none of the call's tables"
            rows.pass_over("", "", OF_SECONDARY_ENGINE, text)


async def existing(session: Session, names: Sequence[str]) -> dict[str, set[str]]:
    """Those schemas that are there, with the names of their tables."""
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


async def _run(session: Session, work: Work, source: Source, sql_mode: str) -> None:
    request = work.request
    blocks = Blocks(session, request.output, work.rows)
    parallel = session.house.config.rapid.load_connections
    await blocks.send(report.initializing(request.mode, request.policy, request.output))
    if any(plan.asked or plan.issue or plan.loadable for plan in work.plans):
        plans, policy = work.plans, request.policy
        look_at = partial(look, session, plans, source, work.rows, policy)
        await session.off_loop(look_at)
        await blocks.send(_inference_block(work))
    if not work.validates:
        work.found = await find_tables(session, request, work.rows, parallel)
    estimates = [work.estimate(scope.name) for scope in request.schemas]
    await blocks.send(report.offload_analysis(estimates, excluded_items(request)))
    await blocks.send(report.capacity_estimation(estimates))
    if work.validates:
        await _validate(session, work, blocks, sql_mode)
        return
    _write_script(work)
    commands = work.commands
    seconds = sum(estimate.load_s for estimate in estimates)
    if request.mode == "dryrun":
        await blocks.send(report.script_generation(commands, seconds))
        return
    threads = await session.backend.scalar("SELECT @@innodb_parallel_read_threads")
    total = len(work.in_order)
    await blocks.send(
        report.executing_load(commands, total, parallel, sql_mode, seconds)
    )
    for schema in work.new_schemas:
        await session.backend.query(ddl.create_database(schema).rstrip(";"))
    strict = "STRICT_" in sql_mode.upper()
    rows, told = work.rows, work.told
    for number, plan in enumerate(work.in_order, 1):
        if isinstance(plan, TablePlan):
            plan.outcome = await load_planned(session, plan, rows)
        else:
            plan.outcome = await load_one(
                session, plan, rows, told, policy=request.policy, strict=strict
            )
            await follow_shells(session.house)
        await blocks.send(report.loading_table(number, total, plan.outcome))
    if work.found.plans and request.set_load_parallelism:
        await session.backend.query(ddl.load_parallelism(int(threads or 1)).rstrip(";"))
    await blocks.send(
        report.load_summary([_summary(work, e.schema) for e in estimates])
    )


async def _validate(
    session: Session, work: Work, blocks: Blocks, sql_mode: str
) -> None:
    """See whether the files could be loaded, and load nothing."""
    total, strict = len(work.to_load), "STRICT_" in sql_mode.upper()
    await blocks.send(validation_report.validating_load(total, sql_mode))
    rows, told = work.rows, work.told
    for number, plan in enumerate(work.to_load, 1):
        plan.outcome = await validate_one(session, plan, rows, told, strict=strict)
        await blocks.send(
            validation_report.validating_table(number, total, plan.outcome)
        )
    outcomes = [_summary(work, scope.name) for scope in work.request.schemas]
    await blocks.send(validation_report.validation_summary(outcomes))


def _inference_block(work: Work) -> report.Block:
    shown = [plan for plan in work.plans if plan.asked or plan.issue or plan.loadable]
    return report.schema_inference(
        [plan.line() for plan in shown], len(work.new_schemas)
    )


def _write_script(work: Work) -> None:
    """Have the report tell the statements, in the order in which they are run."""
    for schema in work.new_schemas:
        work.rows.sql(ddl.create_database(schema))
    for plan in work.in_order:
        for statement in plan.script:
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
