"""SELECTs of Lakehouse tables: as MySQL answers them on the same rows in InnoDB."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pymysql
import pymysql.cursors
import pytest
from pymysql.constants import FLAG

from heatproxy.engine import DuckDB
from tests.asking import Rows, columns_of, refusal, result_sets, rows, run, value
from tests.conftest import Running, Server
from tests.lakeside import external, load, load_call
from tests.statements.conftest import ROWS, Connection, Lake, csv_bytes

pytestmark = pytest.mark.mysql

EXACT = """
SELECT * FROM t ORDER BY id
SELECT t.* FROM t ORDER BY t.id DESC LIMIT 5
SELECT id, name FROM lake.t ORDER BY id LIMIT 3
SELECT id AS `the id`, name 'a name', price AS "a price" FROM t ORDER BY 1 LIMIT 2
SELECT id FROM t AS a ORDER BY a.id LIMIT 2, 3
SELECT id FROM t ORDER BY id LIMIT 3 OFFSET 10
SELECT id FROM t WHERE id = 7
SELECT id FROM t WHERE id IN (1, 5, 9, 1000) ORDER BY id
SELECT id FROM t WHERE id BETWEEN 10 AND 12 ORDER BY id DESC
SELECT id FROM t WHERE NOT id > 3 ORDER BY id
SELECT id, n FROM t WHERE n IS NULL ORDER BY id
SELECT id, n FROM t WHERE n IS NOT NULL AND n < 0 ORDER BY id
SELECT id, note FROM t WHERE note IS NULL ORDER BY id LIMIT 4
SELECT id FROM t WHERE n <=> NULL ORDER BY id LIMIT 4
SELECT id, name FROM t WHERE name = 'BOB' ORDER BY id
SELECT id, name FROM t WHERE name = 'eve' ORDER BY id
SELECT id, name FROM t WHERE name < 'c' ORDER BY id
SELECT id, name FROM t WHERE name LIKE 'b%' ORDER BY id
SELECT id FROM t WHERE name IN ('ANN', 'x-1') AND grp = 2 ORDER BY id
SELECT id FROM t WHERE price > 500.5 ORDER BY id
SELECT id FROM t WHERE day >= '2024-06-01' ORDER BY id
SELECT id FROM t WHERE moment < '2024-02-01 12:00:00' ORDER BY id
SELECT name, id FROM t ORDER BY name, id
SELECT note, id FROM t ORDER BY note DESC, id
SELECT n, id FROM t ORDER BY n, id
SELECT price, id FROM t ORDER BY price DESC, id LIMIT 7
SELECT COUNT(*) FROM t
SELECT COUNT(*), COUNT(n), COUNT(note), COUNT(1) FROM t
SELECT COUNT(DISTINCT grp), COUNT(DISTINCT name) FROM t
SELECT SUM(id), SUM(n), SUM(price) FROM t
SELECT AVG(id), AVG(n), AVG(price) FROM t
SELECT MIN(id), MAX(n), MIN(price), MAX(day), MIN(moment), MAX(name) FROM t
SELECT MIN(x), MAX(x) FROM t
SELECT SUM(n) FROM t WHERE id > 1000000
SELECT COUNT(*) FROM t WHERE id > 1000000
SELECT grp, COUNT(*) FROM t GROUP BY grp ORDER BY grp
SELECT grp, COUNT(*) c, SUM(price) s, AVG(n) FROM t GROUP BY grp ORDER BY s DESC
SELECT name, COUNT(*) FROM t GROUP BY name ORDER BY name
SELECT note, COUNT(*), MIN(id) FROM t GROUP BY note ORDER BY note
SELECT grp, name, COUNT(*) FROM t GROUP BY grp, name ORDER BY grp, name
SELECT grp, COUNT(*) FROM t GROUP BY grp HAVING COUNT(*) > 38 ORDER BY grp
SELECT grp, SUM(n) FROM t WHERE price < 300 GROUP BY grp HAVING SUM(n) > 0 ORDER BY 1
SELECT DISTINCT grp FROM t ORDER BY grp
SELECT DISTINCT name FROM t ORDER BY name
SELECT id + 1, id - 1, id * 2, id / 3, id DIV 3, id % 3, -n FROM t ORDER BY id LIMIT 5
SELECT price * 2, price / 7, price + 0.001, price - id FROM t ORDER BY id LIMIT 5
SELECT n + 1, n * n, n / 9, ABS(n) FROM t ORDER BY id LIMIT 9
SELECT ROUND(price, 1), ROUND(price), FLOOR(price), CEIL(n) FROM t ORDER BY id LIMIT 9
SELECT x, x * 2, ABS(x) FROM t ORDER BY id LIMIT 9
SELECT id, n IS NULL, n > 0, grp = 1 OR grp = 2, NOT grp FROM t ORDER BY id LIMIT 9
SELECT CASE WHEN grp < 3 THEN 'low' WHEN grp = 3 THEN 'mid' END FROM t ORDER BY id
SELECT IF(grp > 2, n, -n), IFNULL(n, 0), COALESCE(n, 7), NULLIF(n, 1) FROM t ORDER BY id
SELECT CAST(price AS CHAR), CAST(id AS CHAR) FROM t ORDER BY id LIMIT 5
SELECT YEAR(day), MONTH(day), DAY(day) FROM t ORDER BY id LIMIT 5
SELECT CHAR_LENGTH(name), LENGTH(note), UPPER(name) FROM t ORDER BY id LIMIT 9
SELECT word, id FROM t ORDER BY id
SELECT a.id, b.grp FROM t a JOIN t b ON a.id = b.id WHERE a.grp = 1 ORDER BY a.id
SELECT a.id, b.id FROM t a LEFT JOIN t b ON b.id = a.n ORDER BY a.id
SELECT COUNT(*) FROM t a, t b WHERE a.grp = b.grp AND a.id < 20
SELECT q.grp, q.c FROM (SELECT grp, COUNT(*) AS c FROM t GROUP BY grp) q ORDER BY q.grp
WITH w AS (SELECT grp, SUM(price) AS s FROM t GROUP BY grp) SELECT * FROM w ORDER BY s
SELECT id FROM t WHERE grp = 1 AND (price > 500 OR n < 0) ORDER BY id -- a comment
SELECT /*+ SET_VAR(sort_buffer_size = 1000000) */ id FROM t ORDER BY id LIMIT 1
SELECT 1 + 1, 'text', NULL, 1.50, id FROM t ORDER BY id LIMIT 1
SELECT id FROM t ORDER BY id LIMIT 0
""".strip().splitlines()


# BINARY comes and goes with the temporary tables that MySQL makes for itself.
KEPT = FLAG.NOT_NULL | FLAG.UNSIGNED | FLAG.ENUM | FLAG.SET


@dataclass(frozen=True)
class Answer:
    """What a client sees: the columns with what they are, the values as text."""

    columns: list[tuple[Any, ...]]
    rows: Rows


def answer(connection: Connection, sql: str) -> Answer:
    with closing(connection.cursor()) as cursor:
        cursor.execute(sql)
        columns = [
            (f.name, f.type_code, f.flags & KEPT, f.scale, f.charsetnr, f.length)
            for f in cursor._result.fields
        ]
        return Answer(columns, list(cursor.fetchall()))


@pytest.fixture
def both(server: Server, lake: Lake) -> Iterator[tuple[Connection, Connection]]:
    """Sessions through heatproxy and past it, whose values come as text."""
    with (
        closing(server.connect(database=lake.schema, conv={})) as through,
        closing(server.connect_backend(database=lake.twin, conv={})) as past,
    ):
        yield through, past


@pytest.mark.parametrize("sql", EXACT)
def test_a_select_is_answered_as_mysql_answers_it_on_innodb(
    both: tuple[Connection, Connection], sql: str
) -> None:
    through, past = both
    ours, theirs = answer(through, sql), answer(past, sql.replace("lake.", "twin."))
    assert ours.rows == theirs.rows
    assert ours.columns == theirs.columns


def test_years_are_grouped_as_mysql_groups_them(
    both: tuple[Connection, Connection],
) -> None:
    sql = "SELECT YEAR(day) y, COUNT(*) FROM t GROUP BY y ORDER BY y"
    through, past = both
    assert answer(through, sql).rows == answer(past, sql).rows


def test_values_have_the_types_that_drivers_expect(client: Connection) -> None:
    (row,) = rows(client, "SELECT id, price, x, day, moment, note FROM t WHERE id = 1")
    assert [type(v).__name__ for v in row[:5]] == [
        *("int", "Decimal", "float", "date", "datetime"),
    ]
    assert isinstance(row[1], Decimal)


# --- what has no rule ---------------------------------------------------------------

# MySQL answers these over copies, but where it can make none.
UNPROVEN = {
    "SELECT t.id FROM t JOIN twin.t AS b USING (id)": "which is not loaded",
    "SELECT * FROM twin.t WHERE id IN (SELECT id FROM lake.t)": "which is not loaded",
    "SELECT RAND(), id FROM t": "RAND() has no rule",
    "SELECT COUNT(*) FROM t WHERE word = 'été'": "not all printable ASCII",
    "SELECT word, COUNT(*) FROM t GROUP BY word": "not all printable ASCII",
    "SELECT id INTO @x FROM t LIMIT 1": "INTO",
    "SELECT @@version, id FROM t": "a system variable",
    "SELECT @x := id FROM t": "a user variable",
    "SELECT id FROM t WHERE id = @x": "a user variable",
    "SELECT SQL_CALC_FOUND_ROWS id FROM t": "Select with operation_modifiers",
    "SET @x = (SELECT COUNT(*) FROM t)": "a statement that reads Lakehouse tables",
    "DO (SELECT COUNT(*) FROM t)": "a statement that reads Lakehouse tables",
    "EXPLAIN ANALYZE SELECT RAND(), id FROM t": "RAND() has no rule",
}
REFUSED = {
    "CALL of_t()": "the Lakehouse table t in CALL",
    "CHECKSUM TABLE t": "CHECKSUM of a Lakehouse table",
    "CHECK TABLE twin.t, lake.t": "CHECK of a Lakehouse table",
    "SELECT id FROM t TABLESAMPLE SYSTEM (10)": "TABLESAMPLE in a statement that reads",
    "SELECT id FROM t GROUP BY CUBE (id)": "CUBE in a statement that reads Lakehouse",
    "SELECT id FROM t INTO OUTFILE URI 'x'": "INTO OUTFILE URI in a statement that",
}


@pytest.fixture
def scratch(client: Connection) -> None:
    """Things beside the Lakehouse table that name it."""
    run(
        client,
        "DROP TABLE IF EXISTS scratch",
        "DROP VIEW IF EXISTS seen",
        "DROP PROCEDURE IF EXISTS of_t",
        "CREATE TABLE scratch (id int)",
        "INSERT INTO scratch VALUES (5)",
        "CREATE VIEW seen AS SELECT * FROM t",
        "CREATE PROCEDURE of_t() SELECT * FROM t",
    )


@pytest.mark.parametrize(("sql", "words"), UNPROVEN.items(), ids=UNPROVEN)
def test_what_has_no_rule_and_cannot_be_copied_is_refused_by_name(
    client: Connection, sql: str, words: str
) -> None:
    run(client, "START TRANSACTION READ ONLY")
    number, text = refusal(client, sql)
    assert number == 1235
    assert words in text
    assert "no temporary table can be made" in text
    assert value(client, "SELECT COUNT(*) FROM t") == 200


@pytest.mark.parametrize(("sql", "words"), REFUSED.items(), ids=REFUSED)
def test_what_has_no_rule_is_refused_by_name(
    client: Connection, scratch: None, sql: str, words: str
) -> None:
    number, text = refusal(client, sql)
    assert (number, words in text) == (1235, True), text
    assert value(client, "SELECT COUNT(*) FROM t") == 200


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t (id) VALUES (1)",
        "INSERT INTO lake.t SELECT * FROM twin.t",
        "REPLACE INTO t VALUES (1, 2, 3, 4, 5, '2024-01-01', '2024-01-01', '', '', '')",
        "UPDATE t SET n = 1",
        "UPDATE lake.t SET n = 1 WHERE id = 5",
        "UPDATE t JOIN twin.t AS b USING (id) SET t.n = 1",
        "DELETE FROM t",
        "DELETE FROM t WHERE id = 1",
    ],
)
def test_rows_cannot_be_written(client: Connection, sql: str) -> None:
    run(client, "SET sql_mode = ''")
    assert refusal(client, sql) == (
        1031,
        "Table storage engine for 't' doesn't have this option",
    )


def test_mysqls_own_errors_stay_mysqls(client: Connection) -> None:
    assert refusal(client, "SELECT nope FROM t")[0] == 1054
    assert refusal(client, "SELECT id FROM t GROUP BY name")[0] == 1055
    assert refusal(client, "SELECT id FROM t WHERE")[0] == 1064
    assert refusal(client, "SELECT id, id FROM (SELECT id, id FROM t) x")[0] == 1060


def test_a_limit_of_the_session_is_kept(client: Connection) -> None:
    run(client, "SET sql_select_limit = 5")
    assert rows(client, "SELECT id FROM t ORDER BY id") == [(n,) for n in range(1, 6)]
    assert len(rows(client, "SELECT id FROM t ORDER BY id LIMIT 7")) == 7


@pytest.mark.parametrize(
    "stores",
    ["CREATE TEMPORARY TABLE twin.kept AS {}", "INSERT INTO twin.kept {}"],
    ids=["made from a query", "inserted"],
)
def test_a_limit_of_the_session_is_not_about_rows_that_are_stored(
    client: Connection, stores: str
) -> None:
    if stores.startswith("INSERT"):
        run(client, "CREATE TEMPORARY TABLE twin.kept (id INT)")
    run(client, "SET sql_select_limit = 5")
    run(client, stores.format("SELECT id FROM t"))
    assert value(client, "SELECT COUNT(*) FROM twin.kept") == ROWS


def test_a_statement_prepared_by_sql_is_answered(client: Connection) -> None:
    run(client, "PREPARE later FROM 'SELECT MAX(id) FROM t WHERE id < ?'")
    run(client, "SET @least = 100")
    assert rows(client, "EXECUTE later USING @least") == [(99,)]


# --- beside it, MySQL's own ---------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "DESCRIBE t",
        "SHOW FULL COLUMNS FROM t",
        "SHOW INDEX FROM t",
        "SHOW TABLES LIKE 't'",
        "EXPLAIN FORMAT=TRADITIONAL SELECT COUNT(*) FROM t",
        "SELECT COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS"
        " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 't' ORDER BY 1",
    ],
)
def test_the_dictionary_answers_as_for_any_table(
    both: tuple[Connection, Connection], sql: str
) -> None:
    through, past = both
    ours, theirs = answer(through, sql), answer(past, sql)
    if "SHOW TABLES" in sql:
        assert ours.rows == theirs.rows
    elif "EXPLAIN" in sql:
        assert [c[0] for c in ours.columns] == [c[0] for c in theirs.columns]
        assert len(ours.rows) == len(theirs.rows)
    else:
        assert ours == theirs


def test_show_create_table_says_that_it_is_rapids(client: Connection) -> None:
    ((_, text),) = rows(client, "SHOW CREATE TABLE t")
    assert "SECONDARY_ENGINE=RAPID" in text
    (options,) = rows(
        client,
        "SELECT CREATE_OPTIONS FROM information_schema.TABLES"
        " WHERE TABLE_SCHEMA = 'lake' AND TABLE_NAME = 't'",
    )
    assert 'SECONDARY_LOAD="1"' in options[0]


def test_a_table_of_the_same_name_elsewhere_is_mysqls(client: Connection) -> None:
    run(
        client,
        "DROP DATABASE IF EXISTS elsewhere",
        "CREATE DATABASE elsewhere",
        "CREATE TABLE elsewhere.t (id int)",
        "INSERT INTO elsewhere.t VALUES (1), (2)",
        "UPDATE elsewhere.t SET id = 3 WHERE id = 2",
        "ALTER TABLE elsewhere.t ADD t int",
        "CREATE TABLE elsewhere.u LIKE elsewhere.t",
        "INSERT INTO elsewhere.u SELECT * FROM elsewhere.t",
        "CREATE TABLE elsewhere.v AS SELECT * FROM elsewhere.t",
        "CHECKSUM TABLE elsewhere.t",
        "ANALYZE TABLE elsewhere.t",
    )
    assert rows(client, "SELECT t.id FROM elsewhere.t ORDER BY RAND()") != []
    assert (
        value(client, "SELECT GROUP_CONCAT(id ORDER BY id) FROM elsewhere.u") == "1,3"
    )
    run(client, "TRUNCATE elsewhere.t", "DROP DATABASE elsewhere")


def test_a_select_in_a_transaction_leaves_it_open(client: Connection) -> None:
    run(client, "DROP TABLE IF EXISTS kept", "CREATE TABLE kept (id int)")
    client.begin()
    run(client, "INSERT INTO kept VALUES (1)")
    assert value(client, "SELECT COUNT(*) FROM t") == 200
    client.rollback()
    assert value(client, "SELECT COUNT(*) FROM kept") == 0


def test_without_select_on_a_column_mysql_refuses_it(
    client: Connection, server: Server
) -> None:
    run(
        client,
        "DROP USER IF EXISTS narrow",
        "CREATE USER narrow IDENTIFIED BY 'pw'",
        "GRANT SELECT (id, name) ON lake.t TO narrow",
    )
    with closing(server.connect(user="narrow", password="pw")) as narrow:
        assert value(narrow, "SELECT MAX(id) FROM lake.t") == 200
        assert refusal(narrow, "SELECT price FROM lake.t")[0] == 1143
        assert refusal(narrow, "SELECT * FROM lake.t")[0] in (1142, 1143)
    run(client, "DROP USER narrow")


# --- large results ------------------------------------------------------------------


def test_a_large_result_arrives_row_by_row(
    client: Connection, server: Server, lake: Lake
) -> None:
    count = 200_000
    numbers = "".join(f"{n},{'text' * (n % 9)}{n}\n" for n in range(count))
    lake.store.objects["large.csv"] = f"n,s\n{numbers}".encode()
    load(client, "lake", {"large": external(lake.store.url("large.csv"))})
    with (
        closing(server.connect(database="lake")) as reading,
        closing(reading.cursor(pymysql.cursors.SSCursor)) as cursor,
    ):
        cursor.execute("SELECT n, s FROM large")
        total = seen = 0
        for n, s in cursor:
            assert s == f"{'text' * (n % 9)}{n}"
            total, seen = total + n, seen + 1
        assert (seen, total) == (count, count * (count - 1) // 2)
    run(client, "DROP TABLE large")


# --- names that change --------------------------------------------------------------


@pytest.fixture
def moving(client: Connection, lake: Lake) -> Iterator[str]:
    """A Lakehouse table in a schema of its own."""
    lake.store.objects["m.csv"] = b"id,name\n1,a\n2,b\n"
    run(client, "DROP DATABASE IF EXISTS moving", "DROP DATABASE IF EXISTS moved")
    load(client, "moving", {"m": external(lake.store.url("m.csv"))})
    yield "moving"
    run(client, "DROP DATABASE IF EXISTS moving", "DROP DATABASE IF EXISTS moved")


FIRST = [(1, "a"), (2, "b")]


def test_renamed_tables_keep_their_rows(client: Connection, moving: str) -> None:
    run(
        client,
        "CREATE DATABASE moved",
        "RENAME TABLE moving.m TO moving.n",
        "RENAME TABLE moving.n TO moved.`o p`",
    )
    assert rows(client, "SELECT * FROM moved.`o p` ORDER BY id") == FIRST
    assert refusal(client, "SELECT * FROM moving.m")[0] == 1146


def test_a_dropped_table_leaves_its_name_to_mysql(
    client: Connection, server: Server, moving: str
) -> None:
    with closing(server.connect()) as other:
        assert rows(other, "SELECT * FROM moving.m ORDER BY id") == FIRST
        run(client, "DROP TABLE moving.m")
        assert refusal(other, "SELECT * FROM moving.m")[0] == 1146
        run(client, "CREATE TABLE moving.m (id int, v varchar(5))")
        run(other, "INSERT INTO moving.m VALUES (7, 'new')")
        assert rows(client, "SELECT *, RAND() < 2 FROM moving.m") == [(7, "new", 1)]
        assert columns_of(other, "moving.m") == [("id", "int"), ("v", "varchar(5)")]


def test_a_dropped_schema_takes_its_tables_along(
    client: Connection, lake: Lake, moving: str
) -> None:
    run(client, "DROP DATABASE moving")
    assert refusal(client, "SELECT * FROM moving.m")[0] == 1049
    lake.store.objects["m.csv"] = b"id,name\n9,z\n"
    load(client, "moving", {"m": external(lake.store.url("m.csv"))})
    assert rows(client, "SELECT * FROM moving.m") == [(9, "z")]


def test_several_tables_are_dropped_at_once(client: Connection, moving: str) -> None:
    run(client, "CREATE TABLE moving.plain (id int)")
    number, text = refusal(client, "DROP TABLE moving.m, moving.nope")
    assert (number, "moving.nope" in text) == (1051, True)
    assert rows(client, "SELECT * FROM moving.m ORDER BY id") == FIRST
    run(client, "DROP TABLE IF EXISTS moving.nope, moving.plain, moving.m")
    assert rows(client, "SHOW TABLES FROM moving") == []


def test_a_table_dropped_past_heatproxy_is_gone_when_it_is_asked_for(
    client: Connection, server: Server, moving: str
) -> None:
    with closing(server.connect_backend()) as past:
        run(past, "DROP TABLE moving.m")
    assert refusal(client, "SELECT * FROM moving.m")[0] == 1146


def test_a_table_made_past_heatproxy_in_its_place_is_mysqls(
    client: Connection, server: Server, moving: str
) -> None:
    with closing(server.connect_backend()) as past:
        run(past, "DROP TABLE moving.m", "CREATE TABLE moving.m (id int)")
    assert rows(client, "SELECT * FROM moving.m") == []


# --- another life -------------------------------------------------------------------


def test_a_restart_keeps_what_was_loaded_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, lake: Lake
) -> None:
    folder = tmp_path_factory.mktemp("restarted")
    allowed = {"HEATPROXY_LAKEHOUSE_ALLOWED_HOSTS": "127.0.0.1"}
    lake.store.objects["bad.csv"] = csv_bytes(50) + b"1,2,3\n"
    first = Running(folder, **allowed)
    try:
        with closing(first.server.connect()) as client:
            tables = {"t": "t.csv", "bad": "bad.csv", "dropped": "t.csv"}
            call = load_call(
                client,
                "lake",
                {n: external(lake.store.url(f)) for n, f in tables.items()},
            )
            result_sets(client, call)
            run(client, "DROP TABLE lake.dropped", "DO 0")  # the second waits its turn
    finally:
        assert first.stop() == 0
    engine = DuckDB(folder / "engine.duckdb", "500MB", 1)
    assert len(engine.tables()) == 1
    engine.close()
    second = Running(folder, **allowed)
    try:
        with closing(second.server.connect(database="lake")) as client:
            assert rows(client, "SHOW TABLES") == [("t",)]
            assert rows(client, "SELECT COUNT(*), SUM(id) FROM t") == [(200, 20_100)]
    finally:
        assert second.stop() == 0
