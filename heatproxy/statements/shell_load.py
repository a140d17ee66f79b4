"""SECONDARY_LOAD and SECONDARY_UNLOAD of Lakehouse tables.

Source: HeatWave User Guide, "Load Structured Data Manually".
"""

from collections.abc import Sequence

from heatproxy.aftermath import Aftermath, Condition
from heatproxy.backend.shells import Shell
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
from heatproxy.statements.secondary import Form

_NOT_PARTITIONED = 1505
_PLUGIN = 3877  # what RAPID itself says, as a note too


async def load(session: Session, shell: Shell, form: Form) -> None:
    """Read the files of a table into the engine, or see whether they can be."""
    _require_whole(form)
    session.watch.doing = "loading"
    async with in_turn(session, shell) as current:
        if form.validates:
            await require_alter(session, current)
            described = await describe(session, current)
            reading = await validated(session, current, described, rows=form.rows)
            notes = []
        else:
            profile = session.house.config.lakehouse.profile
            widens = form.guided and profile != OLD_PROFILE
            guided = await load_guided(session, current, widens=widens)
            reading, notes = guided.reading, [one.text for one in guided.changes]
    await answer(session, reading, notes)


async def unload(session: Session, shell: Shell, form: Form) -> None:
    """Forget what the engine holds of a table."""
    _require_whole(form)
    async with in_turn(session, shell) as current:
        await unfilled(session, current)
    await session.backend.query("DO 0")
    await session.answer.ok()


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


def _require_whole(form: Form) -> None:
    if form.partitions:
        text = "Partition management on a not partitioned table is not possible"
        raise MySQLError(_NOT_PARTITIONED, "HY000", text)
