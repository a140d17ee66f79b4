"""One connection of a session: its bytes, and what holds it back."""

import asyncio
from collections.abc import Callable
from typing import cast

HIGH_WATER_BYTES = 1 << 20  # of what a peer has not taken yet


class Leg(asyncio.Protocol):
    """One side of a session: transport calls turned into calls of the session."""

    def __init__(
        self,
        on_bytes: Callable[[bytes], None],
        on_lost: Callable[[], None],
        on_made: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_bytes, self._on_lost, self._on_made = on_bytes, on_lost, on_made
        self.transport: asyncio.Transport | None = None
        self.sources: list[Leg] = []  # legs to hold back while this one is full
        self._early: list[bytes] = []
        self._reasons: set[object] = set()
        self._closed = False

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
        self._on_bytes(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_lost()

    def pause_writing(self) -> None:
        for source in self.sources:
            source.hold(self)

    def resume_writing(self) -> None:
        for source in self.sources:
            source.release(self)

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

    def write(self, data: bytes) -> None:
        """Send, or keep until there is a connection."""
        if self.transport is None:
            self._early.append(data)
        else:
            self.transport.write(data)

    def close(self) -> None:
        """Send what was written, then end; also when it is not connected yet."""
        self._closed = True
        if self.transport is not None:
            self.transport.close()
