"""SELECT on tables that the engine holds: its rows under MySQL's column definitions.

MySQL prepares the statement on the caller's session: that checks names and grants and
gives the exact metadata. The translated query runs in the engine. What has no rule for
being exactly MySQL's answer is MySQL's, or, of a Lakehouse table, refused by name.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
from pymysql.constants import FIELD_TYPE

from heatproxy.aftermath import Condition, of_rows
from heatproxy.rapid.decision import Cause, Refusal
from heatproxy.rapid.shadow import is_chosen
from heatproxy.session import Session
from heatproxy.sql.references import verb
from heatproxy.statements import Text, Work, copied
from heatproxy.statements.fitting import schema_of
from heatproxy.statements.offload import (
    TRIES,
    Trial,
    Unproven,
    may_read,
    names_shell,
    trial,
)
from heatproxy.statements.running import Changed, Rows, in_turn, run
from heatproxy.statements.shadowed import answer_shadowed, position
from heatproxy.wire.columns import ColumnDefinition


async def handle(session: Session, statement: Text) -> Work | None:
    """Take a SELECT of tables that the engine holds."""
    first = statement.tokens[0]
    begins = first.is_word(b"SELECT", b"WITH", b"TABLE") or first.is_symbol(b"(")
    if not begins or not may_read(session, statement):
        return None
    if verb(statement.tokens) in (b"UPDATE", b"DELETE"):  # behind a WITH
        return None
    optional = not names_shell(session, statement)
    work = partial(_answer, session, statement)
    return Work(work, kind="rapid" if optional else "", optional=optional)


async def _answer(session: Session, statement: Text) -> None:
    house = session.house
    is_shadowed = is_chosen(house.config.rapid.shadow)
    before = await position(house) if is_shadowed else None
    try:
        selected = await select_rows(session, statement)
    except Unproven as unproven:
        await copied.answer(session, statement, unproven.refusal)
        return
    made = selected.made
    if is_shadowed and not (made.must or made.is_open):
        await answer_shadowed(made, await selected.all_rows(), before)
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

    def batches(self) -> AsyncGenerator[pa.RecordBatch]:
        """The rows, in the Arrow types of ``columns``."""
        return in_turn(self.made.session, self.rows)

    async def all_rows(self) -> pa.Table:
        """All rows at once, Arrow (n_rows, n_columns)."""
        batches = [batch async for batch in self.batches()]
        return pa.Table.from_batches(batches, schema_of(self.columns))


async def select_rows(
    session: Session, statement: Text, *, to_store: bool = False
) -> Selected:
    """Run a SELECT in the engine; ``to_store``: its rows go into a table.

    Raises:
        Declined: it is MySQL's to answer.
        MySQLError: MySQL's own; 3877, a table that has not been loaded; 1235, what
            has no rule, by its name, where a Lakehouse table is read.
    """
    for _ in range(TRIES):
        made = await trial(session, statement, to_store=to_store)
        try:
            return Selected(made, await run(made))
        except Changed:
            continue
    raise made.declined(Refusal(Cause.STALE, "its tables are changing all the time"))
