"""CREATE of Lakehouse tables by hand, and SECONDARY_LOAD and SECONDARY_UNLOAD of them.

The shell is made on the caller's connection, empty of data; loading reads its files
by the columns that MySQL says it has. A load replaces what was held, or leaves it.

Source: HeatWave User Guide, "CREATE EXTERNAL TABLE", "Loading Data Manually".
"""

import asyncio
import json
import uuid
from functools import partial

from heatproxy.aftermath import Aftermath, Condition
from heatproxy.backend.shells import Shell
from heatproxy.datatypes import Column, parse, quote_name, quote_text
from heatproxy.errors import MySQLError, not_supported, secondary_engine
from heatproxy.lakehouse.reader import Reading, open_table, untold
from heatproxy.lakehouse.request import parse_engine_attribute
from heatproxy.lakehouse.source import Source
from heatproxy.routines.load import source_policy
from heatproxy.routines.loading import UNKNOWN_ENGINE
from heatproxy.session import Cancel, Session, follow_shells
from heatproxy.sql.external import External, creates_external, parse_create
from heatproxy.sql.lexer import tokens
from heatproxy.statements import Text, Work
from heatproxy.statements.secondary import read

NO_SUCH_TABLE = 1146
OPTIONS = (b"COMMENT", b"DEFAULT", b"CHARSET", b"CHARACTER", b"COLLATE")
REFUSED = (
    *(b"AUTO_INCREMENT", b"REFERENCES", b"GENERATED", b"PARTITION", b"FULLTEXT"),
    *(b"SPATIAL", b"UNION", b"DIRECTORY", b"ENCRYPTION", b"TABLESPACE"),
)
KEYS = (b"PRIMARY", b"UNIQUE")


async def handle(session: Session, statement: Text) -> Work | None:
    """Take CREATE of external tables, and what loads and unloads them."""
    words = statement.tokens
    if creates_external(words):
        asked = parse_create(statement.text[: words[-1].end], words)
        return Work(partial(_create, session, asked))
    if not (
        words[0].is_word(b"ALTER") and statement.names & session.house.shells.tables
    ):
        return None
    form = read(statement)
    if form is None or form.does == "detach":
        return None
    schema = form.schema or await session.schema()
    shell = await session.find_shell(schema, form.table)
    if shell is None:
        return None
    if form.partitions:
        raise not_supported("partitions of a Lakehouse table")
    return Work(partial(_load if form.does == "load" else _unload, session, shell))


# --- CREATE -------------------------------------------------------------------------


async def _create(session: Session, asked: External) -> None:
    if asked.auto_refresh:
        raise not_supported(f"{asked.auto_refresh} of a Lakehouse table")
    if asked.formats:
        raise not_supported("formats of single columns of a Lakehouse table")
    escapes = session.backslash_escapes
    options = tokens(asked.options, backslash_escapes=escapes)
    if options and not options[0].is_word(*OPTIONS):
        raise not_supported(f"{options[0].text.decode()} of a Lakehouse table")
    definition = tokens(asked.definition, backslash_escapes=escapes)
    for word in (*definition, *options):
        if word.is_word(*REFUSED):
            raise not_supported(f"{word.text.decode()} of a Lakehouse table")
    schema = asked.schema or await session.schema()
    if schema is None:
        raise MySQLError(1046, "3D000", "No database selected")
    literals = asked.literals()
    values = await session.backend.evaluate(literals) if literals else []
    said = {key: text or "" for key, text in zip(literals, values, strict=True)}
    given = asked.engine_attribute(said.__getitem__)
    if asked.attribute is not None:
        if given:
            raise secondary_engine("ENGINE_ATTRIBUTE and FILES exclude each other")
        text = said[asked.attribute]
        dialect, _ = parse_engine_attribute(text)
        given = json.loads(text)
    else:
        dialect, _ = parse_engine_attribute(json.dumps(given))
    if dialect.check_constraints and any(w.is_word(*KEYS) for w in definition):
        raise not_supported(
            "the check of a Lakehouse table's keys (VERIFY_KEY_CONSTRAINTS=0, or"
            " check_constraints false in the dialect, does without it)"
        )
    shell = Shell(schema, asked.name, f"t_{uuid.uuid4().hex}", given)
    columns = asked.definition.decode()
    create, seal = shell.create(
        columns, backslash_escapes=escapes, options=asked.options.decode()
    )
    try:
        await session.backend.query(create)
    except MySQLError as problem:
        if problem.number != 1050 or not asked.if_not_exists:
            raise
        session.answer.warnings = 1
        await session.answer.ok()
        note = Condition("Note", problem.number, problem.message)
        session.aftermath = Aftermath(conditions=[note])
        return
    try:
        await session.backend.query(seal)
    except BaseException:
        await session.undo(f"DROP TABLE IF EXISTS {shell.name}")
        raise
    await follow_shells(session.house)
    await session.backend.query("DO 0")
    await session.answer.ok()


