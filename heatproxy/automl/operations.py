"""What AutoML is doing and has done: one operation a call, as rpd_query_stats tells it.

Source: HeatWave User Guide, "Track Progress for MySQL HeatWave AutoML Routines"; the
keys are those that Oracle's REST service and published tools read.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from heatproxy.errors import MySQLError

KEPT = 1000
RUNNING, COMPLETED, ABORTED, ERROR = "RUNNING", "COMPLETED", "ABORTED", "ERROR"
_KILLED = (1317, 3024, 1053)
NODE = 0  # there is one


@dataclass(slots=True)
class Operation:
    """One call of a routine; times are UTC. It changes while the routine runs."""

    query_id: int
    connection_id: int
    routine: str
    started: datetime
    ended: datetime | None = None
    status: str = RUNNING
    done: float = 0.0  # of 1
    error: str = ""
    stages: list[str] = field(default_factory=list)
    handle: str | None = None

    def heard(self, done: float, stage: str) -> None:
        """The job has got so far, and this is what it does now."""
        self.done = max(self.done, min(done, 1.0))
        if not self.stages or self.stages[-1] != stage:
            self.stages.append(stage)

    def end(self, problem: BaseException | None = None) -> None:
        """The call is over."""
        self.ended = datetime.now(UTC)
        if problem is None:
            self.status, self.done = COMPLETED, 1.0
            return
        killed = not isinstance(problem, MySQLError) or problem.number in _KILLED
        self.status = ABORTED if killed else ERROR
        self.error = str(problem.args[-1]) if problem.args else type(problem).__name__

    def told(self) -> dict[str, Any]:
        """QEXEC_TEXT."""
        now = self.ended or datetime.now(UTC)
        passed = self.stages if self.status == COMPLETED else self.stages[:-1]
        return {
            "sessionId": self.connection_id,
            "queryStartTime": _time(self.started),
            "startTime": _time(self.started),
            "queryEndTime": None if self.ended is None else _time(self.ended),
            "totalRunTime": round((now - self.started) / timedelta(milliseconds=1), 3),
            "status": self.status,
            "completionPercentage": int(100 * self.done),
            "details": {"operation": self.routine, "model_handle": self.handle},
            "progressItems": [
                {
                    "type": stage,
                    "status": COMPLETED if place < len(passed) else self.status,
                }
                for place, stage in enumerate(self.stages)
            ],
            "completedSteps": list(passed),
            "error": self.error,
        }


class Operations:
    """The latest ones, those under way among them; safe from any thread."""

    def __init__(self) -> None:
        self._latest: deque[Operation] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def begin(self, query_id: int, connection_id: int, routine: str) -> Operation:
        """One that begins now."""
        operation = Operation(query_id, connection_id, routine, datetime.now(UTC))
        with self._lock:
            self._latest.append(operation)
        return operation

    def latest(self) -> Sequence[Operation]:
        """Oldest first."""
        with self._lock:
            return tuple(self._latest)


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
