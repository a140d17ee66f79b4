"""Where clients' connections to the backend come from decides who they can be."""

import socket
from typing import Any

import pytest

from heatproxy.backend import reach
from heatproxy.backend.reach import NOT_LOCALHOST, Leg, is_loopback
from heatproxy.config import ConfigError

NAMES = {
    "here": ["127.0.0.1"],
    "own-name": ["127.0.1.1"],
    "both": ["::1", "127.0.0.1"],
    "six": ["::1"],
    "mixed": ["127.0.0.1", "192.0.2.7"],
    "elsewhere": ["192.0.2.7", "2001:db8::7"],
}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose resolver knows the names above, and addresses."""
    real = socket.getaddrinfo

    def known(host: str, *rest: Any, **more: Any) -> list[Any]:
        if host in NAMES:
            return [(0, 0, 0, "", (address, 0)) for address in NAMES[host]]
        flags = {**more, "flags": socket.AI_NUMERICHOST}
        return list(real(host, *rest, **flags))

    monkeypatch.setattr(socket, "getaddrinfo", known)


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("here", True),
        ("own-name", True),
        ("both", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("::ffff:127.0.0.1", False),
        ("192.0.2.7", False),
        ("mixed", False),
        ("elsewhere", False),
        ("nobody-knows", False),
    ],
)
def test_only_loopback_is_this_machine_alone(host: str, alone: bool) -> None:
    assert is_loopback(host) == alone


@pytest.mark.parametrize(
    ("host", "leg"),
    [
        ("127.0.0.1", Leg(host="127.0.0.1", port=1, source=NOT_LOCALHOST)),
        ("here", Leg(host="127.0.0.1", port=1, source=NOT_LOCALHOST)),
        ("own-name", Leg(host="127.0.1.1", port=1, source=NOT_LOCALHOST)),
        ("both", Leg(host="127.0.0.1", port=1, source=NOT_LOCALHOST)),
        ("mixed", Leg(host="127.0.0.1", port=1, source=NOT_LOCALHOST)),
        ("elsewhere", Leg(host="elsewhere", port=1)),
    ],
)
def test_clients_from_elsewhere_do_not_come_from_localhost(host: str, leg: Leg) -> None:
    assert reach._leg_to(host, 1, True) == leg


@pytest.mark.parametrize("host", ["::1", "six"])
def test_a_backend_that_would_call_everybody_local_is_not_used(host: str) -> None:
    with pytest.raises(ConfigError, match="count as local"):
        reach._leg_to(host, 1, True)


@pytest.mark.parametrize("host", ["::1", "here", "both", "elsewhere"])
def test_clients_of_this_machine_come_as_they_are(host: str) -> None:
    assert reach._leg_to(host, 1, False) == Leg(host=host, port=1)


@pytest.mark.parametrize(
    ("leg", "local"),
    [
        (Leg(socket="/run/mysqld.sock"), True),
        (Leg(host="127.0.0.1"), True),
        (Leg(host="here"), True),
        (Leg(host="elsewhere"), False),
        (Leg(host="mixed"), False),
    ],
)
def test_a_leg_is_local_where_no_network_is(leg: Leg, local: bool) -> None:
    assert leg.local == local
