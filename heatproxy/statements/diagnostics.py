"""SHOW WARNINGS, FOUND_ROWS() and their like, after a statement of ours.

MySQL answers them itself unless its session cannot know: then the rows come from what
was remembered, or the statement runs in MySQL with the right numbers in it.
"""

from functools import partial

from heatproxy.aftermath import Aftermath
from heatproxy.session import Session
from heatproxy.sql import diagnostics
from heatproxy.sql.prefilter import asks_after
from heatproxy.statements import Text, Work


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
