"""What SUM adds up, where DuckDB's statistics must not say how far the sum can go.

To DuckDB 2.0 an outer join whose inner side it knows to be empty has no rows at all:
the sum of a BIGINT or a DECIMAL then wraps at 64 bits, and HAVING SUM(n) > 3 is
false. Subqueries become outer joins too. Of a CASE without ELSE it knows nothing.
"""

import re

_OUTER = (" LEFT JOIN ", " RIGHT JOIN ", "(SELECT ")
_BEGIN, _END = "\0sum(", "\0)sum"  # no literal has a NUL
_INNERMOST = re.compile(r"\0sum\(((?:(?!\0sum\().)*?)\0\)sum", re.DOTALL)


def summand(sql: str) -> str:
    """A SUM's argument, to be settled when the whole statement is written."""
    return f"{_BEGIN}{sql}{_END}"


def settled(sql: str) -> str:
    """The whole statement, its sums guarded where there may be an outer join."""
    if not any(words in sql for words in _OUTER):
        return sql.replace(_BEGIN, "").replace(_END, "")
    found = 1
    while found:
        guarded = r"CASE WHEN (\1) IS NOT NULL THEN \1 END"
        sql, found = _INNERMOST.subn(guarded, sql)
    return sql
