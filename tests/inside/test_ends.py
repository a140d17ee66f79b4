"""Calls from inside that find no answer: each ends, with an error that says why."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pymysql
import pytest

from heatproxy.backend.credentials import read_option_file
from heatproxy.routines import ROUTINES
from heatproxy.routines.routine import Procedure
from heatproxy.routines.stubs import (
    DESK,
    HELPER,
    HERE,
    NONCE_DIGITS,
    SEAT,
    SEAT_WAIT_S,
    SILENT_S,
)
from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.inside.conftest import MODEL, ONE, PREDICTION

pytestmark = pytest.mark.mysql

Connection = Any
NONCE = "f" * NONCE_DIGITS
CALL = f"SELECT sys.ML_PREDICT_ROW({ONE}, '{MODEL}', NULL)"
STATE = "SELECT STATE FROM performance_schema.processlist WHERE ID = {}"
LOCK = "LOCK TABLES ML_SCHEMA_admin.MODEL_CATALOG WRITE"
PATIENCE_S = 60


def of_nobody(name: str) -> str:
    """A stub in the schema ``inside``, by whose names of locks no heatproxy is."""
    text = ROUTINES[name.upper()].stub()
    for lock in (HERE, DESK, SEAT):
        text = text.replace(lock, lock.replace("heatproxy", "nobody"))
    return text.replace(f"sys.`{name}`", f"inside.`{name}`").replace(
        f"> {SEAT_WAIT_S} ", "> 0.05 "
    )


# --- nobody answers -----------------------------------------------------------------


def test_every_routine_says_that_heatproxy_is_away(direct: Connection) -> None:
    for routine in ROUTINES.values():
        run(direct, of_nobody(routine.name))
        arguments = ", ".join("@x" if p.is_out else "NULL" for p in routine.parameters)
        kind = "PROCEDURE" if isinstance(routine, Procedure) else "FUNCTION"
        verb = "CALL" if kind == "PROCEDURE" else "SELECT"
        assert refusal(direct, f"{verb} inside.{routine.name}({arguments})") == (
            3877,
            f"sys.{routine.name} runs in heatproxy, which is not here"
            " (or inside.enabled is off)",
        )
        run(direct, f"DROP {kind} inside.{routine.name}")


@pytest.fixture
def stranger(server: Server, direct: Connection) -> Iterator[Connection]:
    """A session that makes as if it were heatproxy, for a stub of its own."""
    run(direct, of_nobody("ML_PREDICT_ROW"))
    with closing(server.connect_backend()) as connection:
        run(connection, "DO GET_LOCK('nobody.here', 0)")
        yield connection
    run(direct, "DROP FUNCTION inside.ML_PREDICT_ROW")


OWN = f"SELECT inside.ML_PREDICT_ROW({ONE}, '{MODEL}', NULL)"


@pytest.mark.usefixtures("stranger")
def test_no_free_desk_is_said_to_be_that(direct: Connection) -> None:
    assert refusal(direct, OWN) == (
        3877,
        "sys.ML_PREDICT_ROW: all inside.callers of heatproxy are busy, try again",
    )


def test_a_heatproxy_that_is_silent_is_not_waited_for(
    server: Server, direct: Connection, stranger: Connection
) -> None:
    impatient = of_nobody("ML_PREDICT_ROW").replace(f"> {SILENT_S} ", "> 0.3 ")
    run(direct, "DROP FUNCTION inside.ML_PREDICT_ROW", impatient)
    account = read_option_file(server.data_dir / "service.cnf")
    login = {"user": account.user, "password": account.password}
    with closing(server.connect_backend(**login)) as silent:
        run(silent, "DO GET_LOCK('nobody.desk.0', 0)")
        assert refusal(direct, OWN) == (
            3877,
            "sys.ML_PREDICT_ROW: heatproxy does not answer",
        )


def test_nobody_answers_but_heatproxys_own_account(
    direct: Connection, stranger: Connection
) -> None:
    run(
        stranger,
        "DO GET_LOCK('nobody.desk.0', 0)",
        f"SET @`heatproxy.{NONCE}` = 'A000000{{}}'",
    )
    answer = f"SELECT sys.{HELPER}({{}}, '{NONCE}')"
    assert value(direct, answer.format(stranger.thread_id())) == ""
    number, text = refusal(direct, OWN)
    assert (number, "heatproxy went away" in text) == (3877, True)


def until(look: Callable[[], Any]) -> Any:
    """What it comes to be that is something."""
    end = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < end, "it never came"
    return found


@contextmanager
def in_thread(work: Callable[[], Any]) -> Iterator[Callable[[], Any]]:
    """Do it meanwhile; what it came to is known behind the block."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    try:
        yield lambda: found[0]
    finally:
        thread.join()


