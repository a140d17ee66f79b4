"""Conversations in the binary protocol, of local files, and of rarer commands."""

import struct

from tests.journeys.conversations import SEQUENCE, TABLE, say, with_table
from tests.rawclient import (
    Reply,
    Step,
    close,
    command,
    execute,
    fetch,
    lenenc,
    long_data,
    prepare,
    query,
    reset,
)

READ_ONLY_CURSOR = 1
LONG, DOUBLE, NULL, LONGLONG, STRING, BLOB = 3, 5, 6, 8, 253, 252
DATETIME, TIME, TINY, SHORT, FLOAT = 12, 11, 1, 2, 4


def integer(number: int) -> tuple[int, bytes]:
    return LONG, struct.pack("<i", number)


def text(value: bytes) -> tuple[int, bytes]:
    return STRING, lenenc(value)


DATETIME_VALUE = bytes([11]) + struct.pack("<HBBBBBI", 2024, 2, 29, 23, 59, 58, 123456)
TIME_VALUE = bytes([12, 1]) + struct.pack("<IBBBI", 1, 2, 3, 4, 500000)

PROCEDURES = {
    "results": say(
        f"{TABLE};",
        "CREATE PROCEDURE p() BEGIN SELECT 1; SELECT * FROM t; INSERT INTO t (a) VALUES"
        " ('x'); SELECT 2; END",
        "CALL p()",
        "CALL p",
        "CALL p(); SELECT 7",
    ),
    "out parameters": say(
        "CREATE PROCEDURE p(IN a INT, OUT b INT, INOUT c VARCHAR(9)) BEGIN"
        " SET b = a + 1; SET c = CONCAT(c, '!'); SELECT 'inside'; END",
        "SET @c = 'x'",
        "CALL p(1, @b, @c)",
        "SELECT @b, @c",
        "CALL p(1, 2, 3)",
        "CALL p(1)",
    ),
    "an error behind a result": say(
        "CREATE PROCEDURE p() BEGIN SELECT 1; SELECT * FROM nowhere; SELECT 2; END",
        "CALL p()",
        "CALL p(); SELECT 7",
    ),
    "no result": with_table(
        "CREATE PROCEDURE p() UPDATE t SET a = 'p'",
        "CALL p()",
        "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 5",
        "SELECT f()",
        "DROP PROCEDURE p",
        "DROP FUNCTION f",
    ),
}

