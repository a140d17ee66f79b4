"""sys.heatwave_unload, heatwave_unload_all and heatwave_reload, with their reports.

A Lakehouse table is only unloaded: without its secondary engine it would be nothing.

Source: HeatWave User Guide, "HEATWAVE_UNLOAD", "HEATWAVE_RELOAD".
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from heatproxy.aftermath import Condition
from heatproxy.datatypes import quote_name
from heatproxy.errors import MySQLError, secondary_engine
from heatproxy.lakehouse import unload_report as texts
from heatproxy.lakehouse.autopilot import ReportRows
from heatproxy.lakehouse.reader import Reading
from heatproxy.lakehouse.report import TableOutcome
from heatproxy.lakehouse.request import parse_request
from heatproxy.options import BadOption, Flag, ListOf, OneOf, Options, Text
from heatproxy.rapid.describe import is_flagged
from heatproxy.routines.blocks import Blocks
from heatproxy.routines.filling import in_turn, unfilled
from heatproxy.routines.guided import load_guided
from heatproxy.routines.load import NO_SUCH_SCHEMA, existing, tell_unknown
from heatproxy.routines.load_warnings import Told
from heatproxy.routines.loading import OtherEngine, load_table, reported, unload_table
from heatproxy.routines.report import keep_report
from heatproxy.routines.routine import Outcome, Procedure, needs
from heatproxy.session import Session

_OUTPUT = OneOf(("normal", "silent", "help"), default="normal")
OF_SCHEMAS = Options(
    mode=OneOf(("normal", "dryrun"), default="normal"),
    output=_OUTPUT,
    exclude_list=ListOf(Text(), default=()),
)
OF_ALL = Options(output=_OUTPUT, only_user_loaded_tables=Flag(default=True))
Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Task:
    """What is done to each table: the statements, and the words of the report."""

    words: texts.Words
    # of a quoted name, and whether the rows are in files
    commands: Callable[[str, bool], list[str]]


def _unloading(name: str, in_files: bool) -> list[str]:
    unload = f"ALTER TABLE {name} SECONDARY_UNLOAD;"
    return [unload] if in_files else [unload, _DETACH.format(name)]


_DETACH = "ALTER TABLE {} SECONDARY_ENGINE=NULL;"
UNLOADING = Task(texts.UNLOAD, _unloading)
RELOADING = Task(
    texts.RELOAD, lambda name, in_files: [f"ALTER TABLE {name} SECONDARY_LOAD;"]
)


async def unload(
    session: Session, input_list: str | None, options: str | None
) -> Outcome:
    """Unload the tables of schemas, and take their SECONDARY_ENGINE away.

    Raises:
        MySQLError: 3140 or 3877 for wrong arguments.
    """
    given = _checked("heatwave_unload", OF_SCHEMAS, options)
    if given["output"] == "help":
        return await _help(session, UNLOADING)
    request = parse_request(input_list, None)
    if request.external:
        raise secondary_engine(
            "Invalid argument of heatwave_unload, input_list: there are no files here"
        )
    excluded = set(given["exclude_list"])
    names: list[Name] = []
    counts = []
    loaded = await _loaded(session)
    there = await existing(session, [scope.name for scope in request.schemas])
    request = replace(request, exclude_list=tuple(given["exclude_list"]))
    rows = ReportRows(UNLOADING.words.act)
    tell_unknown(request, there, rows)
    for scope in request.schemas:
        own = [table for schema, table in loaded if schema == scope.name]
        wanted = None if scope.tables is None else {one.name for one in scope.tables}
        chosen = [
            table
            for table in own
            if (wanted is None or table in wanted)
            and table not in scope.exclude_tables
            and not {scope.name, f"{scope.name}.{table}"} & excluded
        ]
        missing = len((wanted or set()) - set(own))
        issues = f"{missing} table(s) are not loaded" if missing else ""
        if scope.name not in there:
            issues = NO_SUCH_SCHEMA
        counts.append(texts.SchemaCount(scope.name, len(chosen), issues))
        names += [(scope.name, table) for table in chosen]
    left_out = sum(len(scope.exclude_tables) for scope in request.schemas)
    return await _run(
        session,
        UNLOADING,
        sorted(names),
        counts,
        len(excluded) + left_out,
        given["mode"],
        given["output"],
        rows,
    )


async def unload_all(session: Session, options: str | None) -> Outcome:
    """Unload every table that is loaded, as far as the caller may see it."""
    return await _to_all(session, UNLOADING, "heatwave_unload_all", options)


async def reload(session: Session, options: str | None) -> Outcome:
    """Load every table again that is loaded, as far as the caller may see it."""
    return await _to_all(session, RELOADING, "heatwave_reload", options)


HEATWAVE_UNLOAD = Procedure(
    "heatwave_unload",
    needs("IN input_list JSON", "IN options JSON"),
    run=unload,
    reports=True,
)
HEATWAVE_UNLOAD_ALL = Procedure(
    "heatwave_unload_all", needs("IN options JSON"), run=unload_all, reports=True
)
HEATWAVE_RELOAD = Procedure(
    "heatwave_reload", needs("IN options JSON"), run=reload, reports=True
)


async def _to_all(
    session: Session, task: Task, routine: str, options: str | None
) -> Outcome:
    given = _checked(routine, OF_ALL, options)
    if given["output"] == "help":
        return await _help(session, task)
    names = await _loaded(session)
    schemas = sorted({schema for schema, _ in names})
    counts = [
        texts.SchemaCount(schema, sum(1 for name in names if name[0] == schema))
        for schema in schemas
    ]
    rows = ReportRows(task.words.act)
    return await _run(session, task, names, counts, 0, "normal", given["output"], rows)


async def _help(session: Session, task: Task) -> Outcome:
    await Blocks(session, "help", ReportRows()).send(texts.help_text(task.words))
    return Outcome()


async def _run(
    session: Session,
    task: Task,
    names: Sequence[Name],
    counts: Sequence[texts.SchemaCount],
    excluded: int,
    mode: str,
    output: str,
    rows: ReportRows,
) -> Outcome:
    words, told = task.words, Told()
    blocks = Blocks(session, output, rows)
    await blocks.send(texts.initializing(words, mode, output))
    await blocks.send(texts.analysis(words, counts, excluded))
    scripts = [
        task.commands(
            f"{quote_name(schema)}.{quote_name(table)}",
            session.house.shells.find(schema, table) is not None,
        )
        for schema, table in names
    ]
    for script in scripts:
        for command in script:
            rows.sql(command)
    commands = sum(map(len, scripts))
    if mode == "dryrun":
        await blocks.send(texts.script_generation(words, commands))
    else:
        await blocks.send(texts.executing(words, commands, len(names)))
        outcomes = []
        for number, (name, script) in enumerate(zip(names, scripts, strict=True), 1):
            outcome = await _one(session, name, script, rows, told)
            outcomes.append(outcome)
            await blocks.send(texts.table(words, number, len(names), outcome))
        await blocks.send(texts.summary(words, outcomes))
    await keep_report(session, rows)
    problems = [Condition(*problem) for problem in rows.problems]
    profile = session.house.config.lakehouse.profile
    return Outcome(conditions=[*problems, *told.all(profile)])


async def _one(
    session: Session, name: Name, script: Sequence[str], rows: ReportRows, told: Told
) -> TableOutcome:
    """Run a table's statements; what fails is reported and stops no other table."""
    began, executed, command = time.monotonic(), 0, ""
    failed = error = ""
    warnings = 0
    try:
        for command in script:
            sql = command.rstrip(";")
            reading = await _do(session, name, sql)
            executed += 1
            if reading is not None:
                told.add(reading)
                warnings += reading.warning_count
                for one in reading.warnings:
                    rows.warn(*name, one.number, one.message, "EXECUTE")
    except (MySQLError, OtherEngine) as problem:
        number, error = reported(problem)
        failed = command
        rows.error(*name, number, error)
    return TableOutcome(
        *name,
        commands=len(script),
        executed=executed,
        warnings=warnings,
        elapsed_s=time.monotonic() - began,
        failed=failed,
        error=error,
    )


