"""Guided load of a Lakehouse table: columns that are too narrow are made wider first.

A table is read as it is defined. Only if values do not fit are the files looked at as
for a new table, and what has to be wider for them is altered; that is no more than
looking first would have made of it, and costs nothing where everything fits.

Source: HeatWave User Guide, "Guided Load"; "Lakehouse Auto Schema Inference", of
tables that are there.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from heatproxy.backend.shells import Shell
from heatproxy.datatypes import Column, quote_name
from heatproxy.errors import MySQLError
from heatproxy.house import House, follow_shells
from heatproxy.lakehouse.catalogue import LH, failure
from heatproxy.lakehouse.dialect import BY_ORDER, Dialect
from heatproxy.lakehouse.inference import Inferred
from heatproxy.lakehouse.reader import Reading, infer
from heatproxy.lakehouse.source import Source
from heatproxy.lakehouse.widening import Unlike, wider
from heatproxy.routines.filling import (
    Described,
    Found,
    describe,
    dialect_of,
    filled,
    new_name,
    require_alter,
    settled,
    source_policy,
)
from heatproxy.routines.twin import make, take_place, twin_of
from heatproxy.routines.underway import Fetched
from heatproxy.routines.unfinished import unfinished
from heatproxy.session import Cancel, Session

# A value is not of its column's type, or loses something in it.
_OF_TYPES = frozenset(
    {
        *(LH.BAD_VALUE, LH.WARN_DECIMAL_ROUNDING, LH.EXCEEDS_MIN, LH.EXCEEDS_MAX),
        *(LH.WARN_EXCEEDS_MIN_TRUNCATING, LH.WARN_EXCEEDS_MAX_TRUNCATING),
        *(LH.DATETIME_FORMAT, LH.WARN_TRUNCATED, LH.STRING_TOO_LONG),
    }
)
_TYPE = re.compile(r"[a-z]+(?: precision)?(?:\([^)]*\))?(?: unsigned)?(?: zerofill)?")


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one column, if anything."""

    place: int
    before: Column
    after: Column
    is_left_out: bool = False  # it becomes NOT SECONDARY: its values do not fit

    @property
    def text(self) -> str:
        """What there is to say of it."""
        if self.is_left_out:
            kind = self.before.type.sql()
            return (
                f"Column '{self.before.name}': its values are not of type {kind};"
                " it is marked NOT SECONDARY"
            )
        types = self.before.type.sql(), self.after.type.sql()
        return (
            f"Column '{self.before.name}': type changed from {types[0]} to {types[1]}"
        )


@dataclass(frozen=True, slots=True)
class Guided:
    """A load that has been made: its rows, and what was altered for them."""

    reading: Reading
    changes: Sequence[Change] = ()


async def load_guided(
    session: Session,
    shell: Shell,
    *,
    strict: bool | None = None,
    altered: Shell | None = None,
    changes: Sequence[Change] = (),
    found: Found | None = None,
    widens: bool = True,
    disables: bool = False,
) -> Guided:
    """Load a table, or load it anew, with its columns as wide as they must be.

    Args:
        strict: by default as the session's sql_mode is.
        altered: the shell with another ENGINE_ATTRIBUTE, if it is to have one.
        changes: those that are known already to be needed.
        found: the files, if they are here already.
        widens: whether columns may be altered.
        disables: a column whose values are of another kind becomes NOT SECONDARY.

    Raises:
        MySQLError: as ``filled``; the table is what it was then.
    """
    await require_alter(session, shell)
    altered = replace(altered or shell, engine_name=new_name())
    described = await describe(session, shell)
    names = altered.engine_name, shell.engine_name
    async with unfinished(session.house, names):
        try:
            reading = await _filled(session, altered, described, changes, strict, found)
        except MySQLError as problem:
            if not widens or problem.number not in _OF_TYPES:
                raise
            wanted = await _looked_at(session, altered, described, found, disables)
            if not set(wanted) - set(changes):
                raise
            changes = wanted
            reading = await _filled(session, altered, described, changes, strict, found)
        else:
            if widens and _OF_TYPES & set(reading.counts):
                wanted = await _looked_at(session, altered, described, found, disables)
                if set(wanted) - set(changes):
                    changes = wanted
                    reading = await _filled(
                        session, altered, described, changes, strict, found
                    )
        if not changes and altered.attribute == shell.attribute:
            await settled(session, altered)
        else:
            await _put(session, shell, altered, changes)
        await follow_shells(session.house)
    return Guided(reading, changes)


