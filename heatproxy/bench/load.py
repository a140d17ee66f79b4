"""The load: one thread that keeps connections busy, each with one statement at a time.

Compiled by numba, it calls the C library itself, so that the client costs little and
what is measured is the way to the server. It understands of a reply only where it
ends, for statements that return one result set, or an OK, without DEPRECATE_EOF.

Source: MySQL Source Code Documentation, "Text Resultset"; epoll(7).
"""

import platform
import select
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, types

from heatproxy.bench import BenchFailed

READ_BYTES = 1 << 18
MOST_REPLIES = 1 << 20  # of one turn
PATIENCE_S = 30
# struct epoll_event is packed on x86-64 only; in 4-byte words: its size, its data
_EVENT = (3, 1) if platform.machine() == "x86_64" else (4, 2)

_send: Any = types.ExternalFunction(
    "send", types.int64(types.int32, types.uintp, types.uintp, types.int32)
)
_recv: Any = types.ExternalFunction(
    "recv", types.int64(types.int32, types.uintp, types.uintp, types.int32)
)
_epoll_wait: Any = types.ExternalFunction(
    "epoll_wait", types.int32(types.int32, types.uintp, types.int32, types.int32)
)
_clock_gettime: Any = types.ExternalFunction(
    "clock_gettime", types.int32(types.int32, types.uintp)
)
_MONOTONIC = 1
_NO_SIGNAL = int(socket.MSG_NOSIGNAL)

# What a turn ended with, and what a piece of a reply was.
FINE, LOST, REFUSED, SILENT = range(4)
MORE, DONE, ERROR = range(3)

# The slots of a connection's state.
HEADER_HAVE, HEADER, LEFT, LENGTH, FIRST, EOFS, PACKETS, SENT_AT = range(8)


class LoadFailed(BenchFailed):
    """A server closed a connection, refused a statement, or said nothing."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn came to."""

    latencies_ns: "np.ndarray[Any, np.dtype[np.int64]]"  # of shape (n_replies,)
    seconds: float

    @property
    def replies(self) -> int:
        return len(self.latencies_ns)

    @property
    def per_second(self) -> float:
        return self.replies / self.seconds

    def percentile_us(self, percent: float) -> float:
        return float(np.percentile(self.latencies_ns, percent)) / 1e3


def run(
    sockets: Sequence[socket.socket],
    requests: Sequence[bytes],
    *,
    seconds: float = 0.0,
    replies: int = MOST_REPLIES,
    patience_s: int = PATIENCE_S,
) -> Turn:
    """Send the requests in turn on each of the sockets, until either limit is reached.

    Args:
        sockets: blocking, logged in, nothing under way; as many as connections.
        requests: whole packets, all equally long, each answered by one result set.
        seconds: no statement is sent later than this.
        patience_s: what a server may be silent for.

    Raises:
        LoadFailed: the figures of this turn would mean nothing.
    """
    limit_ns = int(seconds * 1e9) if seconds else 1 << 62
    patience = struct.pack("@ll", patience_s, 0)
    with select.epoll() as epoll:
        for one in sockets:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
            epoll.register(one.fileno(), select.EPOLLIN)
        files = np.array([one.fileno() for one in sockets], np.int32)
        latencies = np.empty(min(replies, MOST_REPLIES), np.int64)
        packets = np.frombuffer(b"".join(requests), np.uint8)
        shaped = packets.reshape(len(requests), -1).copy()
        end, count, took_ns = _drive(
            files, epoll.fileno(), shaped, limit_ns, latencies, *_EVENT
        )
    if end != FINE:
        said = {
            LOST: "a connection was lost under load",
            REFUSED: "a statement of the load was refused",
            SILENT: f"no answer under load within {patience_s} seconds",
        }
        raise LoadFailed(said[end])
    return Turn(latencies[:count], took_ns / 1e9)


@njit("int64(int64[::1])", cache=True, nogil=True)
def _now(clock: Any) -> Any:
    _clock_gettime(_MONOTONIC, clock.ctypes.data)
    return clock[0] * 1_000_000_000 + clock[1]


@njit("int64(uint8[::1], int64, int64[::1])", cache=True, nogil=True)
def _walk(data: Any, end: Any, state: Any) -> Any:
    """Move a connection's state over bytes of its reply; MORE, DONE or ERROR."""
    at = 0
    while at < end:
        if state[HEADER_HAVE] < 4:
            state[HEADER] |= np.int64(data[at]) << (8 * state[HEADER_HAVE])
            state[HEADER_HAVE] += 1
            at += 1
            state[LEFT] = state[LENGTH] = state[HEADER] & 0xFFFFFF
            state[FIRST] = -1
            continue
        if state[FIRST] < 0:
            state[FIRST] = data[at]
        step = min(state[LEFT], end - at)
        at += step
        state[LEFT] -= step
        if state[LEFT]:
            return MORE
        first = state[FIRST]
        state[HEADER_HAVE] = state[HEADER] = 0
        if first == 0xFF:
            return ERROR
        if first == 0 and state[PACKETS] == 0:
            return DONE
        state[PACKETS] += 1
        if first == 0xFE and state[LENGTH] < 9:
            state[EOFS] += 1
            if state[EOFS] == 2:
                return DONE
    return MORE


@njit(
    "UniTuple(int64, 3)(int32[::1], int32, uint8[:, ::1], int64, int64[::1],"
    " int64, int64)",
    cache=True,
    nogil=True,
)
def _drive(
    files: Any,
    epoll: Any,
    requests: Any,
    limit_ns: Any,
    latencies: Any,
    event_words: Any,
    event_data: Any,
) -> Any:
    """(how it ended, replies, nanoseconds), the latencies filled in."""
    connections, most = len(files), len(latencies)
    variants, length = requests.shape
    state = np.zeros((connections, 8), np.int64)
    highest = 0
    for index in range(connections):
        highest = max(highest, files[index])
    slot_of = np.zeros(highest + 1, np.int64)
    events = np.zeros(event_words * connections, np.int32)
    buffer = np.empty(READ_BYTES, np.uint8)
    clock = np.zeros(2, np.int64)
    began = now = _now(clock)
    sent, received = 0, 0
    for index in range(min(connections, most)):
        slot_of[files[index]] = index
        state[index, SENT_AT] = _now(clock)
        address = requests[sent % variants].ctypes.data
        if _send(files[index], address, length, _NO_SIGNAL) != length:
            return LOST, received, 0
        sent += 1
    while received < sent:
        ready = 1
        if connections > 1:
            ready = _epoll_wait(
                epoll, events.ctypes.data, connections, PATIENCE_S * 1000
            )
            if ready < 0:
                continue  # a signal came
            if ready == 0:
                return SILENT, received, 0
        for number in range(ready):
            file = files[0]
            if connections > 1:
                file = events[number * event_words + event_data]
            index = slot_of[file]
            got = _recv(file, buffer.ctypes.data, READ_BYTES, 0)
            if got <= 0:
                return LOST, received, 0
            one = state[index]
            event = _walk(buffer, got, one)
            if event == ERROR:
                return REFUSED, received, 0
            if event == MORE:
                continue
            now = _now(clock)
            latencies[received] = now - one[SENT_AT]
            received += 1
            one[EOFS] = one[PACKETS] = 0
            if sent < most and now - began < limit_ns:
                one[SENT_AT] = now
                address = requests[sent % variants].ctypes.data
                if _send(file, address, length, _NO_SIGNAL) != length:
                    return LOST, received, 0
                sent += 1
    return FINE, received, now - began