PREPARED = {
    "no parameters": [
        *with_table(),
        prepare("SELECT * FROM t"),
        execute(1),
        execute(1),
        close(1),
        execute(1),
    ],
    "parameters of every type": [
        prepare("SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"),
        execute(
            1,
            integer(-5),
            (DOUBLE, struct.pack("<d", 0.1)),
            (NULL, None),
            (LONGLONG | 0x8000, b"\xff" * 8),
            text("naïve 日".encode()),
            (BLOB, lenenc(b"\x00\xff")),
            (DATETIME, DATETIME_VALUE),
            (TIME, TIME_VALUE),
            (TINY, b"\x07"),
            (FLOAT, struct.pack("<f", 1.5)),
        ),
    ],
    "executed again without types": [
        prepare("SELECT ? + 1, ?"),
        execute(1, integer(1), text(b"a")),
        execute(1, integer(41), text(b"b"), bound=False),
        execute(1, integer(0), (STRING, None)),
    ],
    "changes": [
        *say(TABLE),
        prepare("INSERT INTO t (a, b) VALUES (?, ?)"),
        execute(1, text(b"x"), text(b"1.25")),
        execute(1, text(b"y" * 21), text(b"2")),
        prepare("UPDATE t SET a = ?"),
        execute(2, text(b"z")),
        prepare("DELETE FROM t"),
        execute(3),
    ],
    "refused": [
        prepare("SELEC"),
        prepare("SELECT * FROM nowhere"),
        prepare(""),
        prepare(";"),
        prepare("SELECT 1; SELECT 2"),
        execute(1),
        fetch(1, 1),
        reset(1),
        close(1),
        *say("SELECT 1"),
    ],
    "malformed": [
        prepare("SELECT ?"),
        command(0x17, b"\x01\x00"),
        command(0x17),
        command(0x1C, b"\x01"),
        command(0x1A),
        *say("SELECT 1"),
    ],
    "a table that is dropped meanwhile": [
        *with_table(),
        prepare("SELECT * FROM t"),
        *say("ALTER TABLE t ADD COLUMN c INT DEFAULT 9"),
        execute(1),
        *say("DROP TABLE t"),
        execute(1),
    ],
    "a cursor": [
        *say("SET cte_max_recursion_depth = 9000"),
        prepare(SEQUENCE.format(950)),
        execute(1, cursor=READ_ONLY_CURSOR),
        fetch(1, 1),
        fetch(1, 400),
        *say("SELECT 'between'"),
        fetch(1, 600),
        fetch(1, 1),
        close(1),
    ],
    "a cursor that is reset": [
        *with_table(),
        prepare("SELECT * FROM t ORDER BY id"),
        execute(1, cursor=READ_ONLY_CURSOR),
        fetch(1, 2),
        reset(1),
        fetch(1, 2),
        execute(1, cursor=READ_ONLY_CURSOR),
        fetch(1, 0),
        fetch(1, 9),
    ],
    "a cursor without rows": [
        prepare("SELECT 1 FROM DUAL WHERE FALSE"),
        execute(1, cursor=READ_ONLY_CURSOR),
        fetch(1, 5),
        prepare("SET @x = 1"),
        execute(2, cursor=READ_ONLY_CURSOR),
    ],
    "long data": [
        prepare("SELECT LENGTH(?), ?"),
        long_data(1, 0, b"abc"),
        long_data(1, 0, b""),
        long_data(1, 0, b"x" * 100_000),
        execute(1, (BLOB, b""), integer(1)),
        long_data(1, 0, b"lost"),
        reset(1),
        execute(1, text(b"kept"), integer(2)),
        long_data(9, 0, b"for nobody"),
        long_data(1, 7, b"for no parameter"),
        *say("SELECT 1"),
    ],
    "a procedure with OUT parameters": [
        *say(
            "CREATE PROCEDURE p(IN a INT, OUT b INT, INOUT c VARCHAR(9)) BEGIN"
            " SELECT a; SELECT 2, 'x'; SET b = a * 2; SET c = CONCAT(c, '!'); END"
        ),
        prepare("CALL p(?, ?, ?)"),
        execute(1, integer(21), integer(0), text(b"c")),
        execute(1, (LONG, None), integer(0), (STRING, None)),
        prepare("CALL p(1, @b, @c)"),
        execute(2),
    ],
    "a procedure that fails": [
        *say("CREATE PROCEDURE p() BEGIN SELECT 1; SELECT * FROM nowhere; END"),
        prepare("CALL p()"),
        execute(1),
    ],
    "statements that no longer count": [
        prepare("SELECT 1"),
        command(0x1F),
        execute(1),
        prepare("SELECT 2"),
        execute(1),
    ],
    "columns of every type": [
        *say(
            "CREATE TABLE y (a TINYINT, b SMALLINT UNSIGNED, c MEDIUMINT, d BIGINT,"
            " e DECIMAL(30, 10), f FLOAT, g DOUBLE, h DATE, i TIME(3), j DATETIME(6),"
            " k TIMESTAMP, l YEAR, m CHAR(5), n VARBINARY(9), o TEXT, p BLOB,"
            " q ENUM('a', 'b'), r SET('x', 'y'), s JSON, t BIT(12), u GEOMETRY)",
            "INSERT INTO y VALUES (-1, 65535, 8388607, -9, 1.5, 0.1, 1e100,"
            " '2024-01-02', '-1:02:03.5', '2024-01-02 03:04:05.000006',"
            " '2024-01-02 03:04:05', 2024,"
            " 'é', X'00', 'x', X'ff', 'b', 'x,y', '[1]', b'101',"
            " ST_GeomFromText('POINT(1 2)'))",
            "INSERT INTO y (a) VALUES (NULL)",
            "SELECT * FROM y",
        ),
        prepare("SELECT * FROM y"),
        execute(1),
    ],
}

LINES = [f"{n}\tline {n}\t{n}.25\n".encode() for n in range(1, 1001)]
LOAD = "LOAD DATA LOCAL INFILE 'x' {} INTO TABLE t"


def load(sql: str, *parts: bytes) -> Step:
    return query(sql, file=parts)


