"""heatwave_load, heatwave_unload and heatwave_reload of InnoDB tables."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.asking import refusal, result_sets, rows, run, value
from tests.conftest import Server

pytestmark = pytest.mark.mysql

Connection = Any
SCRIPT = (
    'SELECT log->>"$.sql" FROM sys.heatwave_autopilot_report WHERE type = "sql"'
    " ORDER BY id"
)
WARNINGS = (
    'SELECT log->>"$.table_name", log->>"$.warn" FROM sys.heatwave_autopilot_report'
    ' WHERE type = "warn" ORDER BY id'
)
ERRORS = (
    'SELECT log->>"$.error" FROM sys.heatwave_autopilot_report WHERE type = "error"'
)
ALL = "CALL sys.heatwave_load(JSON_ARRAY('inner'), {})"


@pytest.fixture
def client(server: Server) -> Iterator[Connection]:
    """A session in a schema of tables of every kind."""
    with closing(server.connect()) as connection:
        run(
            connection,
            "DROP DATABASE IF EXISTS `inner`",
            "CREATE DATABASE `inner`",
            "USE `inner`",
            "CREATE TABLE b (id INT PRIMARY KEY, name VARCHAR(20),"
            " wide DECIMAL(50,3) NOT NULL DEFAULT '1.5' COMMENT 'it''s', n INT)",
            "INSERT INTO b (id, name) VALUES (1, 'x'), (2, 'y')",
            "CREATE TABLE a (id INT PRIMARY KEY, n INT) SECONDARY_ENGINE = RAPID",
            "CREATE TABLE shapes (g GEOMETRY)",
            "CREATE TABLE old (id INT) ENGINE = MyISAM",
            "CREATE VIEW seen AS SELECT * FROM a",
        )
        yield connection
        run(connection, "DROP DATABASE `inner`")


def loaded(connection: Connection) -> dict[str, str]:
    """What the dictionary says of each table that has a secondary engine."""
    return dict(
        rows(
            connection,
            "SELECT TABLE_NAME, RIGHT(CREATE_OPTIONS, 2) FROM information_schema.TABLES"
            " WHERE TABLE_SCHEMA = 'inner' AND CREATE_OPTIONS LIKE '%SECONDARY_LOAD%'",
        )
    )


def blocks(connection: Connection, call: str) -> dict[str, list[list[str]]]:
    """The lines of the report by title; LOADING TABLE comes more than once."""
    found: dict[str, list[list[str]]] = {}
    for block in result_sets(connection, call):
        found.setdefault(block.columns[0], []).append(block.lines)
    return found


LOAD_A = ["ALTER TABLE `inner`.`a` SECONDARY_LOAD;"]
LOAD_B = [
    "ALTER TABLE `inner`.`b` MODIFY `wide` decimal(50,3) NOT NULL DEFAULT '1.500'"
    " COMMENT 'it''s' NOT SECONDARY;",
    "ALTER TABLE `inner`.`b` SECONDARY_ENGINE=RAPID;",
    "ALTER TABLE `inner`.`b` SECONDARY_LOAD;",
]
THREADS = ["SET SESSION innodb_parallel_read_threads = 2;"]
SCRIPTS = {
    "all": ("JSON_OBJECT()", THREADS + LOAD_A + THREADS + LOAD_B),
    "no parallelism": (
        "JSON_OBJECT('set_load_parallelism', FALSE)",
        LOAD_A + LOAD_B,
    ),
    "a table excluded": (
        "JSON_OBJECT('set_load_parallelism', FALSE, 'exclude_list',"
        " JSON_ARRAY('inner.b'))",
        LOAD_A,
    ),
    "a column excluded": (
        "JSON_OBJECT('set_load_parallelism', FALSE, 'exclude_list',"
        " JSON_ARRAY('inner.b', 'inner.a.n'))",
        [
            "ALTER TABLE `inner`.`a` MODIFY `n` int DEFAULT NULL NOT SECONDARY;",
            *LOAD_A,
        ],
    ),
    "the schema excluded": ("JSON_OBJECT('exclude_list', JSON_ARRAY('inner'))", []),
    "columns must be supported": (
        "JSON_OBJECT('set_load_parallelism', FALSE, 'policy',"
        " 'not_disable_unsupported_columns')",
        LOAD_A,
    ),
}


@pytest.mark.parametrize("case", SCRIPTS)
def test_a_dry_run_tells_the_script_and_changes_nothing(
    client: Connection, case: str
) -> None:
    options, script = SCRIPTS[case]
    options = f"JSON_MERGE_PATCH(JSON_OBJECT('mode', 'dryrun'), {options})"
    result_sets(client, ALL.format(options))
    assert [sql for (sql,) in rows(client, SCRIPT)] == script
    assert loaded(client) == {"a": '0"'}


def test_the_script_run_by_hand_does_the_same(client: Connection) -> None:
    result_sets(client, ALL.format("JSON_OBJECT('mode', 'dryrun')"))
    run(client, *(sql for (sql,) in rows(client, SCRIPT)))
    assert loaded(client) == {"a": '1"', "b": '1"'}


def test_a_load_tells_of_each_table(client: Connection) -> None:
    report = blocks(client, ALL.format("NULL"))
    assert list(report) == [
        "INITIALIZING HEATWAVE AUTO PARALLEL LOAD",
        "OFFLOAD ANALYSIS",
        "CAPACITY ESTIMATION",
        "EXECUTING LOAD",
        "LOADING TABLE",
        "LOAD SUMMARY",
    ]
    analysis = report["OFFLOAD ANALYSIS"][0]
    assert analysis[6].split() == [
        *("`inner`", "2", "5"),
        *("3", "table(s)", "are", "not", "loadable"),
    ]
    first, second = report["LOADING TABLE"]
    assert first[:6] == [
        "TABLE (1 of 2): `inner`.`a`",
        "Commands executed successfully: 2 of 2",
        "Warnings encountered: 0",
        "Table loaded successfully!",
        "  Total columns loaded: 2",
        "  Table loaded using 2 thread(s)",
    ]
    assert second[:5] == [
        "TABLE (2 of 2): `inner`.`b`",
        "Commands executed successfully: 4 of 4",
        "Warnings encountered: 0",
        "Table loaded successfully!",
        "  Total columns loaded: 3",
    ]
    assert report["LOAD SUMMARY"][0][4].split()[:4] == ["`inner`", "2", "0", "5"]
    assert loaded(client) == {"a": '1"', "b": '1"'}
    assert rows(client, WARNINGS) == [
        ("b", "Column 'wide': the engine has no type for decimal(50,3)"),
        ("shapes", "Column 'g': the engine has no type for geometry"),
    ]
    assert value(client, "SELECT wide FROM b WHERE id = 1") is not None
    shown = rows(client, "SHOW CREATE TABLE b")[0][1]
    assert "NOT NULL NOT SECONDARY DEFAULT '1.500' COMMENT 'it''s'" in shown


def test_the_session_is_as_it_was(client: Connection) -> None:
    run(client, "SET SESSION innodb_parallel_read_threads = 7")
    result_sets(client, ALL.format("NULL"))
    assert value(client, "SELECT @@innodb_parallel_read_threads") == 7


def test_what_is_loaded_is_not_loaded_again(client: Connection) -> None:
    result_sets(client, ALL.format("NULL"))
    report = blocks(client, ALL.format("NULL"))
    analysis = report["OFFLOAD ANALYSIS"][0][6]
    assert "2 table(s) are already loaded" in analysis
    assert "LOADING TABLE" not in report


def test_tables_and_columns_can_be_named(client: Connection) -> None:
    run(
        client,
        "CALL sys.heatwave_load(JSON_ARRAY(JSON_OBJECT('db_name', 'inner', 'tables',"
        " JSON_ARRAY(JSON_OBJECT('table_name', 'b', 'columns', JSON_ARRAY('id', 'n')))"
        ")), NULL)",
    )
    assert loaded(client) == {"a": '0"', "b": '1"'}
    secondary = rows(
        client,
        "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_NAME = 'b'"
        " AND TABLE_SCHEMA = 'inner' AND EXTRA LIKE '%NOT SECONDARY%' ORDER BY 1",
    )
    assert secondary == [("name",), ("wide",)]


def test_a_table_that_fails_does_not_stop_the_others(
    server: Server, client: Connection
) -> None:
    run(
        client,
        "DROP USER IF EXISTS partly",
        "CREATE USER partly IDENTIFIED BY 'p'",
        "GRANT SELECT ON `inner`.* TO partly",
        "GRANT ALTER, CREATE, INSERT ON `inner`.b TO partly",
        "GRANT EXECUTE, CREATE TEMPORARY TABLES ON sys.* TO partly",
    )
    try:
        with closing(server.connect(user="partly", password="p")) as other:
            report = blocks(other, ALL.format("NULL"))
            first, second = report["LOADING TABLE"]
            assert first[3] == "Table failed to load!"
            assert "ALTER command denied" in first[5]
            assert second[3] == "Table loaded successfully!"
            assert len(rows(other, ERRORS)) == 1
        assert loaded(client) == {"a": '0"', "b": '1"'}
    finally:
        run(client, "DROP USER partly")


UNLOADS = {
    "a schema": (
        "CALL sys.heatwave_unload(JSON_ARRAY('inner'), NULL)",
        {},
        ["a", "b"],
    ),
    "a table": (
        "CALL sys.heatwave_unload(JSON_ARRAY(JSON_OBJECT('db_name', 'inner', 'tables',"
        " JSON_ARRAY('a', 'shapes'))), NULL)",
        {"b": '1"'},
        ["a"],
    ),
    "all but a table": (
        "CALL sys.heatwave_unload(JSON_ARRAY('inner'), JSON_OBJECT('exclude_list',"
        " JSON_ARRAY('inner.a')))",
        {"a": '1"'},
        ["b"],
    ),
    "a dry run": (
        "CALL sys.heatwave_unload(JSON_ARRAY('inner'), JSON_OBJECT('mode', 'dryrun'))",
        {"a": '1"', "b": '1"'},
        ["a", "b"],
    ),
    "in silence": (
        "CALL sys.heatwave_unload(JSON_ARRAY('inner'),"
        " JSON_OBJECT('output', 'silent'))",
        {},
        ["a", "b"],
    ),
}


@pytest.mark.parametrize("case", UNLOADS)
def test_tables_are_unloaded_and_detached(client: Connection, case: str) -> None:
    result_sets(client, ALL.format("NULL"))
    call, left, unloaded = UNLOADS[case]
    report = blocks(client, call)
    assert loaded(client) == left
    assert [sql for (sql,) in rows(client, SCRIPT)] == [
        sql
        for table in unloaded
        for sql in (
            f"ALTER TABLE `inner`.`{table}` SECONDARY_UNLOAD;",
            f"ALTER TABLE `inner`.`{table}` SECONDARY_ENGINE=NULL;",
        )
    ]
    if case == "in silence":
        assert report == {}
    elif case == "a dry run":
        assert "UNLOAD SCRIPT GENERATION" in report
    else:
        assert len(report["UNLOADING TABLE"]) == len(unloaded)
        assert report["UNLOADING TABLE"][0][3] == "Table unloaded successfully!"


def test_all_that_is_loaded_can_be_loaded_again(client: Connection) -> None:
    result_sets(client, ALL.format("NULL"))
    report = blocks(client, "CALL sys.heatwave_reload(NULL)")
    lines = [block for block in report["RELOADING TABLE"] if "`inner`" in block[0]]
    assert [block[3] for block in lines] == ["Table reloaded successfully!"] * 2
    assert loaded(client) == {"a": '1"', "b": '1"'}


WRONG = {
    "CALL sys.heatwave_unload(JSON_ARRAY('inner'), JSON_OBJECT('mode', 'x'))": "mode",
    "CALL sys.heatwave_unload(JSON_ARRAY('inner'), JSON_OBJECT('policy', 1))": "policy",
    "CALL sys.heatwave_unload(JSON_ARRAY(), NULL)": "input_list",
    "CALL sys.heatwave_unload(JSON_ARRAY('inner'), JSON_ARRAY())": "options",
    "CALL sys.heatwave_reload(JSON_OBJECT('only_user_loaded_tables', 'x'))": (
        "only_user_loaded_tables"
    ),
}


@pytest.mark.parametrize("call", WRONG)
def test_wrong_arguments_are_explained(client: Connection, call: str) -> None:
    number, text = refusal(client, call)
    assert number == 3877
    assert WRONG[call] in text


@pytest.mark.parametrize(
    "call",
    [
        "CALL sys.heatwave_unload(JSON_ARRAY(), JSON_OBJECT('output', 'help'))",
        "CALL sys.heatwave_unload_all(JSON_OBJECT('output', 'help'))",
        "CALL sys.heatwave_reload(JSON_OBJECT('output', 'help'))",
    ],
)
def test_help_is_one_block(client: Connection, call: str) -> None:
    (title,) = blocks(client, call)
    assert title.endswith("HELP")
