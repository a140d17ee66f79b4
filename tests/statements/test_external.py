"""Lakehouse tables by hand: made, loaded, unloaded, and what is refused."""

import json
from collections.abc import Iterator

import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import refusal, rows, run
from tests.statements.conftest import Connection, Lake

pytestmark = pytest.mark.mysql


@pytest.fixture
def files(client: Connection, lake: Lake) -> Iterator[ObjectStore]:
    """The object store, and an empty schema ``hand`` to make tables in."""
    lake.store.objects["hand.csv"] = b"1,x\n2,yy\n"
    run(client, "DROP DATABASE IF EXISTS hand", "CREATE DATABASE hand", "USE hand")
    yield lake.store
    run(client, "DROP DATABASE hand")


def attribute(store: ObjectStore) -> str:
    dialect = {"field_delimiter": ",", "record_delimiter": "\\n"}
    text = json.dumps({"file": [{"par": store.url("hand.csv")}], "dialect": dialect})
    return text.replace("\\\\n", "\\\\n")


def forms(store: ObjectStore) -> list[str]:
    return [
        "CREATE TABLE t (a int, b varchar(2)) ENGINE=lakehouse SECONDARY_ENGINE=RAPID"
        f" ENGINE_ATTRIBUTE='{attribute(store)}'",
        "CREATE EXTERNAL TABLE t (a int, b varchar(2)) FILE_FORMAT=(FORMAT csv FIELDS"
        " TERMINATED BY ',' LINES TERMINATED BY '\\n')"
        f" FILES=(URI='{store.url('hand.csv')}')",
    ]


@pytest.mark.parametrize("form", [0, 1], ids=["attribute", "clauses"])
def test_a_table_is_made_loaded_unloaded_and_loaded_again(
    client: Connection, files: ObjectStore, form: int
) -> None:
    run(client, forms(files)[form])
    assert refusal(client, "SELECT * FROM t")[0] == 3877
    run(client, "ALTER TABLE t SECONDARY_LOAD")
    assert rows(client, "SELECT * FROM t ORDER BY a") == [(1, "x"), (2, "yy")]
    run(client, "ALTER TABLE t SECONDARY_UNLOAD")
    assert refusal(client, "SELECT * FROM t")[0] == 3877
    files.objects["hand.csv"] = b"3,z\n"
    run(client, "ALTER TABLE /*+ AUTOPILOT_DISABLE_CHECK */ t SECONDARY_LOAD")
    assert rows(client, "SELECT * FROM t") == [(3, "z")]


def test_a_load_that_fails_leaves_what_was_loaded(
    client: Connection, files: ObjectStore
) -> None:
    run(client, forms(files)[0], "ALTER TABLE t SECONDARY_LOAD")
    files.objects["hand.csv"] = b"1,x\n2,y,z,w\n"
    assert refusal(client, "ALTER TABLE t SECONDARY_LOAD")[0] == 6062
    assert rows(client, "SELECT * FROM t ORDER BY a") == [(1, "x"), (2, "yy")]


def test_a_table_that_exists_is_told_of(client: Connection, files: ObjectStore) -> None:
    text = forms(files)[1]
    run(client, text)
    assert refusal(client, text)[0] == 1050
    run(client, text.replace("TABLE t", "TABLE IF NOT EXISTS t"))
    assert [number for _, number, _ in rows(client, "SHOW WARNINGS")] == [1050]


@pytest.mark.parametrize(
    ("columns", "options", "number"),
    [
        ("a int", "AUTO_REFRESH_SOURCE='ocid1'", 1235),
        ("a date EXTERNAL_FORMAT '%d'", "", 1235),
        ("a int AUTO_INCREMENT PRIMARY KEY", "", 1235),
        ("a int, a int", "", 1060),
    ],
)
def test_what_cannot_be_made_is_refused_and_leaves_nothing(
    client: Connection, files: ObjectStore, columns: str, options: str, number: int
) -> None:
    where = f"FILES=(URI='{files.url('hand.csv')}')"
    text = f"CREATE EXTERNAL TABLE t ({columns}) {where} {options}"
    assert refusal(client, text)[0] == number
    assert rows(client, "SHOW TABLES") == []
