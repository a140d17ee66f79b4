"""MySQL's reply to a part of what a client sent, made a part of our reply to it.

The packets of one reply are counted on and on. Where our reply has begun already, those
that MySQL sends are counted anew; where more is to follow, their status says so. Rows
pass by the thousand, without being looked into.

Source: MySQL Source Code Documentation, "Multi-Resultset".
"""

from typing import Any

import numpy as np

from heatproxy.errors import ProtocolError
from heatproxy.wire.native import compile_once, kernel
from heatproxy.wire.packets import (
    EOF,
    ERR,
    HEADER_BYTES,
    LOCAL_INFILE,
    MAX_FRAME,
    OK,
    Capability,
    Status,
    read_lenenc,
)
from heatproxy.wire.tracker import DONE, FILE, MORE

SIGNATURE = "UniTuple(int64, 3)(uint8[::1], int64, int64, int64, int64)"


@kernel
def _pass_rows(
    data: Any, position: int, shift: int, longest: int, inside: int
) -> tuple[int, int, int]:
    """Count the rows' frames anew, in place; stop before what is no row, or not whole.

    Returns:
        The position reached; whether what stands there ends the rows; whether it goes
        on with the row before it, a row of 16 MB or more.
    """
    end = len(data)
    while position + HEADER_BYTES <= end:
        length = data[position] | data[position + 1] << 8 | data[position + 2] << 16
        if not inside and length:
            if position + HEADER_BYTES == end:
                break
            first = data[position + HEADER_BYTES]
            if first == ERR or (first == EOF and length < longest):
                return position, 1, 0
        if position + HEADER_BYTES + length > end:
            break
        data[position + 3] = (data[position + 3] + shift) & 0xFF
        inside = 1 if length == MAX_FRAME else 0
        position += HEADER_BYTES + length
    return position, 0, inside


def warm_up() -> None:
    """Compile the kernel, or load it from the cache on disk."""
    compile_once(_pass_rows, SIGNATURE)


class Continuation:
    """One reply of MySQL to a COM_QUERY or COM_STMT_EXECUTE, on its way to a client.

    ``sequence_id`` is that of the next packet to the client. ``error`` is the ERR that
    ended the reply, if one did: it is held back, for whoever asked to pass on.
    ``affected_rows`` is what an OK that ended it says.
    """

    def __init__(self, capabilities: int, sequence_id: int, *, more: bool) -> None:
        """``more`` says that the client's reply goes on after this part."""
        warm_up()
        self.sequence_id = sequence_id
        self.status: int | None = None
        self.error: bytes | None = None
        self.affected_rows: int | None = None
        self.shift = sequence_id - 1  # how far ahead the client counts
        self._more = Status.MORE_RESULTS if more else 0
        self._new_eof = bool(capabilities & Capability.DEPRECATE_EOF)
        self._optional = bool(capabilities & Capability.OPTIONAL_METADATA)
        self._rest = b""
        self._definitions = 0  # still to come
        self._eof_due = False  # the one behind the definitions
        self._in_rows = False
        self._inside = 0  # a row of 16 MB or more
        self._goes_on = False

    def feed(self, data: bytes) -> tuple[bytes, int]:
        """What to send to the client, and MORE, DONE or FILE."""
        buffer = bytearray(self._rest + data if self._rest else data)
        position, event = 0, MORE
        while event == MORE:
            if self._in_rows:
                position, ended = self._rows(buffer, position)
                if not ended:
                    break
            start = position + HEADER_BYTES
            if len(buffer) < start:
                break
            end = start + int.from_bytes(buffer[position : position + 3], "little")
            if len(buffer) < end:
                break
            event = self._packet(buffer, start, end)
            if self.error is not None:
                self.sequence_id = (buffer[position + 3] + self.shift) & 0xFF
                return bytes(buffer[:position]), DONE
            self._count(buffer, position)
            position = end
        self._rest = bytes(buffer[position:])
        return bytes(buffer[:position]), event

    def _count(self, buffer: bytearray, position: int) -> None:
        number = (buffer[position + 3] + self.shift) & 0xFF
        buffer[position + 3] = number
        self.sequence_id = (number + 1) & 0xFF

    def _rows(self, buffer: bytearray, position: int) -> tuple[int, bool]:
        longest = MAX_FRAME if self._new_eof else 9
        reached, ended, self._inside = _pass_rows(
            np.frombuffer(buffer, np.uint8),
            position,
            self.shift,
            longest,
            self._inside,
        )
        return reached, bool(ended)

    def _packet(self, buffer: bytearray, start: int, end: int) -> int:
        """Go past a packet that is no row."""
        if start == end:
            raise ProtocolError("an empty packet in a reply")
        first = buffer[start]
        if first == ERR and not self._definitions:
            self.error = bytes(buffer[start:end])
            return DONE
        if self._definitions:
            self._definitions -= 1
            self._in_rows = not self._definitions and not self._eof_due
            return MORE
        if self._eof_due:
            self._eof_due = False
            # with OUT parameters only this EOF says that more follows
            status = self._mark(buffer, start + 3)
            if status & Status.CURSOR_EXISTS:  # rows wait for COM_STMT_FETCH
                return self._end(status)
            self._goes_on = bool(
                status & Status.PS_OUT_PARAMS and status & Status.MORE_RESULTS
            )
            self._in_rows = True
            return MORE
        if self._in_rows:
            self._in_rows = False
            at = _status_of_ok(buffer[start:end]) if self._new_eof else 3
            return self._end(self._mark(buffer, start + at))
        if first == LOCAL_INFILE:
            return FILE
        if first == OK:
            self.affected_rows, _ = read_lenenc(bytes(buffer[start:end]), 1)
            at = start + _status_of_ok(buffer[start:end])
            return self._end(self._mark(buffer, at))
        head = bytes(buffer[start:end])
        self._definitions, behind = read_lenenc(head, 0)
        if self._optional and not head[behind]:  # none are sent
            self._definitions = 0
        self._eof_due = not self._new_eof
        self._in_rows = not self._definitions and not self._eof_due
        return MORE

    def _end(self, status: int) -> int:
        """The end of one result."""
        more = bool(status & Status.MORE_RESULTS) or self._goes_on
        self._goes_on = False
        self.status = status & ~Status.MORE_RESULTS
        return MORE if more else DONE

    def _mark(self, buffer: bytearray, at: int) -> int:
        """Say that more follows; the flags as MySQL sent them."""
        status = int.from_bytes(buffer[at : at + 2], "little")
        buffer[at : at + 2] = (status | self._more).to_bytes(2, "little")
        return status


def _status_of_ok(packet: bytearray) -> int:
    """Where in an OK packet the status is."""
    head = bytes(packet[:20])
    _, position = read_lenenc(head, 1)
    _, position = read_lenenc(head, position)
    return position
