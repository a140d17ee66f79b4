"""The supervisor's channel to a process below it: questions, answers, news.

Both ends are alike. A message is one line of JSON: its name, its facts, and for a
question a number that the answer repeats. The channel is a socket pair that the
process inherits, so it ends when either process does.
"""

import asyncio
import itertools
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, cast

log = logging.getLogger(__name__)

Handler = Callable[..., Any]
_ANSWER = ""  # the name of a message that answers


class NoAnswer(Exception):
    """The process at the other end has gone, or failed at what it was asked."""


class Control(asyncio.Protocol):
    """One end of a channel.

    A handler gets a message's facts as keyword arguments; what it returns, or what
    the awaitable that it returns gives, answers a question.
    """

    def __init__(
        self, handlers: Mapping[str, Handler], on_closed: Callable[[], None]
    ) -> None:
        self._handlers = handlers
        self._on_closed = on_closed
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._numbers = itertools.count(1)
        self._questions: dict[int, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    # --- what its user calls ----------------------------------------------------------

    def tell(self, name: str, /, **facts: Any) -> None:
        """Send news; nobody answers, and nobody minds when the other end has gone."""
        self._send({"name": name, "facts": facts})

    async def ask(self, name: str, /, **facts: Any) -> Any:
        """The other end's answer.

        Raises:
            NoAnswer: there will be none.
        """
        if self._closed:
            raise NoAnswer
        number = next(self._numbers)
        answer = asyncio.get_running_loop().create_future()
        self._questions[number] = answer
        try:
            self._send({"name": name, "facts": facts, "number": number})
            return await answer
        finally:
            del self._questions[number]

    def close(self) -> None:
        """End the channel from this side."""
        if self._transport is not None:
            self._transport.close()

    # --- what a transport calls -------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = bytearray(rest)
        for line in lines:
            self._message(json.loads(line))

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        for answer in self._questions.values():
            if not answer.done():
                answer.set_exception(NoAnswer())
        self._on_closed()

    # --- messages ---------------------------------------------------------------------

    def _send(self, message: dict[str, Any]) -> None:
        if self._transport is not None and not self._closed:
            self._transport.write(json.dumps(message).encode() + b"\n")

    def _message(self, message: dict[str, Any]) -> None:
        name, number = message["name"], message.get("number")
        if name == _ANSWER:
            self._answered(int(message["number"]), message)
            return
        task = asyncio.ensure_future(self._act(name, number, message["facts"]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _answered(self, number: int, message: dict[str, Any]) -> None:
        answer = self._questions.get(number)
        if answer is None or answer.done():  # nobody waits for it any more
            return
        if message["failed"]:
            answer.set_exception(NoAnswer())
        else:
            answer.set_result(message["facts"])

    async def _act(self, name: str, number: int | None, facts: dict[str, Any]) -> None:
        answer, failed = None, False
        try:
            answer = self._handlers[name](**facts)
            if asyncio.iscoroutine(answer):
                answer = await answer
        except Exception:
            log.exception("the message %s failed", name)
            failed = True
        if number is not None:
            self._send(
                {"name": _ANSWER, "facts": answer, "failed": failed, "number": number}
            )
