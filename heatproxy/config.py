"""heatproxy's settings: declared once, read from TOML, environment and flags.

A setting is a name, a constraint with its default, and one sentence. A file may hold
any of them, ``HEATPROXY_<NAME>`` in the environment overrides the file, and a flag
overrides both. What is not in SETTINGS is refused by name.
"""

import difflib
import os
import textwrap
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from heatproxy.options import BadOption, ListOf
from heatproxy.places import Address, Backend, MySQLUrl, UrlRule
from heatproxy.settings import SETTINGS, Setting


class ConfigError(Exception):
    """A setting that is unknown or has a value it may not have."""


@dataclass(frozen=True, slots=True)
class CompressionConfig:
    algorithms: Sequence[str]


@dataclass(frozen=True, slots=True)
class EmbeddedConfig:
    buffer_pool_size: int  # bytes


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """TLS of clients."""

    enabled: bool
    certificate: Path | None
    key: Path | None
    ca: Path | None
    min_version: str
    require_secure_transport: bool


@dataclass(frozen=True, slots=True)
class BackendTlsConfig:
    """TLS of connections to the backend."""

    mode: str
    verify: str
    ca: Path | None
    min_version: str


@dataclass(frozen=True, slots=True)
class LakehouseConfig:
    allowed_schemes: Sequence[str]
    allowed_hosts: Sequence[str]
    allowed_folders: Sequence[Path]
    url_mapping: Sequence[UrlRule]
    allowed_buckets: Sequence[str]
    s3_endpoint: str
    s3_region: str
    oci_config: Path | None
    oci_profile: str
    oci_endpoint: str
    max_file_bytes: int
    profile: str  # a release of HeatWave
    copy_limit: int  # bytes


@dataclass(frozen=True, slots=True)
class EngineConfig:
    memory_limit: int  # bytes
    threads: int


@dataclass(frozen=True, slots=True)
class RapidConfig:
    exactness: str
    offload_in_transactions: bool
    freshness_wait_s: float
    answer_limit: int  # bytes
    shadow: float  # a share, 0 to 1
    switched_off: Sequence[str]
    load_connections: int
    server_id: int


@dataclass(frozen=True, slots=True)
class AutoMLConfig:
    workers: int
    threads: int
    time_budget_s: float  # 0 is none
    memory_limit: int  # bytes, 0 is none
    format: str
    dialects: Sequence[str]


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """What one client or all of them may take; 0 is no limit of ours."""

    connections: int
    connections_per_user: int
    login_timeout_s: float
    idle_timeout_s: float


@dataclass(frozen=True, slots=True)
class InsideConfig:
    """Calls of routines from inside the backend."""

    enabled: bool
    callers: int


@dataclass(frozen=True, slots=True)
class LogConfig:
    level: str
    format: str
    slow_statement_s: float


@dataclass(frozen=True, slots=True)
class MetricsConfig:
    listen: Address | None


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting's value; ``backend`` is None for the embedded MySQL."""

    listen: Address
    data_dir: Path
    backend: MySQLUrl | None
    workers: int
    drain_timeout_s: float
    limits: LimitsConfig
    tls: TlsConfig
    backend_tls: BackendTlsConfig
    compression: CompressionConfig
    embedded: EmbeddedConfig
    lakehouse: LakehouseConfig
    engine: EngineConfig
    rapid: RapidConfig
    automl: AutoMLConfig
    inside: InsideConfig
    log: LogConfig
    metrics: MetricsConfig


_TABLES = {
    "limits": LimitsConfig,
    "tls": TlsConfig,
    "backend_tls": BackendTlsConfig,
    "compression": CompressionConfig,
    "embedded": EmbeddedConfig,
    "lakehouse": LakehouseConfig,
    "engine": EngineConfig,
    "rapid": RapidConfig,
    "automl": AutoMLConfig,
    "inside": InsideConfig,
    "log": LogConfig,
    "metrics": MetricsConfig,
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


def differences(old: Config, new: Config) -> tuple[list[str], list[str]]:
    """The names of settings that differ: those that are live, those that are not."""
    found: tuple[list[str], list[str]] = ([], [])
    for s in SETTINGS:
        if _value(old, s.name) != _value(new, s.name):
            found[0 if s.live else 1].append(s.name)
    return found


def live_values(config: Config) -> dict[str, Any]:
    """What can change at run time, by full names, as JSON can hold it."""
    return {s.name: _plain(_value(config, s.name)) for s in SETTINGS if s.live}


def with_live_values(config: Config, values: Mapping[str, Any]) -> Config:
    """A configuration with values of ``live_values`` in their places.

    Raises:
        ConfigError: a value is not what its setting may be.
    """
    for s in SETTINGS:
        if not s.live or s.name not in values:
            continue
        value = _converted(s, values[s.name], s.name)
        table, _, key = s.name.rpartition(".")
        if table:
            changed = replace(getattr(config, table), **{key: value})
            config = replace(config, **{table: changed})
        else:
            config = replace(config, **{key: value})
    return config


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


def _value(config: Config, name: str) -> Any:
    found: Any = config
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(member) for member in value]
    if value is None:
        return ""
    return value if isinstance(value, str | int | float) else str(value)


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
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _wrapped(sentence: str) -> list[str]:
    return textwrap.wrap(
        sentence,
        80,
        initial_indent="# ",
        subsequent_indent="# ",
        break_on_hyphens=False,
    )
