"""PREPARE, EXECUTE and DEALLOCATE PREPARE in SQL, of statements that are ours.

MySQL prepares them under the same name, so its errors are its own. EXECUTE runs the
statement with the variables themselves in place of its ``?`` where it is a CALL, so
that OUT values reach them, and with their values elsewhere.

Source: MySQL Reference Manual, "Prepared Statements".
"""

from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from pymysql.constants import FIELD_TYPE, FLAG

from heatproxy.errors import out_of_range, wrong_arguments
from heatproxy.session import Declined, Session
from heatproxy.sql.lexer import Kind, Token, split_at_commas
from heatproxy.sql.placeholders import Place, Placeholder, placeholders
from heatproxy.statements import Handler, Text, Work
from heatproxy.statements.prepared import Whole, alone, bind, whole_text
from heatproxy.statements.retyped import form_of, prime
from heatproxy.wire.columns import BINARY_CHARSET, ColumnDefinition
from heatproxy.wire.parameters import text_literal
from heatproxy.wire.prepared import Kinds, Prepared, PreparedStatements

EXECUTE = "EXECUTE"
_FOREIGN = "text of another collation"  # which no literal has
_ESCAPES = {
    name: bytes([byte])
    for name, byte in zip(
        (b"0", b"b", b"n", b"r", b"t", b"Z"), b"\0\b\n\r\t\x1a", strict=True
    )
}


async def handle(
    known: PreparedStatements, find: Handler, session: Session, statement: Text
) -> Work | None:
    """Take PREPARE and EXECUTE; ``find`` says which prepared statements are ours."""
    words = statement.tokens
    name = _name(words, 1)
    if words[0].is_word(b"PREPARE") and name is not None:
        known.by_name.pop(name, None)  # gone, whatever MySQL says of the new one
        if len(words) == 4 and words[2].is_word(b"FROM"):
            return await _prepare(known, find, session, name, words)
    elif words[0].is_word(b"EXECUTE") and name in known.by_name:
        assert name is not None
        return Work(partial(_execute, known.by_name[name], find, session, statement))
    elif words[0].is_word(b"DEALLOCATE", b"DROP") and _is_prepare(words, 1):
        known.by_name.pop(_name(words, 2) or "", None)
    return None


def _is_prepare(words: Sequence[Token], index: int) -> bool:
    return index < len(words) and words[index].is_word(b"PREPARE")


def _name(words: Sequence[Token], index: int) -> str | None:
    """The name there; statements' names know no case."""
    found = words[index].name if index < len(words) else None
    return None if found is None else found.lower()


# --- PREPARE ------------------------------------------------------------------------


async def _prepare(
    known: PreparedStatements,
    find: Handler,
    session: Session,
    name: str,
    words: Sequence[Token],
) -> Work | None:
    text = await _text(session, words[3])
    inner = None if text is None else alone(session, text)
    whole = await whole_text(session, find, inner) if inner else None
    if inner is None or whole is None:
        return None
    return Work(partial(_have_prepared, known, session, name, words[1], inner, whole))


async def _have_prepared(
    known: PreparedStatements,
    session: Session,
    name: str,
    written: Token,
    inner: Text,
    whole: Whole,
) -> None:
    escapes = session.backslash_escapes
    text = text_literal(whole.text, backslash_escapes=escapes)
    count = len(placeholders(inner.tokens))
    columns: list[ColumnDefinition] = []
    derived: list[int] = []
    await session.relay(b"PREPARE " + written.text + b" FROM " + text)
    if count:
        found = await session.backend.prepared_columns(whole.text)
        columns = [replace(c, name=whole.shown(c.name)) for c in found]
        derived = [parameter.type for parameter in session.backend.parameters]
    known.by_name[name] = Prepared(
        inner.text, count, columns, derived, optional=whole.optional
    )


async def _text(session: Session, source: Token) -> bytes | None:
    """The text that FROM gives, as bytes of the client's character set, UTF-8."""
    if source.kind is Kind.VARIABLE and not source.text.startswith(b"@@"):
        (text,) = await session.backend.evaluate([source.text])
        return None if text is None else text.encode()
    if source.kind is not Kind.STRING or source.text[:1] not in b"\"'":
        return None
    return unquoted(source.text, backslash_escapes=session.backslash_escapes)


def unquoted(text: bytes, *, backslash_escapes: bool) -> bytes:
    """What a string literal says."""
    quote, inner = text[:1], text[1:-1]
    if not backslash_escapes:
        return inner.replace(quote * 2, quote)
    pieces: list[bytes] = []
    position = 0
    while position < len(inner):
        byte = inner[position : position + 1]
        following = inner[position + 1 : position + 2]
        if byte == b"\\" and following:
            # before these the backslash stays, for LIKE to read
            kept = byte if following in (b"%", b"_") else b""
            pieces.append(kept + _ESCAPES.get(following, following))
            position += 2
        else:
            pieces.append(byte)
            position += 2 if byte == quote else 1
    return b"".join(pieces)


# --- EXECUTE ------------------------------------------------------------------------


