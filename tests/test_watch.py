"""When the watch over a statement may use the client's connection, and when not."""

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest

from heatproxy import watch
from heatproxy.backend.connection import BackendConnection
from heatproxy.errors import MySQLError
from heatproxy.watch import Watch, Watches

REFUSED = MySQLError(1050, "42S01", "Table 'v' already exists")


class Locks:
    """Locks that are always free."""

    name = "lock"

    def __init__(self) -> None:
        self.next_ones = asyncio.Event()

    async def take(self) -> None:
        self.next_ones.clear()

    async def next(self) -> None:
        self.next_ones.set()

    def lost(self) -> None:
        pass

    def let_go(self) -> None:
        pass


class Waiting(BackendConnection):
    """A connection of which is known only when the watch waits on it."""

    def __init__(self, locks: Locks) -> None:
        super().__init__(cast(Any, None), 0, 0)
        self._locks = locks
        self.waits = asyncio.Semaphore(0)

    async def unwatched(self, text: bytes) -> Any:
        self.waits.release()
        await self._locks.next_ones.wait()
        return SimpleNamespace(texts=lambda: [(None, None, "0")])


def statement(locks: Locks) -> tuple[Watch, Waiting]:
    connection = Waiting(locks)
    of = SimpleNamespace(of_statement=lambda _: locks)
    return Watches(cast(Any, of)).of(7, connection, b"SELECT 1"), connection


async def test_it_waits_again_behind_a_command_of_ours() -> None:
    over, connection = statement(Locks())

    async def work() -> None:
        await connection.waits.acquire()
        async with connection.claimed():
            pass
        await connection.waits.acquire()

    await asyncio.wait_for(over.over(work()), 20)


async def test_nothing_is_sent_behind_what_the_client_may_ask_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "RESUME_AFTER_S", 0)
    over, connection = statement(Locks())

    async def work() -> bool:
        await connection.waits.acquire()
        async with connection.claimed(last=True):
            pass
        for _ in range(100):
            await asyncio.sleep(0)
        silent = connection.waits.locked()
        async with connection.claimed():  # the next statement of the same packet
            pass
        await connection.waits.acquire()
        return silent

    assert await asyncio.wait_for(over.over(work()), 20)


async def test_a_refusal_is_forgotten_by_a_session_that_waits_again() -> None:
    over, connection = statement(Locks())

    async def work() -> list[MySQLError | None]:
        await connection.waits.acquire()
        with suppress(MySQLError):
            async with connection.claimed():
                raise REFUSED
        before = connection.refused
        await connection.waits.acquire()
        return [before, connection.refused]

    assert await asyncio.wait_for(over.over(work()), 20) == [REFUSED, None]
