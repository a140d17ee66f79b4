"""EXPLAIN on loaded tables: who answers the query, and why it is not RAPID."""

import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.statements.conftest import Connection

pytestmark = pytest.mark.mysql

SCHEMA = "explained"
SUM = "SELECT a, COUNT(*) FROM t WHERE id > 2 GROUP BY a"


@pytest.fixture(scope="module")
def loaded(server: Server) -> Iterator[Server]:
    with closing(server.connect()) as admin:
        run(
            admin,
            f"DROP DATABASE IF EXISTS {SCHEMA}",
            f"CREATE DATABASE {SCHEMA}",
            f"USE {SCHEMA}",
            "CREATE TABLE t (id INT PRIMARY KEY, a INT, h INT NOT SECONDARY)"
            " SECONDARY_ENGINE=RAPID",
            "INSERT INTO t VALUES (1, 1, 1), (2, 1, 1), (3, 2, 1), (4, 2, 1)",
            "ALTER TABLE t SECONDARY_LOAD",
        )
        yield server
        run(admin, f"DROP DATABASE {SCHEMA}")


@pytest.fixture
def client(loaded: Server) -> Iterator[Connection]:
    with closing(loaded.connect(database=SCHEMA)) as connection:
        run(connection, "SET secondary_engine_cost_threshold = 0")
        yield connection


def test_a_traditional_plan_is_one_row(client: Connection) -> None:
    ((identity, kind, *rest, extra),) = rows(
        client, f"EXPLAIN FORMAT=TRADITIONAL {SUM}"
    )
    assert (identity, kind, set(rest)) == (1, "NONE", {None})
    assert extra.startswith("Using secondary engine RAPID.")
    ((level, number, text),) = rows(client, "SHOW WARNINGS")
    assert (level, number) == ("Note", 1003)
    assert "select" in text


def test_a_tree_reads_its_tables_in_rapid(client: Connection) -> None:
    plan = value(client, f"EXPLAIN FORMAT=TREE {SUM}")
    assert "Table scan on t in secondary engine RAPID" in plan
    ((level, number, text),) = rows(client, "SHOW WARNINGS")
    assert (level, number) == ("Note", 1003)
    assert text.startswith("Query is executed in secondary engine;")


@pytest.mark.parametrize(
    ("version", "key"), [(1, "using_secondary_engine"), (2, "secondary_engine")]
)
def test_json_names_the_engine(client: Connection, version: int, key: str) -> None:
    run(client, f"SET explain_json_format_version = {version}")
    plan = value(client, f"EXPLAIN FORMAT=JSON {SUM}")
    assert f'"{key}": "RAPID"' in json.dumps(json.loads(plan))


@pytest.mark.parametrize("engine", ["ON", "FORCED"])
def test_an_analysis_is_not_supported(client: Connection, engine: str) -> None:
    run(client, f"SET use_secondary_engine = {engine}")
    number, text = refusal(client, f"EXPLAIN ANALYZE {SUM}")
    assert (number, "EXPLAIN ANALYZE with secondary engine" in text) == (1235, True)
    assert "RAPID" in value(client, f"EXPLAIN FORMAT=TREE {SUM}")
    assert rows(client, "SELECT COUNT(*) FROM t") == [(4,)]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT MAX(h) FROM t", "NOT SECONDARY"),
        (
            f"SELECT /*+ SET_VAR(secondary_engine_cost_threshold=1e9) */{SUM[6:]}",
            "cost",
        ),
    ],
)
def test_a_note_says_why_it_is_not_rapid(
    client: Connection, loaded: Server, sql: str, words: str
) -> None:
    explain = f"EXPLAIN FORMAT=TREE {sql}"
    with closing(loaded.connect_backend(database=SCHEMA)) as past:
        assert rows(client, explain) == rows(past, explain)
    rows(client, explain)
    *_, (level, number, text) = rows(client, "SHOW WARNINGS")
    assert (level, number, words in text) == ("Note", 3877, True), text


def test_the_optimizer_trace_says_why(client: Connection) -> None:
    run(client, "SET optimizer_trace = 'enabled=on'", "SET optimizer_trace_offset = -2")
    traced = (
        "SELECT QUERY, TRACE->'$**.Rapid_Offload_Fails',"
        " TRACE->'$**.secondary_engine_not_used'"
        " FROM INFORMATION_SCHEMA.OPTIMIZER_TRACE"
    )
    run(client, "SELECT MAX(h) FROM t")
    ((_, fails, unused),) = rows(client, traced)
    assert "NOT SECONDARY" in json.loads(fails)[0]["Reason"]
    assert unused is None
    run(client, "SET secondary_engine_cost_threshold = 1e9", SUM)
    ((_, fails, unused),) = rows(client, traced)
    assert fails is None
    (reason,) = json.loads(unused)
    assert reason["threshold"] == 1e9
    assert reason["reason"].startswith("The estimated query cost does not exceed")
