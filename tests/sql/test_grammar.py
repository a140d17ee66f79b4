"""Reading MySQL's text through sqlglot without being misled."""

import logging

import pytest
from sqlglot import exp
from sqlglot.dialects.mysql import MySQL

from heatproxy.sql import grammar
from heatproxy.sql.emitter.values import Forward
from heatproxy.sql.grammar import referenced_tables


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("SELECT 1 FROM a", [(None, "a")]),
        ("SELECT 1 FROM db.a, `b c` AS x", [("db", "a"), (None, "b c")]),
        ("SELECT 1 FROM a WHERE x IN (SELECT y FROM b)", [(None, "a"), (None, "b")]),
        ("(SELECT 1 FROM a) UNION SELECT 2 FROM b", [(None, "a"), (None, "b")]),
        ("WITH a AS (SELECT 1 FROM b) SELECT 1 FROM a, c", [(None, "c"), (None, "b")]),
        ("WITH a AS (SELECT 1 FROM a) SELECT 1 FROM a", [(None, "a")]),
        ("WITH a AS (SELECT 1 FROM b) SELECT 1 FROM db.a", [("db", "a"), (None, "b")]),
        ("SELECT 1 FROM a, a AS again", [(None, "a")]),
        ("SELECT 1", []),
    ],
)
def test_referenced_tables_are_those_read_and_no_cte(
    text: str, tables: list[tuple[str | None, str]]
) -> None:
    assert sorted(referenced_tables(text), key=str) == sorted(tables, key=str)


@pytest.mark.parametrize("text", ["", "  ", "/* no more than this */", "-- nor this"])
def test_a_text_without_a_statement_is_no_select(text: str) -> None:
    with pytest.raises(Forward):
        referenced_tables(text)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("'it''s'", "it's"),
        (r"'it\'s'", "it's"),
        ('"a""b"', 'a"b'),
        (r"'a\\b'", r"a\b"),
        (r"'a\tb\n'", "a\tb\n"),
        (r"'\%\_'", r"\%\_"),
        (r"'\Z\x'", "\x1ax"),
        (r"'\0'", "\0"),
        ("''", ""),
        ("'ä😀'", "ä😀"),
    ],
)
def test_a_string_literal_is_read_as_mysql_reads_it(written: str, value: str) -> None:
    tree = grammar.parse(f"SELECT 'é', {written} FROM t")
    literal = tree.expressions[1]
    assert isinstance(literal, exp.Literal)
    assert literal.this == value


@pytest.mark.parametrize("name", ["YEAR", "date_format", "Left", "IF", "coalesce"])
def test_a_function_stays_a_name_with_arguments(name: str) -> None:
    tree = grammar.parse(f"SELECT {name}(a, b) FROM t")
    assert grammar.function_name(tree.expressions[0]) == name.upper()
    assert len(tree.expressions[0].expressions) == 2


def test_names_before_a_column_list_stay_as_written() -> None:
    tree = grammar.parse("WITH q (a) AS (SELECT 1 FROM t) SELECT a FROM q")
    assert tree.args["with_"].expressions[0].alias == "q"


def test_sqlglot_itself_is_left_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(Forward):
            grammar.parse("CALL sys.ML_TRAIN('a', 'b', NULL, @x)")
        grammar.parse("SELECT YEAR(a) FROM t")
    assert not caplog.records
    assert isinstance(MySQL().parse("SELECT YEAR(a)")[0].expressions[0], exp.Year)
