"""Predictions in one batch for each call, looked up by MySQL as it runs the statement.

MySQL gives the arguments of every row that a call may be asked about, in the client's
own session; the model answers them at once; the answers stand in temporary tables, and
a look-up stands in the call's place. So all that is not the prediction itself is
MySQL's own, and a row that was not foreseen is an error and never another answer.
"""

import hashlib
from collections.abc import Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.errors import MySQLError
from heatproxy.jsontext import json_text, parse
from heatproxy.session import Cancel, Session
from heatproxy.sql.calls import RoutineCall
from heatproxy.sql.lexer import Kind, Token
from heatproxy.sql.predictions_blocks import selects_all
from heatproxy.sql.predictions_gather import Asked, Rewriting
from heatproxy.sql.references import references
from heatproxy.statements.predicting.batched import (
    Answers,
    as_bytes,
    by_columns,
    takes_prediction,
)
from heatproxy.statements.predicting.calls import (
    as_text,
    function_of,
    is_evaluated_once,
    value_of,
)
from heatproxy.statements.predicting.early import NAMES, early_rows
from heatproxy.statements.predicting.lookups import Lookups, Unmade

_OPTIONS = 2  # the place of the argument


class Unforeseen(Exception):
    """The rows that the calls are for cannot be told beforehand; the message says why.

    ``problem`` is the error that the model has answered with, if it has.
    """

    def __init__(self, reason: str, problem: MySQLError | None = None) -> None:
        super().__init__(reason)
        self.problem = problem


async def rewritten(
    session: Session,
    text: bytes,
    part: Sequence[Token],
    calls: Sequence[RoutineCall],
    lookups: Lookups,
) -> bytes:
    """The statement with look-ups for its calls, whose answers are in ``lookups``.

    Raises:
        Unforeseen: it must be answered row by row.
        MySQLError: 1317, killed.
    """
    rewriting = Rewriting(text, part, calls)
    await require_repeatable(session, rewriting.repeated(), calls)
    for asked in rewriting.asked():
        await _settle(session, rewriting, asked, lookups)
    if rewriting.left:
        raise Unforeseen("it stands in no query")
    return rewriting.statement()


async def require_repeatable(
    session: Session, part: Sequence[Token], calls: Sequence[RoutineCall]
) -> None:
    """Raise where what the arguments come from, ``part``, cannot be evaluated twice.

    Raises:
        Unforeseen: and why.
    """
    if is_evaluated_once(part):
        raise Unforeseen("its rows are not the same when they are asked for again")
    if await _has_stored_function(session, part, calls):
        raise Unforeseen("it calls a stored function")


def schemas_of(part: Sequence[Token], schema: str | None) -> list[str]:
    """Where a temporary table may be made for a statement."""
    named = [r.schema for r in references(part) if r.schema is not None]
    return list(dict.fromkeys([*([schema] if schema else []), *named]))


async def _settle(
    session: Session, rewriting: Rewriting, asked: Asked, lookups: Lookups
) -> None:
    call = asked.calls[0]
    value, varying = value_of(call, escapes=session.backslash_escapes)
    if _OPTIONS in varying:
        raise Unforeseen("its options are not the same for all rows")
    keys, texts = await _answered(session, rewriting, asked, value, varying)
    first: str | None = None
    try:
        if rewriting.joins(asked):
            if selects_all(rewriting.part, asked.block):
                raise Unforeseen("its rows are grouped and all columns are selected")
            rewriting.join(asked, value, (await lookups.make(keys, texts)).encode())
            return
        for one in asked.calls:
            if first is None:
                name = first = await lookups.make(keys, texts)
            else:
                name = await lookups.copy(first)
            rewriting.look_up(asked, one, value, name.encode())
    except Unmade as problem:
        raise Unforeseen(str(problem)) from None


