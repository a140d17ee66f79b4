"""``heatproxy bench rapid``: RAPID beside MySQL and beside DuckDB, in one run.

Medians of turns; only what is compared within one run means anything. TPC-H is made
once and stays in heatproxy's cache.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from heatproxy.bench import (
    BenchFailed,
    changes,
    crowd,
    figures,
    ground,
    sameness,
    tpch_times,
)
from heatproxy.bench.figures import Figure
from heatproxy.bench.ground import Ground
from heatproxy.bench.workloads import side

Say = Callable[[str], None]
Part = Callable[[Ground, "Counts", Say], Iterator[Figure]]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is measured: TPC-H's scale, turns of queries, changes of rows."""

    scale: float
    turns: int
    seconds: float
    changes: int


FULL = Counts(scale=1.0, turns=5, seconds=20.0, changes=2_000_000)
QUICK = Counts(scale=0.05, turns=3, seconds=4.0, changes=400_000)


def run(folder: Path | None, say: Say, *, quick: bool = False) -> int:
    """Measure everything, and say a line as soon as it is known; 0.

    Args:
        folder: where the bench's own heatproxy keeps its data; in the cache when None.

    Raises:
        BenchFailed: measuring is not possible.
    """
    for figure in measure(folder, QUICK if quick else FULL, tuple(PARTS), say):
        say(figure.text())
    return 0


def measure(
    folder: Path | None, counts: Counts, parts: tuple[str, ...], say: Say
) -> Iterator[Figure]:
    """The figures of some parts, measured one after the other."""
    if sys.platform != "linux":
        raise BenchFailed("bench rapid reads /proc: it needs Linux")
    with ground.opened(folder or side.cache() / "rapid") as opened:
        say(figures.heading())
        for name in parts:
            yield from PARTS[name](opened, counts, say)


def _queries(ground_: Ground, counts: Counts, say: Say) -> Iterator[Figure]:
    say(f"TPC-H at scale {counts.scale:g} into MySQL, if it is not there")
    schema = ground.make_tpch(ground_, counts.scale)
    threads = os.cpu_count() or 1  # as many as the engine's by default
    with closing(ground.bare(ground_, schema, threads)) as engine:
        yield from changes.loads(ground_, schema, "lineitem")
        changes.load_others(ground_, schema, "lineitem")
        say(tpch_times.heading())
        times = []
        for one in tpch_times.measure(ground_, schema, engine, counts.turns):
            say(one.text())
            times.append(one)
    yield from tpch_times.summed(times)
    yield from crowd.measure(ground_, schema, counts.seconds)


def _changes(ground_: Ground, counts: Counts, say: Say) -> Iterator[Figure]:
    yield from changes.propagation(ground_, counts.seconds, counts.changes)


def _answers(ground_: Ground, counts: Counts, say: Say) -> Iterator[Figure]:
    yield from sameness.measure(ground_, say)


PARTS: dict[str, Part] = {
    "answers": _answers,
    "changes": _changes,
    "queries": _queries,
}
