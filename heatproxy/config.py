"""heatproxy's settings: declared once, read from TOML, environment and flags.

A setting is a name, a constraint with its default, and one sentence. A file may hold
any of them, ``HEATPROXY_<NAME>`` in the environment overrides the file, and a flag
overrides both. What is not in SETTINGS is refused by name.
"""

import difflib
import os
import re
import textwrap
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from heatproxy.options import BadOption, Constraint, ListOf, Number, OneOf, Text

EMBEDDED = "embedded"
MYSQL_PORT = 3306
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


class ConfigError(Exception):
    """A setting that is unknown or has a value it may not have."""


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
    """A constraint: HOST:PORT."""

    default: str

    def convert(self, value: Any) -> Address:
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
        return "HOST:PORT, such as 127.0.0.1:3307 or [::1]:3307"


@dataclass(frozen=True, slots=True)
class Backend:
    """A constraint: the word embedded, or a mysql:// URL."""

    default: str = EMBEDDED

    def convert(self, value: Any) -> MySQLUrl | None:
        if value == EMBEDDED:
            return None
        try:
            return parse_mysql_url(str(value))
        except ConfigError as problem:
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
class Size:
    """A constraint: bytes, with a unit, or as a share of the machine's memory."""

    default: str

    def convert(self, value: Any) -> int:
        """The size in bytes."""
        text = str(value).strip().upper()
        share = re.fullmatch(r"(\d+)%", text)
        if share and 0 < int(share[1]) <= 100:
            return memory_bytes() * int(share[1]) // 100
        match = re.fullmatch(r"(\d+)([KMGT]?)(?:I?B)?", text)
        if match and (size := int(match[1]) * _UNITS[match[2]]):
            return size
        raise BadOption(self.describe())

    def describe(self) -> str:
        return "bytes such as 256M or 4G, or a share of the memory such as 50%"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; ``name`` is its key in the file, tables before a dot."""

    name: str
    constraint: Constraint
    sentence: str

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return "HEATPROXY_" + self.name.upper().replace(".", "_")


SETTINGS = (
    Setting("listen", HostPort("127.0.0.1:3307"), "Where MySQL clients connect."),
    Setting(
        "data_dir",
        Folder("~/.local/share/heatproxy"),
        "Where heatproxy keeps its files and the embedded MySQL its data.",
    ),
    Setting(
        "backend",
        Backend(),
        "The real MySQL behind heatproxy: embedded (one of its own), or "
        "mysql://USER:PASSWORD@HOST:PORT with special characters percent-encoded.",
    ),
    Setting(
        "embedded.buffer_pool_size",
        Size("256M"),
        "InnoDB's buffer pool in the embedded MySQL.",
    ),
    Setting(
        "lakehouse.allowed_schemes",
        ListOf(OneOf(("https", "http")), default=("https", "http")),
        "What the URLs of Lakehouse files may begin with.",
    ),
    Setting(
        "lakehouse.allowed_hosts",
        ListOf(Text(), default=("*",)),
        "Which hosts Lakehouse files may come from: names, names such as "
        "*.example.com, addresses or networks; * is every public address, while "
        "loopback, private and link-local ones must be listed.",
    ),
    Setting(
        "lakehouse.allowed_folders",
        ListOf(Folder(), default=()),
        "Which local folders Lakehouse files may come from; none by default.",
    ),
    Setting(
        "lakehouse.max_file_bytes", Size("64G"), "How large one Lakehouse file may be."
    ),
    Setting(
        "engine.memory_limit",
        Size("50%"),
        "How much memory the analytic engine may use before it spills to disk.",
    ),
    Setting(
        "engine.threads",
        Number(low=0, high=1024, whole=True, default=0),
        "How many threads the analytic engine uses; 0 is one per processor.",
    ),
    Setting(
        "automl.workers",
        Number(low=1, high=64, whole=True, default=1),
        "How many trainings run at the same time; others wait.",
    ),
    Setting(
        "automl.threads",
        Number(low=0, high=1024, whole=True, default=0),
        "How many threads one training uses; 0 is one per processor.",
    ),
    Setting(
        "log.level",
        OneOf(("debug", "info", "warning", "error"), default="info"),
        "The least severe messages that are logged.",
    ),
)


@dataclass(frozen=True, slots=True)
class EmbeddedConfig:
    buffer_pool_size: int  # bytes


@dataclass(frozen=True, slots=True)
class LakehouseConfig:
    allowed_schemes: Sequence[str]
    allowed_hosts: Sequence[str]
    allowed_folders: Sequence[Path]
    max_file_bytes: int


@dataclass(frozen=True, slots=True)
class EngineConfig:
    memory_limit: int  # bytes
    threads: int


@dataclass(frozen=True, slots=True)
class AutoMLConfig:
    workers: int
    threads: int


@dataclass(frozen=True, slots=True)
class LogConfig:
    level: str


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting's value; ``backend`` is None for the embedded MySQL."""

    listen: Address
    data_dir: Path
    backend: MySQLUrl | None
    embedded: EmbeddedConfig
    lakehouse: LakehouseConfig
    engine: EngineConfig
    automl: AutoMLConfig
    log: LogConfig


