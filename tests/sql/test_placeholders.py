"""Where values go in a prepared statement."""

import pytest

from heatproxy.sql.lexer import tokens
from heatproxy.sql.placeholders import Place, filled, placeholders

V, C, K = Place.VALUE, Place.COUNT, Place.KEY
PLACES = {
    "SELECT 1": [],
    "SELECT ?, a FROM t WHERE b = ? AND c IN (?,?)": [V, V, V, V],
    "SELECT '?', \"?\", `?`, /* ? */ ? -- ?\n": [V],
    "SELECT /*+ MAX_EXECUTION_TIME(?) */ ?": [V],
    "SELECT a FROM t LIMIT ?": [C],
    "SELECT a FROM t LIMIT ?, ?": [C, C],
    "SELECT a FROM t LIMIT 5, ?": [C],
    "SELECT a FROM t LIMIT ? OFFSET ?": [C, C],
    "SELECT a FROM t ORDER BY ?, a, ? DESC LIMIT ?": [K, K, C],
    "SELECT a FROM t ORDER BY a + ?, f(?, ?), ?": [V, V, V, K],
    "SELECT a FROM t GROUP BY ? HAVING COUNT(*) > ? ORDER BY a": [K, V],
    "SELECT RANK() OVER (PARTITION BY ?, a ORDER BY ?), ? FROM t": [K, K, V],
    "SELECT (SELECT b FROM u ORDER BY b LIMIT ?), ? FROM t": [C, V],
    "CALL sys.ML_TRAIN(?, ?, JSON_OBJECT('a', ?), ?)": [V, V, V, V],
    "?": [V],
}


@pytest.mark.parametrize(("text", "places"), PLACES.items(), ids=PLACES)
def test_each_question_mark_has_its_place(text: str, places: list[Place]) -> None:
    marks = placeholders(tokens(text.encode()))
    assert [mark.place for mark in marks] == places
    assert all(text.encode()[mark.start : mark.start + 1] == b"?" for mark in marks)


def test_values_are_put_in_and_where_they_begin_is_known() -> None:
    text = b"SELECT?FROM t WHERE a=? AND b='?'"
    new, places = filled(text, placeholders(tokens(text)), [b"12", b"'?'"])
    assert new == b"SELECT 12 FROM t WHERE a= '?'  AND b='?'"
    assert {new[place:] for place in places} == {
        b"12 FROM t WHERE a= '?'  AND b='?'",
        b"'?'  AND b='?'",
    }
