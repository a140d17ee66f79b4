"""The question where the binlog ends: asked once for all who came before."""

import asyncio
import threading

import pytest

from heatproxy.rapid.freshness import End, Rounds
from heatproxy.wire.binlog import Position


class Backend:
    """Answers with how often it was asked, when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = threading.Semaphore(0)
        self._began = threading.Semaphore(0)

    async def until_asked(self) -> None:
        assert await asyncio.to_thread(self._began.acquire, timeout=60)

    def __call__(self) -> End | None:
        self.asked += 1
        self._began.release()
        number = self.asked
        assert self.may_answer.acquire(timeout=60)
        return End("uuid", Position("binlog.000001", number))


def numbers(ends: list[End | None]) -> list[int]:
    return [end.position.offset for end in ends if end is not None]


async def test_who_comes_later_waits_for_the_next_question() -> None:
    backend = Backend()
    rounds = Rounds(backend)
    first = rounds.asked()
    await backend.until_asked()
    later = [rounds.asked() for _ in range(50)]
    backend.may_answer.release()
    assert numbers([await first]) == [1]
    assert not any(one.done() for one in later)
    backend.may_answer.release()
    assert numbers(await asyncio.gather(*map(asyncio.shield, later))) == [2] * 50
    assert backend.asked == 2
    backend.may_answer.release()
    assert numbers([await rounds.asked()]) == [3]
    rounds.close()


async def test_one_that_leaves_takes_nobodys_answer() -> None:
    backend = Backend()
    rounds = Rounds(backend)
    waits = asyncio.ensure_future(asyncio.wait_for(asyncio.shield(rounds.asked()), 60))
    await backend.until_asked()
    other = rounds.asked()
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits
    backend.may_answer.release(2)
    assert numbers([await other]) == [2]
    rounds.close()


async def test_a_question_that_fails_has_no_answer() -> None:
    def ask() -> End | None:
        raise ConnectionError

    rounds = Rounds(ask)
    assert await rounds.asked() is None
    assert await rounds.asked() is None
    rounds.close()


async def test_when_it_is_closed_nothing_is_known() -> None:
    rounds = Rounds(lambda: End("uuid", Position("binlog.000001", 4)))
    assert await rounds.asked() is not None
    rounds.close()
    assert await rounds.asked() is None
