"""Columns of external tables: what MySQL is told of their formats."""

import pytest

from heatproxy.errors import MySQLError
from heatproxy.sql.external_columns import read_column, read_definition
from heatproxy.sql.lexer import tokens


def plain(literal: bytes) -> str:
    return literal[1:-1].decode()


def definition(text: str, *, backslash_escapes: bool = True) -> str:
    found = read_definition(text.encode(), tokens(text.encode()))
    return found.sql(plain, backslash_escapes=backslash_escapes).decode()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a int", "a int"),
        ("", ""),
        (
            "a  int , d date EXTERNAL_FORMAT = '%d' NOT NULL , KEY (a)",
            'a  int , d date SECONDARY_ENGINE_ATTRIBUTE \'{"date_format": "%d"}\''
            " NOT NULL , KEY (a)",
        ),
        (
            "t time(3) external_format '%H', u timestamp EXTERNAL_FORMAT '%Y'",
            't time(3) SECONDARY_ENGINE_ATTRIBUTE \'{"time_format": "%H"}\','
            " u timestamp SECONDARY_ENGINE_ATTRIBUTE"
            ' \'{"timestamp_format": "%Y"}\'',
        ),
        (
            """d datetime ENGINE_ATTRIBUTE='{"datetime_format": "x"}' COMMENT 'c'""",
            'd datetime SECONDARY_ENGINE_ATTRIBUTE \'{"datetime_format": "x"}\''
            " COMMENT 'c'",
        ),
        ("engine_attribute int", "engine_attribute int"),
    ],
)
def test_a_format_becomes_an_attribute_where_it_stands(text: str, kept: str) -> None:
    assert definition(text) == kept


def test_an_attribute_is_quoted_for_the_session() -> None:
    text = """d date EXTERNAL_FORMAT '%d "it"'"""
    escaped = definition(text)
    assert escaped.endswith(r"""'{"date_format": "%d \\"it\\""}'""")
    bare = definition(text, backslash_escapes=False)
    assert bare.endswith(r"""'{"date_format": "%d \"it\""}'""")


def test_an_altered_column_is_named_by_its_new_name() -> None:
    text = b"CHANGE a b date EXTERNAL_FORMAT '%d' AFTER c"
    found = read_column(text, tokens(text), 2)
    assert [one.column for one in found.formats] == ["b"]
    sql = found.sql(plain, backslash_escapes=True)
    assert sql.startswith(b"CHANGE a b date SECONDARY_ENGINE_ATTRIBUTE '")
    assert sql.endswith(b"' AFTER c")


@pytest.mark.parametrize(
    ("text", "number", "words"),
    [
        ("a int EXTERNAL_FORMAT '%d'", 6510, "Column 'a': EXTERNAL_FORMAT is only"),
        ("a year EXTERNAL_FORMAT '%d'", 6510, "temporal data types."),
        ("a date ENGINE_ATTRIBUTE '{'", 6407, "Invalid column engine attribute: "),
        ("a date ENGINE_ATTRIBUTE '[]'", 6407, "a JSON object"),
        ("""a date ENGINE_ATTRIBUTE '{"format": "x"}'""", 6407, "unknown key"),
        ("""a date ENGINE_ATTRIBUTE '{"date_format": 1}'""", 6407, "must be a string"),
        ("a date EXTERNAL_FORMAT 7", 1064, "near '7'"),
    ],
)
def test_what_is_no_format_is_refused(text: str, number: int, words: str) -> None:
    with pytest.raises(MySQLError) as error:
        definition(text)
    assert error.value.number == number
    assert words in error.value.message
