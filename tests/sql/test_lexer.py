"""Words are found where MySQL finds them, and nowhere else."""

import pytest

from heatproxy.errors import MySQLError
from heatproxy.sql.lexer import (
    Kind,
    closing,
    find_word,
    qualified_name,
    split_at_commas,
    statements,
    text_of,
    tokens,
)

W, N, S, D, V, Y = (
    *(Kind.WORD, Kind.NAME, Kind.STRING),
    *(Kind.NUMBER, Kind.VARIABLE, Kind.SYMBOL),
)
# statement -> kinds and texts of its tokens
LEXED: dict[bytes, list[tuple[Kind, bytes]]] = {
    b"": [],
    b" \t\r\n": [],
    b"SELECT 1": [(W, b"SELECT"), (D, b"1")],
    b"select`a`": [(W, b"select"), (N, b"`a`")],
    b"`a``b``` x": [(N, b"`a``b```"), (W, b"x")],
    b"'a''b' \"c\"\"d\"": [(S, b"'a''b'"), (S, b'"c""d"')],
    rb"'a\'b' 'c\\'": [(S, rb"'a\'b'"), (S, rb"'c\\'")],
    b"N'x' n'y' nx": [(S, b"N'x'"), (S, b"n'y'"), (W, b"nx")],
    b"_utf8mb4'x' x'4d' b'1'": [
        *(
            (W, b"_utf8mb4"),
            (S, b"'x'"),
            (W, b"x"),
            (S, b"'4d'"),
            (W, b"b"),
            (S, b"'1'"),
        ),
    ],
    b"1.5 .5 1. 1e5 1.5E-3 0x4d": [
        *(
            (D, b"1.5"),
            (D, b".5"),
            (D, b"1."),
            (D, b"1e5"),
            (D, b"1.5E-3"),
            (W, b"0x4d"),
        ),
    ],
    b"1a a1 $x x$1": [(W, b"1a"), (W, b"a1"), (W, b"$x"), (W, b"x$1")],
    b"t.1a": [(W, b"t"), (Y, b"."), (W, b"1a")],
    b"@a @`a b` @'a b' @\"q\" @a.b": [
        *((V, b"@a"), (V, b"@`a b`"), (V, b"@'a b'"), (V, b'@"q"'), (V, b"@a.b")),
    ],
    b"@@x @@session.x": [(V, b"@@x"), (V, b"@@session.x")],
    b"@a:=1": [(V, b"@a"), (Y, b":="), (D, b"1")],
    b"a<=>b a->'$.x' a->>'$' a||b": [
        *((W, b"a"), (Y, b"<=>"), (W, b"b"), (W, b"a"), (Y, b"->"), (S, b"'$.x'")),
        *((W, b"a"), (Y, b"->>"), (S, b"'$'"), (W, b"a"), (Y, b"||"), (W, b"b")),
    ],
    b"1--1": [(D, b"1"), (Y, b"-"), (Y, b"-"), (D, b"1")],
    b"1-- 1": [(D, b"1")],
    b"1--\n2 --": [(D, b"1"), (D, b"2")],
    b"1 # 'x\n2": [(D, b"1"), (D, b"2")],
    b"1 /* 'x; */ 2 /**/3": [(D, b"1"), (D, b"2"), (D, b"3")],
    b"/*+ MAX_EXECUTION_TIME(1) */ 1": [(D, b"1")],
    b"'/* no comment' -- 'x'": [(S, b"'/* no comment'")],
    b"`# no comment` 1": [(N, b"`# no comment`"), (D, b"1")],
    "naïve `日本`".encode(): [(W, "naïve".encode()), (N, "`日本`".encode())],
    b"caf\xe9 '\xe9'": [(W, b"caf\xe9"), (S, b"'\xe9'")],
    b"'unterminated": [(S, b"'unterminated")],
    b"a\x00b": [(W, b"a"), (Y, b"\x00"), (W, b"b")],
    b"?,@": [(Y, b"?"), (Y, b","), (Y, b"@")],
}


