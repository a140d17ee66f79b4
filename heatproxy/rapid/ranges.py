"""A table cut into ranges of its primary key, each small enough to be held in memory.

The cuts need not be even: MySQL's own estimate of the rows between two keys, which
costs a few page reads, says where to cut again.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from heatproxy.datatypes import INTEGERS, quote_name
from heatproxy.rapid.describe import Ask, Description

RANGE_BYTES = 16 << 20
FEWEST_ROWS, MOST_ROWS = 1_000, 150_000
MOST_RANGES = 20_000
_ROWS = 9  # the place of ``rows`` in EXPLAIN's traditional format


def queries(ask: Ask, table: Description) -> tuple[Sequence[str], int]:
    """SELECTs that together give all rows, by primary key; and about how many rows.

    Each gives a range of keys, in order, and the ranges follow each other. A table
    whose key does not begin with an integer is one range.
    """
    columns = ", ".join(quote_name(column.name) for column in table.held)
    select = f"SELECT {columns} FROM {table.quoted}"
    if not table.primary_key or not table.orders:
        return [select], _estimate(ask, f"SELECT 1 FROM {table.quoted}")
    select += " FORCE INDEX (PRIMARY)"
    by_key = " ORDER BY " + ", ".join(map(quote_name, table.primary_key))
    first = table.primary_key[0]
    kind = next(column.type for column in table.columns if column.name == first)
    key = quote_name(first)
    about = _estimate(ask, f"SELECT 1 FROM {table.quoted}")
    if kind.name not in INTEGERS:
        return [select + by_key], about
    ((low, high),) = ask(f"SELECT MIN({key}), MAX({key}) FROM {table.quoted}")
    if low is None:
        return [select + by_key], 0
    each = RANGE_BYTES // max(table.row_bytes, 1)
    cuts = list(
        _cuts(ask, table, key, low, high, max(FEWEST_ROWS, min(each, MOST_ROWS)))
    )
    # the ends are open: a key may have come in before the snapshot was taken
    bounds: list[int | None] = [None, *cuts, None]
    ranges = []
    for begin, end in pairwise(bounds):
        limits = [] if begin is None else [f"{key} >= {begin}"]
        limits += [] if end is None else [f"{key} < {end}"]
        where = f" WHERE {' AND '.join(limits)}" if limits else ""
        ranges.append(select + where + by_key)
    return ranges, about


def _cuts(
    ask: Ask, table: Description, key: str, low: int, high: int, rows_each: int
) -> Iterator[int]:
    """Keys at which to cut, ascending; about ``rows_each`` rows lie between two."""
    pending = [(low, high, _between(ask, table, key, low, high))]
    collected = cuts = 0
    while pending:
        begin, end, about = pending.pop()
        if about > 2 * rows_each and end > begin and cuts + len(pending) < MOST_RANGES:
            pieces = min(64, -(-about // rows_each), end - begin + 1)
            width = -(-(end - begin + 1) // pieces)
            parts = [
                (start, min(start + width - 1, end))
                for start in range(begin, end + 1, width)
            ]
            pending += [
                (start, stop, _between(ask, table, key, start, stop))
                for start, stop in reversed(parts)
            ]
            continue
        if collected and collected + about > 3 * rows_each // 2:
            yield begin
            cuts += 1
            collected = 0
        collected += about


def _between(ask: Ask, table: Description, key: str, low: int, high: int) -> int:
    # of an index that is forced upon it MySQL makes no estimate
    return _estimate(
        ask,
        f"SELECT {key} FROM {table.quoted} USE INDEX (PRIMARY)"
        f" WHERE {key} BETWEEN {low} AND {high}",
    )


def _estimate(ask: Ask, select: str) -> int:
    """How many rows MySQL believes that it reads."""
    rows = ask(f"EXPLAIN FORMAT = TRADITIONAL {select}")
    return sum(int(row[_ROWS] or 0) for row in rows)
