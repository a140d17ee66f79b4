"""What makes a translation's columns others than those that MySQL prepares."""

import pytest
from pymysql.constants import FIELD_TYPE, FLAG

from heatproxy.sql.emitter.values import Kind, OutputColumn
from heatproxy.statements.agreement import disagreement
from heatproxy.wire.columns import ColumnDefinition

INT, DECIMAL, DOUBLE = FIELD_TYPE.LONGLONG, FIELD_TYPE.NEWDECIMAL, FIELD_TYPE.DOUBLE


def prepared(
    type_: int, flags: int = 0, decimals: int = 0, column: str = ""
) -> ColumnDefinition:
    """MySQL's column ``v``; computed, unless it is a table's ``column``."""
    return ColumnDefinition("", "t", "t", "v", column, 63, 20, type_, flags, decimals)


@pytest.mark.parametrize(
    ("kind", "is_unsigned", "scale", "theirs", "difference"),
    [
        ("int", True, None, prepared(INT, FLAG.UNSIGNED), None),
        ("int", True, None, prepared(INT), "the sign of v"),
        ("int", False, None, prepared(INT, FLAG.UNSIGNED), "the sign of v"),
        ("int", False, None, prepared(DOUBLE), "the type of v"),
        ("decimal", False, 4, prepared(DECIMAL, decimals=4), None),
        (
            "decimal",
            False,
            4,
            prepared(DECIMAL, decimals=2),
            "the fraction digits of v",
        ),
        ("double", False, None, prepared(DOUBLE, decimals=31), None),
        ("double", True, None, prepared(DOUBLE, FLAG.UNSIGNED, 31, "v"), None),
        ("float", True, None, prepared(FIELD_TYPE.FLOAT, FLAG.UNSIGNED, 31, "v"), None),
    ],
)
def test_what_differs_is_said(
    kind: Kind,
    is_unsigned: bool,
    scale: int | None,
    theirs: ColumnDefinition,
    difference: str | None,
) -> None:
    ours = OutputColumn(kind, is_unsigned, 20, scale)
    assert disagreement([ours], [theirs]) == difference


@pytest.mark.parametrize("is_unsigned", [True, False])
def test_a_computed_double_is_not_believed_to_be_unsigned(is_unsigned: bool) -> None:
    """MySQL prepares ``u % 2e0`` so, and sends it as signed from a window."""
    ours = OutputColumn("double", is_unsigned, 20, None)
    difference = disagreement([ours], [prepared(DOUBLE, FLAG.UNSIGNED, 31)])
    assert difference == "the sign of v, out of a temporary table"


def test_a_column_too_few_is_a_difference() -> None:
    assert disagreement([], [prepared(INT)]) == "1 columns where 0 were expected"
