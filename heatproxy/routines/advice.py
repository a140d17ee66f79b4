"""What the advisor finds: the blocks that it prints and the rows of its report."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from heatproxy.datatypes import quote_name
from heatproxy.lakehouse.autopilot import ReportRow
from heatproxy.lakehouse.quantities import duration_text, size_text
from heatproxy.lakehouse.report import VERSION, Block
from heatproxy.rapid.history import Execution
from heatproxy.rapid.rpd_rows import HeldTable
from heatproxy.rapid.tables import LoadStatus

COMPONENT = "ADVISOR"
FEWEST_QUERIES = 5  # before HeatWave gives advice on data placement
SHOWN_CHARACTERS = 40  # of a query
_SCRIPT_QUERY = (
    '  SELECT log->>"$.sql" AS "SQL Script" FROM sys.heatwave_autopilot_report'
    ' WHERE type = "sql" ORDER BY id;'
)


@dataclass(slots=True)
class Advice:
    """One call's findings: the blocks it prints, the rows of its report."""

    blocks: list[Block] = field(default_factory=list)
    rows: list[ReportRow] = field(default_factory=list)

    def add(self, stage: str, kind: str, log: Mapping[str, Any]) -> None:
        number = len(self.rows) + 1
        text = json.dumps(log, ensure_ascii=False)
        self.rows.append(ReportRow(number, COMPONENT, stage, kind, text))


def advised(
    options: Mapping[str, Any],
    held: Sequence[HeldTable],
    history: Sequence[Execution],
    now: datetime,
) -> Advice:
    """What there is to say under these options, which have been checked."""
    schemas = options["target_schema"]
    loaded = [
        table
        for table in held
        if table.status is LoadStatus.AVAILABLE
        and (not schemas or table.schema in schemas)
    ]
    queries = _chosen(options, history)
    advice = Advice()
    advice.blocks += [_initializing(options), _analyzing(loaded)]
    if options["query_insights"]:
        advice.blocks.append(_insights(options, queries, advice))
    elif (options["auto_unload"] or {}).get("mode") == "recommend":
        _advise_unloading(options["auto_unload"], loaded, now, advice)
    elif (options["auto_enc"] or {}).get("mode") == "recommend":
        strings = "Encodings are the engine's own choice; none is ever suggested."
        advice.blocks.append(Block("ENCODING SUGGESTIONS", (strings, "")))
    else:
        advice.blocks.append(_placement(loaded, queries))
    return advice


def _chosen(
    options: Mapping[str, Any], history: Sequence[Execution]
) -> list[Execution]:
    """The offloaded queries that the options leave in."""
    schemas, sessions = options["target_schema"], options["query_session_id"]
    return [
        one
        for one in history
        if one.refusal is None
        and one.query_id not in options["exclude_query"]
        and (not sessions or one.connection_id in sessions)
        and (not schemas or any(t.partition(".")[0] in schemas for t in one.tables))
    ]


def _initializing(options: Mapping[str, Any]) -> Block:
    schemas = ", ".join(options["target_schema"]) or "All"
    return Block(
        "INITIALIZING HEATWAVE ADVISOR",
        (
            f"Version: {VERSION}",
            "",
            f"Output Mode: {options['output']}",
            f"Excluded Queries: {len(options['exclude_query'])}",
            f"Target Schemas: {schemas}",
            "",
        ),
    )


def _analyzing(loaded: Sequence[HeldTable]) -> Block:
    tables = Counter(table.schema for table in loaded)
    columns: Counter[str] = Counter()
    for table in loaded:
        columns[table.schema] += len(table.columns)
    lines = [f"{'SCHEMA':28s}{'TABLES':>12s}{'COLUMNS':>14s}"]
    lines += [f"{'NAME':28s}{'LOADED':>12s}{'LOADED':>14s}"]
    lines += [f"{'------':28s}{'------':>12s}{'------':>14s}"]
    lines += [
        f"{quote_name(schema):28s}{tables[schema]:12d}{columns[schema]:14d}"
        for schema in sorted(tables)
    ]
    return Block(
        "ANALYZING LOADED DATA",
        (
            f"Total {len(loaded)} tables loaded in HeatWave for {len(tables)} schemas",
            "Tables excluded by user: 0 (within target schemas)",
            "",
            *lines,
            "",
        ),
    )


