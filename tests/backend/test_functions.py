"""Prediction functions: what stands in MySQL for them, and how it is read again."""

import pytest

from heatproxy.backend.functions import MARK, ModelFunction, parameter_names, parsed

CHURN = ModelFunction("d", "f", "admin", "d.m", ("age", "it's"), "SIGNED")


def test_a_call_is_one_of_ml_predict_row() -> None:
    assert CHURN.expression([b"a", b"b + 1"]) == (
        b"JSON_VALUE(sys.ML_PREDICT_ROW(JSON_OBJECT('age', a, 'it''s', b + 1),"
        b" 'd.m', NULL), '$.Prediction' RETURNING SIGNED ERROR ON ERROR)"
    )


def test_text_is_compared_by_a_collation() -> None:
    texts = ModelFunction("d", "f", "admin", "d.m", (), "CHAR(9)")
    made = texts.expression([])
    assert made.startswith(b"CAST(JSON_VALUE(")
    assert made.endswith(b" AS CHAR(9) CHARACTER SET utf8mb4)")


@pytest.mark.parametrize(("escapes", "name"), [(True, b"'a\\\\b'"), (False, b"'a\\b'")])
def test_a_backslash_is_doubled_where_it_escapes(escapes: bool, name: bytes) -> None:
    function = ModelFunction("d", "f", "u", "h", ("a\\b",), "SIGNED")
    assert name in function.expression([b"1"], escapes=escapes)


def test_a_name_that_is_not_ascii_is_safe_in_every_character_set() -> None:
    function = ModelFunction("d", "f", "u", "h", ("größe",), "SIGNED")
    assert b"_utf8mb4 0x6772c3b6c39f65" in function.expression([b"1"])


def test_the_comment_of_a_function_says_what_it_is_of() -> None:
    assert CHURN.comment.isascii()
    assert parsed("d", "f", CHURN.comment) == CHURN


@pytest.mark.parametrize("comment", ["", MARK, MARK + "{}", MARK + "[1]", "{"])
def test_a_comment_of_somebody_else_says_nothing(comment: str) -> None:
    assert parsed("d", "f", comment) is None


def test_parameters_have_names_of_their_own() -> None:
    assert parameter_names(["a", "a b"]) == ["p1_a", "p2_a b"]
    assert len(parameter_names(["x" * 64])[0]) == 64
