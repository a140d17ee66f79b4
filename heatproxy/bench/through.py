"""``heatproxy bench``: what the way through heatproxy costs, as ratios of one run.

The same exchange is repeated on the backend itself and through heatproxy, turn by
turn, so that whatever else the machine does falls on both. Only ratios within one run
mean anything.
"""

import socket
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from heatproxy.backend.credentials import read_option_file
from heatproxy.config import Config
from heatproxy.wire.packets import Capability, frame, query
from heatproxy.wire.tracker import DONE, Kind, Tracker

READ_BYTES = 1 << 18
SCHEMA = "heatproxy_bench"
ROWS = 100_000
TURNS = 7

_SETUP = (
    f"DROP DATABASE IF EXISTS {SCHEMA}",
    f"CREATE DATABASE {SCHEMA}",
    f"CREATE TABLE {SCHEMA}.t (id int PRIMARY KEY, name varchar(20), n decimal(10,2))",
    "SET SESSION cte_max_recursion_depth = 1000000",
    f"INSERT INTO {SCHEMA}.t WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1"
    f" FROM s WHERE i < {ROWS}) SELECT i, CONCAT('name ', i), i / 7 FROM s",
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One measured thing: its name, its statement, how often it runs in a turn."""

    name: str
    sql: str
    times: int


EXCHANGES = (
    Exchange("SELECT 1", "SELECT 1", 2000),
    Exchange("one row by its key", f"SELECT * FROM {SCHEMA}.t WHERE id = 4711", 2000),
    Exchange(f"{ROWS:,} rows", f"SELECT * FROM {SCHEMA}.t", 3),
    Exchange("update of one row", f"UPDATE {SCHEMA}.t SET n = n + 1 WHERE id = 7", 300),
)


class Session:
    """A logged-in connection that speaks bare packets: the client costs little."""

    def __init__(self, **where: Any) -> None:
        self._login = pymysql.connect(**where, autocommit=True)
        self._socket: socket.socket = self._login._sock
        capabilities = self._login.client_flag & ~Capability.DEPRECATE_EOF
        self._tracker = Tracker(capabilities)

    def run(self, packet: bytes) -> None:
        """Send a command and read its whole reply."""
        self._tracker.expect(Kind.RESULT)
        self._socket.sendall(packet)
        event = None
        while event != DONE:
            _, event = self._tracker.scan(self._socket.recv(READ_BYTES))

    def execute(self, sql: str) -> None:
        """A statement for its effect, errors raised."""
        with self._login.cursor() as cursor:
            cursor.execute(sql)

    def close(self) -> None:
        self._login.close()


def run(config: Config, say: Callable[[str], None]) -> int:
    """Measure the heatproxy that runs on the configuration's data directory."""
    direct = Session(unix_socket=_socket(config.data_dir), **_login(config.data_dir))
    host, port = config.listen.host, config.listen.port
    through = Session(host=host, port=port, **_login(config.data_dir))
    try:
        for sql in _SETUP:
            direct.execute(sql)
        say(f"{'':24}{'direct':>12}{'heatproxy':>12}{'ratio':>8}")
        for exchange in EXCHANGES:
            say(_measured(exchange, direct, through))
    finally:
        direct.execute(f"DROP DATABASE IF EXISTS {SCHEMA}")
        direct.close()
        through.close()
    return 0


def _measured(exchange: Exchange, direct: Session, through: Session) -> str:
    packet = frame(query(exchange.sql.encode(), 0), 0)
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(TURNS + 1):
        for session, measured in zip((direct, through), times, strict=True):
            began = time.perf_counter()
            for _ in range(exchange.times):
                session.run(packet)
            if turn:  # the first one warms up
                measured.append((time.perf_counter() - began) / exchange.times)
    ratio = statistics.median(b / a for a, b in zip(*times, strict=True))
    direct_us, through_us = (statistics.median(one) * 1e6 for one in times)
    return f"{exchange.name:24}{direct_us:>9.0f} µs{through_us:>9.0f} µs{ratio:>8.2f}"


def _login(data_dir: Path) -> dict[str, str]:
    admin = read_option_file(data_dir / "client.cnf")
    return {"user": admin.user, "password": admin.password}


def _socket(data_dir: Path) -> str:
    return str(data_dir / "run" / "mysqld.sock")
