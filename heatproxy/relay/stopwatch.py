"""How long a session's relayed statements take: for the metrics and the slow log.

It runs once a statement on the way of every byte, so it does little: two looks at the
clock, and one place in a histogram.
"""

import logging
from time import perf_counter
from typing import TYPE_CHECKING

from heatproxy.wire.packets import Command

if TYPE_CHECKING:
    from heatproxy.relay.frontend import Frontend


class Stopwatch:
    """Times one session's statements, one after the other."""

    __slots__ = ("_began", "_client", "_frontend", "_route", "_sent", "_worker")

    def __init__(self, frontend: "Frontend") -> None:
        self._frontend = frontend
        self._client, self._worker = frontend.client, frontend.worker
        self._route = frontend.worker.relayed
        self._began = 0.0
        self._sent = 0  # what the client had been sent when the statement began

    def begin(self) -> None:
        """A command is on its way, and no reply is owed before it."""
        self._sent = self._client.bytes_out
        self._began = perf_counter()

    def end(self, command: int, failed: int, size: int) -> float:
        """Its reply is complete with ``size`` bytes that are not sent yet.

        Returns:
            How many seconds it took.
        """
        now = perf_counter()
        seconds = now - self._began
        self._route.note(seconds, failed)
        sent = self._client.bytes_out + size
        if 0 < self._worker.slow_s <= seconds:
            self._log(command, seconds, sent - self._sent, failed)
        self._began, self._sent = now, sent  # what was sent ahead begins now
        return seconds

    @property
    def is_unanswered(self) -> bool:
        """Whether the client has seen nothing yet of the reply under way."""
        return self._client.bytes_out == self._sent

    def _log(self, command: int, seconds: float, size: int, failed: int) -> None:
        known = command in Command.__members__.values()
        name = Command(command).name.lower() if known else f"{command:#04x}"
        self._frontend.log(
            logging.WARNING,
            "slow statement",
            route="relayed",
            command=name,
            seconds=round(seconds, 3),
            bytes=size,
            error=failed or None,
        )
