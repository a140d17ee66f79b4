"""Statements of ours in the binary protocol: prepared once, executed with parameters.

MySQL prepares them too, on the stubs and sealed shells: so the client gets MySQL's own
errors, parameters and columns. An execution is the statement with the parameters as
literals in place of its ``?``, which the same handlers answer as ever.

Source: MySQL Source Code Documentation, "Prepared Statements".
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from pymysql.constants import FIELD_TYPE

from heatproxy.errors import MySQLError, not_supported, unknown_prepared
from heatproxy.session import Declined, Session
from heatproxy.sql.lexer import statements, tokens
from heatproxy.sql.placeholders import Place, Placeholder, filled, placeholders
from heatproxy.statements import Binding, Handler, Shown, Text
from heatproxy.statements.retyped import form_of, prime
from heatproxy.statements.sealed import SEALED, refusal
from heatproxy.wire.packets import Command
from heatproxy.wire.parameters import (
    UNSIGNED,
    Parameter,
    bound_types,
    decode,
    encode,
    kind_of,
    limit_literal,
    literal,
)
from heatproxy.wire.prepared import Prepared, PreparedStatements

# ER_QUERY_INTERRUPTED, ER_QUERY_TIMEOUT: it is this statement that has been ended.
_INTEGERS = (FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.LONG, FIELD_TYPE.LONGLONG)


async def prepare(
    session: Session, known: PreparedStatements, find: Handler, text: bytes
) -> bytes | None:
    """Answer a COM_STMT_PREPARE of ours; the statement's id, or None when it is not.

    Raises:
        MySQLError: MySQL refuses it.
    """
    statement = alone(session, text)
    whole = await whole_text(session, find, statement) if statement else None
    if statement is None or whole is None:
        return None
    reply = await session.backend.prepare(whole.text)
    if len(reply.parameters) != len(placeholders(statement.tokens)):
        session.backend.close_statement(reply.statement_id)
        if whole.optional:
            return None
        raise not_supported("a ? that is no parameter in a prepared statement")
    columns = [replace(c, name=whole.shown(c.name)) for c in reply.columns]
    known.by_id[reply.statement_id] = Prepared(
        text,
        len(reply.parameters),
        columns,
        [parameter.type for parameter in reply.parameters],
        optional=whole.optional,
    )
    head = reply.head
    if not whole.optional:
        head = head[:10] + bytes(2) + head[12:]  # MySQL warns of sealed shells
    await session.answer.prepared(head, reply.parameters, columns)
    return reply.statement_id


async def execute(
    session: Session,
    known: PreparedStatements,
    find: Handler,
    command: bytes,
    *,
    unseen: Sequence[int] | None = None,
) -> None:
    """Answer a COM_STMT_EXECUTE; the session's answer is a binary one.

    A statement that is ours no more, because its table was dropped and made anew, goes
    to MySQL. ``unseen``: MySQL has executed it since with parameters of these types;
    empty: of several.

    Raises:
        Declined: the command is to be passed on to MySQL as it is.
        MySQLError: 1243, 1210 or 1835 as MySQL has them; the statement's own.
    """
    prepared = known.by_id.get(command[1:5])
    if prepared is None:  # it was another engine process that knew it
        number = str(int.from_bytes(command[1:5], "little"))
        raise unknown_prepared(number, "mysql_stmt_precheck")
    sends_types = bound_types(
        command, session.backend.capabilities, prepared.parameters
    )
    if unseen is not None:
        prepared.types = prepared.told = unseen or None
        prepared.history.note_unseen(tuple(map(kind_of, unseen)))
    lacks_types = prepared.parameters and not sends_types and prepared.types is None
    if prepared.optional and lacks_types:
        raise Declined("parameters whose types MySQL alone knows")
    has_long_data = bool(prepared.long_data)
    try:
        if prepared.problem is not None:
            raise prepared.problem
        parameters = decode(
            command,
            session.backend.capabilities,
            prepared.parameters,
            prepared.types,
            prepared.long_data,
        )
    finally:
        prepared.reset()
    prepared.types = [parameter.type for parameter in parameters]
    statement = alone(session, prepared.text)
    assert statement is not None
    marks = placeholders(statement.tokens)
    escapes = session.backslash_escapes
    is_call = statement.tokens[0].is_word(b"CALL")
    literals = [
        _literal(mark, parameter, escapes, is_ours=is_call)
        for mark, parameter in zip(marks, parameters, strict=True)
    ]
    pairs = zip(parameters, prepared.derived, strict=True)
    kinds = [_kind(parameter, taken) for parameter, taken in pairs]
    is_first = prepared.history.takes(kinds, parameters)
    bound = bind(session, statement, marks, literals, prepared, is_first=is_first)
    capabilities = session.backend.capabilities

    async def again(values: Sequence[Parameter]) -> None:
        await session.backend.execute(encode(command[1:5], capabilities, values))

    try:
        try:
            work = await find(session, bound)
            if work is not None:
                await work.run()
                return
        except Declined:
            await prime(session, bound, prepared.history, again)
            prepared.history.note_relayed()
            if not has_long_data and (sends_types or _is_told(prepared)):
                prepared.told = prepared.types
                raise
        await prime(session, bound, prepared.history, again)
        prepared.history.note_relayed()
        await session.relay_command(encode(command[1:5], capabilities, parameters))
        prepared.told = prepared.types
    except MySQLError as error:
        if error.number != SEALED:
            raise
        raise refusal(session.house.shells, bound.text, error) from None


def _kind(parameter: Parameter, taken: int) -> Hashable | None:
    if parameter.value is None:
        return None
    kind = kind_of(parameter.type)
    return form_of(parameter.value, taken) if kind == FIELD_TYPE.STRING else kind


def _is_told(prepared: Prepared) -> bool:
    """Whether MySQL knows the types of the parameters as they are bound now."""
    return not prepared.parameters or prepared.told == prepared.types


def _literal(
    mark: Placeholder, parameter: Parameter, escapes: bool, *, is_ours: bool
) -> bytes:
    """A value as SQL; ``is_ours``: MySQL has no part in what it means."""
    if mark.place is Place.COUNT:
        return limit_literal(parameter)
    written = literal(parameter, backslash_escapes=escapes)
    if parameter.value is None or parameter.kind not in _INTEGERS:
        return written
    if parameter.type & UNSIGNED and (mark.place is Place.KEY or not is_ours):
        return b"CAST(" + written + b" AS UNSIGNED)"
    return b"CAST(" + written + b" AS SIGNED)" if mark.place is Place.KEY else written


# --- what SQL's PREPARE and EXECUTE do the same way -----------------------------------


def alone(session: Session, text: bytes) -> Text | None:
    """The statement in a text; None when there are several, or what MySQL must read."""
    try:
        found = tokens(text, backslash_escapes=session.backslash_escapes)
    except MySQLError:  # a versioned comment: MySQL decides what it says
        return None
    parts = statements(found)
    return Text(text, parts[0]) if len(parts) == 1 else None


@dataclass(frozen=True, slots=True)
class Whole:
    """What MySQL is to prepare, and how the names of its columns are shown."""

    text: bytes
    shown: Shown = str
    optional: bool = False


async def whole_text(session: Session, find: Handler, statement: Text) -> Whole | None:
    """What MySQL is to prepare for a statement of ours; None when it is not.

    What a handler refuses is refused when it is executed: then it may be another
    statement's turn.
    """
    try:
        work = await find(session, statement)
    except MySQLError as refused:
        if refused.is_kill:
            raise
        return Whole(statement.text)
    if work is None:
        return None
    text = statement.text if work.whole is None else work.whole
    return Whole(text, work.shown, work.optional)


def bind(
    session: Session,
    statement: Text,
    marks: Sequence[Placeholder],
    values: Sequence[bytes],
    prepared: Prepared,
    *,
    by_variables: bool = False,
    is_first: bool = True,
) -> Text:
    """The statement with these expressions for its ``?``.

    ``by_variables``: they are variables of the session, which OUT values reach.
    ``is_first``: they mean to MySQL what they would the first time.
    """
    text, places = filled(statement.text, marks, values)
    bound = alone(session, text)
    assert bound is not None
    parameters = frozenset[int]() if by_variables else places
    binding = Binding(parameters, prepared.columns, is_first)
    return replace(bound, binding=binding)


def note(known: PreparedStatements, command: bytes) -> bool:
    """Take what a command without a result says; whether MySQL must hear it too."""
    statement_id = command[1:5]
    prepared = known.by_id.get(statement_id)
    if command[0] == Command.STMT_CLOSE:
        known.by_id.pop(statement_id, None)
    elif prepared is None:
        return True
    elif command[0] == Command.STMT_RESET:
        prepared.reset()
    else:
        prepared.add_long_data(command)
        return False
    return True
