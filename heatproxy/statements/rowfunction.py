"""``sys.ML_PREDICT_ROW`` and its like inside a statement.

MySQL computes everything but the function itself. Where the arguments are constants,
the call is replaced by its value. Where they come from rows, all of those are answered
in one batch, and MySQL looks the answers up (``predicting.gathered``), or they are put
into the rows on their way to the client (``predicting.streamed``). What is neither
MySQL runs as it stands, and asks for one row after the other.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

from heatproxy.datatypes import quote_text
from heatproxy.errors import MySQLError, not_supported
from heatproxy.session import Session
from heatproxy.sql import hints
from heatproxy.sql.calls import RoutineCall, find_calls
from heatproxy.sql.lexer import Kind, Token, tokens
from heatproxy.sql.predictions import AGGREGATES, Spelled, edited, spelled
from heatproxy.sql.predictions_gather import MISSING
from heatproxy.sql.predictions_names import named, query_of_table
from heatproxy.statements import Text, Work
from heatproxy.statements.call import noted
from heatproxy.statements.copies import OF_COPIES, PREFIX
from heatproxy.statements.predicting import relayed
from heatproxy.statements.predicting.calls import (
    FUNCTIONS,
    arity_of,
    as_text,
    function_of,
    is_evaluated_once,
)
from heatproxy.statements.predicting.early import NAMES
from heatproxy.statements.predicting.explained import explain, explains
from heatproxy.statements.predicting.gathered import (
    Unforeseen,
    rewritten,
    schemas_of,
)
from heatproxy.statements.predicting.lookups import Lookups
from heatproxy.statements.predicting.plain import plain
from heatproxy.statements.predicting.sources import readable
from heatproxy.statements.predicting.streamed import stream
from heatproxy.statements.primary import in_primary
from heatproxy.wire.columns import ColumnDefinition

_UNPREPARED = (1295, 1235)  # MySQL prepares no such statement
_OUTSIDE = 3877
_NOT_LOCKED = 1100


@dataclass(frozen=True, slots=True)
class Made:
    """A statement with calls, as MySQL can prepare it.

    ``columns`` are its result's, by the names of the client's own text.
    """

    session: Session
    text: bytes
    part: Sequence[Token]
    calls: Sequence[RoutineCall]
    columns: Sequence[ColumnDefinition]


async def handle(session: Session, statement: Text) -> Work | None:
    """Take a statement that calls one of FUNCTIONS in ``sys``."""
    calls = await _calls(session, statement.text, statement.tokens)
    if not calls:
        return None
    whole = spelled(statement.text, statement.tokens, calls, arity_of)
    return Work(
        partial(_answer, session, statement, calls, whole), whole.text, whole.shown
    )


async def _calls(
    session: Session, text: bytes, part: Sequence[Token]
) -> list[RoutineCall]:
    found = find_calls(text, part, FUNCTIONS)
    unqualified_is_ours = False
    if any(call.schema is None for call in found):
        unqualified_is_ours = (await session.schema() or "").lower() == "sys"
    return [
        call
        for call in found
        if (call.schema.lower() == "sys" if call.schema else unqualified_is_ours)
    ]


async def _answer(
    session: Session, statement: Text, calls: Sequence[RoutineCall], whole: Spelled
) -> None:
    """Give the client the statement's answer.

    Raises:
        MySQLError: from MySQL, from the function, or 1235 where the calls stand.
    """
    for call in calls:
        if len(call.arguments) not in function_of(call).arities:
            raise _wrong_arity(call)
    async with in_primary(session):
        work = _mysqls_or_ours(session, statement, whole)
        await noted(session, calls[0].name, work)


async def _mysqls_or_ours(session: Session, statement: Text, whole: Spelled) -> None:
    try:
        described = await session.backend.prepared_columns(whole.text)
    except MySQLError as problem:
        if problem.number not in _UNPREPARED:
            raise
        described = []
    columns = [replace(c, name=whole.shown(c.name)) for c in described]
    columns = statement.described(columns)
    escapes = session.backslash_escapes
    part = tokens(whole.text, backslash_escapes=escapes)
    if explains(part):
        calls = await _calls(session, whole.text, part)
        await explain(session, whole.text, part, calls)
        return
    async with readable(session, Text(whole.text, part)) as text:
        made = await _made(session, text, columns)
        try:
            made = await _named(made, whole)
            await _or_unlocked(made, _constant_or_batched(made))
        except Unforeseen as reason:
            await _row_by_row(made, reason)


async def _or_unlocked(made: Made, work: Awaitable[None]) -> None:
    """Raise Unforeseen where LOCK TABLES keeps the session from the model catalog: the
    stub asks for what it needs in a session of heatproxy's own."""
    before = made.session.answer.sequence_id
    try:
        await work
    except MySQLError as problem:
        if problem.number != _NOT_LOCKED or made.session.answer.sequence_id != before:
            raise
        raise Unforeseen(problem.message) from None


async def _made(
    session: Session, text: bytes, columns: Sequence[ColumnDefinition]
) -> Made:
    text = hints.in_primary(text, backslash_escapes=session.backslash_escapes)
    part = tokens(text, backslash_escapes=session.backslash_escapes)
    return Made(session, text, part, await _calls(session, text, part), columns)


