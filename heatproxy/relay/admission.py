"""A client's login: its packets and the backend's, until one side is refused or in."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, assert_never

from heatproxy.errors import (
    MySQLError,
    ProtocolError,
    backend_not_secured,
    bad_handshake,
    too_many_of_user,
)
from heatproxy.relay.leg import Leg
from heatproxy.wire.authentication import FAST_AUTHENTICATION
from heatproxy.wire.handshake import Side, Step
from heatproxy.wire.login import Login, StartTls

if TYPE_CHECKING:
    from heatproxy.relay.frontend import Frontend


class Admission:
    """The connection phase of a session, and its COM_CHANGE_USER later."""

    def __init__(self, frontend: "Frontend", login: Login) -> None:
        self._frontend = frontend
        self._login = login
        self._held: list[tuple[Side, bytes]] | None = None  # while the gate is asked
        self._said = b""  # to the client, and sent with what comes next

    @property
    def connection_id(self) -> int | None:
        """What the greeting says, if there was one."""
        greeting = self._login.greeting
        return None if greeting is None else greeting.thread_id

    def from_client(self, data: bytes) -> None:
        self._feed(Side.CLIENT, data)

    def from_backend(self, data: bytes) -> None:
        self._feed(Side.BACKEND, data)

    def change_user(self, command: bytes) -> None:
        """A COM_CHANGE_USER begins it: framed, with the name of who it is to be."""
        name = command[5:].partition(b"\x00")[0]
        self._login.user = name.decode("utf-8", "replace")
        self._count(self._login.user, [(Side.BACKEND, command)])

    def refuse(self, error: MySQLError) -> None:
        """End the login from our side; the caller closes the session."""
        if not self._login.over:
            self._send(Side.CLIENT, self._login.refusal(error)[1])

    def backend_broken(self, problem: ProtocolError) -> None:
        """The backend's TLS has failed; the client waits to hear of its login."""
        self.refuse(backend_not_secured(str(problem)))

    def _feed(self, side: Side, data: bytes) -> None:
        frontend, login = self._frontend, self._login
        if self._held is not None:
            self._held.append((side, data))
            return
        try:
            steps = login.feed(side, data)
        except ProtocolError as problem:
            if login.greeting is not None:
                self.refuse(bad_handshake(str(problem)))
            why = {"why": str(problem), "peer": frontend.peer}
            frontend.log(logging.WARNING, "session closed", **why)
            frontend.close()
            return
        if login.user is None or login.user == frontend.user or login.over:
            self._take(steps)
        else:
            self._count(login.user, steps)

    def _count(self, user: str, steps: Sequence[Step | StartTls]) -> None:
        """Take these steps of a user's, if there may be one more of them."""
        self._frontend.user = user
        if not self._frontend.worker.gate.counts_users:
            self._take(steps)
            return
        self._held = []
        self._frontend.worker.tasks.create_task(self._ask(user, steps))

    async def _ask(self, user: str, steps: Sequence[Step | StartTls]) -> None:
        frontend = self._frontend
        gate = frontend.worker.gate
        may = await gate.admit(frontend.number, user)
        if frontend.closed:
            gate.leave(frontend.number)  # it may have been counted after it left
            return
        if not may:
            frontend.count_refusal("connections_per_user")
            self.refuse(too_many_of_user(user, gate.limits.connections_per_user))
            frontend.close()
            return
        held, self._held = self._held or [], None
        self._take(steps)
        for side, data in held:
            self._feed(side, data)

    def _take(self, steps: Sequence[Step | StartTls]) -> None:
        frontend, login = self._frontend, self._login
        for step in steps:
            match step:
                case StartTls(side=which, surplus=surplus):
                    self._start_tls(which, surplus)
                case (towards, reply):
                    self._send(towards, reply)
                case _:
                    assert_never(step)
        if not login.over or frontend.closed:
            return
        if login.status is None:
            self._log_failure(steps)
            frontend.close()
        else:
            frontend.admitted(login)

    def _send(self, towards: Side, reply: bytes) -> None:
        """Send a packet; what says no more than that another follows goes with it.

        Each packet sent by itself wakes the client up once more.
        """
        if towards is Side.BACKEND:
            self._frontend.backend.write(reply)
        elif reply[4:] == FAST_AUTHENTICATION and not self._login.over:
            self._said = reply
        else:
            self._frontend.client.write(self._said + reply)
            self._said = b""

    def _log_failure(self, steps: Sequence[Step | StartTls]) -> None:
        frontend = self._frontend
        number = None
        for step in steps:
            if isinstance(step, StartTls) or step[0] is Side.BACKEND:
                continue
            if step[1][4:5] == b"\xff":
                number = int.from_bytes(step[1][5:7], "little")
        frontend.worker.ledger.count("logins_failed")
        who = {"user": self._login.user, "peer": frontend.peer}
        frontend.log(logging.WARNING, "login failed", **who, error=number)

    def _leg(self, side: Side) -> Leg:
        frontend = self._frontend
        return frontend.client if side is Side.CLIENT else frontend.backend

    def _start_tls(self, side: Side, surplus: bytes) -> None:
        security, leg = self._frontend.worker.security, self._leg(side)
        if side is Side.CLIENT:
            leg.wrap(security.client_layer())
            if surplus:
                leg.data_received(surplus)
        else:
            leg.wrap(security.backend_layer())
