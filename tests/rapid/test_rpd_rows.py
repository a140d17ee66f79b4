"""The rows that the rpd_ tables have, of tables, columns and queries made up here."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from heatproxy.rapid import rpd_rows
from heatproxy.rapid.history import Execution
from heatproxy.rapid.performance_schema import RPD_TABLES
from heatproxy.rapid.rpd_rows import ColumnStats, HeldTable, NodeFacts
from heatproxy.rapid.tables import LoadStatus

LOADED = datetime(2026, 3, 1, 12, 0, 0, 250, tzinfo=UTC)
TABLE = HeldTable(
    id=3,
    schema="shop",
    name="orders",
    engine_name="rapid.shop.orders#3",
    columns=("id", "note"),
    transactional=True,
    status=LoadStatus.AVAILABLE,
    version=7,
    scn=(9 << 40) + 157,
    rows=120,
    bytes=4096,
    progress=100.0,
    load_started=LOADED - timedelta(seconds=2),
    load_ended=LOADED,
    queries=5,
    last_queried=None,
)
FILES = replace(
    TABLE, id=4, name="events", engine_name="t_1", transactional=False, columns=("a",)
)
QUERY = Execution(
    query_id=9,
    connection_id=31,
    text="SELECT COUNT(*) FROM orders",
    started=datetime(2026, 3, 1, 13, 0, 0),
    translate_ms=1.5,
    wait_ms=0.5,
    run_ms=8.0,
    rows=1,
    scanned_bytes=2_000_000,
    tables=("shop.orders",),
    engine_sql="SELECT count(*)",
)
REFUSED = replace(QUERY, query_id=10, refusal="no rule for SOUNDEX", engine_sql=None)


def named(table: str, rows: list[rpd_rows.Row]) -> list[dict[str, object]]:
    """The rows with the names of the table's columns."""
    columns = list(RPD_TABLES[table].columns)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def test_a_table_of_innodb_and_one_of_files_are_of_different_pools() -> None:
    orders, events = named("rpd_tables", rpd_rows.tables_rows([TABLE, FILES]))
    assert (orders["POOL_TYPE"], events["POOL_TYPE"]) == ("TRANSACTIONAL", "SNAPSHOT")
    assert orders["LOAD_STATUS"] == "AVAIL_RPDGSTABSTATE"
    assert orders["NROWS"] == 120
    assert orders["SIZE_BYTES"] == 4096
    assert orders["QUERY_COUNT"] == 5
    assert orders["SNAPSHOT_SCN"] == orders["PERSISTED_SCN"] == (9 << 40) + 157
    assert orders["LAST_QUERIED"] is None
    assert orders["LOAD_END_TIMESTAMP"] == "2026-03-01 12:00:00.000250"


@pytest.mark.parametrize("status", LoadStatus)
def test_every_status_bears_heatwaves_name(status: LoadStatus) -> None:
    rows = rpd_rows.tables_rows([replace(TABLE, status=status)])
    (row,) = named("rpd_tables", rows)
    assert row["LOAD_STATUS"] == f"{status.value}_RPDGSTABSTATE"


def test_times_are_shown_in_utc() -> None:
    east = timezone(timedelta(hours=3))
    moved = replace(TABLE, last_queried=datetime(2026, 3, 1, 3, 0, tzinfo=east))
    (row,) = named("rpd_tables", rpd_rows.tables_rows([moved]))
    assert row["LAST_QUERIED"] == "2026-03-01 00:00:00.000000"


def test_ids_join_tables_and_columns() -> None:
    (table,) = named("rpd_table_id", rpd_rows.table_id_rows([TABLE]))
    assert table == {
        "ID": 3,
        "NAME": "shop.orders",
        "SCHEMA_NAME": "shop",
        "TABLE_NAME": "orders",
        "MATERIALIZATION_QUERY": None,
    }
    names = named("rpd_column_id", rpd_rows.column_id_rows([TABLE]))
    assert [(one["ID"], one["TABLE_ID"], one["COLUMN_NAME"]) for one in names] == [
        (0, 3, "id"),
        (1, 3, "note"),
    ]
    stats = {TABLE.engine_name: {"note": ColumnStats(17, 4.25)}}
    columns = named("rpd_columns", rpd_rows.columns_rows([TABLE], stats))
    assert [(one["COLUMN_ID"], one["NDV"]) for one in columns] == [(0, None), (1, 17)]
    (width,) = named("rpd_preload_stats", rpd_rows.preload_rows([TABLE], stats))
    assert list(width.values()) == ["shop", "orders", "note", 4.25]


def test_a_querys_times_are_where_heatwaves_manual_reads_them() -> None:
    (row,) = named("rpd_query_stats", rpd_rows.query_stats_rows([QUERY]))
    found = json.loads(str(row["QEXEC_TEXT"]))
    assert found == {
        "sessionId": 31,
        "thread": 31,
        "queryStartTime": "2026-03-01 13:00:00.000000",
        "queryEndTime": "2026-03-01 13:00:00.010000",
        "timeBetweenMakePushedJoinAndRpdExec": 2.0,
        "rpdExec": {"msec": 8.0},
        "getResults": {"msec": 0},
        "totalRunTime": 10.0,
        "totalBaseDataScanned": 2_000_000,
        "error": "",
    }
    assert json.loads(str(row["QKRN_TEXT"])) == {"sql": "SELECT count(*)"}
    assert row["INTERNAL_OFFLOAD_FAIL_TEXT"] is None


def test_a_refused_query_says_why_and_has_no_execution() -> None:
    rows = named("rpd_query_stats", rpd_rows.query_stats_rows([QUERY, REFUSED]))
    assert [one["INTERNAL_OFFLOAD_FAIL_TEXT"] for one in rows] == [
        None,
        "no rule for SOUNDEX",
    ]
    assert json.loads(str(rows[1]["QEXEC_TEXT"]))["error"] == "no rule for SOUNDEX"
    (ran,) = named("rpd_exec_stats", rpd_rows.exec_stats_rows([QUERY, REFUSED]))
    assert ran["QUERY_ID"] == 9
    assert json.loads(str(ran["EXEC_TEXT"]))["rpdExec"] == {"msec": 8.0}


def test_a_long_text_is_cut() -> None:
    rows = rpd_rows.query_stats_rows([replace(QUERY, text="x" * 100_000)])
    (row,) = named("rpd_query_stats", rows)
    assert len(str(row["QUERY_TEXT"])) == rpd_rows.TEXT_CHARACTERS


def test_there_is_one_node() -> None:
    facts = NodeFacts(4, 1000, 5000, 800, is_learning=True, learning_bytes=0)
    (row,) = named("rpd_nodes", rpd_rows.nodes_rows(facts))
    assert (row["ID"], row["CORES"], row["STATUS"]) == (0, 4, "AVAIL_RNSTATE")
    assert (row["MEMORY_USAGE"], row["MEMORY_TOTAL"]) == (1000, 5000)
    assert row["BASEREL_MEMORY_USAGE"] == 800
    assert row["ML_MEMORY_STATE"] == "ACTIVE"
