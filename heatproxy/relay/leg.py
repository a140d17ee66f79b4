"""One connection of a session: its bytes, what wraps them, what holds them back."""

import asyncio
import os
from collections.abc import Callable
from typing import cast

from heatproxy.errors import ProtocolError
from heatproxy.relay.layers import Layer, Stacked

HIGH_WATER_BYTES = 1 << 20  # of what a peer has not taken yet
LINGER_S = 2.0
PIECE_BYTES = 1 << 16


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
        self._layer: Layer | None = None
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
        layer = self._layer
        if layer is not None:
            try:
                data, answer = layer.receive(data)
            except ProtocolError as problem:
                if self._on_broken is None:
                    raise
                self._on_broken(problem)
                return
            if answer:
                assert self.transport is not None
                self.transport.write(answer)
        if data:
            self.bytes_in += len(data)
            self.on_bytes(data)
        if layer is not None and (layer.more or layer.ended):
            self._go_on(layer)

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
                if self._layer is not None and self._layer.more:
                    self._receive_more_soon()

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
        if self._layer is None:
            self._layer = layer
        else:
            self._layer, early = Stacked(self._layer, layer, early), b""
        if early or self._layer.more:
            self.data_received(early)

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
        if self._layer is not None:
            data = self._layer.send(data)
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
        """End it without what its layer would say last.

        A MySQL that is busy finds out whether its client is still there by whether
        there is something to read: TLS's goodbye would keep the statement running.
        """
        self._layer = None
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
        """Let the layer end; what is written from here on goes nowhere."""
        layer, self._layer = self._layer, None
        farewell = b"" if layer is None else layer.end()
        if farewell and self.transport is not None and not self._closed:
            self.transport.write(farewell)
        self._closed = True

    def _go_on(self, layer: Layer) -> None:
        """Read what the layer has kept back, and end when the peer has."""
        if layer.more and self._layer is layer and not self._reasons:
            self._receive_more_soon()
        if layer.ended:
            self.close()

    def _receive_more_soon(self) -> None:
        asyncio.get_running_loop().call_soon(self._receive_more)

    def _receive_more(self) -> None:
        if self._layer is not None and self._layer.more and not self._reasons:
            self.data_received(b"")


def _discard(data: bytes) -> None:
    """Nobody reads any more."""
