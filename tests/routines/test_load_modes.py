"""sys.heatwave_load: validation, refreshing, columns left out, warnings, its script."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from heatproxy.lakehouse.catalogue import LH
from heatproxy.objectstore import ObjectStore
from tests.asking import refusal, result_sets, rows, run, value
from tests.lakeside import CSV, external, load
from tests.routines.conftest import Connection

pytestmark = pytest.mark.mysql

SCRIPT = (
    'SELECT log->>"$.sql" AS "Load Script" FROM sys.heatwave_autopilot_report'
    ' WHERE type = "sql" ORDER BY id'
)


def asked(
    connection: Connection, listed: list[Any], **options: Any
) -> dict[str, list[str]]:
    """Load what an input_list names; the lines of each block."""
    given = ", ".join(connection.escape(json.dumps(one)) for one in (listed, options))
    found: dict[str, list[str]] = {}
    for block in result_sets(connection, f"CALL sys.heatwave_load({given})"):
        found.setdefault(block.columns[0], []).extend(block.lines)
    return found


def table(
    store: ObjectStore, file: str = "people.csv", dialect: Mapping[str, Any] = CSV
) -> dict[str, Any]:
    """An engine_attribute."""
    return {"dialect": dict(dialect), "file": [{"par": store.url(file)}]}


def new(name: str, attribute: Mapping[str, Any], **keys: Any) -> list[Any]:
    """An input_list of one new table of ``bay``."""
    listed = {"table_name": name, "engine_attribute": dict(attribute), **keys}
    return [{"db_name": "bay", "tables": [listed]}]


def made(client: Connection, store: ObjectStore, columns: str, file: str) -> None:
    """A table by hand, empty."""
    text = json.dumps(table(store, file))
    run(
        client,
        f"CREATE TABLE bay.t ({columns}) ENGINE=LAKEHOUSE SECONDARY_ENGINE=RAPID"
        f" ENGINE_ATTRIBUTE={client.escape(text)}",
    )


# --- validation ---------------------------------------------------------------------


def test_validation_of_new_tables_reads_all_and_makes_nothing(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    blocks = asked(client, new("t", table(store)), mode="validation")
    assert list(blocks)[4:] == [
        *("VALIDATING LOAD", "VALIDATING TABLE", "VALIDATION SUMMARY")
    ]
    lines = blocks["VALIDATING TABLE"]
    assert lines[:4] == [
        "TABLE (1 of 1): `bay`.`t`",
        "Warnings encountered: 0",
        "Table validated successfully!",
        "  Total rows validated: 2",
    ]
    assert rows(client, "SHOW TABLES FROM bay") == []
    assert rows(client, SCRIPT) == []


def test_validation_of_a_table_that_is_there_says_what_would_fail(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    made(client, store, "id int, name varchar(2), age int", "people.csv")
    blocks = asked(client, ["bay"], mode="validation")
    lines = blocks["VALIDATING TABLE"]
    assert lines[2] == "Table failed validation!"
    assert lines[3].startswith(
        "    Error: Column 2 in row starting at {object: people.csv in namespace:"
        " heatproxy, bucket: demo}:12: String is too long."
    )
    lenient = asked(client, ["bay"], mode="validation", sql_mode="")
    assert lenient["VALIDATING TABLE"][1] == "Warnings encountered: 2"
    assert [row[1] for row in rows(client, "SHOW WARNINGS")] == [6057, 6057, 6434, 6434]
    assert refusal(client, "SELECT * FROM bay.t")[0] == 3877  # nothing was loaded


def test_a_loaded_table_can_be_validated_but_not_made_again(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    asked(client, new("t", table(store)))
    again = asked(client, new("t", table(store)), mode="validation")
    assert again["VALIDATING TABLE"][2] == "Table validated successfully!"
    assert value(client, "SELECT COUNT(*) FROM bay.t") == 2
    refused = asked(client, new("t", table(store)))
    assert any("1 table(s) are not loadable" in k for k in refused["OFFLOAD ANALYSIS"])


# --- tables that are there ----------------------------------------------------------


def test_a_table_made_by_hand_is_loaded_with_its_schema(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    made(client, store, "id int, name varchar(9), age int", "people.csv")
    blocks = asked(client, ["bay"])
    assert "Commands executed successfully: 1 of 1" in blocks["LOADING TABLE"]
    assert [line for (line,) in rows(client, SCRIPT)] == [
        "ALTER TABLE `bay`.`t` SECONDARY_LOAD;"
    ]
    assert rows(client, "SELECT * FROM bay.t") == [(1, "ann", 30), (2, "bob", 41)]
    again = asked(client, ["bay"])
    assert "1 table(s) are already loaded" in again["OFFLOAD ANALYSIS"][6]
    assert "Proceeding to load 0 table(s) into HeatWave." in again["EXECUTING LOAD"]


def test_a_table_that_is_there_gets_its_files_by_a_load(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    made(client, store, "id bigint, name varchar(2), born tinyint", "none.csv")
    store.objects["born.csv"] = b"id,name,born\n1,ann,30\n2,bob,1941\n"
    blocks = asked(client, new("t", table(store, "born.csv")))
    (line,) = [
        line for line in blocks["LAKEHOUSE AUTO SCHEMA INFERENCE"] if "`t`" in line
    ]
    assert " YES " in line
    assert "Commands executed successfully: 2 of 2" in blocks["LOADING TABLE"]
    assert rows(client, "SELECT * FROM bay.t") == [(1, "ann", 30), (2, "bob", 1941)]
    types = [row[1] for row in rows(client, "SHOW COLUMNS FROM bay.t")]
    assert types == ["bigint", "varchar(3)", "mediumint"]
    assert "born.csv" in rows(client, "SHOW CREATE TABLE bay.t")[0][1]
    altered, loaded = (text for (text,) in rows(client, SCRIPT))
    assert altered.startswith("ALTER TABLE `bay`.`t` ENGINE_ATTRIBUTE='{")
    assert "MODIFY `name` varchar(3) DEFAULT NULL" in altered
    run(client, "ALTER TABLE bay.t SECONDARY_UNLOAD", altered, loaded)
    assert rows(client, "SELECT SUM(born) FROM bay.t") == [(1971,)]
    again = asked(client, new("t", table(store)))
    assert any(
        "Non-empty existing table is not supported" in line
        for line in again["LAKEHOUSE AUTO SCHEMA INFERENCE"]
    )


def test_a_column_of_another_kind_is_left_out_if_the_policy_says_so(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    made(client, store, "id int, name date, age tinyint", "people.csv")
    blocks = asked(client, ["bay"], policy="not_disable_unsupported_columns")
    assert "Table failed to load!" in blocks["LOADING TABLE"]
    blocks = asked(client, ["bay"])
    assert "Table loaded successfully!" in blocks["LOADING TABLE"]
    assert "  Total columns loaded: 2" in blocks["LOADING TABLE"]
    assert rows(client, "SELECT id, age FROM bay.t") == [(1, 30), (2, 41)]
    extra = "SELECT EXTRA FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'bay'"
    assert ("NOT SECONDARY",) in rows(client, extra)
    said = (
        'SELECT log->>"$.error" FROM sys.heatwave_autopilot_report WHERE type="error"'
    )
    assert "its values are not of type date" in rows(client, said)[0][0]


def test_columns_of_a_table_that_is_there_may_be_left_out(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    made(client, store, "id int, name varchar(9), age int", "people.csv")
    listed = [{"table_name": "t", "exclude_columns": ["name"]}]
    blocks = asked(client, [{"db_name": "bay", "tables": listed}])
    assert "  Total columns loaded: 2" in blocks["LOADING TABLE"]
    assert rows(client, "SELECT age FROM bay.t") == [(30,), (41,)]
    assert (
        "ALTER TABLE `bay`.`t` MODIFY `name` varchar(9) DEFAULT NULL NOT SECONDARY;"
        in (text for (text,) in rows(client, SCRIPT))
    )


def test_refreshing_reads_the_files_anew(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    asked(client, new("t", table(store)))
    store.objects["people.csv"] = b"id,name,age\n3,eve,7\n"
    listed = [{"db_name": "bay", "tables": [{"table_name": "t"}]}]
    blocks = asked(client, listed, refresh_external_tables=True)
    assert "Table loaded successfully!" in blocks["LOADING TABLE"]
    assert rows(client, "SELECT * FROM bay.t") == [(3, "eve", 7)]


def test_what_cannot_be_refreshed_keeps_its_rows(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    asked(client, new("t", table(store)))
    store.objects["people.csv"] = b"id,name,age\n4,gus,x\n"
    blocks = asked(client, ["bay"], refresh_external_tables=True)
    assert "Table failed to load!" in blocks["LOADING TABLE"]
    assert value(client, "SELECT COUNT(*) FROM bay.t") == 2


def test_what_is_named_and_is_not_there_is_said(client: Connection, bay: str) -> None:
    listed = [{"db_name": "bay", "tables": ["gone"]}, "no_such_schema"]
    blocks = asked(client, listed)
    lines = blocks["OFFLOAD ANALYSIS"]
    assert lines[6].endswith("1 table(s) are not loadable")
    assert lines[7].rstrip().endswith("Schema does not exist")
    assert rows(client, "SHOW DATABASES LIKE 'no_such_schema'") == []


# --- columns ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "keys", [{"columns": ["id", "AGE"]}, {"exclude_columns": ["name"]}]
)
def test_columns_that_are_left_out_are_not_secondary(
    client: Connection, store: ObjectStore, bay: str, keys: dict[str, Any]
) -> None:
    blocks = asked(client, new("t", table(store), **keys))
    assert "  Total columns loaded: 2" in blocks["LOADING TABLE"]
    assert rows(client, "SELECT id, age FROM bay.t") == [(1, 30), (2, 41)]
    extra = "SELECT EXTRA FROM information_schema.COLUMNS WHERE TABLE_NAME = 't'"
    found = rows(client, f"{extra} AND TABLE_SCHEMA = 'bay' ORDER BY ORDINAL_POSITION")
    assert found == [("",), ("NOT SECONDARY",), ("",)]
    number, _ = refusal(client, "SELECT name FROM bay.t")
    assert number in (1235, 3877, 3889)


def test_a_column_of_exclude_list_is_not_secondary(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    for listed in (new("t", table(store)), ["bay"]):  # a new one, one that is there
        asked(client, listed, exclude_list=["bay.t.age"])
        ((_, text),) = rows(client, "SHOW CREATE TABLE bay.t")
        assert "`age` tinyint unsigned NOT NULL NOT SECONDARY" in text
        assert value(client, "SELECT SUM(id) FROM bay.t") == 3
        run(client, "DROP TABLE bay.t")
        made(
            client,
            store,
            "id int, name text, age tinyint unsigned NOT NULL",
            "people.csv",
        )


@pytest.mark.parametrize("schema", ["mysql", "sys", "INFORMATION_SCHEMA"])
def test_mysqls_own_tables_are_not_loaded(client: Connection, schema: str) -> None:
    call = (
        f"CALL sys.heatwave_load(JSON_ARRAY('{schema}'), JSON_OBJECT('mode', 'dryrun'))"
    )
    number, text = refusal(client, call)
    assert number == 3877
    assert f"'{schema}' are MySQL's own" in text


def test_a_column_that_no_file_has_cannot_be_left_out(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    blocks = asked(client, new("t", table(store), exclude_columns=["size"]))
    lines = blocks["LAKEHOUSE AUTO SCHEMA INFERENCE"]
    assert any("Unknown column 'size'" in line for line in lines)
    assert rows(client, "SHOW TABLES FROM bay") == []


def test_columns_are_matched_by_their_names(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    store.objects["more.csv"] = b"Age,extra,id\n9,x,3\n"
    attribute = table(store) | {
        "file": [{"par": store.url(name)} for name in ("people.csv", "more.csv")],
        "match_columns_by": "name_case_insensitive",
        "allow_missing_columns": True,
    }
    asked(client, new("t", attribute))
    expected = [(1, "ann", 30), (2, "bob", 41), (3, None, 9)]
    assert rows(client, "SELECT * FROM bay.t ORDER BY id") == expected
    run(client, "ALTER TABLE bay.t SECONDARY_LOAD")  # by what the table remembers
    assert rows(client, "SELECT * FROM bay.t ORDER BY id") == expected
    strictly = attribute | {"allow_missing_columns": False}
    blocks = asked(client, new("u", strictly))
    lines = blocks["LAKEHOUSE AUTO SCHEMA INFERENCE"]
    assert any("Column name is not present" in line for line in lines)


# --- warnings -----------------------------------------------------------------------


def test_warnings_of_a_load_are_shown_after_the_call(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    store.objects["wide.csv"] = b"a,b\n1,x\n2,y,z\n3\n"
    load(client, bay, {"t": external(store.url("wide.csv"))}, sql_mode="")
    where = "{object: wide.csv in namespace: heatproxy, bucket: demo}"
    found = rows(client, "SHOW WARNINGS")
    width = "Mismatch in the number of columns. Expected 2, found"
    assert [row[:2] for row in found] == [
        *(("Warning", 6062), ("Warning", 6062), ("Warning", 6042)),
        *([("Warning", 6434)] * 3),
    ]
    assert found[0][2] == f"row starting at {where}:8: {width} 3."
    assert found[1][2] == f"row starting at {where}:14: {width} 1."
    assert found[3][2] == (
        "[WARNINGS SUMMARY] Lakehouse Load had 3 warning(s) out of which 0 were not"
        " recorded (due to max_error_count limit or filtering rules)"
    )
    assert found[4][2] == (
        "[WARNINGS SUMMARY] 1 warnings with code:"
        " 6042(ER_LH_WARN_COL_MISSING_NOT_NULLABLE)"
    )
    assert value(client, "SELECT COUNT(*) FROM bay.t") == 3


def test_a_sql_mode_that_is_none_is_mysqls_error_and_the_sessions_stays(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    before = value(client, "SELECT @@sql_mode")
    call = "CALL sys.heatwave_load('[\"bay\"]', JSON_OBJECT('sql_mode', 'NONSENSE'))"
    assert refusal(client, call)[0] == 1231
    asked(client, new("t", table(store)), sql_mode="ANSI_QUOTES,NO_BACKSLASH_ESCAPES")
    assert value(client, "SELECT @@sql_mode") == before
    assert value(client, "SELECT COUNT(*) FROM bay.t") == 2


# --- the script ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "dialect", "keys"),
    [
        ("id,name\n1,ann\n2,\n", CSV, {}),
        ("1|a'b\\\\|\n2|\\||\n", {"escape_character": "\\"}, {}),
        ("'it''s',2024-01-31\r\n\"q,0001-01-01\r\n", {"quotation_marks": "'"}, {}),
        ("id,größe\n1,ä\n", CSV, {"exclude_columns": ["id"]}),
        (
            "a\tb\n1.50\t12:00:00\n",
            {"field_delimiter": "\t", "record_delimiter": "\n", "has_header": True},
            {},
        ),
    ],
    ids=["plain", "backslashes", "quotes", "left-out", "tabs"],
)
def test_the_script_run_by_hand_gives_the_same_table(
    client: Connection,
    store: ObjectStore,
    bay: str,
    content: str,
    dialect: dict[str, Any],
    keys: dict[str, Any],
) -> None:
    store.objects["script.csv"] = content.encode()
    columns = "größe" if keys else "*"
    asked(client, new("t", table(store, "script.csv", dialect), **keys))
    script = [line for (line,) in rows(client, SCRIPT)]
    assert len(script) == 2
    query = f"SELECT {columns} FROM bay.t"
    before = [result_sets(client, sql) for sql in ("SHOW CREATE TABLE bay.t", query)]
    run(client, "DROP TABLE bay.t", *script)
    after = [result_sets(client, sql) for sql in ("SHOW CREATE TABLE bay.t", query)]
    assert after == before


def test_every_condition_has_mysqls_number_and_name(client: Connection) -> None:
    known = {
        int(number): name
        for number, name in rows(
            client,
            "SELECT ERROR_NUMBER, ERROR_NAME FROM"
            " performance_schema.events_errors_summary_global_by_error"
            " WHERE ERROR_NAME LIKE 'ER_LH%'",
        )
    }
    ours = {int(one): f"ER_LH_{one.name}" for one in LH if int(one) in known}
    assert ours == {number: known[number] for number in ours}
    assert len(ours) == len(LH) or max(known) < 6500


def test_columns_that_a_sample_has_wrong_are_inferred_from_everything(
    client: Connection, store: ObjectStore, bay: str
) -> None:
    # over 16 MB of records whose quotes keep all but the first from being sampled
    lines = b'7,"' + b"x" * 2000 + b'"\n'
    store.objects["much.csv"] = b"k,w\n" + lines * 8500 + b'70000,"y"\n'
    blocks = asked(client, new("t", table(store, "much.csv")))
    assert "Table loaded successfully!" in blocks["LOADING TABLE"]
    assert rows(client, "DESCRIBE bay.t")[0][1] == "mediumint unsigned"
    found = rows(client, "SELECT COUNT(*), MAX(k), MIN(LENGTH(w)) FROM bay.t")
    assert found == [(8501, 70000, 1)]
    create = rows(client, SCRIPT)[0][0]
    assert "`k` mediumint unsigned NOT NULL" in create
    store.objects["much.csv"] += b"7,8,9\n"
    blocks = asked(client, new("u", table(store, "much.csv")), sql_mode="")
    assert "Warnings encountered: 1" in blocks["LOADING TABLE"]
    assert value(client, "SELECT COUNT(*) FROM bay.u") == 8502
    assert rows(client, "SHOW TABLES FROM bay") == [("t",), ("u",)]
