"""sys.heatwave_load: what it makes, what it says, and what it leaves when it fails."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import columns_of, refusal, result_sets, rows, run, value
from tests.conftest import Server
from tests.lakeside import CSV, external, load
from tests.routines.conftest import Connection

pytestmark = pytest.mark.mysql

GOOD = b"a,b\n1,x\n2,y\n"
BAD = b"a,b\n1,x\n2,y,z,w\n"
SCRIPT = (
    'SELECT log->>"$.sql" AS "Load Script" FROM sys.heatwave_autopilot_report'
    ' WHERE type = "sql" ORDER BY id'
)


@pytest.fixture
def shore(client: Connection, store: ObjectStore) -> Iterator[str]:
    """An empty schema, and files in the object store."""
    store.objects |= {"good.csv": GOOD, "bad.csv": BAD, "empty.csv": b""}
    run(client, "DROP DATABASE IF EXISTS shore", "CREATE DATABASE shore")
    yield "shore"
    run(client, "DROP DATABASE IF EXISTS shore")


def blocks_of(
    connection: Connection, schema: str, tables: dict[str, Any], **options: Any
) -> dict[str, list[str]]:
    """The lines of each block; those of LOADING TABLE one after the other."""
    found: dict[str, list[str]] = {}
    for block in load(connection, schema, tables, **options):
        found.setdefault(block.columns[0], []).extend(block.lines)
    return found


# --- tables that load and tables that do not ----------------------------------------


def test_a_table_that_cannot_be_loaded_does_not_stop_the_others(
    client: Connection, store: ObjectStore, shore: str
) -> None:
    blocks = blocks_of(
        client,
        shore,
        {
            "zz": external(store.url("good.csv")),
            "bad": external(store.url("bad.csv")),
            "gone": external(store.url("no-such.csv")),
            "void": external(store.url("empty.csv")),
        },
    )
    loading = blocks["LOADING TABLE"]
    assert [line for line in loading if line.startswith("TABLE (")] == [
        "TABLE (1 of 2): `shore`.`bad`",
        "TABLE (2 of 2): `shore`.`zz`",
    ]
    assert loading[1:6] == [
        "Commands executed successfully: 1 of 2",
        "Warnings encountered: 0",
        "Table failed to load!",
        '  Command failed: "ALTER TABLE `shore`.`bad` SECONDARY_LOAD;"',
        "    Error: row starting at {object: bad.csv in namespace: heatproxy, bucket:"
        " demo}:8: Mismatch in the number of columns. Expected 2, found 4.",
    ]
    assert "Table loaded successfully!" in loading
    issues = {
        cells[1].strip("`"): cells[-1]
        for line in blocks["LAKEHOUSE AUTO SCHEMA INFERENCE"]
        if line.startswith("`") and (cells := re.split(" {2,}", line.rstrip()))
    }
    assert issues["void"] == "No valid data found for processing."
    assert issues["gone"].startswith("No files found corresponding to the following")
    assert "/p/.../" in issues["gone"]  # the token of a PAR is a secret
    summary = blocks["LOAD SUMMARY"][4].split()
    assert summary[:4] == ["`shore`", "1", "1", "2"]
    assert rows(client, "SHOW TABLES FROM shore") == [("zz",)]
    assert rows(client, "SELECT * FROM shore.zz") == [(1, "x"), (2, "y")]


def test_what_failed_is_in_the_report_table(
    client: Connection, store: ObjectStore, shore: str
) -> None:
    tables = {"good": "good.csv", "bad": "bad.csv", "void": "empty.csv"}
    load(client, shore, {n: external(store.url(f)) for n, f in tables.items()})
    errors = rows(
        client, 'SELECT log FROM sys.heatwave_autopilot_report WHERE type="error"'
    )
    logs = [json.loads(log) for (log,) in errors]
    assert {(log["table_name"], log["schema_name"]) for log in logs} == {
        ("bad", "shore"),
        ("void", "shore"),
    }
    assert rows(
        client,
        "SELECT DISTINCT log->>'$.table_name', log->>'$.condition_no'"
        ' FROM sys.heatwave_autopilot_report WHERE type IN ("warn")',
    ) == [("bad", "6095")]
    ((summary,),) = rows(
        client,
        "SELECT log FROM sys.heatwave_autopilot_report WHERE comp='AUTO_LOAD'"
        " AND stage='EXECUTE' AND log->>'$.type'='table_summary'",
    )
    assert json.loads(summary)["table_name"] == "good"
    assert json.loads(summary)["columns_loaded"] == 2


def test_the_load_script_can_be_read_in_every_way_that_labs_read_it(
    client: Connection, store: ObjectStore, shore: str
) -> None:
    url = store.url("good.csv")
    dialect = {"record_delimiter": "\n", "has_header": True}
    load(client, shore, {"good": external(url, dialect)})
    (found,) = result_sets(client, SCRIPT)
    assert found.columns == ("Load Script",)
    create, secondary = found.lines
    assert create == (
        "CREATE TABLE `shore`.`good`( `a` tinyint unsigned NOT NULL,"
        " `b` varchar(1) NOT NULL) ENGINE=lakehouse SECONDARY_ENGINE=RAPID"
        ' ENGINE_ATTRIBUTE=\'{"file": [{"par": "' + url + '"}], "dialect":'
        ' {"has_header": true, "record_delimiter": "\\\\n"}}\';'
    )
    assert secondary == "ALTER TABLE `shore`.`good` SECONDARY_LOAD;"
    run(client, "SET SESSION group_concat_max_len = 1000000")
    joined = value(
        client,
        "SELECT GROUP_CONCAT(log->>\"$.sql\" SEPARATOR ' ')"
        ' FROM sys.heatwave_load_report WHERE type = "sql" ORDER BY id',
    )
    assert joined == f"{create} {secondary}"
    assert columns_of(client, "sys.heatwave_autopilot_report") == [
        ("id", "int unsigned"),
        ("ts", "timestamp(6)"),
        ("comp", "varchar(64)"),
        ("stage", "varchar(64)"),
        ("type", "varchar(16)"),
        ("log", "json"),
    ]


def test_the_report_is_of_the_last_load_and_of_this_session_alone(
    client: Connection, server: Server, store: ObjectStore, shore: str
) -> None:
    load(client, shore, {"first": external(store.url("good.csv"))})
    load(client, shore, {"second": external(store.url("good.csv"))})
    script = " ".join(line for (line,) in rows(client, SCRIPT))
    assert ("`second`" in script, "`first`" in script) == (True, False)
    with closing(server.connect()) as other:
        assert refusal(other, SCRIPT)[0] == 1146


def test_lines_of_json_are_documents_as_mysql_has_them(
    client: Connection, store: ObjectStore, shore: str
) -> None:
    lines = [
        '{"b": 1,"aa":[ ],"a":1, "a":3}',
        '{"a":2.50,"b":1e2}',
        '{"a":18446744073709551616}',
    ]
    store.objects["lines.json"] = "\n".join(lines).encode()
    load(client, shore, {"j": external(store.url("lines.json"), {"format": "json"})})
    own = [value(client, f"SELECT CAST({client.escape(one)} AS JSON)") for one in lines]
    assert rows(client, "SELECT col_1 FROM shore.j") == [(one,) for one in own]
    found = rows(client, "SELECT col_1->'$.b' FROM shore.j WHERE col_1->'$.a' = 3")
    assert found == [("1",)]


# --- options --------------------------------------------------------------------------


def test_a_dry_run_makes_nothing_but_the_script(
    client: Connection, store: ObjectStore
) -> None:
    store.objects["good.csv"] = GOOD
    run(client, "DROP DATABASE IF EXISTS nowhere")
    blocks = blocks_of(
        client, "nowhere", {"t": external(store.url("good.csv"))}, mode="dryrun"
    )
    assert list(blocks) == [
        "INITIALIZING HEATWAVE AUTO PARALLEL LOAD",
        "LAKEHOUSE AUTO SCHEMA INFERENCE",
        "OFFLOAD ANALYSIS",
        "CAPACITY ESTIMATION",
        "LOAD SCRIPT GENERATION",
    ]
    assert "Load Mode: dryrun" in blocks["INITIALIZING HEATWAVE AUTO PARALLEL LOAD"]
    assert (
        "Retrieve load script containing 3 generated DDL commands using the query"
        " below:" in blocks["LOAD SCRIPT GENERATION"]
    )
    assert rows(client, "SHOW DATABASES LIKE 'nowhere'") == []
    script = [line for (line,) in rows(client, SCRIPT)]
    assert script[0] == "CREATE DATABASE `nowhere`;"
    assert len(script) == 3


def test_a_schema_that_is_not_there_is_created(
    client: Connection, store: ObjectStore
) -> None:
    store.objects["good.csv"] = GOOD
    run(client, "DROP DATABASE IF EXISTS `new-schema`")
    blocks = blocks_of(client, "new-schema", {"t": external(store.url("good.csv"))})
    inference = blocks["LAKEHOUSE AUTO SCHEMA INFERENCE"]
    assert "New schemas to be created: 1" in inference
    assert rows(client, "SELECT * FROM `new-schema`.t") == [(1, "x"), (2, "y")]
    run(client, "DROP DATABASE `new-schema`")


def test_silent_sends_nothing_and_leaves_the_report(
    client: Connection, store: ObjectStore, shore: str
) -> None:
    tables = {"t": external(store.url("good.csv"))}
    assert load(client, shore, tables, output="silent") == []
    assert value(client, "SELECT COUNT(*) FROM shore.t") == 2
    stages = rows(client, "SELECT DISTINCT stage FROM sys.heatwave_autopilot_report")
    assert {"LOADING_TABLE", "LOAD_SUMMARY"} <= {stage for (stage,) in stages}


def test_compact_leaves_the_analysis_out(
    client: Connection, store: ObjectStore, shore: str
) -> None:
    tables = {"t": external(store.url("good.csv"))}
    blocks = blocks_of(client, shore, tables, output="compact")
    assert "OFFLOAD ANALYSIS" not in blocks
    assert "LOAD SUMMARY" in blocks


def test_help_needs_no_schema(client: Connection) -> None:
    (found,) = result_sets(
        client,
        "CALL sys.heatwave_load(JSON_ARRAY(), JSON_OBJECT('output','help'))",
    )
    assert any("external_tables" in line for line in found.lines)


def test_the_new_form_of_the_first_argument_loads_too(
    client: Connection, store: ObjectStore, shore: str
) -> None:
    attribute = {
        "dialect": {"format": "csv", "has_header": True},
        "file": [{"par": store.url("good.csv")}],
    }
    listed = [
        {
            "db_name": shore,
            "tables": [{"table_name": "t", "engine_attribute": attribute}],
        }
    ]
    run(client, f"SET @input_list = {client.escape(json.dumps(listed))}")
    run(client, "CALL sys.HEATWAVE_LOAD(CAST(@input_list AS JSON), NULL)")
    assert rows(client, "SELECT * FROM shore.t") == [(1, "x"), (2, "y")]


def test_a_strict_sql_mode_of_the_options_is_the_loads_own(
    client: Connection, store: ObjectStore, shore: str
) -> None:
    tables = {"t": external(store.url("bad.csv"))}
    lenient = blocks_of(client, shore, tables, sql_mode="NO_ENGINE_SUBSTITUTION")
    assert "Using SQL_MODE: NO_ENGINE_SUBSTITUTION" in lenient["EXECUTING LOAD"]
    assert "Table loaded successfully!" in lenient["LOADING TABLE"]
    assert rows(client, "SELECT * FROM shore.t") == [(1, "x"), (2, "y")]


@pytest.mark.parametrize(
    ("argument", "number", "words"),
    [
        ("'text'", 3141, "Invalid JSON text"),
        ("NULL", 3877, "must be a JSON array that names a schema"),
        ("JSON_ARRAY()", 3877, "must be a JSON array that names a schema"),
        ("JSON_OBJECT()", 3877, "must be a JSON array that names a schema"),
        ("JSON_ARRAY(1)", 3877, "each member must be a name or a JSON object"),
        ('\'["shore", "shore"]\'', 3877, "schema 'shore' is there twice"),
        ("'[{\"tables\": []}]'", 3877, "needs a db_name"),
    ],
)
def test_a_wrong_first_argument_is_explained(
    client: Connection, argument: str, number: int, words: str
) -> None:
    found, text = refusal(client, f"CALL sys.heatwave_load({argument}, NULL)")
    assert (found, words in text) == (number, True), text


# --- what may be fetched ------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://169.254.169.254/latest/meta-data", "lakehouse.allowed_hosts"),
        ("http://[::1]/x.csv", "lakehouse.allowed_hosts"),
        ("http://10.0.0.1/x.csv", "lakehouse.allowed_hosts"),
        ("file:///etc/passwd", "it is not in a folder that is allowed"),
        ("ftp://127.0.0.1/x.csv", "scheme 'ftp' is not allowed"),
        ("nonsense", "scheme '' is not allowed"),
    ],
)
def test_what_may_not_be_read_is_refused_in_the_report(
    client: Connection, shore: str, url: str, words: str
) -> None:
    blocks = blocks_of(client, shore, {"t": external(url)})
    (line,) = [
        line for line in blocks["LAKEHOUSE AUTO SCHEMA INFERENCE"] if "`t`" in line
    ]
    assert "Unable to access the following data locations" in line
    assert words in line
    assert rows(client, "SHOW TABLES FROM shore") == []


# --- tables that are there already --------------------------------------------------


def test_a_table_that_exists_stays_as_it_is(
    client: Connection, store: ObjectStore, shore: str
) -> None:
    store.objects["other.csv"] = b"c\n5\n"
    load(client, shore, {"t": external(store.url("good.csv"))})
    run(
        client,
        "CREATE TABLE shore.plain (id int)",
        "INSERT INTO shore.plain VALUES (7)",
    )
    blocks = blocks_of(
        client,
        shore,
        {name: external(store.url("other.csv")) for name in ("t", "plain", "fresh")},
    )
    lines = blocks["LAKEHOUSE AUTO SCHEMA INFERENCE"]
    for name in ("t", "plain"):
        (line,) = [line for line in lines if f"`{name}`" in line]
        assert re.search(r"YES +- +- +- +Non-empty existing table is not supp", line)
    assert rows(client, "SELECT * FROM shore.t") == [(1, "x"), (2, "y")]
    assert rows(client, "SELECT * FROM shore.plain") == [(7,)]
    assert rows(client, "SELECT * FROM shore.fresh") == [(5,)]


def test_names_and_values_need_no_plain_letters(
    client: Connection, store: ObjectStore, shore: str
) -> None:
    store.objects["odd.csv"] = "na me,`q`,it's,größe\n1,\\,',ß\n".encode()
    name = "tä`ble's"
    dialect = {**CSV, "escape_character": "!"}
    load(client, shore, {name: external(store.url("odd.csv"), dialect)})
    quoted = "shore.`tä``ble's`"
    assert [column for column, _ in columns_of(client, quoted)] == [
        *("na me", "`q`", "it's", "größe"),
    ]
    assert rows(client, f"SELECT * FROM {quoted}") == [(1, "\\", "'", "ß")]


def test_what_keeps_a_table_from_being_loaded_is_shown_with_its_number(
    client: Connection, store: ObjectStore, shore: str
) -> None:
    load(
        client,
        shore,
        {
            "t": external(store.url("good.csv")),
            "gone": external(store.url("gone.csv")),
        },
    )
    ((level, number, message),) = rows(client, "SHOW WARNINGS")
    assert (level, number) == ("Error", 6068)
    assert message.startswith("No files found corresponding to")
    told = rows(
        client,
        "SELECT log->'$.condition_no', log->>'$.error'"
        " FROM sys.heatwave_autopilot_report WHERE type = 'error'",
    )
    assert told == [("6068", message)]
    assert value(client, "SELECT COUNT(*) FROM shore.t") == 2
