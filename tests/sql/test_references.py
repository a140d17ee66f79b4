"""Where a statement reads tables, by its tokens."""

import pytest

from heatproxy.sql.lexer import tokens
from heatproxy.sql.references import (
    columns_read,
    expressions,
    references,
    replaced,
    verb,
)

# What each statement reads; an alias stands behind a blank, TABLE's name behind a plus.
READS = {
    "SELECT a FROM t": "t",
    "SELECT a FROM t x": "t x",
    "SELECT a FROM t AS x WHERE x.a = t": "t x",
    "SELECT a FROM s.t, `t` `y`, s . t": "s.t,t y,s.t",
    "SELECT t FROM (t)": "t",
    "SELECT 1 FROM (t, (u JOIN v USING (a, b)), w)": "t,u,v,w",
    "SELECT 1 FROM t JOIN u ON t.a = u.a, v": "t,u,v",
    "SELECT 1 FROM t LEFT JOIN u ON f(a, b) JOIN v": "t,u,v",
    "SELECT 1 FROM t STRAIGHT_JOIN u NATURAL JOIN v": "t,u,v",
    "SELECT STRAIGHT_JOIN a, b FROM t": "t",
    "SELECT 1 FROM {OJ t LEFT JOIN u ON 1}": "t,u",
    "SELECT 1 FROM t USE INDEX FOR JOIN (a, b), u": "t,u",
    "SELECT 1 FROM t x IGNORE KEY (a) JOIN u": "t x,u",
    "SELECT 1 FROM t PARTITION (p0, p1), u": "t,u",
    "SELECT EXTRACT(DAY FROM a), TRIM(LEADING FROM b), SUBSTRING(c FROM 2) FROM t": "t",
    "SELECT (SELECT MAX(a) FROM t), b FROM u": "t,u",
    "SELECT a FROM t WHERE b IN (SELECT b FROM u) GROUP BY a, t.b ORDER BY c, d": "t,u",
    "SELECT a FROM (SELECT a FROM t) d, LATERAL (SELECT 1 FROM u) e": "t,u",
    "SELECT a FROM ((SELECT a FROM t) UNION (SELECT a FROM u)) d, v": "t,u,v",
    "SELECT a FROM (((SELECT a FROM t))) d JOIN v": "t,v",
    "(SELECT a FROM t) UNION ALL (SELECT a FROM u) ORDER BY a": "t,u",
    "SELECT a FROM t UNION SELECT a FROM u, v LIMIT 1": "t,u,v",
    "SELECT a FROM JSON_TABLE('[]', '$' COLUMNS (a INT PATH '$')) j, t": "t",
    "SELECT a FROM t WINDOW w AS (ORDER BY a, b), v AS (w)": "t",
    "SELECT a FROM t FOR UPDATE OF t, u": "t",
    "SELECT a FROM t INTO @x, @y": "t",
    "WITH c AS (SELECT a FROM t), d (x) AS (TABLE u) SELECT * FROM c, d": "t,+u,c,d",
    "TABLE t ORDER BY a": "+t",
    "VALUES ROW(1, 2), ROW((SELECT 1 FROM t), 2)": "t",
    "INSERT INTO t SELECT a FROM u ON DUPLICATE KEY UPDATE a = 1, b = u.b": "u",
    "INSERT INTO t (a, b) VALUES (1, (SELECT a FROM u)), (2, 3)": "u",
    "INSERT INTO t TABLE u": "+u",
    "REPLACE INTO t (a) (SELECT a FROM u)": "u",
    "CREATE TABLE t (a INT) AS SELECT a FROM u": "u",
    "CREATE TEMPORARY TABLE t TABLE u": "+u",
    "CREATE TABLE t LIKE u": "",
    "UPDATE t SET a = (SELECT b FROM u), c = d": "t,u",
    "UPDATE LOW_PRIORITY IGNORE t, s.u x SET t.a = x.b, t.b = 1": "t,s.u x",
    "UPDATE (t JOIN u USING (a)) SET t.b = u.b": "t,u",
    "DELETE FROM t WHERE a IN (SELECT a FROM u)": "u",
    "DELETE QUICK t, s.v FROM t JOIN u, v": "t,u,v",
    "DELETE FROM t, v USING t JOIN u USING (a) JOIN v": "t,u,v",
    "WITH c AS (SELECT 1 FROM t) DELETE u FROM u JOIN c": "t,u,c",
    "WITH c AS (SELECT 1 FROM t) UPDATE u, c SET u.a = 1": "t,u,c",
    "EXPLAIN ANALYZE FORMAT=TREE UPDATE t JOIN u SET t.a = 1": "t,u",
    "SET @x = (SELECT MAX(a) FROM t), @y = 1": "t",
    "DO (SELECT a FROM t), 5": "t",
    "SELECT 'FROM t', `FROM`, \"JOIN u\" FROM v -- FROM w": "v",
    "SELECT a.from, a.join FROM b a": "b a",
    "SELECT COUNT(DISTINCT (SELECT 1 FROM t)) FROM u": "t,u",
    "SELECT a FROM t WHERE EXISTS (WITH c AS (SELECT 1 FROM u) SELECT 1 FROM c)": (
        "t,u,c"
    ),
}