def compared(
    described: Described,
    inferred: Inferred,
    dialect: Dialect,
    *,
    disables: bool,
) -> list[Change]:
    """What has to become of a table's columns for what its files have.

    Raises:
        MySQLError: 6062, the files have another number of columns.
    """
    seen = _seen(described.columns, inferred, dialect)
    in_keys = {name for key in described.keys for name in key.columns}
    changes = []
    for place, (column, other) in enumerate(zip(described.columns, seen, strict=True)):
        if other is None or place in described.left_out:
            continue
        try:
            kind = wider(column.type, other.type)
        except Unlike:
            if disables and column.name not in in_keys:
                changes.append(Change(place, column, column, is_left_out=True))
            continue
        if kind != column.type:
            changes.append(Change(place, column, replace(column, type=kind)))
    if sum(change.is_left_out for change in changes) == len(described.loaded):
        return [change for change in changes if not change.is_left_out]
    return changes


def _seen(
    columns: Sequence[Column], inferred: Inferred, dialect: Dialect
) -> list[Column | None]:
    """For each column what the files have; None where they have no value for it."""
    found: Sequence[Column | None] = [
        None if place in inferred.unseen else column
        for place, column in enumerate(inferred.columns)
    ]
    if dialect.match_columns_by != BY_ORDER:
        folds = dialect.match_columns_by == "name_case_insensitive"
        names = [c.name.lower() if folds else c.name for c in inferred.columns]
        by_name = dict(zip(names, found, strict=True))
        return [by_name.get(c.name.lower() if folds else c.name) for c in columns]
    if len(found) > len(columns) or (
        len(found) < len(columns) and not dialect.allow_missing_columns
    ):
        counts = (len(columns), len(found))
        raise failure(LH.COLUMN_MISMATCH_ERR, "The files", *counts)
    return [*found, *[None] * (len(columns) - len(found))]


def changed(described: Described, changes: Sequence[Change]) -> Described:
    """The table's description once these have been made."""
    columns = list(described.columns)
    for change in changes:
        columns[change.place] = change.after
    out = {change.place for change in changes if change.is_left_out}
    return replace(described, columns=tuple(columns), left_out=described.left_out | out)


def actions_of(created: str, changes: Sequence[Change]) -> list[bytes]:
    """What ALTER TABLE makes them by, from the text of SHOW CREATE TABLE."""
    actions = []
    for change in changes:
        name = quote_name(change.before.name)
        line = next(
            line.strip().removesuffix(",")
            for line in created.split("\n")
            if line.startswith(f"  {name} ")
        )
        rest = line.removeprefix(f"{name} ")
        if change.is_left_out:
            definition = f"{rest} NOT SECONDARY"
        else:
            definition = _TYPE.sub(change.after.type.sql(), rest, count=1)
        actions.append(f"MODIFY {name} {definition}".encode())
    return actions


def created_by(house: House, shell: Shell) -> str:
    """MySQL's text of a shell, whatever the session's sql_mode is. It blocks."""
    return str(house.account.query(f"SHOW CREATE TABLE {shell.name}")[0][1])


async def _filled(
    session: Session,
    altered: Shell,
    described: Described,
    changes: Sequence[Change],
    strict: bool | None,
    found: Found | None,
) -> Reading:
    wanted = changed(described, changes)
    return await filled(session, altered, wanted, strict=strict, found=found)


async def _looked_at(
    session: Session,
    altered: Shell,
    described: Described,
    found: Found | None,
    disables: bool,
) -> list[Change]:
    """What has to be changed by all values of the files; nothing if they have none."""
    look = partial(_look, session, altered, described, found)
    inferred, dialect = await session.off_loop(look)
    return compared(described, inferred, dialect, disables=disables)


def _look(
    session: Session,
    altered: Shell,
    described: Described,
    found: Found | None,
    cancel: Cancel,
) -> tuple[Inferred, Dialect]:
    dialect, locations = dialect_of(session, altered, described)
    if found is not None:
        return infer(found.files, dialect, cancel), dialect
    with Source(source_policy(session)) as source:
        cancel.interrupts(source.abort)
        told = Fetched(session, altered)
        files = source.fetch(locations, dialect, cancel, told)
        return infer(files, dialect, cancel), dialect


async def _put(
    session: Session, shell: Shell, altered: Shell, changes: Sequence[Change]
) -> None:
    """Have a twin with these columns and these rows take the table's place."""
    created = await asyncio.to_thread(created_by, session.house, shell)
    actions = actions_of(created, changes)
    async with twin_of(session, shell, altered) as twin:
        await make(session, twin, actions)
        await take_place(session, twin, is_loaded=True)
