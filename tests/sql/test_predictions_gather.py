"""What is asked for the rows of calls, and the look-ups that stand in their places."""

import pytest

from heatproxy.sql.calls import find_calls
from heatproxy.sql.lexer import tokens
from heatproxy.sql.predictions_blocks import selects_all
from heatproxy.sql.predictions_early import Early
from heatproxy.sql.predictions_gather import Rewriting

CALL = "sys.ML_PREDICT_ROW(a, 'm', NULL)"


def rewriting(sql: str) -> Rewriting:
    text = sql.replace("F", CALL).encode()
    part = tokens(text)
    return Rewriting(text, part, find_calls(text, part, {"ML_PREDICT_ROW"}))


FIRST = {
    "SELECT F from t where b = 1": "SELECT DISTINCT v AS heatproxy_a FROM (t)"
    " WHERE b = 1",
    "SELECT 1 from t, u where F = 1 and b = 1": "SELECT DISTINCT v AS heatproxy_a"
    " FROM (t, u) WHERE TRUE and b = 1",
    "SELECT F from t order by b limit 3": "SELECT v AS heatproxy_a FROM (t)"
    " ORDER BY b LIMIT 3",
    "SELECT F from t order by 1 limit 3": "SELECT DISTINCT v AS heatproxy_a FROM (t)",
    "SELECT 1 union select F from t limit 3": "SELECT DISTINCT v AS heatproxy_a"
    " FROM (t)",
    "SELECT distinct F from t limit 3": "SELECT DISTINCT v AS heatproxy_a FROM (t)",
    "SELECT 1 from t x join u on F = 1": "SELECT DISTINCT v AS heatproxy_a FROM t x",
    "with c as (select 1) SELECT F from c": "WITH c as (select 1)"
    " SELECT DISTINCT v AS heatproxy_a FROM (c)",
    "update t set b = F where c = 1 limit 2": "SELECT v AS heatproxy_a FROM (t)"
    " WHERE c = 1 LIMIT 2",
    "delete from t where F": "SELECT DISTINCT v AS heatproxy_a FROM (t) WHERE TRUE",
    "select F from dual": "SELECT DISTINCT v AS heatproxy_a",
}


@pytest.mark.parametrize(("sql", "asked"), FIRST.items(), ids=range(len(FIRST)))
def test_the_rows_of_a_call_are_asked_for(sql: str, asked: str) -> None:
    made = rewriting(sql)
    (first,) = made.asked()
    assert made.gathers(first, b"v")[0].decode() == asked


def test_rows_of_a_correlated_subquery_are_those_of_both_blocks() -> None:
    made = rewriting("SELECT 1 from t where x in (select F from u where y = t.y) and z")
    (asked,) = made.asked()
    *_, correlated, unrestricted = made.gathers(asked, b"v")
    assert correlated.decode() == (
        "SELECT DISTINCT heatproxy_o0.* FROM (t), LATERAL (SELECT DISTINCT v AS"
        " heatproxy_a FROM (u) WHERE y = t.y) AS heatproxy_o0 WHERE TRUE and z"
    )
    assert unrestricted == b"SELECT DISTINCT v AS heatproxy_a FROM (u)"


OF_OTHERS = {  # calls whose arguments are of blocks around: what is tried in the end
    "on": (
        "SELECT 1 from t w where z and 1 < (SELECT 1 from u join v on F = 1)",
        ["t w", "(t w) WHERE z and TRUE"],
    ),
    "lateral": ("SELECT 1 from t w, lateral (SELECT 1 from u where F = 1) d", ["t w"]),
}


@pytest.mark.parametrize(("sql", "froms"), OF_OTHERS.values(), ids=OF_OTHERS)
def test_rows_of_the_block_around_may_be_enough(sql: str, froms: list[str]) -> None:
    made = rewriting(sql)
    (asked,) = made.asked()
    found = [select.decode() for select in made.gathers(asked, b"v")]
    start = "SELECT DISTINCT v AS heatproxy_a FROM "
    tried = [select.removeprefix(start) for select in found if " w" in select]
    assert tried[: len(froms)] == froms