@pytest.mark.parametrize(("text", "read"), READS.items(), ids=READS)
def test_the_tables_that_are_read_are_found(text: str, read: str) -> None:
    part = tokens(text.encode())
    found = []
    for one in references(part):
        name = f"{one.schema}.{one.name}" if one.schema else one.name
        alias = part[one.last + 1].name if one.has_alias else None
        if alias == "AS":
            alias = part[one.last + 2].name
        found.append("+" * one.bare + name + (f" {alias}" if alias else ""))
    assert ",".join(found) == read


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("SELECT t.a FROM t", "SELECT t.a FROM `c` AS t"),
        ("SELECT 1 FROM s.t WHERE s.t.a", "SELECT 1 FROM `c` AS t WHERE s.t.a"),
        ("SELECT 1 FROM t x, t", "SELECT 1 FROM `c` x, `c` AS t"),
        ("TABLE t", "TABLE `c`"),
        ("SELECT 1 FROM t USE KEY (a)", "SELECT 1 FROM `c` AS t USE KEY (a)"),
    ],
)
def test_another_table_bears_the_name(text: str, other: str) -> None:
    part = tokens(text.encode())
    by = [(one, b"`c`") for one in references(part)]
    assert replaced(text.encode(), part, by).decode() == other


def test_a_query_in_a_tables_place_has_no_schema() -> None:
    text = b"SELECT s.t.a, s.t.*, x.t.a, s.u.a FROM s.t"
    part = tokens(text)
    by = [(one, b"(Q)") for one in references(part)]
    made = replaced(text, part, by, {("s", "t")})
    assert made == b"SELECT t.a, t.*, x.t.a, s.u.a FROM (Q) AS t"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("SELECT a FROM t WHERE B > 1", ["a", "b"]),
        ("SELECT COUNT(*), 2 * a, a*b FROM t", ["a", "b"]),
        ("SELECT (a)*2, `c` * 2 FROM t", ["a", "c"]),
        ("SELECT 1 FROM t", []),
        ("SELECT * FROM t", None),
        ("SELECT a, t.* FROM t", None),
        ("SELECT DISTINCT * FROM t", None),
        ("SELECT SQL_NO_CACHE * FROM t", None),
        ("SELECT 1 FROM (SELECT * FROM t) d", None),
        ("SELECT a FROM t NATURAL JOIN u", None),
        ("TABLE t", None),
        ("CREATE TABLE x SELECT a FROM t", ["a"]),
    ],
)
def test_the_columns_that_may_be_read_are_found(
    text: str, read: list[str] | None
) -> None:
    assert columns_read(tokens(text.encode()), ["a", "b", "c"]) == read


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("SELECT 1", b"SELECT"),
        ("(SELECT 1)", b"SELECT"),
        ("WITH c AS (SELECT 1) SELECT 1", b"SELECT"),
        ("WITH c AS (DELETE) UPDATE t SET a = 1", b"UPDATE"),
        ("with c as (select 1) delete t from t, c", b"DELETE"),
        ("EXPLAIN UPDATE t SET a = 1", b"UPDATE"),
        ("replace INTO t VALUES (1)", b"REPLACE"),
        ("CREATE TABLE t SELECT 1", b"CREATE"),
    ],
)
def test_what_a_statement_does_is_known(text: str, word: bytes) -> None:
    assert verb(tokens(text.encode())) == word


def test_the_names_of_common_table_expressions_are_known() -> None:
    text = b"WITH RECURSIVE A AS (SELECT 1), b (x, y) AS (SELECT 1, 2) SELECT x AS c"
    assert expressions(tokens(text)) == {"a", "b"}
    assert expressions(tokens(b"SELECT 1 AS (a)")) == set()
