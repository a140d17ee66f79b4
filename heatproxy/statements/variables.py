"""SET of RAPID's system variables, which MySQL does not have.

MySQL evaluates the values on the client's session, and sets whatever else the statement
sets: when it refuses that, nothing is set here either.

Source: MySQL Reference Manual, "SET Syntax for Variable Assignment".
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from pymysql.constants import FIELD_TYPE

from heatproxy.aftermath import Aftermath, Condition
from heatproxy.errors import (
    MySQLError,
    global_variable,
    wrong_kind_of_variable,
    wrong_type_for_variable,
)
from heatproxy.rapid.variables import VARIABLES, Variable, shown
from heatproxy.session import Session
from heatproxy.sql.lexer import Kind, Token, split_at_commas, text_of
from heatproxy.sql.prefilter import MENTIONS
from heatproxy.sql.substitute import VariableMention, find_variables
from heatproxy.statements import Text, Work

SESSION, GLOBAL, PERSIST, PERSIST_ONLY = "session", "global", "persist", "persist_only"
_SCOPES = {"": SESSION, "local": SESSION}
_WORDS = (SESSION, "local", GLOBAL, PERSIST, PERSIST_ONLY)
_INTEGERS = (FIELD_TYPE.TINY, FIELD_TYPE.LONG, FIELD_TYPE.LONGLONG, FIELD_TYPE.BIT)
# MySQL looks whether the caller may before it looks at the value.
_MAY_SET_GLOBAL = b"SET GLOBAL max_connections = 'no number'"
_WRONG_TYPE = 1232
_NOTHING = b"DO 0"


@dataclass(frozen=True, slots=True)
class Assignment:
    """One member of a SET that is ours: the variable, its scope, the value's tokens."""

    variable: Variable
    scope: str
    value: Sequence[Token]


async def handle(session: Session, statement: Text) -> Work | None:
    """Take a SET with one of VARIABLES among what it sets."""
    words = statement.tokens
    if not words[0].is_word(b"SET") or not MENTIONS.search(statement.own):
        return None
    ours, others = [], []
    for member in split_at_commas(words[1:]):
        assignment = _assignment(member)
        if assignment is None:
            others.append(text_of(statement.text, member))
        else:
            ours.append(assignment)
    if not ours:
        return None
    rest = b"SET " + b", ".join(others) if others else _NOTHING
    work = partial(_answer, session, statement.text, ours, rest)
    # what MySQL can prepare: it has the same values, for variables that it has
    values = [
        b"@`heatproxy.set` = " + with_values(session, statement.text, one.value)
        for one in ours
        if any(token.is_symbol(b"?") for token in one.value)
    ]
    return Work(work, b"SET " + b", ".join([*values, *others]) if values else rest)


def _assignment(member: Sequence[Token]) -> Assignment | None:
    """The assignment to one of VARIABLES that a member of a SET is."""
    scope, place = "", 0
    mentions = find_variables(member[:2], VARIABLES)
    if mentions and mentions[0].first == 0:
        scope, name, place = mentions[0].scope, mentions[0].name, mentions[0].last + 1
    else:
        if len(member) > 1 and (member[0].name or "").lower() in _WORDS:
            scope, place = (member[0].name or "").lower(), 1
        name = (member[place].name or "").lower() if member else ""
        place += 1
    scope = _SCOPES.get(scope, scope)
    if name not in VARIABLES or scope not in _WORDS or place >= len(member) - 1:
        return None
    if not (member[place].is_symbol(b"=") or member[place].is_symbol(b":=")):
        return None
    return Assignment(VARIABLES[name], scope, member[place + 1 :])


