"""What a setting may name: an address, a MySQL, a folder, another place for a URL."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from heatproxy.options import BadOption

EMBEDDED = "embedded"
MYSQL_PORT = 3306
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


class WrongUrl(Exception):
    """Text that is not a mysql:// URL; the message never has the password."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen or connect."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class MySQLUrl:
    """A MySQL that runs elsewhere, and the account heatproxy itself uses there."""

    user: str
    password: str = field(repr=False)
    host: str
    port: int = MYSQL_PORT


@dataclass(frozen=True, slots=True)
class HostPort:
    """A constraint: HOST:PORT, or nothing where that is a choice."""

    default: str
    optional: bool = False

    def convert(self, value: Any) -> Address | None:
        if value == "" and self.optional:
            return None
        try:
            parts = urlsplit(f"//{value}")
            host, port = parts.hostname, parts.port
        except ValueError:
            raise BadOption(self.describe()) from None
        extra = parts.path or parts.query or parts.fragment or parts.username
        if not isinstance(value, str) or not host or port is None or extra:
            raise BadOption(self.describe())
        return Address(host, port)

    def describe(self) -> str:
        nothing = ', or "" for none' if self.optional else ""
        return f"HOST:PORT, such as 127.0.0.1:3307 or [::1]:3307{nothing}"


@dataclass(frozen=True, slots=True)
class Backend:
    """A constraint: the word embedded, or a mysql:// URL."""

    default: str = EMBEDDED

    def convert(self, value: Any) -> MySQLUrl | None:
        if value == EMBEDDED:
            return None
        try:
            return parse_mysql_url(str(value))
        except WrongUrl as problem:
            raise BadOption(f"{self.describe()}: {problem}") from None

    def describe(self) -> str:
        return f"{EMBEDDED} or mysql://USER:PASSWORD@HOST:PORT"


@dataclass(frozen=True, slots=True)
class Folder:
    """A constraint: a folder's path; ~ is the user's home."""

    default: str | None = None

    def convert(self, value: Any) -> Path:
        if not isinstance(value, str | Path) or not str(value):
            raise BadOption(self.describe())
        return Path(value).expanduser().absolute()

    def describe(self) -> str:
        return "the path of a folder"


@dataclass(frozen=True, slots=True)
class File:
    """A constraint: a file's path, or nothing; ~ is the user's home."""

    default: str = ""

    def convert(self, value: Any) -> Path | None:
        if value == "":
            return None
        if not isinstance(value, str | Path):
            raise BadOption(self.describe())
        return Path(value).expanduser().absolute()

    def describe(self) -> str:
        return 'the path of a file, or "" for none'


@dataclass(frozen=True, slots=True)
class Size:
    """A constraint: bytes, with a unit, or as a share of the machine's memory.

    An ``optional`` one may be 0.
    """

    default: str
    optional: bool = False

    def convert(self, value: Any) -> int:
        """The size in bytes."""
        text = str(value).strip().upper()
        share = re.fullmatch(r"(\d+)%", text)
        if share and 0 < int(share[1]) <= 100:
            return memory_bytes() * int(share[1]) // 100
        match = re.fullmatch(r"(\d+)([KMGT]?)(?:I?B)?", text)
        size = int(match[1]) * _UNITS[match[2]] if match else 0
        if size or (match and self.optional):
            return size
        raise BadOption(self.describe())

    def describe(self) -> str:
        words = "bytes such as 256M or 4G, or a share of the memory such as 50%"
        return f"{words}, or 0" if self.optional else words


def parse_mysql_url(text: str) -> MySQLUrl:
    """Read ``mysql://user:password@host:port``, percent-encoded where needed.

    Raises:
        WrongUrl: it is not of that form. The message never has the password.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise WrongUrl("the port is not a number from 0 to 65535") from None
    if parts.scheme != "mysql":
        raise WrongUrl("the URL does not begin with mysql://")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise WrongUrl(
            "after HOST:PORT nothing may follow (is a /, ? or # in the password "
            "not percent-encoded?)"
        )
    if not parts.hostname or not parts.username:
        raise WrongUrl("the user or the host is missing")
    return MySQLUrl(
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
        host=parts.hostname,
        port=MYSQL_PORT if port is None else port,
    )


def memory_bytes() -> int:
    """The memory that this process may use: the machine's, or its container's."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = _CGROUP_LIMIT.read_text().strip()
    except OSError:
        return machine
    return min(machine, int(limit)) if limit.isdigit() else machine


@dataclass(frozen=True, slots=True)
class UrlRule:
    """Whatever begins like ``pattern`` is at ``target`` instead, with the same rest.

    In the pattern ``*`` stands for any characters but a slash.
    """

    pattern: str
    target: str

    def apply(self, url: str) -> str | None:
        """Where the URL's object is by this rule, or None."""
        pieces = map(re.escape, self.pattern.split("*"))
        match = re.match("[^/]*".join(pieces), url)
        return None if match is None else self.target + url[match.end() :]

    def __str__(self) -> str:
        return f"{self.pattern} => {self.target}"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A constraint: ``URL => URL``, a UrlRule."""

    default: Any = None

    def convert(self, value: Any) -> UrlRule:
        text = value if isinstance(value, str | UrlRule) else ""
        pattern, _, target = (part.strip() for part in str(text).partition("=>"))
        if "://" not in pattern or "://" not in target:
            raise BadOption(self.describe())
        return UrlRule(pattern, target)

    def describe(self) -> str:
        return "'URL => URL'"
