"""What is SQLite's in a statement, written as MySQL has it."""

import pytest

from heatproxy.datatypes import quote_text
from heatproxy.sql.sqlite import plain, with_tables

EACH = (
    "(SELECT heatproxy_n - 1 AS `rowid`, heatproxy_n - 1 AS `key`, `value`"
    " FROM JSON_TABLE(('[1]'), '$[*]' COLUMNS (heatproxy_n FOR ORDINALITY,"
    " `value` LONGTEXT CHARACTER SET utf8mb4 PATH '$')) AS heatproxy_each)"
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("SELECT [petal width (cm)] FROM t", "SELECT `petal width (cm)` FROM t"),
        ("SELECT [a.b], '[c]'", "SELECT `a.b`, '[c]'"),
        ("SELECT json_group_array(x) FROM t", "SELECT JSON_ARRAYAGG(x) FROM t"),
        ("SELECT json_group_array FROM t", "SELECT json_group_array FROM t"),
        ("SELECT '$[0]', a -> '$[1]'", "SELECT '$[0]', a -> '$[1]'"),
    ],
)
def test_names_and_aggregates_become_mysqls(text: str, meant: str) -> None:
    assert plain(text.encode(), escapes=True).decode() == meant


def test_json_each_becomes_a_table_whose_rows_count_from_zero() -> None:
    text = b"SELECT * FROM json_each('[1]') e"
    assert with_tables(text, escapes=True).decode() == f"SELECT * FROM {EACH} e"


def test_beside_json_each_where_may_use_the_names_of_the_select_list() -> None:
    text = (
        "SELECT t.y = e.value AS match, t.match m FROM t JOIN json_each('[1]') e"
        " WHERE match = FALSE AND t.match = 1 AND match(t.y) ORDER BY match"
    )
    assert with_tables(text.encode(), escapes=True).decode() == (
        f"SELECT t.y = e.value AS `match`, t.match m FROM t JOIN {EACH} e"
        " WHERE (t.y = e.value) = FALSE AND t.match = 1 AND match(t.y) ORDER BY match"
    )


def test_without_json_each_a_statement_stays() -> None:
    text = b"SELECT 1 AS a FROM t WHERE a = 1"
    assert with_tables(text, escapes=True) == text


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        ("[0.0, 2.5]", "DOUBLE"),
        ("[0, 2]", "BIGINT"),
        ('["0"]', "LONGTEXT CHARACTER SET utf8mb4"),
        ("[0, 2.5]", "LONGTEXT CHARACTER SET utf8mb4"),
        ("[true]", "LONGTEXT CHARACTER SET utf8mb4"),
        ("{}", "LONGTEXT CHARACTER SET utf8mb4"),
    ],
)
def test_the_members_of_an_array_that_is_known_have_their_type(
    array: str, kind: str
) -> None:
    text = f"SELECT * FROM json_each(({quote_text(array)})) e".encode()
    assert f"`value` {kind} PATH" in with_tables(text, escapes=True).decode()
