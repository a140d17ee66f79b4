"""One connection of a session: its bytes, what wraps them, what holds them back."""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

HIGH_WATER_BYTES = 1 << 20  # of what a peer has not taken yet
LINGER_S = 2.0


class Layer(Protocol):
    """What stands between a socket's bytes and the protocol's: TLS, compression."""

    def receive(self, data: bytes) -> tuple[bytes, bytes]:
        """What arrived, unwrapped, and what must be sent at once for it."""
        ...

    def send(self, data: bytes) -> bytes:
        """The bytes to send for these."""
        ...


class Leg(asyncio.Protocol):
    """One side of a session: transport calls turned into calls of the session.

    ``on_bytes`` is whoever reads at the moment; it changes with the session's phase.
    """

    def __init__(
        self,
        on_bytes: Callable[[bytes], None],
        on_lost: Callable[[], None],
        on_made: Callable[[], None] = lambda: None,
    ) -> None:
        self.on_bytes, self._on_lost, self._on_made = on_bytes, on_lost, on_made
        self.transport: asyncio.Transport | None = None
        self.sources: list[Leg] = []  # legs to hold back while this one is full
        self._layers: list[Layer] = []  # from the socket inwards
        self._early: list[bytes] = []
        self._reasons: set[object] = set()
        self._closed = False

    # --- what a transport calls -----------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none
        self.transport.set_write_buffer_limits(HIGH_WATER_BYTES)
        for data in self._early:
            self.transport.write(data)
        self._early.clear()
        if self._closed:
            self.transport.close()
        self._on_made()

    def data_received(self, data: bytes) -> None:
        if self._layers:
            data = self._unwrapped(data)
            if not data:
                return
        self.on_bytes(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_lost()

    def pause_writing(self) -> None:
        for source in self.sources:
            source.hold(self)

    def resume_writing(self) -> None:
        for source in self.sources:
            source.release(self)

    # --- what a session calls -------------------------------------------------------

    def hold(self, reason: object) -> None:
        """Read no more until every reason to hold is gone."""
        if not self._reasons and self.transport is not None:
            self.transport.pause_reading()
        self._reasons.add(reason)

    def release(self, reason: object) -> None:
        """One reason to hold is gone."""
        if reason in self._reasons:
            self._reasons.remove(reason)
            if not self._reasons and self.transport is not None:
                self.transport.resume_reading()

    def wrap(self, layer: Layer) -> None:
        """From here on the bytes of both directions go through a layer more."""
        self._layers.append(layer)

    def write(self, data: bytes) -> None:
        """Send, or keep until there is a connection."""
        for layer in reversed(self._layers):
            data = layer.send(data)
        if self.transport is None:
            self._early.append(data)
        else:
            self.transport.write(data)

    def close(self) -> None:
        """Send what was written, then end; also when it is not connected yet."""
        self._closed = True
        if self.transport is not None:
            self.transport.close()

    def hang_up(self) -> None:
        """Close, but let the peer read what was written first.

        A socket that is closed with bytes unread in it resets the connection, and the
        peer loses what it has not read yet: the error that says why. So only our side
        is closed; what still comes is thrown away until the peer closes too.

        Source: RFC 9112, 9.6 "Tear-down", for the same of HTTP.
        """
        if self._closed or self.transport is None or not self.transport.can_write_eof():
            self.close()
            return
        self._closed = True
        self.on_bytes = _discard
        self._layers.clear()
        if not self.transport.is_closing():
            self.transport.write_eof()
            for reason in list(self._reasons):
                self.release(reason)
            # the transport ends by itself when the peer does
            asyncio.get_running_loop().call_later(LINGER_S, self.transport.close)

    def _unwrapped(self, data: bytes) -> bytes:
        for depth, layer in enumerate(self._layers):
            data, answer = layer.receive(data)
            if answer:
                for outer in reversed(self._layers[:depth]):
                    answer = outer.send(answer)
                assert self.transport is not None
                self.transport.write(answer)
            if not data:
                break
        return data


def _discard(data: bytes) -> None:
    """Nobody reads any more."""
