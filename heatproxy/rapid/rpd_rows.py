"""What the rpd_ tables tell: their rows, of what the engine holds and has done.

Times are UTC.

Source: HeatWave User Guide, "MySQL HeatWave Performance Schema Tables".
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from heatproxy.rapid.history import Execution
from heatproxy.rapid.performance_schema import (
    BIG,
    COLLATION,
    TEXT,
    TIME,
    Row,
    RpdTable,
)
from heatproxy.rapid.tables import LoadStatus

TEXT_CHARACTERS = 16_384  # of a statement's text in the history
NODE = 0  # there is one


@dataclass(frozen=True, slots=True)
class HeldTable:
    """A table of the engine's, of InnoDB or of files; times are UTC."""

    id: int
    schema: str
    name: str
    engine_name: str
    columns: tuple[str, ...]  # those that are held
    transactional: bool  # of InnoDB
    status: LoadStatus
    version: int
    scn: int | None  # of all changes that it has; None for files, and if not known
    rows: int
    bytes: int
    progress: float  # percent
    load_started: datetime | None
    load_ended: datetime | None
    queries: int
    last_queried: datetime | None


@dataclass(frozen=True, slots=True)
class ColumnStats:
    """Of one column: how many values there are, about, and how wide text is."""

    distinct: int
    mean_bytes: float | None  # None: it is no string, or has no rows


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What rpd_nodes says of the engine."""

    cores: int
    held_bytes: int
    limit_bytes: int
    tables_bytes: int
    is_learning: bool
    learning_bytes: int


def tables_rows(held: Iterable[HeldTable]) -> list[Row]:
    """rpd_tables."""
    return [
        [
            table.id,
            table.scn,
            table.scn,
            "TRANSACTIONAL" if table.transactional else "SNAPSHOT",
            "PrimaryKey",
            table.rows,
            f"{table.status.value}_RPDGSTABSTATE",
            table.progress,
            table.bytes,
            0,
            table.queries,
            _time(table.last_queried),
            _time(table.load_started),
            _time(table.load_ended),
            *(None, None, None),
            "USER",
            *(None, None, None),
        ]
        for table in held
    ]


def table_id_rows(held: Iterable[HeldTable]) -> list[Row]:
    """rpd_table_id."""
    return [
        [table.id, f"{table.schema}.{table.name}", table.schema, table.name, None]
        for table in held
    ]


def column_id_rows(held: Iterable[HeldTable]) -> list[Row]:
    """rpd_column_id: a column's id is its place among those held."""
    return [
        [place, table.id, name]
        for table in held
        for place, name in enumerate(table.columns)
    ]


def columns_rows(
    held: Iterable[HeldTable], stats: Mapping[str, Mapping[str, ColumnStats]]
) -> list[Row]:
    """rpd_columns; ``stats`` are by engine name and column."""
    rows: list[Row] = []
    for table in held:
        known = stats.get(table.engine_name, {})
        for place, name in enumerate(table.columns):
            distinct = known[name].distinct if name in known else None
            rows.append([table.id, place, distinct, "VARLEN", None, 0])
    return rows


def preload_rows(
    held: Iterable[HeldTable], stats: Mapping[str, Mapping[str, ColumnStats]]
) -> list[Row]:
    """rpd_preload_stats: the string columns whose width is known."""
    return [
        [table.schema, table.name, name, known.mean_bytes]
        for table in held
        for name, known in stats.get(table.engine_name, {}).items()
        if known.mean_bytes is not None
    ]


def nodes_rows(node: NodeFacts) -> list[Row]:
    """rpd_nodes."""
    return [
        [
            NODE,
            node.cores,
            node.held_bytes,
            node.limit_bytes,
            node.tables_bytes,
            "ACTIVE" if node.is_learning else "IDLE",
            node.learning_bytes,
            "AVAIL_RNSTATE",
            *("127.0.0.1", 0, 0),
            *(0, 0, 0),
            "AVAIL_MLSTATE",
        ]
    ]


