"""Filling a Lakehouse table from its files: the one way, whoever asks for it.

Rows go into the engine under a name of their own; when all are in and the keys hold,
the shell is told that name: readers see the old content until the new is whole, and
what fails changes nothing.

Source: HeatWave User Guide, "Load Structured Data Manually".
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial

from heatproxy.backend.shells import Shell
from heatproxy.datatypes import Column, parse, quote_name, quote_text
from heatproxy.errors import MySQLError
from heatproxy.house import follow_shells
from heatproxy.lakehouse.dialect import Dialect
from heatproxy.lakehouse.inference import Inferred
from heatproxy.lakehouse.policy import SourcePolicy
from heatproxy.lakehouse.reader import Reading, open_table
from heatproxy.lakehouse.request import FileLocation, parse_engine_attribute
from heatproxy.lakehouse.source import Source
from heatproxy.lakehouse.streams import DataFile
from heatproxy.routines.loading import UNKNOWN_ENGINE, alone
from heatproxy.routines.shell_keys import Key, keys_of, require_unique
from heatproxy.routines.underway import Fetched, Read, being_loaded
from heatproxy.routines.unfinished import unfinished
from heatproxy.session import Cancel, Session

_NO_SUCH_TABLE = 1146


@dataclass(frozen=True, slots=True)
class Described:
    """What the dictionary says of a shell: its columns, their own formats, its keys."""

    columns: tuple[Column, ...]
    formats: tuple[tuple[str, str], ...] = ()  # of a column: what it is written in
    keys: tuple[Key, ...] = ()
    collations: Mapping[str, str] = field(default_factory=dict)  # of columns of text
    left_out: frozenset[int] = frozenset()  # places of those that are NOT SECONDARY

    @property
    def loaded(self) -> tuple[Column, ...]:
        """The columns that the engine holds."""
        kept = enumerate(self.columns)
        return tuple(column for k, column in kept if k not in self.left_out)


@dataclass(frozen=True, slots=True)
class Found:
    """Files that are here already, and what was inferred from them."""

    files: Sequence[DataFile]
    inferred: Inferred


def source_policy(session: Session) -> SourcePolicy:
    """Where the settings allow files to come from."""
    settings = session.house.config.lakehouse
    return SourcePolicy(
        allowed_schemes=(*settings.allowed_schemes, "file"),
        allowed_hosts=tuple(settings.allowed_hosts),
        allowed_folders=tuple(settings.allowed_folders),
        url_mapping=tuple(settings.url_mapping),
        allowed_buckets=tuple(settings.allowed_buckets),
        s3_endpoint=settings.s3_endpoint,
        s3_region=settings.s3_region,
        oci_config=settings.oci_config,
        oci_profile=settings.oci_profile,
        oci_endpoint=settings.oci_endpoint,
        max_file_bytes=settings.max_file_bytes,
    )


def new_name() -> str:
    """A name in the engine that nothing had before."""
    return f"t_{uuid.uuid4().hex}"


async def describe(session: Session, shell: Shell) -> Described:
    """What the caller may see of a shell.

    Raises:
        MySQLError: 1146, the caller sees no column.
    """
    where = (
        f"TABLE_SCHEMA = {quote_text(shell.schema)}"
        f" AND TABLE_NAME = {quote_text(shell.table)}"
    )
    found = await session.backend.query(
        "SELECT HEX(CONVERT(COLUMN_NAME USING utf8mb4)),"
        " HEX(CONVERT(COLUMN_TYPE USING utf8mb4)), IS_NULLABLE, COLLATION_NAME, EXTRA,"
        " HEX(CONVERT((SELECT e.SECONDARY_ENGINE_ATTRIBUTE FROM"
        " information_schema.COLUMNS_EXTENSIONS AS e WHERE"
        " (e.TABLE_SCHEMA, e.TABLE_NAME, e.COLUMN_NAME) ="
        " (c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME)) USING utf8mb4)),"
        " HEX(CONVERT(COLUMN_DEFAULT USING utf8mb4))"
        f" FROM information_schema.COLUMNS AS c WHERE {where} ORDER BY ORDINAL_POSITION"
    )
    columns: list[Column] = []
    formats, collations = [], {}
    left_out = set()
    for name, kind, null, collation, extra, attribute, default in found.texts():
        column = Column(
            _text(name),
            parse(_text(kind)),
            null == "YES",
            None if default is None else _text(default),
            "DEFAULT_GENERATED" in (extra or "").upper(),
        )
        if "NOT SECONDARY" in (extra or "").upper():
            left_out.add(len(columns))
        columns.append(column)
        if collation is not None:
            collations[column.name] = collation
        given = json.loads(_text(attribute) or "{}").get(_format_key(column))
        if given:
            formats.append((column.name, given))
    if not columns:
        name = f"{quote_name(shell.schema)}.{quote_name(shell.table)}"
        raise MySQLError(_NO_SUCH_TABLE, "42S02", f"Table {name} doesn't exist")
    keys = await keys_of(session, shell)
    return Described(
        tuple(columns), tuple(formats), keys, collations, frozenset(left_out)
    )


async def require_alter(session: Session, shell: Shell) -> None:
    """Have MySQL say, before anything is read, whether the caller may load it.

    Raises:
        MySQLError: MySQL's own, such as 1142.
    """
    await _set_mark(session, shell)


@asynccontextmanager
async def in_turn(session: Session, shell: Shell) -> AsyncIterator[Shell]:
    """Have a table for oneself while it is filled, emptied or altered.

    What it is given is the shell as it is by then.

    Raises:
        MySQLError: 1146, it has gone; 1317.
    """
    loader = session.house.rapid.loader
    names = shell.schema, shell.table
    turn = nullcontext() if loader is None else alone(session, loader, *names)
    async with turn:
        current = await session.find_shell(*names)
        if current is None:
            text = f"Table '{shell.schema}.{shell.table}' doesn't exist"
            raise MySQLError(_NO_SUCH_TABLE, "42S02", text)
        yield current


async def filled(
    session: Session,
    fresh: Shell,
    described: Described,
    *,
    strict: bool | None = None,
    found: Found | None = None,
) -> Reading:
    """The files' rows in the engine, under a shell's new name, its keys verified.

    Args:
        strict: by default as the session's sql_mode is.
        found: the files, if they are here already.

    Raises:
        MySQLError: 1062, a key has a value twice; of the files and their values; 1317.
            The engine has nothing under that name then.
        Unforeseen: the columns were inferred from a sample, and others do not fit.
    """
    if strict is None:
        strict = await is_strict(session)
    work = partial(_fill, session, fresh, described, strict, found)
    try:
        return await session.off_loop(work)
    except BaseException:
        await asyncio.to_thread(session.house.engine.drop, fresh.engine_name)
        raise


async def settled(session: Session, fresh: Shell) -> None:
    """Tell the shell that this is its content, and the dictionary that it is loaded."""
    try:
        await _set_mark(session, fresh)
    except BaseException:
        if not await asyncio.to_thread(session.house.shells.is_current, fresh):
            await asyncio.to_thread(session.house.engine.drop, fresh.engine_name)
        raise
    await mark(session, fresh, "SECONDARY_LOAD")


async def unfilled(session: Session, shell: Shell) -> None:
    """Forget what the engine holds of a table.

    Raises:
        MySQLError: MySQL's own, such as 1142.
    """
    await mark(session, shell, "SECONDARY_UNLOAD")
    await asyncio.to_thread(session.house.engine.drop, shell.engine_name)
    await follow_shells(session.house)


async def validated(
    session: Session,
    shell: Shell,
    described: Described,
    *,
    rows: int | None = None,
    strict: bool | None = None,
    found: Found | None = None,
) -> Reading:
    """Read the files' first rows, or all and their keys, and keep nothing."""
    if strict is None:
        strict = await is_strict(session)
    if rows is None and described.keys:
        fresh = replace(shell, engine_name=new_name())
        async with unfinished(session.house, [fresh.engine_name]):
            reading = await filled(
                session, fresh, described, strict=strict, found=found
            )
            await asyncio.to_thread(session.house.engine.drop, fresh.engine_name)
        return reading
    return await session.off_loop(
        partial(_read, session, shell, described, strict, rows, found)
    )


