"""The addresses that a user's URL may and may not lead heatproxy to."""

import pytest

from heatproxy.lakehouse.hosts import host_allowed


@pytest.mark.parametrize(
    ("host", "address", "allowed", "expected"),
    [
        ("objects.example.com", "93.184.216.34", ["*"], True),
        ("objects.example.com", "2606:2800:220:1::1", ["*"], True),
        ("localhost", "127.0.0.1", ["*"], False),
        ("rebound.example.com", "127.0.0.1", ["*"], False),
        ("metadata", "169.254.169.254", ["*"], False),
        ("x", "10.0.0.1", ["*"], False),
        ("x", "192.168.1.1", ["*"], False),
        ("x", "100.64.0.1", ["*"], False),
        ("x", "0.0.0.0", ["*"], False),  # noqa: S104
        ("x", "224.0.0.1", ["*"], False),
        ("x", "::1", ["*"], False),
        ("x", "fe80::1%eth0", ["*"], False),
        ("x", "fd00::1", ["*"], False),
        ("x", "::ffff:169.254.169.254", ["*"], False),
        ("x", "64:ff9b::a9fe:a9fe", ["*"], False),
        ("x", "2002:7f00:1::", ["*"], False),
        ("localhost", "127.0.0.1", ["*", "localhost"], True),
        ("LocalHost.", "127.0.0.1", ["localhost"], True),
        ("127.0.0.1", "127.0.0.1", ["127.0.0.1"], True),
        ("x", "127.0.0.1", ["127.0.0.0/8"], True),
        ("x", "::ffff:127.0.0.1", ["127.0.0.0/8"], True),
        ("[::1]", "::1", ["::1"], True),
        ("minio.corp.example", "10.0.0.1", ["*.corp.example"], True),
        ("corp.example", "10.0.0.1", ["*.corp.example"], False),
        ("evilcorp.example", "10.0.0.1", ["*.corp.example"], False),
        ("other.example.com", "93.184.216.34", ["objects.example.com"], False),
        ("objects.example.com", "93.184.216.34", [], False),
    ],
)
def test_an_address_is_reached_only_if_the_setting_lets_it(
    host: str, address: str, allowed: list[str], expected: bool
) -> None:
    assert host_allowed(host, 443, address, allowed) is expected
