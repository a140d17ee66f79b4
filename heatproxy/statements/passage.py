"""Statements that MySQL answers, as parts of our reply to one command."""

import asyncio
from collections.abc import Awaitable, Callable

from heatproxy.answer import Answer
from heatproxy.backend.connection import BackendConnection
from heatproxy.errors import ProtocolError
from heatproxy.loan import Loan
from heatproxy.wire.continuation import Continuation
from heatproxy.wire.packets import Capability, Command, frame, parse_err, query
from heatproxy.wire.redescribed import Describe, Redescribed
from heatproxy.wire.tracker import DONE, FILE

NAMED = "SET resultset_metadata = FULL"
NAMELESS = "SET resultset_metadata = NONE"


class Passage:
    """MySQL's replies on their way to the client, as parts of ours."""

    def __init__(
        self,
        loan: Loan,
        backend: BackendConnection,
        answer: Answer,
        head: bytes,
        metadata: Callable[[], str | None],
    ) -> None:
        """Pass on what ``backend`` answers.

        Args:
            head: what stands before the text in the client's COM_QUERY.
            metadata: the session's resultset_metadata, asked past it; None: unknown.
        """
        self._loan, self._answer, self._head = loan, answer, head
        self._backend, self._metadata = backend, metadata

    async def answer_described(self, work: Callable[[], Awaitable[bool]]) -> bool:
        """Do work that needs results whose columns are named.

        A client that has asked for none gets none, but we must see them.
        """
        self._answer.nameless = await self._is_nameless()
        if not self._answer.nameless:
            return await work()
        await self._backend.query(NAMED)
        try:
            return await work()
        finally:
            await self._backend.query(NAMELESS)

    async def _is_nameless(self) -> bool:
        if not self._backend.capabilities & Capability.OPTIONAL_METADATA:
            return False
        known = await asyncio.to_thread(self._metadata)
        return known == "NONE" if known else await self._backend.is_nameless()

    async def relay(
        self,
        command: bytes,
        capabilities: int,
        status: int,
        before_end: Callable[[], Awaitable[None]] | None = None,
        describe: Describe | None = None,
        before_ok: Callable[[], Awaitable[None]] | None = None,
    ) -> int:
        """Send a command to the backend and its reply to the client.

        ``before_end`` runs when the backend has answered and the client does not know.
        ``describe`` changes how the columns of a result set are described.
        ``before_ok`` runs like ``before_end``, where the answer is no error.

        Returns:
            The status flags that the reply ended with.

        Raises:
            MySQLError: MySQL's, which the client has not been told yet.
        """
        if self._answer.nameless:
            await self._backend.query(NAMELESS)
        try:
            return await self._relay(
                command, capabilities, status, before_end, describe, before_ok
            )
        finally:
            if self._answer.nameless:
                await self._backend.query(NAMED)

    async def _relay(
        self,
        command: bytes,
        capabilities: int,
        status: int,
        before_end: Callable[[], Awaitable[None]] | None,
        describe: Describe | None,
        before_ok: Callable[[], Awaitable[None]] | None,
    ) -> int:
        answer, loan = self._answer, self._loan
        if command[0] == Command.QUERY and self._head:  # with the client's attributes
            command = self._head + command[len(query(b"", capabilities)) :]
        reply = Continuation(capabilities, answer.sequence_id, more=answer.more)
        described = None if describe is None else Redescribed(describe, capabilities)
        loan.write(frame(command, 0))
        event = None
        while event != DONE:
            data = await loan.read()
            if not data:
                raise ProtocolError("the backend connection is gone")
            if described is not None:
                data = described.feed(data)
            data, event = reply.feed(data)
            answer.affected_rows = reply.affected_rows
            if event == DONE and before_end is not None:
                await before_end()
            if event == DONE and before_ok is not None and reply.error is None:
                await before_ok()
            if data:
                await loan.send(data)
            if event == FILE:
                loan.file(reply.sequence_id - reply.shift)
            answer.sequence_id = reply.sequence_id
        if reply.error is not None:
            raise parse_err(reply.error)
        answer.ended = not answer.more
        return status if reply.status is None else reply.status
