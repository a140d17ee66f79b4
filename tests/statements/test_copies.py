"""Where copies of Lakehouse tables are made for MySQL, where not, and what is left."""

from contextlib import closing

import pytest

from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.statements.conftest import Both, Lake
from tests.statements.copying import answer, copies_of, sea_table

pytestmark = pytest.mark.mysql

TYPES = (
    "a INT UNSIGNED NOT NULL, b TIMESTAMP(2) NULL, c BLOB, d ENUM('red', 'blue'),"
    " e DATETIME, f TIME(1), g DECIMAL(30, 2), h FLOAT, i DOUBLE, j YEAR, k CHAR(5),"
    " l VARCHAR(10) CHARACTER SET latin1, m DATE, n VARCHAR(9) COLLATE utf8mb4_bin"
)
KINDS = b"""\
1,2020-03-29 01:30:00.25,7b,red,0999-03-29 01:30:00,-12:30:15.5,1.5,1.25,2.5,2020,x y,\
a b,2020-02-03,A
2,2020-10-25 01:30:00,{},blue,9999-12-31 23:59:59,100:59:59,-99999999999999999999.12,\
3.4028e38,1e-300,1901,,def,0001-01-01,a
3,,,,,,,,,,,,,
"""

# BINARY comes and goes with the temporary tables that MySQL makes for itself.
SUM = "SELECT SUM(CONV(grp, 10, 10)) FROM t"
JOINED = "SELECT t.id, v FROM t JOIN inno USING (id) ORDER BY id"


def test_a_table_of_every_type_is_copied_whole(
    server: Server, sea: Lake, both: Both
) -> None:
    sea.store.objects["kinds.csv"] = KINDS
    through, past = both
    run(through, f"CREATE TABLE kinds ({TYPES}) {sea_table(sea)}")
    run(through, "ALTER TABLE kinds SECONDARY_LOAD")
    run(past, f"CREATE TABLE kinds ({TYPES})", "SET time_zone = '+00:00'")
    for line in KINDS.decode().splitlines():
        values = ", ".join(f"'{v}'" if v else "NULL" for v in line.split(","))
        run(past, f"INSERT INTO kinds VALUES ({values})")
    sql = "SELECT kinds.*, CONV(a, 10, 2), HEX(c), d + 0, f + 0 FROM kinds ORDER BY a"
    try:
        for zone in ("+00:00", "+05:30", "-09:00"):
            run(through, f"SET time_zone = '{zone}'")
            run(past, f"SET time_zone = '{zone}'")
            assert answer(through, sql) == answer(past, sql)
        of_types = "CREATE TABLE made AS SELECT * FROM kinds WHERE a > CONV(0, 2, 10)"
        run(through, of_types)
        run(past, of_types)
        shown = "SHOW CREATE TABLE made"
        assert rows(through, shown) == rows(past, shown)
    finally:
        run(through, "DROP TABLE IF EXISTS kinds, made")
        run(past, "DROP TABLE IF EXISTS kinds, made")


def test_own_rows_that_are_not_committed_are_seen(undone: Both) -> None:
    for connection in undone:
        connection.begin()
        run(connection, "INSERT INTO inno VALUES (5, 50, 'e')", "SAVEPOINT s")
        run(connection, "UPDATE inno JOIN t USING (id) SET v = -v WHERE id = 3")
    through, past = undone
    assert rows(through, JOINED) == rows(past, JOINED)
    assert ("5", "50") in rows(through, JOINED)
    for connection in undone:
        run(connection, "ROLLBACK TO s")
    assert rows(through, JOINED) == rows(past, JOINED)
    for connection in undone:
        connection.rollback()
    assert rows(through, JOINED) == rows(past, JOINED)
    assert ("5", "50") not in rows(through, JOINED)


