"""Names that MySQL does not have, in every place where a statement may have them."""

import pytest

from heatproxy.sql.lexer import tokens
from heatproxy.sql.prefilter import MENTIONS
from heatproxy.sql.substitute import (
    blanked_hints,
    find_tables,
    find_variables,
    substituted,
)

TABLES = {"p": ("r", "other"), "i": ("tables",)}
BODIES = {"r": b"R", "other": b"O", "tables": b"T"}


def rewritten(sql: str, default: str | None = None) -> str | None:
    """The statement with R, O and T for the queries; markers cut down to numbers."""
    text = sql.encode()
    part = tokens(text)
    mentions = find_tables(part, TABLES, default)
    if not mentions:
        return sql
    found = substituted(text, part, mentions, BODIES)
    if found is None:
        return None
    return found.text.decode().replace("/*heatproxy ", "/*")


CASES = {
    "a qualified name": ("SELECT * FROM p.r", "WITH `r` AS (R) SELECT * FROM r/*0*/"),
    "quoted": ("SELECT * FROM `p`.`r`", "WITH `r` AS (R) SELECT * FROM `r`/*0*/"),
    "upper case": ("SELECT R.id FROM P.R", "WITH `R` AS (R) SELECT R.id FROM R/*0*/"),
    "two spellings": (
        "SELECT 1 FROM p.r JOIN p.R",
        "WITH `r` AS (R), `R` AS (R) SELECT 1 FROM r/*0*/ JOIN R/*1*/",
    ),
    "blanks and comments": (
        "SELECT 1 FROM p /* x */ . r",
        "WITH `r` AS (R) SELECT 1 FROM r/*0*/",
    ),
    "with an alias": (
        "SELECT a.id FROM p.r AS a WHERE a.x = 'p.r'",
        "WITH `r` AS (R) SELECT a.id FROM r/*0*/ AS a WHERE a.x = 'p.r'",
    ),
    "columns with the schema": (
        "SELECT p.r.id + 1 FROM p.r",
        "WITH `r` AS (R) SELECT r/*0*/.id + 1 FROM r/*1*/",
    ),
    "another schema's table": ("SELECT q.r.id FROM q.r", "SELECT q.r.id FROM q.r"),
    "in a subquery of a SELECT": (
        "SELECT 1 WHERE 2 IN (SELECT id FROM p.r)",
        "WITH `r` AS (R) SELECT 1 WHERE 2 IN (SELECT id FROM r/*0*/)",
    ),
    "in a WITH": (
        "WITH x AS (SELECT * FROM p.r) SELECT * FROM x",
        "WITH `r` AS (R), x AS (SELECT * FROM r/*0*/) SELECT * FROM x",
    ),
    "in a recursive WITH": (
        "WITH RECURSIVE x AS (SELECT 1 FROM p.r) SELECT * FROM x",
        "WITH RECURSIVE `r` AS (R), x AS (SELECT 1 FROM r/*0*/) SELECT * FROM x",
    ),
    "TABLE": ("TABLE p.r LIMIT 1", "WITH `r` AS (R) TABLE r/*0*/ LIMIT 1"),
    "parentheses": (
        "(SELECT 1 FROM p.r) UNION (SELECT 2 FROM p.r)",
        "WITH `r` AS (R) (SELECT 1 FROM r/*0*/) UNION (SELECT 2 FROM r/*1*/)",
    ),
    "EXPLAIN": (
        "EXPLAIN FORMAT=TREE SELECT 1 FROM p.r",
        "EXPLAIN FORMAT=TREE WITH `r` AS (R) SELECT 1 FROM r/*0*/",
    ),
    "INSERT SELECT": (
        "INSERT INTO t (a) SELECT 1 FROM p.r",
        "INSERT INTO t (a) WITH `r` AS (R) SELECT 1 FROM r/*0*/",
    ),
    "INSERT of a parenthesis": (
        "INSERT INTO t (SELECT 1 FROM p.r)",
        "INSERT INTO t WITH `r` AS (R) (SELECT 1 FROM r/*0*/)",
    ),
    "INSERT VALUES": (
        "INSERT INTO t VALUES ((SELECT 1 FROM p.r), 2)",
        "INSERT INTO t VALUES ((WITH `r` AS (R) SELECT 1 FROM r/*0*/), 2)",
    ),
    "INSERT SET": (
        "INSERT INTO t SET a = (SELECT 1 FROM p.r)",
        "INSERT INTO t SET a = (WITH `r` AS (R) SELECT 1 FROM r/*0*/)",
    ),
    "CREATE TABLE SELECT": (
        "CREATE TABLE t (a int) SELECT 1 FROM p.r",
        "CREATE TABLE t (a int) WITH `r` AS (R) SELECT 1 FROM r/*0*/",
    ),
    "SET of a variable": (
        "SET @a = (SELECT 1 FROM p.r), @b = (SELECT 2 FROM p.other)",
        "SET @a = (WITH `r` AS (R) SELECT 1 FROM r/*0*/),"
        " @b = (WITH `other` AS (O) SELECT 2 FROM other/*1*/)",
    ),
    "DO": (
        "DO f((SELECT 1 FROM p.r))",
        "DO f((WITH `r` AS (R) SELECT 1 FROM r/*0*/))",
    ),
    "what is changed": ("UPDATE p.r SET a = 1", None),
    "what is inserted into": ("INSERT INTO p.r SELECT 1", None),
    "what is dropped": ("DROP TABLE p.r", None),
    "LIKE": ("CREATE TABLE t LIKE p.r", None),
}


