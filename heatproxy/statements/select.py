"""SELECT on tables that the engine holds: its rows under MySQL's column definitions.

MySQL prepares the statement on the caller's session: that checks names and grants and
gives the exact metadata. The translated query runs in the engine. What has no rule for
being exactly MySQL's answer is MySQL's, or, of a Lakehouse table, refused by name.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from pymysql.constants import FIELD_TYPE

from heatproxy.aftermath import Condition, of_rows
from heatproxy.errors import not_supported
from heatproxy.rapid.decision import Cause, Refusal
from heatproxy.session import Session
from heatproxy.statements import Text, Work
from heatproxy.statements.offload import (
    TRIES,
    Trial,
    may_read,
    names_shell,
    trial,
)
from heatproxy.statements.running import Changed, Rows, in_turn, run
from heatproxy.statements.shadowed import answer_shadowed, is_shadowed
from heatproxy.wire.columns import (
    BINARY_CHARSET,
    ColumnDefinition,
    is_text,
    result_type,
)


async def handle(session: Session, statement: Text) -> Work | None:
    """Take a SELECT of tables that the engine holds."""
    first = statement.tokens[0]
    begins = first.is_word(b"SELECT", b"WITH", b"TABLE") or first.is_symbol(b"(")
    if not begins or not may_read(session, statement):
        return None
    optional = not names_shell(session, statement)
    work = partial(_answer, session, statement)
    return Work(work, kind="rapid" if optional else "", optional=optional)


async def _answer(session: Session, statement: Text) -> None:
    selected = await select_rows(session, statement)
    made = selected.made
    if not made.must and is_shadowed(session.house.config):
        await answer_shadowed(made, selected.columns, await selected.all_rows())
        return
    results = made.settings["character_set_results"]
    if any(column.type == FIELD_TYPE.JSON for column in selected.columns):
        charset = results or None
    else:
        charset = "utf8mb4"
    session.answer.warnings = len(selected.conditions)
    made.rows = await session.answer.rows(
        selected.columns, selected.batches(), results=charset
    )
    made.note()
    session.aftermath = of_rows(made.rows, selected.conditions)


@dataclass(frozen=True, slots=True)
class Selected:
    """A SELECT that the engine has answered: MySQL's columns, and the rows."""

    made: Trial
    rows: Rows

    @property
    def columns(self) -> Sequence[ColumnDefinition]:
        return self.made.columns

    @property
    def conditions(self) -> Sequence[Condition]:
        """What MySQL warned of."""
        return self.made.conditions

    async def batches(self) -> AsyncIterator[pa.RecordBatch]:
        """The rows, in the Arrow types of ``columns``."""
        async for batch in in_turn(self.made.session, self.rows):
            yield self._fit(batch)

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
    """Run a SELECT in the engine.

    Raises:
        Declined: it is MySQL's to answer.
        MySQLError: MySQL's own; 3877, a table that has not been loaded; 1235, what
            has no rule, by its name, where a Lakehouse table is read.
    """
    for _ in range(TRIES):
        made = await trial(session, statement)
        try:
            return Selected(made, await run(made))
        except Changed:
            continue
    raise made.declined(Refusal(Cause.STALE, "its tables are changing all the time"))


def _require_known_bytes(column: pa.Array, definition: ColumnDefinition) -> None:
    """Refuse text that goes out unconverted from a character set nobody has told us."""
    if definition.charset != BINARY_CHARSET or not is_text(definition):
        return
    if pc.all(pc.string_is_ascii(column)).as_py() is False:
        raise not_supported("a character_set_results of binary for more than ASCII")
