"""RAPID's status variables, made of what has happened."""

from dataclasses import replace

import pytest

from heatproxy.rapid.rpd_rows import HeldTable
from heatproxy.rapid.status import EXECUTIONS, NAMES, StatusFacts, status
from heatproxy.rapid.tables import LoadStatus
from heatproxy.rapid.variables import SessionState
from tests.rapid.test_rpd_rows import TABLE

FACTS = StatusFacts(
    held=[TABLE],
    cores=2,
    held_bytes=1 << 20,
    offloaded=5,
    not_offloaded=3,
    scanned_bytes=7 << 20,
    learned=4,
    propagates=True,
)


def test_global_values_are_those_of_the_process() -> None:
    values = status(FACTS, None)
    assert tuple(values) == NAMES
    assert values == {
        EXECUTIONS: "5",
        "hw_data_scanned": "7",
        "rapid_change_propagation_status": "ON",
        "rapid_cluster_status": "ON",
        "rapid_core_count": "2",
        "rapid_heap_usage": "1048576",
        "rapid_load_progress": "100.000000",
        "rapid_ml_operation_count": "4",
        "rapid_ml_status": "ON",
        "rapid_plugin_bootstrapped": "YES",
        "rapid_preload_stats_status": "Available",
        "rapid_query_nonoffload_count": "3",
        "rapid_query_offload_count": "5",
        "rapid_service_status": "ONLINE",
    }


def test_a_session_counts_its_own_queries() -> None:
    session = SessionState(offloaded=2, scanned_bytes=3 << 20)
    values = status(FACTS, session)
    assert (values[EXECUTIONS], values["hw_data_scanned"]) == ("2", "3")
    assert values["rapid_query_offload_count"] == "5"


LOADS = {
    "none": ([], "100.000000"),
    "one half way": (
        [replace(TABLE, status=LoadStatus.LOADING, progress=50.0)],
        "50.000000",
    ),
    "one of two that are left": (
        [
            TABLE,
            replace(TABLE, status=LoadStatus.LOADING, progress=20.0),
            replace(TABLE, status=LoadStatus.RECOVERING, progress=40.0),
        ],
        "30.000000",
    ),
}


@pytest.mark.parametrize(("held", "expected"), LOADS.values(), ids=LOADS)
def test_progress_is_that_of_the_loads_under_way(
    held: list[HeldTable], expected: str
) -> None:
    values = status(replace(FACTS, held=held), None)
    assert values["rapid_load_progress"] == expected


def test_changes_that_nobody_follows_are_not_propagated() -> None:
    values = status(replace(FACTS, propagates=False), None)
    assert values["rapid_change_propagation_status"] == "OFF"
