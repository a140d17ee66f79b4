"""``heatproxy bench wire``: heatproxy's relay beside other proxies, in one run.

Every figure is the median of turns that go round all ways to the backend, so that
whatever else the machine does falls on all of them; only what is compared within one
run means anything.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from heatproxy.bench import BenchFailed, bulk, connections, tables, traffic
from heatproxy.bench.clients import log_in
from heatproxy.bench.counts import FULL, QUICK, Counts
from heatproxy.bench.report import Line, heading, text
from heatproxy.bench.stage import Stage, open_stage

Part = Callable[[Stage, Counts], Iterator[Line]]

PARTS: dict[str, Part] = {
    "points": traffic.point_selects,
    "tls": traffic.tls,
    "long": bulk.long_results,
    "own": bulk.own_results,
    "logins": connections.logins,
    "idle": connections.idle,
}


def run(
    data_dir: Path | None,
    say: Callable[[str], None],
    *,
    quick: bool = False,
    parts: tuple[str, ...] = tuple(PARTS),
) -> int:
    """Measure, and say a line as soon as it is known; 0.

    Args:
        data_dir: where the backend keeps its data; a temporary one when None.

    Raises:
        BenchFailed: measuring is not possible.
    """
    with ExitStack() as held:
        if data_dir is None:
            folder = tempfile.TemporaryDirectory(prefix="heatproxy-bench-")
            data_dir = Path(held.enter_context(folder))
        for line in measure(data_dir, QUICK if quick else FULL, parts, say):
            say(text(line))
    return 0


def measure(
    data_dir: Path,
    counts: Counts,
    parts: tuple[str, ...] = tuple(PARTS),
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Line]:
    """The lines of all parts, measured one after the other."""
    if sys.platform != "linux":
        raise BenchFailed("bench wire reads /proc: it needs Linux")
    with open_stage(data_dir) as stage, log_in(stage.direct, stage.account) as direct:
        for absent in stage.absent:
            say(absent)
        say(heading())
        with tables.made(direct, counts.rows):
            for name in parts:
                yield from PARTS[name](stage, counts)
