"""One mysqld process: started, waited for, stopped, and found again when orphaned."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

STOP_S = 60
LOG_TAIL_LINES = 12
# Linux ends a child with the *thread* that started it, hence the thread in Mysqld.
# Set between fork and exec by a fresh interpreter: no code of ours runs in a fork.
_LAUNCH = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    if os.getppid() != int(sys.argv[1]):
        sys.exit("heatproxy went away")
os.execv(sys.argv[2], sys.argv[2:])
"""


class MysqldError(Exception):
    """mysqld did not start; the message ends with the last lines of its log."""


class Mysqld:
    """A mysqld that ends when heatproxy does, however heatproxy ends.

    Its messages are appended to ``log``. A terminal's Ctrl-C does not reach it. It is
    told that it has a supervisor: without one it refuses RESTART.
    """

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._command = command
        self._log = log
        self._log_start = log.stat().st_size if log.exists() else 0
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: OSError | None = None
        self._spawned = threading.Event()
        self._ended = threading.Event()
        threading.Thread(target=self._own, name="mysqld", daemon=True).start()
        self._spawned.wait()
        if self._failure is not None:
            raise MysqldError(f"mysqld can't be started: {self._failure}")

    @property
    def pid(self) -> int:
        assert self._process is not None  # __init__ raised otherwise
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative when a signal ended it."""
        return self._process.poll() if self._ended.is_set() and self._process else None

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether it has ended within the time given."""
        return self._ended.wait(timeout_s)

    def wait_ready(self, connect: Callable[[], bool], timeout_s: float) -> None:
        """Return once ``connect`` has succeeded.

        Raises:
            MysqldError: mysqld ended before, or was not ready in time.
        """
        deadline = time.monotonic() + timeout_s
        while not connect():
            if self.wait(0.02):
                raise self.failed("mysqld ended while starting")
            if time.monotonic() > deadline:
                raise self.failed(f"mysqld was not ready after {timeout_s:.0f} s")

    def failed(self, what: str) -> MysqldError:
        """The error that says what happened and what mysqld said of it."""
        code = "" if self.exit_code is None else f" (exit code {self.exit_code})"
        said = self.said().strip().splitlines()[-LOG_TAIL_LINES:]
        lines = "\n".join(said) or "it said nothing"
        return MysqldError(f"{what}{code}; from {self._log}:\n{lines}")

    def said(self) -> str:
        """What this process has logged so far."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def stop(self) -> None:
        """Shut down, as a signal asks for it; by force after STOP_S seconds."""
        if self._process is not None and not self._ended.is_set():
            self._process.send_signal(signal.SIGTERM)
            if not self.wait(STOP_S):
                self._process.kill()
                self.wait()

    def _own(self) -> None:
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid())]
        try:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603
                    [*launcher, *self._command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    env=os.environ | {"MYSQLD_PARENT_PID": str(os.getpid())},
                )
        except OSError as problem:
            self._failure = problem
            return
        finally:
            self._spawned.set()
        self._process.wait()
        self._ended.set()


def orphans(datadir: Path) -> list[int]:
    """The processes of mysqld that serve a data directory, by /proc."""
    argument = b"--datadir=" + os.fsencode(datadir)
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = entry.read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile
            continue
        if argument in arguments:
            found.append(int(entry.parent.name))
    return found


def stop_orphans(datadir: Path) -> bool:
    """Stop what a killed heatproxy left behind. Whether there was anything."""
    found = orphans(datadir)
    _signal(found, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while left := orphans(datadir):
        if time.monotonic() > deadline:
            _signal(left, signal.SIGKILL)
        time.sleep(0.05)  # they are not our children: nothing tells of their end
    return bool(found)


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
