"""One client's session in the relay: bytes both ways, and now and then a loan.

A client owns one backend connection, logged in by the client itself. Client packets are
framed and looked at; the server's bytes are tracked, not decoded. A statement that is
not MySQL's alone is handed to the engine process, which borrows both legs until it has
answered.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto

from heatproxy.errors import MySQLError, ProtocolError, unknown_error
from heatproxy.leg import Leg
from heatproxy.sql.prefilter import Prefilter
from heatproxy.wire.channel import Message, MessageReader, Statement, pack
from heatproxy.wire.handshake import Side
from heatproxy.wire.login import Login
from heatproxy.wire.packets import (
    MAX_FRAME,
    SESSION_STATUS,
    Command,
    PacketReader,
    Status,
    err,
    frame,
    query_text,
)
from heatproxy.wire.tracker import FILE, KINDS, MORE, Kind, Tracker

log = logging.getLogger(__name__)

LOOK_BYTES = 1 << 20  # a longer statement is MySQL's, unseen
AHEAD_BYTES = 4 << 20  # what a client may send ahead; more waits in its socket
ENGINE_WAIT_S, ENGINE_RETRY_S = 20.0, 0.1
NO_COMMAND = b"\0"  # COM_SLEEP, which MySQL takes an empty packet for
# ER_TABLESPACE_DISCARDED: the statement touched the sealed shell of a Lakehouse table.
SEALED = 1814

Dial = Callable[[Callable[[], asyncio.Protocol]], Awaitable[object]]


class State(Enum):
    """Who the next bytes belong to."""

    LOGIN = auto()
    RELAY = auto()
    LENT = auto()
    CLOSED = auto()


@dataclass(slots=True)
class Worker:
    """What the sessions of one relay process share."""

    dial: Dial
    backend_secure: bool
    engine_socket: str
    prefilter: Prefilter
    sessions: "set[Frontend]"
    tasks: "asyncio.TaskGroup"


class Frontend:
    """A client, its backend connection, and what is under way between them."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self.client = Leg(self._from_client, self.close, self._on_client)
        self._backend = Leg(self._from_backend, self._backend_lost)
        self._engine: Leg | None = None
        self._messages = MessageReader()
        self._state = State.LOGIN
        self._login = Login(client_secure=False, backend_secure=worker.backend_secure)
        self._capabilities = 0
        self._tracker = Tracker(0)
        self._pending: deque[Kind] = deque()
        self._ahead = bytearray()  # client bytes not looked at yet
        self._passing = 0  # bytes of the client's current frame to pass on unseen
        self._continued = False  # the next client frame continues the one before it
        self._file = False  # the client is sending a LOCAL INFILE
        self._held = b""  # the beginning of a reply whose first packet is incomplete
        self._last = b""  # the command whose reply is awaited, if it may come back

    # --- life -------------------------------------------------------------------

    def _on_client(self) -> None:
        self._worker.sessions.add(self)
        self._worker.tasks.create_task(self._dial())

    async def _dial(self) -> None:
        try:
            await self._worker.dial(lambda: self._backend)
        except OSError as problem:
            log.warning("the backend cannot be reached: %s", problem)
            text = "heatproxy cannot reach its MySQL backend"
            self.client.write(frame(err(MySQLError(2003, "HY000", text)), 0))
            self.close()
            return
        if self._state is State.CLOSED:
            self._backend.close()
            return
        self.client.sources = [self._backend]
        self._backend.sources = [self.client]

    @property
    def idle(self) -> bool:
        """No statement under way and no transaction open: closing loses nothing."""
        busy = self._pending or self._state is not State.RELAY
        return not busy and not self._tracker.status & Status.IN_TRANS

    def close(self) -> None:
        """End the session and whatever runs for it."""
        if self._state is State.CLOSED:
            return
        self._state = State.CLOSED
        self._worker.sessions.discard(self)
        for leg in (self.client, self._backend, self._engine):
            if leg is not None:
                leg.close()

    def _backend_lost(self) -> None:
        if self._held:
            self.client.write(self._held)
        self.close()

    # --- bytes of the client ------------------------------------------------------

    def _from_client(self, data: bytes) -> None:
        if self._state is State.RELAY and not (self._ahead or self._passing):
            # one whole command, as nearly always
            if self._is_whole_command(data):
                self._command(data, data[4:])
                return
        elif self._state is State.LOGIN:
            self._login_bytes(Side.CLIENT, data)
            return
        self._ahead += data
        self._work_off()

    def _is_whole_command(self, data: bytes) -> bool:
        return (
            not self._file
            and not self._continued
            and len(data) > 4
            and data[3] == 0
            and int.from_bytes(data[:3], "little") == len(data) - 4
            and len(data) - 4 <= LOOK_BYTES
        )

    def _work_off(self) -> None:
        """Go through the client bytes at hand as far as the state allows."""
        while self._ahead and self._state is State.RELAY:
            if self._passing:
                self._pass_on(min(self._passing, len(self._ahead)))
            elif not self._next_frame():
                break
        if len(self._ahead) > AHEAD_BYTES:
            self.client.hold(self)
        else:
            self.client.release(self)

    def _pass_on(self, count: int) -> None:
        self._backend.write(bytes(self._ahead[:count]))
        del self._ahead[:count]
        self._passing = max(0, self._passing - count)

    def _next_frame(self) -> bool:
        """Look at the frame that begins the buffer; False: it is not whole yet."""
        if len(self._ahead) < 4:
            return False
        length = int.from_bytes(self._ahead[:3], "little")
        if self._file or self._continued:
            if length == 0 and not self._continued:
                self._file = False
            self._continued = length == MAX_FRAME
            self._passing = 4 + length
            return True
        if length > LOOK_BYTES and len(self._ahead) > 4:
            # long data, a bulk INSERT: passed on in pieces, never held in memory
            self._continued = length == MAX_FRAME
            self._expect(self._ahead[4])
            self._last = b""
            self._passing = 4 + length
            return True
        if len(self._ahead) < 4 + length:
            return False
        data = bytes(self._ahead[: 4 + length])
        payload = data[4:] or NO_COMMAND
        if self._must_wait(payload):
            return False
        del self._ahead[: 4 + length]
        self._command(data, payload)
        return True

    def _must_wait(self, payload: bytes) -> bool:
        """Whether replies still under way must be finished before this command."""
        return bool(self._pending) and (
            payload[0] == Command.CHANGE_USER or self._is_ours(payload)
        )

    def _is_ours(self, payload: bytes) -> bool:
        if payload[0] != Command.QUERY:
            return False
        try:
            text = query_text(payload, self._capabilities)
        except (ProtocolError, IndexError):
            return False  # MySQL says what is wrong with it
        return self._worker.prefilter.wants(text)

    def _command(self, data: bytes, payload: bytes) -> None:
        """Relay one whole command, or lend the session to the engine for it."""
        if self._must_wait(payload):
            self._ahead[:0] = data
            return
        if payload[0] == Command.CHANGE_USER:
            self._state = State.LOGIN
            self._login = self._login.again()
            self._backend.write(data)
        elif self._is_ours(payload):
            self._lend(payload)
        else:
            self._relay(data, payload)

    def _relay(self, data: bytes, payload: bytes) -> None:
        self._expect(payload[0])
        comes_back = payload[0] in (Command.QUERY, Command.STMT_EXECUTE)
        self._last = payload if comes_back and len(self._pending) == 1 else b""
        self._backend.write(data)

    def _expect(self, command: int) -> None:
        kind = KINDS.get(command, Kind.RESULT)
        if kind == Kind.NOTHING:
            return
        if not self._pending:
            self._tracker.expect(kind)
        self._pending.append(kind)

    # --- bytes of the backend -------------------------------------------------------

    def _from_backend(self, data: bytes) -> None:
        if self._state is State.RELAY:
            self._track(data)
        elif self._state is State.LENT and self._engine is not None:
            self._engine.write(pack(Message.BACKEND, data))
        elif self._state is State.LOGIN:
            self._login_bytes(Side.BACKEND, data)

    def _track(self, data: bytes) -> None:
        """Forward bytes of replies, noting which replies they complete."""
        position = len(self._held)
        data, self._held = self._held + data, b""
        start = 0  # where the reply under way begins, if it does so in these bytes
        while self._pending and position < len(data):
            position, event = self._tracker.scan(data, position)
            if event == MORE:
                break
            if event == FILE:
                self._file = True
                continue
            self._pending.popleft()
            if self._pending:
                self._tracker.expect(self._pending[0])
            elif self._last and self._tracker.refusal == SEALED:
                self.client.write(data[:start])
                *_, error = PacketReader().feed(data[start:position])
                self._lend(self._last, error)
                return
            else:
                self._last = b""
            start = position
        if self._pending and self._last and self._tracker.unanswered:
            # it may still be refused and come back, after its columns are named
            data, self._held = data[:start], data[start:]
        self.client.write(data)
        if self._ahead:
            self._work_off()

    # --- the loan ---------------------------------------------------------------------

    def _lend(self, payload: bytes, error: bytes = b"") -> None:
        """Give both legs to the engine process until it has answered."""
        assert self._login.greeting is not None
        self._state = State.LENT
        self._last = payload
        statement = Statement(
            command=payload,
            capabilities=self._capabilities,
            status=self._tracker.status & SESSION_STATUS,
            thread_id=self._login.greeting.thread_id,
            error=error,
        )
        if self._engine is None:
            self._engine = Leg(self._from_engine, self._engine_lost)
            self._engine.sources = [self._backend]
            self.client.sources = [self._backend, self._engine]
            self._worker.tasks.create_task(self._reach_engine(self._engine, error))
        self._engine.write(pack(Message.START, statement.to_bytes()))

    async def _reach_engine(self, leg: Leg, error: bytes) -> None:
        """Connect to the engine process, which may just be starting again."""
        loop = asyncio.get_running_loop()
        limit = loop.time() + ENGINE_WAIT_S
        path = self._worker.engine_socket
        while self._state is State.LENT:
            try:
                await loop.create_unix_connection(lambda: leg, path)
            except OSError as problem:
                if loop.time() > limit:
                    log.error("the engine process cannot be reached: %s", problem)
                    self._do_without_engine(error)
                    return
                await asyncio.sleep(ENGINE_RETRY_S)
            else:
                break
        if self._state is State.CLOSED:
            leg.close()

    def _do_without_engine(self, error: bytes) -> None:
        """Give the statement to MySQL, which refuses what is not its own."""
        self._engine = None
        self._state = State.RELAY
        if error:
            self.client.write(frame(error, 1))
        else:
            self._relay(frame(self._last, 0), self._last)
            self._last = b""
        self._work_off()

    def _engine_lost(self) -> None:
        self._engine = None
        self._messages = MessageReader()
        if self._state is State.LENT:
            # Part of an answer may be out already, and the backend's leg may be in the
            # middle of one: nothing but the end of the session is safe.
            error = unknown_error("heatproxy's engine process went away")
            self.client.write(frame(err(error), 1))
            self.close()

    def _from_engine(self, data: bytes) -> None:
        for message, body in self._messages.feed(data):
            if message is Message.CLIENT:
                self.client.write(body)
            elif message is Message.BACKEND:
                self._backend.write(body)
            elif message is Message.NAMES:
                self._worker.prefilter = names_filter(body)
            elif message is Message.FORWARD:
                self._state = State.RELAY
                self._relay(frame(self._last, 0), self._last)
                self._work_off()
            elif message is Message.DONE:
                self._tracker.status = int.from_bytes(body, "little")
                self._state = State.RELAY
                self._work_off()

    # --- login ------------------------------------------------------------------------

    def _login_bytes(self, side: Side, data: bytes) -> None:
        try:
            steps = self._login.feed(side, data)
        except ProtocolError as problem:
            log.warning("session closed: %s", problem)
            self.close()
            return
        for towards, reply in steps:
            (self.client if towards is Side.CLIENT else self._backend).write(reply)
        if not self._login.over:
            return
        if self._login.status is None:
            self.close()
            return
        self._capabilities = self._login.capabilities
        self._tracker = Tracker(self._capabilities)
        self._tracker.status = self._login.status & SESSION_STATUS
        self._state = State.RELAY
        self._work_off()


def names_filter(body: bytes) -> Prefilter:
    """The prefilter for a NAMES message."""
    tables, schemas = json.loads(body)
    return Prefilter(tables, schemas)
