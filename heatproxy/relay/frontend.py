"""One client's session in the relay: two legs, and the phase it is in.

A client owns one backend connection, logged in by the client itself. First comes the
login (``admission``), then commands and their replies (``commands``); a statement that
is not MySQL's alone is lent to the engine process (``lending``).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from heatproxy.errors import MySQLError
from heatproxy.relay.admission import Admission
from heatproxy.relay.commands import Commands
from heatproxy.relay.leg import Leg
from heatproxy.relay.lending import Lending
from heatproxy.sql.prefilter import Prefilter
from heatproxy.wire.login import Login
from heatproxy.wire.packets import err, frame

log = logging.getLogger(__name__)

Dial = Callable[[Callable[[], asyncio.Protocol]], Awaitable[object]]


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
        self.worker = worker
        self.client = Leg(_too_early, self.close, self._on_client)
        self.backend = Leg(_too_early, self._backend_lost)
        self.closed = False
        self.commands: Commands | None = None  # while not logging in
        self._lending: Lending | None = None
        self._ahead = b""
        self._admit(Login(client_secure=False, backend_secure=worker.backend_secure))

    # --- life -----------------------------------------------------------------------

    def _on_client(self) -> None:
        self.worker.sessions.add(self)
        self.worker.tasks.create_task(self._dial())

    async def _dial(self) -> None:
        try:
            await self.worker.dial(lambda: self.backend)
        except OSError as problem:
            log.warning("the backend cannot be reached: %s", problem)
            text = "heatproxy cannot reach its MySQL backend"
            self.client.write(frame(err(MySQLError(2003, "HY000", text)), 0))
            self.close()
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
        self.worker.sessions.discard(self)
        self.client.hang_up()
        self.backend.close()
        if self._lending is not None:
            self._lending.close()

    def _backend_lost(self) -> None:
        if self.commands is not None and not self.closed:
            self.commands.flush()
        self.close()

    # --- phases ---------------------------------------------------------------------

    def _admit(self, login: Login) -> None:
        admission = Admission(self, login)
        self.client.on_bytes = admission.from_client
        self.backend.on_bytes = admission.from_backend

    def admitted(self, login: Login) -> None:
        """The backend has let the client in: commands follow."""
        assert login.greeting is not None
        if self._lending is None:
            self._lending = Lending(self, login.greeting.thread_id)
        ahead, self._ahead = self._ahead, b""
        self.commands = Commands(self, self._lending, login)
        self.client.on_bytes = self.commands.from_client
        self.backend.on_bytes = self.commands.from_backend
        if ahead:
            self.commands.from_client(ahead)

    def change_user(self, login: Login, ahead: bytes) -> None:
        """A COM_CHANGE_USER is relayed: the next packets are a login's.

        ``ahead`` is what the client has sent behind it already.
        """
        self.commands = None
        self._ahead = ahead
        self._admit(login.again())


def _too_early(data: bytes) -> None:
    """Replaced by the first phase before any byte can come."""
