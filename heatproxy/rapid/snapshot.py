"""One moment of a table, seen by several connections, and its place in the binary log.

MySQL writes a transaction to its binary log before InnoDB shows it to others: a
position noted before a snapshot may belong to a transaction that the snapshot lacks.
Two ways are safe:

- under LOCK TABLES ... READ there is no transaction between the two. The lock is held
  for about a millisecond, but who waits for it makes later writers wait: so it is asked
  for LOCK_WAIT_S at a time, and behind a long transaction it is done without;
- a statement of our own that the binary log gets behind the noted position: commits
  keep the log's order, so when it has ended, all up to the position are visible. What
  came between the position and the snapshots may then be in the rows or not, and is
  applied again: that needs a primary key.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from heatproxy.backend.account import Address
from heatproxy.backend.bulk import BulkReader
from heatproxy.errors import MySQLError, ProtocolError, secondary_engine
from heatproxy.wire.binlog import Position

LOCK_WAIT_S = 0.02
LOCK_PAUSE_S = 0.2
LOCK_ATTEMPTS = 3  # then it is done without, where that can be
ATTEMPTS = 300  # a minute
BEGIN_WAIT_S = 0.2  # for several statements, of which each takes no time
BARRIER = "FLUSH OPTIMIZER_COSTS"  # logged, and else without effect on anybody
INTERRUPTED, DENIED = 1317, (1044, 1142, 1227)
BEGIN = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Connections that see the table, which no DDL changes until they are closed.

    All that was committed up to ``since`` is seen and, if ``exact``, nothing else;
    otherwise nothing from behind ``until``; these are places in the binlog of
    ``server``. Only ``readers`` may ask about the table:
    any other connection would wait for DDL that waits for them.
    """

    readers: Sequence[BulkReader]
    since: Position
    until: Position
    exact: bool
    server: str


@contextmanager
def snapshot(
    address: Address,
    table: str,
    connections: int,
    *,
    may_repeat: bool,
    opened: Callable[[BulkReader], None],
) -> Iterator[Snapshot]:
    """See a table, given by its quoted name; ``may_repeat`` if it has a primary key.

    ``opened`` is given the connections as they come, for who wants to abort them.

    Raises:
        MySQLError: the backend's own; 3877, there is no way to a known position.
    """
    with ExitStack() as stack:

        def reader() -> BulkReader:
            one = BulkReader(address)
            stack.callback(one.close)
            opened(one)
            return one

        crew = _Crew(table, reader(), reader(), [reader() for _ in range(connections)])
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(LOCK_PAUSE_S)
            taken = crew.try_lock()
            if taken is None and may_repeat and attempt + 1 >= LOCK_ATTEMPTS:
                taken = crew.try_barrier()
            if taken is not None:
                yield taken
                return
        raise secondary_engine(
            f"No moment without open changes of {table} was found: a transaction has"
            " been writing to it for too long, or its definition is being changed; or"
            " heatproxy's account may not lock tables"
        )


def position(reader: BulkReader) -> Position:
    """How far the backend's binary log goes.

    Raises:
        MySQLError: 1227, the account has no REPLICATION CLIENT; 3877, there is no log.
    """
    try:
        rows = reader.query("SHOW BINARY LOG STATUS")
    except MySQLError as refused:
        if refused.number != 1064:
            raise
        rows = reader.query("SHOW MASTER STATUS")  # before 8.2
    if not rows:
        raise secondary_engine("The backend writes no binary log")
    return Position(str(rows[0][0]), int(rows[0][1]))


@dataclass(frozen=True, slots=True)
class _Crew:
    """The connections; ``killer`` ends what the others wait for too long.

    Several connections that hold a table's metadata locks are one to us, but not to
    MySQL: DDL that waits for the first makes the second wait for the DDL. No deadlock
    is seen there, so all of them let go and begin again.
    """

    table: str
    control: BulkReader
    killer: BulkReader
    readers: Sequence[BulkReader]

    def try_lock(self) -> Snapshot | None:
        """The snapshots while nobody writes; None when somebody does for too long."""
        control = self.control
        try:
            with self._at_most(LOCK_WAIT_S, [control]):
                control.query(f"LOCK TABLES {self.table} READ")
        except MySQLError as problem:
            if problem.number not in DENIED:
                self._unless_killed(problem)
            return None
        try:
            since = position(control)
            if not self._begin():
                return None
        finally:
            control.query("UNLOCK TABLES")
        return Snapshot(self.readers, since, since, True, self._server())

    def try_barrier(self) -> Snapshot | None:
        """The snapshots behind a position; None while the table's DDL is under way."""
        control, table = self.control, self.table
        ((ordered,),) = control.query("SELECT @@GLOBAL.binlog_order_commits")
        if not ordered:
            raise secondary_engine(
                f"A transaction has been writing to {table} for too long, and without"
                " binlog_order_commits there is no other way to a known position"
            )
        since = position(control)
        control.query(BARRIER)
        if not since < position(control):
            raise secondary_engine(f"{BARRIER} was not written to the binary log")
        if not self._begin():
            return None
        until = position(control)
        return Snapshot(self.readers, since, until, False, self._server())

    def _server(self) -> str:
        """The UUID of the server that all of them are connected to."""
        ((found,),) = self.control.query("SELECT @@GLOBAL.server_uuid")
        return str(found)

    def _begin(self) -> bool:
        """Snapshots, and the metadata locks that keep DDL away; or none of them."""
        try:
            with self._at_most(BEGIN_WAIT_S, self.readers):
                for reader in self.readers:
                    reader.query(BEGIN)
                    reader.query(f"SELECT 1 FROM {self.table} LIMIT 0")
        except MySQLError as problem:
            self._unless_killed(problem)
            for reader in self.readers:
                reader.query("ROLLBACK")
            return False
        return True

    def _unless_killed(self, problem: MySQLError) -> None:
        """Raise what is not the end of a wait that took too long."""
        if problem.number != INTERRUPTED or self.control.aborted:
            raise problem

    @contextmanager
    def _at_most(self, seconds: float, victims: Sequence[BulkReader]) -> Iterator[None]:
        """What the victims run is ended after that time."""

        def kill() -> None:
            # one that runs nothing takes no notice
            with contextlib.suppress(MySQLError, ProtocolError):
                for victim in victims:
                    self.killer.query(f"KILL QUERY {victim.thread_id}")

        timer = threading.Timer(seconds, kill)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
