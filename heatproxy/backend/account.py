"""heatproxy's own account on the backend: what no client's session should do.

It creates the routines' stubs, finds the shells of Lakehouse tables, and holds the
locks (``locks``) that running statements wait for. What a client asks for runs on the
client's own connection, under the client's own grants; never here.
"""

import logging
import socket
import threading
from dataclasses import dataclass, field
from typing import Any

import pymysql

from heatproxy.backend.tls import client_context
from heatproxy.config import BackendTlsConfig

log = logging.getLogger(__name__)

NO_TLS = 2026  # CR_SSL_CONNECTION_ERROR
CANNOT_CONNECT = 2003  # CR_CONN_HOST_ERROR
CONNECTS_WITHIN_S = 10


@dataclass(frozen=True, slots=True)
class Address:
    """Where the backend is and who heatproxy is there: a unix socket, or TCP.

    ``tls`` is what is asked of it over TCP; None asks for nothing.
    """

    user: str
    password: str = field(repr=False)
    socket: str | None = None
    host: str = "127.0.0.1"
    port: int = 3306
    tls: BackendTlsConfig | None = None


class ServiceAccount:
    """One connection, used by one thread at a time and opened again when it breaks."""

    def __init__(self, address: Address, timeout_s: float | None = None) -> None:
        """``timeout_s`` is for each answer; without it one may take its time."""
        self._address, self._timeout_s = address, timeout_s
        self._connection: pymysql.Connection[Any] | None = None
        self._one_at_a_time = threading.Lock()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement.

        Raises:
            pymysql.MySQLError: the backend refused it or cannot be reached.
        """
        with self._one_at_a_time:
            try:
                return self._run(sql)
            except (pymysql.err.InterfaceError, pymysql.err.OperationalError) as lost:
                if lost.args and lost.args[0] not in (0, 2006, 2013, 4031):
                    raise
                self._connection = None
                return self._run(sql)

    def _run(self, sql: str) -> list[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = connect(self._address, self._timeout_s)
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def close(self) -> None:
        with self._one_at_a_time:
            if self._connection is not None and self._connection.open:
                self._connection.close()
            self._connection = None


def connect(
    address: Address, timeout_s: float | None = None
) -> "pymysql.Connection[Any]":
    """A connection of the account, logged in; ``timeout_s`` is for each answer.

    Raises:
        pymysql.MySQLError: the backend refused it or cannot be reached.
    """
    tls = address.tls
    if address.socket is not None or tls is None or tls.mode == "disabled":
        return _opened(address, timeout_s, ssl_disabled=True)
    try:
        return _opened(address, timeout_s, ssl=client_context(tls))
    except pymysql.err.OperationalError as refused:
        if refused.args[0] != NO_TLS or tls.mode == "required":
            raise
        if tls.verify != "none":  # who asks for a name is not content with none
            raise
    return _opened(address, timeout_s, ssl_disabled=True)


def _opened(
    address: Address, timeout_s: float | None, **security: Any
) -> "pymysql.Connection[Any]":
    connection: pymysql.Connection[Any] = pymysql.connect(
        user=address.user,
        password=address.password,
        unix_socket=address.socket,
        host=address.host,
        port=address.port,
        charset="utf8mb4",
        autocommit=True,
        program_name="heatproxy",
        init_command="SET SESSION wait_timeout = 31536000, sql_mode = DEFAULT",
        connect_timeout=timeout_s or CONNECTS_WITHIN_S,
        read_timeout=timeout_s,
        write_timeout=timeout_s,
        defer_connect=True,
        **security,
    )
    if address.socket is None:
        connection.connect()
        return connection
    # PyMySQL would leave its own socket open when nobody listens
    own = socket.socket(socket.AF_UNIX)
    own.settimeout(timeout_s or CONNECTS_WITHIN_S)
    try:
        own.connect(address.socket)
    except OSError as refused:
        own.close()
        text = f"Can't connect to MySQL server on {address.socket!r} ({refused})"
        raise pymysql.err.OperationalError(CANNOT_CONNECT, text) from None
    connection._secure = True  # a password may be sent as it is
    connection.connect(own)
    return connection
