"""Strings of every kind in many collations: MySQL and the engine must agree."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from heatproxy.backend.account import Address, ServiceAccount
from heatproxy.backend.weights import Weights
from heatproxy.rapid.keys import Keys
from heatproxy.rapid.tables import LoadedTables
from heatproxy.sql.collation import key_of, key_query, pads_space
from heatproxy.sql.emitter.values import Forward
from heatproxy.sql.letters import LETTERS
from tests.sql.mysql_oracle import Oracle
from tests.sql.strings import ascii_strings, unicode_strings, writable

pytestmark = pytest.mark.mysql
COLLATIONS = {  # and how many rows there are in each
    "utf8mb4_0900_ai_ci": 20_000,
    "utf8mb4_0900_as_cs": 20_000,
    "utf8mb4_0900_bin": 20_000,
    "utf8mb4_general_ci": 20_000,
    "utf8mb4_unicode_ci": 20_000,
    "utf8mb4_bin": 20_000,
    "latin1_swedish_ci": 20_000,
    "utf8mb4_cs_0900_ai_ci": 20_000,
    "utf8mb4_ja_0900_as_cs": 20_000,
    "utf8mb4_0900_as_ci": 5_000,
    "utf8mb3_general_ci": 5_000,
    "latin1_bin": 5_000,
    "utf8mb4_hu_0900_as_cs": 5_000,
    "utf8mb4_tr_0900_ai_ci": 5_000,
}
CONTRACTED = ("utf8mb4_cs_0900_ai_ci", "utf8mb4_hu_0900_as_cs")  # "ch" is a letter
FOLDED_BY_NONE = "utf8mb4_tr_0900_ai_ci"  # i and I are two letters, a and A are not
LITERALS = 60
WORDS = (
    "special",
    "requests",
    "Tiresias",
    "tiresias",
    "pack_ages",
    "specials",
    "quests",
)


@dataclass
class Loaded:
    """A table of strings: a, b of printable ASCII, u, v of all kinds."""

    oracle: Oracle
    table: str
    collation: str
    ascii_texts: list[str]
    all_texts: list[str]

    def agrees(self, text: str) -> None:
        assert self.oracle.difference(text) is None, text


@pytest.fixture(scope="module", params=COLLATIONS)
def loaded(
    request: Any, server: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Loaded]:
    collation, rows = request.param, COLLATIONS[request.param]
    charset = collation.partition("_")[0]
    oracle = Oracle(
        server.backend_login, "heat_texts", tmp_path_factory.mktemp("texts")
    )
    account = ServiceAccount(
        Address(server.login["user"], server.login["password"], server.backend_socket)
    )
    oracle.keys = Keys(Weights(account), oracle.engine, LoadedTables())
    first, second = ascii_strings(rows), ascii_strings(rows, seed=5)
    third, fourth = (
        [writable(text, charset) for text in unicode_strings(rows, seed)]
        for seed in (2, 6)
    )
    third, fourth = (_keyable(oracle, collation, texts) for texts in (third, fourth))
    column = f"VARCHAR(60) CHARACTER SET {charset} COLLATE {collation}"
    oracle.query(
        f"CREATE TABLE s (id INT PRIMARY KEY, a {column}, b {column}, u {column},"
        f" v {column}, c CHAR(9) CHARACTER SET {charset} COLLATE {collation})"
    )
    texts = (first, second, third, fourth, third)
    for begin in range(0, rows, 2500):
        listed = ", ".join(
            f"ROW({', '.join([str(n), *_written(texts, n)])})"
            for n in range(begin, begin + 2500)
        )
        oracle.query(
            "INSERT INTO s SELECT column_0, column_1, column_2, column_3, column_4,"
            f" LEFT(column_5, 9) FROM (VALUES {listed}) AS t"
        )
    oracle.take("s")
    yield Loaded(oracle, "s", collation, first, third)
    oracle.close()
    account.close()


@pytest.fixture(
    scope="module",
    params=["utf8mb4_0900_ai_ci", "utf8mb4_general_ci", "latin1_swedish_ci"],
)
def alphabets(
    request: Any, server: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Oracle]:
    """Table f: each of its columns is made of a few characters of its own."""
    oracle = Oracle(
        server.backend_login, "heat_letters", tmp_path_factory.mktemp("letters")
    )
    charset = request.param.partition("_")[0]
    column = f"VARCHAR(9) CHARACTER SET {charset} COLLATE {request.param}"
    oracle.query(
        f"CREATE TABLE f (id INT PRIMARY KEY, upper {column}, lower {column},"
        f" code {column}, name {column}, fixed CHAR(4) CHARACTER SET {charset}"
        f" COLLATE {request.param}, words {column.replace('9', '60', 1)})"
    )
    pick = random.Random(11)  # noqa: S311 - test data
    letters = ("AB", "ab ", "B-1_#", "Anbo", "aB")
    rows = [
        [
            "".join(pick.choice(part) for _ in range(pick.randint(0, 3)))
            for part in letters
        ]
        + [" ".join(pick.choice(WORDS) for _ in range(pick.randint(0, 3)))]
        for _ in range(400)
    ]
    listed = ", ".join(
        f"({n}, {', '.join(map(_literal, row))})" for n, row in enumerate(rows)
    )
    oracle.query(f"INSERT INTO f VALUES {listed}")
    oracle.take("f")
    oracle.tables["f"] = replace(oracle.tables["f"], unique=(("id",),))
    yield oracle
    oracle.close()


@pytest.mark.parametrize("column", ["a", "u", "c"])
def test_every_row_sorts_where_mysql_sorts_it(loaded: Loaded, column: str) -> None:
    loaded.agrees(f"SELECT id FROM s ORDER BY {column}, id")
    loaded.agrees(f"SELECT id FROM s ORDER BY {column} DESC, id DESC")


@pytest.mark.parametrize(("one", "other"), [("a", "b"), ("u", "v"), ("u", "c")])
def test_columns_compare_row_by_row(loaded: Loaded, one: str, other: str) -> None:
    tests = [f"{one} {op} {other}" for op in ("=", "<", "<=", ">", "<>", "<=>")]
    loaded.agrees(f"SELECT id, {', '.join(tests)} FROM s ORDER BY id")


@pytest.mark.parametrize("column", ["a", "u"])
def test_rows_join_where_their_strings_are_equal(loaded: Loaded, column: str) -> None:
    loaded.agrees(
        f"SELECT x.id, COUNT(*), SUM(y.id) FROM s x JOIN s y ON x.{column} = y.{column}"
        " WHERE x.id < 3000 AND y.id >= 15000 GROUP BY x.id"
    )


@pytest.mark.parametrize("column", ["a", "u", "c"])
def test_groups_are_those_of_mysql(loaded: Loaded, column: str) -> None:
    loaded.agrees(f"SELECT COUNT(*), MIN(id), MAX(id) FROM s GROUP BY {column}")
    loaded.agrees(f"SELECT COUNT(DISTINCT {column}) FROM s")
    loaded.agrees(f"SELECT COUNT(*) FROM (SELECT DISTINCT {column} FROM s) d")


@pytest.mark.parametrize("column", ["a", "u"])
def test_the_first_and_last_of_each_group(loaded: Loaded, column: str) -> None:
    """Which of those that are equal is shown is open; that it is equal is not."""
    for function in ("MIN", "MAX"):
        loaded.agrees(
            f"SELECT g.k, COUNT(*), MIN(s.id) FROM (SELECT id % 50 AS k,"
            f" {function}({column}) AS m FROM s GROUP BY id % 50) g JOIN s"
            f" ON s.{column} = g.m GROUP BY g.k"
        )


@pytest.mark.parametrize("column", ["a", "u", "c"])
def test_literals_compare(loaded: Loaded, column: str) -> None:
    pick = random.Random(f"{column} of {loaded.collation}")  # noqa: S311 - test data
    texts = loaded.ascii_texts if column == "a" else loaded.all_texts
    literals = [_literal(pick.choice(texts)) for _ in range(LITERALS)]
    for at in range(0, LITERALS, 6):
        one, other, *rest = literals[at : at + 6]
        listed = ", ".join((*rest, one))
        loaded.agrees(
            f"SELECT COUNT(*), SUM({column} = {one}), SUM({column} < {one}),"
            f" SUM({column} >= {other}), SUM({column} BETWEEN {one} AND {other}),"
            f" SUM({column} IN ({listed})), SUM({column} NOT IN ({listed})),"
            f" SUM(CASE {column} WHEN {one} THEN 1 WHEN {other} THEN 2 END) FROM s"
        )


@pytest.mark.parametrize("one", ["upper", "lower", "code", "name", "fixed"])
def test_columns_of_few_letters_compare(alphabets: Oracle, one: str) -> None:
    """Of few letters, columns are compared unfolded; literals are fitted to them."""
    others = [name for name in ("upper", "lower", "code", "name", "fixed")]
    tests = [f"{one} {op} {other}" for other in others for op in ("=", "<", ">=")]
    assert alphabets.difference(f"SELECT id, {', '.join(tests)} FROM f") is None
    for literal in (
        "AB",
        "ab",
        "aB ",
        "B-1",
        "b_1",
        "Ann",
        "ann ",
        "c#d",
        "",
        " ",
        "~",
    ):
        found = alphabets.difference(
            f"SELECT COUNT(*), SUM({one} = '{literal}'), SUM({one} < '{literal}'),"
            f" SUM({one} BETWEEN '{literal}' AND 'b'), SUM('{literal}' >= {one}),"
            f" SUM({one} IN ('{literal}', 'A', 'b ')), SUM({one} LIKE '{literal}%'),"
            f" SUM({one} LIKE '%{literal}_%') FROM f"
        )
        assert found is None, literal
    for text in (
        f"SELECT id FROM f ORDER BY {one}, id",
        f"SELECT COUNT(*), MIN(id) FROM f GROUP BY {one}",
        f"SELECT COUNT(*), SUM(x.id) FROM f x JOIN f y ON x.{one} = y.name",
        f"SELECT COUNT(*) FROM f WHERE {one} = (SELECT MIN(name) FROM f)",
    ):
        assert alphabets.difference(text) is None, text


@pytest.mark.parametrize("one", ["upper", "lower", "code", "name", "fixed", "words"])
def test_columns_of_few_letters_match_patterns(alphabets: Oracle, one: str) -> None:
    pick = random.Random(3)  # noqa: S311 - test data
    parts = (*WORDS, *"AaBb1no-", "ann", "BO", "spec", "quest", "ias", "st s", "es T")
    wild = ("%", "%", "_", "%_", "")
    for _ in range(12):
        tests = []
        for _ in range(8):
            texts = pick.choices(parts, k=pick.randint(1, 3))
            pattern = pick.choice(wild).join([pick.choice(wild[1:]), *texts, "%"])
            pattern = pick.choice((str, str.upper, str.swapcase))(pattern)
            pattern = pattern.removesuffix(pick.choice("% "))
            word = pick.choice(("LIKE", "NOT LIKE"))
            tests.append(f"SUM({one} {word} {_literal(pattern)})")
        text = f"SELECT {', '.join(tests)} FROM f"
        assert alphabets.difference(text) is None, text


def test_texts_are_folded_for_patterns_that_they_may_match(alphabets: Oracle) -> None:
    for word in ("LIKE", "NOT LIKE"):
        text = f"SELECT COUNT(*) FROM f WHERE words {word} '%SPECIAL%requesTs%'"
        needed = "t1.\"words\" NOT LIKE '%special%reques%'"
        _finds(alphabets, text, needed, "FALSE", True)
        _finds(alphabets, text, "%special%reques%", "%special%reques", False)
        _finds(alphabets, text, "requests", "requesTs", False)
    sure = alphabets.translate("SELECT COUNT(*) FROM f WHERE words LIKE 'SpeCial%'")
    assert "t1.\"words\" LIKE 'special%'" in sure.sql


@pytest.mark.parametrize("one", ["upper", "name", "words"])
def test_parts_of_texts_have_their_letters(alphabets: Oracle, one: str) -> None:
    whole = (f"LEFT({one}, 2)", f"RIGHT({one}, 1)", f"SUBSTRING({one}, 2, 2)")
    cut = (f"MID({one}, -2)", f"SUBSTRING_INDEX({one}, 'b', 1)", f"TRIM({one})")
    for part in (*whole, *cut, f"LTRIM({one})", f"RTRIM({one})"):
        for text in (
            f"SELECT id, {part} = 'ab', {part} < 'B', {part} IN ('a', 'An', 'SP'),"
            f" {part} LIKE '%A%', {part} = name, {part} >= lower FROM f ORDER BY id",
            f"SELECT COUNT(*), MIN(id) FROM f GROUP BY {part} ORDER BY 2",
            f"SELECT id FROM f ORDER BY {part}, id",
        ):
            assert alphabets.difference(text) is None, text


def test_a_part_is_not_folded_if_its_text_is_not(alphabets: Oracle) -> None:
    text = "SELECT id FROM f WHERE LEFT(upper, 2) = 'ab' ORDER BY id"
    assert "lower(" not in alphabets.translate(text).sql
    _finds(alphabets, text, "'AB'", "'ab'", False)


def test_groups_of_one_row_of_a_table_show_it(alphabets: Oracle) -> None:
    pairs = "FROM f x JOIN f y ON x.fixed = y.code"
    both = f"SELECT x.id, x.words, x.code, COUNT(*), MIN(y.id) {pairs}"
    for text in (
        "SELECT words, id, COUNT(*) FROM f GROUP BY words, id ORDER BY id",
        f"{both} GROUP BY x.words, x.id, x.code, y.words ORDER BY x.id, 5",
        f"{both} GROUP BY x.words, y.id, x.id, x.code, y.words ORDER BY x.id, 5",
        "SELECT y.id, y.words, COUNT(*) FROM f x LEFT JOIN f y ON x.code = y.fixed"
        " GROUP BY y.words, y.id ORDER BY y.id",
        "SELECT LEFT(name, 1) AS n, id, COUNT(*) FROM f GROUP BY n, id ORDER BY id",
        "SELECT COUNT(*), MAX(id) FROM f GROUP BY id, words WITH ROLLUP",
    ):
        assert alphabets.difference(text) is None, text
    text = f"SELECT x.id, COUNT(*), MIN(y.id) {pairs} GROUP BY x.id, x.words, y.words"
    sql = alphabets.translate(text).sql
    clause = sql.partition("GROUP BY ")[2]
    assert 't1."words"' in clause.split(", ")
    key = next(key for key in clause.split(", ") if 't2."words"' in key)
    assert key.split()[0] != 't2."words"'
    _finds(alphabets, f"{text} ORDER BY 1, 3", f", {key}", ', t2."words"', False)


def _finds(oracle: Oracle, text: str, old: str, new: str, same: bool) -> None:
    """Whether the answer is the same too with something else in its SQL."""
    assert oracle.difference(text) is None
    translated, mysql = oracle.translate(text), oracle.query(text)
    assert old in translated.sql
    rows = oracle.answer(translated, mysql.fields, lambda sql: sql.replace(old, new, 1))
    assert (rows == mysql.rows) is same


def test_patterns_match_printable_ascii(loaded: Loaded) -> None:
    if loaded.collation in (*CONTRACTED, FOLDED_BY_NONE):
        with pytest.raises(Forward, match="LIKE on strings of collation"):
            loaded.oracle.translate("SELECT id FROM s WHERE a LIKE 'a'")
        return
    _agree_on_patterns(loaded, "a", loaded.ascii_texts)


def test_ascii_texts_compare_with_all_others(loaded: Loaded) -> None:
    tests = [f"a {op} u" for op in ("=", "<", "<=", ">", "<>", "<=>")]
    text = f"SELECT id, {', '.join(tests)} FROM s ORDER BY id"
    if pads_space(loaded.collation):
        with pytest.raises(Forward, match="comparing"):
            loaded.oracle.translate(text)
    else:
        loaded.agrees(text)


def test_patterns_match_all_texts(loaded: Loaded) -> None:
    if loaded.collation in ("utf8mb4_0900_bin", "utf8mb4_bin"):
        _agree_on_patterns(loaded, "u", loaded.all_texts)
    elif loaded.collation in LETTERS:
        _agree_on_patterns(loaded, "u", loaded.ascii_texts)
        _agree_on_patterns(loaded, "u", ["a", "e", "ss", "1", "ae", "o", " ", "-"])
    else:
        with pytest.raises(Forward, match="LIKE"):
            loaded.oracle.translate("SELECT id FROM s WHERE u LIKE 'a'")


def _agree_on_patterns(loaded: Loaded, column: str, texts: list[str]) -> None:
    pick = random.Random(7)  # noqa: S311 - test data
    for _ in range(12):
        tests = []
        for _ in range(6):
            text = pick.choice(texts).replace("\\", "").replace("\0", "")
            form = pick.choice(("{}%", "%{}", "%{}%", "_{}", "{}_", "%{}_%", "{}"))
            tests.append(f"SUM({column} LIKE {_literal(form.format(text))})")
        loaded.agrees(f"SELECT {', '.join(tests)} FROM s")


def _written(texts: Sequence[list[str]], row: int) -> list[str]:
    """A row's strings in MySQL's words, some of them NULL."""
    return [
        "NULL" if (row + place) % 97 == 0 else f"_utf8mb4 X'{part[row].encode().hex()}'"
        for place, part in enumerate(texts)
    ]


def _keyable(oracle: Oracle, collation: str, texts: list[str]) -> list[str]:
    """The texts without those that MySQL hashes in another way than it compares."""
    oracle.weigh([collation])
    blank = oracle.weights.keys[collation].blank
    kept = []
    for begin in range(0, len(texts), 5000):
        part = texts[begin : begin + 5000]
        rows = oracle.query(key_query(collation, part)).rows
        for text, (_, weight) in zip(part, rows, strict=True):
            try:
                key_of(text, (weight or "").encode("latin1"), blank)
            except ValueError:
                kept.append("é")
            else:
                kept.append(text)
    return kept


def _literal(text: str) -> str:
    """As it is written in MySQL; NUL, which DuckDB's literals can't have, left out."""
    for comment in ("/*", "--"):  # refused wherever it stands
        text = text.replace(comment, "")
    text = text.replace("\0", "").replace("\\", "\\\\").replace("'", "''")
    return f"'{text}'"
