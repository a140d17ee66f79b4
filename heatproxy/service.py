"""The engine process: it answers the statements that relays lend it.

It holds what a relay must not: the SQL parser, DuckDB, models. Learning runs in
processes of its own below it.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection

from heatproxy.automl.loaded import LoadedModels
from heatproxy.backend.account import Address, ServiceAccount
from heatproxy.backend.shells import Shells
from heatproxy.backend.weights import Weights
from heatproxy.config import Config
from heatproxy.dispatch import serve_statement
from heatproxy.engine.duck import DuckDB
from heatproxy.jobs import JobProcesses, end_with_parent
from heatproxy.lakehouse import reader
from heatproxy.loan import Loan, SessionGone
from heatproxy.routines.install import install_stubs
from heatproxy.session import House
from heatproxy.wire import decode, encode

log = logging.getLogger(__name__)

ENGINE_FILE = "engine.duckdb"
PRELOAD = ("heatproxy.automl.work",)
JOBS_AT_ONCE = 4


def run(
    config: Config,
    address: Address,
    socket_path: str,
    log_format: str,
    ready: Connection,
) -> None:
    """The whole life of the process; ``ready`` gets one message, an error or None."""
    end_with_parent(signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor decides
    logging.basicConfig(level=config.log.level.upper(), format=log_format)
    asyncio.run(_serve(config, address, socket_path, ready))


async def _serve(
    config: Config, address: Address, socket_path: str, ready: Connection
) -> None:
    try:
        service = Service(await asyncio.to_thread(_open_house, config, address))
        server = await asyncio.start_unix_server(service.serve, socket_path)
    except Exception as problem:
        log.exception("the engine process cannot start")
        ready.send(f"{type(problem).__name__}: {problem}")
        return
    ready.send(None)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    warm = asyncio.ensure_future(_warm_up(service.house))
    async with server:
        await stop.wait()
    warm.cancel()
    await asyncio.wait([warm])
    service.house.engine.close()
    service.house.account.close()


def _open_house(config: Config, address: Address) -> House:
    account = ServiceAccount(address)
    install_stubs(account)
    shells = Shells(account)
    shells.refresh()
    config.data_dir.mkdir(parents=True, exist_ok=True)
    engine = DuckDB(
        config.data_dir / ENGINE_FILE,
        f"{config.engine.memory_limit >> 20}MiB",
        config.engine.threads or os.cpu_count() or 1,
    )
    return House(
        config=config,
        engine=engine,
        account=account,
        shells=shells,
        weights=Weights(account),
        trainings=JobProcesses(config.automl.workers, PRELOAD),
        jobs=JobProcesses(JOBS_AT_ONCE, PRELOAD),
        models=LoadedModels(),
    )


async def _warm_up(house: House) -> None:
    """Do now what the first statement would wait for."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_have_compiled(house, reader.warm_up))
        tasks.create_task(_have_compiled(house, encode.warm_up, decode.warm_up))


async def _have_compiled(house: House, *warm_ups: Callable[[], None]) -> None:
    """Take kernels from disk that another process has put there.

    Compiling takes seconds, once in an installation's life. It would hold the GIL
    here, and the end of this process up.
    """
    for warm_up in warm_ups:
        await house.jobs.run(_yieldingly, warm_up)
        await asyncio.to_thread(warm_up)


def _yieldingly(work: Callable[[], None]) -> None:
    """Do the work where nobody waits for it, so that those go first who do."""
    os.nice(19)
    work()


class Service:
    """The relays' channels and what they share."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._watchers: set[Loan] = set()
        house.shells.watch(self._tell_names)

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One channel: a session's statements, one after the other, until it ends."""
        loan = Loan(reader, writer)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(loan.pump())
                tasks.create_task(self._watch_names(loan))
                tasks.create_task(self._answer(loan))
        except* (SessionGone, ConnectionError):
            pass
        except* Exception:
            log.exception("a session failed")
        finally:
            self._watchers.discard(loan)
            loan.close()

    async def _answer(self, loan: Loan) -> None:
        while True:
            await serve_statement(self.house, loan, await loan.statement())

    async def _watch_names(self, loan: Loan) -> None:
        await loan.watches_names.wait()
        self._watchers.add(loan)
        self._tell(loan)

    def _tell_names(self) -> None:
        for loan in self._watchers:
            self._tell(loan)

    def _tell(self, loan: Loan) -> None:
        loan.names(self.house.shells.tables, self.house.shells.schemas)
