"""Case files are read as they are meant."""

from pathlib import Path

from heatproxy.bench.differential import Case, of_queries, read

FILE = """-- After "-- CASES" there is one query a line.
-- SETUP
CREATE TABLE t (id INT);
SET SESSION sql_mode='';
-- CASES
-- name: plain
SELECT id FROM t
-- name: set_before
-- session: SET @x = 5; SET time_zone='+02:00'
SELECT @x
-- name: after
SELECT 1
"""


def test_a_case_has_its_name_and_its_session(tmp_path: Path) -> None:
    file = tmp_path / "cases.sql"
    file.write_text(FILE)
    script, cases = read(file)
    assert script == "CREATE TABLE t (id INT);\nSET SESSION sql_mode='';"
    assert cases == [
        Case("plain", "SELECT id FROM t"),
        Case("set_before", "SELECT @x", ("SET @x = 5", "SET time_zone='+02:00'")),
        Case("after", "SELECT 1"),
    ]


def test_a_workload_is_cases_too() -> None:
    assert of_queries({"q1": "SELECT 1"}) == [Case("q1", "SELECT 1")]