async def mark(session: Session, shell: Shell, word: str) -> None:
    """Have the dictionary say that a shell is loaded, or is not."""
    try:
        await session.backend.query(f"ALTER TABLE {shell.name} {word}")
    except MySQLError as problem:
        if problem.number != UNKNOWN_ENGINE:
            raise


async def is_strict(session: Session) -> bool:
    """Whether the session's sql_mode is strict."""
    sql_mode = await session.backend.scalar("SELECT @@sql_mode") or ""
    return "STRICT_" in sql_mode.upper()


async def _set_mark(session: Session, shell: Shell) -> None:
    literal = shell.mark(backslash_escapes=session.backslash_escapes)
    await session.backend.query(
        f"ALTER TABLE {shell.name} SECONDARY_ENGINE_ATTRIBUTE={literal}"
    )


def _text(digits: str | None) -> str:
    return bytes.fromhex(digits or "").decode()


def _format_key(column: Column) -> str:
    kind = column.type.name
    return "timestamp_format" if kind in ("datetime", "timestamp") else f"{kind}_format"


# --- in a thread --------------------------------------------------------------------


def _fill(
    session: Session,
    fresh: Shell,
    described: Described,
    strict: bool,
    found: Found | None,
    cancel: Cancel,
) -> Reading:
    engine = session.house.engine
    with (
        being_loaded(session.house, fresh, described.loaded),
        Source(source_policy(session)) as source,
    ):
        reading = _opened(session, fresh, described, strict, found, source, cancel)
        try:
            engine.load(
                fresh.engine_name, described.loaded, reading.reader, cancel.interrupts
            )
        except Exception:
            if reading.failure is not None:
                raise reading.failure from None
            raise
    if dialect_of(session, fresh, described)[0].check_constraints:
        for key in described.keys:
            require_unique(session.house, fresh, key, described.collations, cancel)
    return reading


