"""SHOW WARNINGS, FOUND_ROWS() and their like, after a statement of ours.

MySQL answers them itself unless its session cannot know: then the rows come from what
was remembered, or the statement runs in MySQL with the right numbers in it.
"""

from dataclasses import replace
from functools import partial

from heatproxy.aftermath import Aftermath, Condition
from heatproxy.session import Session
from heatproxy.sql import diagnostics
from heatproxy.sql.prefilter import asks_after
from heatproxy.statements import Text, Work

# ER_DA_INVALID_CONDITION_NUMBER, which a GET DIAGNOSTICS adds to what it looks at.
INVALID = Condition("Error", 1758, "Invalid condition number")


async def handle(session: Session, statement: Text) -> Work | None:
    """Take what asks for something that is remembered."""
    left = session.aftermath
    if left is None or not asks_after(statement.own):
        return None
    show = diagnostics.show(statement.tokens)
    if show is not None:
        if left.conditions is None:
            return None
        return Work(partial(_answer_show, session, statement, left, show))
    get = diagnostics.get(statement.text, statement.tokens)
    if get is not None:
        return Work(partial(_answer_get, session, statement, left, get))
    text = diagnostics.replaced(statement.text, statement.tokens, _numbers(left))
    return None if text is None else Work(partial(session.relay, text))


def _numbers(left: Aftermath) -> dict[str, int]:
    numbers = {}
    if left.found_rows is not None:
        numbers["FOUND_ROWS"] = left.found_rows
    if left.row_count is not None:
        numbers["ROW_COUNT"] = left.row_count
    if left.conditions is not None:
        numbers["@@WARNING_COUNT"] = len(left.conditions)
        numbers["@@ERROR_COUNT"] = len(left.errors)
    return numbers


async def _answer_get(
    session: Session, statement: Text, left: Aftermath, get: diagnostics.Get
) -> None:
    """Have the variables hold what was remembered; an error is in MySQL's own area."""
    known: dict[str, bytes | None] | None = None
    is_there = get.condition in (None, b"1")
    if not left.errors:
        known = await _known(session, left, get.condition)
        is_there = known is not None
    held = [
        variable + b" = " + value
        for variable, item in get.items
        if (value := (known or {}).get(item)) is not None
    ]
    if len(held) < len(get.items):
        await session.relay(statement.own)
    else:
        await session.relay(b"SET " + b", ".join(held))
    if not is_there:
        left = replace(left, conditions=[*(left.conditions or ()), INVALID])
    session.aftermath = left


async def _known(
    session: Session, left: Aftermath, condition: bytes | None
) -> dict[str, bytes | None] | None:
    """What each item of a GET DIAGNOSTICS is; None: there is no such condition."""
    shown = left.conditions or ()
    if condition is None:
        count = None if left.row_count is None else b"%d" % left.row_count
        return {"NUMBER": b"%d" % len(shown), "ROW_COUNT": count}
    (number,) = await session.backend.evaluate([condition])
    if not (number and number.isdigit() and 0 < int(number) <= len(shown)):
        return None
    return _of_condition(shown[int(number) - 1])


def _of_condition(one: Condition) -> dict[str, bytes | None]:
    return {
        "RETURNED_SQLSTATE": b"'%b'" % one.sqlstate.encode(),
        "MYSQL_ERRNO": b"%d" % one.number,
        "MESSAGE_TEXT": b"_utf8mb4 X'%b'" % one.message.encode().hex().encode(),
    }


async def _answer_show(
    session: Session, statement: Text, left: Aftermath, show: diagnostics.Show
) -> None:
    """Rows from memory, under MySQL's own columns."""
    columns = (await session.backend.query(statement.own)).columns
    shown = left.errors if show.only_errors else list(left.conditions or ())
    rows: list[list[str | None]]
    if show.counts:
        rows = [[str(len(shown))]]
    else:
        end = None if show.limit is None else show.offset + show.limit
        rows = [
            [one.level, str(one.number), one.message]
            for one in shown[show.offset : end]
        ]
    await session.answer.text_rows(columns, rows)
    session.aftermath = left
