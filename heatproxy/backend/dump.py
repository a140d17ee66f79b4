"""The backend's binary log as it is written, as a replica would be sent it.

Source: MySQL Source Code Documentation, "Replication Protocol".
"""

import contextlib
import select
import socket
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pymysql

from heatproxy.backend.account import Address, connect
from heatproxy.wire.binlog import GtidSet, Position

COM_BINLOG_DUMP, COM_BINLOG_DUMP_GTID = 0x12, 0x1E
HEARTBEAT_S = 5.0
SILENT_S = 4 * HEARTBEAT_S  # after which the connection is taken for dead
BUFFER_BYTES = 8 << 20  # asked of the kernel
_OLDEST_STATUS = (8, 2)  # before it, SHOW MASTER STATUS

Ask = Callable[[str], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Source:
    """The server whose binlog is followed, and where that ends now."""

    uuid: str
    end: Position
    gtids: GtidSet
    has_gtids: bool  # whether every transaction has one


def status_statement(version: str) -> str:
    """How this server is asked where its binlog ends."""
    numbers = tuple(int(n) for n in version.split("-")[0].split(".")[:2])
    return f"SHOW {'BINARY LOG' if numbers >= _OLDEST_STATUS else 'MASTER'} STATUS"


def obstacle(ask: Ask) -> str | None:
    """Why changes of this server cannot be followed, in words; None if they can.

    Raises:
        pymysql.MySQLError: it cannot be asked.
    """
    ((version, logged, written, image, format_, own),) = ask(
        "SELECT VERSION(), @@log_bin, @@log_replica_updates,"
        " @@global.binlog_row_image, @@global.binlog_format,"
        " (SELECT COUNT(*) FROM"
        " performance_schema.replication_connection_configuration)"
    )
    if not logged:
        return "the backend writes no binary log (log_bin is OFF)"
    if format_ != "ROW":
        return f"the backend's binlog_format is {format_}; it must be ROW"
    if image != "FULL":
        return f"the backend's binlog_row_image is {image}; it must be FULL"
    if own and not written:
        return (
            "the backend is a replica that does not write what it replicates to its"
            " binary log (log_replica_updates is OFF)"
        )
    try:
        rows = ask(status_statement(version))
    except pymysql.MySQLError as refused:
        if refused.args[0] != 1227:
            raise
        return _no_right("REPLICATION CLIENT")
    if not rows:
        return "the backend writes no binary log"
    if rows[0][2] or rows[0][3]:
        return (
            "the backend's binary log leaves schemas out (binlog_do_db or"
            " binlog_ignore_db)"
        )
    grants = " ".join(str(row[0]) for row in ask("SHOW GRANTS"))
    if (
        "REPLICATION SLAVE" not in grants
        and "GRANT ALL PRIVILEGES ON *.*" not in grants
    ):
        return _no_right("REPLICATION SLAVE")
    return None


def _no_right(privilege: str) -> str:
    return f"heatproxy's account on the backend lacks {privilege}: GRANT it ON *.*"


def source(ask: Ask) -> Source:
    """The server, and the end of its binlog. Raises pymysql.MySQLError."""
    ((uuid, version, mode),) = ask("SELECT @@server_uuid, VERSION(), @@gtid_mode")
    (status,) = ask(status_statement(version))
    position = Position(status[0], int(status[1]))
    return Source(uuid, position, GtidSet.parse(status[4] or ""), mode == "ON")


def derived_server_id(name: str) -> int:
    """A number that ``rapid.server_id`` 0 stands for, from a name of our own."""
    return 0x70000000 | zlib.crc32(name.encode()) & 0x0FFFFFFF


class Dump:
    """One connection on which the binlog comes."""

    def __init__(self, address: Address, server_id: int) -> None:
        """Log in. Raises pymysql.MySQLError."""
        self._server_id = server_id
        self._connection = connect(address, SILENT_S)
        self._socket: socket.socket = self._connection._sock
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement, before the binlog is asked for."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def start(self, since: Position | GtidSet) -> None:
        """Ask for all events behind a position, or but for these transactions."""
        heartbeat = int(HEARTBEAT_S * 1e9)
        self.ask(
            "SET @source_binlog_checksum = @@global.binlog_checksum,"
            " @master_binlog_checksum = @@global.binlog_checksum,"
            f" @source_heartbeat_period = {heartbeat},"
            f" @master_heartbeat_period = {heartbeat}"
        )
        if isinstance(since, Position):
            command = COM_BINLOG_DUMP
            asked = struct.pack("<IHI", since.offset, 0, self._server_id)
            asked += since.file.encode()
        else:
            command = COM_BINLOG_DUMP_GTID
            gtids = since.encoded()
            asked = struct.pack("<HIIQI", 0, self._server_id, 0, 4, len(gtids)) + gtids
        self._connection._execute_command(command, asked)
        self._socket.settimeout(SILENT_S)

    def read_into(self, room: memoryview) -> int:
        """Wait for bytes and take them; 0 when the connection is gone.

        Raises:
            OSError: it broke, or nothing came, not even a heartbeat.
        """
        return self._socket.recv_into(room)

    def is_readable(self, timeout_s: float, woken: socket.socket | None = None) -> bool:
        """Whether bytes are there, or come in time and before ``woken`` has some."""
        pending = getattr(self._socket, "pending", None)  # of TLS
        if pending is not None and pending():
            return True
        watched = [self._socket, *([woken] if woken else [])]
        return self._socket in select.select(watched, [], [], timeout_s)[0]

    def close(self) -> None:
        """Hang up; safe from any thread, and ends a ``read_into``."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._connection._force_close()