# --- the caller ends ----------------------------------------------------------------


@pytest.fixture
def locked(server: Server, direct: Connection) -> Iterator[None]:
    """The catalog is locked, so that heatproxy is in the middle of an answer."""
    value(direct, CALL)
    with closing(server.connect_backend()) as holder:
        run(holder, LOCK)
        yield
        run(holder, "UNLOCK TABLES")


def _until_it_waits(server: Server, thread_id: int) -> None:
    with closing(server.connect_backend()) as onlooker:
        state = STATE.format(thread_id)
        until(lambda: rows(onlooker, state) == [("User lock",)])


@pytest.mark.parametrize("kill", ["KILL QUERY", "KILL"])
def test_a_kill_ends_a_caller_that_waits(
    server: Server, schema: str, locked: None, kill: str
) -> None:
    caller = server.connect_backend(database=schema)
    thread_id = caller.thread_id()

    def call() -> int:
        try:
            with caller.cursor() as cursor:
                cursor.execute(CALL)
        except pymysql.MySQLError as problem:
            return int(problem.args[0])
        return 0

    with in_thread(call) as answer:
        _until_it_waits(server, thread_id)
        with closing(server.connect_backend()) as admin:
            run(admin, f"{kill} {thread_id}")
    assert answer() == (1317 if kill == "KILL QUERY" else 2013)
    if kill == "KILL QUERY":
        caller.close()


@pytest.mark.usefixtures("locked")
def test_max_execution_time_counts(direct: Connection) -> None:
    limited = CALL.replace("SELECT", "SELECT /*+ MAX_EXECUTION_TIME(300) */", 1)
    assert refusal(direct, limited)[0] == 3024


def test_a_session_calls_again_after_a_kill(server: Server, schema: str) -> None:
    with closing(server.connect_backend(database=schema)) as caller:
        before = value(caller, CALL)
        with closing(server.connect_backend()) as holder:
            run(holder, LOCK)
            limited = CALL.replace("SELECT", "SELECT /*+ MAX_EXECUTION_TIME(200) */", 1)
            for _ in range(3):
                assert refusal(caller, limited)[0] == 3024
            run(holder, "UNLOCK TABLES")
        assert value(caller, CALL) == before
        with closing(server.connect_backend(database=schema)) as other:
            assert value(other, CALL) == before


def test_a_caller_killed_while_it_acts_for_heatproxy_is_let_go(
    server: Server, schema: str
) -> None:
    with (
        closing(server.connect_backend(database=schema)) as holder,
        closing(server.connect_backend(database=schema)) as caller,
    ):
        run(holder, "LOCK INSTANCE FOR BACKUP")  # no table can be created
        thread_id = caller.thread_id()
        call = (
            f"CALL sys.ML_PREDICT_TABLE('inside.people', '{MODEL}',"
            " 'inside.never', NULL)"
        )
        with in_thread(lambda: refusal(caller, call)[0]) as answer:
            state = STATE.format(thread_id)
            until(lambda: rows(holder, state) == [("Waiting for backup lock",)])
            run(holder, f"KILL QUERY {thread_id}")
        assert answer() == 1317
        run(holder, "UNLOCK INSTANCE")
        assert value(caller, CALL)  # at another desk


def test_an_error_in_the_middle_leaves_no_lock(direct: Connection) -> None:
    call = f"CALL sys.ML_PREDICT_TABLE('inside.people', '{MODEL}', 'inside.expected')"
    assert refusal(direct, call)[0] == 1318
    call = call.replace("')", "', NULL)")
    number, text = refusal(direct, call)
    assert (number, text) == (1050, "Table 'expected' already exists")
    assert rows(direct, f"SELECT {PREDICTION} FROM people LIMIT 1")
    assert value(direct, "SELECT RELEASE_ALL_LOCKS()") == 0
