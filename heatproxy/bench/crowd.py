"""Many analytic clients at once, and point SELECTs of another client beside them.

Every client of the crowd asks TPC-H's queries over and over, each from another one on.
The rows are compared with MySQL's own; those that a tie leaves open are sorted first.
"""

import selectors
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from heatproxy.bench import BenchFailed, figures, load, tables
from heatproxy.bench.clients import CAPABILITIES, Door, log_in
from heatproxy.bench.connections import more_connections
from heatproxy.bench.figures import Figure
from heatproxy.bench.ground import Ground
from heatproxy.bench.traffic import point_requests
from heatproxy.bench.workloads.tpch import TPCH
from heatproxy.wire.packets import EOF, ERR, PacketReader, frame, query
from heatproxy.wire.tracker import DONE, RESULT, Tracker

CLIENTS = 200
_PATIENCE_S = 600.0
_READ_BYTES = 1 << 18
_ALONE_S = 3.0
_LIMIT_MS = 10.0
_ENOUGH = 1000  # rows that nobody reads
Rows = list[bytes]


def measure(ground: Ground, schema: str, seconds: float) -> Iterator[Figure]:
    """What point SELECTs take beside the crowd, and how the crowd is answered.

    Raises:
        BenchFailed: a query of the crowd got an error, or none of them an answer.
    """
    direct = Door("direct", path=ground.socket)
    door = Door("heatproxy", port=ground.port)
    expected = _expected(ground, direct, schema)
    with ExitStack() as held:
        backend = held.enter_context(log_in(direct, ground.account))
        held.enter_context(more_connections(ground.socket, ground.account, 2 * CLIENTS))
        held.enter_context(tables.made(backend, _ENOUGH))
        point = [held.enter_context(log_in(door, ground.account))]
        crowd = Crowd(
            [held.enter_context(_analyst(ground, door, schema)) for _ in range(CLIENTS)]
        )
        requests = point_requests()
        load.run(point, requests, seconds=_ALONE_S)  # warms up
        alone = load.run(point, requests, seconds=_ALONE_S)
        beside = []
        with crowd.asking():
            until = time.monotonic() + seconds
            while time.monotonic() < until or not crowd.all_answered:
                beside.append(load.run(point, requests, seconds=1.0))
                crowd.require_alive()
    p99_ms = _percentile_ms(beside, 99)
    what = f"point SELECT beside {CLIENTS} analytic clients, p99"
    yield figures.at_most(what, p99_ms, _LIMIT_MS, " ms", 1)
    said = f"{_percentile_ms(beside, 50):.2f}, {alone.percentile_us(99) / 1e3:.2f} ms"
    yield Figure("its median; p99 alone", said)
    wrong = sorted({n for n, rows in crowd.answers() if rows != expected[n]})
    counted = f"{len(crowd.replies):,}, wrong: {', '.join(wrong) or 'none'}"
    yield Figure("their answers, one each at least", counted, "none", not wrong)


def _percentile_ms(turns: Sequence[load.Turn], percent: float) -> float:
    """Of the turns together: the median of seconds would hide a bad one."""
    joined = np.concatenate([turn.latencies_ns for turn in turns])
    return float(np.percentile(joined, percent)) / 1e6


def _analyst(ground: Ground, door: Door, schema: str) -> socket.socket:
    connection = log_in(door, ground.account)
    for statement in (f"USE {schema}", "SET secondary_engine_cost_threshold = 0"):
        tables.execute(connection, statement)
    return connection


def _expected(ground: Ground, direct: Door, schema: str) -> Mapping[str, Rows]:
    """MySQL's rows of each query."""
    found = {}
    with log_in(direct, ground.account) as connection:
        for statement in (f"USE {schema}", "SET use_secondary_engine = OFF"):
            tables.execute(connection, statement)
        connection.settimeout(_PATIENCE_S)
        for name, text in TPCH.queries.items():
            client = Client(connection)
            client.ask(name, text)
            while not client.receive():
                pass
            found[name] = rows_of(client.reply)
    return found


def rows_of(reply: bytes) -> Rows:
    """The rows of a text result set, sorted.

    Raises:
        BenchFailed: it is an error.
    """
    packets = list(PacketReader().feed(reply))
    if packets[0][0] == ERR:
        raise BenchFailed(f"a query of TPC-H: {packets[0][9:].decode()}")
    ends = [at for at, one in enumerate(packets) if one[0] == EOF and len(one) < 9]
    return sorted(packets[ends[0] + 1 : ends[1]])


@dataclass(slots=True)
class Client:
    """One connection and the query under way on it."""

    connection: socket.socket
    at: int = 0  # of the queries, in their order
    name: str = ""
    parts: list[bytes] = field(default_factory=list)
    tracker: Tracker = field(default_factory=lambda: Tracker(CAPABILITIES))

    def ask(self, name: str, text: str) -> None:
        self.name = name
        self.parts.clear()
        self.tracker.expect(RESULT)
        self.connection.sendall(frame(query(text.encode(), 0), 0))

    def receive(self) -> bool:
        """Take what has come; whether that ends the reply."""
        data = self.connection.recv(_READ_BYTES)
        if not data:
            raise BenchFailed("a client of the crowd was hung up on")
        self.parts.append(data)
        _, event = self.tracker.scan(data, 0)
        return event == DONE

    @property
    def reply(self) -> bytes:
        return b"".join(self.parts)


class Crowd:
    """Clients that ask from a thread of their own, each one query at a time."""

    def __init__(self, connections: Sequence[socket.socket]) -> None:
        self._clients = [Client(one, at) for at, one in enumerate(connections)]
        self._queries = list(TPCH.queries.items())
        self._waiting = set(range(len(self._clients)))  # for their first answer
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._problem: Exception | None = None
        self.replies: list[tuple[str, bytes]] = []

    def asking(self) -> "Crowd":
        """For a ``with`` statement: they ask until its end, and then to their end."""
        return self

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.require_alive()

    @property
    def all_answered(self) -> bool:
        """Whether every client has had an answer."""
        return not self._waiting

    def require_alive(self) -> None:
        """Raise BenchFailed where a client was not answered."""
        if self._problem is not None:
            raise BenchFailed(f"a client of the crowd: {self._problem}")

    def answers(self) -> Iterator[tuple[str, Rows]]:
        """Each query's name and its rows, sorted, once for every answer."""
        for name, reply in self.replies:
            yield name, rows_of(reply)

    def _run(self) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                for client in self._clients:
                    self._ask(client)
                    selector.register(client.connection, selectors.EVENT_READ, client)
                while selector.get_map():
                    ready = selector.select(_PATIENCE_S)
                    if not ready:
                        raise BenchFailed("it was not answered in time")
                    for key, _ in ready:
                        if key.data.receive():
                            self._answered(key.data, selector)
        except Exception as problem:
            self._problem = problem

    def _ask(self, client: Client) -> None:
        name, text = self._queries[client.at % len(self._queries)]
        client.at += 1
        client.ask(name, text)

    def _answered(self, client: Client, selector: selectors.BaseSelector) -> None:
        self.replies.append((client.name, client.reply))
        self._waiting.discard(self._clients.index(client))
        if self._ended.is_set():
            selector.unregister(client.connection)
        else:
            self._ask(client)
