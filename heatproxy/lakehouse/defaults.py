"""What stands in a column that a file or a record lacks: its declared DEFAULT.

Source: MySQL Reference Manual, "LOAD DATA Statement": columns without a field get
their default; HeatWave's warning 6042, of a column with no explicit default value.
"""

from collections.abc import Callable
from functools import partial

import pyarrow as pa

from heatproxy.datatypes import BYTES, Column
from heatproxy.errors import MySQLError, not_supported
from heatproxy.lakehouse.catalogue import LH, failure, warning
from heatproxy.lakehouse.convert import with_defaults
from heatproxy.lakehouse.layout import Warn
from heatproxy.lakehouse.spelled import spelled

_HEX = "0x"  # how the dictionary prints the defaults of columns of bytes


def declared(column: Column) -> Callable[[], pa.Scalar] | None:
    """What gives the column's default when it is needed; None where there is none."""
    return None if column.default is None else partial(default_of, column)


def default_of(column: Column) -> pa.Scalar | None:
    """The declared value in the column's Arrow type; None where there is none.

    Raises:
        MySQLError: 1235, an expression, a TIMESTAMP's, which is in the time zone of
            whoever declared it, or a value that has no rule for being read.
    """
    given = column.default
    if given is None:
        return None
    if column.computed or column.type.name == "timestamp":
        raise _refused(column)
    kind: pa.DataType = pa.string()
    value: str | bytes = given
    if column.type.name in BYTES and given[:2].lower() == _HEX:
        try:
            kind, value = pa.binary(), bytes.fromhex(given[2:])
        except ValueError:
            raise _refused(column) from None
    array, flaws = spelled(pa.array([value], kind), column)
    if flaws or array.null_count:
        raise _refused(column)
    return array[0]


def lacking(
    column: Column, place: int, rows: int, where: str, strict: bool, warn: Warn
) -> pa.Array:
    """Of shape (rows,): a column that the file ``where`` does not have.

    Raises:
        MySQLError: 6042, it is NOT NULL without a default, in strict mode or with
            no zero; those of ``default_of``.
    """
    default = default_of(column)
    if default is not None:
        return pa.repeat(default, rows)
    array = pa.nulls(rows, column.type.arrow())
    if column.nullable:
        return array
    code, filled = LH.WARN_COL_MISSING_NOT_NULLABLE, with_defaults(array)
    if strict or filled.null_count:
        raise failure(code, place + 1, where)
    warn(warning(code, place + 1, where))
    return filled


def _refused(column: Column) -> MySQLError:
    what = f"DEFAULT {column.default} of column {column.name}"
    return not_supported(f"{what} ({column.type.sql()}) for files that lack it")
