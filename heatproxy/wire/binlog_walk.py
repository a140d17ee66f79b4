"""The kernel that finds a binlog stream's changes of rows, transaction by transaction.

It goes from packet to packet, notes the rows events of the tables that are followed,
and passes by what follows nobody: no Python runs for an event of a table that is not.
What it has no rule for it hands to its caller, in order.

``ids`` is an open hash of shape (size, 3): a table's number in the binlog plus one, a
hash of its TABLE_MAP, and its slot, -1 if nobody follows it. ``limits`` of shape
(n_slots, 4): the position up to which a table has everything, and the one from which
on its rows are known exactly; each a file number and an offset. ``events`` of shape
(n, 5) and ``gtids`` of shape (n, 3) are filled.

Source: MySQL Source Code Documentation, "Replication Protocol", "Binlog Event".
"""

import numpy as np
import numpy.typing as npt

from heatproxy.wire.native import kernel, load_i64, load_u8, load_u16, load_u32

Int64s = npt.NDArray[np.int64]

# The fields of ``state``, in and out. OFFSET is where the next packet begins in the
# buffer; FILE and PLACE are where the stream is in the binlog. OPEN is GIVEN behind a
# transaction's GTID, BEGUN behind its BEGIN. The DONE_ fields are
# what they were at the last end of a transaction.
(
    OFFSET,
    FILE,
    PLACE,
    OPEN,
    EVENTS,
    GTIDS,
    DONE_OFFSET,
    DONE_PLACE,
    DONE_EVENTS,
    DONE_GTIDS,
    EVENT,
    END,
    CHECKSUM,
    STRANGE_GTIDS,
    FRAMED,
    COUNTS,
    DONE_FILE,
) = range(17)
STATE_FIELDS = 17
NOT_OPEN, GIVEN, BEGUN = range(3)

# The fields of an event: OPERATION and where its body begins and ends in memory.
OPERATION, SLOT, BODY, BODY_END, EXACT = range(5)
INSERT, UPDATE, DELETE = range(3)

# Why the kernel returned: bytes are missing, there is no room for more, an event is
# the caller's, so is a packet that is no event, or the rest of a long packet.
MORE, FULL, HELP, NO_EVENT, LONG, BROKEN = range(6)

SIGNATURE = (
    "int64(int64[::1], int64[:, ::1], int64[:, ::1], int64[:, ::1],"
    " int64[:, ::1], int64, int64)"
)
FINISH_SIGNATURE = "void(int64[::1])"

HEADER = 19
MAX_FRAME = 0xFFFFFF
NO_TABLE = 0xFFFFFF  # a rows event that only ends a statement
QUERY, ROTATE, FORMAT, XID, TABLE_MAP = 2, 4, 15, 16, 19
WRITE_ROWS, UPDATE_ROWS, DELETE_ROWS = 30, 31, 32
GTID, ANONYMOUS_GTID, PREVIOUS_GTIDS, TAGGED_GTID = 33, 34, 35, 42
HEARTBEAT, HEARTBEAT_2 = 27, 41
IGNORABLE, ARTIFICIAL = 0x80, 0x20
# What says nothing of rows: STOP, INTVAR, RAND, USER_VAR, ROWS_QUERY and the group
# replication's TRANSACTION_CONTEXT and VIEW_CHANGE.
_SILENT = np.zeros(256, np.bool_)
_SILENT[[3, 5, 13, 14, 28, 29, 34, 36, 37]] = True
_BEGIN = int.from_bytes(b"BEGI", "little")
_COMMIT = int.from_bytes(b"COMM", "little")
_IT = int.from_bytes(b"IT", "little")
_MIX = 0x2545F4914F6CDD1D


