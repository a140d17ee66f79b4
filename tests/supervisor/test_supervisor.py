"""What the main process promises: others die and it goes on, limits hold, it drains."""

import re
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pymysql
import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import rows, value
from tests.background import is_alive, until
from tests.background import running as in_background
from tests.lakeside import external, load
from tests.supervisor.conftest import (
    ENOUGH,
    Watched,
    connections,
    is_open,
    watched_up,
)

pytestmark = pytest.mark.mysql

ENDS_WITHIN_S = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of those that end: one MySQL for all of them."""
    return tmp_path_factory.mktemp("ending")


# --- processes ------------------------------------------------------------------------


def test_a_worker_that_dies_takes_only_its_own_sessions(watched: Watched) -> None:
    with connections(watched, ENOUGH) as before:
        killed = watched.kill("worker-1")
        # who connects now is served, by the other or when this one is back
        with ThreadPoolExecutor(ENOUGH) as pool:
            fresh = [pool.submit(watched.server.connect) for _ in range(ENOUGH)]
            for connection in (waiting.result() for waiting in fresh):
                assert value(connection, "SELECT 2") == 2
                connection.close()
        alive = [is_open(connection) for connection in before]
        assert any(alive)
        assert not all(alive)
        line = watched.until_said("worker-1 died; starting it again", pid=killed)
        assert line["exit_code"] == -signal.SIGKILL
        until(lambda: watched.pid("worker-1") != killed)
    until(lambda: watched.metric("heatproxy_workers") == 2)
    assert watched.metric("heatproxy_worker_restarts_total") >= 1
    until(lambda: watched.metric("heatproxy_connections") == 0)


def test_sessions_under_load_do_not_notice_that_another_worker_dies(
    watched: Watched,
) -> None:
    with connections(watched, ENOUGH) as clients, ThreadPoolExecutor(ENOUGH) as pool:

        def work(client: Any) -> bool:
            for number in range(300):
                try:
                    assert value(client, f"SELECT {number}") == number
                except pymysql.OperationalError:
                    return False
            return True

        working = [pool.submit(work, client) for client in clients]
        killed = watched.kill("worker-2")
        survived = [done.result() for done in working]
    assert any(survived)
    until(lambda: watched.pid("worker-2") != killed)


def test_the_dead_are_counted_still(watched: Watched) -> None:
    accepted = watched.metric("heatproxy_connections_accepted_total")
    with connections(watched, 4):
        pass
    counted = watched.metric("heatproxy_connections_accepted_total")
    assert counted >= accepted + 4
    killed = watched.kill("worker-1")
    until(lambda: watched.pid("worker-1") != killed)
    assert watched.metric("heatproxy_connections_accepted_total") >= counted


def test_no_process_outlives_a_supervisor_that_is_killed(folder: Path) -> None:
    with watched_up(folder, "--workers", "2") as watched:
        names = ("worker-1", "worker-2", "engine")
        below = [watched.pid(name) for name in names]
        assert all(map(is_alive, below))
        watched.running.process.kill()
        watched.running.process.wait()
        until(lambda: not any(map(is_alive, below)))


def test_any_port_and_ipv6_will_do(folder: Path) -> None:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError as problem:
        pytest.skip(f"this machine has no IPv6: {problem}")
    with watched_up(folder, "--workers", "2", "--listen", "[::1]:0") as watched:
        (port,) = re.findall(r"\[::1\]:(\d+);", watched.running.ready_line)
        assert int(port) > 0
        login = {**watched.server.login, "host": "::1", "port": int(port)}
        with pymysql.connect(**login) as connection:
            assert value(connection, "SELECT 3") == 3


# --- settings that change ------------------------------------------------------------


def test_settings_are_read_again(watched: Watched) -> None:
    line = watched.reload('[automl]\nworkers = 9\n[log]\nlevel = "debug"')
    assert line["changed"] == ["log.level"]
    assert line["need_restart"] == ["automl.workers"]
    line = watched.reload("")
    assert line["changed"] == ["log.level"]
    assert line["need_restart"] == []


def test_settings_that_are_wrong_change_nothing(watched: Watched) -> None:
    before = len(watched.lines)
    watched.hang_up("[limits]\nconnections = -1")
    line = until(
        lambda: [
            line
            for line in watched.lines[before:]
            if line["message"].startswith("the settings stay as they are: ")
        ]
    )[0]
    assert line["level"] == "error"
    assert "limits.connections must be an integer" in line["message"]
    with watched.server.connect() as connection:
        assert value(connection, "SELECT 5") == 5
    watched.reload("")


def test_a_worker_that_is_started_again_has_the_settings_of_the_others(
    watched: Watched,
) -> None:
    with watched.settled("[limits]\nconnections = 1"):
        killed = [watched.kill("worker-1"), watched.kill("worker-2")]
        until(lambda: watched.pid("worker-1") != killed[0])
        until(lambda: watched.pid("worker-2") != killed[1])
        with connections(watched, 1):
            for _ in range(ENOUGH):
                with pytest.raises(pymysql.OperationalError, match="Too many"):
                    watched.server.connect()


def test_lakehouse_settings_reach_the_engine_process(watched: Watched) -> None:
    with ObjectStore({"t.csv": b"a,b\n1,2\n"}) as store:

        def loaded() -> bool:
            with watched.server.connect() as connection:
                tables = {"t": external(store.url("t.csv"))}
                blocks = load(connection, "reloaded", tables)
                said = [line for block in blocks for line in block.lines]
                return any("Table loaded successfully!" in line for line in said)

        with watched.settled('[lakehouse]\nallowed_schemes = ["https"]'):
            assert not loaded()
        assert loaded()


# --- the end --------------------------------------------------------------------------


def sleeps(looking: Any, connection: Any) -> bool:
    find = "SELECT STATE FROM performance_schema.processlist WHERE ID = "
    return rows(looking, find + str(connection.thread_id())) == [("User sleep",)]


def test_at_the_deadline_of_a_drain_statements_are_ended(folder: Path) -> None:
    with watched_up(folder, "--workers", "2") as watched:
        watched.reload("drain_timeout_s = 1")
        process = watched.running.process
        with connections(watched, 2, autocommit=False) as (busy, writer):
            rows(writer, "SELECT 1 FROM mysql.user FOR SHARE")
            with (
                watched.server.connect_backend() as looking,
                in_background(busy, "SELECT SLEEP(600)") as waiting,
            ):
                until(lambda: sleeps(looking, busy))
                process.terminate()
                with pytest.raises(pymysql.OperationalError) as ended:
                    waiting.result()
            assert ended.value.args == (1053, "Server shutdown in progress")
            assert writer._rfile.read(1) == b""
        assert process.wait(ENDS_WITHIN_S) == 0
        assert watched.said("drained")


def test_a_second_signal_ends_at_once(folder: Path) -> None:
    with watched_up(folder) as watched:
        watched.reload("drain_timeout_s = 3600")
        process = watched.running.process
        with connections(watched, 1) as (busy,):
            with in_background(busy, "SELECT SLEEP(600)") as waiting:
                with watched.server.connect_backend() as looking:
                    until(lambda: sleeps(looking, busy))
                process.terminate()
                watched.until_said("draining")
                process.terminate()
                with pytest.raises(pymysql.OperationalError) as ended:
                    waiting.result()
            assert ended.value.args == (1053, "Server shutdown in progress")
        assert process.wait(ENDS_WITHIN_S) == 0
