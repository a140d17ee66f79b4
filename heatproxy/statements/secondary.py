"""ALTER TABLE ... SECONDARY_LOAD and SECONDARY_UNLOAD of InnoDB tables.

MySQL carries them out too: it says which table it is, and remembers in its dictionary
that it is loaded. Partitions are not loaded one by one: whichever is asked for, the
whole table is, and it stays until MySQL says that none is loaded.

Source: HeatWave User Guide, "Loading Data Manually", "Guided Load".
"""

import re
from dataclasses import dataclass
from functools import partial
from typing import Literal

from heatproxy.aftermath import Aftermath, Condition
from heatproxy.datatypes import quote_name
from heatproxy.errors import MySQLError, not_supported
from heatproxy.rapid.load import Loader
from heatproxy.routines.loading import (
    SECONDARY_ENGINE,
    UNKNOWN_ENGINE,
    OtherEngine,
    forget,
    load_table,
    take_back,
    unload_table,
)
from heatproxy.session import Session
from heatproxy.sql.lexer import closing, qualified_name
from heatproxy.statements import Text, Work

_UNDEFINED = "No secondary engine defined."
_UNCHECKED = re.compile(rb"(?i)/\*\+[^*]*\bAUTOPILOT_DISABLE_CHECK\b")
WHOLE = "All partitions of the table are loaded together"


@dataclass(frozen=True, slots=True)
class Form:
    """What a statement asks for, and of which table as the client names it."""

    does: Literal["load", "unload", "detach"]
    schema: str | None
    table: str
    partitions: bytes = b""  # the clause, if it is there
    guided: bool = True
    validates: bool = False  # it is not to be loaded
    rows: int | None = None  # that are to be validated; None: all

    @property
    def name(self) -> str:
        listed = [self.schema, self.table] if self.schema else [self.table]
        return ".".join(map(quote_name, listed))

    @property
    def sql(self) -> bytes:
        """The statement as every MySQL takes it."""
        word = b"SECONDARY_LOAD" if self.does == "load" else b"SECONDARY_UNLOAD"
        return b"ALTER TABLE " + self.name.encode() + b" " + word + self.partitions


async def handle(session: Session, statement: Text) -> Work | None:
    """Take the statements that load and unload."""
    loader = session.house.rapid.loader
    if loader is None or not statement.tokens[0].is_word(b"ALTER"):
        return None
    form = read(statement)
    if form is None:
        return None
    if form.validates:
        raise not_supported("SECONDARY_LOAD VALIDATE of a table that is in no files")
    run = {"load": _load, "unload": _unload, "detach": _detach}[form.does]
    return Work(partial(run, session, loader, statement, form))


def read(statement: Text) -> Form | None:
    """What the statement asks for; None if it is MySQL's alone."""
    words = statement.tokens
    if len(words) < 4 or not words[1].is_word(b"TABLE"):
        return None
    named = qualified_name(words, 2)
    if named is None:
        return None
    schema, table, at = named
    rest = words[at:]
    if not rest:
        return None
    if rest[0].is_word(b"SECONDARY_ENGINE"):
        value = rest[2:] if len(rest) > 1 and rest[1].is_symbol(b"=") else rest[1:]
        if len(value) == 1 and value[0].is_word(b"NULL"):
            return Form("detach", schema, table)
        return None
    if not rest[0].is_word(b"SECONDARY_LOAD", b"SECONDARY_UNLOAD"):
        return None
    loads = rest[0].is_word(b"SECONDARY_LOAD")
    at, partitions = 1, b""
    if len(rest) > 2 and rest[1].is_word(b"PARTITION") and rest[2].is_symbol(b"("):
        end = closing(rest, 2)
        if end is None:
            return None
        partitions = b" " + statement.text[rest[1].start : rest[end].end]
        at = end + 1
    rest = rest[at:]
    validates, rows = loads and bool(rest) and rest[0].is_word(b"VALIDATE"), None
    if validates:
        at = 1
        if len(rest) > 2 and rest[2].is_word(b"ROWS"):
            if not (rest[1].text.isdigit() or rest[1].is_word(b"ALL")):
                return None
            rows = int(rest[1].text) if rest[1].text.isdigit() else None
            at = 3
        if not rest[at : at + 1] or not rest[at].is_word(b"ONLY"):
            return None
        rest = rest[at + 1 :]
    guided = _UNCHECKED.search(statement.own) is None
    if loads and len(rest) == 2 and rest[0].is_word(b"GUIDED"):
        if not rest[1].is_word(b"ON", b"OFF"):
            return None
        guided &= rest[1].is_word(b"ON")
    elif rest:
        return None  # MySQL says what is wrong with it
    does: Literal["load", "unload"] = "load" if loads else "unload"
    return Form(does, schema, table, partitions, guided, validates, rows)


async def _load(session: Session, loader: Loader, statement: Text, form: Form) -> None:
    schema = form.schema or await session.schema()
    if schema is None:
        await session.relay(statement.own)
        return
    sql = form.sql
    attached = f"ALTER TABLE {form.name} SECONDARY_ENGINE = RAPID"
    detached = f"ALTER TABLE {form.name} SECONDARY_ENGINE = NULL"
    try:
        try:
            loaded = await load_table(session, loader, schema, form.table, sql)
        except MySQLError as problem:
            undefined = problem.number == SECONDARY_ENGINE and (
                problem.message.endswith(_UNDEFINED)
            )
            if not undefined or not form.guided:
                raise
            await session.backend.query(attached)
            try:
                loaded = await load_table(session, loader, schema, form.table, sql)
            except BaseException:
                await take_back(session, loader, detached)
                raise
    except OtherEngine as other:
        # MySQL's own warning may have gone while the dictionary was looked at
        text = f"Unknown storage engine '{other}'"
        session.answer.warnings = 1
        await session.answer.ok()
        warning = Condition("Warning", UNKNOWN_ENGINE, text)
        session.aftermath = Aftermath(conditions=[warning])
        return
    notes = [*loaded.notes, *([WHOLE] if form.partitions else [])]
    await _answer(session, notes)


async def _unload(
    session: Session, loader: Loader, statement: Text, form: Form
) -> None:
    schema = form.schema or await session.schema()
    if schema is None:
        await session.relay(statement.own)
        return
    await unload_table(session, loader, schema, form.table, form.sql)
    await _answer(session, [])


async def _detach(
    session: Session, loader: Loader, statement: Text, form: Form
) -> None:
    """SECONDARY_ENGINE = NULL, of which MySQL itself tells the client."""
    schema = form.schema or await session.schema()

    async def follow() -> None:
        if schema is not None:
            await session.off_loop(partial(forget, loader, schema, form.table))

    await session.relay(statement.own, before_ok=follow)


async def _answer(session: Session, notes: list[str]) -> None:
    """OK, and notes where MySQL's session has its warning of an unknown engine."""
    await session.backend.query("DO 0")  # takes that away, and ROW_COUNT() is 0
    session.answer.warnings = len(notes)
    await session.answer.ok()
    conditions = [Condition("Note", 3877, note) for note in notes]
    session.aftermath = Aftermath(conditions=conditions) if notes else None
