"""Expressions whose SQL types say what they are in JSON."""

import re
from collections.abc import Sequence

from pymysql.constants import FIELD_TYPE, FLAG

from heatproxy.wire.columns import BINARY_CHARSET, ColumnDefinition

INTEGERS = (
    *(FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG),
    FIELD_TYPE.LONGLONG,
)
NUMBERS = (*INTEGERS, FIELD_TYPE.DOUBLE, FIELD_TYPE.FLOAT, FIELD_TYPE.NEWDECIMAL)
TEXTS = (
    *(FIELD_TYPE.VAR_STRING, FIELD_TYPE.VARCHAR, FIELD_TYPE.STRING, FIELD_TYPE.BLOB),
    *(FIELD_TYPE.TINY_BLOB, FIELD_TYPE.MEDIUM_BLOB, FIELD_TYPE.LONG_BLOB),
)
_COMPUTES = re.compile(rb"[-+*/]")  # what gives decimals of digits of their own
_DIGITS = 18  # of a decimal without fraction that is an integer in JSON


def are_scalars(columns: Sequence[ColumnDefinition], texts: Sequence[bytes]) -> bool:
    """Whether the types of these expressions say what they are in JSON."""
    return len(columns) == len(texts) and all(
        _is_scalar(column)
        and (column.type != FIELD_TYPE.NEWDECIMAL or not _COMPUTES.search(text))
        for column, text in zip(columns, texts, strict=True)
    )


def _is_scalar(column: ColumnDefinition) -> bool:
    if column.type in TEXTS:
        special = FLAG.ENUM | FLAG.SET
        return column.charset != BINARY_CHARSET and not column.flags & special
    if column.flags & FLAG.ZEROFILL or column.type not in NUMBERS:
        return False
    if column.type == FIELD_TYPE.LONGLONG and column.is_unsigned:
        return False
    decimal = column.type == FIELD_TYPE.NEWDECIMAL
    return not (decimal and column.decimals == 0 and column.length > _DIGITS)
