"""Pauses between the starts of a process that keeps dying."""

LIVED_LONG_S, SHORTEST_WAIT_S, LONGEST_WAIT_S = 60.0, 0.25, 10.0


class Backoff:
    """How long to wait before a process is started again that keeps dying."""

    def __init__(self) -> None:
        self._next_s = 0.0

    def after(self, lived_s: float) -> float:
        """The wait in seconds: none at first, then longer each time."""
        if lived_s > LIVED_LONG_S:
            self._next_s = 0.0
        wait_s = self._next_s
        self._next_s = min(max(2 * wait_s, SHORTEST_WAIT_S), LONGEST_WAIT_S)
        return wait_s
