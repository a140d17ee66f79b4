"""The backend of a configuration, running: where clients' legs and our own go.

A client must not become a local one by heatproxy's doing: for whoever comes over a
unix socket, or from 127.0.0.1 or ::1, MySQL takes accounts ``@localhost``. So unless
only this machine can reach heatproxy, its connections to a backend on this machine
come from another loopback address.
"""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from heatproxy.backend.account import Address
from heatproxy.backend.certificates import TlsFolder
from heatproxy.backend.embedded import EmbeddedBackend, locked
from heatproxy.backend.progress import Progress
from heatproxy.config import Config, ConfigError

# Accounts @'localhost' do not match a client that comes from here, @'%' ones do.
NOT_LOCALHOST = "127.0.0.2"


@dataclass(frozen=True, slots=True)
class Leg:
    """Where clients' connections to the backend go, and come from."""

    socket: str | None = None
    host: str = "127.0.0.1"
    port: int = 3306
    source: str | None = None

    @property
    def local(self) -> bool:
        """Whether nobody else on a network could listen."""
        return self.socket is not None or is_loopback(self.host)


@dataclass(frozen=True, slots=True)
class Backend:
    """The leg of the clients, and heatproxy's own account."""

    leg: Leg
    account: Address


@contextmanager
def reach_backend(config: Config, notify: Progress) -> Iterator[Backend]:
    """The backend, started here when it is the embedded one, and the data directory.

    Raises:
        ConfigError: the backend's address would make every client a local one.
        DataDirInUse: another heatproxy uses the data directory.
        MysqldError, PackagesError: the embedded backend cannot start.
    """
    remote = not is_loopback(config.listen.host)
    if config.backend is not None:
        url = config.backend
        leg = _leg_to(url.host, url.port, remote)
        with locked(config.data_dir):
            TlsFolder.of(config.data_dir).prepare()
            yield Backend(
                leg,
                Address(
                    url.user,
                    url.password,
                    host=leg.host,
                    port=leg.port,
                    tls=config.backend_tls,
                ),
            )
        return
    with EmbeddedBackend(
        config.data_dir,
        tcp=remote,
        notify=notify,
        buffer_pool_bytes=config.embedded.buffer_pool_size,
    ) as embedded:
        TlsFolder.of(config.data_dir).prepare()
        embedded.write_client_files(config.listen.host, config.listen.port)
        service, socket_path = embedded.service, str(embedded.socket_path)
        leg = Leg(socket=socket_path)
        if embedded.tcp_address is not None:
            host, port = embedded.tcp_address
            leg = Leg(host=host, port=port, source=NOT_LOCALHOST)
        yield Backend(leg, Address(service.user, service.password, socket=socket_path))


def _leg_to(host: str, port: int, remote: bool) -> Leg:
    """The leg to a backend of that name; a name on this machine is an address here."""
    here = [found for found in addresses(host) if _is_loopback_address(found)]
    if not here or not remote:
        return Leg(host=host, port=port)
    usable = [found for found in here if "." in found]
    if not usable:
        raise ConfigError(
            f"the backend {host} is reached over IPv6's loopback, where every client "
            "would count as local: name an address of IPv4, or let heatproxy listen "
            "on a loopback address only"
        )
    return Leg(host=usable[0], port=port, source=NOT_LOCALHOST)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address of that name."""
    found = addresses(host)
    return bool(found) and all(map(_is_loopback_address, found))


def addresses(host: str) -> list[str]:
    """What a name stands for; nothing when nobody knows it."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(address[0]) for *_, address in found]


def _is_loopback_address(text: str) -> bool:
    return ipaddress.ip_address(text.partition("%")[0]).is_loopback
