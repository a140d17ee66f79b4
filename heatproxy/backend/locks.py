"""User-level locks that heatproxy holds while clients' sessions wait for them.

They have connections of their own, a few for all sessions: a slow query of the service
account must not delay the end of anybody's wait.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from heatproxy.backend.account import Address, ServiceAccount

CONNECTIONS = 2
_NUMBERS = count(1)


class Locks:
    """A small pool of connections, each with a thread of its own."""

    def __init__(self, address: Address, connections: int = CONNECTIONS) -> None:
        self._holders = [_Holder(address) for _ in range(connections)]

    async def warm_up(self) -> None:
        """Connect, so that no statement waits for that."""
        await asyncio.gather(*(one.query("SELECT 1") for one in self._holders))

    def of_statement(self, thread_id: int) -> "StatementLocks":
        """The locks that one statement of a session waits for, one after the other."""
        holder = min(self._holders, key=lambda one: one.under_way)
        return StatementLocks(holder, f"heatproxy.{thread_id}.{next(_NUMBERS)}")

    def close(self) -> None:
        for holder in self._holders:
            holder.close()


class StatementLocks:
    """At most one lock is held at a time; each wait has a lock of a new name."""

    def __init__(self, holder: "_Holder", prefix: str) -> None:
        self._holder, self._prefix, self._number = holder, prefix, 0
        self._held = False

    @property
    def name(self) -> str:
        """The lock to wait for."""
        return f"{self._prefix}.{self._number}"

    async def take(self) -> None:
        """Hold the lock.

        Raises:
            pymysql.MySQLError: the backend refused it or cannot be reached.
        """
        if not self._held:
            await self._holder.query(f"SELECT GET_LOCK('{self.name}', 0)")
            self._held = True

    async def next(self) -> None:
        """Let it go, which ends the wait, and hold the next one at once.

        Raises:
            pymysql.MySQLError: the backend cannot be reached; no lock is held then.
        """
        old, self._number, self._held = self.name, self._number + 1, False
        await self._holder.query(
            f"SELECT RELEASE_LOCK('{old}'), GET_LOCK('{self.name}', 0)"
        )
        self._held = True

    def lost(self) -> None:
        """The wait ended though nobody let go: the connection broke."""
        self._number, self._held = self._number + 1, False

    def let_go(self) -> None:
        """Hold none any more, soon."""
        if self._held:
            self._held = False
            self._holder.soon(f"SELECT RELEASE_LOCK('{self.name}')")


class _Holder:
    """One connection, opened again when it breaks; its locks are gone then."""

    def __init__(self, address: Address) -> None:
        self._account = ServiceAccount(address)
        self._thread = ThreadPoolExecutor(1, "heatproxy-locks")
        self.under_way = 0

    async def query(self, sql: str) -> None:
        self.under_way += 1
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, self._account.query, sql)
        finally:
            self.under_way -= 1

    def soon(self, sql: str) -> None:
        self._thread.submit(self._account.query, sql)

    def close(self) -> None:
        self._thread.shutdown()
        self._account.close()
