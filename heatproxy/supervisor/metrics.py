"""What Prometheus reads: the processes' ledgers under their public names.

Source: Prometheus documentation, "Metric and label naming".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from heatproxy.ledger import BOUNDS_S, ENGINE

_RAPID_COUNTERS = {
    "rapid_offloaded": "Statements on RAPID tables that the engine answered.",
    "rapid_scanned_bytes": "Bytes of tables that offloaded statements read.",
    "rapid_rows_loaded": "Rows of InnoDB tables loaded into RAPID.",
    "rapid_changes_applied": "Changes of rows applied to RAPID's tables.",
    "rapid_stale": "Tables found out to be stale.",
    "rapid_reloads": "Stale tables that were loaded again.",
}
T = TypeVar("T", int, float)
LOADS, TRAININGS = ("heatwave_load",), ("ML_TRAIN",)


@dataclass(frozen=True, slots=True)
class State:
    """What is known of all processes at one moment.

    ``relays`` and ``engine`` are snapshots of ledgers, of the dead ones too.
    """

    version: str
    backend_up: bool
    engine_up: bool
    workers_accepting: int
    worker_restarts: int
    engine_restarts: int
    relays: Mapping[str, Any]
    engine: Mapping[str, Any]
    memory_bytes: Mapping[str, int] = field(default_factory=dict)  # by process


def exposition(state: State) -> bytes:
    """The state in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(_Families(state))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterable[Metric]:
        state = self._state
        counts, gauges = state.relays["counts"], state.relays["gauges"]
        yield _gauge(
            "info", "The version that runs.", [({"version": state.version}, 1)]
        )
        yield _plain("backend_up", "Whether MySQL answers.", state.backend_up)
        yield _plain("engine_up", "Whether the engine process runs.", state.engine_up)
        yield _plain(
            "workers", "Workers that accept connections.", state.workers_accepting
        )
        yield _counter("worker_restarts", "Workers that died.", state.worker_restarts)
        yield _counter(
            "engine_restarts", "Engine processes that died.", state.engine_restarts
        )
        yield _plain(
            "connections", "Clients connected now.", gauges.get("connections", 0)
        )
        yield _counter(
            "connections_accepted", "Clients that came.", counts.get("accepted", 0)
        )
        yield _labelled(
            "connections_refused",
            "Clients that were not let in, or not kept, by a limit of heatproxy's.",
            "reason",
            _below(counts, "refused:"),
        )
        yield _counter("logins", "Logins that MySQL let in.", counts.get("logins", 0))
        yield _counter(
            "logins_failed",
            "Logins that MySQL refused, or that were broken off.",
            counts.get("logins_failed", 0),
        )
        yield _transferred(counts)
        yield from _statements([*state.relays["routes"], *state.engine["routes"]])
        yield from _jobs("loads", "heatwave_load calls", state.engine, LOADS)
        yield from _jobs("trainings", "ML_TRAIN calls", state.engine, TRAININGS)
        yield from _rapid(state.engine["counts"], state.engine["gauges"])
        yield from _memory(state)


def _statements(routes: Sequence[Sequence[Any]]) -> Iterable[Metric]:
    labels = ("route", "kind")
    total = CounterMetricFamily(
        "heatproxy_statements",
        "Statements answered, by the way they went and how they ended.",
        labels=(*labels, "outcome"),
    )
    running = GaugeMetricFamily(
        "heatproxy_statements_running",
        "Statements that the engine works on now.",
        labels=labels,
    )
    duration = HistogramMetricFamily(
        "heatproxy_statement_duration_seconds",
        "How long statements took, from the command to the end of its reply.",
        labels=labels,
    )
    names = [*map(str, BOUNDS_S), "+Inf"]
    for route, kind, facts in routes:
        count = sum(facts["buckets"])
        total.add_metric((route, kind, "ok"), count - facts["failed"])
        total.add_metric((route, kind, "error"), facts["failed"])
        if route == ENGINE:
            running.add_metric((route, kind), facts["running"])
        sums = accumulate(facts["buckets"])
        buckets = list(zip(names, map(float, sums), strict=True))
        duration.add_metric((route, kind), buckets, facts["seconds"])
    return total, running, duration


