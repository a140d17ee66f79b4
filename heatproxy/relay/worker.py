"""A relay worker's process: it accepts clients and carries their bytes, nothing else.

The supervisor, which holds the sockets that it accepts on, tells it over its channel
what to do; when the channel ends, so does the worker.
"""

import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from heatproxy import logs
from heatproxy.backend.reach import Leg
from heatproxy.config import Config, with_live_values
from heatproxy.control import Control
from heatproxy.jobs import end_with_parent
from heatproxy.relay import pace, patience
from heatproxy.relay.frontend import Dial, Frontend, Worker
from heatproxy.relay.gate import Gate
from heatproxy.relay.lending import names_filter
from heatproxy.relay.security import Security
from heatproxy.wire.channel import Message, MessageReader, pack

log = logging.getLogger(__name__)

BACKLOG = 1024
GARBAGE_OBJECTS = 20_000
# How long a worker waits for the engine process before it accepts: as long as that
# takes to start; but clients who come to a worker that was started again wait too.
FIRST_NAMES_S, NAMES_S = 120.0, 2.0
RETRY_S = 0.1
LOOK_S = 0.02  # while it drains
FLUSH_S = 5.0  # for what clients have not read yet when all else is done


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker is started with; ``again``: in the place of one that died."""

    number: int
    config: Config
    leg: Leg
    engine_socket: str
    again: bool


def run(
    orders: Orders, sockets: Sequence[socket.socket], channel: socket.socket
) -> None:
    """The whole life of the process."""
    end_with_parent(signal.SIGKILL)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the supervisor decides
    log_settings = orders.config.log
    logs.begin(f"worker-{orders.number}", log_settings.level, log_settings.format)
    _allow_many_files()
    # A session's objects hold each other. Looking for what nobody holds any more goes
    # through all the libraries' objects too, unless they are left out, and often.
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_Process(orders, sockets).live(channel))
    os._exit(0)  # no client waits for the libraries' goodbyes


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed: it needs a quarter less of a processor."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _allow_many_files() -> None:
    """Each session has two connections; what a shell allows is soon too few."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class _Process:
    """The worker while it lives, and what the supervisor may ask of it."""

    def __init__(self, orders: Orders, sockets: Sequence[socket.socket]) -> None:
        self._orders, self._sockets = orders, sockets
        self._config = orders.config
        self._servers: list[asyncio.Server] = []
        self._over = asyncio.Event()
        self._names_known = asyncio.Event()
        self._control = Control(
            {
                "stop_accepting": self._stop_accepting,
                "drain": self._drain,
                "end": self._end,
                "configure": self._configure,
                "report": self._report,
            },
            on_closed=self._over.set,
        )
        self._worker: Worker

    async def live(self, channel: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self._control, sock=channel)
        orders, config = self._orders, self._config
        try:
            self._worker = Worker(
                number=orders.number,
                dial=dialler(orders.leg),
                security=Security(config, orders.leg),
                engine_socket=orders.engine_socket,
                gate=Gate(self._control, config.limits),
                slow_s=config.log.slow_statement_s,
            )
        except Exception as problem:
            self._control.tell("ready", problem=str(problem))
            await self._over.wait()
            return
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(self._follow_names()),
                tasks.create_task(patience.watch(self._worker)),
                tasks.create_task(pace.watch(self._worker)),
            ]
            await self._accept()
            await self._over.wait()
            for task in beside:
                task.cancel()

    async def _accept(self) -> None:
        """Accept clients, once the names that statements are filtered by are known."""
        wait_s = NAMES_S if self._orders.again else FIRST_NAMES_S
        try:
            await asyncio.wait_for(self._names_known.wait(), wait_s)
        except TimeoutError:
            log.warning("accepting clients before the engine process answers")
        loop = asyncio.get_running_loop()
        for bound in self._sockets:
            server = await loop.create_server(
                lambda: Frontend(self._worker).client, sock=bound, backlog=BACKLOG
            )
            self._servers.append(server)
        self._control.tell("ready")

    # --- what the supervisor asks -----------------------------------------------------

    def _stop_accepting(self) -> bool:
        for server in self._servers:
            server.close()
        return True

    async def _drain(self, within_s: float) -> None:
        """Let statements and transactions under way finish, then end."""
        sessions, loop = self._worker.sessions, asyncio.get_running_loop()
        deadline = loop.time() + within_s
        while sessions and loop.time() < deadline:
            for session in list(sessions):
                if session.idle or session in self._worker.arriving:
                    session.close()
            if sessions:
                await asyncio.sleep(LOOK_S)
        if sessions:
            log.warning("%d sessions are ended at the drain's deadline", len(sessions))
        else:
            await self._flushed(deadline - loop.time())
        await self._end()

    async def _end(self) -> None:
        """End all sessions now, and the process when clients have read it."""
        for session in list(self._worker.sessions):
            session.shut_down()
        await self._flushed(FLUSH_S)
        self._over.set()

    async def _flushed(self, within_s: float) -> None:
        """Wait while clients that were hung up on read what was sent before."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._worker.nobody_leaves()

    def _configure(self, values: dict[str, Any]) -> None:
        """Take changed settings."""
        self._config = config = with_live_values(self._config, values)
        worker = self._worker
        logs.change(config.log.level, config.log.format)
        worker.slow_s = config.log.slow_statement_s
        worker.gate.limits = config.limits
        worker.security.reload(config)
        if worker.gate.counts_connections or worker.gate.counts_users:
            # it may not have been so before, and then nobody has counted them
            present = [(session.number, session.user) for session in worker.sessions]
            self._control.tell("present", sessions=present)

    def _report(self) -> dict[str, Any]:
        """What the ledger has, with the sessions that are not over."""
        worker = self._worker
        snapshot = worker.ledger.snapshot({"connections": len(worker.sessions)})
        counts = snapshot["counts"]
        for session in worker.sessions:
            for name, count in session.transferred():
                counts[name] = counts.get(name, 0) + count
        return snapshot

    # --- the engine process -----------------------------------------------------------

    async def _follow_names(self) -> None:
        """Keep the prefilter current, whatever becomes of the engine process."""
        while True:
            with contextlib.suppress(OSError):  # it is starting again
                await self._read_names()
            await asyncio.sleep(RETRY_S)

    async def _read_names(self) -> None:
        path = self._orders.engine_socket
        reader, writer = await asyncio.open_unix_connection(path)
        try:
            writer.write(pack(Message.WATCH))
            messages = MessageReader()
            while data := await reader.read(1 << 16):
                for message, body in messages.feed(data):
                    if message is Message.NAMES:
                        self._worker.prefilter = names_filter(body)
                        self._names_known.set()
        finally:
            writer.close()


def dialler(leg: Leg) -> Dial:
    """How a session reaches the backend."""
    loop = asyncio.get_running_loop()
    if leg.socket is not None:
        return lambda made: loop.create_unix_connection(made, leg.socket)
    source = (leg.source, 0) if leg.source else None
    return lambda made: loop.create_connection(
        made, leg.host, leg.port, local_addr=source
    )
