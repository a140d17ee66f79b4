"""Whether two answers to a statement are the same.

SQL leaves some things open: the order of rows that nothing orders, which rows a LIMIT
takes among equals, which of several texts that a collation takes for one is shown.
Two answers that differ in these alone are the same, and the verdict says so.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from pymysql.constants import FIELD_TYPE
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from heatproxy.bench.answers import Answer, Field, Row

Look = Callable[[str], Answer]

_COLLATIONS = ("utf8mb4_0900_ai_ci", "utf8mb4_general_ci", "latin1_swedish_ci")
TOO_LONG = 3024
_LIMIT = re.compile(r"\s+LIMIT\s+\d+(\s*(,|OFFSET)\s*\d+)?\s*$", re.IGNORECASE)


class Same(Enum):
    """How far two answers agree."""

    EXACT = "exact"
    ORDER = "order"  # of rows that nothing orders
    MEMBER = "member"  # another text that the collation takes for the same
    TIES = "ties"  # other rows of those that a LIMIT may take
    UNKNOWN = "unknown"  # MySQL took too long
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far two answers agree; ``what`` says where they don't."""

    same: Same
    what: str = ""


def compare(text: str, mysql: Answer, ours: Answer, look: Look) -> Verdict:
    """Whether our answer to a SELECT is MySQL's.

    Args:
        look: asks MySQL for more, such as the weights of texts.
    """
    if mysql.error == TOO_LONG:
        return Verdict(Same.UNKNOWN)
    if mysql.error or ours.error:
        if mysql.error == ours.error:
            return Verdict(Same.EXACT)
        said = f"{ours.error or 'no error'} {ours.message}"
        wanted = f"{mysql.error or 'no error'} {mysql.message}"
        return Verdict(Same.WRONG, f"error: MySQL {wanted}, ours {said}")
    if len(mysql.fields) != len(ours.fields):
        return Verdict(Same.WRONG, f"{len(ours.fields)} columns")
    for theirs, given in zip(mysql.fields, ours.fields, strict=True):
        if not theirs.agrees(given):
            return Verdict(Same.WRONG, f"column: MySQL {theirs}, ours {given}")
    if mysql.warnings != ours.warnings:
        what = f"warnings: MySQL {mysql.warnings}, ours {ours.warnings}"
        return Verdict(Same.WRONG, what)
    return _rows(text, mysql, ours, look)


def _rows(text: str, mysql: Answer, ours: Answer, look: Look) -> Verdict:
    expected, given = list(mysql.rows), list(ours.rows)
    if expected == given:
        return Verdict(Same.EXACT)
    wrong = _first_difference(expected, given)
    if len(expected) != len(given):
        return Verdict(Same.WRONG, f"{len(given)} rows for {len(expected)}; {wrong}")
    keys = _order_keys(text, [field.name for field in mysql.fields])
    unlimited = _LIMIT.sub("", text)
    for fold in (_Fold(mysql.fields, look, name) for name in (None, *_COLLATIONS)):
        if any(fold.column(expected, n) != fold.column(given, n) for n in keys):
            continue
        if fold.counted(expected) == fold.counted(given):
            return Verdict(Same.MEMBER if fold.folds else Same.ORDER, wrong)
        if unlimited != text:
            candidates = look(unlimited)
            found = fold.counted(given) - fold.counted(candidates.rows)
            if candidates.error is None and not found:
                return Verdict(Same.TIES, wrong)
    return Verdict(Same.WRONG, wrong)


def _first_difference(expected: Sequence[Row], given: Sequence[Row]) -> str:
    missing = Counter(expected) - Counter(given)
    extra = Counter(given) - Counter(expected)
    one = next(iter(missing), None)
    other = next(iter(extra), None)
    if one is None and other is None:
        return "only the order differs"
    if one is not None and other is not None:
        # of rows that differ in one value each, say that value
        near = min(
            extra, key=lambda row: sum(a != b for a, b in zip(row, one, strict=True))
        )
        pairs = [(a, b) for a, b in zip(one, near, strict=True) if a != b]
        return f"MySQL {pairs[0][0]!r}, ours {pairs[0][1]!r} in {one!r}"
    return f"MySQL {one!r}, ours {other!r}"


class _Fold:
    """Values as what a collation compares, by MySQL's own WEIGHT_STRING."""

    def __init__(
        self, fields: Sequence[Field], look: Look, collation: str | None
    ) -> None:
        """``collation``: None leaves values as they are."""
        self.folds, self._fields = collation is not None, fields
        self._texts = [self.folds and field.is_text for field in fields]
        self._look, self._collation = look, collation
        self._known: dict[bytes, bytes | None] = {b"": b""}

    def column(self, rows: Sequence[Row], number: int) -> list[bytes | None]:
        """The values of one column, folded as an order has them: -0 ties with 0."""
        found = [self._of(row[number], number) for row in rows]
        if self._fields[number].type not in (FIELD_TYPE.DOUBLE, FIELD_TYPE.FLOAT):
            return found
        return [b"0" if value == b"-0" else value for value in found]

    def counted(self, rows: Sequence[Row]) -> "Counter[Row]":
        """How often each row occurs, folded."""
        return Counter(
            tuple(self._of(value, number) for number, value in enumerate(row))
            for row in rows
        )

    def _of(self, value: bytes | None, number: int) -> bytes | None:
        if value is None or not self._texts[number]:
            return value
        if value not in self._known:
            charset = str(self._collation).partition("_")[0]
            is_padded = "_0900_" not in str(
                self._collation
            )  # blanks behind are nothing
            shown = value.rstrip(b" ") if is_padded else value
            text = (
                f"CONVERT(_utf8mb4 0x{shown.hex()} USING {charset})" if shown else "''"
            )
            text += f" COLLATE {self._collation}"
            (self._known[value],) = self._look(f"SELECT WEIGHT_STRING({text})").rows[0]
        return self._known[value]


def _order_keys(text: str, names: Sequence[str]) -> list[int]:
    """Which result columns ORDER BY names, as far as the text says it plainly.

    A column counts only while all before it were found: behind one that was not, rows
    may stand in any order of it.
    """
    tree = _parsed(text)
    order = tree.args.get("order") if tree is not None else None
    if tree is None or order is None:
        return []
    lowered = [name.lower() for name in names]
    projections = [
        one.unalias().sql() for one in tree.selects if not isinstance(one, exp.Star)
    ]
    found = []
    for item in order.expressions:
        key = item.this
        if isinstance(key, exp.Literal) and not key.is_string:
            found.append(int(key.this) - 1)
        elif isinstance(key, exp.Column) and lowered.count(key.name.lower()) == 1:
            found.append(lowered.index(key.name.lower()))
        elif key.sql() in projections and len(projections) == len(names):
            found.append(projections.index(key.sql()))
        else:
            break
    return [number for number in found if number < len(names)]


def _parsed(text: str) -> exp.Query | None:
    try:
        tree = parse_one(text, dialect="mysql")
    except SqlglotError:
        return None
    return tree if isinstance(tree, exp.Query) else None