# --- SECONDARY_LOAD and SECONDARY_UNLOAD --------------------------------------------


async def _load(session: Session, shell: Shell) -> None:
    session.watch.doing = "loading"
    engine = session.house.engine
    columns = await _columns(session, shell)
    sql_mode = await session.backend.scalar("SELECT @@sql_mode") or ""
    was_loaded = shell.engine_name in await asyncio.to_thread(engine.tables)
    await _mark(session, shell, "SECONDARY_LOAD")  # MySQL says who may
    try:
        fill = partial(_fill, session, shell, columns, "STRICT_" in sql_mode.upper())
        reading = await session.off_loop(fill)
    except BaseException:
        if not was_loaded:
            await session.undo(f"ALTER TABLE {shell.name} SECONDARY_UNLOAD")
        raise
    await follow_shells(session.house)
    await session.backend.query("DO 0")
    conditions = [Condition("Warning", w.number, w.message) for w in reading.warnings]
    if conditions:
        total = f"Total Warnings: {reading.warning_count}"
        conditions.append(Condition("Warning", 3877, total))
    session.answer.warnings = len(conditions)
    await session.answer.ok()
    session.aftermath = Aftermath(conditions=conditions) if conditions else None


async def _unload(session: Session, shell: Shell) -> None:
    await _mark(session, shell, "SECONDARY_UNLOAD")
    await asyncio.to_thread(session.house.engine.drop, shell.engine_name)
    await follow_shells(session.house)
    await session.backend.query("DO 0")
    await session.answer.ok()


async def _mark(session: Session, shell: Shell, word: str) -> None:
    try:
        await session.backend.query(f"ALTER TABLE {shell.name} {word}")
    except MySQLError as problem:
        if problem.number != UNKNOWN_ENGINE:
            raise


async def _columns(session: Session, shell: Shell) -> tuple[Column, ...]:
    """The shell's columns as the caller sees them.

    Raises:
        MySQLError: 1146, the caller sees none.
    """
    found = await session.backend.query(
        "SELECT HEX(CONVERT(COLUMN_NAME USING utf8mb4)), COLUMN_TYPE, IS_NULLABLE"
        f" FROM information_schema.COLUMNS WHERE TABLE_SCHEMA ="
        f" {quote_text(shell.schema)} AND TABLE_NAME = {quote_text(shell.table)}"
        " ORDER BY ORDINAL_POSITION"
    )
    columns = tuple(
        Column(bytes.fromhex(name or "").decode(), parse(kind or ""), null == "YES")
        for name, kind, null in found.texts()
    )
    if not columns:
        name = f"{quote_name(shell.schema)}.{quote_name(shell.table)}"
        raise MySQLError(NO_SUCH_TABLE, "42S02", f"Table {name} doesn't exist")
    return columns


def _fill(
    session: Session,
    shell: Shell,
    columns: tuple[Column, ...],
    strict: bool,
    cancel: Cancel,
) -> Reading:
    """Read the files into the engine, in place of what it held of the table."""
    dialect, locations = parse_engine_attribute(json.dumps(dict(shell.attribute)))
    with Source(source_policy(session)) as source:
        cancel.interrupts(source.abort)
        files = source.fetch(locations, dialect, cancel, untold)
        reading = open_table(files, dialect, columns, strict=strict, cancelled=cancel)
        for condition in source.warnings:
            reading.warn(condition)
        try:
            session.house.engine.load(
                shell.engine_name, columns, reading.reader, cancel.interrupts
            )
        except Exception:
            if reading.failure is not None:
                raise reading.failure from None
            raise
    return reading
