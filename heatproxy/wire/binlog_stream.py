"""A binlog stream's bytes, from the packets they come in to changes of rows.

It keeps what has come and not been taken yet, and knows which place in the binlog that
is. The kernel ``walk`` finds the changes; what it has no rule for, and this has not
either, is handed on as an Event, in order.
"""

import sys
import zlib

import numpy as np
import numpy.typing as npt

from heatproxy.errors import MySQLError, ProtocolError
from heatproxy.wire import binlog as log
from heatproxy.wire import binlog_walk as walk
from heatproxy.wire.binlog import Event, Position
from heatproxy.wire.native import address_of
from heatproxy.wire.packets import ERR, parse_err

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Int64s = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

FIRST_BYTES = 4 << 20
SPARE_BYTES = 256 << 10  # room that a read is given at least
MOST_EVENTS = 65_536
LARGE_BYTES = 32 << 20  # a transaction of more is applied in parts
NEVER = np.iinfo(np.int64).max
_SAVED = [walk.OFFSET, walk.FRAMED, walk.COUNTS, walk.CHECKSUM, walk.DONE_OFFSET]


class Stream:
    """The stream from a position on.

    Attributes:
        events: of shape (n, 5): the changes found, those of ``n_done`` first ones in
            transactions that have ended.
    """

    def __init__(self, position: Position) -> None:
        self.state: Int64s = np.zeros(walk.STATE_FIELDS, np.int64)
        self.state[walk.FRAMED] = self.state[walk.COUNTS] = 1
        self._files = {position.number: position.file}
        self.state[[walk.FILE, walk.DONE_FILE]] = position.number
        self.state[[walk.PLACE, walk.DONE_PLACE]] = position.offset
        # when the file it is in was begun, by the server's clock, and when its first
        self.born: int | None = None
        self.first_born: int | None = None
        self._ids: Int64s = np.zeros((256, 3), np.int64)
        self._known = 0
        self._limits: Int64s = np.zeros((0, 4), np.int64)
        self._events: Int64s = np.zeros((MOST_EVENTS, 5), np.int64)
        self._gtids: Int64s = np.zeros((MOST_EVENTS, 3), np.int64)
        self._buffer: Bytes = np.empty(FIRST_BYTES, np.uint8)
        self._filled = 0
        self._inner: list[tuple[Bytes, tuple[int, ...]]] = []
        self._kept: list[object] = []  # memory that events point into

    # --- tables -----------------------------------------------------------------------

    def follow(self, since: Position, exact: Position) -> int:
        """A slot for a table that has everything up to ``since``.

        From ``exact`` on each of its rows is known to be there, or not to be.
        """
        row = [[since.number, since.offset, exact.number, exact.offset]]
        self._limits = np.concatenate([self._limits, np.array(row, np.int64)])
        return len(self._limits) - 1

    def ignore(self, slot: int) -> None:
        """Nothing of this slot any more, from the next event on."""
        self._limits[slot, 0] = NEVER

    def is_behind(self, slot: int) -> bool:
        """Whether the slot's table has all up to the end of the event at hand."""
        file, place = self.state[[walk.FILE, walk.PLACE]].tolist()
        since_file, since_place = self._limits[slot, :2].tolist()
        return (file, place) <= (since_file, since_place)

    def map_table(self, body: bytes, slot: int, *, lasting: bool = True) -> None:
        """Rows with this TABLE_MAP's number are a slot's; -1: nobody's.

        Without ``lasting`` the next one is the caller's again, though it be the same.
        """
        number = int.from_bytes(body[:6], "little")
        found = walk.hash_of(address_of(body), address_of(body) + len(body))
        found ^= not lasting
        if 2 * self._known >= len(self._ids):
            old = self._ids[self._ids[:, 0] != 0]
            self._ids = np.zeros((4 * len(self._ids), 3), np.int64)
            for row in old.tolist():
                self._put_id(*row)
        self._put_id(number + 1, found, slot)

    def slot_of(self, number: int) -> int | None:
        """The slot that a table's number stands for; None if it is not known."""
        found = self._ids[self._ids[:, 0] == number + 1]
        return int(found[0, 2]) if len(found) else None

    def _put_id(self, number: int, found: int, slot: int) -> None:
        mask = len(self._ids) - 1
        index = (number - 1) & mask
        while self._ids[index, 0] not in (0, number):
            index = (index + 1) & mask
        self._known += self._ids[index, 0] == 0
        self._ids[index] = (number, found, slot)

    # --- bytes ------------------------------------------------------------------------

    def room(self) -> memoryview:
        """Where the next bytes go; ``received`` says how many came."""
        if self._buffer.size - self._filled < SPARE_BYTES:
            grown = np.empty(2 * self._buffer.size, np.uint8)
            grown[: self._filled] = self._buffer[: self._filled]
            self._kept.append(self._buffer)
            self._buffer = grown
        return memoryview(self._buffer)[self._filled :]  # type: ignore[arg-type]

    def received(self, count: int) -> None:
        self._filled += count

    # --- events -----------------------------------------------------------------------

    @property
    def events(self) -> Int64s:
        return self._events[: self.state[walk.EVENTS]]

    @property
    def n_done(self) -> int:
        return int(self.state[walk.DONE_EVENTS])

    @property
    def done(self) -> Position:
        """The end of the last transaction that has ended."""
        number = int(self.state[walk.DONE_FILE])
        return Position(self._files[number], int(self.state[walk.DONE_PLACE]))

    @property
    def done_born(self) -> int | None:
        """When the file of ``done`` was begun, if that is known."""
        same = self.state[walk.FILE] == self.state[walk.DONE_FILE]
        return self.born if same else None

    @property
    def is_open(self) -> bool:
        """Whether a transaction has begun and not ended."""
        return bool(self.state[walk.OPEN] != walk.NOT_OPEN)

    @property
    def is_begun(self) -> bool:
        return bool(self.state[walk.OPEN] == walk.BEGUN)

    @property
    def has_walked(self) -> bool:
        """Whether ``taken`` would make room."""
        return bool(self.state[walk.OFFSET] or self._inner)

    @property
    def is_much(self) -> bool:
        """Whether what has come should be taken before more is read."""
        return bool(
            self.state[walk.DONE_OFFSET] >= FIRST_BYTES
            or self.state[walk.EVENTS] >= MOST_EVENTS // 2
            or self.state[walk.GTIDS] >= MOST_EVENTS // 2
            or self._held >= LARGE_BYTES
        )

    @property
    def _held(self) -> int:
        return self._filled + sum(len(b) for b in self._kept if isinstance(b, bytes))

    def done_gtids(self) -> tuple[Int64s, bool]:
        """Server (two numbers) and number of each transaction done, of shape (n, 3).

        Not all are there if the second is set.
        """
        count = self.state[walk.DONE_GTIDS]
        return self._gtids[:count], bool(self.state[walk.STRANGE_GTIDS])

    def walk(self) -> Event | None:
        """Go through what has come; the next event that is the caller's.

        Raises:
            ProtocolError: it is no binlog.
            MySQLError: the server ends the stream: 1236 if it has it no more.
        """
        while True:
            buffer, size = self._buffer, self._filled
            if self._inner:
                buffer = self._inner[-1][0]
                size = buffer.size
            reason = walk.walk(
                self.state,
                self._ids,
                self._limits,
                self._events,
                self._gtids,
                address_of(buffer),
                size,
            )
            if reason == walk.MORE and self._inner:
                self._leave_inner()
            elif reason in (walk.MORE, walk.FULL):
                return None
            elif reason == walk.LONG:
                if not self._enter_long():
                    return None
            elif reason == walk.HELP:
                event = log.parse_event(self._bytes(walk.EVENT, walk.END, buffer))
                if not self._handled(event):
                    return event
            elif reason == walk.NO_EVENT:
                self._raise_end(self._bytes(walk.EVENT, walk.END, buffer))
            else:
                raise ProtocolError("an event of the binlog that cannot be read")

    def finish(self) -> None:
        """The transaction under way ends with the event that ``walk`` returned."""
        walk.finish(self.state)

    def begin(self) -> None:
        self.state[walk.OPEN] = walk.BEGUN

    def drop_open(self) -> None:
        """Forget the changes of the transaction under way."""
        self.state[walk.EVENTS] = self.state[walk.DONE_EVENTS]

    def taken(self, whole: bool) -> None:
        """What is done has been applied; without ``whole``, all that was found.

        What is kept of a transaction under way is walked through again.
        """
        state = self.state
        fields = [walk.EVENTS, walk.DONE_EVENTS, walk.GTIDS, walk.DONE_GTIDS]
        opened = 0
        if not whole:  # the transaction under way keeps its GTID
            opened = int(state[walk.GTIDS] - state[walk.DONE_GTIDS])
            self._gtids[:opened] = self._gtids[state[walk.DONE_GTIDS] :][:opened].copy()
        if self._inner and not whole:
            state[fields] = (0, 0, opened, 0)  # in the midst of an event, which stays
            return
        if whole:
            start = int(state[walk.DONE_OFFSET])
            base = (state[walk.DONE_FILE], state[walk.DONE_PLACE], walk.NOT_OPEN)
        else:
            start = int(state[walk.OFFSET])
            base = (state[walk.FILE], state[walk.PLACE], state[walk.OPEN])
        if self._inner:
            state[_SAVED] = self._inner[0][1]
            self._inner.clear()
        self._kept.clear()
        rest = self._filled - start
        self._buffer[:rest] = self._buffer[start : self._filled].copy()
        self._filled = rest
        if self._buffer.size > 8 * FIRST_BYTES and rest < FIRST_BYTES // 2:
            self._buffer = self._buffer[:FIRST_BYTES].copy()
        state[walk.FILE], state[walk.PLACE], state[walk.OPEN] = map(int, base)
        state[[walk.OFFSET, walk.DONE_OFFSET]] = 0
        state[fields] = (0, 0, opened, 0)
        if whole:
            state[walk.STRANGE_GTIDS] = 0

    # --- what needs no caller --------------------------------------------------------

    def _handled(self, event: Event) -> bool:
        if event.kind == log.FORMAT:
            self._begin_file(event)
        elif event.kind == log.ROTATE:
            self._rotate(log.parse_rotate(self._unsummed(event)))
        elif event.kind == log.TRANSACTION_PAYLOAD:
            self._enter_payload(event.body)
        else:
            return False
        return True

    def _rotate(self, position: Position) -> None:
        if self.is_open and position.number != self.state[walk.FILE]:
            raise ProtocolError("a transaction of the binlog has no end")
        if position.number != self.state[walk.FILE]:
            self.born = None
        self._files[position.number] = position.file
        self.state[walk.FILE] = position.number
        self.state[walk.PLACE] = position.offset
        if not self.is_open:
            self.finish()

    def _unsummed(self, event: Event) -> bytes:
        """The body of the stream's first event, which nobody has said anything of."""
        address, end = int(self.state[walk.EVENT]), int(self.state[walk.END])
        whole = self._memory(address, end - address)
        if self.state[walk.CHECKSUM] or len(whole) < 4:
            return event.body
        is_sum = zlib.crc32(whole[:-4]) == int.from_bytes(whole[-4:], "little")
        return event.body[:-4] if is_sum else event.body

    def _begin_file(self, event: Event) -> None:
        address, end = int(self.state[walk.EVENT]), int(self.state[walk.END])
        whole = self._memory(address, end + int(self.state[walk.CHECKSUM]) - address)
        self.state[walk.CHECKSUM] = log.checksum_bytes(whole)
        if self.born is None:
            self.born = event.when
        if self.first_born is None:
            self.first_born = self.born
        if event.place and not event.flags & walk.ARTIFICIAL:
            self._ids[:] = 0  # a server that has started counts its tables anew
            self._known = 0
        if not self.is_open:
            self.finish()

    def _enter_payload(self, body: bytes) -> None:
        payload = log.parse_payload(body)
        data = payload.data
        if payload.compression == log.ZSTD:
            try:
                data = zstd.decompress(data)
            except zstd.ZstdError:
                raise ProtocolError("a transaction that cannot be unpacked") from None
        elif payload.compression != log.UNCOMPRESSED:
            raise ProtocolError("a transaction compressed in a way unknown here")
        self._enter(data, counts=False, checksum=0)

    def _enter_long(self) -> bool:
        """Go into an event of several packets, if all of it is there."""
        start = int(self.state[walk.OFFSET])
        parts = []
        place, size = start, walk.MAX_FRAME
        while size == walk.MAX_FRAME:
            if self._filled < place + 4:
                return False
            size = int.from_bytes(self._buffer[place : place + 3].tobytes(), "little")
            place += 4
            if self._filled < place + size:
                return False
            parts.append(self._buffer[place : place + size].tobytes())
            place += size
        data = b"".join(parts)
        if data[:1] != b"\0":
            raise ProtocolError("a packet of the binlog that is no event")
        self.state[walk.OFFSET] = place
        checksum = int(self.state[walk.CHECKSUM])
        self._enter(data[1:], counts=True, checksum=checksum)
        return True

    def _enter(self, data: bytes, *, counts: bool, checksum: int) -> None:
        saved = tuple(int(self.state[field]) for field in _SAVED)
        self._kept.append(data)
        self._inner.append((np.frombuffer(data, np.uint8), saved))
        self.state[_SAVED[:4]] = (0, 0, counts, checksum)

    def _leave_inner(self) -> None:
        _, saved = self._inner.pop()
        self.state[_SAVED[:4]] = saved[:4]
        self.state[walk.DONE_OFFSET] = saved[4] if self.is_open else saved[0]

    def _raise_end(self, payload: bytes) -> None:
        if payload[:1] == bytes([ERR]):
            problem: MySQLError = parse_err(payload)
            raise problem
        raise ProtocolError("the server ended the binlog")

    def _bytes(self, start: int, end: int, buffer: Bytes) -> bytes:
        base = address_of(buffer)
        return buffer[self.state[start] - base : self.state[end] - base].tobytes()

    def _memory(self, address: int, size: int) -> bytes:
        buffer = self._inner[-1][0] if self._inner else self._buffer
        start = address - address_of(buffer)
        return buffer[start : start + size].tobytes()
