"""TPC-H's queries: through heatproxy, in DuckDB by itself, and in MySQL.

A query goes round all of them before the next one begins, so that whatever else the
machine does falls on all.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

import duckdb

from heatproxy.bench import BenchFailed, answers, figures
from heatproxy.bench.figures import Figure
from heatproxy.bench.ground import Ground
from heatproxy.bench.workloads.tpch import TPCH

HEATPROXY, BARE, MYSQL, HYPERGRAPH, DEFAULT = (
    *("heatproxy", "DuckDB", "MySQL", "hypergraph"),
    "by cost",
)
ASKED = (HEATPROXY, BARE, MYSQL, HYPERGRAPH, DEFAULT)
_PATIENCE_MS = 600_000
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
    with ExitStack() as stack:
        ours, default, mysql, hyper = (
            stack.enter_context(closing(connect(schema)))
            for connect in (
                ground.through,
                ground.through,
                ground.direct,
                ground.direct,
            )
        )
        _set(ours, "secondary_engine_cost_threshold = 0")
        _set(hyper, "optimizer_switch = 'hypergraph_optimizer=on'")
        for connection in (mysql, hyper):
            _set(connection, f"max_execution_time = {_PATIENCE_MS}")
            _set(connection, "use_secondary_engine = OFF")
        asked: dict[str, Ask] = {
            HEATPROXY: lambda text: _ask(ours, text),
            BARE: lambda text: _run(engine, text),
            DEFAULT: lambda text: _ask(default, text),
            MYSQL: lambda text: _ask(mysql, text),
            HYPERGRAPH: lambda text: _ask(hyper, text),
        }
        for name, text in TPCH.queries.items():
            before = answers.offloaded(ours)
            _ask(ours, text)
            if answers.offloaded(ours) == before:
                raise BenchFailed(f"{name} of TPC-H is not offloaded")
            before = answers.offloaded(default)
            _ask(default, text)
            offloaded = answers.offloaded(default) > before
            yield Times(name, _medians(asked, text, turns), offloaded)


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


def _run(engine: duckdb.DuckDBPyConnection, text: str) -> None:
    engine.execute(text).fetchall()  # Python's tuples, as the client of the others has


def _set(connection: Any, variable: str) -> None:
    _ask(connection, f"SET SESSION {variable}")
