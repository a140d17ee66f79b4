"""The columns of a table from all the values in its files.

No type loses anything: codes with leading zeros or a plus sign, numbers of
more than 38 digits, ISO moments with a zone and mixed columns stay strings.
The result is that of all values; where they are many, a sample is looked at, and the
load finds out whether the rest are as foreseen.
NULL is what the file calls NULL (``\\N``, the bare word NULL) and an empty field
without quotes; a quoted empty field is the empty string.

Source: HeatWave User Guide, "Lakehouse Auto Schema Inference"; types printed in
public labs (reference, section 1.10).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heatproxy.datatypes import INTEGERS, Column, MySQLType
from heatproxy.lakehouse.catalogue import LH, Condition, failure, warning
from heatproxy.lakehouse.measure import (
    CHARS,
    CLOCK,
    DATE,
    DATETIME,
    EXPONENT,
    FRACTION,
    FRACTIONAL,
    NEG_HI,
    NEG_LO,
    NULLS,
    NUMBER,
    OCTETS,
    POS_HI,
    POS_LO,
    PRECISE,
    SECOND_DIGITS,
    VALUES,
    WHOLE,
    State,
)
from heatproxy.lakehouse.numbers import WORD

LONGEST_NAME = 64
LONGEST_VARCHAR = 16_383  # characters of utf8mb4
ROW_BYTES = 65_535
DOUBLE_DIGITS = 15  # what a double always keeps
DECIMAL_DIGITS, DECIMAL_SCALE = 38, 30


@dataclass(frozen=True, slots=True)
class Inferred:
    """What the files of a table hold; ``file_bytes`` is as stored."""

    columns: tuple[Column, ...]
    rows: int
    file_bytes: int
    warnings: tuple[Condition, ...] = ()
    sampled: bool = False  # then ``rows`` is an estimate
    unseen: frozenset[int] = frozenset()  # columns without a value in what was seen


def column_types(
    state: State, date: bool = False, timestamp: bool = False, clock: bool = False
) -> tuple[tuple[MySQLType, bool], ...]:
    """The type of each column and whether it is nullable.

    Args:
        state: of shape (columns, STATES), from ``measure``.
        date, timestamp, clock: whether the dialect gives a format of its own; what
            parses with it is that before it is a number, so ``20240131`` can be a
            date.
    """
    formats = (date, timestamp, clock)
    found = [(_type_of(one, formats), bool(one[NULLS])) for one in state]
    return tuple(
        (kind, nullable)
        for kind, (_, nullable) in zip(
            _within_row([kind for kind, _ in found], state), found, strict=True
        )
    )


def _type_of(
    one: np.ndarray[tuple[int], np.dtype[np.int64]], given: tuple[bool, bool, bool]
) -> MySQLType:
    if not one[VALUES]:
        return MySQLType("varchar", length=1)
    seconds = int(one[SECOND_DIGITS]) or None
    kinds = (
        (DATE, MySQLType("date")),
        (DATETIME, MySQLType("datetime", scale=seconds)),
        (CLOCK, MySQLType("time", scale=seconds)),
    )
    for (slot, kind), wanted in zip(kinds, given, strict=True):
        if wanted and one[slot]:
            return kind
    number = _number_type(one) if one[NUMBER] else None
    if number is not None:
        return number
    for slot, kind in kinds:
        if one[slot]:
            return kind
    return string_type(int(one[CHARS]), int(one[OCTETS]))


def _number_type(one: np.ndarray[tuple[int], np.dtype[np.int64]]) -> MySQLType | None:
    """A numeric type that holds every value exactly, or None."""
    if one[EXPONENT]:
        return MySQLType("double") if one[PRECISE] <= DOUBLE_DIGITS else None
    whole, scale = int(one[WHOLE]), int(one[FRACTION])
    if whole + scale > DECIMAL_DIGITS or scale > DECIMAL_SCALE:
        return None
    if one[FRACTIONAL]:
        return MySQLType("decimal", precision=whole + scale, scale=scale)
    high = int(one[POS_HI]) * WORD + int(one[POS_LO])
    low = int(one[NEG_HI]) * WORD + int(one[NEG_LO])
    return integer_type(-low, high) or MySQLType("decimal", precision=whole, scale=0)


def integer_type(low: int, high: int) -> MySQLType | None:
    """The smallest integer type from ``low`` to ``high``, or None."""
    for name, bits in INTEGERS.items():
        if low >= 0 and high < 1 << bits:
            return MySQLType(name, unsigned=True)
        if low < 0 and low >= -(1 << bits - 1) and high < 1 << bits - 1:
            return MySQLType(name)
    return None


def string_type(chars: int, octets: int) -> MySQLType:
    """varchar(n) as long as the longest value, or a text type beyond its limit."""
    if chars <= LONGEST_VARCHAR:
        return MySQLType("varchar", length=max(chars, 1))
    return _text_type(octets)


def _text_type(octets: int) -> MySQLType:
    names = (("text", 65_535), ("mediumtext", 16_777_215))
    return MySQLType(next((name for name, most in names if octets <= most), "longtext"))


def _within_row(types: Sequence[MySQLType], state: State) -> list[MySQLType]:
    """Make the longest strings text until a row fits in 65,535 bytes."""
    kept = list(types)

    def width(kind: MySQLType) -> int:
        return 4 * (kind.length or 0) + 2 if kind.name == "varchar" else 12

    longest_first = sorted(
        (k for k, kind in enumerate(kept) if kind.name == "varchar"),
        key=lambda k: -(kept[k].length or 0),
    )
    total = sum(width(kind) for kind in kept)
    for k in longest_first:
        if total <= ROW_BYTES - len(kept) // 8 - 1:
            break
        total += 12 - width(kept[k])
        kept[k] = _text_type(int(state[k][OCTETS]))
    return kept


def column_names(
    header: Sequence[str | None] | None, count: int
) -> tuple[tuple[str, ...], tuple[Condition, ...]]:
    """A name for each column, and warnings for the header's unusable ones.

    Unusable are names that are empty, too long, there before in another letter
    case too, or that MySQL refuses; such a column is called ``col_N``.
    """
    if header is None:
        return tuple(f"col_{k}" for k in range(1, count + 1)), ()
    names: list[str] = []
    reasons: dict[str, list[str]] = {}
    wanted = [(name or "") for name in header] + [""] * (count - len(header))
    bad = [_unusable(name) for name in wanted[:count]]
    # a default name is taken before a header that spells the same
    taken = {f"col_{k}" for k, reason in enumerate(bad, 1) if reason}
    for k, (name, problem) in enumerate(zip(wanted, bad, strict=False), 1):
        if not problem and name.lower() in taken:
            problem = "duplicates"
        if problem:
            name = f"col_{k}"
            reasons.setdefault(problem, []).append(str(k))
            while name.lower() in {old.lower() for old in names}:
                name += "_"
        taken.add(name.lower())
        names.append(name)
    warnings = tuple(
        warning(LH.WARN_INFER_USE_DEFAULT_COL_NAMES, ", ".join(indexes), problem)
        for problem, indexes in reasons.items()
    )
    return tuple(names), warnings


def _unusable(name: str) -> str:
    if not name.strip():
        return "empty"
    if len(name) > LONGEST_NAME:
        return "too long"
    odd = name != name.rstrip(" ") or any(
        ord(char) < 32 or ord(char) > 0xFFFF for char in name
    )
    return "invalid" if odd else ""


def named(
    types: Sequence[tuple[MySQLType, bool]], names: Sequence[str]
) -> tuple[Column, ...]:
    return tuple(
        Column(name, kind, nullable)
        for name, (kind, nullable) in zip(names, types, strict=True)
    )


def require_rows(rows: int) -> None:
    """Raises MySQLError 6098 where there is nothing to infer from."""
    if not rows:
        raise failure(LH.INFER_NO_DATA)
