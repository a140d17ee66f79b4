"""DDL and maintenance that names Lakehouse tables, and rows written into them."""

import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import refusal, rows, run
from tests.statements.byhand import with_clauses
from tests.statements.conftest import Connection

pytestmark = pytest.mark.mysql

LOAD = "ALTER TABLE t SECONDARY_LOAD"

REFUSED = {
    "TRUNCATE TABLE t": 1031,
    "TRUNCATE hand.t": 1031,
    "INSERT INTO t VALUES (3, 'z')": 1031,
    "REPLACE INTO t VALUES (3, 'z')": 1031,
    "UPDATE t SET a = 3": 1031,
    "DELETE FROM t": 1031,
    "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET @a = 1": 1178,
    "CREATE INDEX i ON t (a)": 1178,
    "CREATE UNIQUE INDEX i ON hand.t (a)": 1178,
    "CREATE TEMPORARY TABLE u LIKE t": 1478,
    "CREATE TABLE u (a int, FOREIGN KEY (a) REFERENCES t (a))": 1178,
    "ALTER TABLE ordinary ADD FOREIGN KEY (a) REFERENCES hand.t (a)": 1178,
    "CHECKSUM TABLE t": 1235,
    "ANALYZE TABLE t, ordinary": 1235,
}


def test_what_files_cannot_do_is_refused(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files), LOAD, "CREATE TABLE ordinary (a int)")
    for sql, number in REFUSED.items():
        assert refusal(client, sql)[0] == number, sql
    assert rows(client, "SELECT * FROM t ORDER BY a") == [(1, "x"), (2, "yy")]
    run(client, "CREATE INDEX i ON ordinary (a)", "TRUNCATE ordinary")
    run(client, "CREATE TRIGGER r BEFORE INSERT ON ordinary FOR EACH ROW SET @t = 1")


def test_maintenance_is_answered_as_of_engines_that_have_none(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files))
    for verb in ("ANALYZE", "ANALYZE LOCAL", "CHECK", "OPTIMIZE", "REPAIR"):
        name = verb.split()[0].lower()
        note = f"The storage engine for the table doesn't support {name}"
        assert rows(client, f"{verb} TABLE t") == [("hand.t", name, "note", note)]


def test_a_table_like_another_reads_the_same_files(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files, "a int PRIMARY KEY, b varchar(2)"), LOAD)
    run(client, "CREATE TABLE `u 2` LIKE t")
    assert rows(client, "SHOW WARNINGS") == []
    ((_, text),) = rows(client, "SHOW CREATE TABLE `u 2`")
    assert text == rows(client, "SHOW CREATE TABLE t")[0][1].replace("`t`", "`u 2`")
    assert refusal(client, "SELECT * FROM `u 2`")[0] == 3877
    assert refusal(client, "CREATE TABLE `u 2` LIKE hand.t")[0] == 1050
    run(client, "CREATE TABLE IF NOT EXISTS `u 2` (LIKE t)")
    assert [number for _, number, _ in rows(client, "SHOW WARNINGS")] == [1050]
    run(client, "ALTER TABLE `u 2` SECONDARY_LOAD", "DROP TABLE t")
    assert rows(client, "SELECT * FROM `u 2` ORDER BY a") == [(1, "x"), (2, "yy")]


def test_a_table_with_like_in_its_query_is_no_copy(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files), "CREATE TABLE u (t varchar(9))")
    run(client, "INSERT INTO u VALUES ('a')")
    run(client, "CREATE TABLE w AS SELECT t FROM u WHERE 'a' LIKE t")
    assert rows(client, "SELECT * FROM w") == [("a",)]


def test_a_view_of_a_dropped_table_is_invalid(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files), "CREATE VIEW v AS SELECT a FROM t")
    assert refusal(client, "SELECT * FROM v")[0] == 3877
    run(client, LOAD)
    assert rows(client, "SELECT * FROM v ORDER BY a") == [(1,), (2,)]
    run(client, "DROP TABLE t")
    assert refusal(client, "SELECT * FROM v")[0] == 1356
    assert refusal(client, "SELECT * FROM t")[0] == 1146
    run(client, "CREATE TABLE t (a int)", "INSERT INTO t VALUES (5)")
    assert rows(client, "SELECT * FROM v") == [(5,)]


def test_a_dropped_schema_takes_its_data_along(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files), LOAD, "DROP DATABASE hand")
    held = "SELECT COUNT(*) FROM performance_schema.rpd_table_id"
    assert rows(client, f"{held} WHERE SCHEMA_NAME = 'hand'") == [(0,)]
    run(client, "CREATE DATABASE hand", "USE hand", with_clauses(files))
    assert refusal(client, "SELECT * FROM t")[0] == 3877
