"""The text of the Auto Parallel Load report: every result set it prints, row by row.

Each block is one result set with one string column, whose title is the block's.
Widths and words are those printed by releases 2.18 to 3.11, which hardly differ.

Source: reports printed in public labs and the HeatWave User Guide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from heatproxy.datatypes import quote_name
from heatproxy.lakehouse.catalogue import LH
from heatproxy.lakehouse.quantities import count_text, duration_text, size_text

VERSION = "3.11"  # of the report whose text this is: HeatWave 8.4 and 9.0
SCRIPT_QUERY = (
    '  SELECT log->>"$.sql" AS "Load Script" FROM sys.heatwave_autopilot_report'
    ' WHERE type = "sql" ORDER BY id;'
)
_DEPRECATED = (
    'Deprecation Notice: "heatwave_load_report" will be deprecated, please switch to'
    ' "heatwave_autopilot_report"'
)
_SCRIPT = (
    "Retrieve load script containing {} generated DDL command{} using the query below:"
)


@dataclass(frozen=True, slots=True)
class Block:
    """One result set: its only column's title, and its rows."""

    title: str
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InferredTable:
    """A line of LAKEHOUSE AUTO SCHEMA INFERENCE; None prints as ``-``."""

    schema: str
    table: str
    created: bool = False  # the table was there before
    file_bytes: int | None = None
    columns: int | None = None
    rows: int | None = None
    issues: str = ""


@dataclass(frozen=True, slots=True)
class SchemaEstimate:
    """What is known of one schema before loading."""

    schema: str
    tables: int
    columns: int
    issues: str = ""
    engine_bytes: int = 0
    backend_bytes: int = 0
    string_columns: int = 0
    dictionary_columns: int = 0
    load_s: float = 0.0

    @property
    def varlen_columns(self) -> int:
        return self.string_columns - self.dictionary_columns


@dataclass(frozen=True, slots=True)
class TableOutcome:
    """How the load of one table ended; ``failed`` is the statement that did."""

    schema: str
    table: str
    commands: int
    executed: int
    columns: int = 0
    warnings: int = 0
    elapsed_s: float = 0.0
    failed: str = ""
    error: str = ""
    threads: int | None = None  # InnoDB tables only
    rows: int = 0  # that were read from files

    @property
    def loaded(self) -> bool:
        return not self.failed


@dataclass(frozen=True, slots=True)
class SchemaOutcome:
    """A line of LOAD SUMMARY; ``columns`` counts those of loaded tables."""

    schema: str
    loaded: int
    failed: int
    columns: int
    duration_s: float


def initializing(mode: str, policy: str, output: str) -> Block:
    """Block 1."""
    return Block(
        "INITIALIZING HEATWAVE AUTO PARALLEL LOAD",
        (
            f"Version: {VERSION}",
            "",
            f"Load Mode: {mode}",
            f"Load Policy: {policy}",
            f"Output Mode: {output}",
            "",
        ),
    )


def schema_inference(tables: Sequence[InferredTable], new_schemas: int) -> Block:
    """Block 2, when external tables are in scope."""
    ordered = sorted(tables, key=lambda table: (table.schema, table.table))
    issue_width = max([10, *(len(table.issues) for table in ordered)])

    layout = f"%-24s %-24s %-8s %13s %11s %14s     %-{issue_width}s"

    def line(*cells: str) -> str:
        return layout % cells

    def known(value: int | None, shown: str) -> str:
        return "-" if value is None else shown

    rows = [
        f"Verifying external lakehouse tables: {len(tables)}",
        "",
        line(
            "SCHEMA", "TABLE", "TABLE IS", "RAW", "NUM. OF", "ESTIMATED", "SUMMARY OF"
        ),
        line("NAME", "NAME", "CREATED", "FILE SIZE", "COLUMNS", "ROW COUNT", "ISSUES"),
        line("-" * 6, "-" * 5, "-" * 8, "-" * 9, "-" * 7, "-" * 9, "-" * 10),
    ]
    for table in ordered:
        rows.append(
            line(
                quote_name(table.schema),
                quote_name(table.table),
                "YES" if table.created else "NO",
                known(table.file_bytes, size_text(table.file_bytes or 0)),
                known(table.columns, str(table.columns)),
                known(table.rows, count_text(table.rows or 0)),
                table.issues,
            )
        )
    new_tables = sum(1 for table in tables if not table.created)
    rows += [
        "",
        f"New schemas to be created: {new_schemas}",
        f"External lakehouse tables to be created: {new_tables}",
        "",
    ]
    return Block("LAKEHOUSE AUTO SCHEMA INFERENCE", tuple(rows))