async def _answer(
    session: Session, text: bytes, ours: Sequence[Assignment], rest: bytes
) -> None:
    """Set them all, or nothing.

    Raises:
        MySQLError: 1227 to 1238, as MySQL refuses such an assignment; its own.
    """
    for one in ours:
        _require_scope(one)
    if any(one.scope != SESSION for one in ours):
        await _require_may_set_global(session)
    warnings: list[Condition] = []
    values = [await _value(session, text, one, warnings) for one in ours]

    async def set_them() -> None:
        for one, value in zip(ours, values, strict=True):
            await asyncio.to_thread(_set, session, one, value)

    if warnings and rest == _NOTHING:
        await set_them()
        session.answer.warnings = len(warnings)
        await session.answer.ok()
        session.aftermath = Aftermath(row_count=0, conditions=warnings)
    else:
        await session.relay(rest, before_ok=set_them)


def _require_scope(one: Assignment) -> None:
    name = one.variable.name
    if one.variable.read_only:
        raise wrong_kind_of_variable(name, "read only")
    if one.scope == SESSION and not one.variable.is_session:
        raise global_variable(name)


async def _require_may_set_global(session: Session) -> None:
    """Have MySQL refuse a caller who may not set global variables: 1227."""
    try:
        await session.backend.query(_MAY_SET_GLOBAL)
    except MySQLError as problem:
        if problem.number != _WRONG_TYPE:
            raise


async def _value(
    session: Session, text: bytes, one: Assignment, warnings: list[Condition]
) -> str | None:
    """What the variable is to be; None for its default."""
    variable, words = one.variable, one.value
    alone = words[0] if len(words) == 1 else None
    if alone is not None and alone.is_word(b"DEFAULT"):
        return None
    is_name = alone is not None and alone.kind in (Kind.WORD, Kind.NAME)
    if is_name and alone and not alone.is_word(b"TRUE", b"FALSE", b"NULL"):
        return variable.convert(alone.name, is_number=False)
    expression = with_values(session, text, words)
    found = await session.backend.query(b"SELECT " + expression)
    value, kind = found.texts()[0][0], found.columns[0].type
    if kind in (FIELD_TYPE.NEWDECIMAL, FIELD_TYPE.DOUBLE, FIELD_TYPE.FLOAT):
        raise wrong_type_for_variable(variable.name)
    converted = variable.convert(value, is_number=kind in _INTEGERS)
    if variable.is_integer and converted != value:
        message = f"Truncated incorrect {variable.name} value: '{value}'"
        warnings.append(Condition("Warning", 1292, message))
    return converted


def _set(session: Session, one: Assignment, value: str | None) -> None:
    name, globals_ = one.variable.name, session.house.rapid.variables
    if one.scope == SESSION:
        # the default of a session is the global value
        session.rapid.variables[name] = globals_.get(name) if value is None else value
        return
    if one.scope in (GLOBAL, PERSIST):
        globals_.set(name, value)
    if one.scope in (PERSIST, PERSIST_ONLY):
        globals_.persist(name, value)


# --- reading them -------------------------------------------------------------------


def value_of(session: Session, mention: VariableMention) -> bytes:
    """An expression whose value is a variable's, of the type that it has.

    Raises:
        MySQLError: 1238, the variable has no value of that scope.
    """
    variable = VARIABLES[mention.name]
    is_session = mention.scope in (SESSION, "local")
    if is_session and not variable.is_session:
        raise wrong_kind_of_variable(variable.name, "GLOBAL")
    values = shown(
        session.rapid,
        session.house.rapid.variables,
        only_global=mention.scope == GLOBAL,
    )
    value = values[variable.name]
    if variable.is_integer:
        return f"CAST({value} AS UNSIGNED)".encode()
    return f"CONVERT(_utf8mb4 X'{value.encode().hex()}' USING utf8mb4)".encode()


def with_values(session: Session, text: bytes, words: Sequence[Token]) -> bytes:
    """The text of an expression with the values of our variables in it."""
    pieces = []
    position = words[0].start
    for mention in find_variables(words, VARIABLES):
        pieces += [
            text[position : words[mention.first].start],
            value_of(session, mention),
        ]
        position = words[mention.last].end
    return b"".join([*pieces, text[position : words[-1].end]])
