"""Login: the backend's greeting and the client's answer, passed through.

The backend authenticates the client; heatproxy only carries the packets. One case
needs more: with caching_sha2_password a client on plain TCP encrypts its password with
the server's RSA key, while the backend on a unix socket expects it in clear.
``LoginRelay`` then offers a key of its own. Which case applies is decided by whether
each leg is *secure* (TLS or a unix socket) in the eyes of the peer at its other end.
For sha256_password a unix socket is not secure: both ends speak of the same key.

Source: MySQL Source Code Documentation, "Connection Phase", "caching_sha2_password".
"""

from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from itertools import cycle

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from heatproxy.errors import MySQLError, ProtocolError
from heatproxy.wire.packets import (
    EOF,
    ERR,
    OK,
    Capability,
    parse_err,
    read_lenenc,
    status_of,
)

CACHING_SHA2 = b"caching_sha2_password"
FULL_AUTHENTICATION = b"\x01\x04"
ASK_FOR_KEY = b"\x02"
# Not relayed: compression and TLS on the client leg are not offered.
MASKED = Capability.COMPRESS | Capability.ZSTD | Capability.SSL
TLS_NOT_OFFERED = MySQLError(
    3159, "HY000", "heatproxy does not offer TLS to clients: connect without it"
)


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the backend says first."""

    version: str
    thread_id: int
    capabilities: int
    charset: int
    status: int
    scramble: bytes  # 20 bytes
    plugin: bytes

    @classmethod
    def parse(cls, payload: bytes) -> "Greeting":
        """Read a protocol-10 greeting.

        Raises:
            MySQLError: the backend refused the connection with an ERR, such as 1040.
            ProtocolError: it is neither.
        """
        if payload[0] == ERR:
            raise parse_err(payload)
        if payload[0] != 10:
            raise ProtocolError(f"greeting of protocol {payload[0]}")
        end = payload.index(0, 1)
        at = end + 1
        low = payload[at + 13 : at + 15]
        high = payload[at + 18 : at + 20]
        tail = payload[at + 31 :]
        return cls(
            version=payload[1:end].decode("ascii", "replace"),
            thread_id=int.from_bytes(payload[at : at + 4], "little"),
            capabilities=int.from_bytes(low + high, "little"),
            charset=payload[at + 15],
            status=int.from_bytes(payload[at + 16 : at + 18], "little"),
            scramble=payload[at + 4 : at + 12] + tail[:12],
            plugin=tail[13:].rstrip(b"\x00"),
        )


def mask_greeting(payload: bytes) -> bytes:
    """The greeting without the capabilities that are not relayed."""
    at = payload.index(0, 1) + 1
    keep = ~int(MASKED) & 0xFFFFFFFF
    masked = bytearray(payload)
    for offset, shift in ((at + 13, 0), (at + 18, 16)):
        part = int.from_bytes(masked[offset : offset + 2], "little")
        part &= keep >> shift & 0xFFFF
        masked[offset : offset + 2] = part.to_bytes(2, "little")
    return bytes(masked)


@dataclass(frozen=True, slots=True)
class ClientHello:
    """The client's answer to the greeting, as far as it matters here."""

    capabilities: int
    charset: int
    plugin: bytes | None

    @classmethod
    def parse(cls, payload: bytes) -> "ClientHello":
        """Read a HandshakeResponse41.

        Raises:
            MySQLError: 3159, the client asks for TLS.
            ProtocolError: it is not a response of protocol 4.1.
        """
        capabilities = int.from_bytes(payload[:4], "little")
        if not capabilities & Capability.PROTOCOL_41 or len(payload) < 32:
            raise ProtocolError("the client does not speak protocol 4.1")
        if capabilities & Capability.SSL:
            raise TLS_NOT_OFFERED
        return cls(capabilities, payload[8], _plugin_in(payload, capabilities))

    def masked(self, payload: bytes) -> bytes:
        """The same response, asking for nothing that is not relayed."""
        kept = self.capabilities & ~MASKED
        return kept.to_bytes(4, "little") + payload[4:]


def _plugin_in(payload: bytes, capabilities: int) -> bytes | None:
    position = payload.index(0, 32) + 1  # behind the user's name
    if capabilities & Capability.PLUGIN_AUTH_LENENC:
        length, position = read_lenenc(payload, position)
    else:
        length, position = payload[position], position + 1
    position += length
    if capabilities & Capability.CONNECT_WITH_DB:
        position = payload.index(0, position) + 1
    if not capabilities & Capability.PLUGIN_AUTH:
        return None
    return payload[position:].partition(b"\x00")[0]


class Side(Enum):
    """Where a packet goes."""

    CLIENT = auto()
    BACKEND = auto()


Step = tuple[Side, bytes]


class LoginRelay:
    """Packets of one login, from the client's response to OK or ERR.

    ``status`` is None until the backend has said OK; ``finished`` is true when it
    has decided either way. Used for the first login and for COM_CHANGE_USER.
    """

    def __init__(
        self, plugin: bytes, scramble: bytes, client_secure: bool, backend_secure: bool
    ) -> None:
        self.finished = False
        self.status: int | None = None
        self._plugin = plugin
        self._scramble = scramble
        self._bridging = backend_secure and not client_secure
        self._full_authentication = False
        self._key_sent = False

    def from_backend(self, payload: bytes) -> list[Step]:
        """What to pass on after a packet of the backend."""
        head = payload[0]
        if head == OK:
            self.finished, self.status = True, status_of(payload)
        elif head == ERR:
            self.finished = True
        elif head == EOF:
            self._plugin, _, data = payload[1:].partition(b"\x00")
            self._scramble = data[:20]
            self._full_authentication = False
        elif payload == FULL_AUTHENTICATION:
            self._full_authentication = self._plugin == CACHING_SHA2
        return [(Side.CLIENT, payload)]

    def from_client(self, payload: bytes) -> list[Step]:
        """What to pass on after a packet of the client.

        Raises:
            ProtocolError: the encrypted password cannot be read.
        """
        if not (self._bridging and self._full_authentication):
            return [(Side.BACKEND, payload)]
        if payload == ASK_FOR_KEY and not self._key_sent:
            self._key_sent = True
            return [(Side.CLIENT, b"\x01" + _public_key())]
        if not self._key_sent:
            return [(Side.BACKEND, payload)]
        self._key_sent = False
        return [(Side.BACKEND, _decrypt(payload, self._scramble))]


@cache
def _private_key() -> rsa.RSAPrivateKey:
    """The key of this process; made when the first client needs it."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _public_key() -> bytes:
    return (
        _private_key()
        .public_key()
        .public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        )
    )


def _decrypt(blob: bytes, scramble: bytes) -> bytes:
    """The password, NUL at its end, out of its RSA and XOR wrapping."""
    try:
        mixed = _private_key().decrypt(
            blob,
            padding.OAEP(
                # the protocol fixes SHA-1 here
                mgf=padding.MGF1(algorithm=hashes.SHA1()),  # noqa: S303
                algorithm=hashes.SHA1(),  # noqa: S303
                label=None,
            ),
        )
    except (ValueError, UnsupportedAlgorithm):
        raise ProtocolError("the encrypted password cannot be read") from None
    return bytes(a ^ b for a, b in zip(mixed, cycle(scramble), strict=False))
