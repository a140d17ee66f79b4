"""Answers of the engine that MySQL is asked to give too, and how they compare.

MySQL's rows come from a snapshot of the client's own session at the very position of
the binary log that the engine's are of; where that has moved on meanwhile nothing is
compared. The client gets MySQL's.
"""

import asyncio
import logging
from collections.abc import Sequence

import pyarrow as pa
import pymysql

from heatproxy.aftermath import of_rows
from heatproxy.answer import in_packets
from heatproxy.backend.replies import Result
from heatproxy.datatypes import quote_text
from heatproxy.errors import MySQLError
from heatproxy.house import House
from heatproxy.rapid.shadow import Verdict, compare
from heatproxy.sql import hints
from heatproxy.sql.lexer import find_word
from heatproxy.statements.offload import Trial
from heatproxy.statements.primary import in_primary
from heatproxy.wire.encode import RowEncoder
from heatproxy.wire.packets import PacketReader

log = logging.getLogger(__name__)

NO_STATEMENT = 1064
SNAPSHOT = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"


async def position(house: House) -> tuple[object, ...] | None:
    """Where the backend's binary log ends; None where there is none."""

    def ask() -> tuple[object, ...] | None:
        for statement in ("SHOW BINARY LOG STATUS", "SHOW MASTER STATUS"):
            try:
                rows = house.account.query(statement)
            except pymysql.MySQLError as problem:
                if problem.args[0] != NO_STATEMENT:
                    return None
            else:
                return tuple(rows[0][:2]) if rows else None
        return None

    return await asyncio.to_thread(ask)


async def answer_shadowed(
    made: Trial, ours: pa.Table, before: tuple[object, ...] | None
) -> None:
    """Give the client MySQL's answer, and note how the engine's compares.

    ``before`` is where the binary log ended before the engine was asked.
    """
    session = made.session
    ledger = session.house.ledger
    theirs, is_same_moment = await _mysqls(made, before)
    if is_same_moment:
        mine = await asyncio.to_thread(_packets, made, ours)
        verdict = _verdict(made, mine, theirs)
        if verdict is Verdict.DIFFERENT:
            # a transaction is in the log a moment before InnoDB shows it
            again, is_same_moment = await _mysqls(made, before)
            verdict = _verdict(made, mine, again)
            theirs = again
        if is_same_moment:
            ledger.count("rapid_shadow:compared")
            if verdict is Verdict.DIFFERENT:
                ledger.count("rapid_shadow:different")
                await _log_difference(made, len(mine), len(theirs.rows))
            elif verdict is Verdict.UNDETERMINED:
                ledger.count("rapid_shadow:undetermined")
    session.answer.warnings = theirs.warnings
    await session.answer.packed_rows(theirs.columns, theirs.rows)
    made.rows = len(theirs.rows)
    made.note()
    session.aftermath = of_rows(made.rows, made.conditions)


async def _mysqls(
    made: Trial, before: tuple[object, ...] | None
) -> tuple[Result, bool]:
    """MySQL's answer, and whether it is of the same moment as the engine's."""
    session = made.session
    backend = session.backend
    own = hints.in_primary(
        made.statement.own, backslash_escapes=session.backslash_escapes
    )
    async with in_primary(session, made.settings.engine):
        await backend.query(SNAPSHOT)
        try:
            after = await position(session.house)
            found = await backend.packed(own, binary=session.answer.binary)
        finally:
            await backend.query("COMMIT")
    return found, before is not None and before == after


def _packets(made: Trial, table: pa.Table) -> list[bytes]:
    """The engine's rows as they would have been sent."""
    results = made.settings["character_set_results"] or None
    encoder = RowEncoder(made.columns, made.session.answer.binary, results)
    reader, number = PacketReader(), 0
    packets: list[bytes] = []
    for batch in table.to_batches():
        data, number = encoder.encode(batch, number)
        packets += reader.feed(bytes(data))
    return packets


def _verdict(made: Trial, mine: Sequence[bytes], theirs: Result) -> Verdict:
    words = made.statement.tokens
    return compare(
        mine,
        in_packets(theirs.rows, binary=made.session.answer.binary),
        is_limited=find_word(words, b"LIMIT") is not None,
        is_grouped=any(word.is_word(b"GROUP", b"DISTINCT") for word in words),
    )


async def _log_difference(made: Trial, ours: int, theirs: int) -> None:
    """Say which statement it was, without a literal of it."""
    text = made.statement.own.decode("utf-8", "replace")
    asked = f"SELECT STATEMENT_DIGEST_TEXT({quote_text(text)})"
    try:  # on the client's session: names without a schema must be of one
        digest = str(await made.session.backend.scalar(asked))
    except MySQLError:
        digest = "a statement that has no digest"
    facts = {"digest": digest, "rows": ours, "mysql_rows": theirs}
    log.error("RAPID and MySQL differ", extra={"facts": facts})
