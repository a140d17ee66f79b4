"""What those who watch are told: numbers for a scraper, and whether all is well."""

import json
import os
import signal
from pathlib import Path

import pymysql
import pytest
from prometheus_client.parser import text_string_to_metric_families

from heatproxy.objectstore import ObjectStore
from tests.asking import refusal, run, value
from tests.background import until
from tests.lakeside import external, load
from tests.supervisor.conftest import Watched, connections

pytestmark = pytest.mark.mysql
MYSQLD_S = 120.0  # it recovers first


def test_the_metrics_are_prometheus_text_with_conventional_names(
    watched: Watched,
) -> None:
    status, text = watched.fetch("/metrics")
    assert status == 200
    families = list(text_string_to_metric_families(text))
    assert len(families) > 20
    for family in families:
        assert family.name.startswith("heatproxy_")
        assert family.documentation.endswith(".")
        if family.type == "counter":
            assert {s.name for s in family.samples} <= {f"{family.name}_total"}
    names = {family.name for family in families}
    for unit in ("transferred_bytes", "statement_duration_seconds", "engine_up"):
        assert f"heatproxy_{unit}" in names


def test_connections_logins_and_bytes_are_counted(watched: Watched) -> None:
    def counted() -> tuple[float, ...]:
        name = "heatproxy_transferred_bytes_total"
        return (
            watched.metric("heatproxy_connections_accepted_total"),
            watched.metric("heatproxy_logins_total"),
            watched.metric("heatproxy_logins_failed_total"),
            watched.metric(name, leg="client", direction="out"),
            watched.metric(name, leg="backend", direction="in"),
        )

    before = counted()
    with connections(watched, 3) as made:
        assert value(made[0], "SELECT LENGTH(REPEAT('x', 100000))") == 100_000
        value(made[0], "SELECT REPEAT('x', 100000)")
        assert watched.metric("heatproxy_connections") >= 3
    with pytest.raises(pymysql.OperationalError):
        watched.server.connect(user="nobody", password="x")

    def since() -> list[float]:
        return [after - first for after, first in zip(counted(), before, strict=True)]

    until(lambda: since()[:3] == [4, 3, 1])
    *_, to_client, from_backend = since()
    assert 100_000 < to_client < 120_000
    assert 100_000 < from_backend < 120_000


def test_relayed_statements_are_counted_by_how_they_end(watched: Watched) -> None:
    name, seconds = "heatproxy_statements_total", "heatproxy_statement_duration_seconds"

    def counted() -> tuple[float, ...]:
        ok = watched.metric(name, route="relayed", outcome="ok")
        failed = watched.metric(name, route="relayed", outcome="error")
        return ok, failed, watched.metric(f"{seconds}_count", route="relayed")

    with watched.server.connect() as connection:
        before = counted()
        run(connection, "SELECT 1", "SELECT SLEEP(0.3)")
        assert refusal(connection, "SELECT nothing FROM nowhere.at_all")[0] == 1049
        after = counted()
    assert [a - b for a, b in zip(after, before, strict=True)] == [2, 1, 3]
    assert watched.metric(f"{seconds}_sum", route="relayed") >= 0.3


def test_statements_of_the_engine_are_counted_by_kind(watched: Watched) -> None:
    name = "heatproxy_statements_total"
    with (
        ObjectStore({"t.csv": b"a,b\n1,2\n"}) as store,
        watched.server.connect() as connection,
    ):
        load(connection, "counted", {"t": external(store.url("t.csv"))})
        assert watched.metric("heatproxy_loads_total", outcome="ok") >= 1
        assert watched.metric("heatproxy_loads_running") == 0
        before = watched.metric(name, route="engine", kind="select", outcome="ok")
        assert value(connection, "SELECT COUNT(*) FROM counted.t") == 1
        after = watched.metric(name, route="engine", kind="select", outcome="ok")
        assert after == before + 1
        failed = "CALL sys.ML_TRAIN('no.where', 'y', NULL, @m)"
        assert refusal(connection, failed)[0] in (1049, 1142, 1146)
    assert watched.metric("heatproxy_trainings_total", outcome="error") >= 1
    assert watched.metric("heatproxy_engine_memory_bytes") > 0
    for process in ("supervisor", "engine", "worker-1", "worker-2"):
        resident = "heatproxy_process_resident_memory_bytes"
        assert watched.metric(resident, process=process) > 1 << 20


def mysqld_of(data_dir: Path) -> int:
    (file,) = (data_dir / "run").glob("*.pid")
    return int(file.read_text())


def test_it_is_well_until_the_backend_does_not_answer(watched: Watched) -> None:
    status, text = watched.fetch("/healthz")
    assert (status, json.loads(text)["status"]) == (200, "ok")
    mysqld = mysqld_of(watched.server.data_dir)
    os.kill(mysqld, signal.SIGSTOP)
    try:
        # its threads stop one by one: one may answer still
        status, text = until(lambda: gone(watched.fetch("/healthz")))
        assert status == 503
        assert json.loads(text)["missing"] == ["the backend does not answer"]
        assert watched.metric("heatproxy_backend_up") == 0
    finally:
        os.kill(mysqld, signal.SIGCONT)
    until(lambda: watched.fetch("/healthz")[0] == 200)
    assert watched.metric("heatproxy_backend_up") == 1


def test_a_mysqld_that_died_is_back(watched: Watched) -> None:
    killed = mysqld_of(watched.server.data_dir)
    os.kill(killed, signal.SIGKILL)
    until(lambda: watched.said("mysqld runs again"), MYSQLD_S)
    until(lambda: watched.fetch("/healthz")[0] == 200)
    assert mysqld_of(watched.server.data_dir) != killed
    with watched.server.connect() as connection:
        assert value(connection, "SELECT 1") == 1


def test_an_engine_process_that_died_is_missed_until_it_is_back(
    watched: Watched,
) -> None:
    killed = watched.kill("engine")
    status, text = until(lambda: gone(watched.fetch("/healthz")))
    assert status == 503
    assert json.loads(text)["missing"] == ["the engine process does not run"]
    until(lambda: watched.pid("engine") != killed)
    until(lambda: watched.fetch("/healthz")[0] == 200)
    assert watched.metric("heatproxy_engine_restarts_total") >= 1


def gone(answer: tuple[int, str]) -> tuple[int, str] | None:
    return answer if answer[0] != 200 else None


def test_other_pages_and_methods_are_refused(watched: Watched) -> None:
    assert watched.fetch("/")[0] == 404
    assert watched.fetch("/metrics?x=1")[0] == 200
