"""``heatproxy up`` as a whole: it ends, dies and comes back without losing anything."""

import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
import pytest

from heatproxy.objectstore import ObjectStore
from heatproxy.wire.packets import Status
from tests.background import running as in_background
from tests.background import until
from tests.conftest import Running, Server, free_port
from tests.lakeside import external, load
from tests.rawclient import RawClient

pytestmark = pytest.mark.mysql

ENDS_WITHIN_S = 60
CSV = ("a,b\n" + "".join(f"{n},row {n}\n" for n in range(1, 501))).encode()


def processes_of(data_dir: Path) -> set[int]:
    """Every process that runs for a data directory: ours, mysqld, the engine."""
    found: set[int] = set()
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            stat = (entry / "stat").read_text()
        except OSError:  # it ended meanwhile
            continue
        pid = int(entry.name)
        state, parent = stat.rpartition(")")[2].split()[:2]
        if state == "Z" or pid == os.getpid():
            continue
        parents[pid] = int(parent)
        if os.fsencode(data_dir) in command:
            found.add(pid)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def engine_of(server: Server) -> int:
    """The engine process: the child that holds the engine's file open."""
    for pid in processes_of(server.data_dir):
        descriptors = Path(f"/proc/{pid}/fd")
        try:
            names = [os.readlink(link) for link in descriptors.iterdir()]
        except OSError:
            continue
        if str(server.data_dir / "engine.duckdb") in names:
            return pid
    raise AssertionError("no process holds the engine's file")


def wait_until_ended(pids: set[int]) -> None:
    """Return when none of them runs any more."""
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        ready, _, _ = select.select([descriptor], [], [], ENDS_WITHIN_S)
        os.close(descriptor)
        assert ready, f"process {pid} still runs"


@contextmanager
def up(data_dir: Path, *arguments: str) -> Iterator[Running]:
    """A heatproxy of its own that may be killed."""
    running = Running(
        data_dir, *arguments, HEATPROXY_LAKEHOUSE_ALLOWED_HOSTS="127.0.0.1"
    )
    try:
        assert running.ready_line, "heatproxy did not start"
        yield running
    finally:
        if running.process.poll() is None:
            running.stop()
        if running.process.stdout is not None:
            running.process.stdout.close()


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for the servers that are ended or killed."""
    return tmp_path_factory.mktemp("server") / "data"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One that lives on while its engine process dies."""
    with up(tmp_path_factory.mktemp("living")) as living:
        load_table(living.server)
        yield living
        everything = processes_of(living.server.data_dir)
        living.process.send_signal(signal.SIGINT)
        assert living.process.wait(ENDS_WITHIN_S) == 0
        wait_until_ended(everything)


