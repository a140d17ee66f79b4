"""Where one server reply ends: the state machine that watches relayed bytes.

A relay forwards the server's bytes untouched, but must know when a reply is
complete, what status it reported, and whether it asks for a local file. ``scan``
walks packet headers only; of a payload it looks at the first few bytes. It is
compiled by numba where that is installed and runs as plain Python where it is not.

Source: MySQL Source Code Documentation, "Command Phase", "Text Resultset".
"""

from enum import IntEnum
from typing import Any

import numpy as np

from heatproxy.compiled import BYTES, NUMBERS, compiled, entry
from heatproxy.wire.packets import Capability, Command

HEAD_BYTES = 32


class Kind(IntEnum):
    """The shapes a reply can have."""

    NOTHING = 0  # COM_QUIT, COM_STMT_CLOSE, COM_STMT_SEND_LONG_DATA
    RESULT = 1  # OK, ERR, a local file's name, or result sets
    PREPARE = 2
    ROWS = 3  # COM_STMT_FETCH
    ONE_PACKET = 4  # COM_STATISTICS
    COLUMNS = 5  # COM_FIELD_LIST
    STREAM = 6  # COM_BINLOG_DUMP, COM_CLONE: an ERR, or no commands any more


KINDS: dict[int, Kind] = {
    Command.QUIT: Kind.NOTHING,
    Command.STMT_CLOSE: Kind.NOTHING,
    Command.STMT_SEND_LONG_DATA: Kind.NOTHING,
    Command.STMT_PREPARE: Kind.PREPARE,
    Command.STMT_FETCH: Kind.ROWS,
    Command.STATISTICS: Kind.ONE_PACKET,
    Command.FIELD_LIST: Kind.COLUMNS,
    Command.BINLOG_DUMP: Kind.STREAM,
    Command.BINLOG_DUMP_GTID: Kind.STREAM,
    Command.CLONE: Kind.STREAM,
    Command.SUBSCRIBE_GROUP_REPLICATION_STREAM: Kind.STREAM,
}

RESULT = int(Kind.RESULT)  # an enum's member takes longer to find

# The same by the command's byte, as plain numbers: every statement looks here.
KIND_OF: tuple[int, ...] = tuple(int(KINDS.get(c, Kind.RESULT)) for c in range(256))
NOTHING = int(Kind.NOTHING)

# What scan() stopped for.
MORE, DONE, FILE, STREAM = range(4)

# The slots of the state array.
(
    KIND,
    PHASE,
    HEADER_HAVE,  # bytes of the current packet's header seen
    HEADER,  # the last header, little endian
    LEFT,  # payload bytes of the current frame still to come
    CONTINUES,  # this frame continues the packet before it
    HEAD_HAVE,  # bytes of the payload kept in the head
    LENGTH,  # the current frame's payload length
    COUNT,  # column or parameter definitions still to come
    COLUMNS_AFTER,  # PREPARE: column definitions behind the parameters
    NEW_EOF,  # DEPRECATE_EOF was negotiated
    OPTIONAL_METADATA,
    STATUS,  # of the last OK or EOF
    ERROR,  # the number of the ERR that ended the reply, else 0
    ANSWERED,  # a row, an OK, the end of a result set or a file's name was seen
    HEAD,  # HEAD_BYTES slots from here
) = range(16)
STATE_SLOTS = HEAD + HEAD_BYTES

FIRST, DEFINITIONS, DEFINITIONS_END, IN_ROWS, AFTER_FILE = range(5)


def _lenenc_at(state: Any, position: int) -> tuple[int, int]:
    """A length-encoded integer in the head, and the position behind it."""
    first = state[HEAD + position]
    if first < 0xFB:
        return first, position + 1
    size = 2
    if first == 0xFD:
        size = 3
    elif first == 0xFE:
        size = 8
    value = 0
    for index in range(size):
        value |= state[HEAD + position + 1 + index] << (8 * index)
    return value, position + 1 + size


_lenenc_at = compiled(_lenenc_at, f"UniTuple(int64, 2)({NUMBERS}, int64)")


def _ok_status(state: Any) -> int:
    """The status flags of the OK packet in the head."""
    _, position = _lenenc_at(state, 1)
    _, position = _lenenc_at(state, position)
    status: int = state[HEAD + position] | state[HEAD + position + 1] << 8
    return status


_ok_status = compiled(_ok_status, f"int64({NUMBERS})")


