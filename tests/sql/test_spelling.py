"""What sqlglot would forget is spelt so that it remembers."""

import pytest
from sqlglot import exp

from heatproxy.sql import grammar
from heatproxy.sql.emitter.writing import rendered


def parsed(expression: str) -> exp.Expr:
    return grammar.parse(f"SELECT {expression} FROM t").expressions[0]


@pytest.mark.parametrize(
    ("arrow", "name", "path"),
    [
        ("j->'$.a'", "JSON_EXTRACT", "$.a"),
        ("j->>'$.a'", "JSON_UNQUOTE", "$.a"),
        ("t.j -> '$[last].\"b c\"'", "JSON_EXTRACT", '$[last]."b c"'),
        ('s.t.`j` ->> "$**.x"', "JSON_UNQUOTE", "$**.x"),
    ],
)
def test_an_arrow_is_the_function_it_stands_for(
    arrow: str, name: str, path: str
) -> None:
    node = parsed(arrow)
    assert grammar.function_name(node) == name
    assert [literal.this for literal in node.find_all(exp.Literal)] == [path]
    assert [column.name for column in node.find_all(exp.Column)] == ["j"]


def test_arrows_stand_within_expressions() -> None:
    node = parsed("i + t.j->'$.a' * 2")
    assert isinstance(node, exp.Add)
    assert grammar.function_name(node.expression.this) == "JSON_EXTRACT"


@pytest.mark.parametrize(
    ("interval", "written"),
    [
        ("1 DAY", "INTERVAL (1) DAY"),
        ("'1' DAY", "INTERVAL ('1') DAY"),
        ("-1.5 SECOND", "INTERVAL (- 1.5) SECOND"),
        ("'1:30' HOUR_MINUTE", "INTERVAL ('1:30') HOUR_MINUTE"),
        ("1 + 2 MONTH", "INTERVAL ((1) + 2) MONTH"),
    ],
)
def test_an_amount_stays_a_number_or_a_string(interval: str, written: str) -> None:
    assert rendered(parsed(f"NOW() + INTERVAL {interval}")) == f"(NOW() + {written})"


def test_real_is_double() -> None:
    assert parsed("CAST(a AS REAL)").args["to"].this == exp.DType.DOUBLE
    assert parsed("CAST(a AS FLOAT)").args["to"].this == exp.DType.FLOAT
