"""Answering calls from inside the backend: desks are opened, callers served, one each.

A call runs as a task of its own, and ends when its caller has been killed. A desk whose
caller left without a word is given up, with its name: the caller's session may hold
its locks for as long as it lives.
"""

import asyncio
import logging
from collections.abc import Callable

import pymysql

from heatproxy import logs
from heatproxy.backend.account import Address
from heatproxy.errors import MySQLError, ProtocolError, unknown_error
from heatproxy.house import House
from heatproxy.inside import message
from heatproxy.inside.backend import FunctionBackend, ProcedureBackend, Proven
from heatproxy.inside.conversation import Conversation
from heatproxy.inside.desk import Caller, CallerGone, Desk
from heatproxy.inside.message import Request
from heatproxy.inside.presence import Presence
from heatproxy.inside.session import InsideSession
from heatproxy.routines import ROUTINES
from heatproxy.routines.routine import Procedure
from heatproxy.routines.stubs import out_variable
from heatproxy.statements.call import noted

log = logging.getLogger(__name__)

LINGERS_S = 1  # a caller that has its answer, before its seat is free
LOOK_AGAIN_S = 0.002
SPARE = 2  # free desks that are kept
AGAIN_S = 1  # after a desk could not be opened


class Inside:
    """All desks of this heatproxy; on the event loop."""

    def __init__(self, house: House, address: Address) -> None:
        self._house, self._address = house, address
        self._most = house.config.inside.callers
        self._loop = asyncio.get_running_loop()
        self._here = False
        self._open: set[str] = set()  # desks, as callers are told of them
        self._free: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._nonces, self._proven = message.Nonces(), Proven()
        soon = self._loop.call_soon_threadsafe
        self._presence = Presence(
            address, lambda here: _unless_closed(lambda: soon(self._be, here))
        )

    def start(self) -> None:
        """Hear callers from now on."""
        self._presence.start()

    async def stop(self) -> None:
        """Serve nobody any more; callers are told that heatproxy went away."""
        await asyncio.to_thread(self._presence.stop)
        self._here = False
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _be(self, here: bool) -> None:
        self._here = here
        if here:
            self._open_more()
            return
        for task in self._tasks:
            task.cancel()

    def _open_more(self) -> None:
        """Have a free desk, as long as there may be one."""
        if self._here and not self._free and len(self._tasks) < self._most:
            task = asyncio.ensure_future(self._keep())
            self._tasks.add(task)
            task.add_done_callback(self._closed)

    def _closed(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._open_more()

    async def _keep(self) -> None:
        """One desk, opened again for as long as this heatproxy answers."""
        while self._here:
            desk = Desk(self._address)
            try:
                await desk.open()
                self._tell_of(self._open | {desk.listed})
                while await self._serve_next(desk):
                    if len(self._free) >= SPARE and await desk.is_unwanted():
                        return
            except (ProtocolError, pymysql.MySQLError) as problem:
                log.warning("a call from inside the backend ended: %s", problem)
                await asyncio.sleep(AGAIN_S)
            finally:
                self._tell_of({one for one in self._open if desk.name not in one})
                self._free.discard(desk.name)
                desk.close()

    def _tell_of(self, desks: set[str]) -> None:
        if desks != self._open:
            self._open = desks
            self._presence.publish("".join(sorted(desks)))

    async def _serve_next(self, desk: Desk) -> bool:
        """Serve who comes next; False: the desk is of no more use."""
        self._free.add(desk.name)
        since = self._loop.time()
        while not await desk.is_taken(self._loop.time() - since):
            pass
        self._free.discard(desk.name)
        self._open_more()
        first = await self._first(desk)
        if first is None:
            return True
        caller, said = first
        if said is None:
            return False
        conversation = Conversation(desk, caller, said)
        try:
            await self._serve(conversation, desk, said)
        except CallerGone as gone:
            log.info("a call from inside the backend ended: %s", gone)
            return False
        return True

    async def _first(self, desk: Desk) -> tuple[Caller, message.Said | None] | None:
        """Who has the seat, and its request; None for it: somebody has sat there long.

        None: the seat is free.
        """
        caller: Caller | None = None
        for _ in range(int(LINGERS_S / LOOK_AGAIN_S)):
            caller = await desk.caller()
            if caller is None:
                return None
            try:
                said = message.said(caller.text)
                if self._nonces.is_new(said.nonce):
                    return caller, said
            except message.NoMessage:
                pass
            await asyncio.sleep(LOOK_AGAIN_S)
        assert caller is not None
        return caller, None

    # --- one call -------------------------------------------------------------------

    async def _serve(
        self, conversation: Conversation, desk: Desk, said: message.Said
    ) -> None:
        """Answer a request, with an error if need be.

        Raises:
            CallerGone: nobody waits for the answer.
        """
        try:
            request = message.request(await conversation.all_of(said))
            caller = conversation.caller
            if request.thread != caller.thread or request.routine != caller.routine:
                raise message.NoMessage
        except message.NoMessage:
            raise CallerGone("a request of another session's") from None
        work = asyncio.ensure_future(self._answer(conversation, desk, request))
        try:
            await conversation.attend(work)
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait([work])
            if not work.cancelled():
                work.exception()  # or it would be logged as nobody's

    async def _answer(
        self, conversation: Conversation, desk: Desk, request: Request
    ) -> None:
        logs.connection.set(conversation.caller.connection_id)
        try:
            await self._run(conversation, desk, request)
        except MySQLError as problem:
            await conversation.fail(problem)
        except (ProtocolError, pymysql.MySQLError, asyncio.CancelledError):
            raise
        except Exception as problem:
            log.exception("a call from inside the backend failed")
            await conversation.fail(unknown_error(type(problem).__name__))

    async def _run(
        self, conversation: Conversation, desk: Desk, request: Request
    ) -> None:
        """Run the routine and give its answer.

        Raises:
            MySQLError: the routine's.
        """
        house, routine = self._house, ROUTINES[request.routine.upper()]
        self._house.ledger.count("inside_calls")
        if isinstance(routine, Procedure):
            backend = ProcedureBackend(conversation, request, desk, self._proven)
            session = InsideSession(
                house, self._address, backend, conversation, request
            )
            await self._call(session, routine, conversation, request)
            return
        reader = FunctionBackend(conversation, request, desk, self._proven)
        session = InsideSession(house, self._address, reader, conversation, request)
        run = routine.run(session, [tuple(request.arguments)])
        (text,) = await noted(session, routine.name, run)
        await (conversation.end("N") if text is None else conversation.end("A", text))

    async def _call(
        self,
        session: InsideSession,
        procedure: Procedure,
        conversation: Conversation,
        request: Request,
    ) -> None:
        given = iter(request.arguments)
        arguments = [
            None if parameter.direction == "OUT" else next(given)
            for parameter in procedure.parameters
        ]
        outcome = await noted(
            session, procedure.name, procedure.run(session, *arguments)
        )
        outs = [
            out_variable(index)
            for index, parameter in enumerate(procedure.parameters)
            if parameter.is_out
        ]
        if outs:
            values = zip(outs, outcome.out, strict=True)
            await conversation.tell(
                "X", "SET " + ", ".join(f"{out} = {value}" for out, value in values)
            )
        await conversation.end("D")


def _unless_closed(call: Callable[[], object]) -> None:
    """The thread may say so when the event loop has ended already."""
    try:
        call()
    except RuntimeError:
        log.debug("nobody hears it any more")