@kernel
def walk(
    state: Int64s,
    ids: Int64s,
    limits: Int64s,
    events: Int64s,
    gtids: Int64s,
    address: int,
    size: int,
) -> int:
    """Go on from ``state[OFFSET]`` until something ends it; why it ended."""
    while True:
        offset = state[OFFSET]
        if state[FRAMED]:
            if size < offset + 4:
                return MORE
            length = load_u32(address + offset) & MAX_FRAME
            if length == MAX_FRAME:
                return LONG
            if size < offset + 4 + length:
                return MORE
            start = address + offset + 4
            following = offset + 4 + length
            if length == 0 or load_u8(start) != 0:
                state[EVENT] = start
                state[END] = start + length
                state[OFFSET] = following
                return NO_EVENT
            start += 1
            length -= 1
        else:
            if offset == size:
                return MORE
            if size < offset + HEADER:
                return BROKEN
            start = address + offset
            length = load_u32(start + 9)
            following = offset + length
            if following > size:
                return BROKEN
        end = start + length - state[CHECKSUM]
        body = start + HEADER
        if body > end or load_u32(start + 9) != length:
            return BROKEN
        if state[EVENTS] == events.shape[0] or state[GTIDS] == gtids.shape[0]:
            return FULL
        kind = load_u8(start + 4)
        flags = load_u16(start + 17)
        if state[COUNTS]:
            place = load_u32(start + 13)
            if place != 0 and not flags & ARTIFICIAL:
                # the header has 32 bits of what may be more
                state[PLACE] += (place - state[PLACE]) & 0xFFFFFFFF
        state[OFFSET] = following
        ends = False
        if kind == TABLE_MAP:
            if _slot_of(ids, body, end) < -1:
                state[EVENT] = start
                state[END] = end
                return HELP
        elif WRITE_ROWS <= kind <= DELETE_ROWS:
            if body + 10 > end:
                return BROKEN
            number = load_u32(body) | load_u16(body + 4) << 32
            slot = _slot(ids, number)
            if slot < -1 and number != NO_TABLE:
                return BROKEN
            if slot >= 0 and not _is_behind(state, limits[slot, 0], limits[slot, 1]):
                row = state[EVENTS]
                events[row, OPERATION] = kind - WRITE_ROWS
                events[row, SLOT] = slot
                events[row, BODY] = body
                events[row, BODY_END] = end
                exact = not _is_behind(state, limits[slot, 2], limits[slot, 3])
                events[row, EXACT] = exact
                state[EVENTS] = row + 1
        elif kind == XID:
            ends = True
        elif kind == QUERY:
            word = _word(body, end)
            if word == 0:
                state[EVENT] = start
                state[END] = end
                return HELP
            state[OPEN] = BEGUN if word == 1 else NOT_OPEN
            ends = word == 2
        elif kind == GTID:
            if body + 25 > end:
                return BROKEN
            row = state[GTIDS]
            gtids[row, 0] = load_i64(body + 1)
            gtids[row, 1] = load_i64(body + 9)
            gtids[row, 2] = load_i64(body + 17)
            state[GTIDS] = row + 1
            state[OPEN] = GIVEN
        elif kind == TAGGED_GTID:
            state[STRANGE_GTIDS] = True
            state[OPEN] = GIVEN
        elif kind in (PREVIOUS_GTIDS, HEARTBEAT, HEARTBEAT_2):
            ends = state[OPEN] == NOT_OPEN
        elif not _SILENT[kind] and not (flags & IGNORABLE and kind > TAGGED_GTID):
            state[EVENT] = start
            state[END] = end
            return HELP
        if ends:
            finish(state)


@kernel
def finish(state: Int64s) -> None:
    """A transaction ends here."""
    state[OPEN] = NOT_OPEN
    state[DONE_OFFSET] = state[OFFSET]
    state[DONE_FILE] = state[FILE]
    state[DONE_PLACE] = state[PLACE]
    state[DONE_EVENTS] = state[EVENTS]
    state[DONE_GTIDS] = state[GTIDS]


@kernel
def _is_behind(state: Int64s, file: int, offset: int) -> bool:
    """Whether the stream has not come further than this position."""
    return bool(state[FILE] < file or (state[FILE] == file and state[PLACE] <= offset))


@kernel
def _slot(ids: Int64s, number: int) -> int:
    """A table's slot; -2 if its number is new."""
    mask = ids.shape[0] - 1
    index = number & mask
    while ids[index, 0] != 0:
        if ids[index, 0] == number + 1:
            return int(ids[index, 2])
        index = (index + 1) & mask
    return -2


@kernel
def _slot_of(ids: Int64s, body: int, end: int) -> int:
    """A table's slot; -2 if its number is new, or it is not as it was."""
    if body + 8 > end:
        return -2
    number = load_u32(body) | load_u16(body + 4) << 32
    mask = ids.shape[0] - 1
    index = number & mask
    while ids[index, 0] != 0:
        if ids[index, 0] == number + 1:
            if ids[index, 1] != hash_of(body, end):
                return -2
            return int(ids[index, 2])
        index = (index + 1) & mask
    return -2


@kernel
def hash_of(start: int, end: int) -> int:
    """A hash of some bytes."""
    value = (end - start) * _MIX
    while start + 8 <= end:
        value = (value ^ load_i64(start)) * _MIX
        value ^= (value >> 29) & 0x7FFFFFFFF
        start += 8
    while start < end:
        value = (value ^ load_u8(start)) * _MIX
        value ^= (value >> 29) & 0x7FFFFFFFF
        start += 1
    return int(value)


@kernel
def _word(body: int, end: int) -> int:
    """1 for the QUERY event that begins a transaction, 2 for COMMIT, 0 for others."""
    if body + 13 > end:
        return 0
    text = body + 13 + load_u16(body + 11) + load_u8(body + 8) + 1
    if end - text == 5:
        return int(load_u32(text) == _BEGIN and load_u8(text + 4) == 0x4E)
    if end - text == 6 and load_u32(text) == _COMMIT:
        return 2 * int(load_u16(text + 4) == _IT)
    return 0
