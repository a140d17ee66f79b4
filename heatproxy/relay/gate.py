"""Who may come in, where limits hold for all workers together: the supervisor knows.

It is asked only while there is a limit; a worker that has none to ask for lets
everybody in at once.
"""

from heatproxy.config import LimitsConfig
from heatproxy.control import Control, NoAnswer


class Gate:
    """One worker's questions, on its channel to the supervisor."""

    def __init__(self, control: Control, limits: LimitsConfig) -> None:
        self.limits = limits
        self._control = control

    @property
    def counts_connections(self) -> bool:
        return self.limits.connections > 0

    @property
    def counts_users(self) -> bool:
        return self.limits.connections_per_user > 0

    async def enter(self, session: int) -> bool:
        """Whether there is room for one more connection."""
        return await self._may("enter", session=session)

    async def admit(self, session: int, user: str) -> bool:
        """Whether this user may have one more."""
        return await self._may("admit", session=session, user=user)

    def leave(self, session: int) -> None:
        """A session has ended; asked about or not, it counts no more."""
        if self.counts_connections or self.counts_users:
            self._control.tell("leave", session=session)

    async def _may(self, question: str, **facts: object) -> bool:
        try:
            return bool(await self._control.ask(question, **facts))
        except NoAnswer:  # the supervisor has gone, and we are about to
            return False
