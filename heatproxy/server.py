"""The relay: listen, give each client a Frontend, and end without losing anything.

It runs an engine process beside itself, starts it again when it dies, and learns from
it which names statements are filtered by.
"""

import asyncio
import logging
import multiprocessing
import shutil
import signal
import tempfile
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from heatproxy.backend.account import Address
from heatproxy.backend.reach import Backend, Leg
from heatproxy.config import Config
from heatproxy.relay.frontend import Dial, Frontend, Worker
from heatproxy.relay.lending import names_filter
from heatproxy.sql.prefilter import Prefilter
from heatproxy.wire.channel import Message, MessageReader, pack

log = logging.getLogger(__name__)

DRAIN_S = 30.0
RESTART_AFTER_S = 1.0
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class EngineFailed(Exception):
    """The engine process could not start; the message is its own."""


def _engine(
    config: Config, address: Address, socket_path: str, log_format: str, ready: Any
) -> None:
    """The engine process. What it needs is imported there: no relay carries it."""
    from heatproxy import service

    service.run(config, address, socket_path, log_format, ready)


class EngineProcess:
    """The process that answers lent statements."""

    def __init__(self, config: Config, address: Address) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="heatproxy-"))  # 0700
        self.socket_path = str(self._folder / "engine.sock")
        self._arguments = (config, address, self.socket_path, LOG_FORMAT)
        self._process: BaseProcess | None = None

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            EngineFailed: it could not start.
        """
        await asyncio.to_thread(Path(self.socket_path).unlink, missing_ok=True)
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_engine, args=(*self._arguments, theirs))
        await asyncio.to_thread(process.start)
        theirs.close()
        self._process = process
        try:
            problem = await asyncio.to_thread(ours.recv)
        except EOFError:
            problem = "it died while starting"
        if problem is not None:
            raise EngineFailed(problem)

    async def ended(self) -> None:
        """Return when the process is no more."""
        assert self._process is not None
        await asyncio.to_thread(self._process.join)

    async def stop(self) -> None:
        """End it in good order."""
        if self._process is not None:
            self._process.terminate()
            await self.ended()
        shutil.rmtree(self._folder, ignore_errors=True)


async def serve(config: Config, backend: Backend, on_ready: Callable[[], None]) -> None:
    """Serve clients until SIGTERM or SIGINT, then drain.

    ``on_ready`` is called when connections are accepted.

    Raises:
        EngineFailed: the engine process could not start.
        OSError: the address to listen on is taken.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    listen = config.listen
    worker: Worker
    server = await loop.create_server(  # first: an address that is taken is known now
        lambda: Frontend(worker).client,
        listen.host,
        listen.port,
        backlog=1024,
        start_serving=False,
    )
    engine = EngineProcess(config, backend.account)
    try:
        await engine.start()
        async with asyncio.TaskGroup() as tasks:
            worker = Worker(
                dial=dialler(backend.leg),
                backend_secure=backend.leg.secure,
                engine_socket=engine.socket_path,
                prefilter=Prefilter(),
                sessions=set(),
                tasks=tasks,
            )
            watch = tasks.create_task(_keep_engine(engine, worker))
            await server.start_serving()
            on_ready()
            await stop.wait()
            server.close()
            await _drain(worker)
            watch.cancel()
    finally:
        server.close()
        await engine.stop()


def dialler(leg: Leg) -> Dial:
    """How a session reaches the backend."""
    loop = asyncio.get_running_loop()
    if leg.socket is not None:
        return lambda made: loop.create_unix_connection(made, leg.socket)
    source = (leg.source, 0) if leg.source else None
    return lambda made: loop.create_connection(
        made, leg.host, leg.port, local_addr=source
    )


async def _keep_engine(engine: EngineProcess, worker: Worker) -> None:
    """Follow the names, and start the engine process again when it dies."""
    while True:
        await _follow_names(engine.socket_path, worker)
        await engine.ended()
        log.error("the engine process died; starting it again")
        try:
            await engine.start()
        except EngineFailed as problem:
            log.error("the engine process does not start: %s", problem)
            await asyncio.sleep(RESTART_AFTER_S)


async def _follow_names(socket_path: str, worker: Worker) -> None:
    """Keep the prefilter current until the engine process is gone."""
    try:
        reader, writer = await asyncio.open_unix_connection(socket_path)
    except OSError:
        return
    writer.write(pack(Message.WATCH))
    messages = MessageReader()
    try:
        while data := await reader.read(1 << 16):
            for message, body in messages.feed(data):
                if message is Message.NAMES:
                    worker.prefilter = names_filter(body)
    except ConnectionError:
        return
    finally:
        writer.close()


async def _drain(worker: Worker) -> None:
    """Let statements and transactions under way finish, then close."""
    deadline = asyncio.get_running_loop().time() + DRAIN_S
    while worker.sessions:
        for session in list(worker.sessions):
            if session.idle or asyncio.get_running_loop().time() > deadline:
                session.close()
        if worker.sessions:
            await asyncio.sleep(0.05)
