"""``sys.ML_PREDICT_ROW`` and its like inside a statement.

MySQL computes everything but the function itself. Where the arguments are constants,
the call is replaced by its value and MySQL runs the statement. Where they come from the
rows of a SELECT, ``rowselect`` answers it.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

from heatproxy.aftermath import of_rows
from heatproxy.datatypes import quote_text
from heatproxy.errors import MySQLError, not_supported
from heatproxy.routines import ROUTINES
from heatproxy.routines.routine import RowFunction
from heatproxy.session import Session
from heatproxy.sql.calls import RoutineCall, find_calls
from heatproxy.sql.lexer import Kind, Token, find_word, split_at_commas
from heatproxy.statements import Text, Work
from heatproxy.statements.call import noted
from heatproxy.statements.rowselect import (
    BAD_FIELD,
    all_arguments,
    as_text,
    function_of,
    replaced,
    require_layout,
    row_by_row,
)
from heatproxy.statements.sealed import SEALED
from heatproxy.wire.columns import ColumnDefinition

NEEDS_A_ROW = (BAD_FIELD, 1109)  # unknown column, unknown table
FUNCTIONS = frozenset(
    name for name, routine in ROUTINES.items() if isinstance(routine, RowFunction)
)


async def handle(session: Session, statement: Text) -> Work | None:
    """Take a statement that calls one of FUNCTIONS in ``sys``."""
    found = find_calls(statement.text, statement.tokens, FUNCTIONS)
    unqualified_is_ours = False
    if any(call.schema is None for call in found):
        unqualified_is_ours = (await session.schema() or "").lower() == "sys"
    calls = [
        call
        for call in found
        if (call.schema.lower() == "sys" if call.schema else unqualified_is_ours)
    ]
    if not calls:
        return None
    whole = _whole_calls(statement, calls)
    return Work(
        partial(_answer, session, statement, calls),
        replaced(statement.own, calls, whole, statement.tokens[0].start),
        partial(_as_given, [statement.text[c.start : c.end] for c in calls], whole),
    )


async def _answer(
    session: Session, statement: Text, calls: Sequence[RoutineCall]
) -> None:
    """Give the client the statement's answer.

    Raises:
        MySQLError: from MySQL, from the function, or 1235 where the calls stand.
    """
    for call in calls:
        if len(call.arguments) not in function_of(call).arities:
            raise _wrong_arity(call)
    _refuse_own_variables(statement.tokens, calls)
    try:
        work = _relay_or_select(session, statement, calls)
        await noted(session, calls[0].name, work)
    except MySQLError as problem:
        if problem.number != SEALED:
            raise
        raise not_supported(
            f"sys.{calls[0].name} in a query of Lakehouse tables"
        ) from None


async def _relay_or_select(
    session: Session, statement: Text, calls: Sequence[RoutineCall]
) -> None:
    text, part = statement.text, statement.tokens
    columns: list[ColumnDefinition] = []
    if part[0].is_word(b"SELECT") and find_word(part, b"INTO") is None:
        columns = await _columns(session, statement, calls)
    else:
        await _require_execute(session, calls)
    rows: Sequence[Sequence[bytes | None]]
    values = await _constants(session, calls)
    if values is not None:
        literals = [_json_literal(v) for v in values]
        rewritten = replaced(statement.own, calls, literals, part[0].start)
        if not columns:
            await session.relay(rewritten)
            return
        binary = session.answer.binary
        found = await session.backend.packed(rewritten, binary=binary)
        if binary:
            require_layout([column.type for column in found.columns], columns)
        rows = found.rows
    elif columns:
        rows = await row_by_row(session, text, part, calls, columns)
    else:
        raise not_supported(
            f"sys.{calls[0].name} over rows in a statement other than a plain SELECT"
        )
    await session.answer.packed_rows(statement.described(columns), rows)
    session.aftermath = of_rows(len(rows))


def _wrong_arity(call: RoutineCall) -> MySQLError:
    expected = len(function_of(call).parameters)
    return MySQLError(
        1318,
        "42000",
        f"Incorrect number of arguments for FUNCTION sys.{call.name};"
        f" expected {expected}, got {len(call.arguments)}",
    )


async def _columns(
    session: Session, statement: Text, calls: Sequence[RoutineCall]
) -> list[ColumnDefinition]:
    """The columns of a SELECT, named by its own text.

    MySQL prepares it with the arguments that older scripts leave out.
    """
    text, begin = statement.own, statement.tokens[0].start
    whole = _whole_calls(statement, calls)
    columns = await session.backend.prepared_columns(
        replaced(text, calls, whole, begin)
    )
    given = [statement.text[call.start : call.end] for call in calls]
    return [replace(c, name=_as_given(given, whole, c.name)) for c in columns]


def _whole_calls(statement: Text, calls: Sequence[RoutineCall]) -> list[bytes]:
    """The text of each call with NULL for the arguments that it leaves out."""
    whole = []
    for call in calls:
        short = statement.text[call.start : call.end]
        missing = len(all_arguments(call)) - len(call.arguments)
        whole.append(short[:-1] + b", NULL" * missing + b")")
    return whole


def _as_given(given: Sequence[bytes], whole: Sequence[bytes], name: str) -> str:
    """A column's name with the calls in it as they were given."""
    for short, long in zip(given, whole, strict=True):
        name = name.replace(long.decode(), short.decode())
    return name


async def _require_execute(session: Session, calls: Sequence[RoutineCall]) -> None:
    """Have MySQL refuse a caller who may not execute one of the functions: 1370."""
    for name in {call.name for call in calls}:
        nulls = ", ".join(["NULL"] * len(ROUTINES[name].parameters))
        await session.backend.prepared_columns(f"SELECT sys.{name}({nulls})".encode())


def _refuse_own_variables(part: Sequence[Token], calls: Sequence[RoutineCall]) -> None:
    """Raise for arguments with a variable that the statement itself sets.

    The arguments are evaluated before the statement runs.
    """
    sets = part[0].is_word(b"SET")
    changed: set[bytes] = set()  # by what stands before; by all of it in a SELECT
    members = split_at_commas(part[1:]) if sets else iter([part])
    for member in members:
        here = {
            _variable(token)
            for token, following in pairwise(member)
            if token.kind is Kind.VARIABLE
            and (following.is_symbol(b":=") or (sets and following.is_symbol(b"=")))
        }
        changed |= set() if sets else here
        for token in member:
            inside = any(call.start <= token.start < call.end for call in calls)
            if inside and token.kind is Kind.VARIABLE and _variable(token) in changed:
                name = token.text.decode("utf-8", "replace")
                raise not_supported(
                    f"{name} set and used as an argument in the same statement"
                )
        changed |= here


def _variable(token: Token) -> bytes:
    return token.text.lower().translate(None, b"@`'\"")


def _json_literal(value: str | None) -> bytes:
    if value is None:
        return b"CAST(NULL AS JSON)"
    return b"CAST(" + quote_text(value).encode() + b" AS JSON)"


async def _constants(
    session: Session, calls: Sequence[RoutineCall]
) -> list[str | None] | None:
    """The value of each call, or None when an argument needs the rows of a table."""
    values: list[str | None] = []
    for call in calls:
        try:
            arguments = await session.backend.evaluate(as_text(call))
        except MySQLError as problem:
            if problem.number in NEEDS_A_ROW:
                return None
            raise
        values += await function_of(call).run(session, [tuple(arguments)])
    return values