async def _do(session: Session, name: Name, sql: str) -> Reading | None:
    """Run one of the statements; the rows of files, if it has read some."""
    loads = sql.endswith(" SECONDARY_LOAD")
    shell = await session.find_shell(*name)
    if shell is not None:
        async with in_turn(session, shell) as current:
            if loads:
                return (await load_guided(session, current)).reading
            await unfilled(session, current)
        return None
    loader = session.house.rapid.loader
    assert loader is not None
    await (load_table if loads else unload_table)(session, loader, *name, sql)
    return None


async def _loaded(session: Session) -> list[Name]:
    """The tables that are loaded and that the caller may see, by name."""
    house = session.house
    found = await session.backend.query(
        "SELECT HEX(CONVERT(TABLE_SCHEMA USING utf8mb4)),"
        " HEX(CONVERT(TABLE_NAME USING utf8mb4)), CREATE_OPTIONS"
        " FROM information_schema.TABLES"
        " WHERE CREATE_OPTIONS LIKE '%SECONDARY_LOAD=\"1\"%'"
    )
    names = [
        (bytes.fromhex(schema or "").decode(), bytes.fromhex(name or "").decode())
        for schema, name, options in found.texts()
        if is_flagged(options or "")
    ]
    if house.rapid.loader is None:
        names = [name for name in names if house.shells.find(*name) is not None]
    return sorted(names)


def _checked(routine: str, options: Options, given: str | None) -> dict[str, Any]:
    """The options of a call.

    Raises:
        MySQLError: 3877, an unknown key or a bad value.
    """
    value = None if given is None else json.loads(given)  # MySQL has made it JSON
    if value is not None and not isinstance(value, dict):
        raise _wrong(routine, "it must be a JSON object")
    try:
        return options.check(value)
    except BadOption as problem:
        raise _wrong(routine, str(problem)) from None


def _wrong(routine: str, problem: str) -> MySQLError:
    return secondary_engine(f"Invalid argument of {routine}, options: {problem}")
