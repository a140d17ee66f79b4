"""What the engine has no rule for: MySQL answers it over copies of Lakehouse tables."""

import socket
from contextlib import closing
from typing import Any

import pytest

from tests.asking import refusal, rows, run, value
from tests.background import running, until
from tests.conftest import Server
from tests.statements.conftest import Both, Connection
from tests.statements.copying import Answer, answer

pytestmark = pytest.mark.mysql

# Each reads the Lakehouse table ``t``, and InnoDB's ``inno``.
QUERIES = """
SELECT id, CONV(id, 10, 2) FROM t ORDER BY id LIMIT 5
SELECT id, SHA2(word, 256) FROM t ORDER BY id LIMIT 5
SELECT COUNT(*) FROM t WHERE word = 'ete'
SELECT word, COUNT(*), MIN(id) FROM t GROUP BY word ORDER BY word
SELECT word, id FROM t WHERE word LIKE 'GR_SSE' ORDER BY id
SELECT id, @@version_comment = '' FROM t ORDER BY id LIMIT 2
SELECT id FROM t WHERE id = @none
SELECT t.id, inno.v FROM t JOIN inno ON inno.id = t.id ORDER BY t.id
SELECT t.id, inno.v FROM t LEFT JOIN inno USING (id) WHERE t.id < 6 ORDER BY 1
SELECT v FROM inno WHERE id IN (SELECT id FROM t WHERE grp = 2) ORDER BY v
SELECT * FROM inno WHERE EXISTS (SELECT 1 FROM t WHERE t.id = inno.id) ORDER BY id
SELECT inno.id, (SELECT MAX(price) FROM t WHERE t.id <= inno.id) FROM inno ORDER BY id
SELECT * FROM t JOIN inno USING (id) ORDER BY id
SELECT * FROM t NATURAL JOIN inno ORDER BY id LIMIT 3
SELECT a.id, b.id FROM t a JOIN t b ON a.id = b.id + 1 JOIN inno i ON i.id = a.id
SELECT a.id, a.id * b.id FROM inno c, t a, t AS b WHERE c.id = a.id AND b.id = 3
SELECT lake.t.id, t.name FROM lake.t, inno WHERE lake.t.id = inno.id ORDER BY 1
SELECT x.n FROM (SELECT n, id FROM t) x JOIN inno USING (id) ORDER BY x.id
WITH w AS (SELECT grp, MAX(id) m FROM t GROUP BY grp) SELECT * FROM w, inno WHERE id = m
SELECT id FROM t WHERE id < 3 UNION SELECT id FROM inno ORDER BY id
(SELECT id FROM inno) UNION ALL (SELECT id FROM t ORDER BY id LIMIT 2)
SELECT id FROM inno INTERSECT SELECT id FROM t WHERE grp < 4
SELECT id, ROW_NUMBER() OVER (PARTITION BY word ORDER BY id) FROM t ORDER BY id LIMIT 9
SELECT grp, GROUP_CONCAT(word ORDER BY id SEPARATOR '|') FROM t GROUP BY grp
SELECT grp, word, COUNT(*) FROM t GROUP BY grp, word WITH ROLLUP
SELECT id, JSON_OBJECT('w', word, 'm', moment) FROM t ORDER BY id LIMIT 4
SELECT k FROM t, JSON_TABLE(CONCAT('[', id, ']'), '$[*]' COLUMNS (k INT PATH '$')) j
SELECT t.id, l.s FROM t, LATERAL (SELECT SUM(v) s FROM inno WHERE inno.id <= t.id) l
SELECT id, EXTRACT(DAY FROM day), TRIM(BOTH 'e' FROM word) FROM t ORDER BY id LIMIT 7
SELECT id, DATE_FORMAT(moment, '%W %M %x'), moment + INTERVAL 1 QUARTER FROM t
SELECT id / 0, id FROM t ORDER BY id LIMIT 3
SELECT CAST(name AS SIGNED), id FROM t ORDER BY id LIMIT 3
SELECT word COLLATE utf8mb4_bin AS w, id FROM t ORDER BY w, id
SELECT SQL_CALC_FOUND_ROWS id FROM t ORDER BY id LIMIT 2
SELECT id FROM t ORDER BY id LIMIT 2 FOR UPDATE
SELECT 1 FROM t WHERE word > '' LIMIT 1
SELECT COUNT(*) OVER w, CONV(id, 9, 8) FROM t WINDOW w AS (ORDER BY id) ORDER BY id
SELECT t.* FROM inno STRAIGHT_JOIN t ON t.id = inno.id ORDER BY t.id
SELECT t.id FROM (t JOIN inno USING (id)) ORDER BY t.id
SELECT `T`.id FROM t AS `T` JOIN inno USING (id) ORDER BY 1
SELECT id FROM t WHERE (id, n) IN (SELECT id, n FROM t WHERE CONV(id, 10, 2) > 9)
SELECT id FROM seen WHERE word = 'ETE' ORDER BY id
SELECT s.w, inno.v FROM named s JOIN inno ON inno.id = s.i ORDER BY s.i
SELECT a.i FROM named a JOIN named b ON a.i = b.i + 1 AND CONV(a.i, 9, 8) > 9 ORDER BY 1
SELECT /*+ MAX_EXECUTION_TIME(60000) */ t.id FROM t JOIN inno USING (id)
TABLE t ORDER BY SHA2(id, 256) LIMIT 3
""".strip().splitlines()