@pytest.mark.parametrize(("sql", "expected"), CASES.values(), ids=CASES)
def test_a_table_becomes_an_expression_of_its_name(
    sql: str, expected: str | None
) -> None:
    assert rewritten(sql) == expected


UNQUALIFIED = {
    "a table": ("SELECT r.id FROM r", "WITH `r` AS (R) SELECT r.id FROM r"),
    "inserted into": ("INSERT INTO r VALUES (1)", "INSERT INTO r VALUES (1)"),
    "an expression of its own": (
        "WITH r AS (SELECT 1) SELECT * FROM r",
        "WITH r AS (SELECT 1) SELECT * FROM r",
    ),
    "one with columns": (
        "WITH r (a, b) AS (SELECT 1, 2) SELECT * FROM r",
        "WITH r (a, b) AS (SELECT 1, 2) SELECT * FROM r",
    ),
    "a column": ("SELECT x.r FROM x", "SELECT x.r FROM x"),
}


@pytest.mark.parametrize(("sql", "expected"), UNQUALIFIED.values(), ids=UNQUALIFIED)
def test_a_name_alone_is_meant_in_its_schema(sql: str, expected: str) -> None:
    assert rewritten(sql, "P") == expected
    assert rewritten(sql, "elsewhere") == sql
    assert rewritten(sql) == sql


def test_a_columns_name_is_what_the_client_wrote() -> None:
    text = b"SELECT COUNT(p . `r`.id) FROM p.r"
    part = tokens(text)
    found = substituted(text, part, find_tables(part, TABLES, None), BODIES)
    assert found is not None
    assert found.shown("COUNT(`r`/*heatproxy 0*/.id)") == "COUNT(p . `r`.id)"
    assert found.shown("id") == "id"


VARIABLES = {
    "@@x": [("", "x")],
    "@@X + @@session.x": [("", "x"), ("session", "x")],
    "@@GLOBAL.`x`": [("global", "x")],
    "@@`x`": [("", "x")],
    "@x, '@@x', @@y, @@session.y": [],
}


@pytest.mark.parametrize(("sql", "expected"), VARIABLES.items(), ids=VARIABLES)
def test_a_system_variable_is_found_in_every_scope(
    sql: str, expected: list[tuple[str, str]]
) -> None:
    found = find_variables(tokens(sql.encode()), {"x"})
    assert [(one.scope, one.name) for one in found] == expected


def test_a_variable_becomes_an_expression_in_its_place() -> None:
    text = b"SELECT @@global . y, @@global.`x` + 1 FROM t"
    part = tokens(text)
    (mention,) = find_variables(part, {"x"})
    found = substituted(text, part, [], {}, [(mention, b"7")])
    assert found is not None
    piece = b"(7/*heatproxy 0*/)"
    assert found.text == b"SELECT @@global . y, " + piece + b" + 1 FROM t"
    assert found.shown(piece.decode() + " + 1") == "@@global.`x` + 1"


HINTS = {
    "alone": ("/*+ SET_VAR(rapid_x=1) */", ""),
    "beside another": (
        "/*+ SET_VAR(use_secondary_engine=OFF) set_var( `rapid_x` = 'a') */",
        "/*+ SET_VAR(use_secondary_engine=OFF)                           */",
    ),
    "none of ours": ("/*+ SET_VAR(sql_mode='') */", "/*+ SET_VAR(sql_mode='') */"),
    "in text": ("'/*+ SET_VAR(rapid_x=1) */'", "'/*+ SET_VAR(rapid_x=1) */'"),
}


@pytest.mark.parametrize(("hint", "left"), HINTS.values(), ids=HINTS)
def test_hints_of_ours_are_blank_and_nothing_moves(hint: str, left: str) -> None:
    text = f"SELECT {hint} 1".encode()
    blank = blanked_hints(text, tokens(text))
    assert blank.decode() == f"SELECT {left.ljust(len(hint))} 1"


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT * FROM performance_schema.RPD_tables",
        b"SHOW TABLES FROM performance_schema LIKE 'rpd%'",
        b"SHOW TABLES FROM performance_schema LIKE 'rpd\\_%'",
        b"SELECT @@Rapid_compression",
        b"SELECT * FROM performance_schema.global_status",
        b"SHOW VARIABLES LIKE 'rapid_%'",
        b"SHOW STATUS LIKE 'Secondary_engine_execution_count'",
    ],
)
def test_a_statement_with_such_a_name_is_looked_at(text: bytes) -> None:
    assert MENTIONS.search(text)


@pytest.mark.parametrize(
    "text", [b"SELECT rapidly FROM t", b"SELECT 1", b"SHOW TABLES", b"SELECT status"]
)
def test_others_are_not(text: bytes) -> None:
    assert not MENTIONS.search(text)
