"""What the main process does: start the others, keep them, follow signals, end.

SIGTERM and SIGINT drain: no new connections, statements and transactions under way
finish until the deadline. A second one ends everything at once. SIGHUP reads the
settings again.
"""

import asyncio
import logging
import shutil
import signal
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from heatproxy import logs
from heatproxy.backend.reach import Backend
from heatproxy.config import (
    Config,
    ConfigError,
    differences,
    live_values,
    with_live_values,
)
from heatproxy.control import Handler
from heatproxy.supervisor import entries
from heatproxy.supervisor.children import Child
from heatproxy.supervisor.endpoint import Endpoint
from heatproxy.supervisor.health import Health, Probe
from heatproxy.supervisor.keeper import Keeper
from heatproxy.supervisor.quota import Quota
from heatproxy.supervisor.sockets import Listening

log = logging.getLogger(__name__)

ENGINE_STOP_S = 20.0
GRACE_S = 8.0  # for a worker to end after its deadline


class Supervisor:
    """The processes of one heatproxy.

    Args:
        reread: the settings as they are in the file now; raises ConfigError.
        on_ready: called when connections are accepted.
    """

    def __init__(
        self,
        config: Config,
        backend: Backend,
        listening: Listening,
        reread: Callable[[], Config],
        on_ready: Callable[[], None],
    ) -> None:
        self._config = config
        self._backend, self._listening = backend, listening
        self._reread, self._on_ready = reread, on_ready
        self._quota = Quota(config.limits)
        self._folder = Path(tempfile.mkdtemp(prefix="heatproxy-"))  # 0700
        self._engine_socket = str(self._folder / "engine.sock")
        self._engine = Keeper(self._new_engine, lambda: None)
        self._workers = [
            self._keeper_of_worker(number) for number in range(1, config.workers + 1)
        ]
        self._probe = Probe(backend.account)
        self._asked_to_end, self._in_a_hurry = asyncio.Event(), asyncio.Event()
        self._reloads: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve clients until asked to end.

        Raises:
            ChildFailed: a process could not start.
            OSError: the address for metrics is taken.
        """
        self._follow_signals()
        version = _version()
        health = Health(self._probe, self._engine, self._workers, version)
        endpoint = Endpoint(health.pages)
        keepers: list[asyncio.Task[None]] = []
        try:
            if not await self._unless_asked_to_end(self._start(endpoint)):
                return
            keepers = [asyncio.ensure_future(k.keep()) for k in self._all]
            await self._say_ready(version)
            await self._until_asked_to_end(keepers)
            for keeper in keepers[1:]:  # the engine process is needed to the end
                keeper.cancel()
            await self._drain()
        finally:
            for keeper in keepers:
                keeper.cancel()
            endpoint.close()
            self._listening.close()
            await self._end_all()
            self._probe.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    # --- the processes ----------------------------------------------------------------

    @property
    def _all(self) -> list[Keeper]:
        return [self._engine, *self._workers]

    def _new_engine(self, again: bool) -> Child:
        Path(self._engine_socket).unlink(missing_ok=True)
        return Child(
            "engine",
            entries.engine,
            (self._config, self._backend.account, self._engine_socket),
            {},
        )

    def _keeper_of_worker(self, number: int) -> Keeper:
        quota = self._quota
        handlers: dict[str, Handler] = {
            "enter": lambda session: quota.enter(number, session),
            "admit": lambda session, user: quota.admit(number, session, user),
            "leave": lambda session: quota.leave(number, session),
            "present": lambda sessions: quota.present(number, sessions),
        }

        def make(again: bool) -> Child:
            return Child(
                f"worker-{number}",
                entries.relay_worker,
                (
                    number,
                    self._config,
                    self._backend.leg,
                    self._engine_socket,
                    again,
                    self._listening.of_worker[number - 1],
                ),
                handlers,
            )

        return Keeper(make, lambda: quota.forget(number))

    async def _start(self, endpoint: Endpoint) -> None:
        if self._config.metrics.listen is not None:
            await endpoint.listen(self._config.metrics.listen)
        await asyncio.gather(*(keeper.start() for keeper in self._all))

    async def _say_ready(self, version: str) -> None:
        facts = {
            "listen": str(self._listening.address),
            "workers": len(self._workers),
            "version": version,
            "backend_version": await self._probe.version(),
        }
        log.info("ready", extra={"facts": facts})
        self._on_ready()

    async def _end_all(self) -> None:
        for keeper in self._workers:
            if keeper.child.was_started and not keeper.child.gone.is_set():
                keeper.child.kill()
                await keeper.child.gone.wait()
        engine = self._engine.child
        if engine.was_started and not engine.gone.is_set():
            await engine.stop(ENGINE_STOP_S)

    # --- signals ----------------------------------------------------------------------

    def _follow_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end_by, number)
        loop.add_signal_handler(signal.SIGHUP, self._reload_soon)

    def _end_by(self, number: signal.Signals) -> None:
        log.info("%s", number.name)
        if self._asked_to_end.is_set():
            self._in_a_hurry.set()
        self._asked_to_end.set()

    async def _unless_asked_to_end(self, work: Coroutine[Any, Any, None]) -> bool:
        """Whether the work was done before somebody asked to end."""
        doing = asyncio.ensure_future(work)
        asked = asyncio.ensure_future(self._asked_to_end.wait())
        await asyncio.wait({doing, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not doing.done():
            doing.cancel()
            return False
        doing.result()
        return True

    async def _until_asked_to_end(self, keepers: list[asyncio.Task[None]]) -> None:
        asked = asyncio.ensure_future(self._asked_to_end.wait())
        await asyncio.wait({asked, *keepers}, return_when=asyncio.FIRST_COMPLETED)
        for keeper in keepers:
            if keeper.done():  # which it never is, but by a mistake of ours
                keeper.result()

    async def _drain(self) -> None:
        """Have the workers end, in their own time or at once."""
        children = [k.child for k in self._workers if k.child.was_started]
        within_s = self._config.drain_timeout_s
        log.info("draining", extra={"facts": {"within_s": within_s}})
        await asyncio.gather(*(child.ask("stop_accepting") for child in children))
        self._listening.close()  # from here on a client is refused, and waits not
        for child in children:
            child.tell("drain", within_s=within_s)
        ended = asyncio.ensure_future(_ended(children, within_s + GRACE_S))
        hurry = asyncio.ensure_future(self._in_a_hurry.wait())
        await asyncio.wait([ended, hurry], return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            log.warning("asked twice: ending at once")
            for child in children:
                child.tell("end")
            await asyncio.wait([ended], timeout=GRACE_S)
        hurry.cancel()
        ended.cancel()
        log.info("drained")

    # --- settings ---------------------------------------------------------------------

    def _reload_soon(self) -> None:
        task = asyncio.ensure_future(self._reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _reload(self) -> None:
        """Take what may change now from the settings as they are in the file."""
        try:
            new = await asyncio.to_thread(self._reread)
        except ConfigError as problem:
            log.error("the settings stay as they are: %s", problem)
            return
        changed, waiting = differences(self._config, new)
        values = live_values(new)
        self._config = with_live_values(self._config, values)
        logs.change(self._config.log.level, self._config.log.format)
        self._quota.limits = self._config.limits
        await asyncio.gather(
            *(keeper.child.ask("configure", values=values) for keeper in self._all)
        )
        facts = {"changed": changed, "need_restart": waiting}
        log.info("settings reloaded", extra={"facts": facts})


async def _ended(children: Sequence[Child], within_s: float) -> bool:
    """When all have ended, by force if need be."""
    await asyncio.gather(*(child.stopped(within_s) for child in children))
    return True


def _version() -> str:
    try:
        return metadata.version("heatproxy")
    except metadata.PackageNotFoundError:  # it runs from its sources
        return "unknown"