async def _execute(
    prepared: Prepared, find: Handler, session: Session, statement: Text
) -> None:
    """Run it.

    Raises:
        MySQLError: 1210, as many variables as it has parameters are not given.
    """
    variables = _using(statement.tokens)
    inner = alone(session, prepared.text)
    if variables is None or inner is None:
        await session.relay(statement.own)  # MySQL says what is wrong with it
        return
    if len(variables) != prepared.parameters:
        raise wrong_arguments(EXECUTE)
    marks = placeholders(inner.tokens)
    values: Sequence[bytes] = variables
    is_call = inner.tokens[0].is_word(b"CALL")
    kinds: Kinds = ()
    if variables and not is_call:
        values, kinds = await _values(session, variables, marks, prepared.derived)
    prepared.history.is_mixed |= _FOREIGN in kinds
    is_first = prepared.history.takes(kinds, values)
    how = {"by_variables": is_call, "is_first": is_first}
    bound = bind(session, inner, marks, values, prepared, **how)
    again = partial(_again, session, statement.tokens[1].text)
    with suppress(Declined):
        work = await find(session, bound)
        if work is not None:
            await work.run()
            return
    await prime(session, bound, prepared.history, again)
    prepared.history.note_relayed()
    await session.relay(statement.own)


async def _again(session: Session, name: bytes, values: Sequence[bytes]) -> None:
    """Have MySQL execute a statement with the values of an execution before."""
    variables = [b"@heatproxy_%d" % place for place in range(len(values))]
    pairs = zip(variables, values, strict=True)
    given = b", ".join(variable + b" = " + value for variable, value in pairs)
    await session.backend.query(b"SET " + given)
    using = b" USING " + b", ".join(variables)
    try:
        await session.backend.query(b"EXECUTE " + name + using)
    finally:
        gone = b", ".join(variable + b" = NULL" for variable in variables)
        await session.backend.query(b"SET " + gone)


def _using(words: Sequence[Token]) -> list[bytes] | None:
    """The variables of EXECUTE name USING ...; None: MySQL must say what is wrong."""
    if len(words) == 2:
        return []
    if not words[2].is_word(b"USING"):
        return None
    variables = []
    for listed in split_at_commas(words[3:]):
        if len(listed) != 1 or listed[0].kind is not Kind.VARIABLE:
            return None
        variables.append(listed[0].text)
    return variables


async def _values(
    session: Session,
    variables: Sequence[bytes],
    marks: Sequence[Placeholder],
    derived: Sequence[int],
) -> tuple[list[bytes], Kinds]:
    """The values of user variables as literals of their types, and these."""
    kinds = (await session.backend.query(b"SELECT " + b", ".join(variables))).columns
    texts = [b"CONVERT(" + name + b" USING utf8mb4)" for name in variables]
    for place, (name, kind) in enumerate(zip(variables, kinds, strict=True)):
        if kind.charset == BINARY_CHARSET and _is_string(kind):
            texts[place] = b"HEX(" + name + b")"
    texts += [b"COLLATION(" + name + b")" for name in variables]
    found = await session.backend.evaluate([*texts, b"@@collation_connection"])
    *values, own = found
    values, collations = values[: len(variables)], values[len(variables) :]
    literals = [
        _literal(session, mark, kind, value)
        for mark, kind, value in zip(marks, kinds, values, strict=True)
    ]
    return literals, [
        None if value is None else _kind(kind, value, taken, collation == own)
        for kind, value, taken, collation in zip(
            kinds, values, derived, collations, strict=True
        )
    ]


def _kind(column: ColumnDefinition, value: str, taken: int, is_own: bool) -> Hashable:
    """What MySQL tells values apart by; ``is_own``: of the session's collation."""
    if not _is_string(column):
        return column.type, column.flags & FLAG.UNSIGNED
    if column.charset == BINARY_CHARSET:
        return BINARY_CHARSET
    return form_of(value.encode(), taken) if is_own else _FOREIGN


def _literal(
    session: Session, mark: Placeholder, kind: ColumnDefinition, value: str | None
) -> bytes:
    is_integer = kind.type == FIELD_TYPE.LONGLONG
    if mark.place is Place.COUNT:
        if value is None:
            return b"0"
        if not is_integer:
            raise wrong_arguments(EXECUTE)
        if value.startswith("-"):
            raise out_of_range("unsigned integer value", EXECUTE)
        return value.encode()
    if value is None:
        return b"NULL"
    is_unsigned = is_integer and kind.flags & FLAG.UNSIGNED
    if is_unsigned or (is_integer and mark.place is Place.KEY):
        sign = "UNSIGNED" if is_unsigned else "SIGNED"
        return f"CAST({value} AS {sign})".encode()
    if is_integer or kind.type == FIELD_TYPE.NEWDECIMAL:
        return f"({value})".encode()
    if kind.type == FIELD_TYPE.DOUBLE:
        return f"({value if 'e' in value else value + 'e0'})".encode()
    if kind.charset == BINARY_CHARSET:
        return f"X'{value}'".encode()
    escapes = session.backslash_escapes
    return text_literal(value.encode(), backslash_escapes=escapes)


def _is_string(kind: ColumnDefinition) -> bool:
    return kind.type not in (
        *(FIELD_TYPE.LONGLONG, FIELD_TYPE.NEWDECIMAL, FIELD_TYPE.DOUBLE),
    )
