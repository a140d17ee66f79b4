"""Values of typed files in columns that a table declares more narrowly than Arrow can.

A file says INT64 or STRING; the table may say ENUM, JSON, YEAR, CHAR or DATETIME(3). A
value that MySQL would not keep there is one that does not fit, and types that nobody
has a rule for are refused by name.

Source: HeatWave User Guide, "Parquet Data Type Specifications", "Avro Data Type
Specifications".
"""

from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.datatypes import BYTES, INTEGERS, STRINGS, MySQLType
from heatproxy.errors import not_supported
from heatproxy.lakehouse.convert import EPOCH, zero
from heatproxy.lakehouse.documents import documents

Mask = npt.NDArray[np.bool_]

_WHOLE = (*INTEGERS, "decimal", "float", "double")
_MOMENTS = ("datetime", "timestamp")
_OCTETS = {name: most for name, most in STRINGS.items() if name.endswith("text")}
_OCTETS |= {"tinyblob": 255, "blob": 65_535, "mediumblob": 16_777_215}
_LONGEST = (1 << 31) - 1
_DIGITS = {"s": 0, "ms": 3}
_LONGEST_TIME = timedelta(hours=838, minutes=59, seconds=59)
_FIRST, _LAST = date(1, 1, 1), date(9999, 12, 31)
_NAMES = (
    (pa.types.is_boolean, tuple(INTEGERS)),
    (pa.types.is_integer, (*_WHOLE, "year", *STRINGS)),
    (pa.types.is_floating, _WHOLE),
    (pa.types.is_decimal, (*_WHOLE, *STRINGS)),
    (pa.types.is_date, ("date", *_MOMENTS, *STRINGS)),
    (pa.types.is_timestamp, (*_MOMENTS, *STRINGS)),
    (pa.types.is_time, ("time",)),
)


def require_castable(kind: pa.DataType, target: MySQLType, name: str) -> None:
    """Refuse what has no rule for becoming the declared type.

    Raises:
        MySQLError: 1235, with the column's name.
    """
    while pa.types.is_dictionary(kind):
        kind = kind.value_type
    known = next((names for fits, names in _NAMES if fits(kind)), None)
    taken = target.name not in ("set", "bit", "binary")
    if known is not None:
        taken = target.name in known
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        taken &= target.name in (*BYTES, *STRINGS, "json", "enum")
    if not taken:
        what = f"column {name} of type {kind} as {target.name.upper()}"
        raise not_supported(what)


def settled(array: pa.Array, kind: MySQLType, unit: str) -> tuple[pa.Array, Mask]:
    """The values as MySQL keeps them, and which of them it would not take.

    ``array`` is in the Arrow type of ``kind``; ``unit`` is the file's own of a
    timestamp. What is not taken is NULL.
    """
    if kind.name == "enum":
        words = pa.array([value.lower() for value in kind.values])
        place = pc.index_in(pc.utf8_lower(array), value_set=words)
        return _without(array, pc.is_null(place), pa.array(kind.values).take(place))
    if kind.name == "json":
        return documents(array)
    if kind.name == "char":
        return pc.utf8_rtrim(array, " "), _none(array)
    if kind.name == "year":
        good = pc.or_(pc.equal(array, 0), _between(array, 1901, 2155))
        return _without(array, pc.invert(good), array)
    if kind.name == "time":
        array = _rounded(array, kind, unit)
        return _without(array, pc.greater(array, _LONGEST_TIME), array)
    if kind.name in ("date", *_MOMENTS):
        return _moments(array, kind, unit)
    if kind.unsigned and kind.name in ("decimal", "float", "double"):
        return _without(array, pc.less(array, zero(array.type)), array)
    return array, _none(array)


def most_octets(kind: MySQLType) -> int:
    """How many bytes a value may have; the engine's own limit where MySQL has none."""
    if kind.name == "varbinary" and kind.length is not None:
        return kind.length
    return min(_OCTETS.get(kind.name, _LONGEST), _LONGEST)


def _moments(array: pa.Array, kind: MySQLType, unit: str) -> tuple[pa.Array, Mask]:
    """Rounded to the digits that the column keeps, and within its type's range."""
    if kind.name != "date":
        array = _rounded(array, kind, unit)
    first, last = _FIRST, _LAST
    if kind.name != "date":
        first, last = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)
    low, high = pa.scalar(first, array.type), pa.scalar(last, array.type)
    if kind.name == "timestamp":
        low, high = (pa.scalar(end, pa.int64()).cast(array.type) for end in EPOCH)
    found = pc.min_max(array)
    is_good = pc.and_(
        pc.greater_equal(found["min"], low), pc.less_equal(found["max"], high)
    )
    if is_good.as_py() is not False:
        return array, _none(array)
    good = pc.and_(pc.greater_equal(array, low), pc.less_equal(array, high))
    return _without(array, pc.invert(good), array)


def _rounded(array: pa.Array, kind: MySQLType, unit: str) -> pa.Array:
    """With the digits that the column keeps, as MySQL rounds."""
    digits = kind.scale or 0
    if digits >= _DIGITS.get(unit, 6):
        return array
    step = 10 ** (6 - digits)
    ticks = array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    rounded = (ticks + step // 2) // step * step
    nulls = array.is_null().to_numpy(zero_copy_only=False)
    return pa.array(rounded, mask=nulls).cast(array.type)


def _between(array: pa.Array, low: int, high: int) -> pa.Array:
    return pc.and_(pc.greater_equal(array, low), pc.less_equal(array, high))


def _none(array: pa.Array) -> Mask:
    return np.zeros(len(array), bool)


def _without(array: pa.Array, bad: pa.Array, kept: pa.Array) -> tuple[pa.Array, Mask]:
    """``kept`` with NULL where a value of ``array`` is bad."""
    wrong = pc.and_(bad.fill_null(False), array.is_valid())
    masked = pc.if_else(wrong, pa.scalar(None, kept.type), kept)
    return masked, wrong.to_numpy(zero_copy_only=False)
