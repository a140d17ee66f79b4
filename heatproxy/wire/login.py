"""The connection phase as one conversation, with bytes in and bytes out.

Feed it what either side sends; it says what to send to whom, counting the packets of
each leg by itself, since the two legs may differ in how many they exchange.
"""

from heatproxy.errors import MySQLError, ProtocolError
from heatproxy.wire.handshake import (
    ClientHello,
    Greeting,
    LoginRelay,
    Side,
    Step,
    mask_greeting,
)
from heatproxy.wire.packets import PacketReader, err, frame

LOGIN_BYTES = 1 << 20  # of a packet whose sender nobody knows yet


class Login:
    """One login, or one COM_CHANGE_USER, between a client and its backend.

    ``over`` is true once the backend has decided. ``status`` then holds the session's
    first status flags, or None when the client was refused: the connection ends,
    whatever the client sends next.
    """

    def __init__(self, *, client_secure: bool, backend_secure: bool) -> None:
        self.over = False
        self.status: int | None = None
        self.capabilities = 0
        self.greeting: Greeting | None = None
        self._secure = (client_secure, backend_secure)
        self._relay: LoginRelay | None = None
        self._readers = {side: PacketReader() for side in Side}
        self._sequence = {Side.CLIENT: -1, Side.BACKEND: -1}

    def again(self) -> "Login":
        """The conversation of a COM_CHANGE_USER, whose command is relayed already."""
        assert self.greeting is not None
        client_secure, backend_secure = self._secure
        login = Login(client_secure=client_secure, backend_secure=backend_secure)
        login.greeting, login.capabilities = self.greeting, self.capabilities
        login._sequence = {Side.CLIENT: 0, Side.BACKEND: 0}
        login._start(self.greeting.plugin)
        return login

    def feed(self, side: Side, data: bytes) -> list[Step]:
        """What to send to whom after these bytes of one side.

        Raises:
            ProtocolError: a peer does not speak the protocol; close both legs.
        """
        steps: list[Step] = []
        try:
            if len(self._readers[side].buffer) + len(data) > LOGIN_BYTES:
                raise ProtocolError("a login packet of more than 1 MiB")
            for payload in self._readers[side].feed(data):
                self._sequence[side] = self._readers[side].sequence_id
                for towards, reply in self._packet(side, payload):
                    self._sequence[towards] = (self._sequence[towards] + 1) % 256
                    steps.append((towards, frame(reply, self._sequence[towards])))
        except (IndexError, ValueError) as problem:
            raise ProtocolError(f"malformed login packet: {problem}") from None
        return steps

    def _packet(self, side: Side, payload: bytes) -> list[Step]:
        if self._relay is None:
            return self._first_packets(side, payload)
        if side is Side.CLIENT:
            return self._relay.from_client(payload)
        steps = self._relay.from_backend(payload)
        self.over, self.status = self._relay.finished, self._relay.status
        return steps

    def _first_packets(self, side: Side, payload: bytes) -> list[Step]:
        if side is Side.BACKEND:
            if self.greeting is not None:  # it gave up waiting for the client
                return self._refuse(payload)
            try:
                self.greeting = Greeting.parse(payload)
            except MySQLError:
                return self._refuse(payload)
            return [(Side.CLIENT, mask_greeting(payload))]
        if self.greeting is None:
            raise ProtocolError("the client spoke before the greeting")
        try:
            hello = ClientHello.parse(payload)
        except MySQLError as refused:
            return self._refuse(err(refused))
        self.capabilities = hello.capabilities & self.greeting.capabilities
        self._start(hello.plugin or self.greeting.plugin)
        return [(Side.BACKEND, hello.masked(payload))]

    def _refuse(self, payload: bytes) -> list[Step]:
        self.over = True
        return [(Side.CLIENT, payload)]

    def _start(self, plugin: bytes) -> None:
        assert self.greeting is not None
        self._relay = LoginRelay(plugin, self.greeting.scramble, *self._secure)
