"""What a test asks of somebody else's MySQL client, whatever language it is in.

A client is given a login and statements, holds one session, and says what came back as
plain values. Clients report in shapes of their own (a number as ``1`` or ``'1'``): what
one of them says is compared with what the same one says elsewhere.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

Plain = (
    str
    | int
    | float
    | bytes
    | Decimal
    | datetime.date
    | datetime.timedelta
    | frozenset[str]
    | tuple["Plain", ...]
    | None
)
PATIENCE_S = 120  # for a whole conversation, on a machine that has other work


class Unavailable(Exception):
    """This client cannot be had on this machine; the message says why."""


class Skill(Enum):
    """What not every client can do."""

    PARAMETERS = auto()  # statements prepared in the binary protocol
    LOCAL_FILE = auto()
    ZLIB = auto()
    ZSTD = auto()
    TLS = auto()
    SOCKET = auto()  # a unix socket


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS is asked for; with a ``ca`` the certificate must be of it."""

    ca: Path | None = None
    verify_name: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    """Where to, and as whom. A ``socket`` goes before host and port."""

    user: str
    password: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 3306
    socket: str = ""
    database: str = ""
    tls: Tls | None = None
    compression: str = ""  # "zlib" or "zstd"


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL on one line; with ``parameters`` it is prepared, each ``?`` one of them."""

    sql: str
    parameters: tuple[Plain, ...] | None = None


@dataclass(frozen=True, slots=True)
class ResultSet:
    """Columns as the client describes them, and rows."""

    columns: tuple[Plain, ...]
    rows: tuple[tuple[Plain, ...], ...]


@dataclass(frozen=True, slots=True)
class Done:
    """An OK: affected rows, insert id, warnings, as far as the client says."""

    report: tuple[Plain, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error of the server, or of the client itself (2000 and more)."""

    number: int
    sqlstate: str
    text: str


Outcome = tuple[ResultSet | Done | Refusal, ...]  # of one statement, in their order


class LoginRefused(Exception):
    """There was no session; ``refusal`` is why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.number} ({refusal.sqlstate}): {refusal.text}")
        self.refusal = refusal


class Client(Protocol):
    """A MySQL client. It is made once, and holds a session for each ``talk``."""

    @property
    def skills(self) -> frozenset[Skill]: ...

    def talk(self, login: Login, statements: Sequence[Statement]) -> list[Outcome]:
        """One session with autocommit on: each statement's outcome, errors included.

        Raises:
            LoginRefused: the server or the client would not have it.
        """
        ...
