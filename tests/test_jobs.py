"""Jobs in processes of their own: results, failures, ends, turns."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from heatproxy.errors import MySQLError, ml_error
from heatproxy.jobs import JobProcesses
from tests.background import children, is_alive, until


def add(one: int, other: int) -> int:
    return one + other


def own_process() -> int:
    return os.getpid()


def big(size: int) -> bytes:
    return b"x" * size


def fail_as_mysql() -> None:
    raise ml_error("ML001016", "no such task")


def fail_inside() -> None:
    raise ValueError("what went wrong")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def note_and_wait(path: str) -> None:
    """Write down the process, then wait for its end."""
    Path(path).write_text(str(os.getpid()))
    signal.pause()


def noted(path: Path) -> int | None:
    return int(path.read_text()) if path.exists() and path.read_text() else None


@pytest.fixture(scope="module")
def jobs() -> JobProcesses:
    made = JobProcesses(2)
    made.warm_up()
    return made


async def test_a_job_returns_its_result_from_a_process_of_its_own(
    jobs: JobProcesses,
) -> None:
    assert await jobs.run(add, 2, 3) == 5
    first, second = await asyncio.gather(jobs.run(own_process), jobs.run(own_process))
    assert len({first, second, os.getpid()}) == 3


async def test_large_arguments_and_results_pass(jobs: JobProcesses) -> None:
    assert await jobs.run(len, big(20_000_000)) == 20_000_000
    assert len(await jobs.run(big, 20_000_000)) == 20_000_000


async def test_an_error_for_the_client_comes_back_as_it_was(jobs: JobProcesses) -> None:
    with pytest.raises(MySQLError) as caught:
        await jobs.run(fail_as_mysql)
    assert (caught.value.number, caught.value.message) == (
        3877,
        "ML001016: no such task",
    )


@pytest.mark.parametrize(
    ("job", "words"),
    [(fail_inside, "ValueError: what went wrong"), (die, "is there memory enough?")],
)
async def test_any_other_failure_is_an_unknown_error(
    jobs: JobProcesses, job: object, words: str
) -> None:
    with pytest.raises(MySQLError) as caught:
        await jobs.run(job)  # type: ignore[arg-type]
    assert caught.value.number == 1105
    assert words in caught.value.message
    assert await jobs.run(add, 1, 1) == 2


async def test_a_job_that_is_called_off_ends_at_once(
    jobs: JobProcesses, tmp_path: Path
) -> None:
    path = tmp_path / "pid"
    task = asyncio.ensure_future(jobs.run(note_and_wait, str(path)))
    pid = await asyncio.to_thread(until, lambda: noted(path))
    assert is_alive(pid)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not is_alive(pid)
    assert await jobs.run(add, 1, 1) == 2


async def test_a_job_that_is_called_off_while_it_starts_has_ended_too(
    jobs: JobProcesses,
) -> None:
    before = children(os.getpid())
    for turns in range(1, 6):
        task = asyncio.ensure_future(jobs.run(signal.pause))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not children(os.getpid()) - before


async def test_a_job_that_is_called_off_while_it_waits_never_starts(
    tmp_path: Path,
) -> None:
    one_place = JobProcesses(1)
    first, second = tmp_path / "first", tmp_path / "second"
    running = asyncio.ensure_future(one_place.run(note_and_wait, str(first)))
    await asyncio.to_thread(until, lambda: noted(first))
    waiting = asyncio.ensure_future(one_place.run(note_and_wait, str(second)))
    await asyncio.sleep(0)
    waiting.cancel()
    running.cancel()
    for task in (waiting, running):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not second.exists()
    assert await one_place.run(add, 1, 1) == 2


async def test_no_more_jobs_run_than_there_are_places(tmp_path: Path) -> None:
    one_place = JobProcesses(1)
    path = tmp_path / "pid"
    running = asyncio.ensure_future(one_place.run(note_and_wait, str(path)))
    await asyncio.to_thread(until, lambda: noted(path))
    second = asyncio.ensure_future(one_place.run(own_process))
    done, _ = await asyncio.wait([second], timeout=0)
    assert not done
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await second > 0


async def test_a_job_is_ended_when_its_time_is_over(tmp_path: Path) -> None:
    jobs = JobProcesses(1)
    noted = tmp_path / "noted"
    with pytest.raises(TimeoutError):
        await jobs.run(note_and_wait, str(noted), most_s=0.5)
    if noted.exists() and noted.read_text():
        assert not is_alive(int(noted.read_text()))
    assert await jobs.run(add, 1, 2, most_s=600) == 3
