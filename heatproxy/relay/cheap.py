"""Statements on RAPID's tables that were not worth it: MySQL is asked at once again.

A statement is remembered by its shape, which its literals do not change, so that one
look of the engine process does for all point queries of a kind. A shape that is taken
wrongly for another costs time and no more: MySQL's answer is right always. So what is
remembered is forgotten freely: when the session's variables may have changed, when the
tables have, when MySQL takes long after all, longer than when it was decided, and after
a while.
"""

from time import monotonic

KEPT_S = 60.0
LONG_S = 0.1  # what MySQL takes longer for may be worth another look
LONGER = 2  # times what it took when it was decided
MOST = 1024  # a session with more kinds of statements than that begins anew

Key = int | bytes  # the shape of a text, or the id of a prepared statement


class Cheap:
    """What one session remembers."""

    __slots__ = ("_of", "_took", "_until")

    def __init__(self) -> None:
        self._until: dict[Key, float] = {}
        self._took: dict[Key, float] = {}  # seconds, when it was decided
        self._of: object = None

    def knows(self, key: Key, of: object) -> bool:
        """Whether MySQL is to be asked; ``of`` is what the decision rested upon."""
        if self._of is not of:
            self.clear()
            self._of = of
        until = self._until.get(key)
        return until is not None and monotonic() < until

    def add(self, key: Key, of: object) -> None:
        """MySQL answers such statements, so the engine process says."""
        if self._of is not of or len(self._until) >= MOST:
            self.clear()
            self._of = of
        self._until[key] = monotonic() + KEPT_S
        self._took.pop(key, None)

    def took(self, key: Key, seconds: float) -> None:
        """MySQL has answered one of these; the first is what was decided of."""
        if seconds > max(LONG_S, LONGER * self._took.setdefault(key, seconds)):
            self._until.pop(key, None)

    def clear(self) -> None:
        """Anything may be worth it again."""
        self._until.clear()
        self._took.clear()
