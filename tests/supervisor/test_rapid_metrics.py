"""What a scraper reads of RAPID, from counts as the processes hand them on."""

from prometheus_client.parser import text_string_to_metric_families

from heatproxy.ledger import Ledger
from heatproxy.supervisor.metrics import State, exposition


def samples(engine: Ledger, **gauges: float) -> dict[tuple[str, str], float]:
    """Every sample by its name and the value of its label, if it has one."""
    state = State(
        version="1",
        backend_up=True,
        engine_up=True,
        workers_accepting=1,
        worker_restarts=0,
        engine_restarts=0,
        relays=Ledger().snapshot(),
        engine=engine.snapshot(gauges),
    )
    families = text_string_to_metric_families(exposition(state).decode())
    return {
        (one.name, "".join(one.labels.values())): one.value
        for family in families
        for one in family.samples
    }


def test_nothing_that_happened_is_counted_as_nothing() -> None:
    found = samples(Ledger())
    for name in (
        *("rapid_offloaded", "rapid_scanned_bytes", "rapid_rows_loaded"),
        *("rapid_changes_applied", "rapid_stale", "rapid_reloads"),
    ):
        assert found[f"heatproxy_{name}_total", ""] == 0
    for outcome in ("ok", "error"):
        assert found["heatproxy_rapid_loads_total", outcome] == 0
    for result in ("compared", "different"):
        assert found["heatproxy_rapid_shadow_total", result] == 0


def test_what_happened_is_counted_by_its_names() -> None:
    ledger = Ledger()
    counts = {
        "rapid_offloaded": 7,
        "rapid_refused:cost": 3,
        "rapid_refused:no_rule": 2,
        "rapid_loads:error": 1,
        "rapid_rows_loaded": 1000,
        "rapid_changes_applied": 50,
        "rapid_shadow:different": 1,
    }
    for name, count in counts.items():
        ledger.count(name, count)
    found = samples(
        ledger, **{"rapid_tables:avail": 2, "rapid_propagates": 1, "rapid_lag_s": 0.25}
    )
    assert found["heatproxy_rapid_offloaded_total", ""] == 7
    assert found["heatproxy_rapid_refused_total", "cost"] == 3
    assert found["heatproxy_rapid_refused_total", "no_rule"] == 2
    assert found["heatproxy_rapid_loads_total", "error"] == 1
    assert found["heatproxy_rapid_rows_loaded_total", ""] == 1000
    assert found["heatproxy_rapid_changes_applied_total", ""] == 50
    assert found["heatproxy_rapid_shadow_total", "different"] == 1
    assert found["heatproxy_rapid_tables", "avail"] == 2
    assert found["heatproxy_rapid_propagates", ""] == 1
    assert found["heatproxy_rapid_lag_seconds", ""] == 0.25
