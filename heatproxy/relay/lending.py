"""A session lent to the engine process: its channel, opened when first needed."""

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heatproxy.errors import unknown_error
from heatproxy.relay.leg import Leg
from heatproxy.sql.glance import shape_of
from heatproxy.sql.prefilter import Prefilter
from heatproxy.wire.channel import Message, MessageReader, Statement, pack
from heatproxy.wire.packets import Command, err, frame
from heatproxy.wire.parameters import sent_types

if TYPE_CHECKING:
    from heatproxy.relay.commands import Commands
    from heatproxy.relay.frontend import Frontend

ENGINE_WAIT_S, ENGINE_RETRY_S = 20.0, 0.1


@dataclass(frozen=True, slots=True)
class Optional:
    """A prepared statement that MySQL can answer as well: the shape of its text."""

    shape: int
    parameters: int


class Lending:
    """The relay's end of one session's channel."""

    def __init__(self, frontend: "Frontend", thread_id: int) -> None:
        self.thread_id = thread_id
        self._frontend = frontend
        self._client, self._backend = frontend.client, frontend.backend
        self._engine: Leg | None = None
        self._messages = MessageReader()
        self._lent: Statement | None = None
        self.prepared: set[bytes] = set()  # ids of prepared statements that are ours
        # Those that MySQL can answer as well; and of these, those that MySQL was asked
        # to execute behind the engine's back, with the types of parameters it was told.
        self.optional: dict[bytes, Optional] = {}
        self.unseen: dict[bytes, Sequence[int]] = {}
        self.aftermath = False  # the engine remembers what the last statement left
        self.named = False  # SQL's PREPARE has named one that is

    def lend(self, statement: Statement) -> None:
        """Hand a statement over; ``Commands`` is told when it is answered."""
        self._lent = statement
        if statement.command[0] == Command.STMT_CLOSE:
            self.prepared.discard(statement.command[1:5])
            self.is_mysqls(statement.command[1:5])
        if self._engine is None:
            self._engine = Leg(self._from_engine, self._engine_lost)
            self._engine.sources = [self._backend]
            self._frontend.worker.tasks.create_task(self._reach(self._engine))
        # A slow client holds its own answer back, not what MySQL says: of a KILL.
        self._client.holds_back(self._engine)
        self._engine.write(pack(Message.START, statement.to_bytes()))

    def from_backend(self, data: bytes) -> None:
        """While the session is lent, what the backend says is the engine's to read."""
        if self._engine is not None:
            self._engine.write(pack(Message.BACKEND, data))

    def is_mysqls(self, statement_id: bytes) -> None:
        """From now on MySQL alone executes this prepared statement."""
        self.optional.pop(statement_id, None)
        self.unseen.pop(statement_id, None)

    def passes(self, payload: bytes, capabilities: int) -> None:
        """MySQL executes a statement that may be the engine's the next time."""
        known = payload[1:5]
        types = sent_types(payload, capabilities, self.optional[known].parameters)
        if types is not None:
            before = self.unseen.setdefault(known, types)
            self.unseen[known] = types if types == before else ()

    def was_unseen(self, payload: bytes) -> Sequence[int] | None:
        """What types MySQL has been told of unseen by the engine; empty: several."""
        if payload[0] != Command.STMT_EXECUTE:
            return None
        return self.unseen.pop(payload[1:5], None)

    def forget(self) -> None:
        """The session is reset: nothing is prepared any more."""
        if self._engine is not None:
            self._engine.write(pack(Message.FORGET))
        self.prepared.clear()
        self.optional.clear()
        self.unseen.clear()
        self.named = False

    def close(self) -> None:
        """The session is over, and what the engine does for it."""
        if self._engine is not None:
            self._engine.close()

    async def _reach(self, leg: Leg) -> None:
        """Connect to the engine process, which may just be starting again."""
        loop = asyncio.get_running_loop()
        limit = loop.time() + ENGINE_WAIT_S
        path = self._frontend.worker.engine_socket
        while not self._frontend.closed:
            try:
                await loop.create_unix_connection(lambda: leg, path)
            except OSError as problem:
                if loop.time() > limit:
                    why = "the engine process cannot be reached"
                    self._frontend.log(logging.ERROR, why, problem=str(problem))
                    self._do_without()
                    return
                await asyncio.sleep(ENGINE_RETRY_S)
            else:
                break
        if self._frontend.closed:
            leg.close()

    def _do_without(self) -> None:
        """Give the statement to MySQL, which refuses what is not its own."""
        self._engine = None
        statement, commands = self._end_of_loan()
        if statement.error:
            self._client.write(frame(statement.error, 1))
            commands.returned(statement.status)
        else:
            commands.returned_unanswered(statement, may_come_back=False)

    def _engine_lost(self) -> None:
        self._engine = None
        self._messages = MessageReader()
        if self._lent is not None and not self._frontend.closed:
            # Part of an answer may be out already, and the backend's leg may be in the
            # middle of one: nothing but the end of the session is safe.
            error = unknown_error("heatproxy's engine process went away")
            self._client.write(frame(err(error), 1))
            self._frontend.close()

    def _from_engine(self, data: bytes) -> None:
        for message, body in self._messages.feed(data):
            if message is Message.CLIENT:
                self._client.write(body)
            elif message is Message.BACKEND:
                self._backend.write(body)
            elif message is Message.NAMES:
                self._frontend.worker.prefilter = names_filter(body)
            elif message is Message.PREPARED:
                self._is_prepared(body)
            elif message is Message.AFTERMATH:
                self.aftermath = body != b"\0"
            elif message is Message.NAMED:
                self.named = body != b"\0"
            elif message is Message.FILE:
                assert self._lent is not None
                assert self._frontend.commands is not None
                self._frontend.commands.file_asked(self._lent.command, body[0])
            elif message is Message.FORWARD:
                statement, commands = self._end_of_loan()
                commands.returned_unanswered(
                    statement, may_come_back=True, lasting=body == b"\1"
                )
            elif message is Message.DONE:
                _, commands = self._end_of_loan()
                status = int.from_bytes(body[:2], "little")
                commands.returned(status, refused=bool(body[2]))

    def _is_prepared(self, body: bytes) -> None:
        assert self._lent is not None
        statement_id, parameters = body[:4], int.from_bytes(body[4:6], "little")
        if not body[6]:
            self.prepared.add(statement_id)
            return
        shape = 0 if shape_of is None else shape_of(self._lent.command, 1)
        self.optional[statement_id] = Optional(shape, parameters)

    def _end_of_loan(self) -> "tuple[Statement, Commands]":
        statement, self._lent = self._lent, None
        self._client.holds_back(self._backend)
        commands = self._frontend.commands
        assert statement is not None
        assert commands is not None
        return statement, commands


def names_filter(body: bytes) -> Prefilter:
    """The prefilter for a NAMES message."""
    *names, in_transactions = json.loads(body)
    return Prefilter(*names, in_transactions=in_transactions)
