"""Whole tables out of the backend: rows of the binary protocol straight into Arrow.

A connection of the service account logs in as any other; what follows is read from its
socket into one large buffer and parsed there, without a Python object per value.

Source: MySQL Source Code Documentation, "Binary Protocol Resultset".
"""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pymysql

from heatproxy.backend.account import Address, connect
from heatproxy.errors import MySQLError, ProtocolError, interrupted
from heatproxy.wire.columns import parse as parse_definition
from heatproxy.wire.decode import RowDecoder
from heatproxy.wire.packets import (
    ERR,
    Command,
    PacketReader,
    frame,
    parse_err,
    read_lenenc,
)

BUFFER_BYTES = 8 << 20
WAITS_S = 3600  # for the one who reads, who may wait for the engine's disk
METADATA_WAIT_S = 10  # for who changes the table's definition
# Values come as they are stored, all of them, however long that takes.
SETTINGS = (
    "SET SESSION time_zone = '+00:00', sql_mode = '', sql_select_limit = DEFAULT,"
    f" net_write_timeout = {WAITS_S}, net_read_timeout = {WAITS_S},"
    f" lock_wait_timeout = {METADATA_WAIT_S}, max_execution_time = 0,"
    " sql_big_selects = 1, transaction_isolation = 'REPEATABLE-READ',"
    " character_set_results = utf8mb4, use_secondary_engine = OFF,"
    " information_schema_stats_expiry = 0"
)
_ONCE_WITHOUT_CURSOR = b"\x00" + (1).to_bytes(4, "little")


class BulkReader:
    """A connection that reads tables; used by one thread at a time.

    ``flawed`` are the places of the columns in which what was read so far had dates
    that no calendar has (0000-00-00), which became NULL, or text that is not valid in
    its character set.
    """

    def __init__(self, address: Address) -> None:
        """Log in and set the session up.

        Raises:
            MySQLError: the backend refused it.
            pymysql.MySQLError: the backend cannot be reached.
        """
        self.flawed: set[int] = set()
        self._aborted = threading.Event()
        self._connection = connect(address)
        self._new_eof = False  # pymysql does not ask for it
        # the protocol continues where pymysql stopped: between two commands
        self._socket: socket.socket = self._connection._sock
        self._buffer = bytearray(BUFFER_BYTES)
        try:
            self.query(SETTINGS)
        except BaseException:
            self.close()
            raise

    @property
    def aborted(self) -> bool:
        return self._aborted.is_set()

    @property
    def thread_id(self) -> int:
        """The connection's id in the backend."""
        return int(self._connection.thread_id())

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The few rows of a statement.

        Raises:
            MySQLError: the backend's own; 1317 after ``abort``.
        """
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        except (pymysql.MySQLError, OSError, ValueError) as problem:
            raise self._told(problem) from None

    def select(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a SELECT as Arrow, in batches of up to 65536 rows or 8 MB.

        Raises:
            MySQLError: the backend's own; 1317 after ``abort``; 1235, a column that
                has no Arrow type.
            ProtocolError: the backend is gone.
        """
        try:
            yield from self._select(sql.encode())
        except OSError as problem:
            raise self._told(problem) from None

    def abort(self) -> None:
        """End what is being read; safe from any thread."""
        self._aborted.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connection, and of its snapshot and locks."""
        # a polite goodbye would wait for rows that nobody reads
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._connection._force_close()

    def _told(self, problem: Exception) -> Exception:
        """What the caller is told of a failure on the connection."""
        if self._aborted.is_set():
            return interrupted()
        if isinstance(problem, pymysql.MySQLError) and len(problem.args) == 2:
            return as_mysql_error(problem)
        return ProtocolError(f"the backend connection is gone: {problem}")

    def _select(self, sql: bytes) -> Iterator[pa.RecordBatch]:
        packets = _Packets(self._receive)
        self._socket.sendall(frame(bytes([Command.STMT_PREPARE]) + sql, 0))
        head = packets.next()
        if head[0] == ERR:
            raise parse_err(head)
        columns = int.from_bytes(head[5:7], "little")
        for _ in range(columns + 1):  # and an EOF behind them
            packets.next()
        statement = head[1:5]
        self._socket.sendall(
            frame(bytes([Command.STMT_EXECUTE]) + statement + _ONCE_WITHOUT_CURSOR, 0)
        )
        head = packets.next()
        if head[0] == ERR:
            raise parse_err(head)
        count, _ = read_lenenc(head, 0)
        definitions = [parse_definition(packets.next()) for _ in range(count)]
        packets.next()
        decoder = RowDecoder(definitions, deprecate_eof=self._new_eof)
        yield from decoder.feed(packets.rest())
        view = memoryview(self._buffer)
        while decoder.terminator is None:
            yield from decoder.feed(view[: self._fill(view)])
        yield from decoder.finish()
        self.flawed |= decoder.flawed
        if decoder.terminator[0] == ERR:
            raise parse_err(decoder.terminator)
        self._socket.sendall(frame(bytes([Command.STMT_CLOSE]) + statement, 0))

    def _receive(self) -> bytes:
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionError("it was closed")
        return data

    def _fill(self, view: memoryview) -> int:
        """Read what there is, but no less than one piece; how many bytes.

        Parsing half a buffer at a time costs less than parsing every piece.
        """
        size = 0
        while size < BUFFER_BYTES // 2:
            if size and not self._has_more():
                break
            received = self._socket.recv_into(view[size:])
            if not received:
                raise ConnectionError("it was closed")
            size += received
        return size

    def _has_more(self) -> bool:
        pending = getattr(self._socket, "pending", None)  # TLS has a buffer of its own
        if pending is not None and pending():
            return True
        ready = select.poll()  # select() knows no more than 1024 files
        ready.register(self._socket, select.POLLIN)
        return bool(ready.poll(0))


class _Packets:
    """The few packets before the rows."""

    def __init__(self, receive: Any) -> None:
        self._receive = receive
        self._reader = PacketReader()
        self._payloads: list[bytes] = []

    def next(self) -> bytes:
        while not self._payloads:
            self._payloads.extend(self._reader.feed(self._receive()))
        return self._payloads.pop(0)

    def rest(self) -> bytes:
        """What has come already of the rows, as it came."""
        raw = b"".join(frame(payload, 0) for payload in self._payloads)
        return raw + bytes(self._reader.buffer)


def as_mysql_error(problem: pymysql.MySQLError) -> MySQLError:
    """The backend's refusal of a statement on the service account, as a client's."""
    number, text = problem.args[:2] if len(problem.args) >= 2 else (1105, str(problem))
    return MySQLError(int(number), "HY000", str(text))


def abort_all(readers: Sequence[BulkReader]) -> None:
    """End what each of them is reading."""
    for reader in readers:
        reader.abort()
