"""A translated SELECT in the engine: when it is fresh, in its turn, held until it ends.

Nothing is sent before the engine has answered whole, so that whatever goes wrong on
the rows leaves the statement to MySQL. Rows that memory is too small for wait in a
file. What MySQL could not answer in any case is sent as it comes, once there is much.
"""

import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

import pyarrow as pa

from heatproxy.engine import Query, Trap
from heatproxy.errors import MySQLError, ProtocolError
from heatproxy.house import House
from heatproxy.rapid.decision import Cause, Refusal
from heatproxy.rapid.freshness import End, Freshness
from heatproxy.session import Cancel, Session
from heatproxy.statements.fitting import fit, schema_of
from heatproxy.statements.offload import Trial
from heatproxy.wire.columns import ColumnDefinition

log = logging.getLogger(__name__)

# ER_QUERY_INTERRUPTED, ER_QUERY_TIMEOUT: it is this statement that has been ended.
HOLD_BYTES = 64 << 20  # of rows in memory; those behind them are in a file
WRITES = (
    "SELECT 1 FROM performance_schema.data_locks JOIN performance_schema.threads"
    " USING (THREAD_ID) WHERE PROCESSLIST_ID = {} LIMIT 1"
)


class Changed(Exception):
    """A table is not what it was when the statement was translated."""


class TooLarge(Exception):
    """An answer is over the limit, or over what the disk has room for."""


@dataclass(slots=True)
class Rows:
    """All rows of an answer, in the Arrow types of its columns."""

    columns: Sequence[ColumnDefinition]
    held: list[pa.RecordBatch] = field(default_factory=list)
    spilled: IO[bytes] | None = None
    query: Query | None = None  # that the rest is still to come from

    @property
    def blocks(self) -> bool:
        """Whether some are not in memory."""
        return self.spilled is not None or self.query is not None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """They, once; blocks."""
        yield from self.held
        self.held.clear()
        if self.spilled is not None:
            self.spilled.seek(0)
            with pa.ipc.open_stream(self.spilled) as reader:
                yield from reader
        if self.query is not None:
            schema = schema_of(self.columns)
            for batch in self.query.reader:
                yield fit(batch, self.columns, schema)
        self.close()

    def cancel(self) -> None:
        """Whoever waits for the next ones does not any more."""
        if self.query is not None:
            self.query.cancel()

    def close(self) -> None:
        """Give back what the rest takes."""
        if self.spilled is not None:
            self.spilled.close()
            self.spilled = None
        if self.query is not None:
            self.query.cancel()
            self.query.close()
            self.query = None


class _File:
    """Batches on disk, up to so many bytes; the file is gone with the process."""

    def __init__(self, folder: Path, schema: pa.Schema, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self.file = _file(folder)
        self._writer = pa.ipc.new_stream(self.file, schema)

    def add(self, batch: pa.RecordBatch) -> None:
        """One more.

        Raises:
            TooLarge: there is no room for it.
        """
        self._size += batch.nbytes
        if self._size > self._limit:
            raise TooLarge("its answer is larger than rapid.answer_limit")
        try:
            self._writer.write_batch(batch)
        except OSError as problem:
            raise TooLarge(f"no room for its answer: {problem.strerror}") from None

    def done(self) -> IO[bytes]:
        """The whole of it."""
        self._writer.close()
        return self.file


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
    async with session.backend.claimed():  # a wait under way says from now on what for
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
            if made.must or problem.is_kill:
                raise
            raise made.declined(Refusal(Cause.ENGINE, problem.message)) from None
        except Trap as trap:
            if session.house.translator.widened(translation, str(trap)):
                raise Changed from None
            raise made.declined(Refusal(Cause.TRAP, str(trap))) from None
        except TooLarge as problem:
            raise made.declined(Refusal(Cause.ENGINE, str(problem))) from None
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
    """Wait until the engine has all that the backend had when the statement came.

    MySQL was asked when the statement came, so the answer is there by now.

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
    asked = freshness.asked() if made.end is None else made.end
    end = await session.watch.step(asyncio.shield(asked))
    is_fresh = end is not None and freshness.has(end)
    if end is not None and not is_fresh:
        wait_s = house.config.rapid.freshness_wait_s
        is_fresh = await session.off_loop(partial(_comes, freshness, end, wait_s))
    made.waited_s = time.perf_counter() - began
    if not is_fresh:
        follower = house.rapid.follower
        why = None if follower is None else follower.problem
        words = why or "changes of the backend have not been applied yet"
        raise made.declined(Refusal(Cause.BEHIND, words))


def _comes(freshness: Freshness, end: End, wait_s: float, cancel: Cancel) -> bool:
    return freshness.comes(end, wait_s, cancel.interrupts)


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
    is_kept = False
    try:
        rows = _held(house, made, query)
        is_kept = rows.query is not None
    finally:
        if not is_kept:
            query.close()
    return rows


def _held(house: House, made: Trial, query: Query) -> Rows:
    """The rows of a query, or the first of many that MySQL could not give at all.

    Raises:
        Changed: the query may be of tables that have been replaced.
        TooLarge: there is no room for them.
    """
    translation, translator = made.translation, house.translator
    assert translation is not None
    columns, schema = made.columns, schema_of(made.columns)
    rows, size = Rows(columns), 0
    file: _File | None = None
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
                if made.must and size > HOLD_BYTES:
                    rows.query = query
                    return rows
                continue
            if file is None:
                config = house.config
                file = _File(config.data_dir, schema, config.rapid.answer_limit - size)
                rows.spilled = file.file
            file.add(fitted)
        if is_first and not translator.is_current(translation):
            raise Changed
        if file is not None:
            file.done()
    except BaseException:
        rows.close()
        raise
    return rows


def _file(folder: Path) -> IO[bytes]:
    return tempfile.TemporaryFile(dir=folder)


async def in_turn(session: Session, rows: Rows) -> AsyncGenerator[pa.RecordBatch]:
    """The batches of the rows, those that are not in memory read off the loop."""
    batches = rows.batches()
    try:
        if not rows.blocks:
            for batch in batches:
                yield batch
            return
        while (batch := await _following(session, rows, batches)) is not None:
            yield batch
    finally:
        rows.close()


async def _following(
    session: Session, rows: Rows, batches: Iterator[pa.RecordBatch]
) -> pa.RecordBatch | None:
    read = partial(_next, rows, batches)
    if rows.query is None:
        return await session.off_loop(read)
    async with session.house.turns:  # for one batch: a slow reader keeps nobody waiting
        return await session.off_loop(read)


def _next(
    rows: Rows, batches: Iterator[pa.RecordBatch], cancel: Cancel
) -> pa.RecordBatch | None:
    cancel.interrupts(rows.cancel)
    return next(batches, None)
