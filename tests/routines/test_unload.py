"""heatwave_unload, heatwave_unload_all, heatwave_reload; what lists name wrongly."""

import json
from typing import Any

import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import refusal, result_sets, rows, run
from tests.routines.conftest import Connection
from tests.routines.test_load_modes import SCRIPT, asked, new, table

pytestmark = pytest.mark.mysql


def test_a_schema_is_unloaded_and_its_files_are_loaded_again(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    asked(client, new("t", table(store)))
    store.objects["people.csv"] = b"id,name,age\n5,ida,1\n"
    blocks = result_sets(client, "CALL sys.heatwave_reload(NULL)")
    lines = [line for block in blocks for line in block.lines]
    assert any(line.endswith("): `bay`.`t`") for line in lines)
    assert rows(client, "SELECT * FROM bay.t") == [(5, "ida", 1)]
    run(client, "CALL sys.heatwave_unload(JSON_ARRAY('bay'), NULL)")
    script = rows(client, SCRIPT.replace("Load", "Unload"))
    assert script == [("ALTER TABLE `bay`.`t` SECONDARY_UNLOAD;",)]
    assert refusal(client, "SELECT * FROM bay.t")[0] == 3877
    run(client, "ALTER TABLE bay.t SECONDARY_LOAD")
    assert rows(client, "SELECT * FROM bay.t") == [(5, "ida", 1)]


def told(client: Connection) -> list[tuple[Any, ...]]:
    return rows(client, "SHOW WARNINGS")


def test_what_a_reload_finds_wrong_is_told(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    asked(client, new("t", table(store)), sql_mode="")
    store.objects["people.csv"] = b"id,name,age\nx,ida,1\n"
    run(client, "SET sql_mode = ''", "CALL sys.heatwave_reload(NULL)")
    found = told(client)
    assert found[0][0] == "Warning"
    assert "Column 1 of row" in found[0][2]
    assert [number for _, number, _ in found[1:]] == [6434] * (len(found) - 1)
    logged = rows(
        client,
        "SELECT DISTINCT comp FROM sys.heatwave_autopilot_report WHERE type = 'warn'",
    )
    assert logged == [("AUTO_RELOAD",)]


def test_a_table_that_cannot_be_loaded_again_is_an_error_told_of_and_stays(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    asked(client, new("t", table(store)))
    before = rows(client, "SELECT * FROM bay.t ORDER BY id")
    del store.objects["people.csv"]
    run(client, "CALL sys.heatwave_reload(NULL)")
    (level, number, message), *_ = told(client)
    assert (level, number) == ("Error", 6068)
    assert "people.csv" in message
    assert rows(client, "SELECT * FROM bay.t ORDER BY id") == before


def test_a_schema_to_unload_that_is_not_there_is_said(
    client: Connection, bay: str
) -> None:
    blocks = result_sets(
        client, "CALL sys.heatwave_unload(JSON_ARRAY('bay', 'nowhere'), NULL)"
    )
    lines = [line for block in blocks for line in block.lines]
    (line,) = [line for line in lines if line.startswith("`nowhere`")]
    assert line.rstrip().endswith("Schema does not exist")


@pytest.mark.parametrize("routine", ["load", "unload"])
def test_what_is_left_out_and_is_not_there_is_warned_of(
    client: Connection, store: ObjectStore, bay: str, routine: str
) -> None:
    run(client, "CREATE TABLE bay.kept (k INT)", "CREATE TABLE bay.other (k INT)")
    scope = {"db_name": "bay", "exclude_tables": [{"table_name": "kept"}, "kpet"]}
    given = json.dumps({"exclude_list": ["bay.other", "bay.othre"]})
    listed = client.escape(json.dumps([scope]))
    call = f"CALL sys.heatwave_{routine}({listed}, {client.escape(given)})"
    lines = [line for block in result_sets(client, call) for line in block.lines]
    assert told(client) == [
        ("Warning", 1146, "Table 'bay.kpet' doesn't exist"),
        ("Warning", 3877, "exclude_list: 'bay.othre' is none of the call's tables"),
    ]
    assert "User excluded items: 4" in lines


def test_a_table_that_is_named_and_not_there_is_warned_of(
    client: Connection, bay: str
) -> None:
    asked(client, [{"db_name": "bay", "tables": ["gone"]}])
    assert told(client) == [("Warning", 1146, "Table 'bay.gone' doesn't exist")]


def test_an_existing_table_of_another_engine_is_warned_of(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    run(client, "CREATE TABLE bay.t (k INT)")
    asked(client, new("t", table(store)))
    text = "Non-empty existing table is not supported"
    assert told(client) == [("Warning", 3877, text)]


def test_columns_of_files_that_are_left_out_count_as_excluded(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    listed = new("t", table(store), exclude_columns=["age"])
    blocks = asked(client, listed, exclude_list=["bay.t.name"])
    assert "User excluded items: 2" in blocks["OFFLOAD ANALYSIS"]
    assert told(client) == []
    assert rows(client, SCRIPT)
