"""Executions of one prepared statement with parameters of one type, then of others.

Whoever answers each of them, it is what MySQL alone would have answered.
"""

import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import numpy as np
import pytest
from pymysql.constants import FIELD_TYPE

from tests.asking import rows, run
from tests.conftest import Server
from tests.rawclient import (
    DEPRECATE_EOF,
    Packet,
    RawClient,
    close,
    execute,
)
from tests.statements.test_offload import COUNTED
from tests.statements.test_prepared import prepared as id_of

pytestmark = pytest.mark.mysql

SCHEMA = "retyped"
ENOUGH = 40  # histories of each kind of prepared statement
STATEMENTS = (
    "SELECT id, COALESCE(s, ?) AS v FROM t ORDER BY id",
    "SELECT id, CONCAT(s, ?) AS v FROM t ORDER BY id",
    "SELECT id, JSON_ARRAY(s, ?) AS v FROM t ORDER BY id",
    "SELECT id FROM t WHERE s = ? ORDER BY id",
    "SELECT id FROM t WHERE i > ? ORDER BY id",
    "SELECT id, d = ? AS v FROM t ORDER BY id",
    "SELECT COUNT(*), MAX(s), ? AS v FROM t WHERE i <> ?",
    "SELECT i AS n, ? AS p, COUNT(*) FROM t GROUP BY n, p ORDER BY n",
    "SELECT id, IF(i > ?, s, ?) AS v FROM t ORDER BY id",
    "SELECT id, i DIV ? AS v FROM t ORDER BY id",
    "SELECT id FROM t ORDER BY id LIMIT ?",
)


