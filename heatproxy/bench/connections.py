"""Connections: what making one costs, and what thousands of idle ones weigh."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

import pymysql

from heatproxy.backend.credentials import Credentials
from heatproxy.bench import processes
from heatproxy.bench.clients import LoginFailed, log_in, quit_and_wait
from heatproxy.bench.counts import Counts
from heatproxy.bench.report import Line, amount, difference
from heatproxy.bench.stage import DIRECT, HEATPROXY, Stage

OVER_DIRECT_MS = 0.6
IDLE_MB = 300.0
_OURS = 100  # files and connections that are not the measured ones


def logins(stage: Stage, counts: Counts) -> Iterator[Line]:
    """Connect, log in, quit: the median of each way."""
    took: dict[str, list[float]] = {door.name: [] for door in stage.doors}
    for turn in range(counts.turns + 1):
        for door in stage.doors:
            times = []
            for _ in range(counts.logins):
                began = time.perf_counter()
                quit_and_wait(log_in(door, stage.account))
                times.append((time.perf_counter() - began) * 1e3)
            if turn:  # the first one warms up
                took[door.name].append(median(times))
    what = "connect, log in, quit"
    yield difference(what, "ms", took, to=DIRECT, at_most=OVER_DIRECT_MS)


def idle(stage: Stage, counts: Counts) -> Iterator[Line]:
    """The memory of heatproxy's relays under connections that do nothing."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    fit = min(counts.idle, files // 2 - _OURS)  # a relay holds two files for each
    held: list[socket.socket] = []
    pids = stage.heatproxy.relays()
    before = processes.memory_bytes(pids) / 1e6
    problem = ""
    with (
        more_connections(stage.direct.path, stage.account, fit + _OURS) as allowed,
        ExitStack() as stack,
    ):
        while len(held) < min(fit, allowed - _OURS):
            try:
                one = log_in(stage.heatproxy.door, stage.account)
            except (LoginFailed, OSError) as refused:
                problem = f"; then: {refused}"
                break
            held.append(stack.enter_context(one))
        pids = stage.heatproxy.relays()
        after = processes.memory_bytes(pids) / 1e6
    what = f"memory with {len(held):,} idle connections"
    if len(held) < counts.idle:
        yield Line(
            what,
            note=f"{after:,.0f} MB, {before:,.0f} without; {counts.idle:,} do not fit"
            f" here ({files:,} files, {allowed:,} connections of MySQL){problem}",
        )
        return
    each = Line(
        "memory of one", "KB", {HEATPROXY: (after - before) * 1e3 / max(1, len(held))}
    )
    yield amount(what, "MB", after, at_most=IDLE_MB)
    yield each


@contextmanager
def more_connections(path: str, account: Credentials, wanted: int) -> Iterator[int]:
    """MySQL's max_connections raised for a while; what it came to."""
    with pymysql.connect(
        unix_socket=path, user=account.user, password=account.password
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT @@GLOBAL.max_connections")
        ((before,),) = cursor.fetchall()
        cursor.execute("SET GLOBAL max_connections = %s", (max(before, wanted),))
        try:
            cursor.execute("SELECT @@GLOBAL.max_connections")
            ((now,),) = cursor.fetchall()
            yield int(now)
        finally:
            cursor.execute("SET GLOBAL max_connections = %s", (before,))
