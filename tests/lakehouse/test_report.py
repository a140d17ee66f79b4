"""The printed report, compared with what public labs show."""
# ruff: noqa: E501  (lines as they are printed)

import json

import pytest

from heatproxy.lakehouse import quantities, report
from heatproxy.lakehouse.autopilot import ReportRows
from heatproxy.lakehouse.report import (
    InferredTable,
    SchemaEstimate,
    SchemaOutcome,
    TableOutcome,
)


def test_block_1_is_the_head() -> None:
    block = report.initializing("normal", "disable_unsupported_columns", "normal")
    assert block.title == "INITIALIZING HEATWAVE AUTO PARALLEL LOAD"
    assert block.rows[1:] == (
        "",
        "Load Mode: normal",
        "Load Policy: disable_unsupported_columns",
        "Output Mode: normal",
        "",
    )
    assert block.rows[0].startswith("Version: ")


def test_block_2_lists_the_external_tables() -> None:
    block = report.schema_inference(
        [
            InferredTable(
                "tpch", "part", True, issues="Non-empty existing table is not supported"
            ),
            InferredTable("tpch", "orders", False, 2_458_868_777, 8, 15_010_000),
        ],
        0,
    )
    assert block.rows == (
        "Verifying external lakehouse tables: 2",
        "",
        "SCHEMA                   TABLE                    TABLE IS           RAW     NUM. OF      ESTIMATED     SUMMARY OF                               ",
        "NAME                     NAME                     CREATED      FILE SIZE     COLUMNS      ROW COUNT     ISSUES                                   ",
        "------                   -----                    --------     ---------     -------      ---------     ----------                               ",
        "`tpch`                   `orders`                 NO            2.29 GiB           8        15.01 M                                              ",
        "`tpch`                   `part`                   YES                  -           -              -     Non-empty existing table is not supported",
        "",
        "New schemas to be created: 0",
        "External lakehouse tables to be created: 1",
        "",
    )


def test_block_3_counts_what_can_be_loaded() -> None:
    block = report.offload_analysis([SchemaEstimate("airportdb", 15, 119)], 0)
    assert block.rows == (
        "Verifying input schemas: 1",
        "User excluded items: 0",
        "",
        "SCHEMA                       OFFLOADABLE    OFFLOADABLE     SUMMARY OF",
        "NAME                              TABLES        COLUMNS     ISSUES    ",
        "------                       -----------    -----------     ----------",
        "`airportdb`                           15            119               ",
        "",
        "Total offloadable schemas: 1",
        "",
    )


def test_block_4_estimates_memory_and_time() -> None:
    estimate = SchemaEstimate(
        "airportdb", 15, 119, "", 1_385_126_953, 62_914_560, 40, 0, 17.0
    )
    block = report.capacity_estimation([estimate])
    assert block.rows[3:8] == (
        "                               TOTAL       ESTIMATED       ESTIMATED       TOTAL     DICTIONARY      VARLEN       ESTIMATED",
        "SCHEMA                   OFFLOADABLE   HEATWAVE NODE      MYSQL NODE      STRING        ENCODED     ENCODED            LOAD",
        "NAME                          TABLES       FOOTPRINT       FOOTPRINT     COLUMNS        COLUMNS     COLUMNS            TIME",
        "------                   -----------       ---------       ---------     -------     ----------     -------       ---------",
        "`airportdb`                       15        1.29 GiB       60.00 MiB          40              0          40         17.00 s",
    )
    assert len(block.rows) == 12


def test_block_5_says_how_to_get_the_script() -> None:
    dry = report.script_generation(16, 14.0)
    assert dry.title == "LOAD SCRIPT GENERATION"
    assert len(dry.rows) == 11
    assert dry.rows[3] == (
        "Retrieve load script containing 16 generated DDL commands using the query"
        " below:"
    )
    run = report.executing_load(16, 8, 32, "STRICT_TRANS_TABLES", 1093.2)
    assert len(run.rows) == 14
    assert run.rows[1] == (
        "  Retrieve load script containing 16 generated DDL command(s) using the query"
        " below:"
    )
    assert run.rows[8] == "Using SQL_MODE: STRICT_TRANS_TABLES"
    assert run.rows[10] == "Proceeding to load 8 table(s) into HeatWave."
    assert run.rows[12] == "Applying changes will take approximately 18.22 min"


