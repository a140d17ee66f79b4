"""Long results: how fast rows come through, in either protocol."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

from heatproxy.bench import load, processes, rows
from heatproxy.bench.clients import log_in
from heatproxy.bench.counts import Counts
from heatproxy.bench.report import Line, rate, ratio
from heatproxy.bench.stage import DIRECT, HAPROXY, Stage
from heatproxy.bench.tables import WIDE
from heatproxy.wire.packets import Command, frame, query

OF_DIRECT = 0.95
OWN_ROWS_PER_S = {"text": 3e6, "binary": 8e6}
_NO_CURSOR_ONCE = b"\0\1\0\0\0"


def long_results(stage: Stage, counts: Counts) -> Iterator[Line]:
    """A million rows as text, and as a prepared statement's binary rows."""
    for protocol in ("text", "binary"):
        yield from _long_result(stage, counts, protocol)


def own_results(_stage: Stage, counts: Counts) -> Iterator[Line]:
    """Result sets of our own: how many rows a core encodes a second."""
    for made in rows.measure(counts.rows, counts.row_turns):
        least = OWN_ROWS_PER_S[made.protocol]
        what = f"own rows encoded on a core, {made.protocol}"
        yield rate(what, "/s", made.rows_per_s, at_least=least)


def prepare(connection: socket.socket, sql: str) -> bytes:
    """The packet that executes a statement without parameters, prepared now."""
    connection.sendall(frame(bytes([Command.STMT_PREPARE]) + sql.encode(), 0))
    # OK, then the columns' definitions and an EOF: nothing else is under way
    data = b""
    while not _ends_with_eof(data):
        data += connection.recv(1 << 16)
    execute = bytes([Command.STMT_EXECUTE]) + data[5:9] + _NO_CURSOR_ONCE
    return frame(execute, 0)


def _long_result(stage: Stage, counts: Counts, protocol: str) -> Iterator[Line]:
    speed: dict[str, list[float]] = {door.name: [] for door in stage.doors}
    cost: dict[str, list[float]] = {proxy.door.name: [] for proxy in stage.proxies}
    pids = {proxy.door.name: proxy.relays() for proxy in stage.proxies}
    with ExitStack() as held:
        clients = {}
        for door in stage.doors:
            connection = held.enter_context(log_in(door, stage.account))
            request = frame(query(WIDE.encode(), 0), 0)
            if protocol == "binary":
                request = prepare(connection, WIDE)
            clients[door.name] = (connection, request)
        for turn in range(counts.row_turns + 1):
            for name, (connection, request) in clients.items():
                before = processes.cpu_ns(pids.get(name, ()))
                done = load.run([connection], [request], replies=1)
                spent = processes.cpu_ns(pids.get(name, ())) - before
                if turn:  # the first one warms up
                    speed[name].append(counts.rows / done.seconds)
                    if name in cost:
                        cost[name].append(spent / 1e6)
    what = f"{counts.rows:,} rows, {protocol}: "
    yield ratio(f"{what}speed", "rows/s", speed, to=DIRECT, at_least=OF_DIRECT)
    yield ratio(f"{what}CPU", "ms", cost, to=HAPROXY)


def _ends_with_eof(data: bytes) -> bool:
    return len(data) > 9 and data[-9:-6] == b"\5\0\0" and data[-5] == 0xFE
