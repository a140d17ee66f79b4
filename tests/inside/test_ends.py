"""Calls from inside that find no answer: each ends, with an error that says why."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pymysql
import pytest

from heatproxy.routines import ROUTINES
from heatproxy.routines.routine import Procedure
from heatproxy.routines.stubs import (
    DESK,
    DESK_DIGITS,
    HELPER,
    HERE,
    NAME_DIGITS,
    NONCE_DIGITS,
    SEAT,
    SEAT_WAIT_S,
    SILENT_S,
    helper,
)
from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.inside.conftest import MODEL, ONE, PREDICTION

pytestmark = pytest.mark.mysql

Connection = Any
NONCE, NAME = "f" * NONCE_DIGITS, "e" * NAME_DIGITS
CALL = f"SELECT sys.ML_PREDICT_ROW({ONE}, '{MODEL}', NULL)"
STATE = "SELECT STATE FROM performance_schema.processlist WHERE ID = {}"
LOCK = "LOCK TABLES ML_SCHEMA_admin.MODEL_CATALOG WRITE"
PATIENCE_S = 60


def of_nobody(text: str) -> str:
    """A stub in the schema ``inside``, by whose names of locks no heatproxy is.

    For its helper, whoever logs in as admin is heatproxy.
    """
    for lock in (HERE, DESK, SEAT):
        text = text.replace(lock, lock.replace("heatproxy", "nobody"))
    for name in (HELPER, *(f"`{routine.name}`" for routine in ROUTINES.values())):
        text = text.replace(f"sys.{name}", f"inside.{name}")
    text = text.replace("OBJECT_SCHEMA = 'sys'", "OBJECT_SCHEMA = 'inside'")
    return text.replace(f"> {SEAT_WAIT_S} ", "> 0.05 ")


# --- nobody answers -----------------------------------------------------------------


@pytest.fixture(scope="module")
def nobodys(server: Server, schema: str) -> None:
    """The helper of such stubs; it goes with its schema."""
    with closing(server.connect_backend(database=schema)) as admin:
        run(admin, of_nobody(helper()))


@pytest.mark.usefixtures("nobodys")
def test_every_routine_says_that_heatproxy_is_away(direct: Connection) -> None:
    for routine in ROUTINES.values():
        run(direct, of_nobody(routine.stub()))
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
def stranger(server: Server, direct: Connection, nobodys: None) -> Iterator[Connection]:
    """A session that makes as if it were heatproxy, for a stub of its own."""
    run(direct, of_nobody(ROUTINES["ML_PREDICT_ROW"].stub()))
    with closing(server.connect_backend()) as connection:
        run(connection, "DO GET_LOCK('nobody.here', 0)")
        yield connection
    run(direct, "DROP FUNCTION inside.ML_PREDICT_ROW")


def has_a_desk(stranger: Connection) -> None:
    listed = f"{stranger.thread_id():0{DESK_DIGITS}}{NAME}"
    run(
        stranger,
        f"DO GET_LOCK('nobody.desk.{NAME}', 0)",
        f"SET @`heatproxy.desks` = '{listed}'",
    )


OWN = f"SELECT inside.ML_PREDICT_ROW({ONE}, '{MODEL}', NULL)"
NO_DESK = (
    3877,
    "sys.ML_PREDICT_ROW: all inside.callers of heatproxy are busy, try again",
)


def test_no_free_desk_is_said_to_be_that(
    direct: Connection, stranger: Connection
) -> None:
    run(stranger, "SET @`heatproxy.desks` = '-'")
    assert refusal(direct, OWN) == NO_DESK
    has_a_desk(stranger)
    run(stranger, f"DO RELEASE_LOCK('nobody.desk.{NAME}')")  # it has been closed
    assert refusal(direct, OWN) == NO_DESK


def test_who_takes_the_lock_before_heatproxy_hides_nothing(
    direct: Connection, stranger: Connection, server: Server
) -> None:
    run(stranger, "DO RELEASE_LOCK('nobody.here')", "SET @`heatproxy.desks` = '-'")
    run(direct, "DROP USER IF EXISTS jammer", "CREATE USER jammer IDENTIFIED BY 'pw'")
    with closing(server.connect_backend(user="jammer", password="pw")) as jammer:
        run(jammer, "DO GET_LOCK('nobody.here', 0)", "SET @`heatproxy.desks` = 'x'")
        assert refusal(direct, OWN) == NO_DESK
        run(stranger, "SET @`heatproxy.desks` = NULL")
        assert "which is not here" in refusal(direct, OWN)[1]
    run(direct, "DROP USER jammer")


def test_a_heatproxy_that_is_silent_is_not_waited_for(
    direct: Connection, stranger: Connection
) -> None:
    stub = of_nobody(ROUTINES["ML_PREDICT_ROW"].stub())
    impatient = stub.replace(f"> {SILENT_S} ", "> 0.3 ")
    run(direct, "DROP FUNCTION inside.ML_PREDICT_ROW", impatient)
    has_a_desk(stranger)
    assert refusal(direct, OWN) == (
        3877,
        "sys.ML_PREDICT_ROW: heatproxy does not answer",
    )


def test_a_heatproxy_that_goes_is_not_waited_for(
    server: Server, direct: Connection, stranger: Connection
) -> None:
    has_a_desk(stranger)
    with in_thread(lambda: refusal(direct, OWN)) as answer:
        _until_it_waits(server, direct.thread_id())
        with closing(server.connect_backend()) as admin:
            run(admin, f"KILL {stranger.thread_id()}")
    assert "heatproxy went away" in answer()[1]


def test_nobody_answers_but_heatproxys_own_account(
    server: Server, direct: Connection
) -> None:
    """admin is not that for the helper in ``sys``."""
    run(direct, f"SET @`heatproxy.{NONCE}` = 'A000000{{}}'")
    with closing(server.connect_backend()) as caller:
        asked = f"SELECT sys.{HELPER}({direct.thread_id()}, '{NONCE}')"
        assert value(caller, asked) == ""


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


def test_a_call_too_deep_to_be_seen_is_told_so(direct: Connection) -> None:
    run(
        direct,
        "CREATE PROCEDURE deep(levels int) BEGIN IF levels > 0"
        f" THEN CALL deep(levels - 1); ELSE {CALL} INTO @deep; END IF; END",
        "SET max_sp_recursion_depth = 20",
        "CALL deep(2)",
    )
    assert value(direct, "SELECT @deep IS NOT NULL") == 1
    number, text = refusal(direct, "CALL deep(15)")
    assert (number, "nested too deep" in text) == (3877, True)
    run(direct, "DROP PROCEDURE deep")


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
