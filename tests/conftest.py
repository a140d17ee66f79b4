"""One heatproxy on one embedded MySQL for the whole test session, and clients of it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pytest

from heatproxy.backend import packages
from heatproxy.backend.credentials import read_option_file
from heatproxy.backend.progress import Lines

SHARED = Path(__file__).parents[2] / "shared"


@dataclass(frozen=True)
class Server:
    """A running heatproxy: where it listens, and where its backend does."""

    data_dir: Path
    host: str
    port: int

    @property
    def client_cnf(self) -> Path:
        """admin, through heatproxy."""
        return self.data_dir / "client.cnf"

    @property
    def backend_cnf(self) -> Path:
        """admin, on the backend itself."""
        return self.data_dir / "backend.cnf"

    @property
    def backend_socket(self) -> str:
        return str(self.data_dir / "run" / "mysqld.sock")

    @property
    def login(self) -> dict[str, str]:
        admin = read_option_file(self.client_cnf)
        return {"user": admin.user, "password": admin.password}

    @property
    def backend_login(self) -> dict[str, str]:
        """How PyMySQL reaches the backend itself, as admin."""
        return {"unix_socket": self.backend_socket, **self.login}

    def connect(self, **options: Any) -> "pymysql.Connection[Any]":
        """A PyMySQL connection through heatproxy, as admin unless said otherwise."""
        given = {"host": self.host, "port": self.port, "autocommit": True}
        return pymysql.connect(**{**given, **self.login, **options})

    def connect_backend(self, **options: Any) -> "pymysql.Connection[Any]":
        """A PyMySQL connection past heatproxy."""
        return pymysql.connect(**{"autocommit": True, **self.backend_login, **options})

    def mysql(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The mysql client, fed a script."""
        command = packages.client_command(packages.cache_dir(), Lines(sys.stderr))
        return subprocess.run(
            [*command, f"--defaults-file={self.client_cnf}", *arguments],
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """``heatproxy up`` as a process, ready when this is made."""

    def __init__(
        self,
        data_dir: Path,
        *arguments: str,
        log: Path | None = None,
        **environment: str,
    ) -> None:
        """``log``: a file for what it says on stderr; without one, that is ours."""
        self.port = free_port()
        self.log = log
        with open(log, "ab") if log else nullcontext() as stderr:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "heatproxy", "up"),
                    *("--data-dir", str(data_dir)),
                    *("--listen", f"127.0.0.1:{self.port}", *arguments),
                ],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env={**os.environ, **environment},
            )
        assert self.process.stdout is not None
        self.ready_line = next(
            (line for line in self.process.stdout if "ready" in line), ""
        )
        self.server = Server(data_dir, "127.0.0.1", self.port)

    def stop(self) -> int:
        self.process.terminate()
        code = self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """heatproxy with an embedded backend, for all tests that change nothing global."""
    running = Running(
        tmp_path_factory.mktemp("heatproxy"),
        HEATPROXY_LAKEHOUSE_ALLOWED_HOSTS="127.0.0.1",
        HEATPROXY_RAPID_ANSWER_LIMIT="128M",
        HEATPROXY_LAKEHOUSE_COPY_LIMIT="1M",
    )
    assert running.ready_line, "heatproxy did not start"
    yield running.server
    running.stop()