def _end_packet(state: Any) -> int:
    """Move the state over one whole packet; MORE, DONE, FILE or STREAM."""
    first, length = state[HEAD], state[LENGTH]
    kind, phase = state[KIND], state[PHASE]
    is_short = first == 0xFE and (length < 0xFFFFFF if state[NEW_EOF] else length < 9)
    if first == 0xFF and length > 2:
        state[ERROR] = state[HEAD + 1] | state[HEAD + 2] << 8
        return DONE
    if kind == Kind.ONE_PACKET:
        return DONE
    if kind == Kind.STREAM:
        state[ANSWERED] = 1
        return STREAM
    if kind == Kind.COLUMNS:
        if first == 0xFE and length < 9:
            state[STATUS] = state[HEAD + 3] | state[HEAD + 4] << 8
            return DONE
        return MORE
    if kind == Kind.PREPARE:
        if phase == FIRST:
            columns = state[HEAD + 5] | state[HEAD + 6] << 8
            parameters = state[HEAD + 7] | state[HEAD + 8] << 8
            if state[OPTIONAL_METADATA] and length > 12 and state[HEAD + 12] == 0:
                # no definitions, but the EOFs behind them
                eofs = (1 if parameters else 0) + (1 if columns else 0)
                if state[NEW_EOF] or eofs == 0:
                    return DONE
                state[COUNT], state[COLUMNS_AFTER] = eofs - 1, 0
                state[PHASE] = DEFINITIONS if eofs == 2 else DEFINITIONS_END
                return MORE
            state[COUNT], state[COLUMNS_AFTER] = parameters, columns
            if parameters == 0:
                state[COUNT], state[COLUMNS_AFTER] = columns, 0
            state[PHASE] = DEFINITIONS
            return MORE if state[COUNT] else DONE
        if phase == DEFINITIONS:
            state[COUNT] -= 1
            if state[COUNT]:
                return MORE
            if not state[NEW_EOF]:
                state[PHASE] = DEFINITIONS_END
                return MORE
        if phase == DEFINITIONS_END:
            state[STATUS] = state[HEAD + 3] | state[HEAD + 4] << 8
        state[COUNT], state[COLUMNS_AFTER] = state[COLUMNS_AFTER], 0
        state[PHASE] = DEFINITIONS
        return MORE if state[COUNT] else DONE
    if phase in (FIRST, AFTER_FILE):
        if first == 0xFB and phase == FIRST:
            state[PHASE] = AFTER_FILE
            state[ANSWERED] = 1
            return FILE
        if first == 0:
            state[ANSWERED] = 1
            state[STATUS] = _ok_status(state)
            state[PHASE] = FIRST
            return MORE if state[STATUS] & 0x0008 else DONE
        if is_short:  # COM_SET_OPTION and COM_DEBUG answer with an EOF
            state[STATUS] = state[HEAD + 3] | state[HEAD + 4] << 8
            return DONE
        state[COUNT], flag = _lenenc_at(state, 0)
        state[PHASE] = DEFINITIONS
        if state[OPTIONAL_METADATA] and not state[HEAD + flag]:  # none are sent
            state[PHASE] = IN_ROWS if state[NEW_EOF] else DEFINITIONS_END
        return MORE
    if phase == DEFINITIONS:
        state[COUNT] -= 1
        if state[COUNT] == 0:
            state[PHASE] = IN_ROWS if state[NEW_EOF] else DEFINITIONS_END
        return MORE
    if phase == DEFINITIONS_END:
        state[STATUS] = state[HEAD + 3] | state[HEAD + 4] << 8
        state[PHASE] = IN_ROWS
        return DONE if state[STATUS] & 0x0040 else MORE  # rows wait for COM_STMT_FETCH
    state[ANSWERED] = 1
    if is_short:
        more = 0
        if state[NEW_EOF]:
            state[STATUS] = _ok_status(state)
        else:
            # with OUT parameters only the EOF before the row says that an OK follows
            more = state[STATUS] & 0x0008 if state[STATUS] & 0x1000 else 0
            state[STATUS] = state[HEAD + 3] | state[HEAD + 4] << 8
        state[PHASE] = FIRST
        more |= state[STATUS] & 0x0008
        return MORE if more and kind == Kind.RESULT else DONE
    return MORE


_end_packet = compiled(_end_packet, f"int64({NUMBERS})")


def _begin(state: Any, kind: int) -> None:
    """The next bytes are the reply to a command of this kind."""
    state[KIND] = kind
    state[PHASE] = IN_ROWS if kind == Kind.ROWS else FIRST
    state[ERROR] = state[ANSWERED] = state[CONTINUES] = 0


_begin = compiled(_begin, f"void({NUMBERS}, int64)")


def _skip(data: Any, start: Any, state: Any) -> Any:
    """The position behind whole packets that change nothing: definitions and rows."""
    position, end = start, len(data)
    in_rows = state[PHASE] == IN_ROWS
    counted = state[PHASE] == DEFINITIONS and state[KIND] == Kind.RESULT
    if state[CONTINUES] or not (in_rows or counted):
        return position
    while end - position > 4:
        length = (
            np.int64(data[position])
            | np.int64(data[position + 1]) << 8
            | np.int64(data[position + 2]) << 16
        )
        behind = position + 4 + length
        first = data[position + 4]
        if length == 0 or length == 0xFFFFFF or behind > end or first >= 0xFE:
            break
        state[HEADER] = length | np.int64(data[position + 3]) << 24
        position = behind
        if in_rows:
            state[ANSWERED] = 1
            continue
        state[COUNT] -= 1
        if state[COUNT] == 0:  # as _end_packet does
            in_rows = state[NEW_EOF] != 0
            state[PHASE] = IN_ROWS if in_rows else DEFINITIONS_END
            if not in_rows:
                break
    return position