async def _named(made: Made, whole: Spelled) -> Made:
    """The statement with names for the columns of the table that it makes.

    Raises:
        Unforeseen: MySQL is to say what is wrong with a name.
    """
    begin = query_of_table(made.part)
    if begin is None:
        return made
    query = made.text[made.part[begin].start :]
    columns = await made.session.backend.prepared_columns(query)
    names = [column.name for column in columns]
    given = [whole.shown(name) for name in names]
    edits = named(made.text, made.part, made.calls, names, given)
    if edits is None:
        raise Unforeseen("a column has no name")
    text = edited(made.text, 0, len(made.text), edits)
    return await _made(made.session, text, made.columns)


async def _constant_or_batched(made: Made) -> None:
    session = made.session
    values = await _constants(made)
    edits = [
        (call.start, call.end, literal)
        for call, literal in zip(made.calls, values, strict=True)
        if literal is not None
    ]
    text = edited(made.text, 0, len(made.text), edits)
    if None not in values:
        await relayed.relay(session, text, made.columns)
        return
    part = tokens(text, backslash_escapes=session.backslash_escapes)
    calls = await _calls(session, text, part)
    escapes = session.backslash_escapes
    select = plain(text, part, calls, escapes=escapes)
    if select is not None and await stream(session, select, made.columns):
        return
    if await session.backend.scalar("SELECT @@binlog_format") == "STATEMENT":
        raise Unforeseen("binlog_format is STATEMENT")
    lookups = Lookups(session, schemas_of(part, await session.schema()))
    try:
        text = await rewritten(session, text, part, calls, lookups)
        await _relay_rewritten(made, text, lookups)
    finally:
        await lookups.drop()


async def _relay_rewritten(made: Made, text: bytes, lookups: Lookups) -> None:
    """Have MySQL answer the statement with look-ups in it.

    Raises:
        Unforeseen: MySQL does not take it, or misses an answer before it has any row.
        MySQLError: MySQL's.
    """
    session = made.session
    try:
        columns = await session.backend.prepared_columns(text)
    except MySQLError as problem:
        if problem.is_kill:
            raise
        raise Unforeseen(problem.message) from None
    results = await session.backend.scalar("SELECT @@character_set_results")
    if not relayed.alike(made.columns, columns, results):
        raise Unforeseen("its columns have other types")
    before = session.answer.sequence_id
    try:
        await relayed.relay(session, text, made.columns, lookups.drop)
    except MySQLError as problem:
        if problem.number != MISSING or session.answer.sequence_id != before:
            raise
        raise Unforeseen(problem.message) from None


async def _row_by_row(made: Made, reason: Unforeseen) -> None:
    """Have MySQL run the statement as it stands; its stub asks for every row.

    Raises:
        MySQLError: MySQL's; 1235, the stubs do not serve, or MySQL takes it over
            tables of its own, but not over the copies of Lakehouse tables.
    """
    name = f"sys.{made.calls[0].name}"
    try:
        await relayed.relay(made.session, made.text, made.columns)
    except MySQLError as problem:
        if problem.number in OF_COPIES and PREFIX.encode() in made.text:
            what = f"{name} over Lakehouse tables in such a statement"
            raise not_supported(f"{what}: {problem.message}") from None
        if problem.number != _OUTSIDE or "runs in heatproxy" not in problem.message:
            raise
        if reason.problem is not None:
            raise reason.problem from None
        raise not_supported(f"{name} in such a statement: {reason}") from None


def _wrong_arity(call: RoutineCall) -> MySQLError:
    return MySQLError(
        1318,
        "42000",
        f"Incorrect number of arguments for FUNCTION sys.{call.name};"
        f" expected {arity_of(call)}, got {len(call.arguments)}",
    )


# --- arguments without rows ---------------------------------------------------------


async def _constants(made: Made) -> list[bytes | None]:
    """The value of each call as a literal, None when its arguments need rows.

    Raises:
        Unforeseen: the statement itself changes what an argument is.
    """
    session = made.session
    changed = _set_variables(made.part)
    values: list[bytes | None] = []
    for call in made.calls:
        inside = [t for t in made.part if call.start <= t.start < call.end]
        if any(t.kind is Kind.VARIABLE and _variable(t) in changed for t in inside):
            raise Unforeseen("a variable is set and used as an argument")
        if is_evaluated_once(inside):
            raise Unforeseen("its arguments are not the same twice")
        if any(t.is_word(*AGGREGATES, b"OVER", b"VALUES", b"DEFAULT") for t in inside):
            values.append(None)
            continue
        try:
            arguments = await session.backend.evaluate(as_text(call))
        except MySQLError as problem:
            if problem.number not in NAMES:
                raise
            values.append(None)
            continue
        (answer,) = await function_of(call).run(session, [tuple(arguments)])
        values.append(_json_literal(answer))
    return values


def _json_literal(value: str | None) -> bytes:
    if value is None:
        return b"CAST(NULL AS JSON)"
    return b"CAST(" + quote_text(value).encode() + b" AS JSON)"


def _set_variables(part: Sequence[Token]) -> set[bytes]:
    """The variables of the session that the statement sets."""
    sets = part[0].is_word(b"SET")
    return {
        _variable(token)
        for token, following in pairwise(part)
        if token.kind is Kind.VARIABLE
        and (following.is_symbol(b":=") or (sets and following.is_symbol(b"=")))
    }


def _variable(token: Token) -> bytes:
    return token.text.lower().translate(None, b"@`'\"")
