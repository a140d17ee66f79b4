"""The sockets that clients connect to: known to be ours before anything starts."""

import socket
from contextlib import closing

import pytest

from heatproxy.places import Address
from heatproxy.supervisor.sockets import bind


@pytest.mark.parametrize("workers", [1, 3])
def test_each_worker_has_its_socket_on_the_one_port_that_was_free(
    workers: int,
) -> None:
    with closing(bind(Address("127.0.0.1", 0), workers)) as listening:
        assert listening.address.port > 0
        assert len(listening.of_worker) == workers
        names = {s.getsockname() for sockets in listening.of_worker for s in sockets}
        assert names == {("127.0.0.1", listening.address.port)}


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("shares", [False, True], ids=["alone", "would share"])
def test_an_address_that_is_taken_is_refused(workers: int, shares: bool) -> None:
    with socket.socket() as taken:
        if shares:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"127.0.0.1:{port}: address already in use"):
            bind(Address("127.0.0.1", port), workers)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(OSError, match="cannot assign requested address"):
        bind(Address("192.0.2.1", 0), 2)


def test_every_address_of_a_name_is_listened_on() -> None:
    with closing(bind(Address("localhost", 0), 2)) as listening:
        first, second = listening.of_worker
        assert len(first) == len(second) >= 1
        assert {s.getsockname()[1] for s in (*first, *second)} == {
            listening.address.port
        }


def test_all_addresses_of_ipv6_are_those_of_ipv4_too() -> None:
    try:
        listening = bind(Address("::", 0), 1)
    except OSError as problem:
        pytest.skip(f"this machine has no IPv6: {problem}")
    with closing(listening):
        ((bound,),) = listening.of_worker
        bound.listen()
        with socket.create_connection(("127.0.0.1", listening.address.port), 10):
            pass