@pytest.mark.parametrize(("text", "expected"), LEXED.items())
def test_tokens(text: bytes, expected: list[tuple[Kind, bytes]]) -> None:
    found = tokens(text)
    assert [(token.kind, token.text) for token in found] == expected
    assert all(text[token.start : token.end] == token.text for token in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rb"'\' x", [(S, rb"'\'"), (W, b"x")]),
        (rb'"\" x', [(S, rb'"\"'), (W, b"x")]),
        (rb"'a''b\\'", [(S, rb"'a''b\\'")]),
    ],
)
def test_backslashes_that_escape_nothing(
    text: bytes, expected: list[tuple[Kind, bytes]]
) -> None:
    found = tokens(text, backslash_escapes=False)
    assert [(token.kind, token.text) for token in found] == expected


@pytest.mark.parametrize(
    "text", [b"/*!80000 SELECT */ 1", b"SELECT /*! x */", b"/*!*/"]
)
def test_versioned_comments_are_refused(text: bytes) -> None:
    with pytest.raises(MySQLError) as refusal:
        tokens(text)
    assert refusal.value.number == 1235


def test_a_versioned_comment_in_a_string_is_none() -> None:
    assert len(tokens(b"SELECT '/*! x */', `/*!`")) == 4


@pytest.mark.parametrize("ending", [b"", b"'", b"\\"])
def test_a_long_string_takes_no_long_time(ending: bytes) -> None:
    tokens(b"SELECT '" + b"\\'x" * 300_000 + ending)
    tokens(b"SELECT '" + b"''" * 300_000 + ending)
    tokens(b"/*" + b"*" * 300_000 + ending)
    tokens(b"`" + b"``" * 300_000 + ending)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (b"", []),
        (b";;", []),
        (b"a", [b"a"]),
        (b"a;", [b"a"]),
        (b"; a b;;c ';' d; -- ;", [b"a b", b"c ';' d"]),
    ],
)
def test_statements_of_a_text(text: bytes, parts: list[bytes]) -> None:
    assert [text_of(text, part) for part in statements(tokens(text))] == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a , b", [b"a", b"b"]),
        (b"f(a, b), (c, (d, e)), 'x,y'", [b"f(a, b)", b"(c, (d, e))", b"'x,y'"]),
        (b"1 + 2 /* , */, @a", [b"1 + 2", b"@a"]),
        (b"a,,b", [b"a", b"", b"b"]),
    ],
)
def test_lists_are_split_at_their_own_commas(text: bytes, parts: list[bytes]) -> None:
    assert [text_of(text, part) for part in split_at_commas(tokens(text))] == parts


@pytest.mark.parametrize(
    ("text", "end"), [(b"(a)", 2), (b"((a) b) c", 5), (b"(a", None), (b"(')' )", 2)]
)
def test_closing_parentheses(text: bytes, end: int | None) -> None:
    assert closing(tokens(text), 0) == end


@pytest.mark.parametrize(
    ("text", "index"),
    [
        (b"SELECT a FROM t", 2),
        (b"SELECT (SELECT 1 FROM x) from t", 7),
        (b"SELECT t.from, 'FROM'", None),
        (b"SELECT `from`", None),
        (b"SELECT EXTRACT(DAY FROM d)", None),
    ],
)
def test_keywords_of_the_outermost_level(text: bytes, index: int | None) -> None:
    assert find_word(tokens(text), b"FROM") == index


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"t", (None, "t", 1)),
        (b"s.t x", ("s", "t", 3)),
        (b"`s``1` . `t.2`", ("s`1", "t.2", 3)),
        (b"s. (", (None, "s", 1)),
        ("`sché`.`日`".encode(), ("sché", "日", 3)),
        (b"'t'", None),
        (b"@t", None),
        (b"", None),
    ],
)
def test_qualified_names(
    text: bytes, named: tuple[str | None, str, int] | None
) -> None:
    assert qualified_name(tokens(text), 0) == named
