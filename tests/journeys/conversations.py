"""What clients say to MySQL in text: the conversations that two servers must share.

Each is a list of steps in a session of its own, in an empty schema ``journey``.
"""

from tests.rawclient import Reply, Step, command, query

TABLE = (
    "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a VARCHAR(20), b DECIMAL(8,2))"
)
ROWS = "INSERT INTO t (a, b) VALUES ('one', 1.5), ('zwei', NULL), ('três', 3)"
NOWHERE = "SELECT * FROM nowhere"
SEQUENCE = (
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < {})"
    " SELECT i, REPEAT('x', i % 50) AS x FROM n"
)


def say(*statements: str | bytes) -> list[Step]:
    return [query(statement) for statement in statements]


def with_table(*statements: str | bytes) -> list[Step]:
    return say(TABLE, ROWS, *statements)


SELECTS = {
    "constants": say("SELECT 1, 'a', NULL, 1.50, 2e0, DATE'2024-02-29', X'00ff', TRUE"),
    "json": say("""SELECT CAST('{"a": [1, "x", null]}' AS JSON) AS j, JSON_ARRAY(1)"""),
    "times": say("SELECT TIME'-838:59:59', TIMESTAMP'2024-01-01 00:00:00.123456'"),
    "no rows": say("SELECT 1 AS x FROM DUAL WHERE FALSE"),
    "five thousand rows": say(
        "SET cte_max_recursion_depth = 9000", SEQUENCE.format(5000)
    ),
    "three hundred columns": say("SELECT " + ", ".join(map(str, range(300)))),
    "four thousand columns": say("SELECT " + ", ".join(map(str, range(4000)))),
    "values of every length of length": say(
        "SELECT REPEAT('x', 250), REPEAT('x', 251)",
        "SELECT REPEAT('x', 65535), REPEAT('x', 65536)",
    ),
    "unicode": say("SELECT 'grüße 日本 😀' AS `naïve 名`"),
    "an alias that is empty": say("SELECT 1 AS ``"),
    "invalid utf-8": say(b"SELECT '\xff\xfe'", b"SELECT \xff", b"SELECT 1 AS `\xc3`"),
    "group by and window": with_table(
        "SELECT LENGTH(a) AS l, SUM(b), AVG(b), COUNT(*) FROM t GROUP BY l ORDER BY l",
        "SELECT id, ROW_NUMBER() OVER (ORDER BY a DESC) AS r, LAG(a) OVER w FROM t"
        " WINDOW w AS (ORDER BY id)",
        "SELECT a, SUM(b) FROM t GROUP BY a WITH ROLLUP",
    ),
    "union": with_table("SELECT a FROM t UNION SELECT 'x' UNION ALL SELECT NULL"),
    "table and values statements": with_table(
        "TABLE t", "VALUES ROW(1, 'a'), ROW(2, NULL)"
    ),
    "parentheses around a SELECT": with_table(
        "(SELECT a FROM t LIMIT 1)", "((SELECT 2))"
    ),
    "json_table": say(
        "SELECT * FROM JSON_TABLE('[1, 2, null]', '$[*]' COLUMNS (i FOR ORDINALITY,"
        " v INT PATH '$')) AS j"
    ),
    "into variables": with_table(
        "SELECT a, b INTO @a, @b FROM t WHERE id = 1",
        "SELECT @a, @b",
        "SELECT a INTO @a FROM t",
    ),
    "into a file, refused": with_table("SELECT * FROM t INTO OUTFILE '/tmp/never'"),
    "for update": with_table(
        "BEGIN", "SELECT * FROM t WHERE id = 1 FOR UPDATE", "COMMIT"
    ),
    "calc found rows": with_table(
        "SELECT SQL_CALC_FOUND_ROWS a FROM t LIMIT 1", "SELECT FOUND_ROWS()"
    ),
    "explain": with_table(
        "ANALYZE TABLE t",
        "EXPLAIN SELECT * FROM t",
        "EXPLAIN FORMAT=JSON SELECT a FROM t",
    ),
    "describe and show": with_table(
        "ANALYZE TABLE t",
        "DESCRIBE t",
        "SHOW CREATE TABLE t",
        "SHOW TABLES",
        "SHOW INDEX FROM t",
        "SHOW COLUMNS FROM t LIKE 'a%'",
        "SHOW VARIABLES LIKE 'autocommit'",
    ),
    "functions that MySQL's own sys has": say(
        "SELECT sys.format_path('/x'), sys.version_major()",
        "CALL sys.table_exists('journey', 't', @exists)",
        "SELECT @exists",
    ),
    "do": say("DO 1 + 1", "DO SLEEP(0)", "DO no_such_function()"),
    "handler": with_table(
        "HANDLER t OPEN", "HANDLER t READ FIRST LIMIT 2", "HANDLER t CLOSE"
    ),
    "maintenance": with_table(
        "ANALYZE TABLE t", "CHECK TABLE t", "CHECKSUM TABLE t, u"
    ),
    "words that only look like heatproxy's": say(
        "SELECT 'sys.ML_PREDICT_ROW' AS ml_predict_row",
        "SELECT 1 /* sys.ml_explain_row() */",
        "SET @x = 'ml_predict_row'",
        "DO 'ml_predict_row'",
        "SELECT ml_predict_row(1)",
        "CALL ml_train(1)",
        "CALL heatwave_load(1); SELECT 2",
        "CREATE TABLE ml_predict_row (a INT)",
        "/*!50000 SELECT 'ml_predict_row' */",
        "SELECT /*!50000 'ml_predict_row', */ 1",
    ),
    "a procedure of one's own that is named like heatproxy's": say(
        "CREATE PROCEDURE ml_train(x INT) BEGIN SELECT x; SELECT x + 1; END",
        "CALL ml_train(3)",
        "CALL `ml_train`(4)",
        "CALL journey.ml_train(5)",
        "CALL ml_train()",
    ),
}

