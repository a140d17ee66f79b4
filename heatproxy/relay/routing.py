"""Which of a client's commands are MySQL's alone, and which may be ours.

A relay only sorts out what cannot be ours; of the rest the engine process says whether
it is.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from heatproxy.errors import ProtocolError
from heatproxy.relay.cheap import Cheap, Key
from heatproxy.relay.kinds import (
    ALONE,
    OF_PREPARED,
    QUERY,
    RESET_CONNECTION,
    RESETS,
    SET_OPTION,
    STMT_CLOSE,
    STMT_EXECUTE,
    STMT_PREPARE,
    STMT_SEND_LONG_DATA,
)
from heatproxy.relay.lending import Lending
from heatproxy.sql.glance import EXECUTES, LOADED, READS, SETS, shape_of
from heatproxy.sql.prefilter import asks_after, sets_next_transaction
from heatproxy.wire.packets import MAX_FRAME, Capability, Status, query_text
from heatproxy.wire.tracker import Tracker

if TYPE_CHECKING:
    from heatproxy.relay.frontend import Worker

MULTI_STATEMENTS = int(Capability.MULTI_STATEMENTS)
QUERY_ATTRIBUTES = int(Capability.QUERY_ATTRIBUTES)
AUTOCOMMIT, IN_TRANS = int(Status.AUTOCOMMIT), int(Status.IN_TRANS)
_ASKS = (b"SELECT", b"select", b"WITH", b"with")
# Where the flags of a COM_STMT_EXECUTE are, and those of them that ask for a cursor.
FLAGS_AT, CURSORS = 5, 0x07


class Routing:
    """What one session's commands are judged by.

    ``capabilities`` are the client's, which COM_SET_OPTION changes. ``passed`` is what
    the command passed last is remembered by, 0 for all that is not remembered.
    ``next_transaction`` are the statements just before that said how the next
    transaction is to be, or before others that MySQL refused.
    """

    def __init__(
        self, worker: "Worker", lending: Lending, tracker: Tracker, capabilities: int
    ) -> None:
        self.capabilities = capabilities
        self.passed: Key = 0
        self.next_transaction: tuple[bytes, ...] = ()
        self._before: tuple[bytes, ...] = ()  # the same, when the last was passed on
        self._worker, self._lending, self._tracker = worker, lending, tracker
        self._cheap = Cheap()
        # What is asked of the session for a statement of RAPID's would be what a
        # SET TRANSACTION is about: MySQL has the first that may be.
        self._next_is_mysqls = False
        self._text_at = 7 if capabilities & QUERY_ATTRIBUTES else 5

    def passes(self, data: bytes) -> bool:
        """Whether a glance shows one small command that is MySQL's alone."""
        self.passed = 0
        seen = self._worker.prefilter.glance(data, self._text_at)
        if seen == SETS:
            self._cheap.clear()
            self._note_text(data, self._text_at)
            return True
        if seen <= READS or self._passes_too(seen, data):
            self._before, self.next_transaction = self.next_transaction, ()
            return True
        return False

    def _passes_too(self, seen: int, data: bytes) -> bool:
        """Whether one is MySQL's that may be ours as well, or was prepared."""
        if seen == LOADED:
            if self._stays():
                self._next_is_mysqls = False
                return True
            return self._is_cheap(data, self._text_at)
        if seen == EXECUTES:
            lending = self._lending
            return not (lending.prepared or lending.optional) or (
                self._passes_execution(data[4:])
            )
        return False

    def may_be_ours(self, payload: bytes) -> bool:
        """Whether the engine process is to be asked about a command."""
        command, lending = payload[0], self._lending
        self.passed = 0
        if command == QUERY:
            try:
                text = query_text(payload, self.capabilities)
            except (ProtocolError, IndexError):
                return False  # MySQL says what is wrong with it
            if not text.startswith(_ASKS):
                self._cheap.clear()
            if lending.aftermath and asks_after(text):
                return True
            several = bool(self.capabilities & MULTI_STATEMENTS)
            return self._text_may_be_ours(
                text, several=several, named=lending.named, loaded=not self._stays()
            )
        if command == STMT_PREPARE:
            return self._text_may_be_ours(payload[1:])
        if command in RESETS:
            self._cheap.clear()
        if command == STMT_EXECUTE and self._passes_execution(payload):
            return False
        if command not in OF_PREPARED:
            return False
        known = payload[1:5]
        if known in lending.prepared:
            return True
        if known not in lending.optional:
            return False
        if command == STMT_SEND_LONG_DATA:
            lending.is_mysqls(known)  # it goes where it is executed
        return command in (STMT_EXECUTE, STMT_CLOSE)

    def must_wait(self, payload: bytes, pending: Sequence[bytes]) -> bool:
        """Whether replies that are under way must be finished before this command."""
        return bool(pending) and (
            payload[0] in ALONE or pending[0][0] in ALONE or self.may_be_ours(payload)
        )

    def note(self, payload: bytes) -> None:
        """A command that no glance was enough for is on its way to MySQL."""
        if payload[0] == RESET_CONNECTION:  # MySQL forgets what was prepared
            self._lending.forget()
        elif payload[0] == SET_OPTION:
            self._set_option(payload)
        self._next_is_mysqls = False
        self._before = self.next_transaction
        if payload[0] == QUERY:
            self._note_text(payload, self._text_at - 4)
        else:
            self.next_transaction = ()

    def note_answer(self) -> None:
        """The engine process has answered a command."""
        self._next_is_mysqls = False
        self.next_transaction = ()

    def note_error(self) -> None:
        """MySQL has refused a command: that was no transaction."""
        self.next_transaction = self._before

    def _note_text(self, data: bytes, start: int) -> None:
        if not sets_next_transaction(data, start):
            self.next_transaction = ()
            return
        self._next_is_mysqls = True
        if b";" not in data:
            self.next_transaction += (data[start:],)

    def note_refusal(self, payload: bytes) -> None:
        """The engine process leaves this command to MySQL, and will do so again."""
        of = self._worker.prefilter
        if payload[0] == STMT_EXECUTE:
            self.passed = known = payload[1:5]
            self._cheap.add(known, of)
            optional = self._lending.optional.get(known)
            if optional is not None and optional.shape:
                self._cheap.add(optional.shape, of)
        elif payload[0] == QUERY and shape_of is not None:
            text = query_text(payload, self.capabilities)
            if b";" not in text and (shape := shape_of(text, 0)):
                self._cheap.add(shape, of)
                self.passed = shape

    def took(self, seconds: float) -> None:
        """MySQL has answered what was passed because it is remembered."""
        self._cheap.took(self.passed, seconds)

    def _stays(self) -> bool:
        """Whether the session is where MySQL answers all that it can."""
        if self._next_is_mysqls:
            return True
        if self._worker.prefilter.in_transactions:
            return False
        return self._tracker.status & (AUTOCOMMIT | IN_TRANS) != AUTOCOMMIT

    def _text_may_be_ours(self, text: bytes, **how: bool) -> bool:
        prefilter = self._worker.prefilter
        if not prefilter.wants(text, **how):
            return False
        if b";" in text or prefilter.wants(text, **{**how, "loaded": False}):
            return True
        return not self._is_cheap(text, 0)

    def _is_cheap(self, data: bytes, start: int) -> bool:
        shape = 0 if shape_of is None else shape_of(data, start)
        if shape and self._cheap.knows(shape, self._worker.prefilter):
            self.passed = shape
            return True
        return False

    def _passes_execution(self, payload: bytes) -> bool:
        """Whether a COM_STMT_EXECUTE is MySQL's."""
        lending, known = self._lending, payload[1:5]
        if known in lending.prepared:
            return False
        if known not in lending.optional:
            return True
        cheap = self._cheap.knows(known, self._worker.prefilter)
        cursor = len(payload) <= FLAGS_AT or payload[FLAGS_AT] & CURSORS
        if cheap or cursor or self._stays():
            lending.passes(payload, self.capabilities)
            self.passed = known if cheap else 0
            return True
        return False

    def gathers(self, length: int, head: bytes) -> bool:
        """Whether a long packet is to be held until it is whole.

        That is for a prepared statement of ours; ``head`` is how the packet begins, as
        far as it has come. One of 16 MB or more is MySQL's, and from then on so is the
        statement, which MySQL refuses.
        """
        ours, optional = self._lending.prepared, self._lending.optional
        if not (ours or optional) or (head and head[0] not in OF_PREPARED):
            return False
        if length == MAX_FRAME:
            ours.discard(head[1:5])
            self._lending.is_mysqls(head[1:5])
            return False
        return len(head) < 5 or head[1:5] in ours or head[1:5] in optional

    def _set_option(self, payload: bytes) -> None:
        """Note what a COM_SET_OPTION allows, where it is one that MySQL knows."""
        if payload[1:3] in (b"\0\0", b"\1\0"):
            self.capabilities &= ~MULTI_STATEMENTS
            if payload[1] == 0:
                self.capabilities |= MULTI_STATEMENTS
