"""KILL, time limits and clients that leave, while heatproxy works on a statement."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pymysql
import pytest

from heatproxy.backend import packages
from heatproxy.backend.progress import Lines
from heatproxy.demo_data import bank_marketing_csv
from heatproxy.objectstore import ObjectStore
from tests.asking import refusal, rows, run, value
from tests.background import children, is_alive, running, until, until_it_waits
from tests.conftest import Server
from tests.lakeside import StallingStore, external, load, load_call
from tests.rawclient import RawClient, command, query
from tests.routines.conftest import BY_BAYES

pytestmark = pytest.mark.mysql

Connection = Any
SOON_S = 60  # it is 0.2 on a machine that has nothing else to do
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
    doing: str,
    at: Callable[[], Any] = lambda: True,
) -> tuple[Any, float]:
    """What a statement answers when it is killed at work, and how soon, in seconds."""
    with running(client, sql) as answer:
        until(at)
        until_it_waits(other, client.thread_id(), doing)
        began = time.monotonic()
        run(other, f"KILL QUERY {client.thread_id()}")
        problem = answer.exception()
        return problem.args, time.monotonic() - began


def test_a_killed_training_ends_at_once_and_the_session_goes_on(
    client: Connection, other: Connection
) -> None:
    run(client, "SET @m = NULL")
    answer, seconds = killed(client, other, TRAIN, "training")
    assert answer == INTERRUPTED
    assert seconds < SOON_S
    assert value(client, "SELECT @m") is None
    assert value(client, "SELECT COUNT(*) FROM bank") == 8000


def test_a_killed_load_ends_at_once_and_leaves_nothing(
    client: Connection, other: Connection
) -> None:
    with StallingStore() as store:
        call = load_call(client, "killing", {"endless": external(store.url)})
        answer, seconds = killed(client, other, call, "loading", store.asked.is_set)
    assert answer == INTERRUPTED
    assert seconds < SOON_S
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
            until_it_waits(past, client.thread_id(), "loading")
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
        until_it_waits(past, client.thread_id(), "training")
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
        assert time.monotonic() - began < SOON_S
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
        until_it_waits(past, leaving.thread_id(), "training")
        learning = until(lambda: children(heatproxy) - before)
        leaving._sock.shutdown(socket.SHUT_RDWR)
        began = time.monotonic()
        assert answer.exception() is not None
    until(lambda: not any(map(is_alive, learning)))
    assert time.monotonic() - began < SOON_S
    gone = "SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = "
    until(lambda: not rows(past, f"{gone}{leaving.thread_id()}"))


def test_what_a_client_runs_waits_for_no_other_clients_kill(
    client: Connection, server: Server, past: Connection
) -> None:
    with (
        closing(server.connect(database="killing")) as second,
        running(client, TRAIN) as first_answer,
    ):
        until_it_waits(past, client.thread_id(), "training")
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
        until(lambda: store.count == len(stalled))
        for one in stalled:
            until_it_waits(past, one.thread_id(), "loading")
        began = time.monotonic()
        assert value(client, "SELECT COUNT(*) FROM bank") == 8000
        for one in stalled:
            run(past, f"KILL QUERY {one.thread_id()}")
        assert {answer.exception().args for answer in answers} == {INTERRUPTED}
        assert time.monotonic() - began < SOON_S


SLOW_QUERY = (
    "SELECT COUNT(*) FROM bank a JOIN bank b JOIN bank c"
    " WHERE a.age < b.age AND b.balance < c.balance AND a.balance < c.age"
)


def test_a_killed_query_ends_at_once(client: Connection, other: Connection) -> None:
    answer, seconds = killed(client, other, SLOW_QUERY, "querying")
    assert answer == INTERRUPTED
    assert seconds < SOON_S
    assert value(client, "SELECT COUNT(*) FROM bank") == 8000


def test_a_time_limit_ends_a_query(client: Connection) -> None:
    run(client, "SET max_execution_time = 300")
    assert refusal(client, SLOW_QUERY)[0] == 3024
    run(client, "SET max_execution_time = 0")


def test_a_query_whose_client_reads_nothing_is_killed_all_the_same(
    client: Connection, other: Connection
) -> None:
    thread_id = client.thread_id()
    reading = client.cursor(pymysql.cursors.SSCursor)
    reading.execute("SELECT a.* FROM bank a JOIN bank b")
    until_it_waits(other, thread_id, "querying")
    run(other, f"KILL QUERY {thread_id}")
    sql = f"SELECT 1 FROM performance_schema.processlist WHERE ID = {thread_id}"
    until(lambda: rows(other, f"{sql} AND COMMAND = 'Sleep'"))
    with pytest.raises(pymysql.MySQLError) as caught:
        for _ in reading:
            pass
    assert caught.value.args == INTERRUPTED
    assert value(client, "SELECT COUNT(*) FROM bank") == 8000


def test_an_answer_that_is_sent_as_it_comes_comes_whole(client: Connection) -> None:
    text = f"SELECT b.y, '{'x' * 1000}' FROM bank a JOIN bank b LIMIT 120000"
    given = Counter(rows(client, text))
    assert sum(given.values()) == 120_000
    assert set(given) <= {(y, "x" * 1000) for y in ("yes", "no")}


def test_a_load_of_many_small_tables_can_be_killed(
    client: Connection, server: Server
) -> None:
    """Its steps are short: a KILL that MySQL ignores between two of them counts."""
    files = {f"s{n}.csv": b"a,b\n1,2\n" for n in range(40)}
    with ObjectStore(files) as store, closing(server.connect()) as other:
        tables = {f"s{n}": external(store.url(f"s{n}.csv")) for n in range(40)}
        call = load_call(client, "small", tables)
        with running(client, call) as answer:
            until(lambda: rows(other, "SHOW DATABASES LIKE 'small'"))
            run(other, f"KILL QUERY {client.thread_id()}")
            problem = answer.exception()
    assert problem is not None
    assert problem.args == INTERRUPTED
    assert len(rows(client, "SHOW TABLES FROM small")) < 40
    run(client, "DROP DATABASE small")


def test_the_process_list_shows_the_statement_and_what_is_done_for_it(
    client: Connection, other: Connection
) -> None:
    call = "CALL /* a note */ sys.ML_TRAIN('killing.bank', 'y',\n NULL, @m) -- énd"
    run(client, "SET @m = NULL")
    with running(client, call) as answer:
        until_it_waits(other, client.thread_id(), "training")
        shown = value(
            other,
            "SELECT INFO FROM performance_schema.processlist"
            f" WHERE ID = {client.thread_id()}",
        )
        (listed,) = [
            row[7]
            for row in rows(other, "SHOW PROCESSLIST")
            if row[0] == client.thread_id()
        ]
        run(other, f"KILL QUERY {client.thread_id()}")
        assert answer.exception().args == INTERRUPTED
    text = (
        "/* heatproxy, training: CALL / * a note * / sys.ML_TRAIN('killing.bank', 'y',"
        " NULL, @m) -- énd */ SELECT GET_LOCK("
    )
    assert shown.startswith(text)
    assert shown.startswith(listed)
    assert "ML_TRAIN" in listed


def test_whom_mysql_does_not_let_kill_ends_nothing(
    client: Connection, server: Server, past: Connection
) -> None:
    run(past, "DROP USER IF EXISTS nobody", "CREATE USER nobody IDENTIFIED BY 'none'")
    login = {"user": "nobody", "password": "none"}
    run(client, "SET @m = NULL")
    with (
        closing(server.connect(**login)) as stranger,
        running(client, TRAIN) as answer,
    ):
        until_it_waits(past, client.thread_id(), "training")
        number, _ = refusal(stranger, f"KILL QUERY {client.thread_id()}")
        assert number == 1095
        assert not answer.done()
        run(past, f"KILL QUERY {client.thread_id()}")
        assert answer.exception().args == INTERRUPTED
    run(past, "DROP USER nobody")


def test_ctrl_c_in_the_mysql_client_ends_the_statement_and_not_the_session(
    server: Server, schema: str, past: Connection
) -> None:
    """The client sends KILL QUERY on a second connection that it opens for that."""
    program = packages.client_command(packages.cache_dir(), Lines(sys.stderr))
    login = f"--defaults-file={server.client_cnf}"
    with subprocess.Popen(
        [*program, login, schema, "--force", "--unbuffered", "--skip-column-names"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as mysql:
        assert mysql.stdin is not None
        assert mysql.stdout is not None
        mysql.stdin.write(f"SELECT CONNECTION_ID(); SET @m = NULL;\n{TRAIN};\n")
        mysql.stdin.flush()
        thread_id = int(mysql.stdout.readline())
        until_it_waits(past, thread_id, "training")
        mysql.send_signal(signal.SIGINT)
        answers = "SELECT COUNT(*) FROM bank; SELECT 'still', CONNECTION_ID(), @m;\n"
        printed, refused = mysql.communicate(answers, timeout=60)
    assert refused == f"ERROR 1317 (70100) at line 2: {INTERRUPTED[1]}\n"
    assert printed.endswith(f"8000\nstill\t{thread_id}\tNULL\n")


def test_a_kill_by_command_is_answered_as_mysql_answers_it(
    server: Server, client: Connection, past: Connection
) -> None:
    """COM_PROCESS_KILL; newer servers have forgotten it, and nothing ends then."""
    where = {"host": server.host, "port": server.port, **server.login}
    directly = {**server.backend_login, "host": "localhost"}
    run(client, "SET @m = NULL")
    with RawClient(**where) as proxied, RawClient(**directly) as direct:
        nobody = command(0x0C, (0x7FFFFFFF).to_bytes(4, "little"))
        *_, known = direct.run(nobody)
        assert proxied.run(nobody)[-1] == known
        is_forgotten = known.payload[1:3] == (1047).to_bytes(2, "little")
        with running(client, TRAIN) as answer:
            until_it_waits(past, client.thread_id(), "training")
            kill = command(0x0C, client.thread_id().to_bytes(4, "little"))
            (answered,) = proxied.run(kill)
            if is_forgotten:
                assert answered == known
                assert not answer.done()
                until_it_waits(past, client.thread_id(), "training")
                run(past, f"KILL QUERY {client.thread_id()}")
                assert answer.exception().args == INTERRUPTED
            else:
                assert answered.payload[0] == 0
                assert answer.exception().args[0] in (1317, 2013)
        assert len(proxied.run(query("SELECT 1"))) > 1
