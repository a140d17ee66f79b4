"""INSERT ... SELECT from tables that the engine holds.

The rows go into a temporary table of the caller's session, which MySQL makes from the
SELECT itself with no rows; then MySQL runs the INSERT from there. So conversions,
errors, warnings, generated values and triggers are its own.
"""

from collections.abc import Sequence
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass
from functools import partial

from heatproxy.aftermath import Aftermath, conditions_of
from heatproxy.backend.insert import insert_batches
from heatproxy.datatypes import quote_name
from heatproxy.errors import MySQLError
from heatproxy.rapid.decision import Cause, Refusal
from heatproxy.session import Session
from heatproxy.sql import hints
from heatproxy.sql.lexer import Token, find_word, qualified_name
from heatproxy.statements import Text, Work, copied
from heatproxy.statements.offload import Unproven, may_read, names_shell
from heatproxy.statements.primary import in_primary
from heatproxy.statements.select import Selected, select_rows

_MODES = (b"LOW_PRIORITY", b"HIGH_PRIORITY", b"DELAYED")


@dataclass(frozen=True, slots=True)
class _Insert:
    """Its parts: where the SELECT begins, and into what."""

    select: Text
    schema: str | None
    table: str
    is_plain: bool  # nothing of it is MySQL's alone


async def handle(session: Session, statement: Text) -> Work | None:
    """Take INSERT ... SELECT whose SELECT reads what the engine holds."""
    if not statement.tokens[0].is_word(b"INSERT"):
        return None
    parts = _parts(statement)
    if parts is None or not may_read(session, parts.select):
        return None
    optional = not names_shell(session, parts.select)
    if not parts.is_plain:
        return None
    work = partial(_answer, session, statement, parts)
    return Work(work, kind="rapid" if optional else "", optional=optional)


def _parts(statement: Text) -> _Insert | None:
    words = statement.tokens
    at = 1
    is_plain = True
    while at < len(words) and words[at].is_word(*_MODES, b"IGNORE", b"INTO"):
        if words[at].is_word(b"IGNORE"):
            is_plain = False
        at += 1
    named = qualified_name(words, at)
    if named is None:
        return None
    schema, table, at = named
    begin = find_word(words, b"SELECT", b"WITH", b"TABLE", start=at)
    if begin is None:
        begin = next((i for i in range(at, len(words)) if _opens(words, i)), None)
        if begin is None:
            return None
    if words[begin - 1].is_word(b"VALUES", b"VALUE", b"SET"):
        return None
    if find_word(words, b"VALUES", b"VALUE", b"SET", start=at) is not None:
        return None
    if any(words[i].is_word(b"PARTITION", b"AS") for i in range(at, begin)):
        is_plain = False
    end = len(words)
    for i in range(begin, len(words) - 2):
        if words[i].is_word(b"DUPLICATE") and words[i - 1].is_word(b"ON"):
            is_plain, end = False, i - 1
    select = statement.part(begin)
    if end < len(words):
        select = Text(statement.text, words[begin:end], statement.binding)
    return _Insert(select, schema, table, is_plain)


def _opens(words: Sequence[Token], index: int) -> bool:
    """Whether a SELECT in parentheses begins there."""
    follows = index + 1 < len(words) and words[index + 1].is_word(b"SELECT", b"WITH")
    return words[index].is_symbol(b"(") and follows


async def _answer(session: Session, statement: Text, parts: _Insert) -> None:
    try:
        await _answer_from_engine(session, statement, parts)
    except Unproven as unproven:
        await copied.answer(session, statement, unproven.refusal)


async def _answer_from_engine(
    session: Session, statement: Text, parts: _Insert
) -> None:
    selected = await select_rows(session, parts.select, to_store=True)
    with closing(selected.rows):
        await _answer_with(selected, session, statement, parts)


async def _answer_with(
    selected: Selected, session: Session, statement: Text, parts: _Insert
) -> None:
    made = selected.made
    schema = parts.schema or made.settings.schema
    if made.settings["binlog_format"] == "STATEMENT" and not made.must:
        raise made.declined(Refusal(Cause.SESSION, "binlog_format is STATEMENT"))
    if f"{schema}.{parts.table}" in made.read:
        raise made.declined(Refusal(Cause.RULE, "INSERT into a table that it reads"))
    async with in_primary(made.session, made.settings.engine):
        name, count = await _temporary(selected, parts, schema)
        try:
            await _insert(session, statement, parts, name, count)
        finally:
            with suppress(MySQLError):
                await session.backend.query(f"DROP TEMPORARY TABLE IF EXISTS {name}")
    made.rows = count
    made.note()


async def _temporary(
    selected: Selected, parts: _Insert, schema: str | None
) -> tuple[str, int]:
    """A temporary table with the rows: its quoted name, and how many they are.

    Raises:
        Declined: the caller may not make one.
    """
    made = selected.made
    session, backend = made.session, made.session.backend
    own = f"heatproxy_{session.watch.thread_id}"
    name = f"{quote_name(schema)}.{quote_name(own)}" if schema else quote_name(own)
    own_select = hints.in_primary(
        parts.select.own, backslash_escapes=session.backslash_escapes
    )
    names = [f"c{i}" for i in range(len(selected.columns))]
    columns = ", ".join(map(quote_name, names))
    # the outer names are ours: those of the SELECT need not differ from each other
    made_of = f"CREATE TEMPORARY TABLE {name} WITH made ({columns}) AS ("
    try:
        await backend.query(
            made_of.encode() + own_select + b"\n) SELECT * FROM made LIMIT 0"
        )
    except MySQLError as problem:
        words = f"no temporary table for its rows: {problem.message}"
        raise made.declined(Refusal(Cause.SESSION, words)) from None
    try:
        async with aclosing(selected.batches()) as batches:
            count = await insert_batches(backend, name, names, batches)
    except BaseException:
        with suppress(MySQLError):
            await backend.query(f"DROP TEMPORARY TABLE IF EXISTS {name}")
        raise
    return name, count


async def _insert(
    session: Session, statement: Text, parts: _Insert, name: str, count: int
) -> None:
    """Have MySQL insert the rows and tell the client."""
    begin, end = statement.tokens[0].start, parts.select.tokens[0].start
    head = statement.text[begin:end]
    left: list[Aftermath] = []

    async def before_end() -> None:
        # what is asked of the session from here on hides what the INSERT has left
        conditions = await conditions_of(session.backend)
        left.append(Aftermath(row_count=count, conditions=conditions))

    await session.relay(head + b" SELECT * FROM " + name.encode(), before_end)
    session.aftermath = left[0] if left else None
