"""Statements that run while a test looks on, and the processes that serve them."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.asking import result_sets, rows

PATIENCE_S = 90.0


@contextmanager
def running(connection: Any, sql: str) -> Iterator["Future[Any]"]:
    """The statement in a thread of its own, whose end is awaited."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(result_sets, connection, sql)


def until(happened: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """Ask until the answer is true; each question takes its time."""
    limit = time.monotonic() + patience_s
    while not (answer := happened()):
        assert time.monotonic() < limit, "it did not happen"
    return answer


def until_it_waits(other: Any, thread_id: int, doing: str = "") -> None:
    """Until a session's statement is one that heatproxy works on for it."""
    sql = (
        f"SELECT 1 FROM performance_schema.processlist WHERE ID = {thread_id}"
        f" AND STATE = 'User lock' AND INFO LIKE '/* heatproxy, {doing}%'"
    )
    until(lambda: rows(other, sql))


def children(pid: int) -> set[int]:
    """The processes below one, at any depth."""
    below: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            own = {int(child) for child in task.read_text().split()}
        except OSError:  # it has ended
            continue
        below |= own.union(*map(children, own))
    return below


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