def sorted_unless_ordered(found: Answer, sql: str) -> Answer:
    if "ORDER BY" in sql:
        return found
    ordered = sorted(found.rows, key=repr)
    return Answer(found.columns, ordered, found.warnings, found.left)


@pytest.mark.parametrize("sql", QUERIES)
def test_a_query_is_answered_as_mysql_answers_it_on_innodb(
    both: Both, sql: str
) -> None:
    through, past = both
    ours, theirs = answer(through, sql), answer(past, sql.replace("lake.", "twin."))
    assert sorted_unless_ordered(ours, sql) == sorted_unless_ordered(theirs, sql)


# --- statements that change rows, or variables ---------------------------------------

CHANGES = """
INSERT INTO inno SELECT id + 1000, CONV(grp, 10, 2), name FROM t WHERE id < 5
INSERT INTO inno (v) SELECT grp FROM t WHERE word = 'ete' ORDER BY id LIMIT 3
INSERT INTO inno (v) VALUES ((SELECT MAX(id) FROM t)), ((SELECT MIN(id) FROM t))
INSERT INTO inno SET v = (SELECT COUNT(*) FROM t WHERE word > 'f')
INSERT IGNORE INTO inno SELECT id, grp, name FROM t
INSERT IGNORE INTO inno (v, s) SELECT id, CONCAT(moment, moment) FROM t WHERE id < 4
INSERT INTO inno SELECT id, 5, 'x' FROM t WHERE id < 9 ON DUPLICATE KEY UPDATE v = v + 1
INSERT INTO inno (v) SELECT t.id FROM t JOIN inno USING (id)
REPLACE INTO inno SELECT id, grp, name FROM t WHERE id < 4
REPLACE INTO inno SELECT id, grp, name FROM t WHERE word = 'ete' AND id < 40
UPDATE inno JOIN t USING (id) SET v = t.price, s = t.name
UPDATE inno, t SET inno.v = inno.v + t.grp WHERE inno.id = t.id AND t.word > 'a'
UPDATE inno i LEFT JOIN lake.t ON lake.t.id = i.id SET i.s = lake.t.note
UPDATE inno SET v = (SELECT SUM(grp) FROM t WHERE t.id <= inno.id)
UPDATE inno SET v = 0 WHERE id IN (SELECT id FROM t) ORDER BY id LIMIT 1
UPDATE inno JOIN named ON named.i = inno.id SET s = w
UPDATE IGNORE inno SET v = 1, id = (SELECT MIN(id) FROM t)
WITH m AS (SELECT MAX(id) AS id FROM t) UPDATE inno JOIN m SET v = m.id
DELETE inno FROM inno JOIN t USING (id)
DELETE FROM inno USING inno JOIN t ON t.id = inno.id WHERE t.grp > 2
DELETE FROM inno WHERE id NOT IN (SELECT id FROM t)
DELETE FROM inno WHERE EXISTS (SELECT 1 FROM seen WHERE seen.id = inno.v) LIMIT 1
CREATE TABLE made AS SELECT t.*, inno.v FROM t LEFT JOIN inno USING (id)
CREATE TABLE made (id INT PRIMARY KEY, w VARCHAR(9)) SELECT id, CONV(id, 10, 3) w FROM t
CREATE TABLE made AS (SELECT id, word FROM t)
CREATE TABLE IF NOT EXISTS made AS SELECT id, moment, day, x, price FROM t
CREATE TABLE made (grp INT PRIMARY KEY) IGNORE SELECT grp FROM t
CREATE TABLE made AS SELECT word, COUNT(*) FROM t GROUP BY word ORDER BY word
CREATE TABLE made AS TABLE t
CREATE TABLE made AS WITH w AS (SELECT MAX(word) m FROM t) SELECT m, LENGTH(m) FROM w
CREATE TEMPORARY TABLE made AS SELECT CONV(id, 10, 2) c, n FROM t
DO (SELECT MAX(word) FROM t)
""".strip().splitlines()


