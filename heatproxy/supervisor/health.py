"""What those who watch are told: the numbers, and whether all is well."""

import asyncio
import os
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

import pymysql

from heatproxy.backend.account import Address, ServiceAccount
from heatproxy.ledger import added
from heatproxy.supervisor.endpoint import TEXT, Answer, Page, as_json
from heatproxy.supervisor.keeper import Keeper
from heatproxy.supervisor.metrics import State, exposition

BACKEND_S = 2.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Probe:
    """Asks the backend whether it is there, one question at a time."""

    def __init__(self, address: Address) -> None:
        self._account = ServiceAccount(address, timeout_s=BACKEND_S)
        self._asking: asyncio.Task[str | None] | None = None

    async def version(self) -> str | None:
        """The backend's version; None when it does not say within BACKEND_S."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(asyncio.to_thread(self._ask))
        try:
            return await asyncio.wait_for(asyncio.shield(self._asking), BACKEND_S)
        except TimeoutError:
            return None

    def _ask(self) -> str | None:
        try:
            ((version,),) = self._account.query("SELECT VERSION()")
        except (pymysql.MySQLError, OSError):
            return None
        return str(version)

    def close(self) -> None:
        self._account.close()


class Health:
    """The pages about one heatproxy."""

    def __init__(
        self, probe: Probe, engine: Keeper, workers: Sequence[Keeper], version: str
    ) -> None:
        self._probe, self._engine, self._workers = probe, engine, workers
        self._version = version

    @property
    def pages(self) -> dict[str, Page]:
        return {"/metrics": self._metrics, "/healthz": self._healthz}

    async def _healthz(self) -> Answer:
        """200 when clients can be served, else 503 and what is missing."""
        accepting = self._accepting()
        missing = []
        if await self._probe.version() is None:
            missing.append("the backend does not answer")
        if not self._engine.child.is_ready:
            missing.append("the engine process does not run")
        if not accepting:
            missing.append("no worker accepts connections")
        status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
        facts = {
            "status": "unavailable" if missing else "ok",
            "missing": missing,
            "workers_accepting": accepting,
            "workers": len(self._workers),
        }
        return as_json(status, facts)

    async def _metrics(self) -> Answer:
        version, engine, *relays = await asyncio.gather(
            self._probe.version(),
            self._engine.report(),
            *(worker.report() for worker in self._workers),
        )
        state = State(
            version=self._version,
            backend_up=version is not None,
            engine_up=self._engine.child.is_ready,
            workers_accepting=self._accepting(),
            worker_restarts=sum(worker.restarts for worker in self._workers),
            engine_restarts=self._engine.restarts,
            relays=added(relays),
            engine=engine,
            memory_bytes=self._memory(),
        )
        return Answer(HTTPStatus.OK, TEXT, exposition(state))

    def _accepting(self) -> int:
        return sum(worker.child.is_ready for worker in self._workers)

    def _memory(self) -> dict[str, int]:
        """Resident bytes of each process that runs."""
        running = [self._engine.child, *(worker.child for worker in self._workers)]
        pids = {child.name: child.pid for child in running if child.is_ready}
        found = {}
        for name, pid in {"supervisor": os.getpid(), **pids}.items():
            try:
                pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
            except (OSError, IndexError):  # it has just ended, or this is no Linux
                continue
            found[name] = int(pages) * _PAGE_BYTES
        return found
