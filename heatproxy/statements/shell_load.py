"""SECONDARY_LOAD and SECONDARY_UNLOAD of Lakehouse tables.

Source: HeatWave User Guide, "Load Structured Data Manually".
"""

from collections.abc import Sequence

from heatproxy.aftermath import Aftermath, Condition
from heatproxy.backend.shells import Shell
from heatproxy.datatypes import quote_text
from heatproxy.errors import MySQLError
from heatproxy.lakehouse.reader import Reading
from heatproxy.routines.filling import (
    describe,
    in_turn,
    require_alter,
    unfilled,
    validated,
)
from heatproxy.routines.guided import load_guided
from heatproxy.routines.load_warnings import OLD_PROFILE, summaries
from heatproxy.session import Session
from heatproxy.sql.lexer import split_at_commas, tokens
from heatproxy.statements.secondary import WHOLE, Form

_NOT_PARTITIONED, _NO_SUCH_PARTITION = 1505, 1735
_PLUGIN = 3877  # what RAPID itself says, as a note too


async def load(session: Session, shell: Shell, form: Form) -> None:
    """Read the files of a table into the engine, or see whether they can be."""
    session.watch.doing = "loading"
    notes = await _partitions_noted(session, shell, form)
    async with in_turn(session, shell) as current:
        if form.validates:
            await require_alter(session, current)
            described = await describe(session, current)
            reading = await validated(session, current, described, rows=form.rows)
        else:
            profile = session.house.config.lakehouse.profile
            widens = form.guided and profile != OLD_PROFILE
            guided = await load_guided(session, current, widens=widens)
            reading = guided.reading
            notes += [change.text for change in guided.changes]
    await answer(session, reading, notes)


async def unload(session: Session, shell: Shell, form: Form) -> None:
    """Forget what the engine holds of a table; of some of its partitions nothing."""
    notes = await _partitions_noted(session, shell, form)
    if not notes:
        async with in_turn(session, shell) as current:
            await unfilled(session, current)
    await answer(session, notes=notes)


async def answer(
    session: Session, reading: Reading | None = None, notes: Sequence[str] = ()
) -> None:
    """OK, with what there is to say of the values read, and of the table."""
    await session.backend.query("DO 0")  # takes away what MySQL says of the shell
    conditions = [Condition("Note", _PLUGIN, note) for note in notes]
    if reading is not None and reading.warning_count:
        conditions += [
            Condition("Warning", one.number, one.message) for one in reading.warnings
        ]
        profile = session.house.config.lakehouse.profile
        conditions += summaries(reading.counts, len(reading.warnings), profile)
    session.answer.warnings = len(conditions)
    await session.answer.ok()
    session.aftermath = Aftermath(conditions=conditions) if conditions else None


async def _partitions_noted(session: Session, shell: Shell, form: Form) -> list[str]:
    """What is to be said where a statement names partitions.

    Raises:
        MySQLError: 1505, the table has none; 1735, not one by that name.
    """
    if not form.partitions:
        return []
    found = await session.backend.query(
        "SELECT LOWER(PARTITION_NAME) FROM information_schema.PARTITIONS WHERE"
        f" TABLE_SCHEMA = {quote_text(shell.schema)}"
        f" AND TABLE_NAME = {quote_text(shell.table)} AND PARTITION_NAME IS NOT NULL"
    )
    known = {name for (name,) in found.texts()}
    if not known:
        text = "Partition management on a not partitioned table is not possible"
        raise MySQLError(_NOT_PARTITIONED, "HY000", text)
    escapes = session.backslash_escapes
    inside = tokens(form.partitions, backslash_escapes=escapes)[2:-1]
    for listed in split_at_commas(inside):
        name = listed[0].name if listed else None
        if name is not None and name.lower() not in (*known, "all"):
            text = f"Unknown partition '{name}' in table '{shell.table}'"
            raise MySQLError(_NO_SUCH_PARTITION, "HY000", text)
    return [WHOLE]
