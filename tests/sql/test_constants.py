"""Constant expressions: which MySQL is asked for, in what words, and its answers."""

import random

import pymysql
import pytest

from heatproxy.sql import grammar
from heatproxy.sql.emitter import constants
from heatproxy.sql.emitter.values import (
    Constant,
    Forward,
    SessionFacts,
    Unanswered,
    Value,
)
from heatproxy.sql.emitter.writing import rendered
from tests.sql.mysql_oracle import Oracle

OPERATORS = ("+", "-", "*", "DIV", "%", "&", "|", "^", "<<", ">>", "/")


def asked(expression: str) -> tuple[str, ...]:
    """The texts that MySQL would be asked for."""
    tree = grammar.parse(f"SELECT {expression} FROM t")
    try:
        constants.require(tree, SessionFacts())
    except Unanswered as question:
        return question.texts
    return ()


@pytest.mark.parametrize(
    ("expression", "texts"),
    [
        ("1", ()),
        ("-1.5", ()),
        ("'a', NULL, TRUE, ('b')", ()),
        ("DATE '2024-01-01'", ()),
        ("a + 1", ()),
        ("a IN (1, 2)", ()),
        ("a + (1 + 2)", ("(1 + 2)",)),
        ("1 + 2 + a", ("(1 + 2)",)),
        ("NOW(), a, NOW()", ("NOW()",)),
        (
            "CURRENT_DATE, CURRENT_TIMESTAMP(3)",
            ("CURRENT_DATE()", "CURRENT_TIMESTAMP(3)"),
        ),
        ("d < CURDATE() - INTERVAL 1 DAY", ("(CURDATE() - INTERVAL (1) DAY)",)),
        ("d + INTERVAL 1 + 1 DAY", ("((1) + 1)",)),
        ("d < DATE_ADD('2024-01-31', INTERVAL 1.5 DAY)", None),
        ("TIMESTAMPDIFF(MONTH, '2024-01-01', '2024-02-01')", None),
        ("TIMESTAMPDIFF(MONTH, '2024-01-01', d)", ()),
        ("INTERVAL(5, 1, 10)", ("INTERVAL(5, 1, 10)",)),
        ("RAND(), UUID(), SLEEP(1), LAST_INSERT_ID(), mine(1), SYSDATE()", ()),
        ("1 + RAND()", ()),
        ("COUNT(1) + (1 + 1)", ("(1 + 1)",)),
        ("(SELECT 1 + 1)", ("(1 + 1)",)),
        (r"CONCAT('it''s', 'a\\b', 'x\0y')", (r"CONCAT('it''s', 'a\\b', 'x\0y')",)),
        ("CASE WHEN 1 = 1 THEN 'x' ELSE 2 END", None),
        ("TIME '10:11:12.5'", ()),
    ],
)
def test_a_maximal_constant_is_asked_for(
    expression: str, texts: tuple[str, ...] | None
) -> None:
    found = asked(expression)
    assert found == texts or (texts is None and len(found) == 1)


def test_limits_are_not_asked_for() -> None:
    tree = grammar.parse("SELECT a FROM t LIMIT 5 OFFSET 3")
    constants.require(tree, SessionFacts())


@pytest.mark.mysql
def test_a_rendered_expression_means_what_was_written(oracle: Oracle) -> None:
    chance = random.Random(7)  # noqa: S311 - test data
    texts = [_chain(chance) for _ in range(300)]
    rendering = []
    for text in texts:
        written = rendered(grammar.parse(f"SELECT {text} FROM n").expressions[0])
        assert written is not None, text
        rendering.append(written)
    for one, other in zip(texts, rendering, strict=True):
        assert _outcome(oracle, one) == _outcome(oracle, other), one


def _outcome(oracle: Oracle, text: str) -> object:
    try:
        return oracle.query(f"SELECT {text}").rows
    except pymysql.Error as error:
        return error.args[0]


def _chain(chance: random.Random) -> str:
    parts = [chance.choice(("", "", "-", "~")) + str(chance.randint(1, 9))]
    for _ in range(chance.randint(1, 5)):
        parts += [chance.choice(OPERATORS), str(chance.randint(1, 9))]
    text = " ".join(parts)
    return chance.choice(
        (text, f"{text} > 3", f"NOT {text} < 5 AND 1", f"({text}) / 3")
    )


def of(constant: Constant) -> Value:
    """The Value of an expression for which MySQL gave this."""
    tree = grammar.parse("SELECT 1 + 1 FROM t")
    session = SessionFacts(constants={"(1 + 1)": constant})
    constants.require(tree, session)

    class Rules:
        def __init__(self) -> None:
            self.session = session

    return constants.folded(Rules(), tree.expressions[0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("constant", "kind", "precision", "scale", "sql"),
    [
        (Constant(b"42", 8, 63, 3, 0, False), "int", 2, 0, "42"),
        (
            Constant(b"18446744073709551615", 8, 63, 21, 0, True),
            *("int", 21, 0, "CAST(18446744073709551615 AS UBIGINT)"),
        ),
        (
            Constant(b"0.3333", 246, 63, 7, 4, False),
            *("decimal", 5, 4, "CAST(0.3333 AS DECIMAL(5,4))"),
        ),
        (
            Constant(b"1e20", 5, 63, 23, 31, False),
            "double",
            0,
            0,
            "CAST('1e20' AS DOUBLE)",
        ),
        (
            Constant(b"2024-02-29", 10, 63, 10, 0, False),
            "date",
            0,
            0,
            "DATE '2024-02-29'",
        ),
        (
            Constant(b"2024-02-29 10:00:00.25", 12, 63, 22, 2, False),
            *("datetime", 0, 2, "TIMESTAMP '2024-02-29 10:00:00.25'"),
        ),
        (
            Constant(b"-01:00:00", 11, 63, 10, 0, False),
            "time",
            0,
            0,
            "CAST(-3600000000 AS BIGINT)",
        ),
        (Constant(b"it's", 253, 255, 16, 31, False), "string", 0, 0, "'it''s'"),
        (Constant(b"\xff", 253, 63, 4, 31, False), "binary", 0, 0, "'\\xFF'::BLOB"),
        (Constant(b"[1]", 245, 63, 4, 31, False), "json", 0, 0, "'[1]'"),
        (Constant(None, 6, 63, 0, 0, False), "null", 0, 0, "NULL"),
        (Constant(None, 10, 63, 10, 0, False), "date", 10, 0, "CAST(NULL AS DATE)"),
    ],
)
def test_mysqls_value_becomes_a_typed_literal(
    constant: Constant, kind: str, precision: int, scale: int, sql: str
) -> None:
    value = of(constant)
    assert (value.kind, value.scale, value.sql) == (kind, scale, sql)
    if kind in ("int", "decimal"):
        assert value.precision == precision


@pytest.mark.parametrize(
    "constant",
    [
        Constant(b"1", 8, 63, 2, 0, False, problem="Division by 0"),
        Constant(b"3.141593", 5, 63, 8, 6, False),  # PI() hides digits
        Constant(b"0000-00-00", 10, 63, 10, 0, False),
        Constant(b"\xe9", 253, 8, 4, 31, False),  # latin1
        Constant(b"1.5", 4, 63, 12, 31, False),  # FLOAT
        Constant(b"9" * 40, 246, 63, 41, 0, False),
    ],
)
def test_what_has_no_exact_literal_is_mysqls(constant: Constant) -> None:
    with pytest.raises(Forward):
        of(constant)
