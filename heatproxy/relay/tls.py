"""TLS as a layer of a leg: bytes in, bytes out, without a socket.

asyncio's own ``start_tls`` loses what arrived together with the request for TLS; here
whoever has read bytes too many gives them to the layer.

Source: cpython issue 142352; RFC 8446, 6.1 "Closure Alerts".
"""

import ssl
from collections import deque
from contextlib import suppress
from typing import cast

from heatproxy.errors import ProtocolError

PIECE_BYTES = 1 << 16  # memory BIOs keep the room that one piece has taken
RECORD_BYTES = 1 << 14
READ_BYTES = 1 << 18  # what a transport reads at once
# For what one call reads, whoever's it is: all TLS of a process is in one thread.
_ROOM = memoryview(bytearray(READ_BYTES + 4 * RECORD_BYTES))


class TlsLayer:
    """One side of one TLS connection; the handshake begins with the first bytes.

    Args:
        server: this is the side that has the certificate.
        hostname: the name that the other side's certificate must be for, where the
            context checks it.
    """

    def __init__(
        self, context: ssl.SSLContext, *, server: bool, hostname: str | None = None
    ) -> None:
        self.ended = self.more = False
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server, server_hostname=hostname
        )
        self._established = False
        self._waiting: deque[bytes] = deque()  # to be sent once it is

    def receive(self, data: bytes) -> tuple[bytes, bytes]:
        """What the peer said, in clear, and what TLS itself has to say to it.

        Raises:
            ProtocolError: it is no TLS, or none that we accept; ``end`` has the alert
                that says so.
        """
        if not self._established or self.ended or len(data) > RECORD_BYTES:
            return self._receive_any(data)
        # all in one place, for most commands and replies are one short record
        incoming, outgoing = self._incoming, self._outgoing
        incoming.write(data)
        try:
            plain = self._tls.read(len(data))  # a record is longer than what it says
        except ssl.SSLWantReadError:
            plain = b""
        except ssl.SSLError as problem:
            raise ProtocolError(f"TLS: {_reason(problem)}") from None
        if not plain or incoming.pending or len(plain) == len(data):
            return self._receive_any(b"", plain)
        return plain, outgoing.read() if outgoing.pending else b""

    def send(self, data: bytes) -> bytes:
        """The records for these bytes; none before the handshake is done."""
        if not self._established:
            self._waiting.append(data)
            try:
                self._shake_hands()
            except ssl.SSLError as problem:
                raise ProtocolError(f"TLS: {_reason(problem)}") from None
            return self._outgoing.read()
        if self.ended or not data:
            return b""
        if len(data) <= PIECE_BYTES:
            self._tls.write(data)
            return self._outgoing.read()
        view = memoryview(data)
        records = []
        for start in range(0, len(data), PIECE_BYTES):
            self._tls.write(view[start : start + PIECE_BYTES])
            records.append(self._outgoing.read())
        return b"".join(records)

    def end(self) -> bytes:
        """What is to be sent still, and the end of what we say."""
        self._waiting.clear()
        # which raises when the peer has not said the same, or in a handshake
        with suppress(ssl.SSLError, ValueError):
            self._tls.unwrap()
        return self._outgoing.read()

    def _shake_hands(self) -> bool:
        """Go on with the handshake; whether it is done."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self._established = True
        while self._waiting:
            if data := self._waiting.popleft():
                self._tls.write(data)
        return True

    def _receive_any(self, data: bytes, first: bytes = b"") -> tuple[bytes, bytes]:
        """Like ``receive``, whatever arrives when; ``first`` has been read already."""
        if len(data) > READ_BYTES:
            halves = data[:READ_BYTES], data[READ_BYTES:]
            plain, answers = zip(*map(self._receive_any, halves), strict=True)
            return b"".join(plain), b"".join(answers)
        _ROOM[: len(first)] = first
        try:
            filled = self._read_pieces(memoryview(data), len(first))
        except ssl.SSLError as problem:
            raise ProtocolError(f"TLS: {_reason(problem)}") from None
        # TLS may have something to say itself, such as new keys
        return bytes(_ROOM[:filled]), self._outgoing.read()

    def _read_pieces(self, data: memoryview, filled: int) -> int:
        for start in range(0, len(data) or 1, PIECE_BYTES):
            self._incoming.write(data[start : start + PIECE_BYTES])
            filled = self._read(filled)
        return filled

    def _read(self, filled: int) -> int:
        """Put all that is whole by now into the room; up to where it is filled."""
        tls, incoming = self._tls, self._incoming
        if not self._established and not self._shake_hands():
            return filled
        try:
            while not self.ended:
                room = _ROOM[filled:] if filled else _ROOM
                count = cast(int, tls.read(RECORD_BYTES, room))
                if not count:
                    self.ended = True
                    break
                filled += count
                if not incoming.pending and not tls.pending():
                    break
        except ssl.SSLWantReadError:
            pass  # the rest of a record is on its way
        return filled


def _reason(problem: ssl.SSLError) -> str:
    """OpenSSL's words for it, without its addresses in the source."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return str(problem.verify_message)
    return (problem.reason or str(problem)).replace("_", " ").lower()
