"""The embedded backend's accounts, and the option files that keep their passwords."""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

ADMIN_ACCOUNT = "'admin'@'%'"
SERVICE_ACCOUNT = "'heatproxy'@'localhost'"
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "s": " ", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and its password, which is never printed."""

    user: str
    password: str = field(repr=False)


def new(user: str) -> Credentials:
    """Credentials with a password of 192 random bits."""
    return Credentials(user, secrets.token_urlsafe(24))


def accounts_sql(admin: Credentials, service: Credentials) -> str:
    """Statements for --init-file that make the accounts; they may run twice.

    root can't log in afterwards: its password is random and it is locked. None of
    it is written to the binary log.
    """
    lines = ["SET SESSION sql_log_bin = 0;"]
    accounts = ((ADMIN_ACCOUNT, admin), (SERVICE_ACCOUNT, service))
    for account, credentials in accounts:
        identified = (
            f"IDENTIFIED WITH caching_sha2_password BY '{credentials.password}'"
        )
        lines += [
            f"CREATE USER IF NOT EXISTS {account} {identified};",
            f"ALTER USER {account} {identified};",
            f"GRANT ALL PRIVILEGES ON *.* TO {account} WITH GRANT OPTION;",
        ]
    identified = f"IDENTIFIED WITH caching_sha2_password BY '{new('root').password}'"
    lines.append(f"ALTER USER 'root'@'localhost' {identified} ACCOUNT LOCK;")
    return "\n".join(lines) + "\n"


def option_file(groups: dict[str, dict[str, str]]) -> str:
    """The text of a MySQL option file.

    Source: MySQL Reference Manual, "Using Option Files".
    """
    lines = []
    for group, options in groups.items():
        lines.append(f"[{group}]")
        lines += [f"{name}={_quoted(value)}" for name, value in options.items()]
        lines.append("")
    return "\n".join(lines)


def read_option_file(path: Path) -> Credentials:
    """The user and password of an option file's [client] group.

    Raises:
        ValueError: one of them is missing.
        OSError: the file can't be read.
    """
    found: dict[str, str] = {}
    group = ""
    for line in path.read_text().splitlines():
        text = line.strip()
        if text.startswith("["):
            group = text.strip("[]")
        elif group == "client" and not text.startswith(("#", ";")) and "=" in text:
            name, _, value = text.partition("=")
            found[name.strip()] = _unquoted(value.strip())
    if not {"user", "password"} <= found.keys():
        raise ValueError(f"{path} has no user and password under [client]")
    return Credentials(found["user"], found["password"])


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only."""
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _quoted(value: str) -> str:
    """A value in which #, blanks and backslashes stand for themselves."""
    escaped = value.replace("\\", "\\\\").replace("\n", "\\n")
    return f'"{escaped}"'


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    pieces = iter(value)
    text = ""
    for char in pieces:
        if char == "\\":
            after = next(pieces, "")
            text += _ESCAPES.get(after, "\\" + after)
        else:
            text += char
    return text