CHANGES = {
    "insert": with_table(
        "INSERT INTO t (a) VALUES ('x')",
        "INSERT INTO t (a) VALUES ('x'), ('y')",
        "INSERT INTO t SELECT NULL, a, b FROM t",
        "SELECT LAST_INSERT_ID(), ROW_COUNT()",
    ),
    "an insert id of more than 32 bits": with_table(
        "INSERT INTO t (a) VALUES (1)",
        "ALTER TABLE t MODIFY id BIGINT UNSIGNED AUTO_INCREMENT",
        "INSERT INTO t VALUES (18446744073709551610, 'a', 1)",
        "INSERT INTO t (a) VALUES ('b')",
        "SELECT LAST_INSERT_ID(12345678901)",
        "UPDATE t SET id = LAST_INSERT_ID(77) WHERE id = 1",
    ),
    "replace and on duplicate key": with_table(
        "REPLACE INTO t VALUES (1, 'r', 0), (9, 's', 1)",
        "INSERT INTO t VALUES (1, 'd', 1) AS n ON DUPLICATE KEY UPDATE a = n.a",
        "INSERT IGNORE INTO t VALUES (1, 'i', 2)",
        "SHOW WARNINGS",
    ),
    "update and delete": with_table(
        "UPDATE t SET a = 'q'",
        "UPDATE t SET a = 'q'",
        "UPDATE t SET b = id / 3 WHERE id < 3",
        "DELETE FROM t WHERE id = 1",
        "DELETE FROM t",
        "TRUNCATE t",
    ),
    "warnings": with_table(
        "SET sql_mode = ''",
        "INSERT INTO t (a, b) VALUES (REPEAT('x', 30), 'abc')",
        "SHOW WARNINGS",
        "SHOW COUNT(*) WARNINGS",
        "SELECT CAST('12abc' AS UNSIGNED), 1 / 0",
        "SHOW WARNINGS LIMIT 1",
    ),
    "tables": say(
        TABLE,
        "CREATE TABLE IF NOT EXISTS t (a INT)",
        "ALTER TABLE t ADD COLUMN c INT, ADD INDEX (a)",
        "CREATE TABLE u LIKE t",
        "CREATE TABLE v AS SELECT 1 AS x UNION SELECT 2",
        "RENAME TABLE v TO w",
        "DROP TABLE u, w",
        "DROP TABLE IF EXISTS u",
        "CREATE TEMPORARY TABLE tt (a INT)",
        "DROP TEMPORARY TABLE tt",
    ),
    "a table of rapid": say(
        "CREATE TABLE t (a INT PRIMARY KEY) SECONDARY_ENGINE=RAPID",
        "SHOW CREATE TABLE t",
        "ALTER TABLE t SECONDARY_ENGINE NULL",
    ),
    "a discarded tablespace that is no Lakehouse table": with_table(
        "ALTER TABLE t DISCARD TABLESPACE",
        "SELECT 1; SELECT * FROM t; SELECT 2",
        "INSERT INTO t (a) VALUES ('x')",
    ),
    "views, triggers, events": with_table(
        "CREATE VIEW v AS SELECT a FROM t",
        "SELECT * FROM v",
        "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET NEW.b = 1",
        "CREATE EVENT e ON SCHEDULE EVERY 1 YEAR DO DELETE FROM t",
        "DROP TABLE t",
        "SELECT * FROM v",
    ),
    "names in other alphabets": say(
        "CREATE TABLE `tåble 表` (`cölumn` INT, `naïve` ENUM('é', '日'))",
        "INSERT INTO `tåble 表` VALUES (1, '日')",
        "SELECT * FROM `tåble 表`",
        "SELECT * FROM `tåble`",
        "DROP TABLE `tåble 表`",
    ),
    "foreign keys and checks": say(
        "CREATE TABLE p (id INT PRIMARY KEY)",
        "CREATE TABLE c (p INT, CHECK (p > 0), FOREIGN KEY (p) REFERENCES p (id))",
        "INSERT INTO c VALUES (5)",
        "INSERT INTO c VALUES (-1)",
        "DROP TABLE p",
    ),
    "locks": with_table(
        "LOCK TABLES t READ", "INSERT INTO t (a) VALUES ('x')", NOWHERE, "UNLOCK TABLES"
    ),
    "accounts": say(
        "CREATE USER journey_tmp IDENTIFIED BY 'x'",
        "GRANT SELECT ON journey.* TO journey_tmp",
        "SHOW GRANTS FOR journey_tmp",
        "DROP USER journey_tmp",
        "DROP USER journey_tmp",
    ),
}

