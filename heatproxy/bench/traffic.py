"""Short statements: what one costs, how long it takes, how many come a second."""

import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from statistics import median

from heatproxy.bench import load, processes
from heatproxy.bench.clients import log_in, offers_tls
from heatproxy.bench.counts import Counts
from heatproxy.bench.report import Line, difference, ratio
from heatproxy.bench.stage import HAPROXY, HEATPROXY, Stage
from heatproxy.bench.tables import POINT, POINTS
from heatproxy.wire.packets import frame, query

CPU_TIMES_HAPROXY = 1.5
P50_OVER_HAPROXY_US = 30.0
QPS_OF_HAPROXY = 0.9
CPU_TIMES_WITHOUT_TLS = 1.5
CONNECTIONS = (1, 8, 32)
_TLS_CONNECTIONS = 8
_READ_BYTES = 1 << 16


def point_selects(stage: Stage, counts: Counts) -> Iterator[Line]:
    """Point SELECTs as text, by one connection and by many."""
    for connections in CONNECTIONS:
        yield from _point_selects(stage, counts, connections)


def tls(stage: Stage, counts: Counts) -> Iterator[Line]:
    """The same with TLS on the client's leg.

    The clients here are Python's, which know TLS, for both figures.
    """
    what = f"CPU of a point SELECT, {_TLS_CONNECTIONS} conn.: TLS over plain"
    door = stage.heatproxy.door
    if not offers_tls(door):
        yield Line(what, note="heatproxy does not offer TLS to clients")
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    used: dict[bool, list[float]] = {False: [], True: []}
    with ExitStack() as held:
        clients = {
            secure: [
                held.enter_context(
                    log_in(door, stage.account, context if secure else None)
                )
                for _ in range(_TLS_CONNECTIONS)
            ]
            for secure in used
        }
        pids = stage.heatproxy.relays()
        for turn in range(counts.turns + 1):
            for secure, connections in clients.items():
                before = processes.cpu_ns(pids)
                replies = _together(connections, counts.seconds)
                cost = (processes.cpu_ns(pids) - before) / replies / 1e3
                if turn:  # the first one warms up
                    used[secure].append(cost)
    compared = median(b / a for a, b in zip(used[False], used[True], strict=True))
    yield Line(
        f"{what}, µs",
        "",
        {HEATPROXY: median(used[True])},
        f"{compared:.2f}",
        f"<= {CPU_TIMES_WITHOUT_TLS:.2f}",
        compared <= CPU_TIMES_WITHOUT_TLS,
    )


def _point_selects(stage: Stage, counts: Counts, connections: int) -> Iterator[Line]:
    p50: dict[str, list[float]] = {door.name: [] for door in stage.doors}
    p99: dict[str, list[float]] = {door.name: [] for door in stage.doors}
    rate: dict[str, list[float]] = {door.name: [] for door in stage.doors}
    cost: dict[str, list[float]] = {proxy.door.name: [] for proxy in stage.proxies}
    pids = {proxy.door.name: proxy.relays() for proxy in stage.proxies}
    requests = point_requests()
    with ExitStack() as held:
        clients = {
            door.name: [
                held.enter_context(log_in(door, stage.account))
                for _ in range(connections)
            ]
            for door in stage.doors
        }
        for turn in range(counts.turns + 1):
            for name, sockets in clients.items():
                before = processes.cpu_ns(pids.get(name, ()))
                done = load.run(sockets, requests, seconds=counts.seconds)
                spent = processes.cpu_ns(pids.get(name, ())) - before
                if not turn:  # the first one warms up
                    continue
                p50[name].append(done.percentile_us(50))
                p99[name].append(done.percentile_us(99))
                rate[name].append(done.per_second)
                if name in cost:
                    cost[name].append(spent / done.replies / 1e3)
    what = f"point SELECT, {connections} conn.: "
    yield ratio(f"{what}CPU", "µs", cost, to=HAPROXY, at_most=CPU_TIMES_HAPROXY)
    if connections == 1:
        most = P50_OVER_HAPROXY_US
        yield difference(f"{what}p50", "µs", p50, to=HAPROXY, at_most=most)
    else:
        least = QPS_OF_HAPROXY
        yield ratio(f"{what}rate", "/s", rate, to=HAPROXY, at_least=least)
        yield ratio(f"{what}p50", "µs", p50, to=HAPROXY)
    yield ratio(f"{what}p99", "µs", p99, to=HAPROXY)


def point_requests() -> list[bytes]:
    """Packets of one length that each read another row."""
    first, step = POINTS // 10, 37
    return [
        frame(query(f"{POINT}{row}".encode(), 0), 0)
        for row in range(first, POINTS, step)
    ]


def _together(connections: Sequence[socket.socket], seconds: float) -> int:
    """Replies got by clients that all send, then all read, over and over.

    The requests leave at once, whatever it took the clients to encrypt them: those
    that come one by one cost a proxy a wake-up each.
    """
    requests, replies = point_requests(), 0
    until = time.monotonic() + seconds
    while not replies or time.monotonic() < until:
        request = requests[replies % len(requests)]
        for connection in connections:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            connection.sendall(request)
        for connection in connections:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        for connection in connections:
            data = connection.recv(_READ_BYTES)
            while not _is_whole(data):
                data += connection.recv(_READ_BYTES)
            replies += 1
    return replies


def _is_whole(data: bytes) -> bool:
    """Whether a result set has come to its second EOF."""
    position = eofs = 0
    while position + 4 < len(data):
        length = int.from_bytes(data[position : position + 3], "little")
        eofs += data[position + 4] == 0xFE and length < 9
        position += 4 + length
    return eofs == 2 and position == len(data)
