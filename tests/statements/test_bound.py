"""Parameters that MySQL takes for something else than their values are as literals."""

import pytest
from pymysql.constants import FLAG

from heatproxy.sql.lexer import statements, tokens
from heatproxy.sql.placeholders import filled, placeholders
from heatproxy.statements import Binding, Text
from heatproxy.statements.bound import is_retyped
from heatproxy.wire.columns import ColumnDefinition
from tests.statements.test_agreement import DECIMAL, DOUBLE, INT, prepared


def bound(text: bytes, value: bytes, column: ColumnDefinition) -> Text:
    """A statement of one parameter, which MySQL prepared with this column."""
    whole, places = filled(text, placeholders(tokens(text)), [value])
    return Text(whole, statements(tokens(whole))[0], Binding(places, [column]))


@pytest.mark.parametrize(
    ("text", "value", "before", "after", "retyped"),
    [
        (b"SELECT d * ?", b"7", prepared(DECIMAL, 0, 30), prepared(DECIMAL, 0, 2), 1),
        (b"SELECT d + ?", b"'7'", prepared(DECIMAL, 0, 30), prepared(DOUBLE), 1),
        (b"SELECT u + ?", b"7", prepared(INT, FLAG.UNSIGNED), prepared(INT), 1),
        (b"SELECT i FROM t WHERE d * ? / 3 > 1", b"7", prepared(INT), prepared(INT), 1),
        (b"SELECT i FROM t WHERE d + ? > 1", b"'7'", prepared(INT), prepared(INT), 1),
        (b"SELECT i FROM t WHERE i + ? > 1", b"7", prepared(INT), prepared(INT), 0),
        (b"SELECT i FROM t WHERE d / 3 > ?", b"'7'", prepared(INT), prepared(INT), 0),
        (b"SELECT i FROM t LIMIT ?", b"7", prepared(INT), prepared(INT), 0),
        (b"SELECT d DIV ? FROM t", b"7", prepared(INT), prepared(INT), 1),
        (b"SELECT IFNULL(i, ?)", b"NULL", prepared(INT), prepared(INT), 1),
        (b"SELECT i WHERE ? IS NULL", b"NULL", prepared(INT), prepared(INT), 0),
        (b"SELECT NOT ? FROM t", b"''", prepared(INT), prepared(INT), 1),
        (b"SELECT ? IS TRUE FROM t", b"''", prepared(INT), prepared(INT), 1),
        (b"SELECT (i, d) = (?, 1) FROM t", b"7", prepared(INT), prepared(INT), 1),
        (b"SELECT YEAR(?) FROM t", b"0", prepared(INT), prepared(INT), 1),
        (b"SELECT YEAR(?) FROM t", b"DATE'2024-1-1'", prepared(INT), prepared(INT), 0),
        (b"SELECT DATE_ADD(m, INTERVAL ? DAY)", b"7", prepared(INT), prepared(INT), 0),
        (b"SELECT CONCAT(i, ?)", b"TIME'1:2:3'", prepared(INT), prepared(INT), 1),
        (
            b"SELECT i FROM t WHERE m > ?",
            b"TIME'1:2:3'",
            prepared(INT),
            prepared(INT),
            0,
        ),
        (
            b"SELECT m IN (?, 1)",
            b"TIME'1:2:3'",
            prepared(INT),
            prepared(INT),
            0,
        ),
    ],
)
def test_a_parameter_of_another_type_than_its_value_is_noticed(
    text: bytes,
    value: bytes,
    before: ColumnDefinition,
    after: ColumnDefinition,
    retyped: int,
) -> None:
    assert is_retyped(bound(text, value, before), [after]) == bool(retyped)
