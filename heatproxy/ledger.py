"""What a process counts for its metrics: plain integers, added to without a lock.

The supervisor asks for a snapshot now and then; snapshots of several processes, and
of those that have died, add up.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

# Upper bounds in seconds of the histogram of how long statements take.
BOUNDS_S = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0),
)
RELAYED, ENGINE = "relayed", "engine"


class Route:
    """Statements that were answered in one way: how many, how they ended, how long.

    ``note`` runs once a statement in a relay: it is what the name says and no more.
    """

    __slots__ = ("buckets", "failed", "running", "seconds")

    def __init__(self) -> None:
        self.failed = 0
        self.running = 0
        self.seconds = 0.0
        self.buckets = [0] * (len(BOUNDS_S) + 1)

    def note(self, seconds: float, failed: object) -> None:
        """One statement has ended."""
        self.buckets[bisect_left(BOUNDS_S, seconds)] += 1
        self.seconds += seconds
        if failed:
            self.failed += 1

    def snapshot(self) -> dict[str, Any]:
        return {
            "failed": self.failed,
            "running": self.running,
            "seconds": self.seconds,
            "buckets": list(self.buckets),
        }


class Ledger:
    """All that a process counts.

    ``counts`` are by name, ``routes`` by the way that statements went: (RELAYED, "")
    or (ENGINE, kind of statement).
    """

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.routes: dict[tuple[str, str], Route] = {}

    def count(self, name: str, more: int = 1) -> None:
        """Something happened."""
        self.counts[name] = self.counts.get(name, 0) + more

    def route(self, route: str, kind: str = "") -> Route:
        """The statements of one route and kind, from now on counted."""
        return self.routes.setdefault((route, kind), Route())

    def snapshot(self, gauges: Mapping[str, float] | None = None) -> dict[str, Any]:
        """All of it, and what ``gauges`` says of this moment, as JSON can hold it."""
        return {
            "counts": dict(self.counts),
            "routes": [[*key, made.snapshot()] for key, made in self.routes.items()],
            "gauges": dict(gauges or {}),
        }


def added(snapshots: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Several snapshots as one."""
    counts: dict[str, int] = {}
    gauges: dict[str, float] = {}
    routes: dict[tuple[str, str], dict[str, Any]] = {}
    for snapshot in snapshots:
        for name, value in snapshot["counts"].items():
            counts[name] = counts.get(name, 0) + value
        for name, value in snapshot["gauges"].items():
            gauges[name] = gauges.get(name, 0) + value
        for route, kind, facts in snapshot["routes"]:
            known = routes.get((route, kind))
            routes[route, kind] = facts if known is None else _both(known, facts)
    listed = [[*key, facts] for key, facts in routes.items()]
    return {"counts": counts, "routes": listed, "gauges": gauges}


def of_the_dead(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """What remains of a snapshot when its process has gone: nothing of the moment."""
    routes = [[r, k, {**facts, "running": 0}] for r, k, facts in snapshot["routes"]]
    return {"counts": snapshot["counts"], "routes": routes, "gauges": {}}


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    buckets = [a + b for a, b in zip(one["buckets"], other["buckets"], strict=True)]
    sums = {name: one[name] + other[name] for name in ("failed", "running", "seconds")}
    return {**sums, "buckets": buckets}