def test_block_6_tells_how_a_table_fared() -> None:
    good = TableOutcome("db", "t", 2, 2, columns=8, elapsed_s=65.4)
    assert report.loading_table(1, 8, good).rows == (
        "TABLE (1 of 8): `db`.`t`",
        "Commands executed successfully: 2 of 2",
        "Warnings encountered: 0",
        "Table loaded successfully!",
        "  Total columns loaded: 8",
        "  Elapsed time: 1.09 min",
        "",
    )
    command = "ALTER TABLE `db`.`t` SECONDARY_LOAD;"
    bad = TableOutcome("db", "t", 2, 1, failed=command, error="E", elapsed_s=0.1)
    assert report.loading_table(1, 8, bad).rows[3:] == (
        "Table failed to load!",
        '  Command failed: "ALTER TABLE `db`.`t` SECONDARY_LOAD;"',
        "    Error: E",
        "  Elapsed time: 100.00 ms",
        "",
    )
    inno = TableOutcome("db", "t", 3, 3, columns=1, threads=1)
    assert "  Table loaded using 1 thread(s)" in report.loading_table(1, 1, inno).rows


def test_block_7_sums_up() -> None:
    block = report.load_summary([SchemaOutcome("tpch", 7, 1, 52, 1093.8)])
    assert block.rows == (
        "",
        "SCHEMA                          TABLES       TABLES      COLUMNS         LOAD",
        "NAME                            LOADED       FAILED       LOADED     DURATION",
        "------                          ------       ------      -------     --------",
        "`tpch`                               7            1           52    18.23 min",
        "",
    )


@pytest.mark.parametrize(
    ("shown", "value"),
    [
        ("0 bytes", 0),
        ("389 bytes", 389),
        ("1023 bytes", 1023),
        ("2.17 KiB", 2222),
        ("136.25 MiB", 142_868_480),
        ("74.11 GiB", 79_575_000_000),
        ("1.00 MiB", 1_048_575),
    ],
)
def test_a_size_is_spelt(shown: str, value: int) -> None:
    assert quantities.size_text(value) == shown


@pytest.mark.parametrize(
    ("shown", "value"),
    [("25", 25), ("405.18 K", 405_184), ("15.01 M", 15_010_000), ("1 M", 999_999)],
)
def test_a_count_is_spelt(shown: str, value: int) -> None:
    assert quantities.count_text(value) == shown


@pytest.mark.parametrize(
    ("shown", "value"),
    [("101.14 ms", 0.10114), ("6.13 s", 6.13), ("17.00 s", 17), ("18.23 min", 1093.8),
     ("1.00 min", 59.999), ("1.00 s", 0.999999)],
)  # fmt: skip
def test_a_duration_is_spelt(shown: str, value: float) -> None:
    assert quantities.duration_text(value) == shown


def test_every_block_but_help_ends_with_an_empty_row() -> None:
    assert report.help_text().rows[-1] == ""
    assert report.load_summary([]).rows[-1] == ""


def test_report_rows_answer_the_queries_of_the_labs() -> None:
    rows = ReportRows()
    rows.sql("CREATE DATABASE `d`;")
    rows.warn("d", "t", 6095, "Skipped")
    rows.error("d", "t", 6098, "bad")
    rows.table_summary(TableOutcome("d", "t", 2, 2, columns=3))
    found = list(rows)
    assert [row.id for row in found] == [1, 2, 3, 4]
    assert [row.type for row in found] == ["sql", "warn", "error", "info"]
    assert json.loads(found[0].log)["sql"] == "CREATE DATABASE `d`;"
    assert json.loads(found[2].log)["condition_no"] == 6098
    assert json.loads(found[3].log)["type"] == "table_summary"
    assert (found[3].comp, found[3].stage) == ("AUTO_LOAD", "EXECUTE")
