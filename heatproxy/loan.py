"""A client session while a relay lends it: both legs, seen from the engine process."""

import asyncio
import json
from collections.abc import Collection

from heatproxy.aftermath import Aftermath
from heatproxy.errors import ProtocolError
from heatproxy.rapid.decision import Notes
from heatproxy.rapid.variables import SessionState
from heatproxy.wire.channel import Message, MessageReader, Statement, pack, pack_head
from heatproxy.wire.prepared import Prepared, PreparedStatements

READ_BYTES = 1 << 18
CHUNKS_AHEAD = 32  # of the backend's bytes; more wait in the sockets
JOIN_BYTES = 1 << 14  # a longer body is not copied to stand behind its header


class SessionGone(Exception):
    """The client has left, or its relay has."""


class Loan:
    """The messages of one session's channel; also the ``Leg`` of its backend."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader, self._writer = reader, writer
        self._messages = MessageReader()
        self._statements: asyncio.Queue[Statement] = asyncio.Queue()
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue(CHUNKS_AHEAD)
        self._gone = False
        self.prepared = PreparedStatements()
        self.rapid = SessionState()
        self.notes = Notes()
        self.aftermath: Aftermath | None = None
        self._remembers = False  # what the relay knows of ``aftermath``
        self._named = False  # what the relay knows of ``prepared.by_name``
        self.watches_names = asyncio.Event()

    async def pump(self) -> None:
        """Sort incoming messages until the relay closes the channel."""
        try:
            while data := await self._reader.read(READ_BYTES):
                for message, body in self._messages.feed(data):
                    if message is Message.START:
                        self._statements.put_nowait(Statement.parse(body))
                    elif message is Message.BACKEND:
                        await self._chunks.put(body)
                    elif message is Message.WATCH:
                        self.watches_names.set()
                    elif message is Message.FORGET:
                        self.prepared.forget()
                        self.rapid.forget()
                        self.notes = Notes()
                        self._named = False
        finally:
            # whoever waits for the backend, or will, is told that it is gone
            self._gone = True
            if self._chunks.empty():
                self._chunks.put_nowait(b"")
        raise SessionGone

    @property
    def gone(self) -> bool:
        """Whether the relay has closed the channel."""
        return self._gone

    async def statement(self) -> Statement:
        """The next statement that is the engine's to answer."""
        return await self._statements.get()

    # --- the backend's leg ----------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send bytes to the backend."""
        self._writer.write(pack(Message.BACKEND, data))

    async def read(self) -> bytes:
        """The next bytes of the backend; none when the session is gone."""
        if self._gone and self._chunks.empty():
            return b""
        return await self._chunks.get()

    # --- the client's leg -------------------------------------------------------------

    async def send(self, data: bytes) -> None:
        """Send bytes to the client, at the pace it reads them.

        Raises:
            ProtocolError: the client has left.
        """
        if len(data) < JOIN_BYTES:
            self._writer.write(pack(Message.CLIENT, data))
        else:
            self._writer.write(pack_head(Message.CLIENT, len(data)))
            self._writer.write(data)
        try:
            await self._writer.drain()
        except ConnectionError:  # heard of before ``pump`` has
            self._gone = True
            raise ProtocolError("the client has left") from None

    def file(self, number: int) -> None:
        """MySQL asks the client for a file, whose first packet has this number."""
        self._writer.write(pack(Message.FILE, bytes([number & 0xFF])))

    # --- what the relay must know ---------------------------------------------------

    def prepared_is_ours(self, statement_id: bytes, prepared: Prepared) -> None:
        """The relay lends the commands of this prepared statement from now on.

        It may leave an execution to MySQL where that is ``optional``.
        """
        count = prepared.parameters.to_bytes(2, "little")
        body = statement_id + count + bytes([prepared.optional])
        self._writer.write(pack(Message.PREPARED, body))

    def _tell_named(self) -> None:
        named = bool(self.prepared.by_name)
        if named != self._named:
            self._named = named
            self._writer.write(pack(Message.NAMED, bytes([named])))

    def _tell_remembers(self) -> None:
        remembers = self.aftermath is not None
        if remembers or self._remembers:
            self._remembers = remembers
            self._writer.write(pack(Message.AFTERMATH, bytes([remembers])))

    # --- the end of the loan -----------------------------------------------------

    def forward(self, *, lasting: bool = False) -> None:
        """The statement is MySQL's: the relay passes it on and takes both legs back.

        ``lasting``: so are others like it, as long as nothing changes.
        """
        self.aftermath = None
        self._tell_named()
        self._writer.write(pack(Message.FORWARD, b"\1" if lasting else b""))

    def done(self, status: int, *, refused: bool = False) -> None:
        """The client has its answer; the relay takes both legs back.

        ``refused``: it is MySQL's own error.
        """
        self._tell_named()
        self._tell_remembers()
        body = status.to_bytes(2, "little") + bytes([refused])
        self._writer.write(pack(Message.DONE, body))

    def names(
        self,
        tables: Collection[str],
        schemas: Collection[str],
        loaded: Collection[str] = (),
        functions: Collection[str] = (),
        *,
        in_transactions: bool = False,
    ) -> None:
        """Tell the relay which names statements are filtered by; see Prefilter."""
        lists = (sorted(tables), sorted(schemas), sorted(loaded), sorted(functions))
        body = json.dumps([*lists, in_transactions]).encode()
        self._writer.write(pack(Message.NAMES, body))

    def close(self) -> None:
        self._writer.close()
