"""A translated SELECT in the engine: when it is fresh, in its turn, held until it ends.

Nothing is sent before the engine has answered whole, so that whatever goes wrong on
the rows leaves the statement to MySQL. Rows that memory is too small for wait in a
file.
"""

import logging
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

import pyarrow as pa

from heatproxy.engine import Trap
from heatproxy.errors import MySQLError, ProtocolError
from heatproxy.rapid.decision import Cause, Refusal
from heatproxy.session import Cancel, House, Session
from heatproxy.statements.fitting import fit, schema_of
from heatproxy.statements.offload import Trial

log = logging.getLogger(__name__)

# ER_QUERY_INTERRUPTED, ER_QUERY_TIMEOUT: it is this statement that has been ended.
KILLED = (1317, 3024)
HOLD_BYTES = 64 << 20  # of rows in memory; those behind them are in a file
WRITES = (
    "SELECT 1 FROM performance_schema.data_locks JOIN performance_schema.threads"
    " USING (THREAD_ID) WHERE PROCESSLIST_ID = {} LIMIT 1"
)


class Changed(Exception):
    """A table is not what it was when the statement was translated."""


@dataclass(slots=True)
class Rows:
    """All rows of an answer, in the Arrow types of its columns."""

    held: list[pa.RecordBatch] = field(default_factory=list)
    spilled: IO[bytes] | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """They, once; blocks."""
        yield from self.held
        self.held.clear()
        if self.spilled is not None:
            self.spilled.seek(0)
            with pa.ipc.open_stream(self.spilled) as reader:
                yield from reader
            self.close()

    def close(self) -> None:
        """Give back what the file takes."""
        if self.spilled is not None:
            self.spilled.close()
            self.spilled = None


async def run(made: Trial) -> Rows:
    """The statement's rows.

    Raises:
        Changed: it is to be translated anew.
        Declined: MySQL is to answer it.
        MySQLError: 1317 or 3024, it was killed; as Trial.declined.
    """
    session, translation = made.session, made.translation
    assert translation is not None
    reads_rapid = bool(translation.loaded)
    session.watch.doing = "querying in RAPID" if reads_rapid else "querying"
    if reads_rapid:
        await _await_changes(made)
    async with session.house.turns:
        began = time.perf_counter()
        try:
            work = partial(_all_rows, session.house, made)
            rows = await session.off_loop(work)
        except (ProtocolError, Changed):
            raise
        except MySQLError as problem:
            if made.must or problem.number in KILLED:
                raise
            raise made.declined(Refusal(Cause.ENGINE, problem.message)) from None
        except Trap as trap:
            raise made.declined(Refusal(Cause.TRAP, str(trap))) from None
        except Exception as problem:
            if made.must:
                raise
            log.warning("the engine failed", exc_info=problem)
            words = f"the engine failed with {type(problem).__name__}"
            raise made.declined(Refusal(Cause.ENGINE, words)) from None
        made.ran_s = time.perf_counter() - began
    made.rows = sum(batch.num_rows for batch in rows.held)
    return rows


async def _await_changes(made: Trial) -> None:
    """Wait until the engine has all that the backend had committed by now.

    Raises:
        Declined: it takes too long, or will never be.
    """
    session = made.session
    house = session.house
    began = time.perf_counter()
    if made.is_open and await session.off_loop(partial(_has_written, made)):
        words = "The transaction may have written or locked rows"
        raise made.declined(Refusal(Cause.TRANSACTION, words))
    freshness = house.rapid.freshness
    if freshness is None:
        raise made.declined(Refusal(Cause.BEHIND, "changes are not propagated"))
    wait_s = house.config.rapid.freshness_wait_s

    def reached(cancel: Cancel) -> bool:
        return freshness.reached(wait_s, cancel.interrupts)

    is_fresh = await session.off_loop(reached)
    made.waited_s = time.perf_counter() - began
    if not is_fresh:
        follower = house.rapid.follower
        why = None if follower is None else follower.problem
        words = why or "changes of the backend have not been applied yet"
        raise made.declined(Refusal(Cause.BEHIND, words))


def _has_written(made: Trial, cancel: Cancel) -> bool:
    """Whether the open transaction has locks, as all have that have written."""
    thread_id = made.session.watch.thread_id
    return bool(made.session.house.account.query(WRITES.format(thread_id)))


def _all_rows(house: House, made: Trial, cancel: Cancel) -> Rows:
    translation = made.translation
    assert translation is not None
    translator = house.translator
    if not translator.is_current(translation):
        raise Changed
    rows, size = Rows(), 0
    sql = translation.translated.sql
    try:
        query = house.engine.run(sql, listen=cancel.interrupts)
    except (MySQLError, Trap):
        raise
    except Exception:
        # a table that was replaced meanwhile is no failure of the engine's
        if not translator.is_current(translation):
            raise Changed from None
        raise
    columns, schema = made.columns, schema_of(made.columns)
    writer: pa.RecordBatchStreamWriter | None = None
    try:
        is_first = True
        for batch in query.reader:
            if is_first and not translator.is_current(translation):
                raise Changed
            is_first = False
            fitted = fit(batch, columns, schema)
            if size <= HOLD_BYTES:
                rows.held.append(fitted)
                size += fitted.nbytes
                continue
            if writer is None:
                rows.spilled = _file(house.config.data_dir)
                writer = pa.ipc.new_stream(rows.spilled, schema)
            writer.write_batch(fitted)
        if is_first and not translator.is_current(translation):
            raise Changed
        if writer is not None:
            writer.close()
    except BaseException:
        rows.close()
        raise
    finally:
        query.close()
    return rows


def _file(folder: Path) -> IO[bytes]:
    """A file that is gone with the process, whatever becomes of it."""
    return tempfile.TemporaryFile(dir=folder)


async def in_turn(session: Session, rows: Rows) -> AsyncIterator[pa.RecordBatch]:
    """The batches of the rows, those from a file read off the loop."""
    batches = rows.batches()
    try:
        if rows.spilled is None:
            for batch in batches:
                yield batch
            return
        while (batch := await session.off_loop(partial(_next, batches))) is not None:
            yield batch
    finally:
        with suppress(ValueError):  # it is just being read by a thread
            rows.close()


def _next(batches: Iterator[pa.RecordBatch], cancel: Cancel) -> pa.RecordBatch | None:
    return next(batches, None)
