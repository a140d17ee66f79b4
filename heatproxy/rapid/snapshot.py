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
LOCK_ATTEMPTS = 3
LOCK_ATTEMPTS_WITHOUT_KEY = 300  # a minute: there is no other way for these
BARRIER = "FLUSH OPTIMIZER_COSTS"  # logged, and else without effect on anybody
INTERRUPTED, DENIED = 1317, (1044, 1142, 1227)
BEGIN = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Connections that see the table, which no DDL changes until they are closed.

    All that was committed up to ``since`` is seen and, if ``exact``, nothing else;
    otherwise nothing from behind ``until``. ``control`` sees the present.
    """

    control: BulkReader
    readers: Sequence[BulkReader]
    since: Position
    until: Position
    exact: bool


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

        control = reader()
        readers = [reader() for _ in range(connections)]
        taken = None
        for attempt in range(
            LOCK_ATTEMPTS if may_repeat else LOCK_ATTEMPTS_WITHOUT_KEY
        ):
            if attempt:
                time.sleep(LOCK_PAUSE_S)
            try:
                taken = _under_lock(control, readers, table)
            except MySQLError as refused:
                if refused.number not in DENIED:
                    raise
                break
            if taken is not None:
                break
        if taken is None and may_repeat:
            taken = _behind_barrier(control, readers, table)
        if taken is None:
            raise secondary_engine(
                f"No moment without open changes of {table} was found, which has no"
                " primary key: a transaction has been writing to it for too long, or"
                " heatproxy's account may not lock tables"
            )
        yield taken


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


def _under_lock(
    control: BulkReader, readers: Sequence[BulkReader], table: str
) -> Snapshot | None:
    """The snapshots while nobody writes; None when somebody does for too long."""
    killer = threading.Timer(LOCK_WAIT_S, _kill, [readers[0], control.thread_id])
    killer.start()
    try:
        control.query(f"LOCK TABLES {table} READ")
    except MySQLError as problem:
        if problem.number != INTERRUPTED or control.aborted:
            raise
        return None
    finally:
        killer.cancel()
        killer.join()  # it has the reader until then
    try:
        since = position(control)
        _begin(readers, table)
    finally:
        control.query("UNLOCK TABLES")
    return Snapshot(control, readers, since, since, exact=True)


def _kill(reader: BulkReader, thread_id: int) -> None:
    with contextlib.suppress(MySQLError, ProtocolError):  # it has ended, or we have
        reader.query(f"KILL QUERY {thread_id}")


def _behind_barrier(
    control: BulkReader, readers: Sequence[BulkReader], table: str
) -> Snapshot:
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
    _begin(readers, table)
    return Snapshot(control, readers, since, position(control), exact=False)


def _begin(readers: Sequence[BulkReader], table: str) -> None:
    """Snapshots, and the metadata locks that keep DDL away from them."""
    for reader in readers:
        reader.query(BEGIN)
        reader.query(f"SELECT 1 FROM {table} LIMIT 0")
