"""The latest statements that RAPID answered or might have answered.

Source: performance_schema.rpd_query_stats and rpd_exec_stats keep the last 1000.
"""

import itertools
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

KEPT = 1000


@dataclass(frozen=True, slots=True)
class Execution:
    """One statement on RAPID tables; times are UTC and in milliseconds.

    ``refusal`` says why MySQL answered it, None if the engine did; ``cause`` is the
    class of that reason.
    """

    query_id: int
    connection_id: int
    text: str
    started: datetime
    translate_ms: float
    wait_ms: float  # for changes of the backend to be applied
    run_ms: float
    rows: int
    scanned_bytes: int
    tables: tuple[str, ...]  # schema.table
    engine_sql: str | None = None
    refusal: str | None = None
    cause: str = ""


@dataclass(slots=True)
class History:
    """The last executions, and how many there have been; safe from any thread."""

    offloaded: int = 0
    not_offloaded: int = 0
    scanned_bytes: int = 0
    _latest: deque[Execution] = field(default_factory=lambda: deque(maxlen=KEPT))
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def new_id(self) -> int:
        """The id of a statement that begins now."""
        return next(self._ids)

    def add(self, execution: Execution) -> None:
        """Remember a statement that has ended."""
        with self._lock:
            self._latest.append(execution)
            if execution.refusal is None:
                self.offloaded += 1
                self.scanned_bytes += execution.scanned_bytes
            else:
                self.not_offloaded += 1

    def latest(self) -> Sequence[Execution]:
        """The executions remembered, oldest first."""
        with self._lock:
            return tuple(self._latest)
