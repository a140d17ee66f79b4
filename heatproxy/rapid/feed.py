"""One connection's binlog on its way into the engine, until it is to begin anew.

Bytes are read, the changes in them found, and applied when a transaction of the source
has ended: at once if a query waits for them, otherwise with those of some milliseconds.
"""

import contextlib
import socket
import time
from collections.abc import Mapping
from typing import Protocol

from heatproxy.backend.dump import Dump
from heatproxy.rapid.apply import Applier, Followed
from heatproxy.rapid.progress import BeginAnew, Progress
from heatproxy.rapid.stale import Meaning, Name, Turn, meaning
from heatproxy.wire import binlog
from heatproxy.wire.binlog import Event, GtidSet, server_name
from heatproxy.wire.binlog_columns import Int64s, Unfit
from heatproxy.wire.binlog_stream import Stream

GATHER_S = 0.004  # between two transactions of the engine, unless a query waits
IDLE_S = 1.0
_NOT_FULL = "rows without all of their JSON (binlog_row_value_options)"


class Host(Protocol):
    """The follower, as its feed sees it."""

    @property
    def is_wanted(self) -> bool:
        """Whether the feed is to go on as it is."""

    @property
    def is_awaited(self) -> bool:
        """Whether a query waits for changes."""

    def look(self) -> None:
        """What is loaded at all may have changed."""

    def look_at_views(self) -> None:
        """A view has been defined or dropped."""