def test_a_snapshot_that_is_older_than_the_copies_is_kept(
    server: Server, undone: Both
) -> None:
    through, _ = undone
    run(through, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
    with closing(server.connect_backend(database="lake")) as other:
        run(other, "INSERT INTO inno VALUES (9, 90, 'x')")
    assert ("9", "90") not in rows(through, JOINED)
    through.commit()
    assert ("9", "90") in rows(through, JOINED)


def test_autocommit_may_be_off(undone: Both) -> None:
    through, _ = undone
    run(
        through,
        "SET autocommit = 0",
        "INSERT INTO inno SELECT id, 1, 'x' FROM t"
        " WHERE id = 9 AND CONV(id, 10, 10) = 9",
    )
    assert ("9", "1") in rows(through, JOINED)
    through.rollback()
    assert ("9", "1") not in rows(through, JOINED)


def test_no_copies_are_left(both: Both) -> None:
    through, _ = both
    run(through, SUM, JOINED, "SET @x = (SELECT MAX(word) FROM t)")
    assert copies_of(through) == []
    assert refusal(through, "SELECT (SELECT word FROM t) FROM inno")[0] == 1242
    assert refusal(through, "INSERT INTO inno SELECT id, 1, '' FROM t")[0] == 1062
    assert copies_of(through) == []


def test_the_session_keeps_what_it_had(both: Both) -> None:
    through, _ = both
    asked = (
        "SELECT @@sql_mode, @@time_zone, @@use_secondary_engine, @@autocommit, @kept,"
        " LAST_INSERT_ID(), DATABASE(), @@character_set_results, @@insert_id"
    )
    run(through, "SET @kept = 5", "SELECT LAST_INSERT_ID(77)")
    before = rows(through, asked)
    run(through, SUM, JOINED)
    assert rows(through, asked) == before


def test_all_of_it_works_under_forced(undone: Both) -> None:
    through, past = undone
    run(through, "SET use_secondary_engine = FORCED")
    assert rows(through, SUM) == rows(past, SUM)
    hinted = SUM.replace("SELECT", "SELECT /*+ SET_VAR(use_secondary_engine=FORCED) */")
    assert rows(through, hinted) == rows(past, SUM)
    assert value(through, "SELECT @@use_secondary_engine") == "FORCED"


def test_a_temporary_table_hides_a_lakehouse_table(both: Both) -> None:
    through, _ = both
    run(through, "CREATE TEMPORARY TABLE t (id INT, grp INT)")
    run(through, "INSERT INTO t VALUES (1, 500)")
    assert value(through, "SELECT grp FROM t") == "500"
    assert value(through, SUM) == "500"
    run(through, "DROP TEMPORARY TABLE t")
    assert value(through, "SELECT COUNT(*) FROM t") == "200"


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT CONV(s, 9, 8) FROM many", "more than lakehouse.copy_limit"),
        ("SET @x = (SELECT MAX(s) FROM many)", "more than lakehouse.copy_limit"),
        ("SELECT COUNT(*) FROM t, t b, many m WHERE m.s > @x", "lakehouse.copy_limit"),
    ],
)
def test_what_is_too_large_to_copy_is_refused(
    both: Both, sea: Lake, sql: str, words: str
) -> None:
    through, _ = both
    line = b"%d," + b"x" * 100 + b"\n"
    many = b"".join(line % n for n in range(12_000))
    sea.store.objects["many.csv"] = many
    run(through, f"CREATE TABLE many (n INT, s VARCHAR(100)) {sea_table(sea, 'many')}")
    try:
        run(through, "ALTER TABLE many SECONDARY_LOAD")
        number, text = refusal(through, sql)
        assert (number, words in text) == (1235, True), text
        assert value(through, "SELECT COUNT(CONV(n, 9, 8)) FROM many") == "12000"
    finally:
        run(through, "DROP TABLE many")


def test_a_table_that_is_not_loaded_is_not_read(both: Both, sea: Lake) -> None:
    through, _ = both
    run(through, f"CREATE TABLE bare (n INT) {sea_table(sea)}")
    try:
        for sql in ("SELECT CONV(n, 9, 8) FROM bare", "DO (SELECT n FROM bare)"):
            number, text = refusal(through, sql)
            assert (number, "has not been loaded" in text) == (3877, True)
    finally:
        run(through, "DROP TABLE bare")


def test_a_lakehouse_table_is_not_changed(undone: Both) -> None:
    through, _ = undone
    for sql in (
        "UPDATE t JOIN inno USING (id) SET t.n = 5",
        "UPDATE inno JOIN t USING (id) SET t.n = 5, v = 6",
        "DELETE t FROM t JOIN inno USING (id)",
        "DELETE t, inno FROM t JOIN inno USING (id)",
        "DELETE FROM t WHERE id IN (SELECT id FROM t)",
        "INSERT INTO t SELECT CONV(id, 2, 3), t.* FROM t",
        "REPLACE INTO t SELECT * FROM t",
    ):
        number, text = refusal(through, sql)
        assert number in (1031, 1093, 1136), text
    assert value(through, "SELECT COUNT(*) FROM inno WHERE v = 6") == "0"
    assert value(through, "SELECT COUNT(*) FROM t") == "200"


def test_without_the_privilege_the_sessions_schema_has_the_copies(
    server: Server, both: Both
) -> None:
    through, _ = both
    run(
        through,
        "DROP USER IF EXISTS copier",
        "CREATE USER copier IDENTIFIED BY 'Secret-1'",
        "GRANT SELECT ON lake.* TO copier",
        "CREATE DATABASE IF NOT EXISTS own",
    )
    login = {"user": "copier", "password": "Secret-1"}
    try:
        with closing(server.connect(**login, database="lake")) as copier:
            number, text = refusal(copier, SUM)
            assert number == 1235
            assert "CONV() has no rule" in text
            assert "Access denied for user 'copier'@'%' to database 'lake'" in text
        run(through, "GRANT CREATE TEMPORARY TABLES ON own.* TO copier")
        with closing(server.connect(**login, database="own", conv={})) as copier:
            found = rows(copier, SUM.replace(" t", " lake.t"))
            assert found == rows(through, SUM)
            assert refusal(copier, "SELECT CONV(x, 2, 3) FROM twin.t")[0] == 1142
    finally:
        run(through, "DROP USER copier", "DROP DATABASE own")


def test_explain_says_that_mysql_reads_copies(both: Both) -> None:
    through, _ = both
    plan = value(through, f"EXPLAIN FORMAT=TREE {SUM}")
    assert "Table scan on t" in plan
    ((level, _, text),) = rows(through, "SHOW WARNINGS")
    assert level == "Note"
    assert "CONV() has no rule; MySQL reads copies of its Lakehouse tables" in text
    assert "actual time" in value(through, f"EXPLAIN ANALYZE {SUM}")


def test_a_stored_program_that_reads_one_is_refused_by_name(undone: Both) -> None:
    through, _ = undone
    run(
        through,
        "DROP FUNCTION IF EXISTS of_t",
        "CREATE FUNCTION of_t() RETURNS INT READS SQL DATA RETURN"
        " (SELECT COUNT(*) FROM lake.t)",
    )
    try:
        number, text = refusal(through, "SELECT of_t()")
        assert (number, "stored program" in text) == (1235, True), text
    finally:
        run(through, "DROP FUNCTION of_t")