async def _answered(
    session: Session,
    rewriting: Rewriting,
    asked: Asked,
    value: bytes,
    varying: Sequence[int],
) -> Answers:
    call = asked.calls[0]
    before = rewriting.early(asked)
    early = await early_rows(session, before, value)
    if before is not None and before.lateral and not early(value):
        raise Unforeseen("it is of a LATERAL table")
    gathers = partial(rewriting.gathers, asked)
    if list(varying) == [0]:
        narrow = all(takes_prediction(rewriting.text, one) for one in asked.calls)
        found = await by_columns(session, call, value, gathers, early, narrow=narrow)
        if found is not None:
            return found
    asked_for = as_bytes(value)
    values = await _gathered(session, gathers(asked_for), early(asked_for))
    keys, rows = await session.off_loop(
        partial(_rows, values, varying, await _constants(session, call, varying))
    )
    try:
        answers = await function_of(call).run(session, rows)
    except MySQLError as problem:
        if problem.is_kill:
            raise
        raise Unforeseen("the model refuses a row", problem) from None
    return keys, pa.array(answers, pa.string())


async def _gathered(
    session: Session, selects: Sequence[bytes], more: Sequence[bytes]
) -> pa.ChunkedArray:
    """The distinct values that the first SELECT gives whose names are right.

    And those of all of ``more``.
    """
    problem: MySQLError | None = None
    for select in selects:
        try:
            found = await session.backend.read_table(select)
        except MySQLError as refused:
            if refused.is_kill:
                raise
            problem = refused
            if refused.number not in NAMES:
                break
        else:
            columns = [found.column(0)]
            for one in more:
                columns.append((await session.backend.read_table(one)).column(0))
            arrays = [array for column in columns for array in column.chunks]
            return pc.unique(pa.chunked_array(arrays, found.column(0).type))
    assert problem is not None
    raise Unforeseen(f"MySQL has no rows for it: {problem.message}")


async def _constants(
    session: Session, call: RoutineCall, varying: Sequence[int]
) -> dict[int, str | None]:
    texts = as_text(call)
    places = [place for place in range(len(texts)) if place not in varying]
    found = await session.backend.evaluate([texts[place] for place in places])
    return dict(zip(places, found, strict=True))


def _rows(
    values: pa.Array,
    varying: Sequence[int],
    constants: dict[int, str | None],
    cancel: Cancel,
) -> tuple[pa.Array, list[tuple[str | None, ...]]]:
    """The key of each value, and the arguments that it is of."""
    found = values.to_pylist()
    keys = [hashlib.sha256(text).digest() for text in cancel.between(found)]
    texts = [text.decode() for text in cancel.between(found)]
    count = len(varying) + len(constants)
    rows: list[tuple[str | None, ...]] = []
    for text in cancel.between(texts):
        if len(varying) == 1:
            inner = text[1:-1]
            members: list[str | None] = [None if inner == "null" else inner]
            if varying[0] == 1:
                members = [parse(text)[0]]
        else:
            members = [
                None if member is None else member if place == 1 else json_text(member)
                for place, member in zip(varying, parse(text), strict=True)
            ]
        given = dict(zip(varying, members, strict=True)) | constants
        rows.append(tuple(given[place] for place in range(count)))
    return pa.array(keys, pa.binary()), rows


async def _has_stored_function(
    session: Session, part: Sequence[Token], calls: Sequence[RoutineCall]
) -> bool:
    """Whether it calls a function that the server does not have of itself."""
    starts = {call.start for call in calls}
    names = set()
    for index, token in enumerate(part[:-1]):
        if token.name is None or not part[index + 1].is_symbol(b"("):
            continue
        if index and part[index - 1].is_symbol(b"."):
            is_ours = index > 1 and part[index - 2].start in starts
            is_call = token.kind in (Kind.WORD, Kind.NAME)
            if is_call and not is_ours and not _is_column_list(part, index):
                names.add(token.name)
        elif token.start not in starts:
            names.add(token.name)
    if not names:
        return False
    listed = ", ".join(f"_utf8mb4 X'{name.encode().hex()}'" for name in names)
    found = await session.backend.scalar(
        "SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_TYPE ="
        f" 'FUNCTION' AND ROUTINE_NAME IN ({listed})"
    )
    return found != "0"


def _is_column_list(part: Sequence[Token], index: int) -> bool:
    """Whether it is a table with its columns: INSERT INTO t (a, b)."""
    while index > 1 and part[index - 1].is_symbol(b"."):
        index -= 2
    return index > 0 and part[index - 1].is_word(b"INTO", b"TABLE")