ERRORS = {
    "syntax": say(
        "SELEC 1", "SELECT FROM", "SELECT 'abc", "SELECT `abc", "SELECT /* abc"
    ),
    "unknown things": say(
        NOWHERE,
        "SELECT nothing",
        "SELECT nothing()",
        "USE nowhere",
        "SELECT @@nothing",
        "SET nothing = 1",
        "CALL nothing()",
        "DROP TABLE nowhere",
        "EXECUTE nothing",
    ),
    "values": with_table(
        "INSERT INTO t VALUES (1, 'a', 1)",
        "INSERT INTO t (a) VALUES (REPEAT('x', 21))",
        "INSERT INTO t (b) VALUES (1e9)",
        "INSERT INTO t (nothing) VALUES (1)",
        "INSERT INTO t VALUES (1)",
        "SELECT 18446744073709551615 + 1",
        "SELECT (SELECT id FROM t)",
    ),
    "an error among the rows": with_table(
        "SELECT id, (SELECT b FROM t u WHERE u.id >= t.id) FROM t ORDER BY id DESC"
    ),
    "signals": say(
        "CREATE PROCEDURE s(x INT) BEGIN IF x = 1 THEN SIGNAL SQLSTATE '01234' SET"
        " MESSAGE_TEXT = 'mind', MYSQL_ERRNO = 1642; END IF; IF x = 2 THEN SIGNAL"
        " SQLSTATE '45000' SET MESSAGE_TEXT = 'ñ 日', MYSQL_ERRNO = 30001; END IF; END",
        "CALL s(1)",
        "SHOW WARNINGS",
        "CALL s(2)",
        "GET DIAGNOSTICS CONDITION 1 @state = RETURNED_SQLSTATE, @text = MESSAGE_TEXT",
        "SELECT @state, @text",
    ),
    "a name too long": say("CREATE TABLE `" + "x" * 65 + "` (a INT)"),
    "a statement that takes too long": say(
        "SELECT /*+ MAX_EXECUTION_TIME(20) */ BENCHMARK(100000000, SHA2('a', 512))"
    ),
    "killing oneself": say("KILL QUERY CONNECTION_ID()", "SELECT 1"),
    "killing nobody": say("KILL 4000000000", "KILL QUERY 4000000000", "KILL 'x'"),
    "ending oneself": [query("KILL CONNECTION_ID()", reply=Reply.CLOSED)],
    "attributes that are malformed": [
        Step(lambda capabilities: b"\x03\x05\x01SELECT 1"),
        Step(lambda capabilities: b"\x03\xfe"),
        *say("SELECT 1"),
    ],
}

