"""Whether the public workloads' answers are MySQL's, and how many are offloaded."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from heatproxy.bench import answers, differential, stock
from heatproxy.bench.differential import Outcome
from heatproxy.bench.figures import Figure
from heatproxy.bench.ground import Ground
from heatproxy.bench.workloads import Workload, clickbench, tpcds, tpch
from heatproxy.datatypes import quote_name

# Each workload's maker, its scale, how it is read when made, and the share of its
# queries with rows that must be offloaded.
_Made = tuple[Callable[[Path, float], None], float, Callable[[Path], Workload], float]
SMALL: tuple[_Made, ...] = (
    (tpch.make_tpch, 0.01, lambda _: tpch.TPCH, 1.0),
    (tpch.make_ssb, 0.01, lambda _: tpch.SSB, 1.0),
    (clickbench.ASCII.make, 20_000, lambda _: clickbench.ASCII, 0.0),
    (clickbench.UNICODE.make, 20_000, lambda _: clickbench.UNICODE, 0.0),
    (tpcds.make, 0.02, tpcds.read, 0.75),
)


def measure(ground: Ground, say: Callable[[str], None]) -> Iterator[Figure]:
    """The workloads one after the other, on few rows; what is wrong is said.

    Raises:
        BenchFailed: a generator can't be had here.
    """
    for make, scale, read, share in SMALL:
        with tempfile.TemporaryDirectory(dir=ground.folder) as folder:
            make(Path(folder), scale)
            workload = read(Path(folder))
            outcomes = _outcomes(ground, workload, Path(folder))
        for outcome in outcomes:
            if outcome.is_wrong:
                say(f"{workload.name} {outcome.line()}")
        yield from _figures(workload.name, outcomes, share)


def _outcomes(ground: Ground, workload: Workload, folder: Path) -> list[Outcome]:
    schema = f"heatproxy_{workload.name}"
    with closing(ground.direct(local_infile=True)) as direct:
        stock.fill(direct, schema, workload, folder)
    with closing(ground.through(schema)) as through:
        try:
            differential.load(through, schema)
            cases = differential.of_queries(workload.queries)
            ways = ground.direct, ground.through
            return list(differential.run(cases, schema, *ways))
        finally:
            answers.ask(through, f"DROP DATABASE {quote_name(schema)}")


def _figures(name: str, outcomes: list[Outcome], share: float) -> Iterator[Figure]:
    wrong = sum(one.is_wrong for one in outcomes)
    counted = [one for one in outcomes if one.mysql.rows]
    offloaded = sum(one.offloaded for one in counted)
    yield Figure(f"{name}: answers that differ", str(wrong), "0", wrong == 0)
    said = f"{offloaded} of {len(counted)}"
    target = f">= {share:.0%}" if share else ""
    met = offloaded >= share * len(counted) if share else None
    yield Figure(f"{name}: offloaded, of those with rows", said, target, met)
