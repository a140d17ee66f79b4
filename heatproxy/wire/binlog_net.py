"""What the rows events of one table change in the end, found by the kernel."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heatproxy.wire import binlog_plan as plan
from heatproxy.wire.binlog_columns import RowShape, Unfit
from heatproxy.wire.binlog_walk import BODY, BODY_END
from heatproxy.wire.native import address_of

Int64s = npt.NDArray[np.int64]

FIRST_ROWS = 512
_COMPLAINTS = {
    plan.PARTIAL: "rows without all of their columns (binlog_row_image is not FULL)",
    plan.WIDE: "rows with more or fewer columns than their table",
    plan.BROKEN: "rows that end before their columns do",
}


@dataclass(frozen=True, slots=True)
class NetChange:
    """Where the images of rows begin: what goes, and what comes.

    ``checked``: each of ``removed`` must be found in the table, once for each time it
    is there. Otherwise some of it may have been applied before.
    """

    removed: Int64s
    added: Int64s
    checked: bool


def reduce(events: Int64s, slot: int, shape: RowShape) -> NetChange:
    """The net change of a slot's ``events``, Int64s (n_events, 5) as ``walk`` left it.

    Raises:
        Unfit: rows that are not whole, or that contradict each other.
    """
    work = _Work(FIRST_ROWS)
    while True:
        reason = plan.plan(
            work.state,
            events,
            len(events),
            slot,
            shape.columns,
            shape.unique,
            work.removed,
            work.added,
            work.table,
            work.entries,
            address_of(work.heap),
            work.heap.size,
        )
        if reason == plan.DONE:
            break
        if reason != plan.GROW:
            raise Unfit(_COMPLAINTS[reason])
        work.grow(events)
    if work.state[plan.REPEATS]:
        raise Unfit("changes of rows that contradict each other")
    added = work.added[: work.state[plan.ADDED]]
    return NetChange(
        work.removed[: work.state[plan.REMOVED]],
        np.ascontiguousarray(added[added[:, 1] != -2, 0]),
        bool(work.state[plan.CHECKED]),
    )


class _Work:
    """The kernel's memory, which grows."""

    def __init__(self, rows: int) -> None:
        self.state: Int64s = np.zeros(8, np.int64)
        self.state[plan.CHECKED] = 1
        self.removed: Int64s = np.empty(rows, np.int64)
        self.added: Int64s = np.empty((rows, 2), np.int64)
        self.table: Int64s = np.zeros(4 * rows, np.int64)
        self.entries: Int64s = np.empty((rows, 4), np.int64)
        self.heap: npt.NDArray[np.uint8] = np.empty(64 * rows, np.uint8)

    def grow(self, events: Int64s) -> None:
        """Make more room; for keys, what the event under way may need at once."""
        event = events[self.state[plan.EVENT]]
        used = int(self.state[plan.HEAP])
        size = int(event[BODY_END] - event[BODY])
        heap = np.empty(4 * self.heap.size + 16 * size + 65_536, np.uint8)
        heap[:used] = self.heap[:used]
        self.heap = heap
        rows = 4 * len(self.removed)
        self.removed = _longer(self.removed, rows)
        self.added = _longer(self.added, rows)
        self.entries = _longer(self.entries, rows)
        self.table = np.zeros(4 * rows, np.int64)
        plan.rehash(self.table, self.entries, int(self.state[plan.KEYS]))


def _longer(old: Int64s, rows: int) -> Int64s:
    new = np.empty((rows, *old.shape[1:]), np.int64)
    new[: len(old)] = old
    return new
