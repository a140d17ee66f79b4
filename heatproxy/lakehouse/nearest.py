"""Numbers of typed files that a column has no place for: the nearest that it has.

MySQL without strict mode stores the bound that is nearest, and of a fraction the whole
number, the even one of two that are as near (a DOUBLE is rounded by rint). What is no
number is NULL.

Source: MySQL Reference Manual, "Out-of-Range and Overflow Handling".
"""

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.datatypes import INTEGERS, MySQLType
from heatproxy.lakehouse.catalogue import LH

Cast = Callable[[pa.Array], pa.Array]  # raises ArrowInvalid
_TROUBLE = (pa.ArrowInvalid, pa.ArrowNotImplementedError)


def bounds(kind: MySQLType) -> tuple[int, int] | None:
    """The least and the greatest value of an integer type; None for other types."""
    bits = INTEGERS.get(kind.name)
    if bits is None:
        return None
    if kind.unsigned:
        return 0, (1 << bits) - 1
    return -(1 << bits - 1), (1 << bits - 1) - 1


def nearest_integers(
    array: pa.Array, kind: MySQLType
) -> tuple[pa.Array, list[tuple[LH, int]]]:
    """Integers, floats or truth values as an integer type's; what became of how many.

    ``array`` has no NaN.
    """
    found = bounds(kind)
    assert found is not None
    low, high = found
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    whole = array
    if pa.types.is_floating(array.type):
        array = array.cast(pa.float64())
        whole = pc.round(array, round_mode="half_to_even")
    below, above = _beyond(whole, low, high)
    lost = pc.and_not(pc.not_equal(whole, array), pc.or_(below, above))
    within = pc.if_else(pc.or_(below, above), pa.scalar(0, whole.type), whole)
    target = kind.arrow()
    kept = pc.if_else(below, pa.scalar(low, target), within.cast(target))
    kept = pc.if_else(above, pa.scalar(high, target), kept)
    counted = [
        (LH.WARN_EXCEEDS_MIN_TRUNCATING, below),
        (LH.WARN_EXCEEDS_MAX_TRUNCATING, above),
        (LH.WARN_TRUNCATED, lost),
    ]
    sums = [(code, pc.sum(mask).as_py() or 0) for code, mask in counted]
    return kept, [(code, times) for code, times in sums if times]


def salvaged(array: pa.Array, cast: Cast, target: pa.DataType) -> tuple[pa.Array, int]:
    """What can be cast, NULL for the rest, and how many those are."""
    parts = list(_parts(array, cast, target))
    return pa.concat_arrays([part for part, _ in parts]), sum(bad for _, bad in parts)


def _beyond(whole: pa.Array, low: int, high: int) -> tuple[pa.Array, pa.Array]:
    """Which are less than the one and more than the other."""
    if pa.types.is_floating(whole.type):
        # 2^63 is the float that 2^63 - 1 becomes, and too large
        at_once = float(high) > high
        above = pc.greater_equal if at_once else pc.greater
        return pc.less(whole, float(low)), above(whole, float(high))
    bits, signed = whole.type.bit_width, pa.types.is_signed_integer(whole.type)
    least = -(1 << bits - 1) if signed else 0
    most = (1 << bits - signed) - 1
    never = pc.and_(pc.is_null(whole), pa.scalar(False))
    below = pc.less(whole, pa.scalar(low, whole.type)) if low > least else never
    above_ = pc.greater(whole, pa.scalar(high, whole.type)) if high < most else never
    return below, above_


def _parts(
    array: pa.Array, cast: Cast, target: pa.DataType
) -> Iterator[tuple[pa.Array, int]]:
    """By halves: the few that are bad cost as many looks as there are halvings."""
    try:
        yield cast(array), 0
    except _TROUBLE:
        if len(array) == 1:
            yield pa.nulls(1, target), 1
            return
        middle = len(array) // 2
        yield from _parts(array.slice(0, middle), cast, target)
        yield from _parts(array.slice(middle), cast, target)


def shortened(array: pa.Array, most: int) -> tuple[pa.Array, int]:
    """Texts or bytes of at most so many bytes, and how many had more.

    A text is cut where a character ends.
    """
    long = pc.greater(pc.binary_length(array), most)
    cut = pc.binary_slice(array.filter(long).cast(pa.binary()), 0, most)
    if pa.types.is_string(array.type):
        whole = (one.decode(errors="ignore") for one in cut.to_pylist())
        cut = pa.array(whole, array.type)
    return pc.replace_with_mask(array, long.fill_null(False), cut), len(cut)


def microseconds(array: pa.Array) -> pa.Array:
    """Moments in nanoseconds, rounded half up as MySQL rounds what it cannot keep."""
    nanos = array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    micros, left = np.divmod(nanos, 1000)
    nulls = array.is_null().to_numpy(zero_copy_only=False)
    rounded = pa.array(micros + (left >= 500), pa.int64(), mask=nulls)
    if pa.types.is_time(array.type):
        return rounded  # midnight, too, of the next day
    return rounded.cast(pa.timestamp("us", array.type.tz))