def query_stats_rows(history: Iterable[Execution]) -> list[Row]:
    """rpd_query_stats."""
    return [
        [
            one.connection_id,
            one.query_id,
            None,
            one.text[:TEXT_CHARACTERS],
            json.dumps(_execution(one)),
            json.dumps({"sql": (one.engine_sql or "")[:TEXT_CHARACTERS]}),
            json.dumps({"tables": list(one.tables), "rows": one.rows}),
            None,
            one.refusal,
        ]
        for one in history
    ]


def exec_stats_rows(history: Iterable[Execution]) -> list[Row]:
    """rpd_exec_stats: what ran in the engine."""
    return [
        [
            one.query_id,
            NODE,
            json.dumps(
                {
                    "rows": one.rows,
                    "scannedBytes": one.scanned_bytes,
                    "translateMsec": one.translate_ms,
                    "waitMsec": one.wait_ms,
                    "rpdExec": {"msec": one.run_ms},
                }
            ),
        ]
        for one in history
        if one.refusal is None
    ]


def _execution(one: Execution) -> dict[str, Any]:
    """QEXEC_TEXT. Rows are sent while they are computed: fetching takes no time."""
    queued = one.translate_ms + one.wait_ms
    total = queued + one.run_ms
    ended = datetime.fromtimestamp(_utc(one.started).timestamp() + total / 1000, UTC)
    return {
        "sessionId": one.connection_id,
        "thread": one.connection_id,
        "queryStartTime": _time(one.started),
        "queryEndTime": _time(ended),
        "timeBetweenMakePushedJoinAndRpdExec": queued,
        "rpdExec": {"msec": one.run_ms},
        "getResults": {"msec": 0},
        "totalRunTime": total,
        "totalBaseDataScanned": one.scanned_bytes,
        "error": one.refusal or "",
    }


def ml_stats_rows(routines: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """rpd_ml_stats: each routine of AutoML that has run, with its counts."""
    return [[name, json.dumps(facts)] for name, facts in sorted(routines.items())]


def mirror_query(
    held: Iterable[HeldTable], refused: Mapping[tuple[str, str], tuple[int, datetime]]
) -> bytes:
    """rpd_mirror: every InnoDB table that the session may see.

    ``refused``: how often MySQL answered for a loaded table, and when last. Of tables
    that are not loaded nobody counts.
    """
    known = RpdTable(
        "heatproxy_held",
        {
            "s": TEXT,
            "t": TEXT,
            "mysql": BIG,
            "heatwave": BIG,
            "last_mysql": TIME,
            "last_heatwave": TIME,
            "state": TEXT,
        },
    )
    rows = []
    for table in held:
        count, last = refused.get((table.schema, table.name), (0, None))
        state = "LOADED" if table.status is LoadStatus.AVAILABLE else "NOT_LOADED"
        times = [_time(last), _time(table.last_queried)]
        rows.append([table.schema, table.name, count, table.queries, *times, state])
    collation = f"CONVERT({{}} USING utf8mb4) COLLATE {COLLATION}"
    schema, name = (collation.format(c) for c in ("TABLE_SCHEMA", "TABLE_NAME"))
    return (
        f"SELECT {schema} AS SCHEMA_NAME, {name} AS TABLE_NAME,"
        " h.mysql AS MYSQL_ACCESS_COUNT,"
        " CAST(IFNULL(h.heatwave, 0) AS UNSIGNED) AS HEATWAVE_ACCESS_COUNT,"
        " 0e0 AS IMPORTANCE,"
        " h.last_mysql AS LAST_QUERIED,"
        " h.last_heatwave AS LAST_QUERIED_IN_HEATWAVE,"
        " IFNULL(h.state, 'NOT_LOADED') AS STATE,"
        " @@innodb_parallel_read_threads AS RECOMMENDED_READ_THREADS,"
        " CAST(NULL AS CHAR) AS QUERIED_PARTITIONS"
        " FROM information_schema.TABLES LEFT JOIN ("
        f"{known.query(rows).decode()}) AS h"
        f" ON h.s = {schema} AND BINARY h.t = BINARY {name}"
        " WHERE TABLE_TYPE = 'BASE TABLE' AND ENGINE = 'InnoDB' AND TABLE_SCHEMA NOT"
        " IN ('mysql', 'sys', 'performance_schema', 'information_schema')"
    ).encode()


def _utc(moment: datetime) -> datetime:
    """A time with its zone; without one it is UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _time(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return _utc(moment).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