def _jobs(
    name: str, what: str, engine: Mapping[str, Any], kinds: Sequence[str]
) -> Iterable[Metric]:
    found = [f for route, kind, f in engine["routes"] if (route, kind) in _keys(kinds)]
    done = sum(sum(facts["buckets"]) for facts in found)
    failed = sum(facts["failed"] for facts in found)
    outcomes = {"ok": done - failed, "error": failed}
    yield _plain(
        f"{name}_running", f"{what} under way.", sum(f["running"] for f in found)
    )
    yield _labelled(name, f"{what} that have ended.", "outcome", outcomes)


def _keys(kinds: Sequence[str]) -> set[tuple[str, str]]:
    return {(ENGINE, kind) for kind in kinds}


def _rapid(counts: Mapping[str, int], gauges: Mapping[str, float]) -> Iterable[Metric]:
    for name, text in _RAPID_COUNTERS.items():
        yield _counter(name, text, counts.get(name, 0))
    yield _labelled(
        "rapid_refused",
        "Statements on RAPID tables that MySQL answered, by the reason.",
        "reason",
        _below(counts, "rapid_refused:"),
    )
    yield _labelled(
        "rapid_loads",
        "Loads of InnoDB tables into RAPID that have ended.",
        "outcome",
        {"ok": 0, "error": 0, **_below(counts, "rapid_loads:")},
    )
    yield _labelled(
        "rapid_shadow",
        "Offloaded statements that MySQL answered too, and the answers that differed.",
        "result",
        {"compared": 0, "different": 0, **_below(counts, "rapid_shadow:")},
    )
    tables = _below(gauges, "rapid_tables:")
    yield _gauge(
        "rapid_tables",
        "InnoDB tables that RAPID holds or is to hold, by their status.",
        [({"status": status}, count) for status, count in tables.items()],
    )
    yield _plain(
        "rapid_propagates",
        "Whether changes of InnoDB tables reach RAPID.",
        gauges.get("rapid_propagates", 0),
    )
    yield _plain(
        "rapid_lag_seconds",
        "How far behind MySQL's binary log RAPID's tables are.",
        gauges.get("rapid_lag_s", 0),
    )


def _memory(state: State) -> Iterable[Metric]:
    gauges = state.engine["gauges"]
    yield _plain(
        "engine_memory_bytes",
        "Memory that the analytic engine holds for tables and queries.",
        gauges.get("engine_memory_bytes", 0),
    )
    yield _plain(
        "engine_spilled_bytes",
        "What the analytic engine has moved from memory to disk.",
        gauges.get("engine_spilled_bytes", 0),
    )
    yield _gauge(
        "process_resident_memory_bytes",
        "Resident memory, by process.",
        [({"process": name}, size) for name, size in state.memory_bytes.items()],
    )


def _transferred(counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(
        "heatproxy_transferred_bytes",
        "Bytes read from (in) and written to (out) clients and MySQL by the relay.",
        labels=("leg", "direction"),
    )
    for name, count in _below(counts, "bytes:").items():
        family.add_metric(name.split(":"), count)
    return family


def _below(counts: Mapping[str, T], prefix: str) -> dict[str, T]:
    """The counts whose names begin so, by what follows."""
    return {
        n.removeprefix(prefix): c for n, c in counts.items() if n.startswith(prefix)
    }


def _labelled(name: str, text: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"heatproxy_{name}", text, labels=(label,))
    for value, count in counts.items():
        family.add_metric((value,), count)
    return family


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"heatproxy_{name}", text, value=value)


def _plain(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"heatproxy_{name}", text, value=float(value))


def _gauge(
    name: str, text: str, values: Sequence[tuple[Mapping[str, str], float]]
) -> Metric:
    labels = list(values[0][0]) if values else []
    family = GaugeMetricFamily(f"heatproxy_{name}", text, labels=labels)
    for named, value in values:
        family.add_metric(list(named.values()), value)
    return family
