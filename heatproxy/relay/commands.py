"""The command phase: client packets framed and looked at, replies tracked, not decoded.

A command that MySQL alone answers is passed on. One that may be ours waits until the
replies before it are complete, then the session is lent to the engine process. What a
replica asks for ends the phase: from its answer on both directions are passed on blind.
"""

import logging
from collections import deque
from typing import TYPE_CHECKING

from heatproxy.errors import local_files_disabled
from heatproxy.relay import stream
from heatproxy.relay.kinds import (
    LEAVES_NOTHING,
    MAY_COME_BACK,
    NO_COMMAND,
    STREAMS,
)
from heatproxy.relay.lending import Lending
from heatproxy.relay.local_file import UNASKED, is_offered
from heatproxy.relay.routing import Routing
from heatproxy.wire.channel import Statement
from heatproxy.wire.compression import Compression
from heatproxy.wire.login import Login
from heatproxy.wire.packets import (
    MAX_FRAME,
    SESSION_STATUS,
    Command,
    PacketReader,
    Status,
    err,
    frame,
)
from heatproxy.wire.tracker import (
    FILE,
    KIND_OF,
    MORE,
    NOTHING,
    RESULT,
    STREAM,
    Tracker,
)

if TYPE_CHECKING:
    from heatproxy.relay.frontend import Frontend

LOOK_BYTES = 1 << 20  # a longer statement is MySQL's, unseen
AHEAD_BYTES = 4 << 20  # what a client may send ahead; more waits in its socket
# ER_TABLESPACE_DISCARDED: the statement touched the sealed shell of a Lakehouse table;
# ER_SECONDARY_ENGINE: it was FORCED into RAPID. The engine process has better words.
REWORDED = (1814, 3889)


