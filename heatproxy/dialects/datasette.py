"""Datasette ML: sqml_load_dataset, sqml_train, sqml_predict and sqml_predict_batch.

A call is replaced by its value, or by a call of ML_PREDICT_ROW; MySQL runs the rest.
Statements may come in SQLite's words, as Datasette's do.

Source: Datasette ML, "SQL functions".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from heatproxy.datatypes import quote_name, quote_text
from heatproxy.dialects import datasets, experiments
from heatproxy.errors import MySQLError, not_supported
from heatproxy.session import Session
from heatproxy.sql.calls import RoutineCall, find_calls
from heatproxy.sql.lexer import Kind, Token, find_word, split_at_commas, text_of, tokens
from heatproxy.sql.sqlite import edited, plain, with_tables
from heatproxy.statements import Binding, Text, Work, rowfunction
from heatproxy.statements.call import noted
from heatproxy.statements.primary import in_primary

DIALECT = "datasette"
LOAD, TRAIN = "SQML_LOAD_DATASET", "SQML_TRAIN"
PREDICT, PREDICT_BATCH = "SQML_PREDICT", "SQML_PREDICT_BATCH"
ARITIES = {
    LOAD: range(1, 3),
    TRAIN: range(5, 8),
    PREDICT: range(2, 3),
    PREDICT_BATCH: range(2, 3),
}
_BEHIND = (
    *(b"FROM", b"WHERE", b"GROUP", b"HAVING", b"WINDOW", b"ORDER", b"LIMIT"),
    *(b"UNION", b"EXCEPT", b"INTERSECT", b"INTO"),
)
_ALIAS_CHARACTERS = 256


async def handle(session: Session, statement: Text) -> Work | None:
    """Take a statement that calls one of the functions, unless MySQL has it."""
    if DIALECT not in session.house.config.automl.dialects:
        return None
    if b"sqml_" not in statement.own.lower():
        return None
    escapes = session.backslash_escapes
    text = plain(statement.own, escapes=escapes)
    calls = _calls(text, tokens(text, backslash_escapes=escapes))
    if not calls:
        return None
    async with in_primary(session):
        if await _is_mysqls(session, calls):
            return None
    for call in calls:
        if len(call.arguments) not in ARITIES[call.name]:
            raise _wrong_arity(call)
    text = _named(text, escapes=escapes)
    empty = [
        (call.start, call.end, b"NULL")
        for call in _calls(text, tokens(text, backslash_escapes=escapes))
    ]
    whole = with_tables(edited(text, empty), escapes=escapes)
    return Work(partial(_answer, session, statement, text), whole, kind="SQML")


def _calls(text: bytes, words: Sequence[Token]) -> list[RoutineCall]:
    return [call for call in find_calls(text, words, ARITIES) if call.schema is None]


async def _is_mysqls(session: Session, calls: Sequence[RoutineCall]) -> bool:
    """Whether the session's schema has a function of such a name."""
    names = ", ".join(f"'{call.name}'" for call in calls)
    count = await session.backend.scalar(
        "SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA ="
        f" DATABASE() AND ROUTINE_TYPE = 'FUNCTION' AND ROUTINE_NAME IN ({names})"
    )
    return count != "0"


def _wrong_arity(call: RoutineCall) -> MySQLError:
    least = ARITIES[call.name].start
    text = f"Incorrect number of arguments for FUNCTION {call.name.lower()};"
    text += f" expected {least}, got {len(call.arguments)}"
    return MySQLError(1318, "42000", text)


async def _answer(session: Session, statement: Text, text: bytes) -> None:
    async with in_primary(session):
        await _answer_here(session, statement, text)


async def _answer_here(session: Session, statement: Text, text: bytes) -> None:
    escapes = session.backslash_escapes
    while calls := _calls(text, words := tokens(text, backslash_escapes=escapes)):
        text = await _without(session, text, words, calls[0])
    text = with_tables(text, escapes=escapes)
    words = tokens(text, backslash_escapes=escapes)
    columns = statement.binding.columns if statement.binding is not None else []
    rest = Text(text, words, Binding(frozenset(), columns) if columns else None)
    work = await rowfunction.handle(session, rest)
    if work is not None:
        await work.run()
    elif session.answer.binary:
        found = await session.backend.packed(text, binary=True)
        columns = rest.described(list(found.columns))
        await session.answer.packed_rows(columns, found.rows)
    else:
        await session.relay(text)