def ask(connection: "pymysql.Connection[Any]", sql: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def load_table(server: Server) -> None:
    """A Lakehouse table ``lake.t`` of CSV's rows."""
    with ObjectStore({"t.csv": CSV}) as store, server.connect() as connection:
        load(connection, "lake", {"t": external(store.url("t.csv"))})


def total(server: Server) -> tuple[Any, ...]:
    with server.connect() as connection:
        return ask(connection, "SELECT COUNT(*), SUM(a) FROM lake.t")


ALL_ROWS = ((500, 125250),)


def test_a_terminated_server_lets_statements_finish(data_dir: Path) -> None:
    with up(data_dir) as running:
        server = running.server
        idle, busy = server.connect(), server.connect()
        writer = server.connect(autocommit=False)
        ask(busy, "CREATE DATABASE kept")
        ask(busy, "CREATE TABLE kept.t (a INT)")
        ask(writer, "INSERT INTO kept.t VALUES (1)")
        everything = processes_of(data_dir)
        assert len(everything) >= 3
        with server.connect_backend() as holder:
            ask(holder, "SELECT GET_LOCK('drain', 0)")
            statement = "SELECT GET_LOCK('drain', 30), 'answered'"
            with in_background(busy, statement) as waiting:
                until(lambda: waits_for_a_lock(holder, busy.thread_id()))
                running.process.terminate()
                assert idle._rfile.read(1) == b""  # it is closed at once
                with pytest.raises(pymysql.OperationalError):
                    server.connect()
                assert ask(writer, "SELECT COUNT(*) FROM kept.t") == ((1,),)
                writer.commit()
                assert running.process.poll() is None
                ask(holder, "SELECT RELEASE_LOCK('drain')")
            ((answer,),) = (found.rows for found in waiting.result())
            assert answer == (1, "answered")
        assert running.process.wait(ENDS_WITHIN_S) == 0
        wait_until_ended(everything)
        assert processes_of(data_dir) == set()
        for connection in (idle, busy, writer):
            connection._force_close()


def waits_for_a_lock(other: "pymysql.Connection[Any]", thread_id: int) -> bool:
    find = "SELECT STATE FROM performance_schema.processlist WHERE ID = "
    return ask(other, f"{find}{thread_id}") == (("User lock",),)


def test_a_killed_server_comes_back_with_everything(data_dir: Path) -> None:
    with up(data_dir) as running:
        load_table(running.server)
        everything = processes_of(data_dir)
        client = running.server.connect()
        ask(client, "CREATE DATABASE survives")
        ask(client, "CREATE TABLE survives.t SELECT a + 1 AS a FROM kept.t")
        running.process.kill()
        assert running.process.wait() == -signal.SIGKILL
        client._force_close()
    with up(data_dir, "--listen", f"0.0.0.0:{free_port()}") as running:
        wait_until_ended(everything)
        port = int(re.findall(r"0\.0\.0\.0:(\d+)", running.ready_line)[0])
        server = Server(data_dir, "127.0.0.1", port)
        assert total(server) == ALL_ROWS
        with server.connect() as connection:
            assert ask(connection, "SELECT a FROM survives.t") == ((2,),)
        accounts_of_localhost_are_not_for_remote_clients(server)


def accounts_of_localhost_are_not_for_remote_clients(server: Server) -> None:
    with server.connect_backend() as admin:
        ask(admin, "CREATE USER near@localhost IDENTIFIED BY 'x'")
        ask(admin, "CREATE USER far IDENTIFIED BY 'x'")
    with server.connect_backend(user="near", password="x") as direct:
        assert ask(direct, "SELECT CURRENT_USER()") == (("near@localhost",),)
    with server.connect(user="far", password="x") as connection:
        assert ask(connection, "SELECT USER()") == (("far@127.0.0.2",),)
    for user, password in (("near", "x"), ("root", "")):
        with pytest.raises(pymysql.OperationalError) as refusal:
            server.connect(user=user, password=password)
        assert refusal.value.args[0] == 1045
        assert f"'{user}'@'127.0.0.2'" in refusal.value.args[1]


def test_a_port_that_is_taken_is_said(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = start(data_dir, taken.getsockname()[1])
    assert refused.returncode == 1
    assert re.search(r"^heatproxy: .*address already in use", refused.stderr, re.M)
    assert "Traceback" not in refused.stderr
    assert processes_of(data_dir) == set()


def test_a_second_server_on_the_same_data_is_refused(running: Running) -> None:
    second = start(running.server.data_dir, free_port())
    assert second.returncode == 1
    assert f"another heatproxy (process {running.process.pid})" in second.stderr
    assert "Traceback" not in second.stderr
    assert total(running.server) == ALL_ROWS


def start(data_dir: Path, port: int) -> subprocess.CompletedProcess[str]:
    """``heatproxy up`` that is not expected to stay."""
    command = [sys.executable, "-m", "heatproxy", "up", "--data-dir", str(data_dir)]
    listen = ["--listen", f"127.0.0.1:{port}"]
    return subprocess.run(command + listen, capture_output=True, text=True, check=False)


def test_a_killed_engine_comes_back_and_nobody_else_notices(running: Running) -> None:
    server = running.server
    with server.connect() as before, server.connect() as lent_before:
        assert ask(lent_before, "SELECT 'ml_predict_row'") == (("ml_predict_row",),)
        assert total(server) == ALL_ROWS
        engine = engine_of(server)
        os.kill(engine, signal.SIGKILL)
        wait_until_ended({engine})
        for number in range(20):
            assert ask(before, f"SELECT {number}") == ((number,),)
        with server.connect() as fresh:
            assert ask(fresh, "SELECT 5") == ((5,),)
        assert total(server) == ALL_ROWS
        assert engine_of(server) != engine
        # sessions from before are served by the new engine process
        assert ask(lent_before, "SELECT SUM(a) FROM lake.t") == ((125250,),)
        assert ask(before, "SELECT COUNT(*) FROM lake.t") == ((500,),)


def test_an_engine_killed_in_the_middle_ends_one_session(running: Running) -> None:
    server = running.server
    with server.connect() as other, server.connect_backend() as holder:
        ask(holder, "CREATE DATABASE held")
        ask(holder, "CREATE TABLE held.t (a INT)")
        lent = server.connect()
        # the engine waits for MySQL to evaluate an argument, which waits for a lock
        ask(holder, "LOCK TABLES held.t WRITE")
        call = (
            "CALL sys.heatwave_load('[\"lake\"]',"
            " (SELECT JSON_OBJECT('x', COUNT(*)) FROM held.t))"
        )
        with in_background(lent, call) as waiting:
            session = f"ID = {lent.thread_id()}"
            find = "SELECT 1 FROM performance_schema.processlist WHERE " + session
            until(lambda: ask(holder, f"{find} AND STATE LIKE 'Waiting%'"))
            os.kill(engine_of(server), signal.SIGKILL)
            with pytest.raises(pymysql.MySQLError, match="engine process went away"):
                waiting.result()
        assert ask(other, "SELECT 7") == ((7,),)
        ask(holder, "UNLOCK TABLES")
        until(lambda: not ask(holder, find))
        lent._force_close()
    assert total(server) == ALL_ROWS


def test_an_error_of_ddl_that_is_followed_keeps_the_sessions_flags(
    running: Running,
) -> None:
    server = running.server
    where = {"host": server.host, "port": server.port}
    with RawClient(**where, **server.login) as client:
        refused = client.query("RENAME TABLE lake.nowhere TO lake.somewhere")
        assert refused[0].payload[0] == 0xFF
        end = client.query("SELECT COUNT(*) FROM lake.t")[-1].payload
    assert end[3] & Status.AUTOCOMMIT


def test_root_is_not_for_anybody(running: Running) -> None:
    for password in ("", "root"):
        with pytest.raises(pymysql.OperationalError) as refusal:
            running.server.connect(user="root", password=password)
        assert refusal.value.args[0] in (1045, 3118)
