"""Lakehouse tables by hand: made, and what cannot be made."""

from contextlib import closing

import mysql.connector
import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import refusal, rows, run
from tests.conftest import Server
from tests.statements.byhand import FORMAT, files_of, with_attribute, with_clauses
from tests.statements.conftest import Connection

pytestmark = pytest.mark.mysql

LOAD = "ALTER TABLE t SECONDARY_LOAD"


@pytest.mark.parametrize("form", [with_attribute, with_clauses])
def test_a_table_is_made_in_either_form(
    client: Connection, files: ObjectStore, form: object
) -> None:
    assert callable(form)
    run(client, form(files), LOAD)
    assert rows(client, "SELECT * FROM t ORDER BY a") == [(1, "x"), (2, "yy")]


def test_a_table_that_exists_is_told_of(client: Connection, files: ObjectStore) -> None:
    text = with_clauses(files)
    run(client, text)
    assert refusal(client, text)[0] == 1050
    run(client, text.replace("TABLE t", "TABLE IF NOT EXISTS t"))
    assert [number for _, number, _ in rows(client, "SHOW WARNINGS")] == [1050]


def test_a_table_without_files_is_told_what_it_lacks(client: Connection) -> None:
    for options in ("", FORMAT):
        number, text = refusal(client, f"CREATE EXTERNAL TABLE u (a int) {options}")
        assert (number, "has no FILES" in text) == (3877, True)
    assert rows(client, "SHOW TABLES LIKE 'u'") == []


def test_a_declared_default_stands_where_a_record_lacks_the_column(
    client: Connection, files: ObjectStore
) -> None:
    files.objects["hand.csv"] = b"1\n2,5,x,2021-01-01\n"
    columns = (
        "a int, b int NOT NULL DEFAULT 7, c varchar(9) DEFAULT 'no''ne',"
        " d date NOT NULL DEFAULT '2020-02-29'"
    )
    attribute = with_attribute(files, columns)
    run(client, attribute.replace('"file"', '"allow_missing_columns": true, "file"'))
    run(client, LOAD)
    assert rows(client, "SHOW WARNINGS") == []
    found = rows(client, "SELECT a, b, c, CAST(d AS CHAR) FROM t ORDER BY a")
    assert found == [(1, 7, "no'ne", "2020-02-29"), (2, 5, "x", "2021-01-01")]
    run(client, "ALTER TABLE t ALTER COLUMN b SET DEFAULT 8", LOAD)
    assert rows(client, "SELECT b FROM t WHERE a = 1") == [(8,)]


def test_columns_have_formats_of_their_own(
    client: Connection, files: ObjectStore
) -> None:
    files.objects["hand.csv"] = b"02.01.2020,2021/5/6 7\n"
    columns = (
        "a date EXTERNAL_FORMAT '%d.%m.%Y', b datetime NOT NULL"
        """ ENGINE_ATTRIBUTE '{"timestamp_format": "%Y/%m/%d %k"}'"""
    )
    run(client, with_clauses(files, columns), LOAD)
    found = rows(client, "SELECT CAST(a AS CHAR), CAST(b AS CHAR) FROM t")
    assert found == [("2020-01-02", "2021-05-06 07:00:00")]
    run(client, "ALTER TABLE t RENAME COLUMN a TO c")
    assert rows(client, "SELECT CAST(c AS CHAR) FROM t") == [("2020-01-02",)]


REFUSED = [
    ("a int", "AUTO_REFRESH_SOURCE='ocid1'", 1235),
    ("a int EXTERNAL_FORMAT '%d'", "", 6510),
    ("a int AUTO_INCREMENT PRIMARY KEY", "", 1164),
    ("a int, a int", "", 1060),
    ("a int CHECK (a > 0)", "", 1178),
    ("a int, b int AS (a) STORED, GENERATED int", "", 1235),
    ("a varchar(9), UNIQUE (a(3))", "", 1089),
    ("a text, FULLTEXT (a)", "", 1214),
    ("a int DEFAULT (1 + 1)", "", 1178),
    ("a int", "ROW_FORMAT=COMPRESSED", 1478),
    ("a int", "FILES=(URI='x', FILE_NAME='y')", 3877),
    ("a int", "STRICT_LOAD=2", 1064),
    ("a int, b int AS (a + 1)", "", 1235),
    ("a int", "PARTITION BY HASH (a)", 1178),
    ("a int", "PARTITION BY KEY (a) (PARTITION p DATA DIRECTORY = '/x')", 1235),
]


def test_what_cannot_be_made_is_refused_and_leaves_nothing(
    client: Connection, files: ObjectStore
) -> None:
    for columns, options, number in REFUSED:
        where = "" if options.startswith("FILES") else files_of(files, "hand.csv")
        text = f"CREATE EXTERNAL TABLE t ({columns}) {where} {options}"
        assert refusal(client, text)[0] == number, text
    assert rows(client, "SHOW TABLES") == []


def test_no_lakehouse_table_is_temporary(
    client: Connection, files: ObjectStore
) -> None:
    text = with_attribute(files).replace("CREATE TABLE", "CREATE TEMPORARY TABLE")
    assert refusal(client, text)[0] == 1478


def test_a_thousand_columns(client: Connection, files: ObjectStore) -> None:
    files.objects["wide.csv"] = b",".join(b"%d" % n for n in range(1000)) + b"\n"
    columns = ", ".join(f"`c {n}` smallint" for n in range(1000))
    where = files_of(files, "wide.csv")
    run(client, f"CREATE EXTERNAL TABLE t ({columns}) {FORMAT} {where}", LOAD)
    assert rows(client, "SELECT `c 0`, `c 999` FROM t") == [(0, 999)]


def test_the_binary_protocol_makes_loads_and_alters(
    server: Server, client: Connection, files: ObjectStore
) -> None:
    with (
        closing(
            mysql.connector.connect(
                host=server.host, port=server.port, database="hand", **server.login
            )
        ) as connection,
        closing(connection.cursor(prepared=True)) as cursor,
    ):
        for sql in (
            with_clauses(files),
            "ALTER TABLE t SECONDARY_LOAD GUIDED OFF",
            "ALTER TABLE t STRICT_LOAD=0, MODIFY b varchar(3)",
        ):
            cursor.execute(sql)
        cursor.execute("SELECT b FROM t WHERE a = ?", (2,))
        assert cursor.fetchall() == [("yy",)]
        cursor.execute("SHOW CREATE TABLE t")
        ((name, text),) = cursor.fetchall()
        assert name == "t"
        assert text.startswith("CREATE EXTERNAL TABLE `t`")
