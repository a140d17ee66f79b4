"""Several sessions at one Lakehouse table: who reads, loads, alters, kills, leaves."""

import socket
from contextlib import closing

import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import columns_of, rows, run
from tests.background import running, until, until_it_waits
from tests.conftest import Server
from tests.lakeside import StallingStore
from tests.statements.byhand import files_of, with_clauses
from tests.statements.conftest import Connection

pytestmark = pytest.mark.mysql

LOAD = "ALTER TABLE t SECONDARY_LOAD"
BOTH = [(1, "x"), (2, "yy")]
INTERRUPTED = (1317, "Query execution was interrupted")


def test_a_table_is_what_it_was_until_all_is_there(
    server: Server, client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files), LOAD)
    with (
        StallingStore() as store,
        closing(server.connect(database="hand")) as other,
        closing(server.connect_backend(database="hand")) as past,
        running(client, f"ALTER TABLE t FILES=(URI='{store.url}')") as first,
    ):
        until(store.asked.is_set)
        until_it_waits(past, client.thread_id(), "loading")
        assert rows(other, "SELECT * FROM t ORDER BY a") == BOTH
        assert rows(past, "SHOW TABLES") == [("t",)]
        with running(other, "ALTER TABLE t MODIFY b varchar(9)") as second:
            run(past, f"KILL QUERY {client.thread_id()}")
            problem = first.exception()
            assert problem is not None
            assert problem.args == INTERRUPTED
            assert second.exception() is None
        assert rows(past, "SHOW TABLES") == [("t",)]
    assert rows(client, "SELECT * FROM t ORDER BY a") == BOTH
    assert ("b", "varchar(9)") in columns_of(client, "t")


def test_who_waits_for_a_turn_can_be_killed(
    server: Server, client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files), LOAD)
    with (
        StallingStore() as store,
        closing(server.connect(database="hand")) as other,
        closing(server.connect_backend(database="hand")) as past,
        running(client, f"ALTER TABLE t FILES=(URI='{store.url}')") as first,
    ):
        until(store.asked.is_set)
        with running(other, LOAD) as second:
            until_it_waits(past, other.thread_id(), "loading")
            for answer, one in ((second, other), (first, client)):
                run(past, f"KILL QUERY {one.thread_id()}")
                problem = answer.exception()
                assert problem is not None
                assert problem.args == INTERRUPTED
    assert rows(client, "SELECT * FROM t ORDER BY a") == BOTH


def test_a_client_that_leaves_leaves_no_twin(
    server: Server, client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files), LOAD)
    with (
        StallingStore() as store,
        closing(server.connect_backend(database="hand")) as past,
    ):
        leaving = server.connect(database="hand")
        number = leaving.thread_id()
        with running(leaving, f"ALTER TABLE t FILES=(URI='{store.url}')") as answer:
            until(store.asked.is_set)
            until_it_waits(past, number, "loading")
            leaving._sock.shutdown(socket.SHUT_RDWR)
            assert answer.exception() is not None
        gone = f"SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = {number}"
        until(lambda: not rows(past, gone))
        until(lambda: rows(past, "SHOW TABLES") == [("t",)])
    assert rows(client, "SELECT * FROM t ORDER BY a") == BOTH


def test_a_table_that_is_being_loaded_is_told_of(
    server: Server, client: Connection, files: ObjectStore
) -> None:
    state = (
        "SELECT LOAD_STATUS, LOAD_PROGRESS, LOAD_START_TIMESTAMP IS NULL FROM"
        " performance_schema.rpd_tables JOIN performance_schema.rpd_table_id"
        " USING (ID) WHERE NAME = 'hand.t'"
    )
    run(client, with_clauses(files))
    with closing(server.connect()) as other:
        assert rows(other, state) == [("NOLOAD_RPDGSTABSTATE", 0, 1)]
        with StallingStore() as store:
            run(client, f"ALTER TABLE t FILES=(URI='{store.url}')")
            with running(client, LOAD) as answer:
                until(store.asked.is_set)
                assert rows(other, state) == [("LOADING_RPDGSTABSTATE", 0, 0)]
                run(other, f"KILL QUERY {client.thread_id()}")
                assert answer.exception() is not None
        assert rows(other, state) == [("NOLOAD_RPDGSTABSTATE", 0, 1)]
        run(client, f"ALTER TABLE t {files_of(files, 'hand.csv')}", LOAD)
        assert rows(other, state)[0][:2] == ("AVAIL_RPDGSTABSTATE", 100)
