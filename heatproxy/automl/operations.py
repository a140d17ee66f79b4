"""What AutoML is doing and has done: one operation a call, as rpd_query_stats tells it.

Source: HeatWave User Guide, "Track Progress for MySQL HeatWave AutoML Routines"; the
keys are those that Oracle's REST service and published tools read.
"""

import threading
from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from heatproxy.errors import MySQLError

KEPT = 1000
RUNNING, COMPLETED, ABORTED, ERROR = "RUNNING", "COMPLETED", "ABORTED", "ERROR"
_KILLED = (1317, 3024, 1053)
NODE = 0  # there is one
TOTALS = (  # of rpd_ml_stats
    *("n_cells", "n_cells_user_excluded", "n_blob_cells"),
    *("table_size_bytes", "blob_size_bytes"),
)


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
    totals: Counter[str] = field(default_factory=Counter)  # of the routine's calls

    def read(self, rows: pa.Table, blobs: Collection[str]) -> None:
        """A table was read; ``blobs`` names its columns of a TEXT or BLOB type."""
        sizes = {name: rows.column(name).nbytes for name in rows.column_names}
        found = [name for name in rows.column_names if name in blobs]
        self.totals["n_cells"] += rows.num_rows * rows.num_columns
        self.totals["n_blob_cells"] += rows.num_rows * len(found)
        self.totals["table_size_bytes"] += sum(sizes.values())
        self.totals["blob_size_bytes"] += sum(sizes[name] for name in found)

    def left_out(self, rows: pa.Table, columns: Collection[str]) -> None:
        """Of a table that was read, the user does not want these columns."""
        wanted = {name.lower() for name in columns}
        found = [name for name in rows.column_names if name.lower() in wanted]
        self.totals["n_cells_user_excluded"] += rows.num_rows * len(found)

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
        self._totals: dict[str, Counter[str]] = {}
        self._lock = threading.Lock()

    def begin(self, query_id: int, connection_id: int, routine: str) -> Operation:
        """One that begins now."""
        operation = Operation(query_id, connection_id, routine, datetime.now(UTC))
        with self._lock:
            operation.totals = self._totals.setdefault(routine, Counter())
            self._latest.append(operation)
        return operation

    def totals(self, routine: str) -> Mapping[str, int]:
        """The cells and bytes that all calls of a routine have read from tables."""
        with self._lock:
            found = self._totals.get(routine)
            return {name: found[name] for name in TOTALS} if found else {}

    def latest(self) -> Sequence[Operation]:
        """Oldest first."""
        with self._lock:
            return tuple(self._latest)


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