class Feed:
    """Reads, and applies."""

    def __init__(
        self,
        host: Host,
        progress: Progress,
        dump: Dump,
        stream: Stream,
        applier: Applier,
        slots: Mapping[int, Followed],
        woken: socket.socket,
    ) -> None:
        self._host, self._progress, self._members = host, progress, progress.members
        self._dump, self._stream, self._woken = dump, stream, woken
        self._applier, self._slots = applier, slots
        self._gtids = None if progress.place is None else progress.place.gtids
        self._done = stream.done
        self._next_at = 0.0  # when changes are to be applied at the earliest
        self._branch: bytes | None = None  # the XA transaction under way
        self._came = False
        # tables whose shape is of a time before their rows
        self._older: set[int] = set()

    def go(self) -> None:
        """Follow until something ends it.

        Raises:
            BeginAnew: the host wants it so, or what has come asks for it.
            Spoilt: a table's changes cannot be made.
            MySQLError: the server ends the stream.
            ProtocolError: it is no binlog.
            OSError: the connection broke.
            duckdb.Error: the engine can take no changes.
        """
        while True:
            if not self._host.is_wanted:
                raise BeginAnew
            if self._is_due():
                self._take()
                continue
            wait_s = IDLE_S
            if self._stream.done != self._done:
                wait_s = max(0.0, self._next_at - time.monotonic())
            if self._dump.is_readable(wait_s, self._woken):
                self._read()
            self._drain()

    def _read(self) -> None:
        stream = self._stream
        count = self._dump.read_into(stream.room())
        if not count:
            raise ConnectionError("the backend has closed the connection")
        stream.received(count)
        self._walk()

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)

    def _walk(self) -> None:
        stream = self._stream
        while (event := stream.walk()) is not None:
            self._handle(event)
        if not self._came and stream.first_born is not None:
            self._came = True
            self._progress.came(stream.first_born)
        if stream.n_done:
            self._progress.behind(time.monotonic())

    def _is_due(self) -> bool:
        stream = self._stream
        if stream.is_much:
            return True
        if stream.done == self._done:
            return False
        waits = self._host.is_awaited or time.monotonic() >= self._next_at
        return waits or not stream.n_done

    def _take(self) -> None:
        """Apply what has ended; of a transaction that is too large, what has come."""
        stream = self._stream
        if stream.done == self._done:
            if stream.has_walked:
                self._applier.make(stream.events, self._slots)
                stream.taken(whole=False)
                self._walk()
            elif self._dump.is_readable(IDLE_S, self._woken):
                self._read()  # a long event is still on its way
            self._drain()
            return
        done, born, gtids = stream.done, stream.done_born, self._gtids
        found, is_partial = stream.done_gtids()
        gtids = None if is_partial or gtids is None else _with(gtids, found)
        if stream.n_done:
            self._applier.make(stream.events[: stream.n_done], self._slots)
        if self._applier.is_open:
            self._progress.commit(done, gtids, born)
            self._next_at = time.monotonic() + GATHER_S
        else:
            self._progress.advance(done, gtids, born)
        self._done, self._gtids = done, gtids
        stream.taken(whole=True)
        self._progress.behind(None)
        self._walk()

    # --- events that are no rows -----------------------------------------------------

    def _handle(self, event: Event) -> None:
        if event.kind == binlog.TABLE_MAP:
            self._map(event.body)
        elif event.kind == binlog.QUERY:
            self._statement(event.body)
        elif event.kind == binlog.XA_PREPARE:
            self._prepare(event.body)
        elif event.kind == binlog.PARTIAL_UPDATE_ROWS:
            slot = self._stream.slot_of(int.from_bytes(event.body[:6], "little"))
            followed = None if slot is None else self._slots.get(slot)
            if followed is not None:
                self._spoil(followed, _NOT_FULL)
        else:
            self._spoil_all(f"an event of the binary log of kind {event.kind}")

    def _map(self, body: bytes) -> None:
        table_map = binlog.parse_table_map(body)
        followed = self._members.find((table_map.schema, table_map.table))
        slot, lasting = -1, True
        if followed is not None and followed.slot in self._slots:
            is_older = self._has_it(followed)
            was_older = followed.slot in self._older
            if is_older or (was_older and not self._has_rows(followed.slot)):
                followed.shape = None  # DDL that it has may have come since
            (self._older.add if is_older else self._older.discard)(followed.slot)
            try:
                followed.fit(table_map)
                slot = followed.slot
            except Unfit as unfit:
                lasting = not is_older
                self._spoil(followed, str(unfit))
        self._stream.map_table(body, slot, lasting=lasting)

    def _has_rows(self, slot: int) -> bool:
        """Whether changes of the table wait to be made, in the shape that it has."""
        return bool((self._stream.events[:, 1] == slot).any())

    def _statement(self, body: bytes) -> None:
        stream = self._stream
        query = binlog.parse_query(body)
        found = meaning(query, self._members.names())
        if found.turn is Turn.UNDOES:
            for followed in self._open_tables():
                self._spoil(followed, found.reason)
            if found.stays_open:
                return
            stream.drop_open()
            stream.finish()
            return
        self._branch = found.branch or self._branch
        if found.commits_branch:
            self._commit_branch(found)
        else:
            for name in found.stale:
                self._spoil_named(name, found.reason)
        if found.look:
            self._host.look()
        if found.views:
            self._host.look_at_views()
        if found.turn is Turn.BEGINS:
            stream.begin()
        elif found.turn is Turn.ENDS and (found.is_commit or not stream.is_begun):
            stream.finish()

    def _commit_branch(self, found: Meaning) -> None:
        touched = self._progress.prepared.take(found.branch)
        for name in self._members.names():
            followed = self._members.find(name)
            if followed is None:
                continue
            if touched is None or followed.table.engine_name in touched:
                if followed.since < followed.exact:
                    # what another session commits keeps no order with a barrier
                    self._drop(followed, found.reason)
                else:
                    self._spoil(followed, found.reason)

    def _prepare(self, body: bytes) -> None:
        """XA: rows that are not there until XA COMMIT, unless it was in one phase."""
        stream, touched = self._stream, self._open_tables()
        if not body[0]:
            if self._applier.is_open:
                for followed in self._applier.touched():
                    self._spoil(followed, "a large XA transaction was prepared")
                raise BeginAnew
            if not any(map(self._has_it, self._slots.values())):
                # else what of it such a table's rows have not is not known
                names = frozenset(followed.table.engine_name for followed in touched)
                self._progress.prepared.add(self._branch or b"", names)
            stream.drop_open()
        self._branch = None
        stream.finish()

    def _open_tables(self) -> list[Followed]:
        """The tables with changes in the transaction under way."""
        stream = self._stream
        found = {int(slot) for slot in stream.events[stream.n_done :, 1]}
        tables = [self._slots[slot] for slot in found if slot in self._slots]
        if self._applier.is_open:
            tables += self._applier.touched()
        return tables

    def _spoil_named(self, name: Name, reason: str) -> None:
        followed = self._members.find(name)
        if followed is not None:
            self._spoil(followed, reason)

    def _spoil_all(self, reason: str) -> None:
        for name in self._members.names():
            self._spoil_named(name, reason)

    def _spoil(self, followed: Followed, reason: str) -> None:
        """Follow it no longer, unless its rows are of a later moment."""
        if followed.slot not in self._slots or not self._has_it(followed):
            self._drop(followed, reason)

    def _drop(self, followed: Followed, reason: str) -> None:
        if followed.slot in self._slots:
            self._stream.ignore(followed.slot)
        self._members.spoil(followed, reason)

    def _has_it(self, followed: Followed) -> bool:
        """Whether a table has had everything up to the end of the event at hand."""
        return self._stream.is_behind(followed.slot)


def _with(gtids: GtidSet, found: Int64s) -> GtidSet:
    """The set with these transactions, of shape (n, 3)."""
    if not len(found):
        return gtids
    gtids = GtidSet({key: list(spans) for key, spans in gtids.ranges.items()})
    numbers = found[:, 2].tolist()
    servers = found[:, :2]
    first = 0
    for index in range(1, len(numbers) + 1):
        ends = index == len(numbers)
        if (
            not ends
            and numbers[index] == numbers[index - 1] + 1
            and (servers[index] == servers[first]).all()
        ):
            continue
        server = server_name(servers[first].tobytes())
        gtids.add(server, numbers[first], numbers[index - 1] + 1)
        first = index
    return gtids
