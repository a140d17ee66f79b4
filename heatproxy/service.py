"""The engine process: it answers the statements that relays lend it.

It holds what a relay must not: the SQL parser, DuckDB, models. Learning runs in
processes of its own below it.
"""

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

from heatproxy import logs
from heatproxy.automl.loaded import LoadedModels
from heatproxy.backend.account import Address, ServiceAccount
from heatproxy.backend.dump import derived_server_id
from heatproxy.backend.locks import Locks
from heatproxy.backend.shells import Shells
from heatproxy.backend.weights import Weights
from heatproxy.config import Config, with_live_values
from heatproxy.control import Control
from heatproxy.dispatch import serve_statement
from heatproxy.engine.duck import DuckDB
from heatproxy.engine.yielding import begin_session
from heatproxy.errors import ProtocolError
from heatproxy.house import House
from heatproxy.inside.serving import Inside
from heatproxy.jobs import JobProcesses, end_with_parent
from heatproxy.lakehouse import reader
from heatproxy.loan import Loan, SessionGone
from heatproxy.rapid.follow import Follower
from heatproxy.rapid.freshness import Freshness
from heatproxy.rapid.keys import Keys
from heatproxy.rapid.load import Loader
from heatproxy.rapid.reconcile import Reconciler
from heatproxy.rapid.variables import PERSISTED_FILE, GlobalVariables
from heatproxy.routines import unfinished
from heatproxy.routines.install import install_stubs
from heatproxy.watch import Watches
from heatproxy.wire import binlog_columns, decode, encode

log = logging.getLogger(__name__)

ENGINE_FILE = "engine.duckdb"
PRELOAD = ("heatproxy.automl.work",)
JOBS_AT_ONCE = 4
IDLE_S = 60.0  # what is compiled waits so long for processors that are idle


def run(
    config: Config, address: Address, socket_path: str, channel: socket.socket
) -> None:
    """The whole life of the process, which ends with its channel to the supervisor."""
    end_with_parent(signal.SIGKILL)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the supervisor decides
    begin_session()
    logs.begin("engine", config.log.level, config.log.format)
    asyncio.run(_serve(config, address, socket_path, channel))


async def _serve(
    config: Config, address: Address, socket_path: str, channel: socket.socket
) -> None:
    stop = asyncio.Event()
    service: Service | None = None

    def configure(values: Mapping[str, Any]) -> None:
        if service is not None:
            service.configure(values)

    control = Control(
        {
            "end": stop.set,
            "configure": configure,
            "report": lambda: None if service is None else service.report(),
        },
        on_closed=stop.set,
    )
    loop = asyncio.get_running_loop()
    await loop.create_unix_connection(lambda: control, sock=channel)
    try:
        locks = Locks(address)
        house = await asyncio.to_thread(_open_house, config, address, locks)
        await asyncio.to_thread(install_stubs, house.account)
        await locks.warm_up()
        service = Service(house)
        server = await asyncio.start_unix_server(service.serve, socket_path)
    except Exception as problem:
        log.exception("the engine process cannot start")
        control.tell("ready", problem=f"{type(problem).__name__}: {problem}")
        await stop.wait()
        return
    compiled = threading.Event()
    follower, freshness = service.house.rapid.follower, service.house.rapid.freshness
    assert follower is not None
    assert freshness is not None
    follower.start(compiled)
    reconciler = _follow_dictionary(service.house)
    inside = Inside(house, address)
    if config.inside.enabled:
        inside.start()
    control.tell("ready")
    warm = asyncio.ensure_future(_warm_up(service.house, compiled))
    async with server:
        await stop.wait()
    warm.cancel()
    await asyncio.wait([warm])
    if config.inside.enabled:
        await inside.stop()
    locks.close()
    await asyncio.to_thread(follower.stop)
    await asyncio.to_thread(reconciler.stop)
    await asyncio.to_thread(freshness.close)
    service.house.engine.close()
    service.house.account.close()


def _open_house(config: Config, address: Address, locks: Locks) -> House:
    account = ServiceAccount(address)
    shells = Shells(account)
    shells.refresh()
    config.data_dir.mkdir(parents=True, exist_ok=True)
    engine = DuckDB(
        config.data_dir / ENGINE_FILE,
        f"{config.engine.memory_limit >> 20}MiB",
        config.engine.threads or os.cpu_count() or 1,
    )
    house = House(
        config=config,
        engine=engine,
        account=account,
        watches=Watches(locks),
        shells=shells,
        weights=Weights(account),
        trainings=JobProcesses(config.automl.workers, PRELOAD),
        jobs=JobProcesses(JOBS_AT_ONCE, PRELOAD),
        models=LoadedModels(),
    )
    house.functions.refresh()
    unfinished.clear(house)
    house.rapid.variables = GlobalVariables(config.data_dir / PERSISTED_FILE)
    house.rapid.loader = Loader(
        engine,
        address,
        house.rapid.tables,
        lambda: house.config.rapid.load_connections,
        house.ledger,
    )
    # weighing many strings takes a while: nobody else waits for that connection
    keys = Keys(Weights(ServiceAccount(address)), engine, house.rapid.tables)
    house.rapid.keys = house.rapid.loader.keys = keys
    _make_follower(house, address, engine)
    return house


