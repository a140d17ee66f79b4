"""Names between double quotes, under ANSI_QUOTES."""

import pytest

from heatproxy.objectstore import ObjectStore
from heatproxy.sql.lexer import tokens
from heatproxy.statements import Text
from heatproxy.statements.ansi import backticked, named
from tests.asking import columns_of, refusal, rows, run
from tests.statements.byhand import with_attribute
from tests.statements.conftest import Connection

QUERIES = (
    'SELECT "a""b", "c" AS "A b" FROM "t" ORDER BY "a""b"',
    'SELECT SUM("a""b") + 1, COUNT(DISTINCT "c") FROM "t" "x y"',
    'WITH "w" AS (SELECT "a""b" AS "n" FROM "t") SELECT "n" * 2 FROM "w" ORDER BY 1',
    'SELECT \'"c"\', CONCAT("c", \'"\') FROM "t" WHERE "c" <> \'"\' ORDER BY 2 DESC',
    '(SELECT "a""b" FROM "t") UNION ALL SELECT 5 ORDER BY 1',
    'SELECT "t".* FROM "t" WHERE "t"."a""b" IN (SELECT "a""b" FROM "t") ORDER BY 1',
    'SELECT SHA2("c", 256) FROM "t" ORDER BY 1',
)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (b'DROP TABLE "t"', b"DROP TABLE `t`"),
        (b' DROP TABLE "a""b"."c`d", "x" ', b'DROP TABLE `a"b`.`c``d`, `x`'),
        (b"CREATE TABLE `t` (\"a\" int COMMENT '\"x\"')",
         b"CREATE TABLE `t` (`a` int COMMENT '\"x\"')"),
    ],
)  # fmt: skip
def test_double_quotes_become_back_ticks(text: bytes, written: bytes) -> None:
    assert backticked(named(Text(text, tokens(text)))) == written


@pytest.mark.mysql
def test_what_is_shown_under_ansi_quotes_makes_the_same_table(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_attribute(files, '`a"b` int, `c` varchar(2)'))
    run(client, "SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')")
    ((_, text),) = rows(client, 'SHOW CREATE TABLE "t"')
    assert text.startswith('CREATE TABLE "t" (\n  "a""b" int DEFAULT NULL,')
    assert "ENGINE=Lakehouse" in text
    run(client, 'DROP TABLE "t"', text, 'ALTER TABLE "hand"."t" SECONDARY_LOAD')
    run(client, 'ALTER TABLE "t" CHANGE "a""b" "d" bigint')
    assert ("d", "bigint") in columns_of(client, '"t"')
    assert rows(client, "SELECT d FROM t ORDER BY d") == [(1,), (2,)]
    assert refusal(client, 'TRUNCATE "t"')[0] == 1031
    assert rows(client, 'SHOW CREATE TABLE "t"')[0][1].startswith('CREATE TABLE "t"')
    assert refusal(client, 'ALTER TABLE "t" ADD COLUMN "e" int')[0] == 1178
    assert rows(client, 'SELECT d FROM "t" ORDER BY "d"') == [(1,), (2,)]


@pytest.mark.mysql
def test_a_query_with_quoted_names_is_answered_as_of_innodb(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_attribute(files, '`a"b` int, `c` varchar(2)'))
    run(client, "ALTER TABLE t SECONDARY_LOAD")
    run(client, 'CREATE TABLE i (`a"b` int, c varchar(2))')
    run(client, "INSERT INTO i VALUES (1, 'x'), (2, 'yy')")
    run(client, "SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')")
    run(client, 'CREATE VIEW "v t" AS SELECT "c" FROM "t"')
    for text in QUERIES:
        found = client.cursor()
        found.execute(text)
        twin = client.cursor()
        twin.execute(text.replace('"t"', '"i"'))
        assert found.fetchall() == twin.fetchall(), text
        named = [column[0] for column in found.description or ()]
        assert named == [column[0] for column in twin.description or ()], text
    assert rows(client, 'SELECT "c" FROM "v t" ORDER BY 1')
    assert refusal(client, 'CREATE INDEX "x" ON "t" ("c")')[0] == 1178
    run(client, 'PREPARE p FROM \'SELECT "c" FROM "t" WHERE "a""b" = ?\'')
    run(client, "SET @one = 1")
    assert len(rows(client, "EXECUTE p USING @one")) == 1
    run(client, 'CREATE TABLE "n" AS SELECT "a""b" + 1, \'"t"\' AS "s" FROM "t"')
    assert columns_of(client, '"n"')[0][0] == '"a""b" + 1'
    assert rows(client, 'SELECT COUNT(*) FROM "n" JOIN "t" ON "s" = \'"t"\'') == [(4,)]
    run(client, 'DELETE "n" FROM "n" JOIN "t" ON "n"."s" > "t"."c"')
