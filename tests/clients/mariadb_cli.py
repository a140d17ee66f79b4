"""MariaDB's command-line client, for its library (libmariadb): packages of Debian's.

It is another implementation of the protocol, which many drivers are built on. It offers
neither DEPRECATE_EOF nor session tracking to a MySQL server.

Source: MariaDB Knowledge Base, "mariadb Command-Line Client".
"""

import sys
from collections.abc import Sequence

from heatproxy.backend import packages
from heatproxy.backend.apt import AptError
from heatproxy.backend.progress import Lines
from tests.clients import command_line
from tests.clients.contract import Login, Outcome, Skill, Statement, Unavailable

PACKAGE = "mariadb-client-core"


class MariadbCli:
    """``mariadb``, always unpacked: what PATH calls so may be of any age."""

    skills = frozenset([Skill.LOCAL_FILE, Skill.ZLIB, Skill.TLS, Skill.SOCKET])

    def __init__(self) -> None:
        cache = packages.cache_dir().parent / "mariadb"
        try:
            found = packages.program(cache, PACKAGE, Lines(sys.stderr))
        except AptError as problem:
            raise Unavailable(f"no {PACKAGE} from this machine: {problem}") from None
        plugins = next(found.prefix.glob("usr/lib/*/libmariadb3/plugin"))
        self._command = (
            *(*found.loader, str(found.prefix / "usr/bin/mariadb"), "--no-defaults"),
            *(f"--plugin-dir={plugins}",),
        )

    def talk(self, login: Login, statements: Sequence[Statement]) -> list[Outcome]:
        assert login.compression in ("", "zlib")
        command = [
            *self._command,
            f"--user={login.user}",
            *command_line.where(login),
            *_tls(login),
        ]
        if login.database:
            command.append(f"--database={login.database}")
        if login.compression:
            command.append("--compress")
        return command_line.talk(command, login.password, statements)


def _tls(login: Login) -> list[str]:
    tls = login.tls
    if tls is None:
        return ["--skip-ssl"]
    if tls.ca is None:
        return ["--ssl", "--skip-ssl-verify-server-cert"]
    # with a CA it checks the name as well: it has no way to ask for one alone
    return ["--ssl", f"--ssl-ca={tls.ca}", "--ssl-verify-server-cert"]
