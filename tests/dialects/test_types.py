"""The SQL types of prediction functions."""

import pytest
from pymysql.constants import FIELD_TYPE, FLAG

from heatproxy.dialects.types import (
    name_of,
    parameter_type,
    returned,
    returned_of,
    type_name,
)
from heatproxy.errors import MySQLError
from heatproxy.wire.columns import BINARY_CHARSET, ColumnDefinition

UTF8MB4 = 255


def column(
    kind: int, length: int = 11, flags: int = 0, decimals: int = 0, charset: int = 63
) -> ColumnDefinition:
    return ColumnDefinition(
        "d", "t", "t", "c", "c", charset, length, kind, flags, decimals
    )


@pytest.mark.parametrize(
    ("declared", "converted"),
    [
        ("INTEGER", "SIGNED"),
        ("INT4", "SIGNED"),
        ("BIGINT UNSIGNED", "UNSIGNED"),
        ("BOOLEAN", "SIGNED"),
        ("FLOAT4", "FLOAT"),
        ("FLOAT8", "DOUBLE"),
        ("DOUBLE PRECISION", "DOUBLE"),
        ("DECIMAL(10,2)", "DECIMAL(10,2)"),
        ("VARCHAR(20)", "CHAR(20)"),
        ("DATE", "DATE"),
        ("DATETIME(6)", "DATETIME(6)"),
    ],
)
def test_what_is_declared_is_converted_to(declared: str, converted: str) -> None:
    assert returned(declared).converted == converted


@pytest.mark.parametrize("declared", ["GEOMETRY", "BLOB", "INT; DROP TABLE t", ""])
def test_other_types_are_refused(declared: str) -> None:
    with pytest.raises(MySQLError) as caught:
        returned(declared)
    assert caught.value.number == 1235


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (column(FIELD_TYPE.TINY), "BIGINT"),
        (column(FIELD_TYPE.LONGLONG, 20, FLAG.UNSIGNED), "BIGINT UNSIGNED"),
        (column(FIELD_TYPE.NEWDECIMAL, 10, 0, 2), "DECIMAL(8,2)"),
        (column(FIELD_TYPE.NEWDECIMAL, 9, FLAG.UNSIGNED, 2), "DECIMAL(8,2)"),
        (column(FIELD_TYPE.NEWDECIMAL, 6), "DECIMAL(5,0)"),
        (column(FIELD_TYPE.FLOAT), "DOUBLE"),
        (column(FIELD_TYPE.TIMESTAMP), "DATETIME(6)"),
        (column(FIELD_TYPE.JSON, charset=UTF8MB4), "JSON"),
        (
            column(FIELD_TYPE.VAR_STRING, 40, charset=UTF8MB4),
            "VARCHAR(4096) CHARACTER SET utf8mb4",
        ),
    ],
)
def test_a_parameter_takes_what_its_column_holds(
    given: ColumnDefinition, kind: str
) -> None:
    assert parameter_type(given) == kind
    assert returned_of(given).declared.startswith(kind)


def test_bytes_are_no_parameter() -> None:
    with pytest.raises(MySQLError) as caught:
        parameter_type(column(FIELD_TYPE.BLOB, charset=BINARY_CHARSET))
    assert caught.value.number == 1235


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (column(FIELD_TYPE.LONG), "int4"),
        (column(FIELD_TYPE.LONGLONG), "int8"),
        (column(FIELD_TYPE.DOUBLE), "float8"),
        (column(FIELD_TYPE.NEWDECIMAL, 10, 0, 2), "numeric(8,2)"),
        (column(FIELD_TYPE.DATETIME), "timestamp"),
        (column(FIELD_TYPE.VAR_STRING, 40, charset=UTF8MB4), "varchar"),
    ],
)
def test_a_column_is_shown_by_its_type_in_redshift(
    given: ColumnDefinition, name: str
) -> None:
    assert type_name(given) == name


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        *(("INTEGER", "int4"), ("INT8", "int8"), ("BIGINT UNSIGNED", "int8")),
        *(("SMALLINT", "int2"), ("FLOAT4", "float4"), ("FLOAT8", "float8")),
        *(("VARCHAR(4096)", "varchar"), ("DECIMAL(8,2)", "numeric(8,2)")),
        *(("DATETIME(6)", "timestamp"), ("DATE", "date"), ("JSON", "super")),
    ],
)
def test_a_declared_type_is_shown_as_in_redshift(declared: str, name: str) -> None:
    assert name_of(declared) == name