def test_calls_come_in_the_order_in_which_their_rows_come_to_be() -> None:
    made = rewriting(
        "SELECT F from (select F x from t) d join u on F = 1 where F = 2 group by b"
    )
    clauses = []
    for asked in made.asked():
        clauses.append((asked.clause.decode(), asked.block.outer is None))
        for call in asked.calls:
            made.settle(call, b"known")
    assert clauses == [
        ("LIST", False),
        ("FROM", True),
        ("WHERE", True),
        ("LIST", True),
    ]
    assert not made.left
    assert made.statement() == (
        b"SELECT known from (select known x from t) d join u on known = 1"
        b" where known = 2 group by b"
    )


def test_answers_are_joined_where_two_calls_must_be_seen_to_be_the_same() -> None:
    made = rewriting("SELECT F, count(*) from t, u where b = 1 group by F")
    (asked,) = made.asked()
    assert made.joins(asked)
    assert not selects_all(made.part, asked.block)
    made.join(asked, b"v", b"h")
    text = made.statement().decode()
    assert (
        " from (t, u) LEFT JOIN h AS heatproxy_j0 ON heatproxy_j0.heatproxy_k" in text
    )
    assert text.count("IFNULL(heatproxy_j0.heatproxy_r, CAST(CONCAT(") == 2


def test_a_value_that_is_set_beside_a_call_is_not_evaluated_again() -> None:
    made = rewriting("SELECT @x := 1, F from t where b = 1")
    assert [t.text for t in made.repeated() if t.text == b":="] == []
    inside = rewriting("SELECT F from (select @x := 1 a) t")
    assert [t.text for t in inside.repeated() if t.text == b":="] == [b":="]


def test_a_call_in_no_query_is_left() -> None:
    made = rewriting("INSERT INTO t VALUES (F)")
    assert list(made.asked()) == []
    assert made.left


# Which tables are asked for by themselves, by which conditions, and whether for NULLs.
EARLY = {
    "SELECT 1 from t where F and b": None,
    "SELECT F from t natural join u where b": None,
    "SELECT 1 from t join u on x = y where F and b": None,
    "SELECT 1 from t natural join u v where F and b": ("t|u v", "(b\n)", False),
    "SELECT 1 from t left join u using (x) where F": ("t|u", "", True),
    "SELECT 1 from t join u on F = x where F and y": ("t|u", "(y\n)", False),
    "SELECT 1 from (select 2 x) d (y) right join u on b where F": (
        "u|(select 2 x) d (y)",
        "",
        True,
    ),
    "SELECT 1 from t left join lateral (select 2) d on b where F": ("t", "", True),
}


@pytest.mark.parametrize(("sql", "expected"), EARLY.items(), ids=range(len(EARLY)))
def test_rows_that_are_not_joined_yet_are_asked_for(
    sql: str, expected: tuple[str, str, bool] | None
) -> None:
    made = rewriting(sql)
    found = []
    for asked in made.asked():
        for call in asked.calls:
            made.settle(call, b"known")
        found.append(made.early(asked))
    last = found[-1]
    if expected is None:
        assert last is None
        return
    assert last is not None
    tables = b"|".join(last.tables).decode()
    assert (tables, b"|".join(last.conditions).decode(), last.nulls) == expected


def test_the_fewest_tables_are_tried_first_and_those_of_nulls_are_added() -> None:
    early = Early(b"", (b"t", b"u"), (), nulls=True, lateral=False)
    assert list(early.choices()) == [[(b"t",), (b"u",)], [(b"t", b"u")]]
    assert early.select(b"v", (b"t", b"u"), (b"(x)",)) == (
        b"SELECT DISTINCT v AS heatproxy_a FROM t, u WHERE (x)"
    )
    assert early.of_nulls(b"v", (b"t",)) == [
        b"SELECT DISTINCT v AS heatproxy_a FROM (SELECT 1) AS heatproxy_one"
        b" LEFT JOIN t ON FALSE"
    ]
    assert len(early.of_nulls(b"v", (b"t", b"u"))) == 3