SESSION = {
    "nothing": say(
        "", ";", ";;", " ", "-- x", "#", "/* x */", "/**/;", "SELECT 1;", ";1"
    ),
    "versioned comments": say("/*!80000 SELECT 1 */", "/*!99999 SELECT 1 */", "/*! */"),
    "comments everywhere": say(
        "-- one\n# two\n/* three */ SELECT /* four */ 1 -- five",
        "SELECT 1--1",
        "SELECT 1 --",
    ),
    "user variables": say("SET @a = 1, @b := 'x'", "SELECT @a, @b, @nothing, @a := 5"),
    "the default schema": say(
        "SELECT DATABASE()", "USE mysql", "SELECT SCHEMA()", "USE journey"
    ),
    "tracked changes": say(
        "SET SESSION session_track_state_change = ON",
        "SET time_zone = '+02:00'",
        "SET SESSION session_track_system_variables = 'sql_mode,time_zone'",
        "SET sql_mode = 'ANSI'",
        "USE mysql",
        "SET @x = 1",
        "CREATE TEMPORARY TABLE journey.tt (a INT)",
    ),
    "tracked transactions": say(
        TABLE,
        "SET SESSION session_track_transaction_info = 'CHARACTERISTICS'",
        "START TRANSACTION READ WRITE, WITH CONSISTENT SNAPSHOT",
        "INSERT INTO t (a) VALUES ('x')",
        "SELECT * FROM t",
        "COMMIT",
    ),
    "transactions": with_table(
        "BEGIN",
        "UPDATE t SET a = 'q'",
        "SAVEPOINT s",
        "DELETE FROM t",
        "ROLLBACK TO s",
        "SELECT COUNT(*) FROM t",
        "COMMIT AND CHAIN",
        "ROLLBACK",
        "ROLLBACK TO s",
    ),
    "transactions that only read": with_table(
        "START TRANSACTION READ ONLY", "SELECT a FROM t", "DELETE FROM t", "COMMIT"
    ),
    "autocommit off": with_table(
        "SET autocommit = 0",
        "SELECT a FROM t",
        "INSERT INTO t (a) VALUES ('x')",
        "CREATE TABLE implicit (a INT)",
        NOWHERE,
        "SET autocommit = 1",
    ),
    "xa": with_table(
        "XA START 'x'", "DELETE FROM t", "XA END 'x'", "XA PREPARE 'x'", "XA COMMIT 'x'"
    ),
    "no backslash escapes": say(
        "SET sql_mode = 'NO_BACKSLASH_ESCAPES'",
        r"SELECT '\'",
        "SELECT 'ml_predict_row\\'",
    ),
    "ansi quotes": say(
        "SET sql_mode = 'ANSI_QUOTES'",
        'SELECT 1 AS "x"',
        'SELECT "nothing"',
        "SELECT 'x'",
    ),
    "latin1": say(
        "SET NAMES latin1",
        b"CREATE TABLE `t\xe9` (`\xfc` VARCHAR(9))",
        b"INSERT INTO `t\xe9` VALUES ('\xe4\xf6')",
        b"SELECT *, '\xdf' FROM `t\xe9`",
        b"SELECT `\xe0` FROM `t\xe9`",
        b"SELECT 'ml_predict_row \xe9'",
    ),
    "results in other character sets": say(
        "SET character_set_results = utf16",
        "SELECT 'é' AS `ö`",
        "SELECT nothing",
        "SET character_set_results = NULL",
        "SELECT 'é', _latin1 X'e9'",
    ),
    "gbk, whose characters may end in a backslash": say(
        "SET NAMES gbk", b"SELECT '\x95\x5c'", b"SELECT 'ml_predict_row \x95\x5c', ';'"
    ),
    "prepared in SQL": with_table(
        "PREPARE p FROM 'SELECT a FROM t WHERE id = ?'",
        "SET @id = 2",
        "EXECUTE p USING @id",
        "EXECUTE p",
        "DEALLOCATE PREPARE p",
        "EXECUTE p USING @id",
        "PREPARE p FROM 'SELEC'",
    ),
    "resources": say("SELECT GET_LOCK('journey', 0)", "SELECT RELEASE_LOCK('journey')"),
}

SEVERAL = {
    "two results": say("SELECT 1; SELECT 2"),
    "all sorts": say(
        f"{TABLE}; {ROWS}; SELECT * FROM t; UPDATE t SET b = 0; DROP TABLE t; SELECT 5;"
    ),
    "an error in the middle": say(
        "SELECT 1; SELECT * FROM nowhere; SELECT 2", "SELECT 3"
    ),
    "an error at the end": say("SET @x = 1; SELEC"),
    "empty ones": say(
        "SELECT 1;;SELECT 2", "SELECT 1; ; ", "; SELECT 1", "SELECT 1; -- x"
    ),
    "a comment at the end": say("SELECT 1; /* x */", "SELECT 1; # x", "SELECT 1;\n"),
    "an error among ours": say("SELECT 'ml_predict_row'; SELECT nothing; SELECT 1"),
    "option off and on": [
        command(0x1B, b"\x01\x00"),
        *say("SELECT 1; SELECT 2", "SELECT 1; -- x"),
        command(0x1B, b"\x00\x00"),
        *say("SELECT 1; SELECT 2"),
        command(0x1B, b"\x09\x00"),
        command(0x1B),
    ],
}
