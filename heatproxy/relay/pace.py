"""Tells the kernel whether the worker is in a hurry, by how it finds its own work.

A worker that sleeps between any two statements is asked to wake at once: that is the
whole of what a statement waits for it. One that finds several waiting whenever it
looks loses nothing by taking its turn a moment later, and lets the backend, which
often runs on the same processors, finish what it has begun: fewer switches, more
statements.

Source: sched(7), "SCHED_BATCH".
"""

import asyncio
import os
import resource
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heatproxy.relay.frontend import Worker

LOOK_S = 0.1
FEW = 100  # statements in between, too few to tell
# Sleeps per statement: each statement has two turns, its own and its reply's.
BUSY_BELOW, CALM_ABOVE = 0.8, 1.2


async def watch(worker: "Worker") -> None:
    """Look at how the worker fares for as long as it lives."""
    batch = False
    statements, sleeps = _statements(worker), _sleeps()
    while hasattr(os, "SCHED_BATCH"):
        await asyncio.sleep(LOOK_S)
        done = _statements(worker) - statements
        if done < FEW:
            continue
        statements, slept, sleeps = statements + done, _sleeps() - sleeps, _sleeps()
        wanted = is_busy(slept / done, now=batch)
        if wanted != batch:
            batch = wanted
            if not _change(os.SCHED_BATCH if batch else os.SCHED_OTHER):
                return


def is_busy(sleeps_per_statement: float, *, now: bool) -> bool:
    """Whether work is waiting whenever one looks; ``now``: it was so last time."""
    return sleeps_per_statement < (CALM_ABOVE if now else BUSY_BELOW)


def _change(policy: int) -> bool:
    """Change how this thread is scheduled; False where that is not allowed."""
    try:
        os.sched_setscheduler(0, policy, os.sched_param(0))
    except OSError:
        return False
    return True


def _statements(worker: "Worker") -> int:
    return sum(worker.relayed.buckets)


def _sleeps() -> int:
    """How often this thread has gone to sleep for want of work."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
