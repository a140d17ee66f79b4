"""The connection phase as one conversation, with bytes in and bytes out.

Feed it what either side sends; it says what to send to whom and which leg to put under
TLS, counting the packets of each leg by itself, since the two legs may differ in how
many they exchange.

Source: MySQL Source Code Documentation, "Connection Phase", "SSL Handshake".
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum

from heatproxy.errors import (
    MySQLError,
    ProtocolError,
    backend_not_secured,
    bad_handshake,
    insecure_transport,
    packets_out_of_order,
)
from heatproxy.wire.authentication import SHA256, Authentication, Legs
from heatproxy.wire.compression import ALGORITHMS, Compression, chosen, offered
from heatproxy.wire.handshake import (
    SSL_REQUEST_BYTES,
    ClientHello,
    Greeting,
    Side,
    Step,
    is_ssl_request,
    mask_greeting,
)
from heatproxy.wire.packets import Capability, PacketReader, err, frame
from heatproxy.wire.password_key import PasswordKey

LOGIN_BYTES = 1 << 20  # of a packet whose sender nobody knows yet


class BackendTls(Enum):
    """When the backend's leg is put under TLS."""

    AS_CLIENT = "as_client"
    REQUIRED = "required"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a login may do with the two legs.

    ``backend_local``: nobody between heatproxy and the backend could listen, as it is
    on a unix socket or a loopback address. Elsewhere a client with TLS is served over
    TLS or not at all.
    """

    key: PasswordKey
    offers_tls: bool = False  # to clients
    requires_tls: bool = False  # of clients
    backend_tls: BackendTls = BackendTls.AS_CLIENT
    backend_unix: bool = False
    backend_local: bool = False
    compression: Collection[str] = ALGORITHMS  # that clients may choose from


@dataclass(frozen=True, slots=True)
class StartTls:
    """From here on this side speaks TLS; ``surplus`` of it has been read already."""

    side: Side
    surplus: bytes = b""


class Login:
    """One login, or one COM_CHANGE_USER, between a client and its backend.

    ``over`` is true once it is decided. ``status`` then holds the session's first
    status flags, or None when the client was refused: the connection ends, whatever
    the client sends next. ``client_tls`` and ``backend_tls`` say what the legs are.
    """

    def __init__(self, terms: Terms) -> None:
        self.over = False
        self.status: int | None = None
        self.user: str | None = None  # once the client has named it
        self.capabilities = 0
        self.greeting: Greeting | None = None
        self.client_tls = self.backend_tls = False
        self.compression: Compression | None = None  # of the client's leg from then on
        self._terms = terms
        self._offers_tls = False
        self._authentication: Authentication | None = None
        self._readers = {side: PacketReader() for side in Side}
        self._sequence = {Side.CLIENT: -1, Side.BACKEND: -1}

    def again(self) -> "Login":
        """The conversation of a COM_CHANGE_USER, whose command is relayed already."""
        assert self.greeting is not None
        login = Login(self._terms)
        login.greeting, login.capabilities = self.greeting, self.capabilities
        login.client_tls, login.backend_tls = self.client_tls, self.backend_tls
        login._sequence = {Side.CLIENT: 0, Side.BACKEND: 0}
        login._start(self.greeting.plugin)
        return login

    def feed(self, side: Side, data: bytes) -> list[Step | StartTls]:
        """What to do after these bytes of one side.

        Raises:
            ProtocolError: a peer does not speak the protocol; close both legs.
        """
        buffer = self._readers[side].buffer
        if len(buffer) + len(data) > LOGIN_BYTES:
            raise ProtocolError("a login packet of more than 1 MiB")
        buffer += data
        steps: list[Step | StartTls] = []
        try:
            steps += self._read(side)
            if side is Side.BACKEND:
                steps += self._read(Side.CLIENT)  # what it sent before its turn
        except (IndexError, ValueError) as problem:
            raise ProtocolError(f"malformed login packet: {problem}") from None
        return steps

    def rest(self, side: Side) -> bytes:
        """What this side has sent behind the login."""
        return bytes(self._readers[side].buffer)

    def refusal(self, error: MySQLError) -> Step:
        """The packet that ends the login from our side."""
        self.over, self.status = True, None
        return self._framed((Side.CLIENT, err(error)))

    def _read(self, side: Side) -> Iterator[Step | StartTls]:
        reader = self._readers[side]
        if side is Side.CLIENT and self.greeting is None:
            return  # it speaks first, in some other protocol: after the greeting
        while not self.over and reader.buffer:
            if side is Side.CLIENT and self._is_out_of_order(reader.buffer):
                if not self._awaits_client:
                    return  # a command, sent before the login is decided
                yield self.refusal(packets_out_of_order())
                return
            payload = next(reader.feed(b""), None)
            if payload is None:
                return
            self._sequence[side] = reader.sequence_id
            for step in self._packet(side, payload):
                yield step if isinstance(step, StartTls) else self._framed(step)

    def _is_out_of_order(self, buffer: bytearray) -> bool:
        expected = (self._sequence[Side.CLIENT] + 1) % 256
        return len(buffer) > 3 and buffer[3] != expected

    @property
    def _awaits_client(self) -> bool:
        return self._authentication is None or self._authentication.asked

    def _framed(self, step: Step) -> Step:
        towards, payload = step
        self._sequence[towards] = (self._sequence[towards] + 1) % 256
        return towards, frame(payload, self._sequence[towards])

    def _packet(self, side: Side, payload: bytes) -> list[Step | StartTls]:
        made = self._authentication
        if made is None and side is Side.BACKEND:
            return self._from_backend(payload)
        if made is None:
            return self._from_client(payload)
        if side is Side.CLIENT:
            return [*made.from_client(payload)]
        steps = made.from_backend(payload)
        self.over, self.status = made.finished, made.status
        return [*steps]

    def _from_backend(self, payload: bytes) -> list[Step | StartTls]:
        """The greeting, or the error that comes in its place or while we wait."""
        if self.greeting is not None:
            return self._refuse(payload)
        try:
            self.greeting = Greeting.parse(payload)
        except MySQLError:
            return self._refuse(payload)
        terms, has_tls = self._terms, self._backend_has_tls
        if terms.backend_tls is BackendTls.REQUIRED and not has_tls:
            why = "TLS is required but the server doesn't support it"
            return self._refuse(err(backend_not_secured(why)))
        safe = terms.backend_local
        safe |= has_tls and terms.backend_tls is not BackendTls.DISABLED
        self._offers_tls = terms.offers_tls and safe
        compression = offered(terms.compression)
        masked = mask_greeting(payload, tls=self._offers_tls, compression=compression)
        return [(Side.CLIENT, masked)]

    @property
    def _backend_has_tls(self) -> bool:
        assert self.greeting is not None
        return bool(self.greeting.capabilities & Capability.SSL)

    def _from_client(self, payload: bytes) -> list[Step | StartTls]:
        """The request for TLS, after which all begins anew, or the response."""
        assert self.greeting is not None
        if not self.client_tls:
            if is_ssl_request(payload):
                return self._client_to_tls()
            if int.from_bytes(payload[:4], "little") & Capability.SSL:
                raise ProtocolError("the client announced TLS and began none")
            if self._terms.requires_tls:
                return self._refuse(err(insecure_transport()))
        hello = ClientHello.parse(payload)
        name = payload[SSL_REQUEST_BYTES : payload.index(0, SSL_REQUEST_BYTES)]
        self.user = name.decode("utf-8", "replace")
        try:
            self.compression = chosen(
                hello.capabilities, hello.zstd_level, self._terms.compression
            )
        except MySQLError as refused:
            return self._refuse(err(refused))
        self.capabilities = hello.capabilities & self.greeting.capabilities
        mode = self._terms.backend_tls
        self.backend_tls = mode is BackendTls.REQUIRED or (
            mode is BackendTls.AS_CLIENT and self.client_tls and self._backend_has_tls
        )
        answer = hello.masked(payload, tls=self.backend_tls)
        if hello.plugin == SHA256 and self._legs.differ(SHA256):
            # its answer is the password, or the question for a key, already
            answer = hello.unanswered(answer)
        self._start(hello.plugin or self.greeting.plugin)
        response: Step = (Side.BACKEND, answer)
        if not self.backend_tls:
            return [response]
        if self._readers[Side.BACKEND].buffer:
            raise ProtocolError("the backend spoke before its turn")
        request = (Side.BACKEND, answer[:SSL_REQUEST_BYTES])
        return [request, StartTls(Side.BACKEND), response]

    def _client_to_tls(self) -> list[Step | StartTls]:
        if not self._offers_tls:
            return self._refuse(err(bad_handshake("TLS is not offered here")))
        self.client_tls = True
        buffer = self._readers[Side.CLIENT].buffer
        surplus = bytes(buffer)
        buffer.clear()
        return [StartTls(Side.CLIENT, surplus)]

    def _refuse(self, payload: bytes) -> list[Step | StartTls]:
        self.over = True
        return [(Side.CLIENT, payload)]

    @property
    def _legs(self) -> Legs:
        unix = self._terms.backend_unix
        return Legs(self.client_tls, self.backend_tls, backend_unix=unix)

    def _start(self, plugin: bytes) -> None:
        assert self.greeting is not None
        scramble = self.greeting.scramble
        self._authentication = Authentication(
            plugin, scramble, self._legs, self._terms.key
        )
