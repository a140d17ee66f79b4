"""One connection of a session: its bytes, what wraps them, what holds them back."""

import asyncio
import os
from collections.abc import Callable
from typing import Protocol, cast

from heatproxy.errors import ProtocolError

HIGH_WATER_BYTES = 1 << 20  # of what a peer has not taken yet
LINGER_S = 2.0
PIECE_BYTES = 1 << 16


class Layer(Protocol):
    """What stands between a socket's bytes and the protocol's: TLS, compression."""

    @property
    def ended(self) -> bool:
        """Whether the peer has said that it will say no more."""
        ...

    @property
    def more(self) -> bool:
        """Whether it has kept back some of what arrived, to be received with b""."""
        ...

    def receive(self, data: bytes) -> tuple[bytes, bytes]:
        """What arrived, unwrapped, and what must be sent at once for it.

        Raises:
            ProtocolError: it cannot be unwrapped.
        """
        ...

    def send(self, data: bytes) -> bytes:
        """The bytes to send for these."""
        ...

    def end(self) -> bytes:
        """What is left to send when nothing more will be written."""
        ...


class Leg(asyncio.Protocol):
    """One side of a session: transport calls turned into calls of the session.

    ``on_bytes`` is whoever reads at the moment; it changes with the session's phase.
    ``bytes_in`` and ``bytes_out`` are the protocol's, without what wraps them.
    ``on_broken`` is told when what arrives makes no sense, and ends the session.
    """

    def __init__(
        self,
        on_bytes: Callable[[bytes], None],
        on_lost: Callable[[], None],
        on_made: Callable[[], None] = lambda: None,
        on_broken: Callable[[ProtocolError], None] | None = None,
    ) -> None:
        self.on_bytes, self._on_lost, self._on_made = on_bytes, on_lost, on_made
        self._on_broken = on_broken
        self.bytes_in = self.bytes_out = 0
        self.transport: asyncio.Transport | None = None
        self.sources: list[Leg] = []  # legs to hold back while this one is full
        self._layers: list[Layer] = []  # from the socket inwards
        self._early: list[bytes] = []
        self._reasons: set[object] = set()
        self._full = self._closed = False

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
            self._receive_wrapped(data)
        else:
            self.bytes_in += len(data)
            self.on_bytes(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_lost()

    def pause_writing(self) -> None:
        self._full = True
        for source in self.sources:
            source.hold(self)

    def resume_writing(self) -> None:
        self._full = False
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
                if self._has_more:
                    asyncio.get_running_loop().call_soon(self._receive_wrapped, b"")

    def holds_back(self, *sources: "Leg") -> None:
        """From here on these are held back while this one is full."""
        for source in self.sources:
            source.release(self)
        self.sources = list(sources)
        for source in sources if self._full else ():
            source.hold(self)

    def wrap(self, layer: Layer, early: bytes = b"") -> None:
        """From here on the bytes of both directions go through a layer more.

        ``early`` are for it, but were read before it was here.
        """
        self._layers.append(layer)
        if early:
            self._receive_wrapped(early, len(self._layers) - 1)

    def receive_last(self) -> None:
        """Read what the peer said before it went away.

        A lost connection may have been noticed by writing to it, with the error that
        says why still unread.
        """
        if self.transport is None or self._closed:
            return
        connected = self.transport.get_extra_info("socket")
        try:
            while data := os.read(connected.fileno(), PIECE_BYTES):
                self.data_received(data)
        except OSError:
            pass  # there is no more

    def write(self, data: bytes) -> None:
        """Send, or keep until there is a connection; nothing after a goodbye."""
        if self._closed:
            return
        self.bytes_out += len(data)
        for layer in reversed(self._layers):
            data = layer.send(data)
        if self.transport is None:
            self._early.append(data)
        else:
            self.transport.write(data)

    def close(self) -> None:
        """Send what was written, then end; also when it is not connected yet."""
        self._say_goodbye()
        if self.transport is not None:
            self.transport.close()

    def drop(self) -> None:
        """End it without what the layers would say last.

        A MySQL that is busy finds out whether its client is still there by whether
        there is something to read: TLS's goodbye would keep the statement running.
        """
        self._layers.clear()
        self.close()

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
        self._say_goodbye()
        self.on_bytes = _discard
        if not self.transport.is_closing():
            self.transport.write_eof()
            for reason in list(self._reasons):
                self.release(reason)
            # the transport ends by itself when the peer does
            asyncio.get_running_loop().call_later(LINGER_S, self.transport.close)

    def _say_goodbye(self) -> None:
        """Let the layers end; what is written from here on goes nowhere."""
        farewell = b""
        for layer in reversed(self._layers):
            farewell = (layer.send(farewell) if farewell else b"") + layer.end()
        self._layers.clear()
        if farewell and self.transport is not None and not self._closed:
            self.transport.write(farewell)
        self._closed = True

    def _receive_wrapped(self, data: bytes, outermost: int = 0) -> None:
        if not self._layers or (self._reasons and not data):
            return
        socket_side = self._layers[0]
        try:
            data = self._unwrapped(data, outermost)
        except ProtocolError as problem:
            if self._on_broken is None:
                raise
            self._on_broken(problem)
            return
        if data:
            self.bytes_in += len(data)
            self.on_bytes(data)
            if self._has_more and not self._reasons:
                asyncio.get_running_loop().call_soon(self._receive_wrapped, b"")
        if socket_side.ended:
            self.close()

    @property
    def _has_more(self) -> bool:
        """Whether the innermost layer, the only one that may, keeps some back."""
        return bool(self._layers) and self._layers[-1].more

    def _unwrapped(self, data: bytes, outermost: int) -> bytes:
        layers = self._layers
        for depth in range(outermost, len(layers)):
            layer = layers[depth]
            if data or layer.more:
                data, answer = layer.receive(data)
                if answer:
                    self._answer(answer, depth)
        return data

    def _answer(self, data: bytes, depth: int) -> None:
        """Send what the layer at that depth has to say itself."""
        for outer in reversed(self._layers[:depth]):
            data = outer.send(data)
        assert self.transport is not None
        self.transport.write(data)


def _discard(data: bytes) -> None:
    """Nobody reads any more."""
