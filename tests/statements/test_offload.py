"""SELECTs on loaded tables: who answers them, that it is MySQL's answer, at once."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import mysql.connector
import pymysql
import pytest

from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.statements.conftest import Connection

pytestmark = pytest.mark.mysql

SCHEMA = "offload"
ROWS = 4000
COUNTED = "SHOW SESSION STATUS LIKE 'Secondary_engine_execution_count'"
LAST = (
    "SELECT internal_offload_fail_text FROM performance_schema.rpd_query_stats"
    " ORDER BY query_id DESC LIMIT 1"
)
SUM = "SELECT grp, COUNT(*), SUM(n) FROM t GROUP BY grp ORDER BY grp"


@pytest.fixture(scope="module")
def loaded(server: Server) -> Iterator[Server]:
    """Tables ``t`` and ``s``, loaded; ``plain``, which is not."""
    with closing(server.connect()) as admin:
        run(
            admin,
            f"DROP DATABASE IF EXISTS {SCHEMA}",
            f"CREATE DATABASE {SCHEMA}",
            f"USE {SCHEMA}",
            "CREATE TABLE t (id INT PRIMARY KEY, grp INT, n INT, name VARCHAR(20),"
            " hidden INT NOT SECONDARY) SECONDARY_ENGINE=RAPID",
            "CREATE TABLE s (grp INT PRIMARY KEY, word VARCHAR(20))"
            " SECONDARY_ENGINE=RAPID",
            "CREATE TABLE plain (id INT PRIMARY KEY, n INT)",
            "SET cte_max_recursion_depth = 100000",
            "INSERT INTO t WITH RECURSIVE x AS (SELECT 1 AS i UNION ALL SELECT i + 1"
            f" FROM x WHERE i < {ROWS}) SELECT i, i % 7, i * 3, CONCAT('n', i % 5), 1"
            " FROM x",
            "INSERT INTO s VALUES (0, 'zero'), (1, 'one'), (2, 'Two'), (3, 'three')",
            "INSERT INTO plain VALUES (1, 1)",
            "ANALYZE TABLE t, s, plain",
            "ALTER TABLE t SECONDARY_LOAD",
            "ALTER TABLE s SECONDARY_LOAD",
        )
        yield server
        run(admin, f"DROP DATABASE {SCHEMA}")


@pytest.fixture
def client(loaded: Server) -> Iterator[Connection]:
    """A session that sends everything it can to RAPID."""
    with closing(loaded.connect(database=SCHEMA)) as connection:
        run(connection, "SET secondary_engine_cost_threshold = 0")
        yield connection


@pytest.fixture
def past(loaded: Server) -> Iterator[Connection]:
    """A session past heatproxy."""
    with closing(loaded.connect_backend(database=SCHEMA)) as connection:
        yield connection


def offloads(connection: Connection) -> int:
    """How many statements of the session RAPID has answered."""
    return int(rows(connection, COUNTED)[0][1])


def wide(count: int) -> str:
    """A SELECT of ``count`` times all rows, a KB each."""
    return f"SELECT a.id, '{'x' * 1000}' FROM t a JOIN t b WHERE a.id <= {count}"


ANSWERED = [
    SUM,
    "SELECT COUNT(*), MIN(n), MAX(n) FROM t",
    "SELECT name, COUNT(*) FROM t GROUP BY name ORDER BY name",
    "SELECT word, COUNT(*) FROM t JOIN s USING (grp) GROUP BY word ORDER BY word",
    "WITH w AS (SELECT grp, n FROM t WHERE id > 10) SELECT SUM(n) FROM w",
    "(SELECT COUNT(*) FROM t)",
    "SELECT COUNT(*) FROM t -- a comment",
    "SELECT /*+ NO_MERGE() */ COUNT(*) FROM t",
    "TABLE s ORDER BY grp",
    "SELECT /*+ SET_VAR(sort_buffer_size = 1000000) */ COUNT(*) FROM t",
]
NOT_ANSWERED = {
    "SELECT SUM(hidden) FROM t": "NOT SECONDARY",
    "SELECT COUNT(*) FROM t JOIN plain USING (id)": "plain",
    "SELECT COUNT(*) FROM t FOR UPDATE": "",
    "SELECT SUM(n / (id - 1)) FROM t": "",
    "SELECT /*+ SET_VAR(sql_mode = 'ANSI') */ COUNT(*) FROM t": "SET_VAR(sql_mode)",
    "SELECT /*+ SET_VAR(use_secondary_engine = OFF) */ COUNT(*) FROM t": "OFF",
}


@pytest.mark.parametrize("sql", ANSWERED)
def test_what_has_rules_is_answered_by_rapid_as_by_mysql(
    client: Connection, past: Connection, sql: str
) -> None:
    before = offloads(client)
    assert rows(client, sql) == rows(past, sql)
    assert offloads(client) == before + 1


@pytest.mark.parametrize(("sql", "words"), NOT_ANSWERED.items(), ids=NOT_ANSWERED)
def test_the_rest_is_answered_by_mysql(
    client: Connection, past: Connection, sql: str, words: str
) -> None:
    before = offloads(client)
    assert rows(client, sql) == rows(past, sql)
    assert offloads(client) == before
    assert words in value(client, LAST)


def test_a_client_sees_its_own_writes_at_once(
    client: Connection, loaded: Server
) -> None:
    run(client, "INSERT INTO t VALUES (900000, 50, 0, 'x', 1)")
    with closing(loaded.connect(database=SCHEMA)) as other:
        run(other, "SET secondary_engine_cost_threshold = 0")
        before = offloads(client), offloads(other)
        for number in range(1, 151):
            run(client, f"UPDATE t SET n = {number} WHERE id = 900000")
            sql = "SELECT SUM(n) FROM t WHERE grp = 50"
            assert (value(client, sql), value(other, sql)) == (number, number)
        assert offloads(client) > before[0]
        assert offloads(other) > before[1]
    run(client, "DELETE FROM t WHERE id = 900000")
    assert value(client, "SELECT COUNT(*) FROM t") == ROWS


def test_a_cheap_statement_stays_with_mysql(client: Connection) -> None:
    run(client, "SET secondary_engine_cost_threshold = 100000")
    before = offloads(client)
    for number in range(5):
        assert (
            value(client, f"SELECT n FROM t WHERE id = {number + 1}") == number * 3 + 3
        )
    assert len(rows(client, SUM)) == 7
    assert offloads(client) == before
    assert "threshold" in value(client, LAST)
    run(client, "SET secondary_engine_cost_threshold = 10")
    run(client, SUM)
    assert offloads(client) == before + 1


def test_what_was_too_cheap_is_looked_at_again_when_variables_change(
    client: Connection,
) -> None:
    run(client, "SET use_secondary_engine = OFF", SUM, SUM)
    before = offloads(client)
    run(client, "SET use_secondary_engine = ON", SUM)
    assert offloads(client) == before + 1


@pytest.mark.parametrize(
    ("sql", "number", "words"),
    [
        ("SELECT hidden FROM t", 3889, "NOT SECONDARY"),
        ("SELECT SUM(n / (id - 1)) FROM t", 3889, "Reason"),
        ("SELECT COUNT(*) FROM plain", 3889, "at least one of the query tables"),
        ("SELECT nope FROM t", 1054, "Unknown column"),
    ],
)
def test_under_forced_mysqls_answer_is_an_error(
    client: Connection, sql: str, number: int, words: str
) -> None:
    run(client, "SET use_secondary_engine = FORCED")
    got, text = refusal(client, sql)
    assert (got, words in text) == (number, True), text
    assert rows(client, "SELECT 1") == [(1,)]
    assert value(client, "SELECT COUNT(*) FROM t") == ROWS
    hinted = "SELECT /*+ SET_VAR(use_secondary_engine = OFF) */ MAX(hidden) FROM t"
    assert value(client, hinted) == 1


def test_forced_into_what_was_never_loaded_is_in_heatwaves_words(
    client: Connection,
) -> None:
    run(client, "CREATE TABLE never (i INT) SECONDARY_ENGINE = RAPID")
    run(client, "SET use_secondary_engine = FORCED")
    said = (3877, "Table has not been loaded")
    assert refusal(client, "SELECT * FROM never") == said
    assert rows(client, "SHOW WARNINGS") == [("Error", *said)]
    assert refusal(client, "SELECT * FROM never, plain")[0] == 3889
    assert refusal(client, "SELECT nope FROM never")[0] == 1054
    run(client, "SET use_secondary_engine = ON")
    assert rows(client, "SELECT * FROM never") == []
    run(client, "DROP TABLE never")


def test_a_hint_forces_one_statement(client: Connection) -> None:
    run(client, "SET secondary_engine_cost_threshold = 1e9")
    before = offloads(client)
    hint = "/*+ SET_VAR(use_secondary_engine = FORCED) */"
    assert value(client, f"SELECT {hint} COUNT(*) FROM t") == ROWS
    assert offloads(client) == before + 1
    assert refusal(client, f"SELECT {hint} MAX(hidden) FROM t")[0] == 3889


def test_a_transaction_is_mysqls(client: Connection) -> None:
    before = offloads(client)
    run(client, "BEGIN", "UPDATE t SET n = n + 1 WHERE id = 1")
    assert value(client, "SELECT SUM(n) FROM t WHERE id < 3") == 10
    run(client, "ROLLBACK")
    assert value(client, "SELECT SUM(n) FROM t WHERE id < 3") == 9
    run(client, "SET autocommit = 0")
    assert value(client, "SELECT COUNT(*) FROM t") == ROWS
    run(client, "COMMIT", "SET autocommit = 1")
    assert offloads(client) == before + 1


def test_ddl_between_statements_is_seen(client: Connection, past: Connection) -> None:
    run(client, "CREATE TABLE d (id INT PRIMARY KEY, a INT) SECONDARY_ENGINE=RAPID")
    run(client, "INSERT INTO d VALUES (1, 10), (2, 20)", "ALTER TABLE d SECONDARY_LOAD")
    assert rows(client, "SELECT * FROM d ORDER BY id") == [(1, 10), (2, 20)]
    run(client, "ALTER TABLE d ADD b INT DEFAULT 7")
    assert rows(client, "SELECT * FROM d ORDER BY id") == [(1, 10, 7), (2, 20, 7)]
    run(past, "TRUNCATE TABLE d")
    assert rows(client, "SELECT * FROM d ORDER BY id") == []
    run(past, "DROP TABLE d", "CREATE TABLE d (z INT)", "INSERT INTO d VALUES (5)")
    assert rows(client, "SELECT * FROM d") == [(5,)]
    run(client, "DROP TABLE d")
    assert refusal(client, "SELECT * FROM d")[0] == 1146


def test_a_temporary_table_hides_the_loaded_one(client: Connection) -> None:
    assert value(client, "SELECT COUNT(*) FROM s") == 4
    run(client, "CREATE TEMPORARY TABLE s (grp INT)")
    assert value(client, "SELECT COUNT(*) FROM s") == 0
    run(client, "FLUSH STATUS")
    assert value(client, "SELECT COUNT(*) FROM s") == 0
    run(client, "DROP TEMPORARY TABLE s")
    assert value(client, "SELECT COUNT(*) FROM s") == 4


def until_offloaded(connection: Connection, sql: str) -> list[Any]:
    """The answer to a statement, once RAPID gives it: a table may be reloading."""
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        before = offloads(connection)
        answer = rows(connection, sql)
        if offloads(connection) > before:
            return answer
    raise AssertionError(value(connection, LAST))


def test_views_are_answered_through_their_tables(client: Connection) -> None:
    made = "VIEW v AS SELECT grp AS g, SUM(n) AS s FROM t GROUP BY grp"
    run(client, f"CREATE OR REPLACE {made}")
    sql = "SELECT COUNT(*), SUM(s) FROM v WHERE g > 2"
    answer = until_offloaded(client, sql)
    run(client, "ALTER VIEW v AS SELECT grp AS g, 1 AS s FROM t GROUP BY grp")
    assert rows(client, sql) == [(4, 4)]
    run(client, "DROP VIEW v", f"CREATE {made}")
    assert rows(client, sql) == answer
    run(client, "DROP VIEW v")
    assert refusal(client, sql)[0] == 1146
    until_offloaded(client, SUM)


def test_prepared_statements_decide_at_each_execution(
    loaded: Server, client: Connection, past: Connection
) -> None:
    sql = "SELECT grp, SUM(n) AS s FROM t WHERE id < ? GROUP BY grp ORDER BY grp"
    with (
        closing(
            mysql.connector.connect(
                host=loaded.host,
                port=loaded.port,
                database=SCHEMA,
                autocommit=True,
                use_pure=True,
                **loaded.login,
            )
        ) as connection,
        closing(connection.cursor(prepared=True)) as cursor,
    ):
        plain = connection.cursor()

        def ask(statement: str) -> list[Any]:
            plain.execute(statement)
            return list(plain.fetchall()) if plain.with_rows else []

        def count() -> int:
            return int(ask(COUNTED)[0][1])

        ask("SET secondary_engine_cost_threshold = 0")
        for step, offloaded in (
            ("DO 0", 1),
            ("SET use_secondary_engine = OFF", 0),
            ("SET use_secondary_engine = ON", 1),
            ("BEGIN", 0),
            ("COMMIT", 1),
            ("SET secondary_engine_cost_threshold = 1e9", 0),
            ("DO 0", 0),
        ):
            ask(step)
            before = count()
            for limit in (500, 1000):
                cursor.execute(sql, (limit,))
                assert cursor.column_names == ("grp", "s")
                expected = rows(past, sql.replace("?", str(limit)))
                assert [tuple(row) for row in cursor.fetchall()] == expected
            assert count() == before + 2 * offloaded, step


def test_statements_prepared_by_sql_are_answered(client: Connection) -> None:
    until_offloaded(client, SUM)
    run(client, "PREPARE p FROM 'SELECT COUNT(*) FROM t WHERE id <= ?'", "SET @n = 9")
    before = offloads(client)
    assert value(client, "EXECUTE p USING @n") == 9
    assert offloads(client) == before + 1
    run(client, "SET use_secondary_engine = OFF")
    assert value(client, "EXECUTE p USING @n") == 9
    run(client, "PREPARE q FROM 'SELECT MAX(hidden) FROM t'")
    assert value(client, "EXECUTE q") == 1
    assert offloads(client) == before + 1


def test_several_statements_in_a_packet_are_answered_each(loaded: Server) -> None:
    flag = pymysql.constants.CLIENT.MULTI_STATEMENTS
    with closing(loaded.connect(database=SCHEMA, client_flag=flag)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(
                "SET secondary_engine_cost_threshold = 0; SELECT COUNT(*) FROM t;"
                " SELECT MAX(hidden) FROM t; BEGIN; SELECT COUNT(*) FROM s; COMMIT;"
                " SELECT COUNT(*) FROM s"
            )
            answers = [cursor.fetchall()]
            while cursor.nextset():
                answers.append(cursor.fetchall())
        assert [a for a in answers if a] == [((ROWS,),), ((1,),), ((4,),), ((4,),)]
        assert offloads(connection) == 2


def test_rows_are_inserted_from_the_engine(client: Connection) -> None:
    run(
        client,
        "CREATE TABLE into_it (i INT AUTO_INCREMENT PRIMARY KEY, g VARCHAR(9),"
        " s DECIMAL(20,1))",
    )
    before = offloads(client)
    with client.cursor() as cursor:
        cursor.execute(
            "INSERT INTO into_it (g, s) SELECT grp, SUM(n) FROM t GROUP BY grp"
        )
        assert cursor.rowcount == 7
    assert offloads(client) == before + 1
    assert value(client, "SELECT SUM(s) = (SELECT SUM(n) FROM t) FROM into_it") == 1
    number, text = refusal(client, "INSERT INTO into_it (i) SELECT grp + 1 FROM t")
    assert (number, "Duplicate entry" in text) == (1062, True)
    assert value(client, "SELECT COUNT(*) FROM into_it") == 7
    run(client, "CREATE TABLE made AS SELECT grp, AVG(n) AS a FROM t GROUP BY grp")
    run(client, "SET use_secondary_engine = OFF")
    run(client, "CREATE TABLE same AS SELECT grp, AVG(n) AS a FROM t GROUP BY grp")
    assert rows(client, "SELECT * FROM made ORDER BY 1") == rows(
        client, "SELECT * FROM same ORDER BY 1"
    )
    shown = [
        rows(client, f"SHOW CREATE TABLE {name}")[0][1] for name in ("made", "same")
    ]
    assert shown[0].replace("made", "same") == shown[1]
    run(client, "DROP TABLE into_it, made, same")


def test_a_killed_query_ends(client: Connection, loaded: Server) -> None:
    long = "SELECT COUNT(*) FROM t a, t b, t c WHERE a.n + b.n < c.n + 7"
    (identity,) = rows(client, "SELECT CONNECTION_ID()")[0]
    caught: list[Any] = []

    def ask() -> None:
        with pytest.raises(pymysql.MySQLError) as error:
            rows(client, long)
        caught.append(error.value.args[0])

    thread = threading.Thread(target=ask)
    thread.start()
    with closing(loaded.connect()) as other:
        shown = f"SELECT INFO FROM performance_schema.processlist WHERE ID = {identity}"
        while "querying in RAPID" not in (value(other, shown) or ""):
            pass
        run(other, f"KILL QUERY {identity}")
    thread.join()
    assert caught == [1317]
    assert value(client, "SELECT COUNT(*) FROM s") == 4


@pytest.mark.parametrize("hint", ["", "/*+ MAX_EXECUTION_TIME(300) */"])
def test_a_query_ends_after_max_execution_time(client: Connection, hint: str) -> None:
    if not hint:
        run(client, "SET max_execution_time = 300")
    long = f"SELECT {hint} COUNT(*) FROM t a, t b, t c WHERE a.n + b.n < c.n + 7"
    assert refusal(client, long)[0] == 3024


def test_two_hundred_clients_are_all_answered(loaded: Server, past: Connection) -> None:
    expected = rows(past, SUM)
    wrong: list[Any] = []
    begin = threading.Barrier(200, timeout=120)
    logins = threading.Semaphore(10)  # a login may not take long; all at once may
    allowed = value(past, "SELECT @@GLOBAL.max_connections")
    run(past, "SET GLOBAL max_connections = 500")

    def ask() -> None:
        with logins:
            connection = loaded.connect(database=SCHEMA)
        with closing(connection):
            run(connection, "SET secondary_engine_cost_threshold = 0")
            begin.wait()
            answer = rows(connection, SUM)
            if answer != expected or offloads(connection) != 1:
                wrong.append((answer, value(connection, LAST)))

    threads = [threading.Thread(target=ask) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run(past, f"SET GLOBAL max_connections = {allowed}")
    assert wrong == []


def test_an_answer_larger_than_what_memory_holds_comes_whole(
    client: Connection,
) -> None:
    before = offloads(client)
    given = rows(client, wide(20))
    assert offloads(client) == before + 1
    assert Counter(row[0] for row in given) == dict.fromkeys(range(1, 21), ROWS)
    assert {len(row[1]) for row in given} == {1000}


def test_an_answer_over_the_limit_is_mysqls(client: Connection) -> None:
    before = offloads(client)
    given = rows(client, wide(40))
    assert len(given) == 40 * ROWS
    assert offloads(client) == before
    assert "rapid.answer_limit" in value(client, LAST)


# --- SET TRANSACTION, which is about the next statement -------------------------------

NEXT = ["SET TRANSACTION READ ONLY", "/* of */ set\n transaction READ ONLY"]
INSERT = "INSERT INTO plain SELECT id + 10, SUM(n) FROM read_next GROUP BY id"


@pytest.fixture(scope="module")
def beside(loaded: Server) -> Server:
    """A loaded table of a name that no Lakehouse table has."""
    with closing(loaded.connect(database=SCHEMA)) as admin:
        run(
            admin,
            "CREATE TABLE read_next (id INT PRIMARY KEY, n INT) SECONDARY_ENGINE=RAPID",
            "INSERT INTO read_next VALUES (1, 1)",
            "ALTER TABLE read_next SECONDARY_LOAD",
        )
    return loaded


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize("sql", NEXT)
def test_what_set_transaction_is_about_is_not_asked_away(
    client: Connection, sql: str
) -> None:
    run(client, sql)
    assert refusal(client, INSERT)[0] == 1792
    run(client, "SET TRANSACTION READ WRITE", "DO 0")


def test_nor_within_one_packet(beside: Server) -> None:
    flag = pymysql.constants.CLIENT.MULTI_STATEMENTS
    with (
        closing(beside.connect(database=SCHEMA, client_flag=flag)) as client,
        closing(client.cursor()) as cursor,
    ):
        cursor.execute(f"SET TRANSACTION READ ONLY; {INSERT}")
        with pytest.raises(pymysql.MySQLError) as refused:
            cursor.nextset()
        assert refused.value.args[0] == 1792
