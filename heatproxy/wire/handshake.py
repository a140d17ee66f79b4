"""The first two packets: the backend's greeting and the client's answer to it.

Both are passed on, less what is agreed upon for each leg by itself: the client is
offered TLS when heatproxy has a certificate, and compression as the settings say; the
backend is asked for TLS as the login's terms say, and never for compression.

Source: MySQL Source Code Documentation, "Connection Phase".
"""

from dataclasses import dataclass
from enum import Enum, auto

from heatproxy.errors import ProtocolError
from heatproxy.wire.packets import ERR, Capability, parse_err, read_lenenc

SSL_REQUEST_BYTES = 32
# Not relayed between the legs: each has its own.
MASKED = Capability.COMPRESS | Capability.ZSTD | Capability.SSL
NO_PLUGIN = b"heatproxy_has_none\x00"  # which no account has


class Side(Enum):
    """Where a packet goes."""

    CLIENT = auto()
    BACKEND = auto()


Step = tuple[Side, bytes]


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


def mask_greeting(payload: bytes, *, tls: bool = False, compression: int = 0) -> bytes:
    """The greeting without what is not relayed, and with what is offered here.

    ``compression`` is the capabilities of what is offered.
    """
    at = payload.index(0, 1) + 1
    low, high = slice(at + 13, at + 15), slice(at + 18, at + 20)
    offered = int.from_bytes(payload[low] + payload[high], "little")
    bits = (_own(offered, tls) | compression).to_bytes(4, "little")
    masked = bytearray(payload)
    masked[low], masked[high] = bits[:2], bits[2:]
    return bytes(masked)


def _own(capabilities: int, tls: bool) -> int:
    return capabilities & ~MASKED | (Capability.SSL if tls else 0)


def is_ssl_request(payload: bytes) -> bool:
    """Whether this is the packet after which a client begins TLS."""
    wanted = int.from_bytes(payload[:4], "little") & Capability.SSL
    return len(payload) == SSL_REQUEST_BYTES and bool(wanted)


@dataclass(frozen=True, slots=True)
class ClientHello:
    """The client's answer to the greeting, as far as it matters here."""

    capabilities: int
    charset: int
    plugin: bytes | None
    zstd_level: int = 0  # none

    @classmethod
    def parse(cls, payload: bytes) -> "ClientHello":
        """Read a HandshakeResponse41.

        Raises:
            ProtocolError: it is not a response of protocol 4.1.
        """
        capabilities = int.from_bytes(payload[:4], "little")
        if not capabilities & Capability.PROTOCOL_41 or len(payload) < 32:
            raise ProtocolError("the client does not speak protocol 4.1")
        level = _level_in(payload, capabilities)
        return cls(
            capabilities,
            payload[8],
            _plugin_in(payload, capabilities),
            level[0] if level else 0,
        )

    def masked(self, payload: bytes, *, tls: bool = False) -> bytes:
        """The same response for the backend; ``tls``: that leg has it."""
        level = _level_in(payload, self.capabilities)
        kept = payload[4 : len(payload) - len(level)]
        return _own(self.capabilities, tls).to_bytes(4, "little") + kept

    def unanswered(self, payload: bytes) -> bytes:
        """The same response without the answer to the scramble.

        It names no plugin, so the backend asks for its own with an AuthSwitchRequest.
        """
        start, behind = _answer_in(payload, self.capabilities)
        plugin = _behind_schema(payload, behind, self.capabilities)
        rest = payload[plugin:].partition(b"\x00")[2]
        return payload[:start] + b"\x00" + payload[behind:plugin] + NO_PLUGIN + rest


def _plugin_in(payload: bytes, capabilities: int) -> bytes | None:
    _, behind = _answer_in(payload, capabilities)
    position = _behind_schema(payload, behind, capabilities)
    if not capabilities & Capability.PLUGIN_AUTH:
        return None
    return payload[position:].partition(b"\x00")[0]


def _answer_in(payload: bytes, capabilities: int) -> tuple[int, int]:
    """Where the answer to the scramble begins, its length included, and ends."""
    start = payload.index(0, SSL_REQUEST_BYTES) + 1  # behind the user's name
    if capabilities & Capability.PLUGIN_AUTH_LENENC:
        length, position = read_lenenc(payload, start)
    else:
        length, position = payload[start], start + 1
    return start, position + length


def _level_in(payload: bytes, capabilities: int) -> bytes:
    """The level of zstd, and whatever is behind it: the end of the response."""
    if not capabilities & Capability.ZSTD:
        return b""
    _, position = _answer_in(payload, capabilities)
    position = _behind_schema(payload, position, capabilities)
    if capabilities & Capability.PLUGIN_AUTH:
        position = payload.index(0, position) + 1
    if capabilities & Capability.CONNECT_ATTRIBUTES:
        length, position = read_lenenc(payload, position)
        position += length
    return payload[position:]


def _behind_schema(payload: bytes, position: int, capabilities: int) -> int:
    if capabilities & Capability.CONNECT_WITH_DB:
        return payload.index(0, position) + 1
    return position
