"""Calls of routines, as people and drivers write them."""

import pytest

from heatproxy.sql.calls import find_calls, parse_call
from heatproxy.sql.lexer import statements, tokens

# statement -> schema, name, arguments; None where it is no CALL that could be ours
CALLS: dict[bytes, tuple[str | None, str, tuple[bytes, ...]] | None] = {
    b"CALL sys.ML_TRAIN('a', 'b')": ("sys", "ML_TRAIN", (b"'a'", b"'b'")),
    b"call `sys`.`ml_train` ( @a )": ("sys", "ml_train", (b"@a",)),
    b"CALL `sys.heatwave_load`(1, 2)": ("sys", "heatwave_load", (b"1", b"2")),
    b"CALL ML_TRAIN()": (None, "ML_TRAIN", ()),
    b"CALL ML_TRAIN": (None, "ML_TRAIN", ()),
    b"CALL sys . ML_TRAIN(JSON_OBJECT('a', 1), (2), 'x,y)')": (
        *("sys", "ML_TRAIN"),
        (b"JSON_OBJECT('a', 1)", b"(2)", b"'x,y)'"),
    ),
    b"/* c */ CALL sys.x(1 /* , */, 2) -- end": ("sys", "x", (b"1", b"2")),
    b"CALL sys.x(1, )": ("sys", "x", (b"1", b"")),
    "CALL sys.x('日本', `é`)".encode(): (
        "sys",
        "x",
        ("'日本'".encode(), "`é`".encode()),
    ),
    b"CALL sys.x(1) + 1": None,
    b"CALL sys.x(1": None,
    b"CALL sys.x 1": None,
    b"CALL": None,
    b"CALL 'x'()": None,
    b"SELECT sys.x(1)": None,
    b"CALLER sys.x(1)": None,
    b"`CALL` sys.x(1)": None,
}


@pytest.mark.parametrize(("text", "expected"), CALLS.items())
def test_a_call(
    text: bytes, expected: tuple[str | None, str, tuple[bytes, ...]] | None
) -> None:
    call = parse_call(text, tokens(text))
    if expected is None:
        assert call is None
        return
    assert call is not None
    assert (call.schema, call.name, call.arguments) == expected


def test_nothing_is_no_call() -> None:
    assert parse_call(b"", []) is None


NAMES = ("F", "G")
# statement -> the calls in it, as they stand there
FOUND: dict[bytes, list[bytes]] = {
    b"SELECT sys.F(1)": [b"sys.F(1)"],
    b"SELECT sys.f(1), F(2), `sys`.`g`()": [b"sys.f(1)", b"F(2)", b"`sys`.`g`()"],
    b"SELECT 1 + sys.F(JSON_OBJECT('a', t.x), @m) AS p FROM t": [
        b"sys.F(JSON_OBJECT('a', t.x), @m)"
    ],
    b"SELECT sys.F(sys.F(1))": [b"sys.F(sys.F(1))"],
    b"SELECT CONCAT(sys.F(1), sys.G (2))": [b"sys.F(1)", b"sys.G (2)"],
    b"SELECT other.F(1)": [b"other.F(1)"],
    b"SELECT F, sys.F, 'sys.F(1)', `sys.F(1)`, @f": [],
    b"SELECT H(1), FF(1)": [],
    b"SELECT sys.F(1": [],
    b"SELECT sys.F /* x */ (1)": [b"sys.F /* x */ (1)"],
    b"": [],
}


@pytest.mark.parametrize(("text", "expected"), FOUND.items())
def test_calls_inside_a_statement(text: bytes, expected: list[bytes]) -> None:
    calls = find_calls(text, tokens(text), NAMES)
    assert [text[call.start : call.end] for call in calls] == expected
    assert all(call.name in NAMES for call in calls)


def test_calls_of_the_second_statement_are_placed_in_the_whole_text() -> None:
    text = b"SELECT 1; SELECT sys.F(2)"
    (call,) = find_calls(text, statements(tokens(text))[1], NAMES)
    assert text[call.start : call.end] == b"sys.F(2)"
    assert (call.schema, call.arguments) == ("sys", (b"2",))
