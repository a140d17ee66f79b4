"""What processes counted adds up, with what the dead among them had counted."""

import json

from heatproxy.ledger import BOUNDS_S, ENGINE, RELAYED, Ledger, added, of_the_dead


def one(seconds: float, failed: bool) -> Ledger:
    ledger = Ledger()
    ledger.count("accepted")
    ledger.route(RELAYED).note(seconds, failed)
    return ledger


def test_snapshots_add_up() -> None:
    first = one(0.0, False).snapshot({"connections": 2})
    second = one(1e9, True)
    second.route(ENGINE, "select").running += 1
    both = added([first, second.snapshot({"connections": 3})])
    assert both["counts"] == {"accepted": 2}
    assert both["gauges"] == {"connections": 5}
    relayed, engine = both["routes"]
    assert relayed[:2] == [RELAYED, ""]
    assert relayed[2]["buckets"] == [1] + [0] * (len(BOUNDS_S) - 1) + [1]
    assert (relayed[2]["failed"], relayed[2]["seconds"]) == (1, 1e9)
    assert engine[:2] == [ENGINE, "select"]
    assert engine[2]["running"] == 1


def test_a_snapshot_goes_through_json() -> None:
    snapshot = one(0.1, True).snapshot()
    assert json.loads(json.dumps(snapshot)) == snapshot


def test_of_the_dead_only_what_was_done_remains() -> None:
    ledger = one(0.1, False)
    ledger.route(RELAYED).running = 5
    remains = of_the_dead(ledger.snapshot({"connections": 7}))
    assert remains["gauges"] == {}
    assert remains["counts"] == {"accepted": 1}
    assert remains["routes"][0][2]["running"] == 0
    assert added([remains, remains])["counts"] == {"accepted": 2}


def test_a_time_on_a_bound_is_within_it() -> None:
    ledger = one(BOUNDS_S[3], False)
    assert ledger.snapshot()["routes"][0][2]["buckets"][3] == 1
