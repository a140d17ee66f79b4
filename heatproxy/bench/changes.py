"""Loading a table, and its changes on their way into the engine."""

import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import numpy as np

from heatproxy.bench import BenchFailed, answers, figures, processes
from heatproxy.bench.figures import Figure
from heatproxy.bench.ground import Ground

SCHEMA = "heatproxy_bench"
_ROWS = 200_000
_BATCH = 10_000  # rows that one statement changes
_QUERIES = 300
_RATE, _COMMIT = 5000, 50  # row changes a second, and in one transaction
_MADE = (
    f"DROP DATABASE IF EXISTS {SCHEMA}",
    f"CREATE DATABASE {SCHEMA}",
    f"CREATE TABLE {SCHEMA}.t (id int PRIMARY KEY, turn int NOT NULL,"
    " price decimal(10,2), day date, name varchar(30))",
    "SET SESSION cte_max_recursion_depth = 10000000",
    f"INSERT INTO {SCHEMA}.t WITH RECURSIVE s (i) AS (SELECT 0 UNION ALL SELECT i + 1"
    f" FROM s WHERE i < {_ROWS - 1}) SELECT i, 0, i / 7,"
    " '2024-01-01' + INTERVAL i % 900 DAY, CONCAT('name ', i) FROM s",
)
_WAITS = (
    "SELECT EXEC_TEXT FROM performance_schema.rpd_exec_stats ORDER BY QUERY_ID DESC"
    f" LIMIT {_QUERIES}"
)


def loads(ground: Ground, schema: str, table: str) -> Iterator[Figure]:
    """How fast a table is loaded, and what memory that takes; others follow."""
    name = f"{schema}.{table}"
    with closing(ground.through(schema)) as through:
        count = answers.ask(through, f"SELECT COUNT(*) FROM {name}").rows[0][0] or b"0"
        _loadable(through, name)
        processes.forget_peak(ground.engine_pid)
        before = processes.peak_bytes(ground.engine_pid)
        began = time.perf_counter()
        _do(through, f"ALTER TABLE {name} SECONDARY_LOAD")
        seconds = time.perf_counter() - began
        peak = processes.peak_bytes(ground.engine_pid)
    rate = int(count) / seconds
    yield figures.at_least(
        f"load of {table}, {int(count):,} rows", rate, 4e5, " rows/s"
    )
    yield Figure(
        "its memory: engine process before, most", f"{_mb(before)}, {_mb(peak)}"
    )


def load_others(ground: Ground, schema: str, loaded: str) -> None:
    """Load what else the schema has."""
    with closing(ground.through(schema)) as through:
        for (table,) in answers.ask(through, "SHOW TABLES").rows:
            name = (table or b"").decode()
            if name != loaded and not name.startswith("heatproxy_"):
                _loadable(through, f"{schema}.{name}")
                _do(through, f"ALTER TABLE {schema}.{name} SECONDARY_LOAD")


def propagation(ground: Ground, seconds: float, changes: int) -> Iterator[Figure]:
    """The freshness check, the rate of changes applied, and how late they are seen."""
    with _changed(ground) as (direct, through):
        yield _freshness(through)
        yield _rate(direct, through, changes)
        yield _lag(direct, through, seconds)


@contextmanager
def _changed(ground: Ground) -> Iterator[tuple[Any, Any]]:
    with closing(ground.direct()) as direct, closing(ground.through()) as through:
        for statement in _MADE:
            _do(direct, statement)
        try:
            _loadable(through, f"{SCHEMA}.t")
            _do(through, f"ALTER TABLE {SCHEMA}.t SECONDARY_LOAD")
            _do(through, "SET SESSION secondary_engine_cost_threshold = 0")
            yield direct, through
        finally:
            _do(through, f"DROP DATABASE {SCHEMA}")


def _freshness(through: Any) -> Figure:
    """What a query waits when all changes have long been applied."""
    for _ in range(_QUERIES):
        _seen(through)
    texts = answers.ask(through, _WAITS).rows
    waits = [json.loads(text or b"{}").get("waitMsec", 0) * 1000 for (text,) in texts]
    return figures.at_most(
        "freshness check of a query, median", statistics.median(waits), 100, " µs", 0
    )


def _rate(direct: Any, through: Any, changes: int) -> Figure:
    began = time.perf_counter()
    done, turn = 0, 0
    while done < changes:
        turn += 1
        for first in range(0, _ROWS, _BATCH):
            _do(
                direct,
                f"UPDATE {SCHEMA}.t SET turn = {turn} WHERE id >= {first}"
                f" AND id < {first + _BATCH}",
            )
            done += _BATCH
    while _seen(through, "MIN") < turn:
        pass
    rate = done / (time.perf_counter() - began)
    return figures.at_least(
        f"{done:,} row changes, made and seen", rate, 5e4, " rows/s"
    )


def _lag(direct: Any, through: Any, seconds: float) -> Figure:
    """From a commit's return to the end of the first query that sees it."""
    committed: list[float] = []
    ended = threading.Event()

    def write() -> None:
        begin = time.perf_counter()
        try:
            for turn in range(int(seconds * _RATE / _COMMIT)):
                ahead = begin + turn * _COMMIT / _RATE - time.perf_counter()
                time.sleep(max(0.0, ahead))
                first = turn * _COMMIT % _ROWS
                _do(
                    direct,
                    f"UPDATE {SCHEMA}.t SET turn = {1000 + turn} WHERE id >= {first}"
                    f" AND id < {first + _COMMIT}",
                )
                committed.append(time.perf_counter())
        finally:
            ended.set()

    seen: list[tuple[int, float]] = []
    before = answers.offloaded(through)
    writer = threading.Thread(target=write)
    writer.start()
    while not ended.is_set() or seen[-1][0] < 1000 + len(committed) - 1:
        turn = _asked(through, "MAX")
        seen.append((turn, time.perf_counter()))
    writer.join()
    if answers.offloaded(through) - before < len(seen):
        raise BenchFailed("queries of changing rows were not offloaded")
    late, at = [], 0
    for turn, moment in enumerate(committed):
        while seen[at][0] < 1000 + turn:
            at += 1
        late.append(max(0.0, seen[at][1] - moment))
    p95 = float(np.percentile(late, 95)) * 1000
    rate = len(committed) * _COMMIT / seconds
    what = f"commit to visible at {rate:,.0f} changes/s, p95"
    return figures.at_most(what, p95, 50, " ms", 1)


def _seen(through: Any, aggregate: str = "MAX") -> int:
    before = answers.offloaded(through)
    turn = _asked(through, aggregate)
    if answers.offloaded(through) == before:
        raise BenchFailed("a query of changing rows was not offloaded")
    return turn


def _asked(through: Any, aggregate: str) -> int:
    answer = answers.ask(through, f"SELECT {aggregate}(turn) FROM {SCHEMA}.t")
    if answer.error is not None:
        raise BenchFailed(answer.message)
    return int(answer.rows[0][0] or 0)


def _loadable(through: Any, name: str) -> None:
    """Not loaded, but ready to be."""
    answers.ask(through, f"ALTER TABLE {name} SECONDARY_UNLOAD")
    answers.ask(through, f"ALTER TABLE {name} SECONDARY_ENGINE = RAPID")


def _do(connection: Any, text: str) -> None:
    answer = answers.ask(connection, text)
    if answer.error is not None:
        raise BenchFailed(f"{answer.message}, for {text[:60]}")


def _mb(size: int) -> str:
    return f"{size >> 20:,} MB"
