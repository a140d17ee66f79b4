"""What is said at a desk: one caller's request, what it is told to do, its answer."""

import asyncio
import json
from dataclasses import replace
from typing import Any

from heatproxy.errors import MySQLError
from heatproxy.inside import message
from heatproxy.inside.desk import LOOK_AGAIN_S, Absence, Caller, CallerGone, Desk

BEAT_S = 0.25  # how often a caller is told that its answer is being worked on
MORE = "m"  # the kind of a message that is not at its end
AGAIN_S = 0.001  # before a caller that did not take its turn is given it again


class Conversation:
    """One caller, from its first message to its answer.

    A turn is the caller's while it does what ``tell`` says; otherwise it waits.
    """

    def __init__(self, desk: Desk, caller: Caller, first: message.Said) -> None:
        self.caller = caller
        self._desk = desk
        self._nonce, self._number = first.nonce, first.number
        self._turn = asyncio.Lock()  # whose it is: ours while nobody has it
        self._beats = 0
        self._over = False

    async def all_of(self, first: message.Said) -> message.Said:
        """The first message to its end.

        Raises:
            CallerGone: it was killed.
        """
        async with self._turn:
            return await self._rest(first)

    async def tell(self, kind: str, text: str = "") -> str:
        """Have the caller do something; what it says to that.

        Raises:
            MySQLError: what MySQL said to the caller.
            CallerGone: it was killed.
        """
        reply = await self._exchange(kind, text)
        match reply.kind:
            case "e":
                number, state, words = json.loads(reply.text)
                raise MySQLError(int(number), state, words)
            case _:
                return reply.text

    async def _exchange(self, kind: str, text: str) -> message.Said:
        async with self._turn:
            return await self._rest(await self._reply(kind, text))

    async def _reply(self, kind: str, text: str = "") -> message.Said:
        if self._over:
            raise CallerGone("the caller is gone")
        try:
            reply = await self._say(kind, text)
            self._number += 1
        except BaseException:
            self._over = True  # the turn may still be the caller's
            raise
        if reply is None or reply.number != self._number:
            self._over = True
            raise CallerGone("a caller was killed")
        return reply

    async def _rest(self, said: message.Said) -> message.Said:
        """A message with all that the caller says of it in further ones."""
        if said.kind != MORE:
            return said
        portions = [said.text]
        while said.kind == MORE:
            said = await self._reply("M")
            portions.append(said.text)
        return replace(said, text="".join(portions))

    async def _say(self, kind: str, text: str) -> message.Said | None:
        """The caller's next message, None when it has none.

        A caller that is between two waits does not take its turn: it is given again.
        """
        answer = message.answer(kind, self._number, text)
        await self._desk.say(self._nonce, answer)
        absence = Absence()
        while True:
            await self._desk.hand_over(self.caller.connection_id)
            reply = await self._heard()
            if reply is None or reply.number != self._number:
                return reply
            present = await self._desk.is_busy(self.caller.connection_id)
            if absence.is_final(present):
                raise CallerGone("a caller was killed")
            await asyncio.sleep(AGAIN_S)

    async def _heard(self) -> message.Said | None:
        """What the caller says, once its stub waits; None when it says no more."""
        absence = Absence()
        while True:
            heard = await self._desk.hear(self.caller.thread)
            if not heard.between:
                try:
                    said = message.said(heard.text)
                except message.NoMessage:
                    return None
                if said.nonce != self._nonce:
                    return None
                stub = heard.stub
                if stub is not None and stub.routine == self.caller.routine:
                    return said
                if said.number == self._number:  # it has not been told yet
                    return said
            present = await self._desk.is_busy(self.caller.connection_id)
            if absence.is_final(present):
                raise CallerGone("a caller was killed")
            await asyncio.sleep(AGAIN_S)

    async def end(self, kind: str, text: str = "") -> None:
        """Give the caller its answer.

        Raises:
            CallerGone: it was killed.
        """
        async with self._turn:
            if self._over:
                raise CallerGone("the caller is gone")
            self._over = True
            await self._say(kind, text)
            await self._desk.say(self._nonce, None)

    async def fail(self, problem: MySQLError) -> None:
        """Give the caller an error for an answer."""
        facts: list[Any] = [problem.number, problem.sqlstate, problem.message]
        await self.end("E", json.dumps(facts))

    # --- while heatproxy works ------------------------------------------------------

    async def attend(self, work: "asyncio.Task[None]") -> None:
        """Wait for the work, and call it off when nobody waits for its answer.

        Raises:
            CallerGone: it was called off.
        """
        absence, timeout = Absence(), BEAT_S
        while not work.done():
            await asyncio.wait([work], timeout=timeout)
            if work.done() or self._turn.locked() or self._over:
                absence, timeout = Absence(), BEAT_S
                continue
            async with self._turn:
                if work.done() or self._over:
                    continue
                present = await self._beat()
            timeout = BEAT_S if present else LOOK_AGAIN_S
            if absence.is_final(present):
                self._over = True
                work.cancel()
                await asyncio.wait([work])
                raise CallerGone("the caller was killed")
        work.result()

    async def _beat(self) -> bool:
        self._beats += 1
        await self._desk.say(self._nonce, f"W {self._beats}")
        return await self._desk.is_waiting(self.caller.connection_id)
