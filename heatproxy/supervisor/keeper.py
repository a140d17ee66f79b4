"""A process that is started again whenever it dies, and what all of them counted."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from heatproxy.backoff import Backoff
from heatproxy.ledger import added, of_the_dead
from heatproxy.supervisor.children import Child, ChildFailed

log = logging.getLogger(__name__)

_NOTHING: dict[str, Any] = {"counts": {}, "routes": [], "gauges": {}}


class Keeper:
    """One place for a process, and who stands in it now.

    Args:
        make: a child for this place; it is told whether it follows one that died.
        on_death: called when one has died.
    """

    def __init__(
        self, make: Callable[[bool], Child], on_death: Callable[[], None]
    ) -> None:
        self._make, self._on_death = make, on_death
        self._backoff = Backoff()
        self._dead = self._last = _NOTHING
        self.child = make(False)
        self.restarts = 0

    async def start(self) -> None:
        """The first one. Raises ChildFailed."""
        await self.child.start()

    async def keep(self) -> None:
        """Start another whenever one dies, for as long as this runs."""
        while True:
            await self.child.gone.wait()
            child = self.child
            self._dead = added([self._dead, of_the_dead(self._last)])
            self._last = _NOTHING
            self.restarts += 1
            self._on_death()
            wait_s = self._backoff.after(child.lived_s)
            facts = {"pid": child.pid, "exit_code": child.exit_code, "wait_s": wait_s}
            log.error("%s died; starting it again", child.name, extra={"facts": facts})
            await asyncio.sleep(wait_s)
            self.child = self._make(True)
            try:
                await self.child.start()
            except ChildFailed as problem:
                log.error("%s", problem)

    async def report(self) -> dict[str, Any]:
        """What it has counted, with those before it; its last word if it is silent."""
        said = await self.child.ask("report") if self.child.is_ready else None
        if said is not None:
            self._last = said
        return added([self._dead, self._last])