def _opened(
    session: Session,
    shell: Shell,
    described: Described,
    strict: bool,
    found: Found | None,
    source: Source,
    cancel: Cancel,
) -> Reading:
    """The table's files, open."""
    dialect, locations = dialect_of(session, shell, described)
    if found is None:
        cancel.interrupts(source.abort)
        told = Fetched(session, shell)
        files: Sequence[DataFile] = source.fetch(locations, dialect, cancel, told)
    else:
        files = found.files
    reading = open_table(
        files,
        dialect,
        described.columns,
        strict=strict,
        cancelled=cancel,
        progress=Read(session, shell, sum(file.size_bytes for file in files)),
        left_out=described.left_out,
        expected=found.inferred if found else None,
    )
    for condition in source.warnings:
        reading.warn(condition)
    return reading


def dialect_of(
    session: Session, shell: Shell, described: Described
) -> tuple[Dialect, tuple[FileLocation, ...]]:
    """How a table's files are written, and where they are."""
    profile = session.house.config.lakehouse.profile
    text = json.dumps(dict(shell.attribute))
    dialect, locations = parse_engine_attribute(text, profile)
    return replace(dialect, column_formats=described.formats), locations


def _read(
    session: Session,
    shell: Shell,
    described: Described,
    strict: bool,
    rows: int | None,
    found: Found | None,
    cancel: Cancel,
) -> Reading:
    with Source(source_policy(session)) as source:
        reading = _opened(session, shell, described, strict, found, source, cancel)
        seen = 0
        for batch in cancel.between(reading.reader):
            seen += batch.num_rows
            if rows is not None and seen >= rows:
                break
    return reading
