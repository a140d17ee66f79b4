"""Statements over copies that are prepared, sent with others, killed or left alone."""

import struct
from contextlib import closing
from typing import Any

import pymysql
import pytest
from pymysql.constants import CLIENT

from tests.asking import refusal, result_sets, rows, run, value
from tests.background import running, until
from tests.conftest import Server
from tests.rawclient import Packet, execute, prepare, query
from tests.statements.conftest import Both, Connect, Lake
from tests.statements.copying import copies_of
from tests.statements.test_prepared import (
    each_client,
    integer,
    plain,
    prepared,
    text,
    without_id,
)

pytestmark = pytest.mark.mysql

SELECTS = {
    "no parameters": ("SELECT t.*, CONV(id, 9, 8) FROM t ORDER BY id", []),
    "a join": (
        "SELECT t.id, t.moment, inno.v + ? FROM t JOIN inno USING (id) ORDER BY 1",
        [integer(5)],
    ),
    "a subquery": (
        "SELECT (SELECT MAX(word) FROM t WHERE id < ? + inno.id), s FROM inno",
        [integer(7)],
    ),
    "text": (
        "SELECT id, word FROM t WHERE word = ? ORDER BY id LIMIT 9",
        [text("ete")],
    ),
    "a view": ("SELECT w, i FROM named WHERE i > ? ORDER BY i", [integer(45)]),
    "no rows": ("SELECT id, CONV(id, 9, 8) FROM t WHERE id < ?", [integer(0)]),
}
SLEEPS = "SELECT SLEEP(30), t.id FROM t JOIN inno USING (id)"


@each_client
@pytest.mark.parametrize(("sql", "values"), SELECTS.values(), ids=SELECTS)
def test_packets_are_mysqls(
    proxied: Connect,
    direct: Connect,
    sea: Lake,
    sql: str,
    values: list[Any],
    capabilities: int,
) -> None:
    replies = []
    for connect, schema in ((proxied, sea.schema), (direct, sea.twin)):
        with connect(capabilities, database=schema, charset="utf8mb4") as client:
            client.query("SET NAMES utf8mb4")
            reply = without_id(client.run(prepare(sql)))
            statement = prepared(client, sql)
            run_once = client.run(execute(statement, *values))
            run_again = client.run(execute(statement, *values))
            found = [plain(reply, schema), unnamed(run_once, schema)]
            # MySQL itself describes expressions otherwise when it runs them again
            found.append([p for p in plain(run_again, schema) if is_row(p)])
            if not values:
                found.append(unnamed(client.run(query(sql)), schema))
            replies.append(found)
    assert replies[0] == replies[1]


def is_row(packet: Packet) -> bool:
    return not packet.payload.startswith(b"\x03def")


def unnamed(reply: list[Any], schema: str) -> list[Any]:
    """A reply without the schema and without what depends on MySQL's plan."""
    return [
        packet
        if is_row(packet)
        else (packet.sequence_id, packet.payload.replace(b"\x05named", b"\x01t"))
        for packet in plain(reply, schema)
    ]


def test_a_change_is_prepared_once_and_executed_often(
    proxied: Connect, undone: Both
) -> None:
    sql = (
        "INSERT INTO inno (v, s) SELECT id + ?, CONCAT(word, CONV(id, 10, 2))"
        " FROM t WHERE id = ?"
    )
    with proxied(database="lake") as client:
        statement = prepared(client, sql)
        for number in (5, 6):
            (done,) = client.run(execute(statement, integer(number), integer(number)))
            assert done.payload[:2] == b"\0\1"
        (refused,) = client.run(execute(statement, integer(2**31 - 1), integer(9)))
        assert struct.unpack_from("<H", refused.payload, 1) == (1264,)
    through, past = undone
    run(past, *(sql.replace("?", n) for n in ("5", "6")))
    shown = "SELECT v, s FROM inno ORDER BY id"
    assert rows(through, shown) == rows(past, shown)


def test_sqls_own_prepare_and_execute(both: Both) -> None:
    through, past = both
    asked = (
        "PREPARE s FROM 'SELECT t.id, CONV(t.id, 10, ?) FROM t JOIN inno USING (id)"
        " WHERE word <> ? ORDER BY 1'"
    )
    for connection in both:
        run(connection, "SET @a = 2, @b = 'plain'", asked)
    call = "EXECUTE s USING @a, @b"
    assert rows(through, call) == rows(past, call)
    for connection in both:
        run(connection, "PREPARE c FROM 'SET @m = (SELECT MAX(word) FROM t)'")
        run(connection, "EXECUTE c")
    assert value(through, "SELECT @m") == value(past, "SELECT @m")


def test_several_statements_in_one_packet(server: Server, both: Both) -> None:
    several = (
        "SELECT CONV(id, 10, 2) FROM t WHERE id = 6; SET @s = (SELECT MAX(id) FROM t);"
        " SELECT @s; SELECT t.id FROM t JOIN inno USING (id) WHERE v = 30"
    )
    with closing(
        server.connect(database="lake", client_flag=CLIENT.MULTI_STATEMENTS)
    ) as client:
        found = [one.rows for one in result_sets(client, several)]
        assert found == [[("110",)], [(200,)], [(3,)]]


def test_a_kill_ends_it_and_leaves_no_copy(both: Both) -> None:
    through, past = both
    with running(through, SLEEPS) as answer:
        until(lambda: sleeping(past, through.thread_id()))
        run(past, f"KILL QUERY {through.thread_id()}")
        problem = answer.exception()
        assert isinstance(problem, pymysql.MySQLError)
        assert problem.args[0] == 1317
    assert copies_of(through) == []
    assert value(through, "SELECT COUNT(*) FROM t") == "200"


def test_a_time_limit_ends_it(both: Both) -> None:
    through, _ = both
    run(through, "SET max_execution_time = 1500")
    assert refusal(through, SLEEPS)[0] == 3024
    assert copies_of(through) == []


def sleeping(past: Any, thread_id: int) -> bool:
    """Whether a session's statement is at work in MySQL."""
    asked = (
        "SELECT COUNT(*) FROM performance_schema.processlist"
        f" WHERE ID = {thread_id} AND STATE = 'User sleep'"
    )
    return bool(value(past, asked) == "1")
