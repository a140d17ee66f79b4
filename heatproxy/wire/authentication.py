"""Authentication: its packets, passed on between two legs that may differ.

The backend authenticates the client; heatproxy only carries the packets. One case
needs more. A client whose connection is *secure* sends its password in clear, any
other encrypts it with the server's RSA key; the server expects the one or the other
by what its own connection is. Where exactly one of the two legs is secure, heatproxy
stands for the server's key towards the client, or for the client's encryption towards
the server.

Source: MySQL Source Code Documentation, "Connection Phase", "caching_sha2_password",
"sha256_password", "Multi-Factor Authentication".
"""

import secrets
from dataclasses import dataclass
from enum import Enum, auto

from heatproxy.errors import ProtocolError
from heatproxy.wire.handshake import Side, Step
from heatproxy.wire.packets import EOF, ERR, OK, status_of
from heatproxy.wire.password_key import PasswordKey, encrypt

CACHING_SHA2, SHA256 = b"caching_sha2_password", b"sha256_password"
NEXT_FACTOR = 0x02
AUTH_DATA = b"\x01"  # what a plugin of the server says begins with it
FAST_AUTHENTICATION, FULL_AUTHENTICATION = b"\x01\x03", b"\x01\x04"
ASK_FOR_KEY = {CACHING_SHA2: b"\x02", SHA256: b"\x01"}
NO_PASSWORD = (b"", b"\x00")  # as clients say it
SCRAMBLE_BYTES = 20


@dataclass(frozen=True, slots=True)
class Legs:
    """What the two connections of a session are."""

    client_tls: bool = False
    backend_tls: bool = False
    backend_unix: bool = False

    def secure(self, plugin: bytes) -> tuple[bool, bool]:
        """Whether the client, and the backend, think theirs secure enough.

        For sha256_password a unix socket is not: both ends of it ask for TLS.
        """
        unix = self.backend_unix and plugin != SHA256
        return self.client_tls, self.backend_tls or unix

    def differ(self, plugin: bytes) -> bool:
        """Whether a password must change its wrapping on the way."""
        client, backend = self.secure(plugin)
        return plugin in ASK_FOR_KEY and client != backend


class _Password(Enum):
    """How the client's next packet is to be taken."""

    AS_IT_IS = auto()
    TO_DECRYPT = auto()  # a plain client of a secure backend
    TO_ENCRYPT = auto()  # a secure client of a plain backend


class Authentication:
    """Packets from the client's answer to the greeting on, until OK or ERR.

    ``status`` is None until the backend has said OK; ``finished`` is true when it
    has decided either way. ``asked`` says whether the client is to speak next. Used
    for the first login and for COM_CHANGE_USER.
    """

    def __init__(
        self, plugin: bytes, scramble: bytes, legs: Legs, key: PasswordKey
    ) -> None:
        self.finished = False
        self.status: int | None = None
        self.asked = False
        self._legs, self._key = legs, key
        self._plugin, self._scramble = plugin, scramble
        self._next = _Password.AS_IT_IS
        self._password: bytes | None = None  # while the backend's key is awaited

    def from_backend(self, payload: bytes) -> list[Step]:
        """What to send after a packet of the backend.

        Raises:
            ProtocolError: it sent no key when it was asked for one.
        """
        head = payload[0]
        self.asked = head not in (OK, ERR) and payload != FAST_AUTHENTICATION
        if not self.asked:
            self.finished = head in (OK, ERR)
            self.status = status_of(payload) if head == OK else None
            self._password = None
        elif self._password is not None:
            return self._encrypted_for(payload)
        elif head in (EOF, NEXT_FACTOR):
            self._plugin, _, data = payload[1:].partition(b"\x00")
            self._scramble = data[:SCRAMBLE_BYTES]
            self._next = self._how() if self._plugin == SHA256 else _Password.AS_IT_IS
        elif payload == FULL_AUTHENTICATION and self._plugin == CACHING_SHA2:
            self._next = self._how()
        return [(Side.CLIENT, payload)]

    def from_client(self, payload: bytes) -> list[Step]:
        """What to send after a packet of the client."""
        if self._next is _Password.AS_IT_IS or payload in NO_PASSWORD:
            self.asked = False
            return [(Side.BACKEND, payload)]
        asking = ASK_FOR_KEY[self._plugin]
        if self._next is _Password.TO_DECRYPT:
            if payload == asking:
                return [(Side.CLIENT, AUTH_DATA + self._key.public_pem)]
            payload = self._decrypted(payload)
        else:
            self._password, payload = payload, asking
        self._next = _Password.AS_IT_IS
        self.asked = False
        return [(Side.BACKEND, payload)]

    def _how(self) -> _Password:
        if not self._legs.differ(self._plugin):
            return _Password.AS_IT_IS
        client_secure, _ = self._legs.secure(self._plugin)
        return _Password.TO_ENCRYPT if client_secure else _Password.TO_DECRYPT

    def _encrypted_for(self, payload: bytes) -> list[Step]:
        """The password that waited, for the key that the backend has sent."""
        password, self._password = self._password, None
        assert password is not None
        self.asked = False
        if payload[:1] != AUTH_DATA:
            raise ProtocolError("the backend sent no key for the password")
        return [(Side.BACKEND, encrypt(password, self._scramble, payload[1:]))]

    def _decrypted(self, payload: bytes) -> bytes:
        try:
            return self._key.decrypt(payload, self._scramble)
        except ProtocolError:
            # a password that nobody has: MySQL refuses it in its own words and counts
            # it among the failed ones
            return secrets.token_hex(32).encode() + b"\x00"