def offload_analysis(schemas: Sequence[SchemaEstimate], excluded: int) -> Block:
    """Block 3."""
    issue_width = max([10, *(len(schema.issues) for schema in schemas)])

    layout = f"%-28s %11s    %11s     %-{issue_width}s"

    def line(*cells: object) -> str:
        return layout % cells

    rows = [
        f"Verifying input schemas: {len(schemas)}",
        f"User excluded items: {excluded}",
        "",
        line("SCHEMA", "OFFLOADABLE", "OFFLOADABLE", "SUMMARY OF"),
        line("NAME", "TABLES", "COLUMNS", "ISSUES"),
        line("-" * 6, "-" * 11, "-" * 11, "-" * 10),
        *(
            line(quote_name(one.schema), one.tables, one.columns, one.issues)
            for one in schemas
        ),
        "",
        f"Total offloadable schemas: {sum(1 for one in schemas if one.tables)}",
        "",
    ]
    return Block("OFFLOAD ANALYSIS", tuple(rows))


def capacity_estimation(schemas: Sequence[SchemaEstimate]) -> Block:
    """Block 4."""
    layout = "%-24s %11s%16s%16s%12s%15s%12s%16s"
    head = (
        "|TOTAL|ESTIMATED|ESTIMATED|TOTAL|DICTIONARY|VARLEN|ESTIMATED",
        "SCHEMA|OFFLOADABLE|HEATWAVE NODE|MYSQL NODE|STRING|ENCODED|ENCODED|LOAD",
        "NAME|TABLES|FOOTPRINT|FOOTPRINT|COLUMNS|COLUMNS|COLUMNS|TIME",
        "------|-----------|---------|---------|-------|----------|-------|---------",
    )
    rows = [
        "Default encoding for string columns: VARLEN (unless specified in the schema)",
        f"Estimating memory footprint for {len(schemas)} schema(s)",
        "",
        *(layout % tuple(line.split("|")) for line in head),
        *(
            layout
            % (
                quote_name(one.schema),
                one.tables,
                size_text(one.engine_bytes),
                size_text(one.backend_bytes),
                one.string_columns,
                one.dictionary_columns,
                one.varlen_columns,
                duration_text(one.load_s),
            )
            for one in schemas
        ),
        "",
        "Sufficient MySQL host memory available to load all tables.",
        "Sufficient HeatWave cluster memory available to load all tables.",
        "",
    ]
    return Block("CAPACITY ESTIMATION", tuple(rows))


def script_generation(commands: int, load_s: float) -> Block:
    """Block 5 of a dry run."""
    return Block(
        "LOAD SCRIPT GENERATION",
        (
            "Dryrun mode only generates the load script",
            'Set mode to "normal" in options to load tables',
            "",
            _SCRIPT.format(commands, "s"),
            _DEPRECATED,
            SCRIPT_QUERY,
            "",
            f"Applying changes will take approximately {duration_text(load_s)}",
            "",
            "Caution: Executing the generated load script will affect the secondary"
            " engine flags in the schema",
            "",
        ),
    )


