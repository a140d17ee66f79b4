"""The text of the reports of heatwave_unload and heatwave_reload.

HeatWave's own is not published; this one is like that of heatwave_load.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from heatproxy.datatypes import quote_name
from heatproxy.lakehouse.quantities import duration_text
from heatproxy.lakehouse.report import SCRIPT_QUERY, VERSION, Block, TableOutcome


@dataclass(frozen=True, slots=True)
class Words:
    """How the report of one of the two speaks: ``UNLOAD``, ``unloaded``."""

    act: str
    done: str

    @property
    def script_query(self) -> str:
        return SCRIPT_QUERY.replace("Load Script", f"{self.act.capitalize()} Script")


UNLOAD = Words("UNLOAD", "unloaded")
RELOAD = Words("RELOAD", "reloaded")


@dataclass(frozen=True, slots=True)
class SchemaCount:
    """How many tables of a schema are loaded, and what is said of the others."""

    schema: str
    tables: int
    issues: str = ""


def initializing(words: Words, mode: str, output: str) -> Block:
    """The first block."""
    return Block(
        f"INITIALIZING HEATWAVE AUTO {words.act}",
        (
            f"Version: {VERSION}",
            "",
            f"{words.act.capitalize()} Mode: {mode}",
            f"Output Mode: {output}",
            "",
        ),
    )


def analysis(words: Words, schemas: Sequence[SchemaCount], excluded: int) -> Block:
    """Which schemas there are."""
    width = max([10, *(len(one.issues) for one in schemas)])
    layout = f"%-28s %11s     %-{width}s"
    rows = [
        f"Verifying input schemas: {len(schemas)}",
        f"User excluded items: {excluded}",
        "",
        layout % ("SCHEMA", "LOADED", "SUMMARY OF"),
        layout % ("NAME", "TABLES", "ISSUES"),
        layout % ("-" * 6, "-" * 6, "-" * 10),
        *(layout % (quote_name(s.schema), s.tables, s.issues) for s in schemas),
        "",
        f"Total schemas to be {words.done}: {sum(1 for s in schemas if s.tables)}",
        "",
    ]
    return Block(f"{words.act} ANALYSIS", tuple(rows))


def script_generation(words: Words, commands: int) -> Block:
    """Of a dry run."""
    act = words.act.lower()
    return Block(
        f"{words.act} SCRIPT GENERATION",
        (
            f"Dryrun mode only generates the {act} script",
            f'Set mode to "normal" in options to {act} tables',
            "",
            f"Retrieve {act} script containing {commands} generated DDL commands using"
            " the query below:",
            words.script_query,
            "",
        ),
    )


def executing(words: Words, commands: int, tables: int) -> Block:
    """Before the first table."""
    act = words.act.lower()
    return Block(
        f"EXECUTING {words.act}",
        (
            f"HeatWave {act} script generated",
            f"  Retrieve {act} script containing {commands} generated DDL command(s)"
            " using the query below:",
            words.script_query,
            "",
            f"Proceeding to {act} {tables} table(s).",
            "",
        ),
    )


def table(words: Words, number: int, total: int, outcome: TableOutcome) -> Block:
    """One for each table, counted from 1."""
    act = words.act.lower()
    name = f"{quote_name(outcome.schema)}.{quote_name(outcome.table)}"
    rows = [
        f"TABLE ({number} of {total}): {name}",
        f"Commands executed successfully: {outcome.executed} of {outcome.commands}",
        f"Warnings encountered: {outcome.warnings}",
    ]
    if outcome.loaded:
        rows.append(f"Table {words.done} successfully!")
    else:
        rows.append(f"Table failed to {act}!")
        rows.append(f'  Command failed: "{outcome.failed}"')
        rows.append(f"    Error: {outcome.error}")
    rows += [f"  Elapsed time: {duration_text(outcome.elapsed_s)}", ""]
    return Block(f"{words.act}ING TABLE", tuple(rows))


def summary(words: Words, outcomes: Sequence[TableOutcome]) -> Block:
    """The last block: a line for each schema that had tables."""
    layout = "%-24s%14s%13s%13s"
    rows = [
        "",
        layout % ("SCHEMA", "TABLES", "TABLES", words.act),
        layout % ("NAME", words.done.upper(), "FAILED", "DURATION"),
        layout % ("-" * 6, "-" * len(words.done), "-" * 6, "-" * 8),
    ]
    for schema in sorted({outcome.schema for outcome in outcomes}):
        own = [outcome for outcome in outcomes if outcome.schema == schema]
        done = sum(1 for outcome in own if outcome.loaded)
        seconds = duration_text(sum(outcome.elapsed_s for outcome in own))
        rows.append(layout % (quote_name(schema), done, len(own) - done, seconds))
    return Block(f"{words.act} SUMMARY", (*rows, ""))


def help_text(words: Words) -> Block:
    """The result set of ``output: help``."""
    return Block(
        f"HEATWAVE AUTO {words.act} HELP",
        (
            "CALL sys.heatwave_unload(input_list, options);",
            "CALL sys.heatwave_unload_all(options);",
            "CALL sys.heatwave_reload(options);",
            "",
            "input_list: JSON array of schema names or of objects",
            '  {"db_name": s, "tables": [t, ...]} or {"db_name": s,'
            ' "exclude_tables": [t, ...]}',
            "options: JSON object or NULL",
            "  mode: normal (default), dryrun (heatwave_unload only)",
            "  output: normal (default), silent, help",
            "  exclude_list: JSON array of schema, schema.table (heatwave_unload only)",
            "  only_user_loaded_tables: true (default) or false (the other two only)",
            "",
        ),
    )
