"""Which of a client's commands are MySQL's alone, and which may be ours.

A relay only sorts out what cannot be ours; of the rest the engine process says whether
it is.
"""

from typing import TYPE_CHECKING

from heatproxy.errors import ProtocolError
from heatproxy.relay.lending import Lending
from heatproxy.sql.glance import EXECUTES
from heatproxy.sql.prefilter import asks_after
from heatproxy.wire.packets import MAX_FRAME, Capability, Command, query_text

if TYPE_CHECKING:
    from heatproxy.relay.frontend import Worker

# Every statement passes these: as plain numbers they are found at once.
QUERY, STMT_PREPARE = int(Command.QUERY), int(Command.STMT_PREPARE)
MULTI_STATEMENTS = int(Capability.MULTI_STATEMENTS)
QUERY_ATTRIBUTES = int(Capability.QUERY_ATTRIBUTES)
# What may be said to a prepared statement of ours; a COM_STMT_FETCH MySQL refuses.
_OF_PREPARED = (
    *(Command.STMT_EXECUTE, Command.STMT_SEND_LONG_DATA),
    *(Command.STMT_CLOSE, Command.STMT_RESET),
)
OF_PREPARED = frozenset(map(int, _OF_PREPARED))


class Routing:
    """What one session's commands are judged by.

    ``capabilities`` are the client's, which COM_SET_OPTION changes.
    """

    def __init__(self, worker: "Worker", lending: Lending, capabilities: int) -> None:
        self.capabilities = capabilities
        self._worker, self._lending = worker, lending
        self._text_at = 7 if capabilities & QUERY_ATTRIBUTES else 5

    def passes(self, data: bytes) -> bool:
        """Whether a glance shows one small command that is MySQL's alone."""
        seen = self._worker.prefilter.glance(data, self._text_at)
        return seen < EXECUTES or (seen == EXECUTES and not self._lending.prepared)

    def may_be_ours(self, payload: bytes) -> bool:
        """Whether the engine process is to be asked about a command."""
        command, lending = payload[0], self._lending
        if command == QUERY:
            try:
                text = query_text(payload, self.capabilities)
            except (ProtocolError, IndexError):
                return False  # MySQL says what is wrong with it
            if lending.aftermath and asks_after(text):
                return True
            several = bool(self.capabilities & MULTI_STATEMENTS)
            prefilter = self._worker.prefilter
            return prefilter.wants(text, several=several, named=lending.named)
        if command == STMT_PREPARE:
            return self._worker.prefilter.wants(payload[1:])
        ours = lending.prepared
        return bool(ours) and command in OF_PREPARED and payload[1:5] in ours

    def gathers(self, length: int, head: bytes) -> bool:
        """Whether a long packet is to be held until it is whole.

        That is for a prepared statement of ours; ``head`` is how the packet begins, as
        far as it has come. One of 16 MB or more is MySQL's, and from then on so is the
        statement, which MySQL refuses.
        """
        ours = self._lending.prepared
        if not ours or (head and head[0] not in OF_PREPARED):
            return False
        if length == MAX_FRAME:
            ours.discard(head[1:5])
            return False
        return len(head) < 5 or head[1:5] in ours

    def set_option(self, payload: bytes) -> None:
        """Note what a COM_SET_OPTION allows, where it is one that MySQL knows."""
        if payload[1:3] in (b"\0\0", b"\1\0"):
            self.capabilities &= ~MULTI_STATEMENTS
            if payload[1] == 0:
                self.capabilities |= MULTI_STATEMENTS
