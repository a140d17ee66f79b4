"""The address that clients connect to, as one set of sockets for each worker.

All are bound before anything else starts, so an address that is taken is known then.
They stay open here: when a worker dies, the connections that came to its sockets wait
in them for the worker that takes its place.
"""

import errno
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from heatproxy.places import Address

_Where = tuple[socket.AddressFamily, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Listening:
    """Bound sockets; ``address`` has the port that was found when it was to be any."""

    address: Address
    of_worker: Sequence[Sequence[socket.socket]]

    def close(self) -> None:
        for sockets in self.of_worker:
            for bound in sockets:
                bound.close()


def bind(address: Address, workers: int) -> Listening:
    """Sockets for every address that the host's name stands for, not listening yet.

    Several workers share an address by SO_REUSEPORT, which lets in whoever else asks
    for it; so it is tried without first.

    Raises:
        OSError: the address is taken, or is not this machine's.
    """
    bound: list[list[socket.socket]] = [[] for _ in range(workers)]
    port, problem = address.port, None
    for family, where in _resolved(address):
        try:
            if workers > 1 and port:
                _bound(family, where, port, shared=False).close()
            for sockets in bound:
                sockets.append(_bound(family, where, port, shared=workers > 1))
                port = sockets[-1].getsockname()[1]
        except OSError as failed:
            problem = failed
            if failed.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                continue  # a name may stand for addresses that are not in use here
            break
    listening = Listening(Address(address.host, port), bound)
    if problem is not None and (problem.errno == errno.EADDRINUSE or not bound[-1]):
        listening.close()
        number = problem.errno or 0
        text = f"cannot listen on {address}: {os.strerror(number).lower()}"
        raise OSError(number, text)
    return listening


def _resolved(address: Address) -> list[_Where]:
    found = socket.getaddrinfo(
        address.host,
        address.port,
        type=socket.SOCK_STREAM,
        flags=socket.AI_PASSIVE,
    )
    unique = {(family, where): None for family, _, _, _, where in found}
    return [(family, tuple(where)) for family, where in unique]


def _bound(
    family: socket.AddressFamily, where: tuple[Any, ...], port: int, shared: bool
) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            # :: is every address, IPv4 ones too, as MySQL's bind_address has it
            only = int(where[0] != "::")
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        made.bind((where[0], port, *where[2:]))
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made
