"""The rows that MySQL may ask a call about before all is joined, as SELECTs of them.

MySQL itself is asked which of a block's tables and conditions an expression needs: by
whether it can prepare the expression over those alone.
"""

from collections.abc import Callable

from heatproxy.errors import MySQLError
from heatproxy.session import Session
from heatproxy.sql.predictions_early import Early

NAMES = (1054, 1109)  # unknown column, unknown table
_AMBIGUOUS = 1052

# The SELECTs of a list of expressions; all of their rows are wanted.
Selects = Callable[[bytes], list[bytes]]


async def early_rows(session: Session, early: Early | None, value: bytes) -> Selects:
    """What gives the rows that ``value`` may be evaluated for.

    None at all where no choice of tables is enough for it: then there are none but
    those of the whole query, or it is found out while MySQL runs that.

    Raises:
        MySQLError: 1317, killed; what else MySQL has against the value.
    """
    chosen: list[tuple[tuple[bytes, ...], list[bytes]]] = []
    if early is None:
        return lambda expressions: []
    for choices in early.choices():
        for tables in choices:
            if await _fits(session, early.select(value, tables)):
                where = [
                    condition
                    for condition in early.conditions
                    if await _fits(session, early.select(b"1", tables, [condition]))
                ]
                chosen.append((tables, where))
        if chosen:
            break

    def selects(expressions: bytes) -> list[bytes]:
        found = []
        for tables, where in chosen:
            found.append(early.select(expressions, tables, where))
            found += early.of_nulls(expressions, tables)
        return found

    return selects


async def _fits(session: Session, select: bytes) -> bool:
    """Whether all names in a SELECT are those of its tables."""
    try:
        await session.backend.prepared_columns(select)
    except MySQLError as problem:
        if problem.number in (*NAMES, _AMBIGUOUS):
            return False
        raise
    return True
