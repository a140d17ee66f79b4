"""Processes that learning runs in, each ended at once when nobody waits for it.

A job is a function and its arguments, sent to a fresh process that was forked from a
small server which has the learning libraries loaded already. Its result, or what it
raised, comes back over a pipe.
"""

import asyncio
import contextlib
import ctypes
import logging
import multiprocessing
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar, cast

from heatproxy.errors import MySQLError, unknown_error
from heatproxy.logs import places

log = logging.getLogger(__name__)
T = TypeVar("T")
Hears = Callable[[float, str], None]  # a fraction of 1, and what the job does

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class _Failure:
    """A mistake of ours in a job: what the client hears, and where it happened."""

    error: MySQLError
    places: str


@dataclass(frozen=True, slots=True)
class _Heard:
    """How far a job is."""

    done: float
    stage: str


class JobProcesses:
    """Runs at most so many jobs at a time."""

    def __init__(self, at_once: int, preload: Sequence[str] = ()) -> None:
        """``preload`` names the modules that every job needs."""
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(preload))
        self._places = asyncio.Semaphore(at_once)

    def warm_up(self) -> None:
        """Start the server that jobs are forked from."""
        process = self._context.Process(target=int, daemon=True)
        process.start()
        process.join()

    async def run(
        self,
        function: Callable[..., T],
        *args: Any,
        hears: Hears | None = None,
        most_s: float | None = None,
    ) -> T:
        """The function's result, computed in a process of its own.

        With ``hears`` the function gets one more argument, to say how far it is.

        Raises:
            MySQLError: what the function raised; 1105 when it failed in another way
                or its process died, of memory for example.
            TimeoutError: it had run for ``most_s`` seconds.
        """
        async with self._places, asyncio.timeout(most_s):
            ours, theirs = self._context.Pipe()
            process = self._context.Process(target=_work, args=(theirs,), daemon=True)
            starting = asyncio.ensure_future(asyncio.to_thread(_start, process, theirs))
            try:
                await asyncio.shield(starting)
                await asyncio.to_thread(ours.send, (function, args, hears is not None))
                while isinstance(result := await self._result(ours), _Heard):
                    if hears is not None:
                        hears(result.done, result.stage)
            finally:
                await asyncio.shield(
                    asyncio.ensure_future(_end(process, starting, ours))
                )
        if isinstance(result, _Failure):
            log.error("a job failed", extra={"facts": {"places": result.places}})
            raise result.error
        if isinstance(result, BaseException):
            raise result
        return cast(T, result)

    async def _result(self, pipe: Connection) -> Any:
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(pipe.fileno(), readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(pipe.fileno())
        try:
            return await asyncio.to_thread(pipe.recv)
        except EOFError:
            return unknown_error(
                "the process of this job died; is there memory enough?"
            )


def end_with_parent(number: signal.Signals) -> None:
    """Have the kernel send this process a signal when its parent dies, however."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(_PR_SET_PDEATHSIG, number)


def _start(process: BaseProcess, pipe: Connection) -> None:
    """Start it with its end of the pipe, which is then its alone."""
    try:
        process.start()
    finally:
        pipe.close()


async def _end(
    process: BaseProcess, starting: asyncio.Future[None], pipe: Connection
) -> None:
    """Kill it, and close our end of its pipe, which nothing then writes to."""
    await asyncio.wait([starting])  # it has no number before
    if process.pid is not None:
        process.kill()
        await asyncio.to_thread(process.join)
    pipe.close()


def _work(pipe: Connection) -> None:
    """The whole life of a job's process."""
    end_with_parent(signal.SIGKILL)
    try:
        function, args, tells = pipe.recv()
    except EOFError:  # it was called off
        return
    if tells:
        args = (*args, lambda done, stage: pipe.send(_Heard(float(done), str(stage))))
    try:
        result = function(*args)
    except MySQLError as error:
        result = error
    except Exception as problem:
        mistake = unknown_error(f"{type(problem).__name__}: {problem}")
        result = _Failure(mistake, "".join(places(problem)))
    with contextlib.suppress(BrokenPipeError):  # whoever asked has died
        pipe.send(result)
        pipe.poll(None)  # what it names may be ours: until we are ended
