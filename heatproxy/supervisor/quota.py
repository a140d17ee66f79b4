"""How many connections there may be, counted over all workers together.

A worker asks before it lets a client in, and only while there is a limit to ask for.
"""

from collections import Counter
from collections.abc import Iterable

from heatproxy.config import LimitsConfig


class Quota:
    """Who is connected: a session is a worker's number and its own in there."""

    def __init__(self, limits: LimitsConfig) -> None:
        self.limits = limits
        self._users: dict[tuple[int, int], str | None] = {}
        self._of_user: Counter[str] = Counter()

    def enter(self, worker: int, session: int) -> bool:
        """Whether one more client may connect; it counts from now on."""
        limit = self.limits.connections
        if limit and len(self._users) >= limit:
            return False
        self._users[worker, session] = None
        return True

    def admit(self, worker: int, session: int, user: str) -> bool:
        """Whether this user may have one more connection; it counts from now on.

        A session that changes its user counts for the new one only.
        """
        limit = self.limits.connections_per_user
        before = self._users.get((worker, session))
        if limit and before != user and self._of_user[user] >= limit:
            return False
        self._count(worker, session, user)
        return True

    def present(self, worker: int, sessions: Iterable[tuple[int, str | None]]) -> None:
        """A worker names all that it has, since nobody counted them without a limit."""
        self.forget(worker)
        for session, user in sessions:
            self._count(worker, session, user)

    def leave(self, worker: int, session: int) -> None:
        """A client has gone."""
        user = self._users.pop((worker, session), None)
        if user is not None:
            self._of_user[user] -= 1
            self._of_user += Counter()  # keeps those above 0

    def forget(self, worker: int) -> None:
        """A worker's sessions count no more: it has died, or names them anew."""
        for of_worker, session in list(self._users):
            if of_worker == worker:
                self.leave(of_worker, session)

    def _count(self, worker: int, session: int, user: str | None) -> None:
        self.leave(worker, session)
        self._users[worker, session] = user
        if user is not None:
            self._of_user[user] += 1
