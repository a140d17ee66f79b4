"""Where the processes below the supervisor begin.

What each needs is imported there and nowhere else: no relay carries a parser, and the
supervisor carries neither.
"""

import socket
from collections.abc import Sequence

from heatproxy.backend.account import Address
from heatproxy.backend.reach import Leg
from heatproxy.config import Config


def relay_worker(
    number: int,
    config: Config,
    leg: Leg,
    engine_socket: str,
    again: bool,
    sockets: Sequence[socket.socket],
    channel: socket.socket,
) -> None:
    """A process that carries clients' bytes."""
    from heatproxy.relay import worker

    orders = worker.Orders(number, config, leg, engine_socket, again)
    worker.run(orders, sockets, channel)


def engine(
    config: Config, address: Address, socket_path: str, channel: socket.socket
) -> None:
    """The process that answers lent statements."""
    from heatproxy import service

    service.run(config, address, socket_path, channel)
