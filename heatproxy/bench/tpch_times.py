"""TPC-H's queries: through heatproxy, in DuckDB by itself, and in MySQL.

A query goes round all of them before the next one begins, so that whatever else the
machine does falls on all. The client takes whole answers and makes nothing of them, and
of DuckDB's it takes Arrow's columns: what a language makes of rows is in neither time.
"""

import math
import socket
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import duckdb

from heatproxy.bench import BenchFailed, answers, figures, load
from heatproxy.bench.clients import Door, log_in
from heatproxy.bench.figures import Figure
from heatproxy.bench.ground import Ground
from heatproxy.bench.workloads.tpch import TPCH
from heatproxy.wire.packets import frame, query

HEATPROXY, BARE, MYSQL, HYPERGRAPH, DEFAULT = (
    *("heatproxy", "DuckDB", "MySQL", "hypergraph"),
    "by cost",
)
ASKED = (HEATPROXY, BARE, MYSQL, HYPERGRAPH, DEFAULT)
_PATIENCE_S = 600
_LONG_S = 1.0  # what takes longer on MySQL is asked once
_SLOWER = 1.1  # by which a query counts as slower: MySQL's own times differ as much
_AND_S = 0.002

Ask = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Times:
    """Medians of a query's seconds, by who was asked; where the default sent it."""

    name: str
    seconds: Mapping[str, float]
    offloaded: bool

    def text(self) -> str:
        s = self.seconds
        values = [f"{s[who] * 1000:,.1f}" for who in ASKED]
        ratios = [f"{s[HEATPROXY] / s[BARE]:.2f}", f"{s[MYSQL] / s[HEATPROXY]:.1f}"]
        how = "RAPID" if self.offloaded else "MySQL"
        return figures.columns(self.name, [*values, *ratios, how])


def heading() -> str:
    """Over the lines of Times."""
    return figures.columns("ms", [*ASKED, "over DuckDB", "MySQL over", "cost says"])


def measure(
    ground: Ground, schema: str, engine: duckdb.DuckDBPyConnection, turns: int
) -> Iterator[Times]:
    """The times of each query.

    Raises:
        BenchFailed: a query was refused, or relayed where nothing is too cheap.
    """
    through, direct = ground.doors
    unweighed = "secondary_engine_cost_threshold = 0"
    mysql = f"use_secondary_engine = OFF, max_execution_time = {_PATIENCE_S * 1000}"
    hyper = f"{mysql}, optimizer_switch = 'hypergraph_optimizer=on'"
    with ExitStack() as stack:
        ours, default = (
            stack.enter_context(closing(ground.through(schema))) for _ in range(2)
        )
        _ask(ours, f"SET SESSION {unweighed}")

        def client(door: Door, settings: str = "") -> Ask:
            connection = stack.enter_context(log_in(door, ground.account))
            _take(connection, f"USE {schema}")
            if settings:
                _take(connection, f"SET {settings}")
            return partial(_take, connection)

        asked: dict[str, Ask] = {
            HEATPROXY: client(through, unweighed),
            BARE: lambda text: _run(engine, text),
            DEFAULT: client(through),
            MYSQL: client(direct, mysql),
            HYPERGRAPH: client(direct, hyper),
        }
        for name, text in TPCH.queries.items():
            if not _is_offloaded(ours, text):
                raise BenchFailed(f"{name} of TPC-H is not offloaded")
            by_cost = _is_offloaded(default, text)
            yield Times(name, _medians(asked, text, turns), by_cost)


def summed(times: Sequence[Times]) -> Iterator[Figure]:
    """What the queries come to."""
    sums = {who: sum(one.seconds[who] for one in times) for who in ASKED}
    over = sums[HEATPROXY] / sums[BARE]
    yield figures.at_most("22 queries: sum over DuckDB by itself", over, 1.15, "")
    for who, name in ((MYSQL, "MySQL"), (HYPERGRAPH, "hypergraph_optimizer=on")):
        by_sum = sums[who] / sums[HEATPROXY]
        mean = math.exp(
            statistics.fmean(
                math.log(one.seconds[who] / one.seconds[HEATPROXY]) for one in times
            )
        )
        said = f"{by_sum:.1f} x, mean {mean:.1f} x"
        yield Figure(f"22 queries: {name} over heatproxy", said)
    slower = [
        one.name
        for one in times
        if one.seconds[DEFAULT] > one.seconds[MYSQL] * _SLOWER + _AND_S
    ]
    said = ", ".join(slower) or "none"
    yield Figure("queries slower than MySQL, by cost", said, "none", not slower)


def _medians(asked: Mapping[str, Ask], text: str, turns: int) -> Mapping[str, float]:
    times: dict[str, list[float]] = {who: [] for who in asked}
    for _ in range(turns):
        for who, ask in asked.items():
            if who in (MYSQL, HYPERGRAPH) and sum(times[who]) > _LONG_S:
                continue
            began = time.perf_counter()
            ask(text)
            times[who].append(time.perf_counter() - began)
    return {who: statistics.median(found) for who, found in times.items()}


def _ask(connection: Any, text: str) -> None:
    answer = answers.ask(connection, text)
    if answer.error is not None:
        raise BenchFailed(f"a query of TPC-H: {answer.message}")


def _is_offloaded(connection: Any, text: str) -> bool:
    before = answers.offloaded(connection)
    _ask(connection, text)
    return answers.offloaded(connection) > before


def _take(connection: socket.socket, text: str) -> None:
    request = frame(query(text.encode(), 0), 0)
    load.run([connection], [request], replies=1, patience_s=_PATIENCE_S)


def _run(engine: duckdb.DuckDBPyConnection, text: str) -> None:
    engine.sql(text).to_arrow_table()
