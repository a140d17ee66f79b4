"""Which hosts heatproxy may fetch files from on somebody's behalf.

Whoever may load a table chooses a URL, and heatproxy stands where the user may not:
beside other services, a cloud's metadata address, the loopback interface.
"""

import ipaddress
from collections.abc import Sequence

_NAT64 = ipaddress.ip_network("64:ff9b::/96")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def host_allowed(host: str, port: int, address: str, allowed: Sequence[str]) -> bool:
    """Whether ``lakehouse.allowed_hosts`` lets heatproxy connect to an address.

    To be asked for every address a name resolves to, and after every redirect, of
    the address that is really connected to.

    Args:
        host, port: those in the URL.
        address: one IP address of it.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    name = _bare(host)
    shown = f"[{name}]" if ":" in name else name
    for given in allowed:
        pattern = _bare(given)
        if pattern == "*":
            if _is_public(ip):
                return True
        elif pattern.startswith("*."):
            if name.endswith(pattern[1:]):
                return True
        elif pattern == name or given.lower() == f"{shown}:{port}":
            return True
        elif _in_network(ip, pattern):
            return True
    return False


def _bare(host: str) -> str:
    return host.lower().rstrip(".").strip("[]")


def _is_public(ip: IPAddress) -> bool:
    """Whether an address, and an IPv4 address inside it, is everybody's."""
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


def _in_network(ip: IPAddress, pattern: str) -> bool:
    try:
        network = ipaddress.ip_network(pattern, strict=False)
    except ValueError:  # a name
        return False
    inner = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return ip in network or (inner is not None and inner in network)
