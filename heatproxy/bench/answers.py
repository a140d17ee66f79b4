"""A statement's whole answer, as bytes, and whether two answers are the same.

SQL leaves some things open: the order of rows that nothing orders, which rows a LIMIT
takes among equals, which of several texts that a collation takes for one is shown.
Two answers that differ in these alone are the same, and the verdict says so.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pymysql
from pymysql.constants import FIELD_TYPE, FLAG
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

Row = tuple[bytes | None, ...]
_COLLATIONS = ("utf8mb4_0900_ai_ci", "utf8mb4_general_ci")
_OFFLOADED = "SHOW STATUS LIKE 'Secondary_engine_execution_count'"
_BINARY = 63
_INTEGERS = (
    *(FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG),
    *(FIELD_TYPE.LONGLONG, FIELD_TYPE.YEAR),
)
_TEXTS = (
    *(FIELD_TYPE.VARCHAR, FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING),
    *(FIELD_TYPE.TINY_BLOB, FIELD_TYPE.BLOB, FIELD_TYPE.MEDIUM_BLOB),
    FIELD_TYPE.LONG_BLOB,
)


class Same(Enum):
    """How far two answers agree."""

    EXACT = "exact"
    ORDER = "order"  # of rows that nothing orders
    MEMBER = "member"  # another text that the collation takes for the same
    TIES = "ties"  # other rows of those that a LIMIT may take
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far two answers agree; ``what`` says where they don't."""

    same: Same
    what: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A column definition, as far as a plan of MySQL's has no say in it."""

    name: str
    type: int
    charset: int
    decimals: int | None
    unsigned: bool
    flags: int

    @classmethod
    def of(cls, packet: Any) -> "Field":
        """From PyMySQL's. Integers, and texts, are one type each.

        A temporary table in MySQL's plan makes LONGLONG of LONG, INT of YEAR, BLOB of
        VAR_STRING, and clears flags: PREPARE can't foresee it.
        """
        kind = packet.type_code
        numeric = kind in (FIELD_TYPE.NEWDECIMAL, FIELD_TYPE.DOUBLE, FIELD_TYPE.FLOAT)
        temporal = kind in (FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP, FIELD_TYPE.TIME)
        kind = FIELD_TYPE.LONGLONG if kind in _INTEGERS else kind
        kind = FIELD_TYPE.VAR_STRING if kind in _TEXTS else kind
        return cls(
            packet.name,
            kind,
            packet.charsetnr,
            packet.scale if numeric or temporal else None,
            bool(packet.flags & FLAG.UNSIGNED),
            packet.flags & (FLAG.ENUM | FLAG.SET),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement gave; ``error`` is MySQL's number where it failed."""

    fields: Sequence[Field] = ()
    rows: Sequence[Row] = ()
    warnings: int = 0
    error: int | None = None
    message: str = ""


def ask(connection: Any, text: str) -> Answer:
    """A statement's answer, on a connection that ``connect`` made."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(text)
            rows = list(cursor.fetchall())
        except pymysql.MySQLError as problem:
            number, message = (*problem.args, "", "")[:2]
            return Answer(error=int(number), message=str(message))
        result = cursor._result
        fields = [Field.of(field) for field in getattr(result, "fields", ())]
        return Answer(fields, rows, result.warning_count)


def connect(**where: Any) -> Any:
    """A connection whose values are the bytes of the text protocol."""
    return pymysql.connect(
        **{"charset": "utf8mb4", "autocommit": True, **where},
        use_unicode=False,
        conv={},
        init_command="SET time_zone = '+00:00'",
    )


def offloaded(connection: Any) -> int:
    """How many statements of the session's were offloaded."""
    rows = ask(connection, _OFFLOADED).rows
    return int(rows[0][1] or 0) if rows else 0


def compare(
    text: str, mysql: Answer, ours: Answer, look: Callable[[str], Answer]
) -> Verdict:
    """Whether our answer to a SELECT is MySQL's.

    Args:
        look: asks MySQL for more, such as the weights of texts.
    """
    if mysql.error or ours.error:
        if mysql.error == ours.error:
            return Verdict(Same.EXACT)
        said = f"{ours.error or 'no error'} {ours.message}"
        wanted = f"{mysql.error or 'no error'} {mysql.message}"
        return Verdict(Same.WRONG, f"error: MySQL {wanted}, ours {said}")
    if len(mysql.fields) != len(ours.fields):
        return Verdict(Same.WRONG, f"{len(ours.fields)} columns")
    for theirs, given in zip(mysql.fields, ours.fields, strict=True):
        if theirs != given:
            return Verdict(Same.WRONG, f"column: MySQL {theirs}, ours {given}")
    if mysql.warnings != ours.warnings:
        what = f"warnings: MySQL {mysql.warnings}, ours {ours.warnings}"
        return Verdict(Same.WRONG, what)
    return _rows(text, mysql, ours, look)


def _rows(
    text: str, mysql: Answer, ours: Answer, look: Callable[[str], Answer]
) -> Verdict:
    expected, given = list(mysql.rows), list(ours.rows)
    if expected == given:
        return Verdict(Same.EXACT)
    wrong = _first_difference(expected, given)
    if len(expected) != len(given):
        return Verdict(Same.WRONG, f"{len(given)} rows for {len(expected)}; {wrong}")
    keys = _order_keys(text, [field.name for field in mysql.fields])
    folds = _Folds(mysql.fields, look)
    for number in keys:
        one = [folds.of(row, number) for row in expected]
        other = [folds.of(row, number) for row in given]
        if one != other:
            return Verdict(Same.WRONG, f"order by column {number + 1}: {wrong}")
    if Counter(expected) == Counter(given):
        return Verdict(Same.ORDER)
    if _folded(folds, expected) == _folded(folds, given):
        return Verdict(Same.MEMBER, wrong)
    unlimited = _without_limit(text)
    if unlimited is not None:
        candidates = look(unlimited)
        if candidates.error is None:
            if not Counter(given) - Counter(candidates.rows):
                return Verdict(Same.TIES)
            if not _folded(folds, given) - _folded(folds, candidates.rows):
                return Verdict(Same.TIES, "and members")
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


class _Folds:
    """Values as what a collation compares, by MySQL's own WEIGHT_STRING."""

    def __init__(self, fields: Sequence[Field], look: Callable[[str], Answer]) -> None:
        self._texts = [
            field.type == FIELD_TYPE.VAR_STRING and field.charset != _BINARY
            for field in fields
        ]
        self._look = look
        self._known: dict[bytes, Any] = {}

    def of(self, row: Row, number: int) -> Any:
        value = row[number]
        if value is None or not self._texts[number]:
            return value
        if value not in self._known:
            listed = ", ".join(
                f"WEIGHT_STRING(_utf8mb4 0x{value.hex()} COLLATE {name})"
                if value
                else "''"
                for name in _COLLATIONS
            )
            self._known[value] = tuple(self._look(f"SELECT {listed}").rows[0])
        return self._known[value]


def _folded(folds: _Folds, rows: Sequence[Row]) -> "Counter[Any]":
    return Counter(
        tuple(folds.of(row, number) for number in range(len(row))) for row in rows
    )


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


def _without_limit(text: str) -> str | None:
    tree = _parsed(text)
    if tree is None or tree.args.get("limit") is None:
        return None
    copy = tree.copy()
    copy.set("limit", None)
    copy.set("offset", None)
    return copy.sql(dialect="mysql")


def _parsed(text: str) -> exp.Query | None:
    try:
        tree = parse_one(text, dialect="mysql")
    except SqlglotError:
        return None
    return tree if isinstance(tree, exp.Query) else None
