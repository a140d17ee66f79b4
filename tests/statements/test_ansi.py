"""Names between double quotes, under ANSI_QUOTES."""

import pytest

from heatproxy.objectstore import ObjectStore
from heatproxy.sql.lexer import tokens
from heatproxy.statements import Text
from heatproxy.statements.ansi import backticked
from tests.asking import columns_of, refusal, rows, run
from tests.statements.byhand import with_attribute
from tests.statements.conftest import Connection


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
    assert backticked(Text(text, tokens(text))) == written


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
    number, text = refusal(client, 'SELECT d FROM "t"')
    assert (number, "t between double quotes, not back-ticks" in text) == (1235, True)