async def _without(
    session: Session, text: bytes, words: Sequence[Token], call: RoutineCall
) -> bytes:
    """The statement without a call, with what stands for it instead."""
    if call.name == PREDICT_BATCH:
        return await _with_batch(session, text, words, call)
    if call.name == PREDICT:
        (experiment,) = await session.backend.evaluate([call.arguments[0]])
        handle = await experiments.deployed(session, experiment)
        model = quote_text(handle).encode()
        row = b"sys.ML_PREDICT_ROW(" + call.arguments[1] + b", " + model + b", NULL)"
        kind = await experiments.number_type(session, handle)
        if kind is None:
            piece = b"JSON_UNQUOTE(JSON_EXTRACT(" + row + b", '$.Prediction'))"
        else:
            returning = b" RETURNING " + kind.encode() + b" ERROR ON ERROR)"
            piece = b"JSON_VALUE(" + row + b", '$.Prediction'" + returning
        return edited(text, [(call.start, call.end, piece)])
    if not words[0].is_word(b"SELECT") or find_word(words, *_BEHIND) is not None:
        raise not_supported(f"{call.name.lower()} but in a SELECT of its value")
    given = await session.backend.evaluate(call.arguments)
    if call.name == LOAD:
        value = await datasets.load(session, *given)
    else:
        wanted = experiments.wanted(given)
        value = await noted(session, "ML_TRAIN", experiments.train(session, wanted))
    return edited(text, [(call.start, call.end, quote_text(value).encode())])


# --- a call over all rows of a SELECT -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Select:
    """A SELECT whose list is one call: its tokens, and those behind the list."""

    tokens: Sequence[Token]
    rest: Sequence[Token]


async def _with_batch(
    session: Session, text: bytes, words: Sequence[Token], call: RoutineCall
) -> bytes:
    """sqml_predict_batch: its array is what the SELECT around it gathers."""
    select = _around(words, call)
    arguments = b", ".join(
        b"HEX(CAST((" + argument + b"\n) AS CHAR CHARACTER SET utf8mb4))"
        for argument in call.arguments
    )
    asked = b"SELECT " + arguments + b" " + text_of(text, select.rest)
    found = (await session.backend.query(asked)).texts()
    if len(found) != 1:
        raise not_supported("sqml_predict_batch of several arrays")
    experiment, features = (
        None if value is None else bytes.fromhex(value).decode() for value in found[0]
    )
    value = await experiments.predict_batch(session, experiment, features)
    piece = b"NULL" if value is None else quote_text(value).encode()
    first, last = select.tokens[0], select.tokens[-1]
    if first.start != words[0].start:  # a subquery: a value now
        return edited(text, [(first.start, last.end, piece)])
    edits = [(call.start, call.end, piece)]
    if select.rest:  # its rows have been read: one is left
        edits.append((select.rest[0].start, select.rest[-1].end, b""))
    return edited(text, edits)


def _around(words: Sequence[Token], call: RoutineCall) -> Select:
    """The SELECT whose list a call is.

    Raises:
        MySQLError: 1235, the list has more than the call.
    """
    here = next(i for i, word in enumerate(words) if word.start == call.start)
    if here and words[here - 1].is_word(b"SELECT"):
        depth, end = 0, here
        while end < len(words) and depth >= 0:
            depth += words[end].is_symbol(b"(") - words[end].is_symbol(b")")
            end += depth >= 0
        inside = words[here - 1 : end]
        begin = find_word(inside, *_BEHIND)
        listed = inside[1:begin]
        behind = [word for word in listed if word.start >= call.end]
        is_alone = not any(word.kind is Kind.SYMBOL for word in behind)
        if is_alone and len(behind) <= 2:
            return Select(inside, inside[begin:] if begin is not None else ())
    raise not_supported("sqml_predict_batch beside other columns of a SELECT")


# --- names of columns -----------------------------------------------------------------


def _named(text: bytes, *, escapes: bool) -> bytes:
    """Each column that a call gives named by that call, where it has no name."""
    words = tokens(text, backslash_escapes=escapes)
    if not words[0].is_word(b"SELECT"):
        return text
    edits = []
    for item in split_at_commas(words[1 : find_word(words, *_BEHIND)]):
        calls = _calls(text, item)
        last = item[-1] if item else words[0]
        if not calls or (last.start >= calls[-1].end and last.name is not None):
            continue
        name = text_of(text, item).decode("utf-8", "replace")[:_ALIAS_CHARACTERS]
        edits.append((last.end, last.end, b" AS " + quote_name(name).encode()))
    return edited(text, edits)
