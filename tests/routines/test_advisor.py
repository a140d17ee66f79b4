"""heatwave_advisor: its blocks, and the script that it leaves in sys."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from heatproxy.lakehouse.report import Block
from heatproxy.routines.advice import Advice, advised
from heatproxy.routines.advisor import OPTIONS
from tests.asking import refusal, result_sets, rows, run
from tests.conftest import Server
from tests.rapid.test_rpd_rows import QUERY, REFUSED, TABLE

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
ORDERS = replace(TABLE, last_queried=NOW - timedelta(hours=30))
FRESH = replace(TABLE, name="fresh", bytes=1 << 20, last_queried=NOW)
LARGE = replace(TABLE, schema="lake", name="large", bytes=1 << 30, queries=0)
HELD = [ORDERS, FRESH, LARGE]
UNLOAD = {"auto_unload": {"mode": "recommend"}}


def advice_of(options: dict[str, Any], history: Any = (QUERY, REFUSED)) -> Advice:
    return advised(OPTIONS.check(options), HELD, list(history), NOW)


def block(advice: Advice, title: str) -> Block:
    return next(one for one in advice.blocks if one.title == title)


def scripts(advice: Advice) -> list[str]:
    return [json.loads(one.log)["sql"] for one in advice.rows if one.type == "sql"]


def test_every_report_begins_with_what_is_loaded() -> None:
    advice = advice_of({"target_schema": ["shop"], "exclude_query": [1, 2]})
    first, second = advice.blocks[:2]
    assert first.title == "INITIALIZING HEATWAVE ADVISOR"
    assert first.rows[2:5] == (
        "Output Mode: normal",
        "Excluded Queries: 2",
        "Target Schemas: shop",
    )
    assert second.title == "ANALYZING LOADED DATA"
    assert second.rows[0] == "Total 2 tables loaded in HeatWave for 1 schemas"
    assert second.rows[-2].split() == ["`shop`", "2", "4"]


def test_queries_are_shown_with_their_times() -> None:
    advice = advice_of({"query_insights": True})
    lines = block(advice, "QUERY INSIGHTS").rows
    assert lines[0] == "Queries executed on Heatwave: 1"
    shown = next(line for line in lines if "SELECT COUNT(*)" in line)
    assert shown.split() == ["9", "31", "SELECT", "COUNT(*)", "FROM", "orders", "0.010"]
    (log,) = [json.loads(one.log) for one in advice.rows]
    assert (log["query_id"], log["runtime_executed_ms"]) == (9, 10.0)


LEFT_OUT = {
    "excluded": {"exclude_query": [9]},
    "of another session": {"query_session_id": [30]},
    "of another schema": {"target_schema": ["lake"]},
}


@pytest.mark.parametrize("options", LEFT_OUT.values(), ids=LEFT_OUT)
def test_queries_are_left_out(options: dict[str, Any]) -> None:
    lines = block(advice_of({"query_insights": True, **options}), "QUERY INSIGHTS").rows
    assert lines[0] == "Queries executed on Heatwave: 0"


def test_a_table_that_nobody_asked_for_may_be_unloaded() -> None:
    advice = advice_of(UNLOAD)
    assert scripts(advice) == [
        "ALTER TABLE `lake`.`large` SECONDARY_UNLOAD;",
        "ALTER TABLE `shop`.`orders` SECONDARY_UNLOAD;",
    ]
    lines = block(advice, "HEATWAVE UNLOAD ADVISOR").rows
    assert "NEVER QUERIED" in next(line for line in lines if "`large`" in line)
    orders = next(line for line in lines if "`orders`" in line)
    assert "LAST QUERIED ON '2026-03-04 06:00:00.000000'" in orders
    assert lines[-2] == "Storage consumed by base relations after unload: 1.00 MiB"


UNLOADS = {
    "ascending": ({"memory_gain_ascending": True}, ["orders", "large"]),
    "few": ({"limit_tables": 1}, ["large"]),
    "a longer while": ({"last_queried_hours": 48}, ["large"]),
    "without a schema": ({"exclude_list": ["shop"]}, ["large"]),
    "without a table": ({"exclude_list": ["lake.large"]}, ["orders"]),
    "no time at all": ({"last_queried_hours": 0}, ["large", "fresh", "orders"]),
}


@pytest.mark.parametrize(("options", "names"), UNLOADS.values(), ids=UNLOADS)
def test_the_choice_follows_the_options(
    options: dict[str, Any], names: list[str]
) -> None:
    advice = advice_of({"auto_unload": {"mode": "recommend", **options}})
    assert [sql.split("`")[3] for sql in scripts(advice)] == names


def test_no_table_is_unloaded_in_vain() -> None:
    advice = advice_of(
        {
            "auto_unload": {"mode": "recommend", "exclude_list": ["lake"]},
            "target_schema": ["lake"],
        }
    )
    lines = block(advice, "HEATWAVE UNLOAD ADVISOR").rows
    assert "No table is suggested to be unloaded." in lines
    assert scripts(advice) == []
    assert advice.blocks[-1].title == "HEATWAVE UNLOAD ADVISOR"


@pytest.mark.parametrize(
    ("options", "title", "words"),
    [
        ({}, "DATA PLACEMENT SUGGESTIONS", "No data placement suggestions."),
        (
            {"auto_enc": {"mode": "recommend"}},
            "ENCODING SUGGESTIONS",
            "Encodings are the engine's own choice; none is ever suggested.",
        ),
    ],
)
def test_advice_that_means_nothing_here_is_none(
    options: dict[str, Any], title: str, words: str
) -> None:
    advice = advice_of(options)
    assert words in block(advice, title).rows
    assert advice.rows == []


# --- by CALL --------------------------------------------------------------------------


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    with closing(server.connect()) as connection:
        yield connection


@pytest.mark.mysql
@pytest.mark.parametrize("options", ["NULL", "JSON_OBJECT()", "'{}'"])
def test_the_report_is_result_sets_of_one_column(client: Any, options: str) -> None:
    found = result_sets(client, f"CALL sys.heatwave_advisor({options})")
    assert [one.columns for one in found] == [
        ("INITIALIZING HEATWAVE ADVISOR",),
        ("ANALYZING LOADED DATA",),
        ("DATA PLACEMENT SUGGESTIONS",),
    ]
    assert all(one.lines[-1] == "" for one in found)


@pytest.mark.mysql
def test_a_silent_report_is_kept(client: Any) -> None:
    call = "CALL sys.HEATWAVE_ADVISOR(JSON_OBJECT('output', 'silent'))"
    assert result_sets(client, call) == []
    stages = rows(
        client,
        "SELECT comp, stage FROM sys.heatwave_autopilot_report ORDER BY id",
    )
    assert stages == [
        ("ADVISOR", "INITIALIZING_HEATWAVE_ADVISOR"),
        ("ADVISOR", "ANALYZING_LOADED_DATA"),
        ("ADVISOR", "DATA_PLACEMENT_SUGGESTIONS"),
    ]


@pytest.mark.mysql
def test_help_names_every_option(client: Any) -> None:
    (found,) = result_sets(client, 'CALL sys.heatwave_advisor(\'{"output": "help"}\')')
    text = "\n".join(found.lines)
    for name in OPTIONS.declared:
        assert f"  {name}: " in text
    assert "last_queried_hours: a number at least 0 (default 24)" in text


@pytest.mark.mysql
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ('{"outptu": 1}', "unknown option 'outptu'"),
        ('{"auto_unload": {"limit_tables": 0}}', "'limit_tables'"),
        ('{"auto_dp": 5}', "'auto_dp'"),
        ("[1]", "must be a JSON object"),
    ],
)
def test_a_wrong_option_is_named(client: Any, options: str, words: str) -> None:
    number, text = refusal(client, f"CALL sys.heatwave_advisor('{options}')")
    assert (number, words in text) == (3877, True), text


@pytest.mark.mysql
def test_it_is_for_those_who_may_read_performance_schema(
    client: Any, server: Server
) -> None:
    run(
        client,
        "DROP USER IF EXISTS curious",
        "CREATE USER curious IDENTIFIED BY 'pw'",
        "GRANT EXECUTE ON sys.* TO curious",
    )
    try:
        with closing(server.connect(user="curious", password="pw")) as curious:
            assert refusal(curious, "CALL sys.heatwave_advisor(NULL)")[0] == 1142
    finally:
        run(client, "DROP USER curious")
