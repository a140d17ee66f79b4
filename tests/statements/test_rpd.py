"""Queries of the rpd_ tables, as labs and tools send them, in both protocols."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import mysql.connector
import pytest

from tests.asking import refusal, result_sets, rows, run, value
from tests.background import until
from tests.conftest import Server
from tests.statements.conftest import ROWS, Lake

pytestmark = pytest.mark.mysql

Connection = Any
TABLE = "rpd_table_id.NAME = 'lake.t'"


@pytest.fixture
def inside(server: Server, lake: Lake) -> Iterator[Connection]:
    """A session of admin in performance_schema, beside a Lakehouse table."""
    with closing(server.connect(database="performance_schema")) as connection:
        yield connection


@pytest.fixture
def prepared(server: Server, lake: Lake) -> Iterator[Any]:
    """A cursor of the binary protocol."""
    with (
        closing(
            mysql.connector.connect(host=server.host, port=server.port, **server.login)
        ) as connection,
        closing(connection.cursor(prepared=True)) as cursor,
    ):
        yield cursor


def test_the_query_of_most_labs(inside: Connection) -> None:
    sql = (
        "SELECT NAME, LOAD_STATUS FROM rpd_tables,rpd_table_id"
        f" WHERE rpd_tables.ID = rpd_table_id.ID AND {TABLE}"
    )
    (found,) = result_sets(inside, sql)
    assert found.columns == ("NAME", "LOAD_STATUS")
    assert found.rows == [("lake.t", "AVAIL_RPDGSTABSTATE")]


FORMS = {
    "qualified": "SELECT t.NROWS FROM performance_schema.rpd_tables t"
    " JOIN performance_schema.rpd_table_id i USING (ID) WHERE i.NAME = 'lake.t'",
    "columns with their schema": "SELECT performance_schema.rpd_tables.NROWS"
    " FROM performance_schema.rpd_tables, performance_schema.rpd_table_id WHERE"
    " performance_schema.rpd_tables.ID = performance_schema.rpd_table_id.ID AND"
    " performance_schema.rpd_table_id.SCHEMA_NAME LIKE 'lake' AND"
    " performance_schema.rpd_table_id.TABLE_NAME = 't'",
    "upper case": "SELECT NROWS FROM PERFORMANCE_SCHEMA.RPD_TABLES JOIN"
    " PERFORMANCE_SCHEMA.RPD_TABLE_ID USING (ID) WHERE NAME = 'lake.t'",
    "quoted": "SELECT `NROWS` FROM `performance_schema`.`rpd_tables` WHERE ID ="
    " (SELECT ID FROM `performance_schema`.`rpd_table_id` WHERE NAME = 'lake.t')",
    "a WITH of its own": "WITH i AS (SELECT ID FROM performance_schema.rpd_table_id"
    " WHERE NAME = 'lake.t') SELECT NROWS FROM performance_schema.rpd_tables"
    " JOIN i USING (ID)",
    "joined with the dictionary": "SELECT r.NROWS FROM information_schema.TABLES t"
    " JOIN performance_schema.rpd_table_id i ON i.SCHEMA_NAME = t.TABLE_SCHEMA AND"
    " i.TABLE_NAME = t.TABLE_NAME JOIN performance_schema.rpd_tables r USING (ID)"
    " WHERE t.TABLE_SCHEMA = 'lake' AND t.TABLE_NAME = 't'",
    "a hint": "SELECT /*+ SET_VAR(use_secondary_engine=OFF) */ NROWS FROM"
    " performance_schema.rpd_tables JOIN performance_schema.rpd_table_id USING (ID)"
    " WHERE NAME = 'lake.t'",
    "a union": "(SELECT NROWS FROM performance_schema.rpd_tables JOIN"
    " performance_schema.rpd_table_id USING (ID) WHERE NAME = 'lake.t') UNION"
    " (SELECT 200 FROM performance_schema.rpd_nodes)",
}


@pytest.mark.parametrize("sql", FORMS.values(), ids=FORMS)
def test_a_table_is_found_in_every_form(
    client: Connection, prepared: Any, sql: str
) -> None:
    assert rows(client, sql) == [(ROWS,)]
    prepared.execute(sql)
    assert prepared.fetchall() == [(ROWS,)]


NAMES = {
    "a column": ("performance_schema.rpd_nodes.ID", "ID"),
    "an expression": ("COUNT( performance_schema.rpd_nodes.ID )", None),
    "a subquery": ("(SELECT MAX(ID) FROM performance_schema . rpd_nodes)", None),
    "an alias": ("performance_schema.rpd_nodes.ID + 1 AS n", "n"),
    "variables": ("CONCAT(@@rapid_compression, @@SESSION.rapid_compression)", None),
    "a variable": ("@@rapid_stats_cache_max_entries", None),
}


@pytest.mark.parametrize(("item", "name"), NAMES.values(), ids=NAMES)
def test_a_columns_name_is_the_one_the_client_wrote(
    client: Connection, prepared: Any, item: str, name: str | None
) -> None:
    sql = f"SELECT {item} FROM performance_schema.rpd_nodes"
    (found,) = result_sets(client, sql)
    assert found.columns == (name or item,)
    prepared.execute(sql)
    assert prepared.fetchall() == found.rows
    assert prepared.column_names == (name or item,)


def test_parameters_are_taken(prepared: Any) -> None:
    sql = (
        "SELECT ID + ?, ? FROM performance_schema.rpd_nodes"
        " WHERE STATUS = ? AND performance_schema.rpd_nodes.ID < ?"
    )
    for number in (5, 7):
        prepared.execute(sql, (number, "x", "AVAIL_RNSTATE", 1))
        assert prepared.fetchall() == [(number, "x")]
    prepared.execute(sql, (5, "x", "DOWN_RNSTATE", 1))
    assert prepared.fetchall() == []


def test_sqls_prepare_is_answered_anew_each_time(client: Connection) -> None:
    run(
        client,
        "PREPARE nodes FROM 'SELECT ID + ? FROM performance_schema.rpd_nodes'",
        "SET @n = 3",
    )
    for _ in range(2):
        (found,) = result_sets(client, "EXECUTE nodes USING @n")
        assert (found.columns, found.rows) == (("ID + ?",), [(3,)])
    run(client, "DEALLOCATE PREPARE nodes")


def test_rows_go_into_tables(client: Connection) -> None:
    source = "SELECT ID, CORES FROM performance_schema.rpd_nodes"
    run(client, f"CREATE TEMPORARY TABLE nodes AS {source}")
    run(client, f"INSERT INTO nodes {source}", f"INSERT INTO nodes ({source})")
    run(
        client,
        "INSERT INTO nodes VALUES ((SELECT COUNT(*) FROM"
        " performance_schema.rpd_nodes), 0)",
    )
    assert rows(client, "SELECT ID, COUNT(*) FROM nodes GROUP BY ID") == [
        (0, 3),
        (1, 1),
    ]
    run(client, "DROP TEMPORARY TABLE nodes")


def test_a_table_is_not_made_with_names_that_nobody_wrote(client: Connection) -> None:
    number, text = refusal(
        client,
        "CREATE TEMPORARY TABLE n SELECT COUNT(performance_schema.rpd_nodes.ID)"
        " FROM performance_schema.rpd_nodes",
    )
    assert number == 1235
    assert "COUNT(performance_schema.rpd_nodes.ID)" in text
    assert "heatproxy " not in text.removeprefix("heatproxy ")


def test_a_variable_takes_a_value(client: Connection) -> None:
    run(client, "SET @n = (SELECT COUNT(*) FROM performance_schema.rpd_nodes)")
    assert value(client, "SELECT @n") == 1


def test_several_statements_in_one_packet(server: Server) -> None:
    options = {"client_flag": 1 << 16}
    with closing(server.connect(**options)) as client:
        found = result_sets(
            client,
            "SELECT 1; SELECT ID FROM performance_schema.rpd_nodes; SELECT"
            " @@rapid_compression; SET SESSION rapid_compression = ON;"
            " SELECT @@rapid_compression",
        )
    assert [one.rows for one in found] == [[(1,)], [(0,)], [("AUTO",)], [("ON",)]]


def test_warnings_are_counted(client: Connection) -> None:
    sql = "SELECT performance_schema.rpd_nodes.ID + '1x' AS n FROM"
    sql += " performance_schema.rpd_nodes"
    for item in (sql, sql.replace(" AS n", "")):
        with client.cursor() as cursor:
            cursor.execute(item)
            assert cursor.fetchall() == ((1.0,),)
            assert cursor.warning_count == 1
        shown = rows(client, "SHOW WARNINGS")
        assert [one[1] for one in shown] == [1292]


def test_columns_of_a_lakehouse_table_are_counted(client: Connection) -> None:
    found = rows(
        client,
        "SELECT COLUMN_NAME, NDV, ENCODING FROM performance_schema.rpd_columns c"
        " JOIN performance_schema.rpd_column_id i ON c.TABLE_ID = i.TABLE_ID AND"
        " c.COLUMN_ID = i.ID JOIN performance_schema.rpd_table_id t ON t.ID ="
        " c.TABLE_ID WHERE t.NAME = 'lake.t' ORDER BY i.ID",
    )
    assert [name for name, *_ in found] == [row[0] for row in _described(client)]
    distinct = {name: count for name, count, _ in found}
    assert distinct["grp"] == 5
    assert 190 <= distinct["id"] <= 210  # about 200
    assert {encoding for *_, encoding in found} == {"VARLEN"}
    ((width,),) = rows(
        client,
        "SELECT AVG_BYTE_WIDTH_INC_NULL FROM performance_schema.rpd_preload_stats"
        " WHERE TABLE_SCHEMA = 'lake' AND COLUMN_NAME = 'name'",
    )
    assert 2 < width < 5


def _described(client: Connection) -> list[tuple[Any, ...]]:
    return rows(client, "DESCRIBE lake.t")


def test_what_the_lakehouse_table_takes(client: Connection) -> None:
    ((pool, size, progress, load_type),) = rows(
        client,
        "SELECT POOL_TYPE, SIZE_BYTES, LOAD_PROGRESS, LOAD_TYPE FROM"
        " performance_schema.rpd_tables JOIN performance_schema.rpd_table_id"
        " USING (ID) WHERE NAME = 'lake.t'",
    )
    assert (pool, progress, load_type) == ("SNAPSHOT", 100.0, "USER")
    assert size > 0


def test_the_shells_check_of_a_heatwave_server(client: Connection) -> None:
    assert rows(
        client,
        "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA ="
        " 'performance_schema' AND TABLE_NAME = 'rpd_nodes'",
    ) == [(1,)]
    total = value(
        client,
        "SELECT SUM(MEMORY_TOTAL) FROM performance_schema.rpd_nodes"
        " WHERE STATUS = 'AVAIL_RNSTATE'",
    )
    assert total > 0


def test_the_manuals_history_query_runs(client: Connection) -> None:
    run(
        client,
        "SELECT query_id, JSON_EXTRACT(JSON_UNQUOTE(qexec_text->'$**.sessionId'),"
        " '$[0]') AS session_id, STR_TO_DATE(JSON_UNQUOTE(JSON_EXTRACT("
        "qexec_text->>'$**.queryStartTime', '$[0]')), '%Y-%m-%d %H:%i:%s.%f') AS began"
        " FROM performance_schema.rpd_query_stats ORDER BY query_id",
    )


def test_automl_is_counted(client: Connection, server: Server) -> None:
    run(client, "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()")
    found = dict(rows(client, "SELECT * FROM performance_schema.rpd_ml_stats"))
    assert json.loads(found["ML_CREATE_OR_UPGRADE_CATALOG"])["operations"] >= 1


REFUSED = {
    "no such column": ("SELECT zz FROM performance_schema.rpd_nodes", 1054),
    "no such table": ("SELECT * FROM performance_schema.rpd_no_such", 1146),
    "wrong syntax": ("SELECT SELECT performance_schema.rpd_nodes", 1064),
    "another schema": ("SELECT * FROM rpd_nodes", 1146),
    "a change": ("UPDATE performance_schema.rpd_nodes SET ID = 1", 1146),
    "an INSERT": ("INSERT INTO performance_schema.rpd_nodes VALUES (1)", 1146),
}


@pytest.mark.parametrize(("sql", "number"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_mysql_says(client: Connection, sql: str, number: int) -> None:
    found, text = refusal(client, sql)
    assert found == number
    assert "heatproxy" not in text
    assert "JSON_TABLE" not in text


def test_who_may_not_read_performance_schema_reads_nothing(
    client: Connection, server: Server
) -> None:
    run(client, "DROP USER IF EXISTS nosy", "CREATE USER nosy IDENTIFIED BY 'pw'")
    query = "SELECT QUERY_TEXT FROM performance_schema.rpd_query_stats"
    others = (
        "SHOW COLUMNS FROM performance_schema.rpd_query_stats",
        "DESCRIBE performance_schema.rpd_query_stats",
    )
    try:
        with closing(server.connect(user="nosy", password="pw")) as nosy:
            number, text = refusal(nosy, query)
            assert (number, "denied" in text) == (1142, True)
            for sql in others:
                assert refusal(nosy, sql)[0] in (1142, 1146)
            assert rows(nosy, "SHOW STATUS LIKE 'rapid_service_status'") == [
                ("rapid_service_status", "ONLINE")
            ]
            run(client, "GRANT SELECT ON performance_schema.* TO nosy")
        with closing(server.connect(user="nosy", password="pw")) as nosy:
            run(nosy, query)
    finally:
        run(client, "DROP USER nosy")


def test_a_transaction_is_not_disturbed(
    client: Connection, backend: Connection
) -> None:
    run(backend, "CREATE TABLE IF NOT EXISTS twin.kept (id int)")
    try:
        run(client, "BEGIN", "INSERT INTO twin.kept VALUES (1)")
        assert value(client, "SELECT ID FROM performance_schema.rpd_nodes") == 0
        run(client, "ROLLBACK")
        assert rows(backend, "SELECT * FROM twin.kept") == []
    finally:
        run(backend, "DROP TABLE twin.kept")


def test_lock_tables_is_for_all_tables(client: Connection) -> None:
    run(client, "LOCK TABLES mysql.user READ")
    try:
        sql = "SELECT * FROM performance_schema.rpd_tables"
        text = "Table 'rpd_tables' was not locked with LOCK TABLES"
        assert refusal(client, sql) == (1100, text)
        assert len(rows(client, "SHOW STATUS LIKE 'rapid_ml_status'")) == 1
    finally:
        run(client, "UNLOCK TABLES")


def test_a_join_with_a_lakehouse_table_is_refused_by_name(client: Connection) -> None:
    sql = "SELECT COUNT(*) FROM lake.t, performance_schema.rpd_nodes"
    number, text = refusal(client, sql)
    assert number in (1235, 3877)
    assert "tablespace" not in text.lower()


# --- a table of InnoDB ----------------------------------------------------------------


@pytest.fixture(scope="module")
def shop(server: Server) -> Iterator[str]:
    """A schema with a table that RAPID has loaded."""
    with closing(server.connect()) as client:
        run(
            client,
            "DROP DATABASE IF EXISTS rpd_shop",
            "CREATE DATABASE rpd_shop",
            "CREATE TABLE rpd_shop.orders (id int PRIMARY KEY, word varchar(20))"
            " SECONDARY_ENGINE=RAPID",
            "INSERT INTO rpd_shop.orders VALUES (1, 'a'), (2, 'b'), (3, 'b')",
            "ALTER TABLE rpd_shop.orders SECONDARY_LOAD",
        )
        yield "rpd_shop"
        run(client, "DROP DATABASE rpd_shop")


def test_an_offloaded_query_is_counted_everywhere(server: Server, shop: str) -> None:
    sql = "SELECT COUNT(*), MAX(id) FROM orders"
    with closing(server.connect(database=shop)) as client:
        run(client, "SET SESSION secondary_engine_cost_threshold = 0")
        before = _counts(client)

        def offloaded_twice() -> bool:  # MySQL answers when changes are late
            assert rows(client, sql) == [(3, 3)]
            return _counts(client)[0] >= 2

        until(offloaded_twice)
        after = _counts(client)
        thread = value(client, "SELECT CONNECTION_ID()")
        history = rows(
            client,
            "SELECT q.CONNECTION_ID, q.QEXEC_TEXT->>'$.error', NODE_ID,"
            " INTERNAL_OFFLOAD_FAIL_TEXT FROM performance_schema.rpd_query_stats q"
            " JOIN performance_schema.rpd_exec_stats USING (QUERY_ID) WHERE"
            f" QUERY_TEXT = '{sql}' AND CONNECTION_ID = {thread}",
        )
        ((pool, queries, last, scn),) = rows(
            client,
            "SELECT POOL_TYPE, QUERY_COUNT, LAST_QUERIED, SNAPSHOT_SCN FROM"
            " performance_schema.rpd_tables JOIN performance_schema.rpd_table_id"
            " USING (ID) WHERE NAME = 'rpd_shop.orders'",
        )
        report = result_sets(
            client,
            "CALL sys.heatwave_advisor(JSON_OBJECT('query_insights', TRUE,"
            " 'query_session_id', JSON_ARRAY(CONNECTION_ID())))",
        )
    assert [one - other for one, other in zip(after, before, strict=True)] == [2, 2, 2]
    assert after[0] == 2  # by this session
    assert history == [(thread, "", 0, None)] * 2
    assert (pool, last is None, scn > 0) == ("TRANSACTIONAL", False, True)
    assert queries >= 2
    assert report[-1].lines[0] == "Queries executed on Heatwave: 2"
    with closing(server.connect()) as another:
        assert _counts(another)[0] == 0


def _counts(client: Connection) -> list[int]:
    """The session's offloaded statements, and the process's by both their names."""
    return [
        int(rows(client, sql)[0][1])
        for sql in (
            "SHOW STATUS LIKE 'Secondary_engine_execution_count'",
            "SHOW GLOBAL STATUS LIKE 'Secondary_engine_execution_count'",
            "SHOW STATUS LIKE 'rapid_query_offload_count'",
        )
    ]


def test_a_query_that_mysql_answered_says_why(server: Server, shop: str) -> None:
    sql = "SELECT id, SLEEP(0) FROM orders WHERE id > 0"
    with closing(server.connect(database=shop)) as client:
        run(client, "SET SESSION secondary_engine_cost_threshold = 0", sql)
        reasons = rows(
            client,
            "SELECT INTERNAL_OFFLOAD_FAIL_TEXT FROM performance_schema.rpd_query_stats"
            f" WHERE QUERY_TEXT = '{sql}'",
        )
        refused = int(
            rows(client, "SHOW STATUS LIKE 'rapid_query_nonoffload_count'")[0][1]
        )
    assert reasons
    assert reasons[-1][0]
    assert refused >= 1


def test_a_loaded_table_is_in_the_mirror_and_in_the_ids(
    server: Server, shop: str
) -> None:
    with closing(server.connect(database="performance_schema")) as client:
        assert rows(
            client,
            "SELECT STATE, HEATWAVE_ACCESS_COUNT >= 0 FROM rpd_mirror"
            " WHERE SCHEMA_NAME = 'rpd_shop'",
        ) == [("LOADED", 1)]
        assert rows(
            client,
            "SELECT COLUMN_NAME, NDV FROM rpd_column_id i JOIN rpd_columns c ON"
            " c.TABLE_ID = i.TABLE_ID AND c.COLUMN_ID = i.ID JOIN rpd_table_id t ON"
            " t.ID = i.TABLE_ID WHERE t.NAME = 'rpd_shop.orders' ORDER BY i.ID",
        ) == [("id", 3), ("word", 2)]
        run(client, "ALTER TABLE rpd_shop.orders SECONDARY_UNLOAD")
        try:
            assert rows(
                client,
                "SELECT COUNT(*) FROM rpd_table_id WHERE SCHEMA_NAME = 'rpd_shop'",
            ) == [(0,)]
        finally:
            run(client, "ALTER TABLE rpd_shop.orders SECONDARY_LOAD")
