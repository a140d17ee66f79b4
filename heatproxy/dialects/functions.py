"""Prediction functions by name anywhere: each call becomes one of ML_PREDICT_ROW.

MySQL prepares the statement as it came: it knows the function, so the number of
arguments, the right to execute it and the columns' names and types are its own. Then
the call is written as what ``rowfunction`` answers.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial

from heatproxy.automl.catalog import Catalog
from heatproxy.backend.functions import ModelFunction
from heatproxy.datatypes import quote_name
from heatproxy.dialects import shown
from heatproxy.errors import not_supported
from heatproxy.routines.models import open_model
from heatproxy.session import Session
from heatproxy.sql.calls import RoutineCall, find_calls
from heatproxy.sql.lexer import Token, find_word, split_at_commas, text_of, tokens
from heatproxy.sql.predictions import replaced
from heatproxy.statements import Binding, Text, Work, rowfunction
from heatproxy.statements.primary import in_primary

_MAKES = (b"DROP", b"ALTER", b"CREATE")
_LONGEST_NAME = 64
_CALLS_DEEP = 16


async def handle(session: Session, statement: Text) -> Work | None:
    """Take a statement that calls a prediction function, or drops one."""
    known = {name.upper() for name in session.house.functions.names}
    if not known:
        return None
    words = statement.tokens
    if words[0].is_word(*_MAKES) and len(words) > 1 and words[1].is_word(b"FUNCTION"):
        if not any(name.upper() in known for name in statement.names):
            return None
        return Work(partial(_relay_and_look, session, statement), optional=True)
    found = await _functions(session, statement, known)
    if not found:
        return None
    async with in_primary(session):
        columns = await session.backend.prepared_columns(statement.own)
        for function in set(found.values()):
            await _open(session, function)
    text = await _written(session, statement, known)
    if statement.binding is not None:
        columns = list(statement.binding.columns)
    plain = Text(
        text,
        tokens(text, backslash_escapes=session.backslash_escapes),
        Binding(frozenset(), columns),
    )
    work = await rowfunction.handle(session, plain)
    return None if work is None else replace(work, whole=statement.own, shown=str)


async def _relay_and_look(session: Session, statement: Text) -> None:
    functions = session.house.functions
    await session.relay(statement.own, partial(asyncio.to_thread, functions.refresh))
    functions.tell()


async def _functions(
    session: Session, statement: Text, known: Collection[str]
) -> dict[tuple[int, int], ModelFunction]:
    """The outermost calls of prediction functions, by where they stand."""
    calls = find_calls(statement.text, statement.tokens, known)
    if not calls:
        return {}
    default = None
    if any(call.schema is None for call in calls):
        default = await session.schema()
    by_schema: dict[str, list[str]] = {}
    for call in calls:
        schema = call.schema or default
        if schema is not None:
            by_schema.setdefault(schema, []).append(call.name)
    found = {}
    for schema, names in by_schema.items():
        there = await asyncio.to_thread(session.house.functions.find, schema, names)
        for call in calls:
            function = there.get(call.name.lower())
            if function is not None and (call.schema or default) == schema:
                found[call.start, call.end] = function
    return found


async def _open(session: Session, function: ModelFunction) -> None:
    """Load the model of somebody else, so that its handle is found.

    Raises:
        MySQLError: 1142, the caller may not read the owner's catalog; 3877, the model
            is gone; 1235, the caller has a model of that handle.
    """
    user = await session.user()
    if function.owner != user:
        catalog = Catalog(session.backend, user)
        if await shown.find(catalog, None, function.handle) is not None:
            raise not_supported(
                f"{function.name} of {function.owner} beside a model of one's own of"
                f" the same handle, {function.handle}"
            )
    await open_model(session, function.handle, function.owner)


async def _written(session: Session, statement: Text, known: Collection[str]) -> bytes:
    """The statement's own text with the calls as what they stand for."""
    text, words = statement.own, list(statement.tokens)
    escapes = session.backslash_escapes
    words = tokens(text, backslash_escapes=escapes)
    if words[0].is_word(b"CREATE"):
        text = _named(text, words, known)
    for _ in range(_CALLS_DEEP):  # arguments may be calls, too
        part = Text(text, tokens(text, backslash_escapes=escapes))
        found = await _functions(session, part, known)
        if not found:
            return text
        calls = [
            call
            for call in find_calls(text, part.tokens, known)
            if (call.start, call.end) in found
        ]
        by = [
            found[call.start, call.end].expression(call.arguments, escapes=escapes)
            for call in calls
        ]
        text = replaced(text, calls, by)
    raise not_supported("prediction functions inside of each other so deep")


def _named(text: bytes, words: Sequence[Token], known: Collection[str]) -> bytes:
    """CREATE TABLE ... SELECT: the columns that calls give are named by these calls."""
    begin = find_word(words, b"SELECT")
    if begin is None:
        return text
    end = find_word(words, b"FROM", b"WHERE", b"UNION", b"LIMIT", start=begin)
    edits: list[tuple[int, bytes]] = []
    for item in split_at_commas(words[begin + 1 : end]):
        calls = find_calls(text, item, known)
        if not calls or _has_alias(item, calls):
            continue
        whole = text_of(text, item)
        if len(whole) <= _LONGEST_NAME:
            alias = quote_name(whole.decode("utf-8", "replace"))
            edits.append((item[-1].end, b" AS " + alias.encode()))
    for place, piece in reversed(edits):
        text = text[:place] + piece + text[place:]
    return text


def _has_alias(item: Sequence[Token], calls: Sequence[RoutineCall]) -> bool:
    """Whether a name stands behind the last call, for the item."""
    last = item[-1]
    return last.start >= calls[-1].end and last.name is not None