def _insights(
    options: Mapping[str, Any], queries: Sequence[Execution], advice: Advice
) -> Block:
    sessions = ", ".join(map(str, options["query_session_id"])) or "None"
    layout = "{:>8}  {:>10}  {:40}  {:>12}  {}"
    lines = [
        layout.format(*row).rstrip()
        for row in (
            ("QUERY-ID", "SESSION-ID", "QUERY-STRING", "EXEC-RUNTIME", "COMMENT"),
            ("--------", "----------", "------------", "------------", "-------"),
        )
    ]
    for one in queries:
        seconds = _seconds(one)
        text = " ".join(one.text.split())
        shown = text[:SHOWN_CHARACTERS]
        if len(text) > SHOWN_CHARACTERS:
            shown = shown[:-3] + "..."
        row = (one.query_id, one.connection_id, shown, f"{seconds:.3f}", "")
        lines.append(layout.format(*row).rstrip())
        log = {
            "query_id": one.query_id,
            "session_id": one.connection_id,
            "query_text": one.text,
            "executed": True,
            "runtime_executed_ms": seconds * 1000,
            "runtime_estimated_ms": None,
            "comment": "",
        }
        advice.add("QUERY_INSIGHTS", "info", log)
    total = sum(map(_seconds, queries))
    return Block(
        "QUERY INSIGHTS",
        (
            f"Queries executed on Heatwave: {len(queries)}",
            f"Session IDs (as filter): {sessions}",
            "",
            *lines,
            "",
            f"TOTAL ESTIMATED: {0:3d}   EXEC-RUNTIME: {0:12.3f} sec",
            f"TOTAL EXECUTED:  {len(queries):3d}   EXEC-RUNTIME: {total:12.3f} sec",
            "",
            "Retrieve detailed query statistics using the query below:",
            "  SELECT log FROM sys.heatwave_autopilot_report"
            ' WHERE stage = "QUERY_INSIGHTS" AND type = "info";',
            "",
        ),
    )


def _seconds(one: Execution) -> float:
    return (one.translate_ms + one.wait_ms + one.run_ms) / 1000


def _placement(loaded: Sequence[HeldTable], queries: Sequence[Execution]) -> Block:
    reason = "Rows are not divided among nodes: there is one, and no key would help it."
    if len(queries) < FEWEST_QUERIES:
        reason = f"There have been {len(queries)} queries; {FEWEST_QUERIES} are needed."
    total = duration_text(sum(map(_seconds, queries)))
    return Block(
        "DATA PLACEMENT SUGGESTIONS",
        (
            f"Tables Loaded: {len(loaded)}",
            f"Queries used: {len(queries)}",
            f"  Total query execution time: {total}",
            "HeatWave cluster size: 1 node",
            "",
            "No data placement suggestions.",
            reason,
            "",
        ),
    )


def _advise_unloading(
    options: Mapping[str, Any],
    loaded: Sequence[HeldTable],
    now: datetime,
    advice: Advice,
) -> None:
    """The tables that nobody has asked for lately, those that hold most in front."""
    excluded = set(options["exclude_list"])
    before = now - timedelta(hours=options["last_queried_hours"])
    unused = [
        table
        for table in loaded
        if not {table.schema, f"{table.schema}.{table.name}"} & excluded
        and _used(table, now) <= before
    ]
    ascending = options["memory_gain_ascending"]
    unused.sort(key=lambda table: table.bytes, reverse=not ascending)
    chosen = unused[: options["limit_tables"]]
    layout = "{:24} {:24} {:46} {:>16}"
    lines = [
        layout.format(*row)
        for row in (
            ("SCHEMA", "TABLE", "", "MEMORY GAIN"),
            ("NAME", "NAME", "REASON", "(HEATWAVE NODES)"),
            ("------", "-----", "------", "----------------"),
            *(
                (
                    quote_name(table.schema),
                    quote_name(table.name),
                    _reason(table),
                    size_text(table.bytes),
                )
                for table in chosen
            ),
        )
    ]
    left = sum(t.bytes for t in loaded) - sum(t.bytes for t in chosen)
    advice.blocks.append(
        Block(
            "HEATWAVE UNLOAD ADVISOR",
            (
                "Using:",
                f'  "last_queried_hours": {options["last_queried_hours"]:g}',
                f'  "memory_gain_ascending": {str(ascending).lower()}',
                f'  "limit_tables": {options["limit_tables"]}',
                f"Number of excluded tables: {len(excluded)}",
                "",
                *(lines if chosen else ["No table is suggested to be unloaded."]),
                "",
                f"Storage consumed by base relations after unload: {size_text(left)}",
                "",
            ),
        )
    )
    if chosen:
        advice.blocks.append(_script(chosen, advice))


def _used(table: HeldTable, now: datetime) -> datetime:
    """When a table was last of use: queried, or loaded."""
    last = table.last_queried or table.load_ended
    if last is None:
        return now
    return last.replace(tzinfo=UTC) if last.tzinfo is None else last


def _reason(table: HeldTable) -> str:
    if table.last_queried is None:
        return "NEVER QUERIED"
    return f"LAST QUERIED ON '{table.last_queried:%Y-%m-%d %H:%M:%S.%f}'"


def _script(chosen: Sequence[HeldTable], advice: Advice) -> Block:
    for table in chosen:
        name = f"{quote_name(table.schema)}.{quote_name(table.name)}"
        sql = f"ALTER TABLE {name} SECONDARY_UNLOAD;"
        advice.add("SCRIPT_GENERATION", "sql", {"sql": sql})
    return Block(
        "SCRIPT GENERATION",
        (
            "Script generated for unloading suggested tables",
            "",
            f"Retrieve unload script containing {len(chosen)} generated DDL commands"
            " using the query below:",
            _SCRIPT_QUERY,
            "",
            "Caution: Executing the generated script will unload the tables",
            "",
        ),
    )
