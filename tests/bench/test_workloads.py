"""The workloads have the queries that their specifications have, and rows for them."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from heatproxy.bench.workloads import Workload, clickbench, tpcds, tpch
from heatproxy.bench.workloads.texts import blocks


@pytest.mark.parametrize(
    ("workload", "tables", "queries"),
    [(tpch.TPCH, 8, 22), (tpch.SSB, 5, 13), (clickbench.ASCII, 1, 43)],
    ids=lambda value: getattr(value, "name", value),
)
def test_nothing_of_a_workload_is_left_out(
    workload: Workload, tables: int, queries: int
) -> None:
    assert len(workload.tables) == tables
    assert len(workload.queries) == queries
    for table, definition in workload.tables.items():
        assert definition.startswith(f"CREATE TABLE {table} (")
        assert "PRIMARY KEY" in definition


def test_a_block_is_named_by_the_line_above_it() -> None:
    text = "-- name: a\nSELECT 1,\n    2;\n-- name: b\nSELECT 3\n"
    assert blocks(text) == {"a": "SELECT 1,\n    2", "b": "SELECT 3"}


@pytest.mark.parametrize("workload", [clickbench.ASCII, clickbench.UNICODE])
def test_made_up_rows_are_the_same_every_time(
    workload: Workload, tmp_path: Path
) -> None:
    made = []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        workload.make(folder, 500)
        made.append(pq.read_table(folder / "hits.parquet"))
    assert made[0].equals(made[1])
    assert made[0].num_rows == 500
    keys = ("CounterID", "EventDate", "UserID", "EventTime", "WatchID")
    distinct = made[0].select(keys).group_by(list(keys)).aggregate([])
    assert distinct.num_rows == 500
    plain = all(map(str.isascii, made[0]["SearchPhrase"].to_pylist()))
    assert plain == (workload is clickbench.ASCII)


@pytest.mark.parametrize(
    ("theirs", "mysqls"),
    [
        ("ORDER BY a NULLS FIRST,\n b NULLS FIRST;", "ORDER BY a,\n b"),
        ('count(*) AS "order count"', "count(*) AS `order count`"),
        ("SUM (x), cast (y AS integer)", "SUM(x), cast(y AS SIGNED)"),
        ("cast((a/50) AS int) AS b", "cast((a/50) AS SIGNED) AS b"),
        (
            "SELECT SUBSTRING(w_name,1,20) w_substr,\n          *\n FROM w",
            "SELECT *, SUBSTRING(w_name,1,20) w_substr\n FROM w",
        ),
    ],
)
def test_queries_of_tpc_ds_are_respelled(theirs: str, mysqls: str) -> None:
    assert tpcds.respelled(theirs) == mysqls
