"""What ``bench wire`` measures on: a backend, a heatproxy, and other proxies beside it.

All of it is started here and ended here. The other proxies reach the same backend the
same way: HAProxy in TCP mode with one thread, MySQL Router in its classic protocol.
"""

import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from heatproxy.backend.credentials import Credentials, read_option_file
from heatproxy.bench import BenchFailed, processes
from heatproxy.bench.clients import Door, log_in

DIRECT, HAPROXY, ROUTER, HEATPROXY = "direct", "HAProxy", "Router", "heatproxy"
START_S = 30.0
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")

_HAPROXY = """\
global
    nbthread 1
    maxconn {most}
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
listen bench
    bind 127.0.0.1:{port}
    server mysql unix@{socket}
"""


class StageFailed(BenchFailed):
    """heatproxy did not start, or not as expected; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy: its door, and the process it was started as."""

    door: Door
    pid: int

    def relays(self) -> list[int]:
        """The processes whose time and memory count as the proxy's."""
        return processes.relays(self.pid)


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs."""

    account: Credentials
    direct: Door
    heatproxy: Proxy
    others: tuple[Proxy, ...]
    absent: tuple[str, ...]  # a line for each proxy that is not beside us, and why

    @property
    def proxies(self) -> tuple[Proxy, ...]:
        return (*self.others, self.heatproxy)

    @property
    def doors(self) -> tuple[Door, ...]:
        return (self.direct, *(proxy.door for proxy in self.proxies))

    def beside(self, name: str) -> Proxy | None:
        """The other proxy of that name, if it is installed."""
        found = [proxy for proxy in self.others if proxy.door.name == name]
        return found[0] if found else None


@contextmanager
def open_stage(data_dir: Path, arguments: Sequence[str] = ()) -> Iterator[Stage]:
    """Start everything on a data directory, which is made when it is not there.

    Args:
        arguments: more flags for ``heatproxy up``.

    Raises:
        StageFailed: heatproxy did not start.
    """
    _raise_file_limit()
    with ExitStack() as held:
        port, pid = held.enter_context(heatproxy(data_dir, arguments))
        account = read_option_file(data_dir / "client.cnf")
        direct = Door(DIRECT, path=backend_socket(data_dir))
        log_in(direct, account).close()  # the password is cached from now on
        others, absent = [], []
        for name, program, start in (
            (HAPROXY, "haproxy", _haproxy),
            (ROUTER, "mysqlrouter", _router),
        ):
            path = _installed(program)
            if path is None:
                absent.append(f"{name} is not beside us: no {program} installed here")
                continue
            folder = data_dir / "bench"
            folder.mkdir(exist_ok=True, mode=0o700)
            command, other = start(path, folder, direct.path)
            door = Door(name, port=other)
            log = folder / f"{program}.log"
            process = held.enter_context(_running(command, log))
            if _opens(door, process):
                others.append(Proxy(door, process.pid))
            else:
                absent.append(f"{name} is not beside us: it did not start, see {log}")
        ours = Proxy(Door(HEATPROXY, port=port), pid)
        yield Stage(account, direct, ours, tuple(others), tuple(absent))


@contextmanager
def heatproxy(
    data_dir: Path, arguments: Sequence[str] = (), **environment: str
) -> Iterator[tuple[int, int]]:
    """Port and process id of a heatproxy of our own, once it has settled.

    Raises:
        StageFailed: it did not start.
    """
    port = _free_port()
    command = [sys.executable, "-m", "heatproxy", "up"]
    command += ["--data-dir", str(data_dir), "--listen", f"127.0.0.1:{port}"]
    server = subprocess.Popen(  # noqa: S603
        [*command, *arguments],
        env={**os.environ, "HEATPROXY_LOG_LEVEL": "warning", **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        if not any(" is ready " in line for line in server.stdout):
            raise StageFailed("heatproxy did not start; see above")
        processes.settle(server.pid)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()


def _haproxy(program: str, folder: Path, backend: str) -> tuple[list[str], int]:
    port = _free_port()
    settings = folder / "haproxy.cfg"
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(1, files // 2 - 100)  # two files a connection
    settings.write_text(_HAPROXY.format(port=port, socket=backend, most=most))
    return [program, "-db", "-f", str(settings)], port


def _router(program: str, folder: Path, backend: str) -> tuple[list[str], int]:
    port = _free_port()
    settings = folder / "mysqlrouter.conf"
    settings.write_text(
        f"[DEFAULT]\nlogging_folder={folder}\nruntime_folder={folder}\n"
        f"data_folder={folder}\n[logger]\nlevel=warning\n"
        f"[routing:bench]\nbind_address=127.0.0.1\nbind_port={port}\n"
        f"destinations=local:{backend}\nrouting_strategy=first-available\n"
        "protocol=classic\nclient_ssl_mode=DISABLED\nserver_ssl_mode=DISABLED\n"
        "max_connect_errors=100000\n"
    )
    return [program, f"--config={settings}"], port


@contextmanager
def _running(command: Sequence[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)  # noqa: S603
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _opens(door: Door, process: "subprocess.Popen[bytes]") -> bool:
    """Whether a proxy listens by now, or soon."""
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            door.dial().close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return True
    return False


def _installed(program: str) -> str | None:
    """Where a program stands; daemons are often in folders not on a user's PATH."""
    folders = [os.environ.get("PATH", os.defpath), *_SYSTEM_FOLDERS]
    return shutil.which(program, path=os.pathsep.join(folders))


def backend_socket(data_dir: Path) -> str:
    """The embedded backend's socket, which a long path puts elsewhere."""
    text = (data_dir / "backend.cnf").read_text()
    found = re.search(r'^socket="?([^"\n]+)"?$', text, re.MULTILINE)
    if found is None:
        raise StageFailed(f"{data_dir / 'backend.cnf'} names no socket")
    return found[1]


def _raise_file_limit() -> None:
    """As many open files as allowed, for us and for what we start."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