def _make_follower(house: House, address: Address, engine: DuckDB) -> None:
    """What keeps loaded tables fresh; it begins when it is started."""
    name = f"{socket.gethostname()}:{house.config.data_dir}"
    house.rapid.follower = follower = Follower(
        address,
        engine,
        house.rapid.tables,
        house.rapid.keys,
        house.config.rapid.server_id or derived_server_id(name),
    )
    follower.members.count = house.ledger.count
    follower.look_again = house.views.look
    house.rapid.freshness = Freshness(follower, address)


def _follow_dictionary(house: House) -> Reconciler:
    """Have the engine hold what the backend's dictionary calls loaded."""
    loader = house.rapid.loader
    assert loader is not None
    loader.follower = house.rapid.follower
    reconciler = Reconciler(loader)
    reconciler.start()
    return reconciler


async def _warm_up(house: House, compiled: threading.Event) -> None:
    """Do now what the first statement would wait for, and the follower for it."""

    async def for_the_follower() -> None:
        await _have_compiled(house, binlog_columns.warm_up)
        compiled.set()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(for_the_follower())
        tasks.create_task(_have_compiled(house, reader.warm_up))
        tasks.create_task(_have_compiled(house, encode.warm_up, decode.warm_up))


async def _have_compiled(house: House, *warm_ups: Callable[[], None]) -> None:
    """Take kernels from disk that another process has put there.

    Compiling takes seconds, once in an installation's life. It would hold the GIL
    here, and the end of this process up.
    """
    for warm_up in warm_ups:
        try:
            await house.jobs.run(_idly, warm_up, most_s=IDLE_S)
        except TimeoutError:  # this machine is never idle
            await house.jobs.run(_yieldingly, warm_up)
        await asyncio.to_thread(warm_up)


def _idly(work: Callable[[], None]) -> None:
    """Do the work with what nobody else needs of the processors."""
    if hasattr(os, "SCHED_IDLE"):  # on Linux
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    _yieldingly(work)


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
        loop = asyncio.get_running_loop()

        def tell() -> None:
            loop.call_soon_threadsafe(self._tell_names)

        house.views.watch(tell)
        house.functions.watch(tell)
        house.rapid.tables.watch(house.views.look)
        house.rapid.tables.watch(tell)
        house.shells.watch(house.views.look)
        house.views.look()

    def configure(self, values: Mapping[str, Any]) -> None:
        """Take changed settings, from the next statement on."""
        before = self.house.config.rapid.offload_in_transactions
        self.house.config = config = with_live_values(self.house.config, values)
        if config.rapid.offload_in_transactions != before:
            self._tell_names()
        logs.change(config.log.level, config.log.format)

    def report(self) -> dict[str, Any]:
        """What has been counted, and what the engine holds now."""
        memory = self.house.engine.memory()
        gauges = {
            "engine_memory_bytes": memory.held_bytes,
            "engine_spilled_bytes": memory.spilled_bytes,
            **self.house.rapid.gauges(),
        }
        return self.house.ledger.snapshot(gauges)

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
        except* ProtocolError as broken:
            log.warning("a lent session ended: %s", broken.exceptions[0])
        except* Exception:
            log.exception("a session failed")
        finally:
            self._watchers.discard(loan)
            loan.close()

    async def _answer(self, loan: Loan) -> None:
        while True:
            statement = await loan.statement()
            try:
                await serve_statement(self.house, loan, statement)
            except ProtocolError:
                if loan.gone:  # a client may leave in the middle of anything
                    raise SessionGone from None
                raise

    async def _watch_names(self, loan: Loan) -> None:
        await loan.watches_names.wait()
        self._watchers.add(loan)
        self._tell(loan)

    def _tell_names(self) -> None:
        for loan in self._watchers:
            self._tell(loan)

    def _tell(self, loan: Loan) -> None:
        in_transactions = self.house.config.rapid.offload_in_transactions
        loan.names(*self.house.filter_names(), in_transactions=in_transactions)
