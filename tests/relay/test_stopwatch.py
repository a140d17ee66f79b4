"""What is noted of relayed statements, and when it is worth a line in the log."""

from types import SimpleNamespace
from typing import Any

import pytest

from heatproxy.ledger import RELAYED, Ledger
from heatproxy.relay import stopwatch
from heatproxy.relay.stopwatch import Stopwatch

QUERY, UNKNOWN = 0x03, 0x7F


class Clocked:
    """A session whose clock the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, slow_s: float) -> None:
        self.now, self.lines = 100.0, []
        monkeypatch.setattr(stopwatch, "perf_counter", lambda: self.now)
        self.client = SimpleNamespace(bytes_out=0)
        self.worker = SimpleNamespace(relayed=Ledger().route(RELAYED), slow_s=slow_s)
        self.watch = Stopwatch(self)  # type: ignore[arg-type]

    def log(self, level: int, message: str, **facts: Any) -> None:
        self.lines.append(facts)

    lines: list[dict[str, Any]]


def test_statements_sent_ahead_begin_when_those_before_have_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = Clocked(monkeypatch, slow_s=2)
    session.watch.begin()
    session.now += 1
    session.watch.end(QUERY, 0, 10)
    session.now += 2
    session.client.bytes_out = 10
    session.watch.end(UNKNOWN, 1064, 20)
    relayed = session.worker.relayed
    assert (relayed.seconds, relayed.failed, sum(relayed.buckets)) == (3, 1, 2)
    (line,) = session.lines
    assert line == {
        "route": "relayed",
        "command": "0x7f",
        "seconds": 2,
        "bytes": 20,
        "error": 1064,
    }


def test_nothing_is_slow_where_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Clocked(monkeypatch, slow_s=0)
    session.watch.begin()
    session.now += 1e6
    session.watch.end(QUERY, 0, 0)
    assert session.lines == []


def test_a_client_has_seen_nothing_until_bytes_are_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = Clocked(monkeypatch, slow_s=0)
    session.watch.begin()
    assert session.watch.is_unanswered
    session.client.bytes_out += 1
    assert not session.watch.is_unanswered
