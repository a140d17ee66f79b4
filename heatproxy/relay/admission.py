"""A client's login: its packets and the backend's, until one side is refused or in."""

import logging
from typing import TYPE_CHECKING

from heatproxy.errors import ProtocolError
from heatproxy.wire.handshake import Side
from heatproxy.wire.login import Login

if TYPE_CHECKING:
    from heatproxy.relay.frontend import Frontend

log = logging.getLogger(__name__)


class Admission:
    """The connection phase of a session, and its COM_CHANGE_USER later."""

    def __init__(self, frontend: "Frontend", login: Login) -> None:
        self._frontend = frontend
        self._login = login

    def from_client(self, data: bytes) -> None:
        self._feed(Side.CLIENT, data)

    def from_backend(self, data: bytes) -> None:
        self._feed(Side.BACKEND, data)

    def _feed(self, side: Side, data: bytes) -> None:
        frontend = self._frontend
        try:
            steps = self._login.feed(side, data)
        except ProtocolError as problem:
            log.warning("session closed: %s", problem)
            frontend.close()
            return
        for towards, reply in steps:
            leg = frontend.client if towards is Side.CLIENT else frontend.backend
            leg.write(reply)
        if not self._login.over:
            return
        if self._login.status is None:
            frontend.close()
        else:
            frontend.admitted(self._login)
