"""The backend of a configuration, running: where clients' legs and our own go."""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from heatproxy.backend.account import Address
from heatproxy.backend.embedded import EmbeddedBackend, locked
from heatproxy.backend.progress import Progress
from heatproxy.config import Config

# Accounts @'localhost' do not match a client that comes from here, @'%' ones do
# (house, section 2): a remote client must not become a local one by our doing.
NOT_LOCALHOST = "127.0.0.2"


@dataclass(frozen=True, slots=True)
class Leg:
    """Where clients' connections to the backend go, and come from."""

    socket: str | None = None
    host: str = "127.0.0.1"
    port: int = 3306
    source: str | None = None

    @property
    def secure(self) -> bool:
        """Whether the backend takes passwords in clear on this leg."""
        return self.socket is not None


@dataclass(frozen=True, slots=True)
class Backend:
    """The leg of the clients, and heatproxy's own account."""

    leg: Leg
    account: Address


@contextmanager
def reach_backend(config: Config, notify: Progress) -> Iterator[Backend]:
    """The backend, started here when it is the embedded one, and the data directory.

    Raises:
        DataDirInUse: another heatproxy uses the data directory.
        MysqldError, PackagesError: the embedded backend cannot start.
    """
    remote = not is_loopback(config.listen.host)
    if config.backend is not None:
        url = config.backend
        source = NOT_LOCALHOST if remote and is_loopback(url.host) else None
        with locked(config.data_dir):
            yield Backend(
                Leg(host=url.host, port=url.port, source=source),
                Address(url.user, url.password, host=url.host, port=url.port),
            )
        return
    with EmbeddedBackend(
        config.data_dir,
        tcp=remote,
        notify=notify,
        buffer_pool_bytes=config.embedded.buffer_pool_size,
    ) as embedded:
        embedded.write_client_files(config.listen.host, config.listen.port)
        service, socket = embedded.service, str(embedded.socket_path)
        leg = Leg(socket=socket)
        if embedded.tcp_address is not None:
            host, port = embedded.tcp_address
            leg = Leg(host=host, port=port, source=NOT_LOCALHOST)
        yield Backend(leg, Address(service.user, service.password, socket=socket))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address of that name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
