"""Calls spelled as MySQL takes them, and the texts around them."""

import pytest

from heatproxy.sql.calls import find_calls
from heatproxy.sql.lexer import tokens
from heatproxy.sql.predictions import conjuncts, edited, replaced, spelled

NAMES = {"ML_PREDICT_ROW"}
WHOLE = b"sys.ML_PREDICT_ROW(a, b, NULL)"

SPELLED = {
    "whole": (WHOLE, WHOLE),
    "short": (b"sys.ML_PREDICT_ROW(a, b)", WHOLE),
    "->": (WHOLE + b" -> '$.x'", b"JSON_EXTRACT(" + WHOLE + b", '$.x')"),
    "->>": (
        b"sys.ML_PREDICT_ROW(a,b)->>'$.x'",
        b"JSON_UNQUOTE(JSON_EXTRACT(sys.ML_PREDICT_ROW(a,b, NULL), '$.x'))",
    ),
    "less than a negative": (WHOLE + b" - > 1", WHOLE + b" - > 1"),
    "no text behind": (WHOLE + b"->> x", WHOLE + b"->> x"),
}


@pytest.mark.parametrize(("given", "whole"), SPELLED.values(), ids=SPELLED)
def test_a_call_is_spelled_as_mysql_takes_it(given: bytes, whole: bytes) -> None:
    text = b"SELECT " + given + b" AS p FROM t"
    part = tokens(text)
    made = spelled(text, part, find_calls(text, part, NAMES), lambda call: 3)
    assert made.text == b"SELECT " + whole + b" AS p FROM t"
    assert made.shown(whole.decode()) == given.decode()


def test_names_of_several_calls_are_shown_as_they_were_given() -> None:
    text = b"SELECT CONCAT(sys.ML_PREDICT_ROW(a,b), sys.ML_PREDICT_ROW(c,d)->>'$.e')"
    part = tokens(text)
    made = spelled(text, part, find_calls(text, part, NAMES), lambda call: 3)
    name = made.text[len(b"SELECT ") :].decode()
    assert made.shown(name) == text[len(b"SELECT ") :].decode()


def test_of_edits_inside_of_each_other_the_outer_one_is_made() -> None:
    text = b"0123456789"
    edits = [(2, 8, b"x"), (3, 4, b"never"), (2, 2, b"("), (8, 8, b")"), (9, 10, b"y")]
    assert edited(text, 0, 10, edits) == b"01(x)8y"
    assert edited(text, 2, 8, edits) == b"(x)"
    assert edited(text, 4, 7, edits) == b"456"


def test_calls_are_replaced_in_a_part_of_a_text() -> None:
    text = b"SELECT 1; SELECT sys.ML_PREDICT_ROW(a, b) + 1"
    calls = find_calls(text, tokens(text)[3:], NAMES)
    assert replaced(text[10:], calls, [b"x"], 10) == b"SELECT x + 1"


CONJUNCTS = {
    b"a = 1": [b"a = 1"],
    b"a = 1 AND b = 2 && c": [b"a = 1", b"b = 2", b"c"],
    b"a BETWEEN 1 AND 2 AND b": [b"a BETWEEN 1 AND 2", b"b"],
    b"(a AND b) AND c": [b"(a AND b)", b"c"],
    b"a AND b OR c": [b"a AND b OR c"],
    b"CASE WHEN a AND b THEN 1 END AND c": [b"CASE WHEN a AND b THEN 1 END", b"c"],
    b"a AND (b OR c)": [b"a", b"(b OR c)"],
    b"a XOR b AND c": [b"a XOR b AND c"],
}


@pytest.mark.parametrize(
    ("text", "found"), CONJUNCTS.items(), ids=range(len(CONJUNCTS))
)
def test_conditions_are_taken_apart_at_and(text: bytes, found: list[bytes]) -> None:
    parts = conjuncts(tokens(text))
    assert [text[p[0].start : p[-1].end] for p in parts] == found
