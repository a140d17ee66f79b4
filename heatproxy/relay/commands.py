"""The command phase: client packets framed and looked at, replies tracked, not decoded.

A command that MySQL alone answers is passed on. One that may be ours waits until the
replies before it are complete, then the session is lent to the engine process.
"""

from collections import deque
from typing import TYPE_CHECKING

from heatproxy.errors import ProtocolError
from heatproxy.relay.lending import Lending
from heatproxy.wire.channel import Statement
from heatproxy.wire.login import Login
from heatproxy.wire.packets import (
    MAX_FRAME,
    SESSION_STATUS,
    Command,
    PacketReader,
    Status,
    frame,
    query_text,
)
from heatproxy.wire.tracker import FILE, KINDS, MORE, Kind, Tracker

if TYPE_CHECKING:
    from heatproxy.relay.frontend import Frontend

LOOK_BYTES = 1 << 20  # a longer statement is MySQL's, unseen
AHEAD_BYTES = 4 << 20  # what a client may send ahead; more waits in its socket
NO_COMMAND = b"\0"  # COM_SLEEP, which MySQL takes an empty packet for
# ER_TABLESPACE_DISCARDED: the statement touched the sealed shell of a Lakehouse table.
SEALED = 1814


class Commands:
    """A client's commands in their order, and the replies still to come."""

    def __init__(self, frontend: "Frontend", lending: Lending, login: Login) -> None:
        assert login.status is not None
        self._frontend = frontend
        self._worker = frontend.worker
        self._client, self._backend = frontend.client, frontend.backend
        self._lending = lending
        self._login = login
        self._capabilities = login.capabilities
        self._tracker = Tracker(login.capabilities)
        self._tracker.status = login.status & SESSION_STATUS
        self._lent = False
        self._pending: deque[Kind] = deque()
        self._ahead = bytearray()  # client bytes not looked at yet
        self._passing = 0  # bytes of the client's current frame to pass on unseen
        self._continued = False  # the next client frame continues the one before it
        self._file = False  # the client is sending a LOCAL INFILE
        self._held = b""  # the beginning of a reply whose first packet is incomplete
        self._last = b""  # the command whose reply is awaited, if it may come back

    @property
    def idle(self) -> bool:
        """No statement under way and no transaction open: closing loses nothing."""
        busy = self._pending or self._lent
        return not busy and not self._tracker.status & Status.IN_TRANS

    def flush(self) -> None:
        """Give the client what was held back: nothing more will come."""
        if self._held:
            self._client.write(self._held)
            self._held = b""

    # --- bytes of the client ---------------------------------------------------------

    def from_client(self, data: bytes) -> None:
        waiting = self._ahead or self._passing or self._lent
        if not waiting and self._is_whole_command(data):  # as nearly always
            self._command(data, data[4:])
            return
        self._ahead += data
        self.work_off()

    def _is_whole_command(self, data: bytes) -> bool:
        return (
            not self._file
            and not self._continued
            and len(data) > 4
            and data[3] == 0
            and int.from_bytes(data[:3], "little") == len(data) - 4
            and len(data) - 4 <= LOOK_BYTES
        )

    def work_off(self) -> None:
        """Go through the client bytes at hand as far as the state allows."""
        while self._ahead and not self._lent and self._is_current:
            if self._passing:
                self._pass_on(min(self._passing, len(self._ahead)))
            elif not self._next_frame():
                break
        if len(self._ahead) > AHEAD_BYTES:
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
            if length == 0 and not self._continued:
                self._file = False
            self._continued = length == MAX_FRAME
            self._passing = 4 + length
            return True
        if length > LOOK_BYTES and len(self._ahead) > 4:
            # long data, a bulk INSERT: passed on in pieces, never held in memory
            self._continued = length == MAX_FRAME
            self._expect(self._ahead[4])
            self._last = b""
            self._passing = 4 + length
            return True
        if len(self._ahead) < 4 + length:
            return False
        data = bytes(self._ahead[: 4 + length])
        payload = data[4:] or NO_COMMAND
        if self._must_wait(payload):
            return False
        del self._ahead[: 4 + length]
        self._command(data, payload)
        return True

    def _must_wait(self, payload: bytes) -> bool:
        """Whether replies still under way must be finished before this command."""
        return bool(self._pending) and (
            payload[0] == Command.CHANGE_USER or self._is_ours(payload)
        )

    def _is_ours(self, payload: bytes) -> bool:
        if payload[0] != Command.QUERY:
            return False
        try:
            text = query_text(payload, self._capabilities)
        except (ProtocolError, IndexError):
            return False  # MySQL says what is wrong with it
        return self._worker.prefilter.wants(text)

    def _command(self, data: bytes, payload: bytes) -> None:
        """Relay one whole command, or lend the session to the engine for it."""
        if self._must_wait(payload):
            self._ahead[:0] = data
            return
        if payload[0] == Command.CHANGE_USER:
            ahead, self._ahead = bytes(self._ahead), bytearray()
            self._frontend.change_user(self._login, ahead)
            self._backend.write(data)
        elif self._is_ours(payload):
            self._lend(payload)
        else:
            self.relay(data, payload)

    def relay(self, data: bytes, payload: bytes) -> None:
        """Pass a command on and await its reply."""
        self._expect(payload[0])
        comes_back = payload[0] in (Command.QUERY, Command.STMT_EXECUTE)
        self._last = payload if comes_back and len(self._pending) == 1 else b""
        self._backend.write(data)

    def _expect(self, command: int) -> None:
        kind = KINDS.get(command, Kind.RESULT)
        if kind == Kind.NOTHING:
            return
        if not self._pending:
            self._tracker.expect(kind)
        self._pending.append(kind)

    # --- bytes of the backend ---------------------------------------------------------

    def from_backend(self, data: bytes) -> None:
        """Forward bytes of replies, noting which replies they complete."""
        position = len(self._held)
        data, self._held = self._held + data, b""
        start = 0  # where the reply under way begins, if it does so in these bytes
        while self._pending and position < len(data):
            position, event = self._tracker.scan(data, position)
            if event == MORE:
                break
            if event == FILE:
                self._file = True
                continue
            self._pending.popleft()
            if self._pending:
                self._tracker.expect(self._pending[0])
            elif self._last and self._tracker.refusal == SEALED:
                self._client.write(data[:start])
                *_, error = PacketReader().feed(data[start:position])
                self._lend(self._last, error)
                return
            else:
                self._last = b""
            start = position
        if self._pending and self._last and self._tracker.unanswered:
            # it may still be refused and come back, after its columns are named
            data, self._held = data[:start], data[start:]
        self._client.write(data)
        if self._ahead:
            self.work_off()

    # --- the loan ---------------------------------------------------------------------

    def _lend(self, payload: bytes, error: bytes = b"") -> None:
        """Give both legs to the engine process until it has answered."""
        self._lent = True
        self._last = b""
        self._backend.on_bytes = self._lending.from_backend
        self._lending.lend(
            Statement(
                command=payload,
                capabilities=self._capabilities,
                status=self._tracker.status & SESSION_STATUS,
                thread_id=self._lending.thread_id,
                error=error,
            )
        )

    def returned(self, status: int) -> None:
        """The engine process has answered; the legs are ours again."""
        self._tracker.status = status
        self._take_back()
        self.work_off()

    def returned_unanswered(self, statement: Statement, *, may_come_back: bool) -> None:
        """The statement is MySQL's after all."""
        self._take_back()
        self.relay(frame(statement.command, 0), statement.command)
        if not may_come_back:
            self._last = b""
        self.work_off()

    def _take_back(self) -> None:
        self._lent = False
        self._backend.on_bytes = self.from_backend
