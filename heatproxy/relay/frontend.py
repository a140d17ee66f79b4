"""One client's session in the relay: two legs, and the phase it is in.

A client owns one backend connection, logged in by the client itself. First comes the
login (``admission``), then commands and their replies (``commands``); a statement that
is not MySQL's alone is lent to the engine process (``lending``).
"""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from heatproxy.errors import (
    MySQLError,
    ProtocolError,
    shutting_down,
    too_many_connections,
)
from heatproxy.ledger import RELAYED, Ledger, Route
from heatproxy.places import Address
from heatproxy.relay.admission import Admission
from heatproxy.relay.commands import Commands
from heatproxy.relay.gate import Gate
from heatproxy.relay.leg import Leg
from heatproxy.relay.lending import Lending
from heatproxy.relay.security import Security
from heatproxy.relay.stopwatch import Stopwatch
from heatproxy.relay.tasks import Tasks
from heatproxy.sql.prefilter import Prefilter
from heatproxy.wire.compression import Compression
from heatproxy.wire.handshake import Side
from heatproxy.wire.login import Login
from heatproxy.wire.packets import err, frame

log = logging.getLogger(__name__)

Dial = Callable[[Callable[[], asyncio.Protocol]], Awaitable[object]]


@dataclass(slots=True)
class Worker:
    """What the sessions of one relay process share.

    ``slow_s`` is from when on a statement is logged as slow, 0 for never.
    """

    number: int
    dial: Dial
    security: Security
    engine_socket: str
    gate: Gate
    slow_s: float = 0.0
    prefilter: Prefilter = field(default_factory=Prefilter)
    tasks: Tasks = field(default_factory=Tasks)
    ledger: Ledger = field(default_factory=Ledger)
    relayed: Route = field(init=False)
    sessions: "set[Frontend]" = field(default_factory=set)
    arriving: "set[Frontend]" = field(default_factory=set)  # not logged in yet
    leaving: "set[Frontend]" = field(default_factory=set)  # not all sent yet
    all_left: asyncio.Event = field(default_factory=asyncio.Event)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.relayed = self.ledger.route(RELAYED)

    async def nobody_leaves(self) -> None:
        """Return when clients that were hung up on have read what was sent."""
        while self.leaving:
            self.all_left.clear()
            await self.all_left.wait()


