"""What stands between a socket's bytes and the protocol's: TLS, compression."""

from typing import Protocol


class Layer(Protocol):
    """Bytes of one direction in, bytes of the same direction out, without a socket."""

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


class Stacked:
    """One layer within another, as one; only the inner one may keep bytes back.

    Args:
        early: what the outer one has unwrapped already, for the inner one.
    """

    def __init__(self, outer: Layer, inner: Layer, early: bytes = b"") -> None:
        self._outer, self._inner, self._early = outer, inner, early

    @property
    def ended(self) -> bool:
        return self._outer.ended

    @property
    def more(self) -> bool:
        return bool(self._early) or self._inner.more

    def receive(self, data: bytes) -> tuple[bytes, bytes]:
        plain, answer = self._outer.receive(data) if data else (b"", b"")
        plain, self._early = self._early + plain, b""
        if plain or self._inner.more:
            plain, said = self._inner.receive(plain)
            if said:
                answer += self._outer.send(said)
        return plain, answer

    def send(self, data: bytes) -> bytes:
        return self._outer.send(self._inner.send(data))

    def end(self) -> bytes:
        farewell = self._inner.end()
        sent = self._outer.send(farewell) if farewell else b""
        return sent + self._outer.end()
