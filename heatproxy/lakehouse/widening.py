"""The type of a column that is to hold what its files have, beside what it is.

Only within a family: integers, decimals and doubles are one, texts are another, dates
and moments a third, times the last. What is of another family does not fit.

Source: HeatWave User Guide, "Lakehouse Auto Schema Inference", of tables that are
there (8.3.0).
"""

from dataclasses import replace

from heatproxy.datatypes import INTEGERS, STRINGS, MySQLType
from heatproxy.lakehouse.inference import (
    DECIMAL_DIGITS,
    DECIMAL_SCALE,
    integer_type,
    string_type,
)

_APPROXIMATE = ("float", "double")
_MOMENTS = ("date", "datetime", "timestamp")
_TEXTS = ("tinytext", "text", "mediumtext", "longtext")
_UTF8_BYTES = 4  # of one character at most


class Unlike(Exception):
    """No type of the column's family holds what the files have."""


def wider(own: MySQLType, seen: MySQLType) -> MySQLType:
    """A type that has every value of both: the column's own, if that does.

    Raises:
        Unlike: they are of different families, or no type is wide enough.
    """
    if _is_number(own) and _is_number(seen):
        return _number(own, seen)
    if own.name in STRINGS and seen.name in STRINGS:
        return _text(own, seen)
    if own.name in _MOMENTS and seen.name in _MOMENTS:
        return _moment(own, seen)
    if own.name == seen.name == "time":
        return own if (own.scale or 0) >= (seen.scale or 0) else seen
    if own == seen:
        return own
    raise Unlike


def _is_number(kind: MySQLType) -> bool:
    return kind.name in (*INTEGERS, "decimal", *_APPROXIMATE)


def _number(own: MySQLType, seen: MySQLType) -> MySQLType:
    if own.name in _APPROXIMATE or seen.name in _APPROXIMATE:
        if own.name == "float" and seen.name in ("tinyint", "smallint", "float"):
            return own
        return own if own.name == "double" else MySQLType("double")
    low, high = _bounds(own)
    least, most = _bounds(seen)
    if own.name in INTEGERS and seen.name in INTEGERS:
        if low <= least and most <= high:
            return own
        found = integer_type(min(low, least), max(high, most))
        return found or MySQLType("decimal", precision=20, scale=0)
    (whole, scale), (digits, fraction) = _digits(own), _digits(seen)
    if own.name == "decimal" and whole >= digits and scale >= fraction:
        return own
    whole, scale = max(whole, digits), max(scale, fraction)
    if whole + scale > DECIMAL_DIGITS or scale > DECIMAL_SCALE:
        raise Unlike
    return MySQLType("decimal", precision=whole + scale, scale=scale)


def _bounds(kind: MySQLType) -> tuple[int, int]:
    bits = INTEGERS.get(kind.name, 64)
    if kind.unsigned:
        return 0, (1 << bits) - 1
    return -(1 << bits - 1), (1 << bits - 1) - 1


def _digits(kind: MySQLType) -> tuple[int, int]:
    """Before the point, and behind it."""
    if kind.name == "decimal":
        scale = kind.scale or 0
        return (kind.precision or 10) - scale, scale
    return max(len(str(abs(bound))) for bound in _bounds(kind)), 0


def _text(own: MySQLType, seen: MySQLType) -> MySQLType:
    if own.length is not None and seen.length is not None:
        if own.length >= seen.length:
            return own
        if own.name == "char" and seen.length <= STRINGS["char"]:
            return replace(own, length=seen.length)
        return string_type(seen.length, seen.length * _UTF8_BYTES)
    if own.length is not None:
        return seen
    octets = STRINGS[seen.name]
    if seen.length is not None:
        octets = seen.length * _UTF8_BYTES
    needed = next(name for name in _TEXTS if STRINGS[name] >= octets)
    longer = _TEXTS.index(needed) > _TEXTS.index(own.name)
    return MySQLType(needed) if longer else own


def _moment(own: MySQLType, seen: MySQLType) -> MySQLType:
    if seen.name == "date":
        return own
    scale = max(own.scale or 0, seen.scale or 0) or None
    return MySQLType("datetime" if own.name == "date" else own.name, scale=scale)
