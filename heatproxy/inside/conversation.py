"""What is said at a desk: one caller's request, what it is told to do, its answer."""

import asyncio
import json
from typing import Any

from heatproxy.errors import MySQLError
from heatproxy.inside import seal
from heatproxy.inside.desk import LOOK_AGAIN_S, MISSES, Caller, CallerGone, Desk

BEAT_S = 0.25  # how often a caller is told that its answer is being worked on
AGAIN_S = 0.002  # a caller that has not taken its turn yet


class Conversation:
    """One caller, from its first message to its answer.

    A turn is the caller's while it does what ``tell`` says; otherwise it waits.
    """

    def __init__(self, desk: Desk, caller: Caller, key: str, first: seal.Said) -> None:
        self.caller = caller
        self._desk, self._key = desk, key
        self._nonce, self._number = first.nonce, first.number
        self._turn = asyncio.Lock()  # whose it is: ours while nobody has it
        self._beats = 0
        self._over = False

    async def tell(self, kind: str, text: str = "") -> str:
        """Have the caller do something; what it says to that.

        Raises:
            MySQLError: what MySQL said to the caller.
            CallerGone: it was killed.
        """
        reply = await self._exchange(kind, text)
        match reply.kind:
            case "e":
                number, state, message = json.loads(reply.text)
                raise MySQLError(int(number), state, message)
            case _:
                return reply.text

    async def _exchange(self, kind: str, text: str) -> seal.Said:
        async with self._turn:
            if self._over:
                raise CallerGone("the caller is gone")
            try:
                await self._say(kind, text)
                self._number += 1
                return await self._reply()
            except BaseException:
                self._over = True  # the turn may still be the caller's
                raise

    async def _reply(self) -> seal.Said:
        """The caller's next message, which may be a moment away."""
        misses = 0
        while True:
            text = await self._desk.hear(self.caller.thread)
            try:
                reply = seal.said(self._key, text)
            except seal.Unsealed:
                raise CallerGone("the caller was killed") from None
            if reply.nonce != self._nonce or reply.number > self._number:
                raise CallerGone("the caller was killed")
            if reply.number == self._number:
                return reply
            if misses and not await self._desk.is_busy(self.caller.connection_id):
                raise CallerGone("the caller was killed")
            misses += 1
            await asyncio.sleep(AGAIN_S)
            await self._desk.hand_over(self.caller.connection_id)

    async def _say(self, kind: str, text: str) -> None:
        sealed = seal.answer(self._key, self._nonce, kind, self._number, text)
        await self._desk.say(self._nonce, sealed)
        await self._desk.hand_over(self.caller.connection_id)

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
        misses, timeout = 0, BEAT_S
        while not work.done():
            await asyncio.wait([work], timeout=timeout)
            if work.done() or self._turn.locked() or self._over:
                misses, timeout = 0, BEAT_S
                continue
            async with self._turn:
                if work.done() or self._over:
                    continue
                present = await self._beat()
            misses, timeout = (0, BEAT_S) if present else (misses + 1, LOOK_AGAIN_S)
            if misses == MISSES:
                self._over = True
                work.cancel()
                await asyncio.wait([work])
                raise CallerGone("the caller was killed")
        work.result()

    async def _beat(self) -> bool:
        self._beats += 1
        await self._desk.say(self._nonce, f"W{self._beats}")
        return await self._desk.is_waiting(self.caller.connection_id)