_skip = compiled(_skip, f"int64({BYTES}, int64, {NUMBERS})")


def _scan(data: Any, start: int, state: Any, kind: int) -> tuple[int, int]:
    """Walk bytes from ``start``; (position, why it stopped).

    Unless ``kind`` is negative, they begin the reply to a command of that kind.
    """
    if kind >= 0:
        _begin(state, kind)
    position, end = start, len(data)
    while True:
        if state[HEADER_HAVE] == 0:
            position = _skip(data, position, state)
        if state[HEADER_HAVE] < 4:
            if state[HEADER_HAVE] == 0:
                state[HEADER] = 0
            while state[HEADER_HAVE] < 4:
                if position == end:
                    return position, MORE
                state[HEADER] |= np.int64(data[position]) << (8 * state[HEADER_HAVE])
                state[HEADER_HAVE] += 1
                position += 1
            length = state[HEADER] & 0xFFFFFF
            state[LEFT] = state[LENGTH] = length
            if not state[CONTINUES]:
                state[HEAD_HAVE] = 0
                for slot in range(HEAD, HEAD + HEAD_BYTES):
                    state[slot] = 0
        while state[LEFT] and position < end and not state[CONTINUES]:
            if state[HEAD_HAVE] == HEAD_BYTES or (
                # a row is known by its first byte
                state[PHASE] == IN_ROWS and state[HEAD_HAVE] and state[HEAD] < 0xFE
            ):
                if state[PHASE] == IN_ROWS and state[HEAD] != 0xFF:
                    state[ANSWERED] = 1  # however long the row is
                break
            state[HEAD + state[HEAD_HAVE]] = data[position]
            state[HEAD_HAVE] += 1
            state[LEFT] -= 1
            position += 1
        step = min(state[LEFT], end - position)
        position += step
        state[LEFT] -= step
        if state[LEFT]:
            return position, MORE
        state[HEADER_HAVE] = 0
        if state[LENGTH] == 0xFFFFFF:
            state[CONTINUES] = 1
            continue
        if state[CONTINUES]:  # the last frame of a packet over 16 MB: always a row
            state[CONTINUES] = 0
            state[ANSWERED] = 1
            continue
        event = _end_packet(state)
        if event != MORE:
            return position, event


_scan = compiled(_scan, f"UniTuple(int64, 2)({BYTES}, int64, {NUMBERS}, int64)")
_scan_entry = entry(_scan)


def _is_whole(data: Any, state: Any) -> bool:
    """Whether bytes are one whole reply; if not, the state is as between replies."""
    position, event = _scan(data, 0, state, RESULT)
    if event == DONE and position == len(data) and state[ERROR] == 0:
        return True
    state[HEADER_HAVE] = state[LEFT] = 0
    return False


_is_whole = compiled(_is_whole, f"boolean({BYTES}, {NUMBERS})")
_is_whole_entry = entry(_is_whole)


class Tracker:
    """The state of the reply that a connection is in the middle of."""

    __slots__ = ("_array", "_begins", "_state")

    def __init__(self, capabilities: int) -> None:
        self._array = np.zeros(STATE_SLOTS, np.int64)
        self._begins = -1  # the kind of a reply of which no byte was looked at
        self._state = self._array.data  # quicker to index than the array
        self._state[NEW_EOF] = bool(capabilities & Capability.DEPRECATE_EOF)
        self._state[OPTIONAL_METADATA] = bool(
            capabilities & Capability.OPTIONAL_METADATA
        )

    def expect(self, kind: int) -> None:
        """The next bytes are the reply to a command of this kind."""
        self._begins = int(kind)

    def scan(self, data: bytes, start: int = 0) -> tuple[int, int]:
        """Walk bytes from ``start``: the position reached, and why it stopped."""
        kind, self._begins = self._begins, -1
        reached: tuple[int, int] = _scan_entry(data, start, self._array, kind)
        return reached

    def is_whole(self, data: bytes) -> bool:
        """Whether bytes are all of the reply to a statement, which is no refusal.

        If they are not, it is as if they had not been looked at.
        """
        whole: bool = _is_whole_entry(data, self._array)
        return whole

    @property
    def status(self) -> int:
        """The status flags last reported."""
        return self._state[STATUS]

    @status.setter
    def status(self, flags: int) -> None:
        self._state[STATUS] = flags

    @property
    def sequence_id(self) -> int:
        """The number of the packet last seen."""
        return self._state[HEADER] >> 24

    @property
    def unanswered(self) -> bool:
        """Nothing of the reply was seen but, at most, how its columns are named."""
        if self._begins >= 0:
            return self._begins == RESULT
        return not self._state[ANSWERED] and self._state[KIND] == RESULT

    @property
    def refusal(self) -> int:
        """The number of the ERR that came instead of any answer, else 0."""
        if self._begins >= 0 or self._state[ANSWERED]:
            return 0
        return self._state[ERROR]
