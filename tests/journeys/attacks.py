"""People who do not keep to the protocol: clients that stop anywhere, a bad backend."""

import select
import socket
import socketserver
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.background import children
from tests.conftest import Server
from tests.journeys.mutations import Chance

PATIENCE_S = 60
MOMENT_S = 0.005
_ABRUPT = struct.pack("ii", 1, 0)  # closing resets the connection


def everything_for_now(connection: socket.socket) -> bytes:
    """What comes until nothing has come for a moment."""
    received = bytearray()
    with suppress(OSError):
        while select.select([connection], [], [], MOMENT_S)[0]:
            data = connection.recv(1 << 16)
            if not data:
                break
            received += data
    return bytes(received)


def everything(connection: socket.socket) -> bytes:
    """What comes until the connection ends. Raises TimeoutError if it does not."""
    connection.settimeout(PATIENCE_S)
    received = bytearray()
    try:
        while data := connection.recv(1 << 16):
            received += data
    except ConnectionError:
        pass
    return bytes(received)


def say(
    server: Server,
    data: bytes,
    *,
    abrupt: bool = False,
    greeting_within_s: float = PATIENCE_S,
) -> bytes:
    """A client that says this after the greeting and no more; what it hears."""
    address = (server.host, server.port)
    with socket.create_connection(address, PATIENCE_S) as connection:
        select.select([connection], [], [], greeting_within_s)
        try:
            connection.sendall(data)
            heard = everything_for_now(connection)
            if abrupt:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPT)
                return heard
            connection.shutdown(socket.SHUT_WR)
        except OSError:  # it has been closed already
            return b""
        return heard + everything(connection)


def pid_of(server: Server) -> int:
    """The process that was started; the others are below it."""
    return int((server.data_dir / "heatproxy.lock").read_text().split()[0])


@dataclass(frozen=True, slots=True)
class Holding:
    """What the processes of heatproxy hold, by their ids; MySQL's are left out."""

    descriptors: dict[int, int]
    resident_bytes: dict[int, int]

    @classmethod
    def of(cls, server: Server) -> "Holding":
        pid = pid_of(server)
        descriptors, resident_bytes = {}, {}
        for process in (pid, *children(pid)):
            with suppress(OSError):  # it has ended
                folder = Path(f"/proc/{process}")
                if b"mysqld" in (folder / "cmdline").read_bytes():
                    continue
                descriptors[process] = len(list((folder / "fd").iterdir()))
                lines = (folder / "status").read_text().splitlines()
                resident = next(line for line in lines if line.startswith("VmRSS"))
                resident_bytes[process] = int(resident.split()[1]) << 10
        return cls(descriptors, resident_bytes)

    def is_no_more_than(self, before: "Holding", descriptors: int) -> bool:
        """Whether no process that was there before has so many more files."""
        return all(
            self.descriptors.get(pid, 0) <= count + descriptors
            for pid, count in before.descriptors.items()
        )

    def has_grown(self, before: "Holding") -> int:
        """Bytes by which a process that was there before has grown at most."""
        return max(
            self.resident_bytes.get(pid, 0) - count
            for pid, count in before.resident_bytes.items()
        )


class BadBackend(socketserver.ThreadingTCPServer):
    """Somebody between heatproxy and its backend: honest until ``chance`` is given.

    Then each new connection is told what MySQL never said, and ended.
    """

    daemon_threads = True
    request_queue_size = 100

    def __init__(self, backend_socket: str) -> None:
        super().__init__(("127.0.0.1", 0), _Between)
        self.backend_socket = backend_socket
        self.chance: Chance | None = None

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Between(socketserver.BaseRequestHandler):
    server: BadBackend
    request: socket.socket

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as backend:
            backend.connect(self.server.backend_socket)
            with suppress(OSError):
                self._pass_on(backend)

    def _pass_on(self, backend: socket.socket) -> None:
        chance = self.server.chance
        left = chance.randint(0, 6) if chance else -1  # answers before it ends
        if chance and not left:
            self.request.sendall(chance.randbytes(chance.randint(1, 300)))
            return
        while True:
            ready, _, _ = select.select([self.request, backend], [], [])
            for one in ready:
                data = one.recv(1 << 16)
                if not data:
                    return
                if one is self.request:
                    backend.sendall(data)
                    continue
                if chance and chance.random() < 0.5:
                    data = chance.damaged(data)
                self.request.sendall(data)
                left -= 1
                if not left:
                    return
