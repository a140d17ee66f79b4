"""A process below the supervisor: started, spoken with, waited for, ended.

It is spawned, not forked: it has nothing of the supervisor's but the sockets and the
values that it is given. It is started from the main thread, because Linux ends a child
that asks for it (PR_SET_PDEATHSIG) with the thread that started it.
"""

import asyncio
import logging
import multiprocessing
import socket
from collections.abc import Callable, Mapping
from typing import Any

from heatproxy.control import Control, Handler, NoAnswer

log = logging.getLogger(__name__)

START_S = 120  # a first start compiles kernels
ANSWER_S = 2.0


class ChildFailed(Exception):
    """A process did not start; the message says which, and why."""


class Child:
    """One process and the channel to it.

    It gets ``arguments`` and its end of the channel, and says ``ready`` there with the
    problem that it has, or None.
    """

    def __init__(
        self,
        name: str,
        target: Callable[..., None],
        arguments: tuple[Any, ...],
        handlers: Mapping[str, Handler],
    ) -> None:
        self.name = name
        self.gone = asyncio.Event()
        self.is_ready = False
        self._started: asyncio.Future[str | None]
        self._target, self._arguments = target, arguments
        self._control = Control({**handlers, "ready": self._ready}, self._no_channel)
        self._process: Any = None
        self._began = 0.0

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    @property
    def was_started(self) -> bool:
        return self._process is not None

    @property
    def exit_code(self) -> int | None:
        """How it ended: negative when a signal ended it."""
        code: int | None = self._process.exitcode
        return code

    @property
    def lived_s(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    async def start(self) -> None:
        """Return when it is ready.

        Raises:
            ChildFailed: it has a problem, or died.
        """
        loop = asyncio.get_running_loop()
        self._began, self._started = loop.time(), loop.create_future()
        ours, theirs = socket.socketpair()
        await loop.create_unix_connection(lambda: self._control, sock=ours)
        with theirs:
            self._process = multiprocessing.get_context("spawn").Process(
                target=self._target, args=(*self._arguments, theirs), name=self.name
            )
            self._process.start()
        loop.add_reader(self._process.sentinel, self._ended)
        try:
            problem = await asyncio.wait_for(self._started, START_S)
        except TimeoutError:
            problem = f"it was not ready after {START_S} s"
        if problem is not None:
            self.kill()
            await self.gone.wait()
            raise ChildFailed(f"{self.name}: {problem}")
        log.info("%s runs", self.name, extra={"facts": {"pid": self.pid}})

    def tell(self, name: str, /, **facts: Any) -> None:
        self._control.tell(name, **facts)

    async def ask(self, name: str, /, **facts: Any) -> Any:
        """Its answer; None when it has none within ANSWER_S."""
        try:
            return await asyncio.wait_for(self._control.ask(name, **facts), ANSWER_S)
        except (NoAnswer, TimeoutError):
            return None

    async def stop(self, within_s: float) -> None:
        """Have it end in good order, or by force when that takes too long."""
        self.tell("end")
        await self.stopped(within_s)

    async def stopped(self, within_s: float) -> None:
        """Wait for its end, and force it after so long."""
        try:
            await asyncio.wait_for(self.gone.wait(), within_s)
        except TimeoutError:
            log.warning("%s did not end within %g s: killed", self.name, within_s)
            self.kill()
            await self.gone.wait()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _ready(self, problem: str | None = None) -> None:
        self.is_ready = problem is None
        if not self._started.done():
            self._started.set_result(problem)

    def _no_channel(self) -> None:
        """It is about to end; the sentinel says when it has."""

    def _ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self.is_ready = False
        self._control.close()
        if not self._started.done():
            code = self._process.exitcode
            self._started.set_result(f"it died while starting (exit code {code})")
        self.gone.set()