FILES = {
    "a thousand packets": [
        *say(TABLE),
        load(LOAD.format(""), *LINES),
        *say("SELECT COUNT(*), SUM(b), MAX(a) FROM t", "SHOW WARNINGS"),
    ],
    "one packet": [
        *say(TABLE),
        load(LOAD.format(""), b"".join(LINES)),
        *say("SELECT 1"),
    ],
    "an empty file": [*say(TABLE), load(LOAD.format("")), *say("SELECT 1")],
    "duplicates": [
        *with_table(),
        load(LOAD.format("REPLACE"), *LINES[:5]),
        load(LOAD.format("IGNORE"), *LINES[:9]),
        load(LOAD.format(""), *LINES[3:12]),
        *say("SHOW WARNINGS"),
    ],
    "an error in the middle": [
        *say(
            TABLE,
            "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW IF NEW.id = 300 THEN"
            " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no more'; END IF",
        ),
        load(LOAD.format(""), *LINES),
        *say("SELECT COUNT(*) FROM t"),
    ],
    "no such table": [load(LOAD.format(""), *LINES[:3]), *say("SELECT 1")],
    "refused by the server": [*say(TABLE), load("LOAD DATA INFILE '/x' INTO TABLE t")],
    "in a statement of several": [
        *say(TABLE),
        load(f"SELECT 1; {LOAD.format('')}; SELECT COUNT(*) FROM t", *LINES[:300]),
    ],
    "with attributes and a name like heatproxy's": [
        *say(TABLE),
        query(
            "LOAD DATA LOCAL INFILE 'ml_predict_row' INTO TABLE t",
            attributes=[(b"traceparent", STRING, lenenc(b"x" * 300))],
            file=LINES[:4],
        ),
    ],
}

ATTRIBUTES = [
    (b"i", LONG, struct.pack("<i", 5)),
    (b"", STRING, lenenc(b"SELECT ml_predict_row")),
    (b"null", STRING, None),
    (b"when", DATETIME, DATETIME_VALUE),
    (b"s" * 300, SHORT, b"\x01\x02"),
]

COMMANDS = {
    "ping": [command(0x0E), *say("SELECT 1"), command(0x0E)],
    "statistics": [command(0x09, reply=Reply.ONE_PACKET, same=False), command(0x0E)],
    "field list": [
        *with_table(),
        command(0x04, b"t\x00%", Reply.COLUMNS),
        command(0x04, b"t\x00nothing", Reply.COLUMNS),
        command(0x04, b"nowhere\x00", Reply.COLUMNS),
        *say("SELECT 1"),
    ],
    "init db": [
        command(0x02, b"mysql"),
        *say("SELECT DATABASE()"),
        command(0x02, b"nowhere"),
        command(0x02, "日本".encode()),
        command(0x02),
    ],
    "reset connection": [
        *say("SET @x = 1, autocommit = 0", "CREATE TEMPORARY TABLE tt (a INT)"),
        command(0x1F),
        *say("SELECT @x, @@autocommit, DATABASE()", "SELECT * FROM tt"),
    ],
    "unknown commands": [
        command(0xF0),
        command(0xFE, b"x" * 40),
        command(0x00),
        command(0x0B),
        command(0x0F),
        command(0x10),
        command(0x13),
        command(0x14),
        *say("SELECT 1"),
    ],
    "removed commands": [
        command(0x05, b"journey_new"),
        command(0x06, b"journey_new"),
        command(0x0C, b"\xff\xff\xff\x7f"),
        *say("SELECT 1"),
    ],
    "an empty packet": [Step(lambda capabilities: b""), *say("SELECT 1")],
    "debug": [command(0x0D)],
    "quit": [command(0x01, reply=Reply.CLOSED)],
    "query attributes": [
        query("SELECT 1", attributes=ATTRIBUTES),
        query("SELECT 'ml_predict_row'", attributes=ATTRIBUTES),
        query("SELECT 'ml_predict_row'; SELECT nothing", attributes=ATTRIBUTES),
        query("", attributes=ATTRIBUTES),
    ],
    "metadata left out": [
        *say("SET resultset_metadata = NONE"),
        *say("SELECT 1, 'x'", "SELECT 1 FROM DUAL WHERE FALSE", "SELECT nothing"),
        prepare("SELECT ?, 2"),
        execute(1, integer(5)),
        *say("SELECT 'ml_predict_row'", "SET resultset_metadata = FULL", "SELECT 1"),
    ],
    "a replica of no such log": [
        command(0x12, struct.pack("<IHI", 4, 1, 77) + b"no-such-log", Reply.CLOSED),
    ],
}
