"""The tables that ``bench wire`` reads, made on the backend and dropped afterwards."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from heatproxy.bench import load
from heatproxy.wire.packets import frame, query

SCHEMA = "heatproxy_bench"
POINTS = 10_000  # rows of the table that point SELECTs read
_PAIRS = 1000  # rows of the table that the wide one is multiplied from

POINT = f"SELECT * FROM {SCHEMA}.point WHERE id = "
WIDE = f"SELECT * FROM {SCHEMA}.wide"

# The eight columns of wire.md, section 3.
_WIDE_COLUMNS = """
    id int PRIMARY KEY, big bigint, number double, price decimal(15,2), day date,
    moment datetime(6), name varchar(40), maybe int
"""
_WIDE_ROW = """
    a.i * {pairs} + b.i, a.i * 1000003 + b.i, (a.i * 31 + b.i) / 7e0, b.i * 12.34,
    '2020-01-01' + INTERVAL b.i DAY, '2020-01-01 01:02:03.456789' + INTERVAL a.i MINUTE,
    IF(b.i % 10, CONCAT('name of ', a.i, '/', b.i), NULL), IF(b.i % 7, a.i, NULL)
"""


def execute(connection: socket.socket, sql: str) -> None:
    """A statement for its effect.

    Raises:
        LoadFailed: MySQL refuses it.
    """
    load.run([connection], [frame(query(sql.encode(), 0), 0)], replies=1)


@contextmanager
def made(direct: socket.socket, rows: int) -> Iterator[None]:
    """Both tables, the wide one with about so many rows, for as long as needed."""
    steps = max(1, rows // _PAIRS)
    wide = _WIDE_ROW.format(pairs=_PAIRS)
    series = "WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i <"
    for sql in (
        f"DROP DATABASE IF EXISTS {SCHEMA}",
        "SET SESSION sql_log_bin = 0, cte_max_recursion_depth = 1000000",
        f"CREATE DATABASE {SCHEMA}",
        f"CREATE TABLE {SCHEMA}.point (id int PRIMARY KEY, name varchar(40),"
        " price decimal(10,2))",
        f"INSERT INTO {SCHEMA}.point {series} {POINTS - 1})"
        " SELECT i, CONCAT('name ', i), i / 7 FROM s",
        f"CREATE TABLE {SCHEMA}.series (i int PRIMARY KEY)",
        f"INSERT INTO {SCHEMA}.series {series} {max(steps, _PAIRS) - 1})"
        " SELECT i FROM s",
        f"CREATE TABLE {SCHEMA}.wide ({_WIDE_COLUMNS})",
        f"INSERT INTO {SCHEMA}.wide SELECT {wide} FROM {SCHEMA}.series a"
        f" JOIN {SCHEMA}.series b WHERE a.i < {steps} AND b.i < {_PAIRS}"
        " ORDER BY a.i, b.i",
    ):
        execute(direct, sql)
    try:
        yield
    finally:
        execute(direct, f"DROP DATABASE {SCHEMA}")
