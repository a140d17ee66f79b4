"""The channel between processes: questions have answers, nobody waits for the dead."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from heatproxy.control import Control, NoAnswer


@asynccontextmanager
async def two(**handlers: Any) -> AsyncIterator[tuple[Control, Control, asyncio.Event]]:
    """Both ends of a channel; the second has the handlers."""
    gone = asyncio.Event()
    ends = Control({}, gone.set), Control(handlers, lambda: None)
    loop = asyncio.get_running_loop()
    for control, sock in zip(ends, socket.socketpair(), strict=True):
        await loop.create_unix_connection(lambda made=control: made, sock=sock)
    yield *ends, gone
    for control in ends:
        control.close()
    await gone.wait()


async def test_questions_are_answered_each_with_its_own() -> None:
    async def later(number: int) -> int:
        await asyncio.sleep(0)
        return number

    async with two(double=lambda number: 2 * number, later=later) as (here, _, _):
        asked = [here.ask("later", number=n) for n in range(50)]
        asked += [here.ask("double", number=n) for n in range(50)]
        answers = await asyncio.gather(*asked)
    assert answers == [*range(50), *range(0, 100, 2)]


async def test_news_come_in_their_order() -> None:
    heard: list[int] = []

    def news(number: int) -> None:
        heard.append(number)

    async with two(news=news, said=lambda: heard) as (here, _, _):
        for number in range(100):
            here.tell("news", number=number)
        assert await here.ask("said") == list(range(100))


async def test_a_question_that_fails_has_no_answer() -> None:
    def fail() -> None:
        raise ValueError

    async with two(fail=fail, well=lambda: "yes") as (here, _, _):
        with pytest.raises(NoAnswer):
            await here.ask("fail")
        with pytest.raises(NoAnswer):
            await here.ask("unheard_of")
        assert await here.ask("well") == "yes"


async def test_who_waits_is_told_when_the_other_end_goes() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    async with two(never=never) as (here, there, gone):
        waiting = asyncio.ensure_future(here.ask("never"))
        await asyncio.sleep(0)
        there.close()
        with pytest.raises(NoAnswer):
            await waiting
        assert gone.is_set()
        with pytest.raises(NoAnswer):
            await here.ask("never")
        here.tell("never")  # which nobody minds
