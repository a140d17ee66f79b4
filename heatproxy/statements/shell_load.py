"""SECONDARY_LOAD and SECONDARY_UNLOAD of Lakehouse tables.

Source: HeatWave User Guide, "Load Structured Data Manually".
"""

from dataclasses import replace

from heatproxy.aftermath import Aftermath, Condition
from heatproxy.backend.shells import Shell
from heatproxy.errors import MySQLError
from heatproxy.lakehouse.reader import Reading
from heatproxy.routines.files import summaries
from heatproxy.routines.filling import (
    describe,
    filled,
    in_turn,
    new_name,
    require_alter,
    settled,
    unfilled,
    validated,
)
from heatproxy.session import Session, follow_shells
from heatproxy.statements.secondary import Form

_NOT_PARTITIONED = 1505


async def load(session: Session, shell: Shell, form: Form) -> None:
    """Read the files of a table into the engine, or see whether they can be."""
    _require_whole(form)
    session.watch.doing = "loading"
    async with in_turn(session, shell) as current:
        reading = await _loaded(session, current, form)
    await answer(session, reading)


async def _loaded(session: Session, shell: Shell, form: Form) -> Reading:
    await require_alter(session, shell)
    described = await describe(session, shell)
    if form.validates:
        return await validated(session, shell, described, rows=form.rows)
    fresh = replace(shell, engine_name=new_name())
    reading = await filled(session, fresh, described)
    await settled(session, fresh)
    await follow_shells(session.house)
    return reading


async def unload(session: Session, shell: Shell, form: Form) -> None:
    """Forget what the engine holds of a table."""
    _require_whole(form)
    async with in_turn(session, shell) as current:
        await unfilled(session, current)
    await session.backend.query("DO 0")
    await session.answer.ok()


async def answer(session: Session, reading: Reading | None = None) -> None:
    """OK, with what there is to say of the values read."""
    await session.backend.query("DO 0")  # takes away what MySQL says of the shell
    conditions: list[Condition] = []
    if reading is not None and reading.warning_count:
        conditions = [
            Condition("Warning", one.number, one.message) for one in reading.warnings
        ]
        profile = session.house.config.lakehouse.profile
        conditions += summaries(reading.counts, len(conditions), profile)
    session.answer.warnings = len(conditions)
    await session.answer.ok()
    session.aftermath = Aftermath(conditions=conditions) if conditions else None


def _require_whole(form: Form) -> None:
    if form.partitions:
        text = "Partition management on a not partitioned table is not possible"
        raise MySQLError(_NOT_PARTITIONED, "HY000", text)
