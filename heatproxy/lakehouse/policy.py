"""Where files may be fetched from: schemes, hosts, addresses, folders, sizes.

heatproxy fetches from where it stands, so a URL of a client could reach what the
client cannot: a cloud's metadata service, a private host, a file of this machine.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from heatproxy.errors import MySQLError
from heatproxy.lakehouse.catalogue import LH, failure
from heatproxy.lakehouse.hosts import host_allowed
from heatproxy.places import UrlRule

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class SourcePolicy:
    """What a Source may touch.

    Addresses that are not public (loopback, private, link-local, multicast) are
    refused unless their host is listed in ``allowed_hosts``, as ``host`` or
    ``host:port``; see ``hosts``.
    """

    allowed_schemes: tuple[str, ...] = ("https", "http", "file")
    allowed_hosts: tuple[str, ...] = ("*",)
    allowed_folders: tuple[Path, ...] = ()
    url_mapping: tuple[UrlRule, ...] = ()
    allowed_buckets: tuple[str, ...] = ()  # s3://BUCKET, oci://BUCKET@NAMESPACE
    s3_endpoint: str = ""
    s3_region: str = ""
    oci_config: Path | None = None
    oci_profile: str = "DEFAULT"
    oci_endpoint: str = "https://objectstorage.{region}.oraclecloud.com"
    max_file_bytes: int = 64 << 30
    max_files: int = 10_000
    timeout_s: float = 30.0

    def check_scheme(self, url: str) -> None:
        """Raises MySQLError 6128 for a bad URL or a scheme not allowed here."""
        try:
            parts = urlsplit(url)
            ascii_host = (parts.hostname or "").isascii()
        except ValueError:
            raise failure(
                LH.USER_DATA_ACCESS_FAILED, "a URL that is not valid"
            ) from None
        if not ascii_host:
            raise refused(url, "write its host name in ASCII (xn--...)")
        scheme = parts.scheme.lower()
        known = ("http", "https", "file")
        if scheme not in self.allowed_schemes or scheme not in known:
            raise refused(url, f"scheme '{scheme}' is not allowed")

    def elsewhere(self, url: str) -> str | None:
        """Where the first rule that fits sends the URL, or None when none does."""
        found = (rule.apply(url) for rule in self.url_mapping)
        return next((other for other in found if other is not None), None)

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses to connect to, resolved once and checked.

        Raises:
            MySQLError: 6128, the name does not resolve, or ``allowed_hosts`` does not
                take one of its addresses.
        """
        try:
            found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        except OSError:
            raise refused(host, "the host name is not known") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            if not host_allowed(host, port, address, self.allowed_hosts):
                raise refused(host, "lakehouse.allowed_hosts does not allow it")
        return addresses

    def local_path(self, url: str) -> Path:
        """The file or folder of a ``file://`` URL, symbolic links resolved.

        Raises:
            MySQLError: 6128, it is not inside an allowed folder.
        """
        parts = urlsplit(url)
        if parts.netloc not in ("", "localhost"):
            raise refused(url, "file URLs have no host")
        return self.inside(Path(unquote(parts.path)), url)

    def inside(self, path: Path, url: str) -> Path:
        """The real path, if an allowed folder holds it."""
        real = path.resolve()
        for folder in self.allowed_folders:
            if real.is_relative_to(folder.resolve()):
                return real
        raise refused(url, "it is not in a folder that is allowed")


def port_of(url: str) -> int:
    """Raises MySQLError 6128 for a port that is no number."""
    parts = urlsplit(url)
    try:
        return parts.port or _PORTS[parts.scheme.lower()]
    except (ValueError, KeyError):
        raise refused(url, "the port is not valid") from None


def redacted(url: str) -> str:
    """A URL without what grants access: PAR token, query, user and password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    steps = parts.path.split("/")
    if len(steps) > 2 and steps[1] == "p":
        steps[2] = "..."
    shown = f"{parts.scheme}://{host}" if parts.scheme else host
    return shown + "/".join(steps)


def refused(url: str, reason: str) -> MySQLError:
    """6128 for one location, with the reason."""
    return failure(LH.USER_DATA_ACCESS_FAILED, redacted(url), detail=f" ({reason})")
