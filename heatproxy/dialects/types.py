"""The SQL types of a prediction function: its parameters, and what it returns."""

import re
from dataclasses import dataclass

from pymysql.constants import FIELD_TYPE

from heatproxy.errors import not_supported
from heatproxy.wire.columns import BINARY_CHARSET, ColumnDefinition, is_text

_INTEGERS = (
    *(FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG),
    *(FIELD_TYPE.LONGLONG, FIELD_TYPE.YEAR),
)
_DECIMALS = (FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL)
_DATES = {
    FIELD_TYPE.DATE: "DATE",
    FIELD_TYPE.DATETIME: "DATETIME(6)",
    FIELD_TYPE.TIMESTAMP: "DATETIME(6)",
    FIELD_TYPE.TIME: "TIME(6)",
}
MOST_CHARACTERS = 4096
_TEXT = f"VARCHAR({MOST_CHARACTERS}) CHARACTER SET utf8mb4"


@dataclass(frozen=True, slots=True)
class Returned:
    """What a function returns: as CREATE FUNCTION says it, and as JSON_VALUE does."""

    declared: str
    converted: str


_INTEGER = r"(?:TINY|SMALL|MEDIUM|BIG)?INT(?:EGER)?\d?(?:\(\d+\))?"
NUMBER = Returned("DOUBLE", "DOUBLE")
_CONVERTED = (
    (_INTEGER + " UNSIGNED", "UNSIGNED"),
    (_INTEGER + "|BOOL(?:EAN)?", "SIGNED"),
    (r"FLOAT4?", "FLOAT"),
    (r"FLOAT8|DOUBLE(?: PRECISION)?|REAL", "DOUBLE"),
    (r"(?:DECIMAL|NUMERIC|DEC)(\(\d+(?:, ?\d+)?\))?", r"DECIMAL\1"),
    (r"VARCHAR(\(\d+\))|CHAR(\(\d+\))", r"CHAR\1\2"),
    (r"(?:TINY|MEDIUM|LONG)?TEXT", f"CHAR({MOST_CHARACTERS})"),
    (r"DATE", "DATE"),
    (r"(DATETIME|TIME)(\(\d\))?", r"\1\2"),
    (r"JSON", "JSON"),
)


_NAMES = {  # in Redshift's words
    **dict.fromkeys((FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.YEAR), "int2"),
    **dict.fromkeys((FIELD_TYPE.INT24, FIELD_TYPE.LONG), "int4"),
    FIELD_TYPE.LONGLONG: "int8",
    FIELD_TYPE.FLOAT: "float4",
    FIELD_TYPE.DOUBLE: "float8",
    FIELD_TYPE.DATE: "date",
    FIELD_TYPE.DATETIME: "timestamp",
    FIELD_TYPE.TIMESTAMP: "timestamp",
    FIELD_TYPE.TIME: "time",
    FIELD_TYPE.JSON: "super",
}
_NAMED = (
    (r"(?:TINY|SMALL)INT.*|INT2", "int2"),
    (r"BIGINT.*|INT8", "int8"),
    (r"(?:MEDIUM)?INT.*", "int4"),
    (r"FLOAT4?", "float4"),
    (r"FLOAT8|DOUBLE.*|REAL", "float8"),
    (r"(?:DECIMAL|NUMERIC|DEC)(.*)", r"numeric\1"),
    (r"(?:VAR)?CHAR.*|.*TEXT", "varchar"),
    (r"DATETIME.*", "timestamp"),
    (r"JSON", "super"),
)


def type_name(column: ColumnDefinition) -> str:
    """What SHOW MODEL calls the type of a column: int4, float8, varchar."""
    if column.type in _DECIMALS:
        return name_of(_decimal(column))
    return _NAMES.get(column.type, "varchar")


def name_of(declared: str) -> str:
    """What SHOW MODEL calls a type that a statement declares."""
    for pattern, name in _NAMED:
        match = re.fullmatch(pattern, declared)
        if match is not None:
            return match.expand(name)
    return declared.lower()


def returned(declared: str) -> Returned:
    """What a type of RETURNS means.

    Raises:
        MySQLError: 1235, a type that no prediction has.
    """
    for pattern, converted in _CONVERTED:
        match = re.fullmatch(pattern, declared)
        if match is not None:
            whole = match.expand(converted)
            text = " CHARACTER SET utf8mb4" if whole.startswith("CHAR") else ""
            return Returned(declared + text, whole)
    raise not_supported(f"a prediction function that returns {declared}")


def returned_of(label: ColumnDefinition) -> Returned:
    """What predicts classes returns, by the column of these classes."""
    kind = parameter_type(label)
    if kind == _TEXT:
        return Returned(kind, f"CHAR({MOST_CHARACTERS})")
    return returned(kind)


def parameter_type(column: ColumnDefinition) -> str:
    """The type of a parameter that takes a column's values.

    Raises:
        MySQLError: 1235, a column of bytes.
    """
    if column.type in _INTEGERS:
        return "BIGINT UNSIGNED" if column.is_unsigned else "BIGINT"
    if column.type in _DECIMALS:
        return _decimal(column)
    if column.type in (FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE):
        return "DOUBLE"
    if column.type in _DATES:
        return _DATES[column.type]
    if column.type == FIELD_TYPE.JSON:
        return "JSON"
    is_null = column.type == FIELD_TYPE.NULL
    if is_null or (is_text(column) and column.charset != BINARY_CHARSET):
        return _TEXT
    raise not_supported(f"the type of column {column.name} in CREATE MODEL")


def _decimal(column: ColumnDefinition) -> str:
    """Its precision, from how wide it is shown: a sign and a point are not digits."""
    signs = (not column.is_unsigned) + (column.decimals > 0)
    precision = min(max(column.length - signs, column.decimals, 1), 65)
    return f"DECIMAL({precision},{column.decimals})"