def changed(connection: Connection, sql: str) -> tuple[Any, ...]:
    """What a statement answers and leaves, and the tables after it."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(sql)
        result = cursor._result
        told = (result.affected_rows, result.warning_count, result.message)
    left = rows(connection, "SELECT ROW_COUNT(), LAST_INSERT_ID() > 0")
    made = []
    if "made" in sql:
        made = rows(connection, "SHOW CREATE TABLE made") + rows(
            connection, "SELECT * FROM made ORDER BY 1"
        )
    return told, left, rows(connection, "SELECT * FROM inno ORDER BY id"), made


@pytest.mark.parametrize("sql", CHANGES)
def test_a_change_is_what_mysql_makes_of_it_on_innodb(undone: Both, sql: str) -> None:
    through, past = undone
    for connection in undone:
        run(connection, "SET SESSION sql_mode = ''")
    ours, theirs = changed(through, sql), changed(past, sql.replace("lake.", "twin."))
    assert ours == theirs


def test_warnings_of_a_change_are_shown(undone: Both) -> None:
    sql = "INSERT IGNORE INTO inno SELECT id, grp, name FROM t WHERE id < 4"
    shown = []
    for connection in undone:
        run(connection, sql)
        shown.append(rows(connection, "SHOW WARNINGS"))
    assert shown[0] == shown[1]
    assert len(shown[0]) == 2


def test_a_variable_is_set_from_a_query(both: Both) -> None:
    through, _ = both
    run(through, "SET @count = (SELECT COUNT(*) FROM t), @other = 1")
    run(through, "SELECT MAX(id), word INTO @id, @w FROM t WHERE id = 5 GROUP BY word")
    assert rows(through, "SELECT @count, @other, @id") == [("200", "1", "5")]


def test_an_error_of_a_change_is_mysqls_and_changes_nothing(undone: Both) -> None:
    sql = "INSERT INTO inno SELECT id, grp, name FROM t WHERE id > 4"
    errors, shown = [], []
    for connection in undone:
        errors.append(refusal(connection, sql))
        shown.append(rows(connection, "SHOW WARNINGS"))
        assert value(connection, "SELECT COUNT(*) FROM inno") == "4"
    assert errors[0] == errors[1]
    assert errors[0][0] == 1062
    assert shown[0] == shown[1]


LEFT_ALONE = (
    "SELECT id, SLEEP(600) FROM t JOIN inno USING (id)",
    "UPDATE inno JOIN t USING (id) SET v = SLEEP(600)",
)


@pytest.mark.parametrize("sql", LEFT_ALONE)
def test_a_client_that_leaves_ends_what_runs_over_copies(
    server: Server, both: Both, sql: str
) -> None:
    _, past = both
    with closing(server.connect(database="lake")) as leaving:
        thread = leaving.thread_id()
        session = f"FROM performance_schema.processlist WHERE ID = {thread}"
        with running(leaving, sql) as answer:
            until(lambda: rows(past, f"SELECT 1 {session} AND STATE = 'User sleep'"))
            leaving._sock.shutdown(socket.SHUT_RDWR)
            assert answer.exception() is not None
        until(lambda: not rows(past, f"SELECT 1 {session}"))
    assert rows(past, "SELECT id FROM lake.inno WHERE v = 0") == []
