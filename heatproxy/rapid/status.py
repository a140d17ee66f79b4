"""RAPID's status variables, as SHOW STATUS and performance_schema have them.

Source: HeatWave User Guide, "Status Variables".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heatproxy.rapid.rpd_rows import HeldTable
from heatproxy.rapid.tables import LoadStatus
from heatproxy.rapid.variables import SessionState

EXECUTIONS = "Secondary_engine_execution_count"  # MySQL has it too, and counts nothing
_MEGABYTE = 1 << 20
_ON_THE_WAY = (LoadStatus.LOADING, LoadStatus.RECOVERING)


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """What the variables are made of."""

    held: Sequence[HeldTable]
    cores: int
    held_bytes: int  # in memory
    offloaded: int
    not_offloaded: int
    scanned_bytes: int
    learned: int  # AutoML's routines that have run
    propagates: bool  # changes of InnoDB tables reach the engine


NAMES = (
    EXECUTIONS,
    *("hw_data_scanned", "rapid_change_propagation_status", "rapid_cluster_status"),
    *("rapid_core_count", "rapid_heap_usage", "rapid_load_progress"),
    *("rapid_ml_operation_count", "rapid_ml_status", "rapid_plugin_bootstrapped"),
    *("rapid_preload_stats_status", "rapid_query_nonoffload_count"),
    *("rapid_query_offload_count", "rapid_service_status"),
)


def status(facts: StatusFacts, session: SessionState | None) -> Mapping[str, str]:
    """Each variable's value: a session's, or without one the global ones."""
    offloaded, scanned = facts.offloaded, facts.scanned_bytes
    if session is not None:
        offloaded, scanned = session.offloaded, session.scanned_bytes
    values = (
        str(offloaded),
        str(scanned // _MEGABYTE),
        "ON" if facts.propagates else "OFF",
        "ON",
        str(facts.cores),
        str(facts.held_bytes),
        f"{_progress(facts.held):.6f}",
        str(facts.learned),
        "ON",
        "YES",
        "Available",
        str(facts.not_offloaded),
        str(facts.offloaded),
        "ONLINE",
    )
    return dict(zip(NAMES, values, strict=True))


def _progress(held: Sequence[HeldTable]) -> float:
    """How far the loads under way are; 100 when there are none."""
    loading = [table.progress for table in held if table.status in _ON_THE_WAY]
    return sum(loading) / len(loading) if loading else 100.0