class Commands:
    """A client's commands in their order, and the replies still to come."""

    def __init__(
        self,
        frontend: "Frontend",
        lending: Lending,
        login: Login,
        compression: Compression | None = None,
    ) -> None:
        assert login.status is not None
        self._frontend = frontend
        self._client, self._backend = frontend.client, frontend.backend
        self._lending = lending
        self._login = login
        self._compression = compression
        self._stopwatch = frontend.stopwatch
        self._blind = False  # both directions are passed on unseen from now on
        self._tracker = Tracker(login.capabilities)
        self._tracker.status = login.status & SESSION_STATUS
        self._routing = Routing(
            frontend.worker, lending, self._tracker, int(login.capabilities)
        )
        self._lent = False
        # The commands whose replies are to come; of a long one only how it begins.
        self._pending: deque[bytes] = deque()
        self._ahead = bytearray()  # client bytes not looked at yet
        self._passing = 0  # bytes of the client's current frame to pass on unseen
        self._continued = False  # the next client frame continues the one before it
        self._file = False  # the client is sending a LOCAL INFILE
        self._number = 0  # of the client's next frame, where it is not the client's
        self._gathering = 0  # bytes of a long packet that is awaited whole
        self._held = b""  # the beginning of a reply whose first packet is incomplete
        self._last = b""  # the command whose reply is awaited, if it may come back
        # Nothing is under way, ahead or to be minded, for sure: a glance at a statement
        # and one at its reply are enough, if they see nothing unusual.
        self._quick = b""  # such a statement; nothing else knows of it until it settles
        self._calm = self._is_calm

    @property
    def idle(self) -> bool:
        """No statement under way and no transaction open: closing loses nothing."""
        busy = self._pending or self._quick or self._lent
        return not busy and not self._tracker.status & Status.IN_TRANS

    @property
    def busy(self) -> bool:
        """Whether a statement is under way, or something is copied without end."""
        return bool(self._pending or self._quick) or self._lent or self._blind

    def flush(self) -> None:
        """Give the client what was held back: nothing more will come."""
        if self._held:
            self._client.write(self._held)
            self._held = b""

    # --- bytes of the client ---------------------------------------------------------

    def from_client(self, data: bytes) -> None:
        if self._calm and self._routing.passes(data):  # as nearly always
            self._calm, self._quick = False, data
            self._stopwatch.begin()
            self._backend.write(data)
            return
        self._settle()
        length = len(data) - 4
        if (
            0 < length <= LOOK_BYTES
            and data[:4] == length.to_bytes(4, "little")
            and not (self._ahead or self._passing or self._lent)
            and not (self._file or self._continued)
        ):  # one whole command
            self._command(data, data[4:])
        else:
            self._ahead += data
            self.work_off()

    @property
    def _is_calm(self) -> bool:
        held_up = self._ahead or self._passing or self._file or self._continued
        minded = self._compression is not None or self._lending.aftermath
        return not (held_up or minded or self.busy)

    def _settle(self) -> None:
        """Do what comes in the way that knows everything."""
        self._calm = False
        if self._quick:
            self._last, self._quick = self._quick[4:], b""
            self._tracker.expect(RESULT)
            self._pending.append(self._last)

    def work_off(self) -> None:
        """Go through the client bytes at hand as far as the state allows."""
        while self._ahead and self._is_current:
            if self._lent and not (self._file or self._passing):
                break
            if self._passing:
                self._pass_on(min(self._passing, len(self._ahead)))
            elif not self._next_frame():
                break
        if len(self._ahead) > max(AHEAD_BYTES, self._gathering):
            self._client.hold(self)
        else:
            self._client.release(self)

    @property
    def _is_current(self) -> bool:
        """Whether the session is in this phase still."""
        return self._frontend.commands is self and not self._frontend.closed

    def _pass_on(self, count: int) -> None:
        self._backend.write(bytes(self._ahead[:count]))
        del self._ahead[:count]
        self._passing = max(0, self._passing - count)

    def _next_frame(self) -> bool:
        """Look at the frame that begins the buffer; False: it is not whole yet."""
        if len(self._ahead) < 4:
            return False
        length = int.from_bytes(self._ahead[:3], "little")
        if self._file or self._continued:
            self._renumber()
            if length == 0 and not self._continued:
                self._file = False
            self._continued = length == MAX_FRAME
            self._passing = 4 + length
            return True
        if self._compression is not None:
            self._number = 0
            self._renumber()
        self._gathering = 0
        head = bytes(self._ahead[4:9])
        if length > LOOK_BYTES and self._routing.gathers(length, head):
            self._gathering = 4 + length
        elif length > LOOK_BYTES and head:
            # long data, a bulk INSERT: passed on in pieces, never held in memory
            self._continued = length == MAX_FRAME
            self._routing.note(head[:1])
            self._expect(head[:1])
            self._last = b""
            self._passing = 4 + length
            return True
        if len(self._ahead) < 4 + length:
            return False
        data = bytes(self._ahead[: 4 + length])
        payload = data[4:] or NO_COMMAND
        if self._routing.must_wait(payload, self._pending):
            return False
        del self._ahead[: 4 + length]
        self._command(data, payload)
        return True

    def _renumber(self) -> None:
        """Number a frame as the backend expects it.

        Where envelopes are numbered nobody looks at the numbers of packets, and clients
        go on from the envelope's. In a reply that we have begun they go on from ours.
        """
        if self._compression is not None or self._lent:
            self._ahead[3] = self._number & 0xFF
            self._number += 1

    def _command(self, data: bytes, payload: bytes) -> None:
        """Relay one whole command, or lend the session to the engine for it."""
        if self._routing.must_wait(payload, self._pending):
            self._ahead[:0] = data
            return
        if data[3]:  # out of order: MySQL says so, and ends the session
            self.relay(data, payload)
        elif payload[0] == Command.CHANGE_USER:
            ahead, self._ahead = bytes(self._ahead), bytearray()
            self._lending.forget()
            self._frontend.change_user(self._login, data, ahead)
        elif self._routing.may_be_ours(payload):
            self._lend(payload)
        else:
            self.relay(data, payload)

    def relay(self, data: bytes, payload: bytes) -> None:
        """Pass a command on and await its reply."""
        self._routing.note(payload)
        self._expect(payload)
        comes_back = payload[0] in MAY_COME_BACK
        self._last = payload if comes_back and len(self._pending) == 1 else b""
        self._login.capabilities = self._routing.capabilities
        if payload[0] not in LEAVES_NOTHING:
            self._lending.aftermath = False
        self._backend.write(data)

    def _expect(self, command: bytes) -> None:
        kind = KIND_OF[command[0]]
        if kind == NOTHING:
            return
        if not self._pending:
            self._tracker.expect(kind)
            self._stopwatch.begin()
        self._pending.append(command)

    # --- bytes of the backend ---------------------------------------------------------

    def from_backend(self, data: bytes) -> None:
        """Forward bytes of replies, noting which replies they complete."""
        if self._quick:
            if self._tracker.is_whole(data):
                seconds = self._stopwatch.end(self._quick[4], 0, len(data))
                if self._routing.passed:
                    self._routing.took(seconds)
                self._calm, self._quick = True, b""
                self._client.write(data)
                return
            self._settle()
        position = len(self._held)
        data, self._held = self._held + data, b""
        start = 0  # where the reply under way begins, if it does so in these bytes
        while self._pending and position < len(data):
            position, event = self._tracker.scan(data, position)
            if event == MORE:
                break
            if event == STREAM:
                self._go_blind(data)
                return
            if event == FILE:
                if not is_offered(self._pending[0], self._routing.capabilities):
                    self._refuse_file(data[:start])
                    return
                self._file = True
                self._number = self._tracker.sequence_id + 1
            else:
                command, refusal = self._pending.popleft(), self._tracker.refusal
                if self._pending:
                    self._tracker.expect(KIND_OF[self._pending[0][0]])
                elif self._last and refusal in REWORDED:
                    self._client.write(data[:start])
                    *_, error = PacketReader().feed(data[start:position])
                    self._lend(self._last, error)
                    return
                else:
                    self._last = b""
                if refusal:
                    self._routing.note_error()
                seconds = self._stopwatch.end(command[0], refusal, position)
                if self._routing.passed and not self._pending:
                    self._routing.took(seconds)
                start = position
            if self._compression is not None:
                self._client.write(data[:position])
                self._compression.turn()
                data, position, start = data[position:], 0, 0
        if self._pending and self._may_change:
            data, self._held = data[:start], data[start:]
        self._client.write(data)
        if self._ahead:
            self.work_off()
        self._calm = self._is_calm

    @property
    def _may_change(self) -> bool:
        """Whether what has come of the reply under way is not to be passed on yet.

        A statement may still be refused and come back, after its columns are named; a
        stream is passed on from its first packet.
        """
        if self._last:
            return self._tracker.unanswered
        return self._pending[0][0] in STREAMS

    def _go_blind(self, data: bytes) -> None:
        """The binlog, or a clone, is on its way: there are no commands any more."""
        self._blind = True
        self._pending.clear()  # whoever copies a server takes up where it was cut off
        ahead, self._ahead = bytes(self._ahead), bytearray()
        stream.pass_on(self._client, self._backend, self._compression, ahead, data)
        self._client.release(self)

    def _refuse_file(self, before: bytes) -> None:
        self._frontend.log(logging.WARNING, UNASKED)
        number = self._tracker.sequence_id
        self._client.write(before + frame(err(local_files_disabled()), number))
        self._frontend.close()

    # --- the loan ---------------------------------------------------------------------

    def _lend(self, payload: bytes, error: bytes = b"") -> None:
        """Give both legs to the engine process until it has answered."""
        self._lent = True
        self._stopwatch.begin()
        self._last = b""
        self._backend.on_bytes = self._lending.from_backend
        self._lending.lend(
            Statement(
                command=payload,
                capabilities=self._routing.capabilities,
                status=self._tracker.status & SESSION_STATUS,
                thread_id=self._lending.thread_id,
                error=error,
                aftermath=self._lending.aftermath,
                unseen=self._lending.was_unseen(payload),
                next_transaction=self._routing.next_transaction,
            )
        )

    def file_asked(self, command: bytes, number: int) -> None:
        """In the middle of a loan MySQL asks for a file; its first packet's number."""
        if not is_offered(command, self._routing.capabilities):
            self._frontend.log(logging.WARNING, UNASKED)
            self._frontend.close()
            return
        if self._compression is not None:
            self._compression.turn()
        self._file, self._number = True, number
        self.work_off()

    def returned(self, status: int, *, refused: bool = False) -> None:
        """The engine process has answered; the legs are ours again.

        ``refused``: with MySQL's own error.
        """
        if self._compression is not None:
            self._compression.turn()
        self._tracker.status = status
        if not refused:
            self._routing.note_answer()
        self._take_back()
        self.work_off()

    def returned_unanswered(
        self, statement: Statement, *, may_come_back: bool, lasting: bool = False
    ) -> None:
        """The statement is MySQL's after all; ``lasting``: and will be next time."""
        self._take_back()
        if lasting:
            self._routing.note_refusal(statement.command)
        self.relay(frame(statement.command, 0), statement.command)
        if not may_come_back:
            self._last = b""
        self.work_off()

    def _take_back(self) -> None:
        self._lent = False
        self._backend.on_bytes = self.from_backend