class Frontend:
    """A client, its backend connection, and what is under way between them."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.number = next(worker.numbers)
        self.user: str | None = None  # once the supervisor has counted it
        self.peer = ""
        self.arrived_at = 0.0
        self.heard, self.heard_at = 0, 0.0  # see patience
        self.client = Leg(_too_early, self._client_lost, self._on_client, self._broken)
        self.backend = Leg(
            _too_early, self._backend_lost, on_broken=self._backend_broken
        )
        self.stopwatch = Stopwatch(self)
        self.closed = False
        self.commands: Commands | None = None  # while not logging in
        self._lending: Lending | None = None
        self._admission: Admission | None = None  # while logging in
        self._compression: Compression | None = None
        self._admit(worker.security.login())

    # --- life -----------------------------------------------------------------------

    def _on_client(self) -> None:
        assert self.client.transport is not None
        peer = self.client.transport.get_extra_info("peername")
        self.peer = str(Address(*peer[:2])) if isinstance(peer, tuple) else "a socket"
        self.worker.ledger.count("accepted")
        self.worker.sessions.add(self)
        self.worker.tasks.create_task(self._enter())

    async def _enter(self) -> None:
        gate = self.worker.gate
        if gate.counts_connections and not await gate.enter(self.number):
            self.refuse("connections", too_many_connections())
            return
        if self.closed:  # and counted when it had gone already
            gate.leave(self.number)
            return
        try:
            await self.worker.dial(lambda: self.backend)
        except OSError as problem:
            self.log(logging.WARNING, "the backend cannot be reached", why=str(problem))
            text = "heatproxy cannot reach its MySQL backend"
            self.refuse("backend", MySQLError(2003, "HY000", text))
            return
        if self.closed:
            self.backend.close()
            return
        self.client.sources = [self.backend]
        self.backend.sources = [self.client]

    @property
    def idle(self) -> bool:
        """No statement under way and no transaction open: closing loses nothing."""
        return self.commands is not None and self.commands.idle

    def close(self) -> None:
        """End the session and whatever runs for it."""
        if self.closed:
            return
        self.closed = True
        worker = self.worker
        worker.sessions.discard(self)
        worker.arriving.discard(self)
        worker.leaving.add(self)
        worker.gate.leave(self.number)
        for name, count in self.transferred():
            worker.ledger.count(name, count)
        self.client.hang_up()
        if self.commands is not None and self.commands.busy:
            self.backend.drop()
        else:
            self.backend.close()
        if self._lending is not None:
            self._lending.close()

    def transferred(self) -> list[tuple[str, int]]:
        """How many bytes went over each leg, under the ledger's names."""
        client, backend = self.client, self.backend
        return [
            ("bytes:client:in", client.bytes_in),
            ("bytes:client:out", client.bytes_out),
            ("bytes:backend:in", backend.bytes_in),
            ("bytes:backend:out", backend.bytes_out),
        ]

    def refuse(self, why: str, error: MySQLError) -> None:
        """Send the client away before it is greeted; ``why`` is for the metrics."""
        if self.closed:
            return
        self.count_refusal(why)
        # nothing is agreed upon yet, not even that errors have an SQLSTATE
        payload = b"\xff" + error.number.to_bytes(2, "little") + error.message.encode()
        self.client.write(frame(payload, 0))
        self.close()

    def end(self, error: MySQLError, sequence_id: int) -> None:
        """Tell the client why the session ends, which it does."""
        self.client.write(frame(err(error), sequence_id))
        self.close()

    def shut_down(self) -> None:
        """End it with the process, whatever is under way."""
        commands = self.commands
        if commands is not None and commands.busy and self.stopwatch.is_unanswered:
            self.end(shutting_down(), 1)
        else:
            self.close()

    def log(self, level: int, message: str, **facts: Any) -> None:
        """A line of this session."""
        if log.isEnabledFor(level):
            log.log(level, message, extra={**self.tag, "facts": facts})

    def count_refusal(self, why: str) -> None:
        """It is not let in, or not kept, for a reason of ours."""
        self.worker.ledger.count(f"refused:{why}")
        self.log(logging.WARNING, "session refused", reason=why, peer=self.peer)

    @property
    def connection_id(self) -> int | None:
        """MySQL's number for it, once it has given one."""
        if self._lending is not None:
            return self._lending.thread_id
        return None if self._admission is None else self._admission.connection_id

    @property
    def tag(self) -> dict[str, Any]:
        """What says in a log whose line it is."""
        return {
            "session": f"{self.worker.number}-{self.number}",
            "connection": self.connection_id,
        }

    def _client_lost(self) -> None:
        self.close()
        self.worker.leaving.discard(self)
        self.worker.all_left.set()

    def _backend_lost(self) -> None:
        self.backend.receive_last()
        if self.commands is not None and not self.closed:
            self.commands.flush()
        self.close()

    def _broken(self, problem: ProtocolError) -> None:
        self.log(logging.WARNING, "session closed", why=str(problem), peer=self.peer)
        self.close()

    def _backend_broken(self, problem: ProtocolError) -> None:
        self.log(logging.ERROR, "the backend's connection failed", why=str(problem))
        if self._admission is not None:
            self._admission.backend_broken(problem)
        self._backend_lost()

    # --- phases ---------------------------------------------------------------------

    def _admit(self, login: Login) -> None:
        self.arrived_at = asyncio.get_running_loop().time()
        self.worker.arriving.add(self)
        admission = self._admission = Admission(self, login)
        self.client.on_bytes = admission.from_client
        self.backend.on_bytes = admission.from_backend
        if (compression := self._compression) is not None:

            def from_client(data: bytes) -> None:
                compression.turn()
                admission.from_client(data)

            self.client.on_bytes = from_client

    def admitted(self, login: Login) -> None:
        """The backend has let the client in: commands follow."""
        assert login.greeting is not None
        if self._lending is None:
            self._lending = Lending(self, login.greeting.thread_id)
        ahead = login.rest(Side.CLIENT)
        self._admission = None
        self.worker.arriving.discard(self)
        self.worker.ledger.count("logins")
        if login.compression is not None:
            self._compression = login.compression
        if self._compression is not None:
            self._compression.turn()
        self.commands = Commands(self, self._lending, login, self._compression)
        self.client.on_bytes = self.commands.from_client
        self.backend.on_bytes = self.commands.from_backend
        if late := login.rest(Side.BACKEND):
            self.commands.from_backend(late)
        if login.compression is not None:
            self.client.wrap(login.compression, ahead)
        elif ahead:
            self.commands.from_client(ahead)

    def refuse_login(self, error: MySQLError) -> None:
        """End a login that is under way, or one that has not begun."""
        if self._admission is not None:
            self._admission.refuse(error)
        self.close()

    def change_user(self, login: Login, command: bytes, ahead: bytes) -> None:
        """Relay a COM_CHANGE_USER: the next packets are a login's.

        ``ahead`` is what the client has sent behind it already.
        """
        self.commands = None
        self._admit(login.again())
        if ahead:
            self.client.on_bytes(ahead)
        assert self._admission is not None
        self._admission.change_user(command)


def _too_early(data: bytes) -> None:
    """Replaced by the first phase before any byte can come."""
