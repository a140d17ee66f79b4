"""SELECT on Lakehouse tables: the engine's rows under MySQL's column definitions.

MySQL prepares the statement on the caller's session: that checks names and grants and
gives the exact metadata. The translated query runs in the engine. What has no rule for
being exactly MySQL's answer is refused by name.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from pymysql.constants import FIELD_TYPE

from heatproxy.aftermath import Condition, conditions_of, of_rows
from heatproxy.engine import Query, Trap
from heatproxy.errors import not_supported, secondary_engine
from heatproxy.session import Cancel, Session
from heatproxy.sql.placeholders import filled, placeholders
from heatproxy.sql.translate import (
    EngineColumn,
    EngineTable,
    Forward,
    SessionFacts,
    Translated,
    referenced_tables,
    translate,
)
from heatproxy.statements import Text, Work
from heatproxy.statements.agreement import disagreement
from heatproxy.wire.charsets import UTF8
from heatproxy.wire.columns import (
    BINARY_CHARSET,
    ColumnDefinition,
    is_text,
    result_type,
)

# Until so much has arrived nothing is sent, so that a query that fails on its rows is
# an error and not half a result.
HOLD_BYTES = 64 << 20
NO_LIMIT = "18446744073709551615"
_HINT = re.compile(rb"/\*\+.*?\*/", re.DOTALL)


async def handle(session: Session, statement: Text) -> Work | None:
    """Take a SELECT of Lakehouse tables."""
    if await reads_shells(session, statement):
        return Work(partial(_answer, session, statement))
    return None


async def _answer(session: Session, statement: Text) -> None:
    selected = await select_rows(session, statement)
    results: str | None = UTF8
    if any(column.type == FIELD_TYPE.JSON for column in selected.columns):
        results = await session.backend.scalar("SELECT @@character_set_results")
    session.answer.warnings = len(selected.conditions)
    count = await session.answer.rows(
        selected.columns, selected.batches(), results=results
    )
    session.aftermath = of_rows(count, selected.conditions)


async def reads_shells(session: Session, statement: Text) -> bool:
    """Whether a statement is a SELECT with a Lakehouse table in it."""
    first = statement.tokens[0]
    begins = first.is_word(b"SELECT", b"WITH") or first.is_symbol(b"(")
    shells = session.house.shells
    if not begins or not statement.names & shells.tables:
        return False
    try:
        tables = referenced_tables(_plain(statement))
    except Forward:
        return False  # MySQL decides; the sealed shell refuses
    default = await session.schema()
    found = [await session.find_shell(s or default, name) for s, name in tables]
    return any(found)


def _plain(statement: Text) -> str:
    """The statement without optimizer hints, which change no result.

    One that is only being prepared has stand-ins for its parameters.
    """
    text = statement.own
    marks = placeholders(statement.tokens)
    if marks:
        begin = statement.tokens[0].start
        marks = [replace(mark, start=mark.start - begin) for mark in marks]
        text, _ = filled(text, marks, [b"1"] * len(marks))
    try:
        return _HINT.sub(b" ", text).decode()
    except UnicodeDecodeError:
        raise Forward("a statement that is not UTF-8") from None


@dataclass(frozen=True, slots=True)
class Selected:
    """A SELECT that the engine answers: MySQL's columns, and the rows to come."""

    columns: Sequence[ColumnDefinition]
    session: Session
    query: Query
    held: Sequence[pa.RecordBatch]  # the first rows
    complete: bool
    conditions: Sequence[Condition]  # what MySQL warned of

    async def batches(self) -> AsyncIterator[pa.RecordBatch]:
        """The rows, in the Arrow types of ``columns``."""
        try:
            for batch in self.held:
                yield self._fit(batch)
            while not self.complete:
                batch = await self.session.off_loop(partial(_next, self.query))
                if batch is None:
                    return
                yield self._fit(batch)
        finally:
            self.query.close()

    async def all_rows(self) -> pa.Table:
        """All rows at once, Arrow (n_rows, n_columns)."""
        fields = [(f"c{i}", result_type(c)) for i, c in enumerate(self.columns)]
        schema = pa.schema(fields)
        batches = [batch async for batch in self.batches()]
        return pa.Table.from_batches(
            [b.rename_columns(schema.names) for b in batches], schema
        )

    def _fit(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        arrays = []
        for column, definition in zip(batch.columns, self.columns, strict=True):
            if pa.types.is_string(column.type):
                _require_known_bytes(column, definition)
            arrays.append(column.cast(result_type(definition)))
        names = [f"c{i}" for i in range(len(arrays))]
        return pa.RecordBatch.from_arrays(arrays, names=names)


async def select_rows(session: Session, statement: Text) -> Selected:
    """Run a SELECT of Lakehouse tables in the engine.

    Raises:
        MySQLError: MySQL's own; 3877, a table that has not been loaded; 1235, what
            has no rule, by its name.
    """
    session.watch.doing = "querying"
    columns = await session.backend.prepared_columns(statement.own)
    warned = session.backend.warnings > 0
    conditions = await conditions_of(session.backend) if warned else []
    try:
        translated = await _translated(session, statement)
        problem = disagreement(translated.output, columns)
        if problem is not None:
            raise Forward(problem)
        query, held, complete = await session.off_loop(
            partial(_start, session, translated)
        )
    except (Forward, Trap) as reason:
        raise not_supported(f"{reason}, in a query of Lakehouse tables") from None
    described = statement.described(columns)
    return Selected(described, session, query, held, complete, conditions)


def _start(
    session: Session, translated: Translated, cancel: Cancel
) -> tuple[Query, list[pa.RecordBatch], bool]:
    query = session.house.engine.run(translated.sql, listen=cancel.interrupts)
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in query.reader:
        held.append(batch)
        size += batch.nbytes
        if size > HOLD_BYTES:
            return query, held, False
    return query, held, True


def _next(query: Query, cancel: Cancel) -> pa.RecordBatch | None:
    cancel.interrupts(query.cancel)
    try:
        return query.reader.read_next_batch()
    except StopIteration:
        return None


async def _translated(session: Session, statement: Text) -> Translated:
    facts = (
        await session.backend.query(
            "SELECT @@sql_mode, @@time_zone, @@div_precision_increment,"
            " @@collation_connection, DATABASE(), @@sql_select_limit"
        )
    ).texts()[0]
    sql_mode, time_zone, increment, collation, schema, limit = facts
    if limit != NO_LIMIT:
        raise Forward("sql_select_limit")
    settings = SessionFacts(
        sql_mode or "", time_zone or "", int(increment or 4), collation or ""
    )
    text = _plain(statement)
    known = {
        (s or schema, name): await asyncio.to_thread(_table, session, s or schema, name)
        for s, name in referenced_tables(text)
    }
    collations = {
        column.collation
        for table in known.values()
        if table is not None
        for column in table.columns.values()
        if column.collation
    }
    weights = await asyncio.to_thread(session.house.weights.of, collations)
    return await asyncio.to_thread(
        translate,
        text,
        schema,
        lambda s, name: known.get((s, name)),
        weights,
        settings,
    )


def _table(session: Session, schema: str | None, name: str) -> EngineTable | None:
    """What the translation must know of a Lakehouse table."""
    shell = session.house.shells.find(schema, name)
    if shell is None:
        return None
    try:
        facts = session.house.engine.facts(shell.engine_name)
    except KeyError:
        raise secondary_engine("Table has not been loaded") from None
    collations = session.house.shells.collations(shell)
    columns = {}
    for column in facts.columns:
        text = facts.texts.get(column.name)
        columns[column.name] = EngineColumn(
            column.type,
            column.nullable,
            collations.get(column.name),
            ascii=text is not None and text.ascii,
            clean=text is not None and text.clean,
        )
    return EngineTable(shell.schema, shell.table, shell.engine_name, columns)


def _require_known_bytes(column: pa.Array, definition: ColumnDefinition) -> None:
    """Refuse text that goes out unconverted from a character set nobody has told us."""
    if definition.charset != BINARY_CHARSET or not is_text(definition):
        return
    if pc.all(pc.string_is_ascii(column)).as_py() is False:
        raise not_supported("a character_set_results of binary for more than ASCII")
