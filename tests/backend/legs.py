"""A leg of our own: PyMySQL logs in, then a BackendConnection has the socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from heatproxy.backend.connection import BackendConnection
from tests.conftest import Server
from tests.rawclient import RawClient


class SocketLeg:
    """Bytes to and from a socket."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader, self._writer = reader, writer

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def read(self) -> bytes:
        try:
            return await self._reader.read(1 << 16)
        except ConnectionError:
            return b""

    async def close(self) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


@asynccontextmanager
async def connection_to(
    server: Server, capabilities: int = 0, **options: object
) -> AsyncIterator[BackendConnection]:
    """A session past heatproxy, of what these capabilities agree on."""
    login = {**server.login, "unix_socket": server.backend_socket, **options}
    client = await asyncio.to_thread(RawClient, capabilities, **login)
    leg = SocketLeg(*await asyncio.open_connection(sock=client.socket.dup()))
    client.close()
    try:
        yield BackendConnection(leg, client.capabilities, 0x0002)
    finally:
        await leg.close()