def packed(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


BINARY = {
    "1": (FIELD_TYPE.LONGLONG, struct.pack("<q", 1)),
    "unsigned": (FIELD_TYPE.LONGLONG | 0x8000, struct.pack("<Q", 2)),
    "1.5": (FIELD_TYPE.DOUBLE, struct.pack("<d", 1.5)),
    "2.25": (FIELD_TYPE.NEWDECIMAL, packed("2.25")),
    "text": (FIELD_TYPE.VAR_STRING, packed("a")),
    "digits": (FIELD_TYPE.VAR_STRING, packed("-1")),
    "bytes": (FIELD_TYPE.BLOB, packed("a")),
    "day": (FIELD_TYPE.DATE, b"\x04" + struct.pack("<HBB", 2024, 2, 29)),
    "time": (FIELD_TYPE.TIME, b"\x08" + struct.pack("<BIBBB", 0, 0, 1, 2, 3)),
    "null": (FIELD_TYPE.VAR_STRING, None),
    "no integer": (FIELD_TYPE.LONGLONG, None),
}
SQL = {
    "1": "1",
    "unsigned": "CAST(2 AS UNSIGNED)",
    "1.5": "1.5e0",
    "2.25": "2.25",
    "text": "'a'",
    "digits": "'-1'",
    "another collation": "_latin1 X'E4'",
    "bytes": "X'61'",
    "day": "DATE'2024-02-29'",
    "null": "NULL",
}


@pytest.fixture(scope="module")
def loaded(server: Server) -> Iterator[Server]:
    """A loaded table ``t`` of integers, texts and DECIMALs."""
    with closing(server.connect()) as admin:
        run(
            admin,
            f"DROP DATABASE IF EXISTS {SCHEMA}",
            f"CREATE DATABASE {SCHEMA}",
            f"USE {SCHEMA}",
            "CREATE TABLE t (id INT PRIMARY KEY, i INT, s VARCHAR(20), d DECIMAL(8,2))"
            " SECONDARY_ENGINE=RAPID",
            "INSERT INTO t VALUES (1, 1, 'a', 1), (2, NULL, NULL, 2.25),"
            " (3, -7, '-1', NULL), (4, 12, 'B', -0.01)",
            "ALTER TABLE t SECONDARY_LOAD",
        )
        yield server
        run(admin, f"DROP DATABASE {SCHEMA}")


@contextmanager
def session(server: Server, engine: str) -> Iterator[RawClient]:
    where: dict[str, Any] = {"host": server.host, "port": server.port}
    where |= {"database": SCHEMA, **server.login}
    with RawClient(DEPRECATE_EOF, **where) as client:
        client.query("SET NAMES utf8mb4")
        client.query("SET secondary_engine_cost_threshold = 0")
        client.query(f"SET use_secondary_engine = {engine}")
        yield client


def plain(reply: list[Packet]) -> list[bytes]:
    """A reply without the columns, whose lengths differ, and without the status."""
    count = reply[0].payload[0]
    if count in (0, 0xFF):
        return [packet.payload for packet in reply]
    warnings = reply[-1].payload[-2:]
    return [*(packet.payload for packet in reply[1 + count : -1]), warnings]


def histories(values: dict[str, Any], seed: int) -> list[tuple[str, list[list[str]]]]:
    """Statements, each with the parameters of its executions."""
    chance = np.random.default_rng(seed)
    found = []
    for _ in range(ENOUGH):
        sql = str(chance.choice(STATEMENTS))
        some = chance.choice(list(values), 2, replace=False)  # types come again
        executions = chance.choice(some, (5, sql.count("?")))
        found.append((sql, executions.tolist()))
    return found


def count_of(connection: RawClient) -> int:
    (row,) = connection.query(COUNTED)[3:-1]
    return int(row.payload.rpartition(b"count")[2][1:])


@pytest.mark.parametrize("seed", range(3))
def test_parameters_change_their_types(loaded: Server, seed: int) -> None:
    offloaded = 0
    with session(loaded, "OFF") as mysql, session(loaded, "ON") as client:
        for sql, executions in histories(BINARY, seed):
            ids = {one: id_of(one, sql) for one in (mysql, client)}
            for names in executions:
                values = [BINARY[name] for name in names]
                before = count_of(client)
                expected, found = (
                    plain(one.run(execute(number, *values)))
                    for one, number in ids.items()
                )
                assert found == expected, (sql, executions, names)
                offloaded += count_of(client) - before
            for one, number in ids.items():
                one.run(close(number))
    assert offloaded > ENOUGH


@pytest.mark.parametrize("seed", range(3))
def test_variables_change_their_types(loaded: Server, seed: int) -> None:
    offloaded = 0
    with session(loaded, "OFF") as mysql, session(loaded, "ON") as client:
        for sql, executions in histories(SQL, seed):
            for one in (mysql, client):
                assert one.query(f"PREPARE p FROM '{sql}'")[0].payload[0] == 0
            for names in executions:
                variables = [f"@v{place}" for place in range(len(names))]
                before = count_of(client)
                answers = []
                for one in (mysql, client):
                    for variable, name in zip(variables, names, strict=True):
                        one.query(f"SET {variable} = {SQL[name]}")
                    using = f"EXECUTE p USING {', '.join(variables)}"
                    answers.append(plain(one.query(using)))
                assert answers[1] == answers[0], (sql, executions, names)
                offloaded += count_of(client) - before
    assert offloaded > ENOUGH / 2


def test_what_mysql_executed_itself_counts(loaded: Server) -> None:
    """In a transaction the relay asks nobody: MySQL has had a DOUBLE there."""
    sql = "SELECT id, COALESCE(s, ?) AS v FROM t ORDER BY id"
    answers = []
    for engine in ("OFF", "ON"):
        with session(loaded, engine) as one:
            number = id_of(one, sql)
            one.query("BEGIN")
            one.run(execute(number, BINARY["1.5"]))
            one.query("COMMIT")
            kinds = ("text", "1.5", "null", "text")
            given = [one.run(execute(number, BINARY[name])) for name in kinds]
            answers.append([plain(reply) for reply in given])
    assert answers[1] == answers[0]


def test_limits_of_the_session_stay(loaded: Server) -> None:
    """They are lowered for an execution that only tells MySQL what came before."""
    with closing(loaded.connect(database=SCHEMA)) as client:
        run(
            client,
            "SET secondary_engine_cost_threshold = 0",
            "SET sql_select_limit = 3, max_execution_time = 60000, @a = 1, @b = 'b'",
            "PREPARE p FROM 'SELECT id, COALESCE(s, ?) AS v FROM t ORDER BY id'",
        )
        for variable in ("@a", "@b", "@a"):
            assert len(rows(client, f"EXECUTE p USING {variable}")) == 3
        limits = "SELECT @@sql_select_limit, @@max_execution_time"
        assert rows(client, limits) == [(3, 60000)]
