"""What processes cost, by /proc: time on a processor, and memory."""

import os
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
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


def engine(root: int) -> int:
    """The engine process in the tree under ``root``.

    Raises:
        LookupError: there is none.
    """
    children = _children()
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        if _maps(pid, _ENGINE):
            return pid
        waiting += children.get(pid, [])
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
        for thread in (PROC / str(pid) / "task").iterdir():
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
