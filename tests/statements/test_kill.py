"""KILL, time limits and clients that leave, while heatproxy works on a statement."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pymysql
import pytest

from heatproxy.demo_data import bank_marketing_csv
from heatproxy.objectstore import ObjectStore
from tests.asking import refusal, rows, run, value
from tests.background import children, is_alive, running, until, until_it_waits
from tests.conftest import Server
from tests.lakeside import StallingStore, external, load, load_call
from tests.routines.conftest import BY_BAYES

pytestmark = pytest.mark.mysql

Connection = Any
INTERRUPTED = (1317, "Query execution was interrupted")
TRAIN = "CALL sys.ML_TRAIN('killing.bank', 'y', NULL, @m)"


@pytest.fixture(scope="module")
def schema(server: Server) -> Iterator[str]:
    """A table that takes seconds to learn from."""
    with (
        ObjectStore({"bank.csv": bank_marketing_csv(rows=8000)}) as store,
        closing(server.connect()) as admin,
    ):
        run(admin, "DROP DATABASE IF EXISTS killing")
        tables = {"bank": external(store.url("bank.csv"), {"has_header": True})}
        load(admin, "killing", tables)
        yield "killing"
        run(admin, "DROP DATABASE killing")


@pytest.fixture
def client(server: Server, schema: str) -> Iterator[Connection]:
    with closing(server.connect(database=schema)) as connection:
        run(connection, "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()")
        yield connection


@pytest.fixture
def past(server: Server) -> Iterator[Connection]:
    """A session on the backend itself."""
    with closing(server.connect_backend()) as connection:
        yield connection


@pytest.fixture(params=["through heatproxy", "past heatproxy"])
def other(
    request: pytest.FixtureRequest, server: Server, past: Connection
) -> Iterator[Connection]:
    """The session that kills."""
    if request.param == "past heatproxy":
        yield past
        return
    with closing(server.connect()) as connection:
        yield connection


def killed(
    client: Connection,
    other: Connection,
    sql: str,
    at: Callable[[], Any] = lambda: True,
) -> tuple[Any, float]:
    """What a statement answers when it is killed at work, and how soon, in seconds."""
    with running(client, sql) as answer:
        until_it_waits(other, client.thread_id())
        until(at)
        began = time.monotonic()
        run(other, f"KILL QUERY {client.thread_id()}")
        problem = answer.exception()
        return problem.args, time.monotonic() - began


def test_a_killed_training_ends_at_once_and_the_session_goes_on(
    client: Connection, other: Connection
) -> None:
    run(client, "SET @m = NULL")
    answer, seconds = killed(client, other, TRAIN)
    assert answer == INTERRUPTED
    assert seconds < 1
    assert value(client, "SELECT @m") is None
    assert value(client, "SELECT COUNT(*) FROM bank") == 8000


def test_a_killed_load_ends_at_once_and_leaves_nothing(
    client: Connection, other: Connection
) -> None:
    with StallingStore() as store:
        call = load_call(client, "killing", {"endless": external(store.url)})
        answer, seconds = killed(client, other, call, store.asked.is_set)
    assert answer == INTERRUPTED
    assert seconds < 1
    assert rows(client, "SHOW TABLES LIKE 'endless'") == []
    assert value(client, "SELECT COUNT(*) FROM bank") == 8000


def test_a_load_killed_while_rows_come_in_leaves_nothing(
    client: Connection, past: Connection
) -> None:
    lines = b"n,s\n" + b"".join(b"%d,%d\n" % (n, n * 7) for n in range(600_000))
    with ObjectStore({"wide.csv": lines}) as store:
        call = load_call(client, "killing", {"wide": external(store.url("wide.csv"))})
        with running(client, call) as answer:
            until(lambda: rows(past, "SHOW TABLES FROM killing LIKE 'wide'"))
            until_it_waits(past, client.thread_id())
            run(past, f"KILL QUERY {client.thread_id()}")
            problem = answer.exception()
    assert problem is not None
    assert problem.args == INTERRUPTED
    assert rows(client, "SHOW TABLES LIKE 'wide'") == []
    assert refusal(client, "SELECT COUNT(*) FROM wide")[0] == 1146


def test_a_killed_connection_is_gone_with_what_it_ran(
    client: Connection, past: Connection
) -> None:
    with running(client, TRAIN) as answer:
        until_it_waits(past, client.thread_id())
        run(past, f"KILL {client.thread_id()}")
        problem = answer.exception()
    assert problem.args[0] in (1317, 2013)
    with pytest.raises(pymysql.MySQLError):
        run(client, "SELECT 1")


@pytest.mark.parametrize("what", ["training", "load"])
def test_a_time_limit_ends_what_heatproxy_does(client: Connection, what: str) -> None:
    with StallingStore() as store:
        call = load_call(client, "killing", {"endless": external(store.url)})
        run(client, "SET max_execution_time = 200", "SET @m = NULL")
        began = time.monotonic()
        number, text = refusal(client, TRAIN if what == "training" else call)
        assert time.monotonic() - began < 2
    assert (number, "maximum statement execution time exceeded" in text) == (3024, True)
    run(client, "SET max_execution_time = 0")
    assert rows(client, "SHOW TABLES LIKE 'endless'") == []


def test_a_client_that_leaves_ends_its_training_process(
    server: Server, client: Connection, past: Connection
) -> None:
    heatproxy = int((server.data_dir / "heatproxy.lock").read_text())
    run(client, "SET @m = NULL", TRAIN.replace("NULL", BY_BAYES))
    leaving = server.connect()
    before = children(heatproxy)
    with running(leaving, TRAIN) as answer:
        until_it_waits(past, leaving.thread_id())
        learning = until(lambda: children(heatproxy) - before)
        leaving._sock.shutdown(socket.SHUT_RDWR)
        began = time.monotonic()
        assert answer.exception() is not None
    until(lambda: not any(map(is_alive, learning)))
    assert time.monotonic() - began < 1
    gone = "SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = "
    until(lambda: not rows(past, f"{gone}{leaving.thread_id()}"))


def test_what_a_client_runs_waits_for_no_other_clients_kill(
    client: Connection, server: Server, past: Connection
) -> None:
    with (
        closing(server.connect(database="killing")) as second,
        running(client, TRAIN) as first_answer,
    ):
        until_it_waits(past, client.thread_id())
        run(second, "SET @m = NULL")
        assert value(second, "SELECT COUNT(*) FROM bank") == 8000
        run(past, f"KILL QUERY {client.thread_id()}")
        assert first_answer.exception().args == INTERRUPTED
        run(second, TRAIN.replace("NULL", BY_BAYES))
        assert value(second, "SELECT @m").startswith("killing.bank_admin_")


def test_many_loads_that_stall_hold_nobody_up(
    client: Connection, server: Server, past: Connection
) -> None:
    with StallingStore() as store, contextlib.ExitStack() as stack:
        stalled = [stack.enter_context(closing(server.connect())) for _ in range(12)]
        answers = []
        for number, one in enumerate(stalled):
            call = load_call(one, "killing", {f"e{number}": external(store.url)})
            answers.append(stack.enter_context(running(one, call)))
        for one in stalled:
            until_it_waits(past, one.thread_id())
        began = time.monotonic()
        assert value(client, "SELECT COUNT(*) FROM bank") == 8000
        for one in stalled:
            run(past, f"KILL QUERY {one.thread_id()}")
        assert {answer.exception().args for answer in answers} == {INTERRUPTED}
        assert time.monotonic() - began < 5
