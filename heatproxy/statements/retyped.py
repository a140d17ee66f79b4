"""Executions of a prepared statement whose parameters change their types.

The engine takes each value for what it is, as MySQL does the first time. Later MySQL
may not: a text that comes after a number is read as a number. Such an execution is
MySQL's, and what it has not been asked to execute before it is told of first.

Source: MySQL Reference Manual, "PREPARE Statement", on parameters that are typed anew.
"""

import re
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any

from pymysql.constants import FIELD_TYPE

from heatproxy.errors import MySQLError
from heatproxy.session import Session
from heatproxy.sql.references import verb
from heatproxy.statements import Text
from heatproxy.wire.prepared import History

# Types are fixed before the first row: nothing is to be read for it.
_BRIEFLY = "SET sql_select_limit = 0, max_execution_time = 1"
_LIMITS = "SELECT @@sql_select_limit, @@max_execution_time"
_READS = (b"SELECT", b"TABLE", b"VALUES")
_TEXTS = (FIELD_TYPE.VARCHAR, FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING)
_NUMBER = re.compile(rb"-?[0-9]+(\.[0-9]+)?")
_MOMENT = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9:.]+)?|[0-9]+:[0-9:.]+")
_TIMEOUT = 3024  # ER_QUERY_TIMEOUT


def form_of(text: bytes, taken: int) -> Hashable:
    """What MySQL tells texts apart by, where it has a parameter for type ``taken``.

    For a number or a date it takes only a text that is one.
    """
    if taken in _TEXTS:
        return int(FIELD_TYPE.STRING)
    if _NUMBER.fullmatch(text):
        return "number"
    return "moment" if _MOMENT.fullmatch(text) else "other"


def _only_reads(statement: Text) -> bool:
    if verb(statement.tokens) not in _READS:
        return False
    return not any(token.is_word(b"INTO") for token in statement.tokens)


async def prime(
    session: Session,
    statement: Text,
    history: History,
    execute: Callable[[Sequence[Any]], Awaitable[None]],
) -> None:
    """Let MySQL know what executions came before one that it is to answer.

    ``execute`` has MySQL execute the statement with values of an earlier one.

    Raises:
        MySQLError: 1317, the session was killed meanwhile.
    """
    values = history.to_prime()
    if values is None or not _only_reads(statement):
        return
    backend = session.backend
    rows, milliseconds = (await backend.query(_LIMITS)).texts()[0]
    await backend.query(_BRIEFLY)
    try:
        await execute(values)
    except MySQLError as problem:
        if problem.is_kill and problem.number != _TIMEOUT:
            raise
    finally:
        await backend.query(
            f"SET sql_select_limit = {rows}, max_execution_time = {milliseconds}"
        )
