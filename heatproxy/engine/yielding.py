"""Threads that compute, and let those go first that somebody waits for a moment.

Relays, MySQL and event loops need a processor often and briefly. A query of the
engine takes all of them for as long as it runs, so its threads are nice, each by
itself, as Linux has it: when nobody else wants a processor that costs nothing.

Where other programs run too, Linux first shares the processors out among sessions, and
only then among a session's threads. What computes has a session of its own, or a relay
would have to wait until its session has a share again that queries have used up.

Source: sched(7), "The nice value", "The autogroup feature"; setpriority(2).
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

NICE = 5  # a quarter of a processor, where another thread wants all of it


def begin_session() -> None:
    """Give this process, and those that it starts, a share of processors of its own."""
    with contextlib.suppress(PermissionError):  # it leads a group of processes already
        os.setsid()


def begin_yielding() -> None:
    """Make the calling thread, and those that it starts, let others go first."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def started_yielding(work: Callable[[], T]) -> T:
    """What work returns whose threads, those that stay after it, are to yield."""
    with ThreadPoolExecutor(1, initializer=begin_yielding) as thread:
        return thread.submit(work).result()