def executing_load(
    commands: int, tables: int, threads: int, sql_mode: str, load_s: float
) -> Block:
    """Block 5 of a load; ``threads`` is the parallelism for InnoDB tables."""
    return Block(
        "EXECUTING LOAD",
        (
            "HeatWave Load script generated",
            "  " + _SCRIPT.format(commands, "(s)"),
            _DEPRECATED,
            SCRIPT_QUERY,
            "",
            "Adjusting load parallelism dynamically per internal/external table.",
            f"Using current parallelism of {threads} thread(s) as maximum for internal"
            " tables.",
            "",
            f"Using SQL_MODE: {sql_mode}",
            "",
            f"Proceeding to load {tables} table(s) into HeatWave.",
            "",
            f"Applying changes will take approximately {duration_text(load_s)}",
            "",
        ),
    )


def loading_table(number: int, total: int, outcome: TableOutcome) -> Block:
    """Block 6: one for each table, in alphabetical order, counted from 1."""
    name = f"{quote_name(outcome.schema)}.{quote_name(outcome.table)}"
    rows = [
        f"TABLE ({number} of {total}): {name}",
        f"Commands executed successfully: {outcome.executed} of {outcome.commands}",
        f"Warnings encountered: {outcome.warnings}",
    ]
    if outcome.loaded:
        rows.append("Table loaded successfully!")
        rows.append(f"  Total columns loaded: {outcome.columns}")
        if outcome.threads is not None:
            rows.append(f"  Table loaded using {outcome.threads} thread(s)")
    else:
        rows.append("Table failed to load!")
        rows.append(f'  Command failed: "{outcome.failed}"')
        rows.append(f"    Error: {outcome.error}")
    rows += [f"  Elapsed time: {duration_text(outcome.elapsed_s)}", ""]
    return Block("LOADING TABLE", tuple(rows))


def load_summary(schemas: Sequence[SchemaOutcome]) -> Block:
    """Block 7."""
    layout = "%-24s%14s%13s%13s%13s"
    rows = [
        "",
        layout % ("SCHEMA", "TABLES", "TABLES", "COLUMNS", "LOAD"),
        layout % ("NAME", "LOADED", "FAILED", "LOADED", "DURATION"),
        layout % tuple("-" * width for width in (6, 6, 6, 7, 8)),
        *(
            layout
            % (
                quote_name(one.schema),
                one.loaded,
                one.failed,
                one.columns,
                duration_text(one.duration_s),
            )
            for one in schemas
        ),
        "",
    ]
    return Block("LOAD SUMMARY", tuple(rows))


def condition_name(number: int) -> str:
    """MySQL's own name of a warning of Lakehouse's."""
    try:
        return f"ER_LH_{LH(number).name}"
    except ValueError:
        return "ER_SECONDARY_ENGINE_PLUGIN"


def compact(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The shorter report of ``output: compact``.

    What HeatWave leaves out is not published: the analysis is, here; what was done
    and how it ended stays.
    """
    analysis = ("OFFLOAD ANALYSIS", "CAPACITY ESTIMATION")
    return tuple(block for block in blocks if block.title not in analysis)


def help_text() -> Block:
    """The result set of ``output: help``; HeatWave's own text is not published."""
    return Block(
        "HEATWAVE AUTO PARALLEL LOAD HELP",
        (
            "CALL sys.heatwave_load(input_list, options);",
            "",
            "input_list: JSON array of schema names or of objects",
            '  {"db_name": s, "tables": [t, ...]} or {"db_name": s,'
            ' "exclude_tables": [t, ...]}',
            '  a table is a name or {"table_name": s, "engine_attribute":'
            ' {"file": [...], "dialect": {...}}}',
            "options: JSON object or NULL",
            "  mode: normal (default), dryrun, validation",
            "  output: normal (default), compact, silent, help",
            "  policy: disable_unsupported_columns (default),"
            " not_disable_unsupported_columns",
            "  sql_mode: used while loading, default that of the session",
            "  exclude_list: JSON array of schema, schema.table, schema.table.column",
            "  set_load_parallelism: true (default) or false",
            '  auto_enc: {"mode": "check"} (default) or {"mode": "off"}',
            "  external_tables: JSON array (deprecated, use input_list)",
            "  refresh_external_tables: true or false (default)",
            "",
        ),
    )