_TABLES = {
    "embedded": EmbeddedConfig,
    "lakehouse": LakehouseConfig,
    "engine": EngineConfig,
    "automl": AutoMLConfig,
    "log": LogConfig,
}


def load(
    path: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Config:
    """The settings of a file, overridden by the environment and then by flags.

    A list may be given as text with commas, and None counts as not given.

    Raises:
        ConfigError: the file can't be read, or a setting is unknown or wrong.
    """
    given: dict[str, tuple[Any, str]] = {}  # value, and where it came from
    if path is not None:
        given |= {name: (v, f"{path}: {name}") for name, v in _read(path).items()}
    for s in SETTINGS:
        if (text := environ.get(s.variable)) is not None:
            given[s.name] = (text, s.variable)
    for name, value in (overrides or {}).items():
        if value is not None:
            given[name] = (value, name)
    known = {s.name for s in SETTINGS}
    for name, (_, where) in given.items():
        if name not in known:
            raise ConfigError(f"{where}: no such setting{_did_you_mean(name, known)}")
    values: dict[str, Any] = {}
    for s in SETTINGS:
        value, where = given.get(s.name, (_default(s), s.name))
        table, _, key = s.name.rpartition(".")
        target = values.setdefault(table, {}) if table else values
        target[key] = _converted(s, value, where)
    tables = {name: make(**values.pop(name)) for name, make in _TABLES.items()}
    return Config(**values, **tables)


def parse_mysql_url(text: str) -> MySQLUrl:
    """Read ``mysql://user:password@host:port``, percent-encoded where needed.

    Raises:
        ConfigError: it is not of that form. The message never has the password.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ConfigError("the port is not a number from 0 to 65535") from None
    if parts.scheme != "mysql":
        raise ConfigError("the URL does not begin with mysql://")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ConfigError(
            "after HOST:PORT nothing may follow (is a /, ? or # in the password "
            "not percent-encoded?)"
        )
    if not parts.hostname or not parts.username:
        raise ConfigError("the user or the host is missing")
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


def render_toml() -> str:
    """Every setting with its sentence and default, commented out."""
    lines, table = ["# heatproxy's settings: remove a # to change a default."], ""
    for s in SETTINGS:
        head, _, key = s.name.rpartition(".")
        if head != table:
            table = head
            lines += ["", f"[{table}]"]
        default = _toml(_default(s))
        lines += ["", *_wrapped(s.sentence), f"# {key} = {default}"]
    return "\n".join(lines) + "\n"


def _read(path: Path) -> dict[str, Any]:
    """A file's settings by their full names."""
    try:
        tree = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"{path} can't be read: {problem}") from None
    except tomllib.TOMLDecodeError as problem:
        raise ConfigError(f"{path} is not TOML: {problem}") from None
    found: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict) and name in _TABLES:
            found |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            found[name] = value
    return found


def _did_you_mean(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), 1, 0.5)
    return f"; did you mean {close[0]}?" if close else ""


def _default(setting: Setting) -> Any:
    default = setting.constraint.default
    return list(default) if isinstance(default, tuple) else default


def _converted(setting: Setting, value: Any, where: str) -> Any:
    constraint = setting.constraint
    if isinstance(constraint, ListOf) and isinstance(value, str):
        value = [member.strip() for member in value.split(",") if member.strip()]
    try:
        converted = constraint.convert(value)
    except BadOption as problem:
        # the URL of a backend holds a password
        got = "" if isinstance(constraint, Backend) else f", not {value!r}"
        raise ConfigError(f"{where} must be {problem}{got}") from None
    return tuple(converted) if isinstance(converted, list) else converted


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(member) for member in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _wrapped(sentence: str) -> list[str]:
    return textwrap.wrap(
        sentence,
        80,
        initial_indent="# ",
        subsequent_indent="# ",
        break_on_hyphens=False,
    )
