"""What processes cost, by /proc: time on a processor, and memory."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
SETTLE_S, LOOK_S = 120.0, 0.5
BUSY = 0.1  # of one processor
_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
# What is no relay in the tree of a heatproxy: the backend, and the engine process,
# which is known by the library it carries.
_BACKEND = b"mysqld"
_ENGINE = b"/_duckdb"


def relays(root: int) -> list[int]:
    """A proxy's processes: the tree under ``root`` without backend and engine."""
    children = _children()
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        if pid != root and _is_none(pid):
            continue
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def settle(root: int) -> None:
    """Wait until the tree under ``root`` does next to nothing, at most SETTLE_S.

    A heatproxy that runs for the first time compiles its kernels in the background.
    """
    until = time.monotonic() + SETTLE_S
    while time.monotonic() < until:
        before = cpu_ns(tree := _tree(root))
        time.sleep(LOOK_S)
        if cpu_ns(tree) - before < BUSY * LOOK_S * 1e9:
            return


def engine(root: int) -> int:
    """The engine process in the tree under ``root``.

    Raises:
        LookupError: there is none.
    """
    for pid in _tree(root):
        if _maps(pid, _ENGINE):
            return pid
    raise LookupError("no engine process")


def forget_peak(pid: int) -> None:
    """Let ``peak_bytes`` begin anew."""
    (PROC / str(pid) / "clear_refs").write_text("5")


def peak_bytes(pid: int) -> int:
    """The most memory a process has had at a time."""
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    return 0


def cpu_ns(pids: Iterable[int]) -> int:
    """Nanoseconds on a processor so far, all threads together."""
    total = 0
    for pid in pids:
        try:
            threads = list((PROC / str(pid) / "task").iterdir())
        except FileNotFoundError:  # it has ended
            continue
        for thread in threads:
            try:
                total += int((thread / "schedstat").read_text().split()[0])
            except FileNotFoundError:  # a kernel without it, or the thread has ended
                total += _ticks_ns(thread)
    return total


def memory_bytes(pids: Iterable[int]) -> int:
    """Memory, what is shared counted once among those who share it (PSS)."""
    total = 0
    for pid in pids:
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) << 10
    return total


def _ticks_ns(thread: Path) -> int:
    try:
        fields = (thread / "stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0
    return (int(fields[11]) + int(fields[12])) * _TICK_NS


def _tree(root: int) -> list[int]:
    """A process and all that it has started, and they."""
    children = _children()
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def _children() -> dict[int, list[int]]:
    """The children of every process."""
    found: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            found.setdefault(int(fields[1]), []).append(int(entry.name))
    return found


def _is_none(pid: int) -> bool:
    try:
        if _BACKEND in (PROC / str(pid) / "cmdline").read_bytes():
            return True
    except (FileNotFoundError, ProcessLookupError):
        return True
    return _maps(pid, _ENGINE, gone=True)


def _maps(pid: int, library: bytes, *, gone: bool = False) -> bool:
    """Whether a process carries a library; ``gone`` is said of one that has ended."""
    try:
        return library in (PROC / str(pid) / "maps").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return gone
