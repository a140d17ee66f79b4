"""What MySQL may evaluate a call on before it has looked at all conditions of a block.

A condition with a call in it is MySQL's to place: it may be evaluated on the rows of
one table before those are joined, and on the row of NULLs of an outer join. Which rows
those can be is told by the tables that the arguments name, and by the conditions that
``guards`` gives, for these are put in front of the call.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from heatproxy.sql.calls import RoutineCall
from heatproxy.sql.lexer import Token, closing
from heatproxy.sql.predictions_blocks import Block, Span, end_of_condition, innermost
from heatproxy.sql.references import references

OUTER = (b"LEFT", b"RIGHT")
_IMPLICIT = (*OUTER, b"NATURAL", b"USING")
_QUERIES = (b"SELECT", b"WITH", b"VALUES", b"TABLE")
_NOT_FREE = (b"LATERAL", b"IN", b"ANY", b"ALL", b"SOME", b"EXISTS")
_MOST = 4  # tables of which every choice is tried


@dataclass(frozen=True, slots=True)
class Early:
    """The rows for a call: some of these tables, by those of the conditions that fit.

    ``head`` are the definitions that the tables are of; ``nulls``: any of them may be
    a row of NULLs; ``lateral``: some tables cannot be read without the others.
    """

    head: bytes
    tables: tuple[bytes, ...]
    conditions: tuple[bytes, ...]
    nulls: bool
    lateral: bool

    def choices(self) -> Iterator[list[tuple[bytes, ...]]]:
        """Which tables to try: those of one number at a time, the fewest first."""
        for size in range(1, min(len(self.tables), _MOST) + 1):
            yield list(combinations(self.tables, size))
        if len(self.tables) > _MOST:
            yield [self.tables]

    def select(
        self, expressions: bytes, chosen: Sequence[bytes], where: Sequence[bytes] = ()
    ) -> bytes:
        """SELECT of these expressions for all rows of some tables."""
        rest = b" WHERE " + b" AND ".join(where) if where else b""
        listed = b", ".join(chosen)
        return self._head(expressions) + b" FROM " + listed + rest

    def of_nulls(self, expressions: bytes, chosen: Sequence[bytes]) -> list[bytes]:
        """SELECTs of the rows in which some of the tables are NULLs."""
        if not self.nulls:
            return []
        found = []
        for present in list(product((b"TRUE", b"FALSE"), repeat=len(chosen)))[1:]:
            joins = b"".join(
                b" LEFT JOIN " + table + b" ON " + there
                for table, there in zip(chosen, present, strict=True)
            )
            one = b" FROM (SELECT 1) AS heatproxy_one"
            found.append(self._head(expressions) + one + joins)
        return found

    def _head(self, expressions: bytes) -> bytes:
        return self.head + b"SELECT DISTINCT " + expressions + b" AS heatproxy_a"


def may_guard(condition: Sequence[Token], calls: Sequence[RoutineCall]) -> bool:
    """Whether a condition may be evaluated once more, in front of a call."""
    start, end = condition[0].start, condition[-1].end
    if any(start <= call.start < end for call in calls):
        return False
    return not any(token.is_word(b"SELECT", b"TABLE") for token in condition)


def joins(part: Sequence[Token]) -> bool:
    """Whether a FROM clause has more tables than one."""
    words = (*_IMPLICIT, b"JOIN", b"STRAIGHT_JOIN")
    return any(token.is_word(*words) or token.is_symbol(b",") for token in part)


def is_implicit(part: Sequence[Token]) -> bool:
    """Whether a FROM clause joins by more than the text of its conditions."""
    return any(token.is_word(*_IMPLICIT) for token in part)


def on(part: Sequence[Token], span: Span) -> Iterator[Span]:
    """The conditions of the joins in a FROM clause."""
    first, end = span
    for index in range(first, end):
        if part[index].is_word(b"ON"):
            yield index + 1, end_of_condition(part, index + 1, end)


def named(
    part: Sequence[Token], found: Sequence[Block], block: Block
) -> Iterator[Span]:
    """The tables that a block's FROM clause names, each with its alias."""
    first, end = block.clauses.get(b"FROM", (0, 0))
    for reference in references(part):
        at = reference.first
        inside = first <= at < end and innermost(found, at) is block
        if not inside or reference.bare:
            continue
        last = reference.last
        if reference.has_alias:
            last += 1 + part[last + 1].is_word(b"AS")
        yield at, last + 1


def derived(part: Sequence[Token], span: Span) -> Iterator[Span]:
    """The derived tables of a FROM clause that stand for themselves, with aliases."""
    index, end = span
    while index < end - 1:
        opens = part[index].is_symbol(b"(") and part[index + 1].is_word(*_QUERIES)
        close = closing(part, index) if opens else None
        if close is None or close >= end:
            index += 1
            continue
        last = close + 1 + (close + 1 < end and part[close + 1].is_word(b"AS"))
        is_free = not part[index - 1].is_word(*_NOT_FREE)
        if last < end and part[last].name is not None and is_free:
            columns = last + 1 < end and part[last + 1].is_symbol(b"(")
            behind = closing(part, last + 1) if columns else last
            yield index, (behind or last) + 1
        index = close + 1
