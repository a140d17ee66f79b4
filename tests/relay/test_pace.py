"""A worker that always finds work waiting takes its turns later, and only then."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import cast

import pytest

from heatproxy.ledger import Route
from heatproxy.relay import pace
from heatproxy.relay.frontend import Worker

SOON_S = 60.0

pytestmark = pytest.mark.skipif(
    not hasattr(os, "SCHED_BATCH"), reason="this system has no SCHED_BATCH"
)


@pytest.mark.parametrize(
    ("sleeps", "before", "after"),
    [(0.3, False, True), (1.0, False, False), (1.0, True, True), (2.0, True, False)],
)
def test_between_busy_and_calm_it_stays_as_it_was(
    sleeps: float, before: bool, after: bool
) -> None:
    assert pace.is_busy(sleeps, now=before) is after


def test_a_worker_is_batch_while_work_waits_and_prompt_when_it_waits_for_work() -> None:
    with ThreadPoolExecutor(1) as thread:  # whose scheduling is changed, not ours
        thread.submit(asyncio.run, _busy_and_calm()).result()


async def _busy_and_calm() -> None:
    route = Route()
    worker = cast(Worker, SimpleNamespace(relayed=route))
    async with asyncio.timeout(SOON_S), asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(pace.watch(worker))
        while os.sched_getscheduler(0) != os.SCHED_BATCH:
            route.note(0.001, failed=False)
            await asyncio.sleep(0)
        while os.sched_getscheduler(0) != os.SCHED_OTHER:
            for _ in range(2):  # it sleeps before a statement and before its reply
                await asyncio.sleep(0.0001)
            route.note(0.001, failed=False)
        watching.cancel()
