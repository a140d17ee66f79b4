"""MySQL's own command-line client, from PATH or unpacked as heatproxy's users have it.

Source: MySQL Reference Manual, "mysql Client Options".
"""

import sys
from collections.abc import Sequence

from heatproxy.backend import packages
from heatproxy.backend.packages import PackagesError
from heatproxy.backend.progress import Lines
from tests.clients import command_line
from tests.clients.contract import Login, Outcome, Skill, Statement, Unavailable


class MysqlCli:
    """``mysql``."""

    skills = frozenset(
        [Skill.LOCAL_FILE, Skill.ZLIB, Skill.ZSTD, Skill.TLS, Skill.SOCKET]
    )

    def __init__(self) -> None:
        try:
            command = packages.client_command(packages.cache_dir(), Lines(sys.stderr))
        except PackagesError as problem:
            raise Unavailable(str(problem)) from None
        if not command:
            raise Unavailable("there is a MySQL server on PATH but no client")
        self._command = command

    def talk(self, login: Login, statements: Sequence[Statement]) -> list[Outcome]:
        command = [
            *(*self._command, "--no-defaults", f"--user={login.user}"),
            *command_line.where(login),
            *_tls(login),
            "--get-server-public-key",
        ]
        if login.database:
            command.append(f"--database={login.database}")
        if login.compression:
            command.append(f"--compression-algorithms={login.compression}")
        return command_line.talk(command, login.password, statements)


def _tls(login: Login) -> list[str]:
    tls = login.tls
    if tls is None:
        return ["--ssl-mode=DISABLED"]
    if tls.ca is None:
        return ["--ssl-mode=REQUIRED"]
    mode = "VERIFY_IDENTITY" if tls.verify_name else "VERIFY_CA"
    return [f"--ssl-mode={mode}", f"--ssl-ca={tls.ca}"]
