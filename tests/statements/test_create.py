"""CREATE TABLE ... AS SELECT of Lakehouse tables: MySQL's types, the engine's rows."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.asking import columns_of, refusal, rows, run, value
from tests.conftest import Server
from tests.lakeside import external, load
from tests.statements.conftest import Connection, Lake

pytestmark = pytest.mark.mysql

FORMS = {
    "everything": "CREATE TABLE made AS SELECT * FROM t",
    "without AS": "CREATE TABLE made SELECT id, name FROM t",
    "with a limit": "CREATE TABLE made AS SELECT * FROM t ORDER BY id LIMIT 20",
    "with an offset": "CREATE TABLE made SELECT id FROM t ORDER BY id LIMIT 5 OFFSET 3",
    "another offset": "CREATE TABLE made AS SELECT id FROM t ORDER BY id LIMIT 5, 3",
    "expressions": "CREATE TABLE made AS SELECT id + 1 AS a, price / 3 AS b, MAX(x) c,"
    " AVG(n) d, COUNT(*) e, MAX(moment) f FROM t GROUP BY id, price",
    "a limit inside": "CREATE TABLE made AS SELECT COUNT(*) AS c FROM"
    " (SELECT id FROM t LIMIT 7) AS q",
    "WITH": "CREATE TABLE made AS WITH w AS (SELECT id, name FROM t) SELECT * FROM w",
    "columns of its own": "CREATE TABLE made (id BIGINT PRIMARY KEY, more INT"
    " DEFAULT 7) SELECT id, name FROM t",
    "an index and options": "CREATE TABLE made (KEY (name)) ENGINE=InnoDB COMMENT 'c'"
    " DEFAULT CHARSET=latin1 AS SELECT id, name FROM t",
    "a comment at the end": "CREATE TABLE made AS SELECT id FROM t -- all of it",
    "a qualified name": "CREATE TABLE `SCHEMA`.`made` AS SELECT id FROM t",
    "a temporary table": "CREATE TEMPORARY TABLE made AS SELECT id, word FROM t",
}


@pytest.fixture(autouse=True)
def nothing_made(client: Connection, backend: Connection) -> Iterator[None]:
    def clean() -> None:
        for session in (client, backend):
            run(session, "DROP TABLE IF EXISTS made")

    clean()
    yield
    clean()


@pytest.mark.parametrize("sql", FORMS.values(), ids=FORMS)
def test_the_table_is_the_one_that_mysql_makes_of_the_same_rows(
    client: Connection, backend: Connection, lake: Lake, sql: str
) -> None:
    created = []
    for session, schema in ((client, lake.schema), (backend, lake.twin)):
        with session.cursor() as cursor:
            affected = cursor.execute(sql.replace("SCHEMA", schema))
        text = rows(session, "SHOW CREATE TABLE made")
        found = rows(session, "SELECT * FROM made")
        created.append((affected, text, sorted(found, key=str)))
    assert created[0] == created[1]


def test_fifty_thousand_rows_arrive(client: Connection, lake: Lake) -> None:
    lake.store.objects["many.csv"] = b"n,s\n" + b"".join(
        b"%d,%s\n" % (n, b"x" * (n % 50)) for n in range(50_000)
    )
    load(client, "lake", {"many": external(lake.store.url("many.csv"))})
    run(client, "CREATE TABLE made AS SELECT * FROM many")
    assert rows(client, "SELECT COUNT(*), SUM(n), SUM(LENGTH(s)) FROM made") == [
        (50_000, 1_249_975_000, 1_225_000)
    ]
    run(client, "DROP TABLE many")


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("CREATE TABLE made (id INT PRIMARY KEY) SELECT grp AS id FROM t", 1062),
        ("CREATE TABLE made (name VARCHAR(2)) SELECT name FROM t", 1406),
        ("CREATE TABLE made (n INT NOT NULL) SELECT n FROM t", 1048),
        (
            "CREATE TEMPORARY TABLE made (id INT PRIMARY KEY) SELECT grp AS id FROM t",
            1062,
        ),
        ("CREATE TABLE made AS SELECT id, id FROM t", 1060),
        ("CREATE TABLE made AS SELECT nope FROM t", 1054),
        ("CREATE TABLE nowhere.made AS SELECT id FROM t", 1049),
        ("CREATE TABLE made (id INT PRIMARY KEY) AS (SELECT grp AS id FROM t)", 1062),
        ("CREATE TABLE made AS SELECT (SELECT MAX(CONV(n, 9, 8)) FROM t) FROM t", 1235),
    ],
)
def test_a_failure_leaves_no_table(client: Connection, sql: str, number: int) -> None:
    assert refusal(client, sql)[0] == number
    assert refusal(client, "SELECT * FROM made")[0] == 1146
    assert value(client, "SELECT COUNT(*) FROM t") == 200


def test_a_table_that_exists_is_left_alone(client: Connection) -> None:
    run(client, "CREATE TABLE made (v int)", "INSERT INTO made VALUES (5)")
    assert refusal(client, "CREATE TABLE made AS SELECT * FROM t") == (
        1050,
        "Table 'made' already exists",
    )
    assert rows(client, "SELECT * FROM made") == [(5,)]


def test_a_temporary_table_does_not_end_the_transaction(client: Connection) -> None:
    run(client, "DROP TABLE IF EXISTS kept", "CREATE TABLE kept (id int)")
    client.begin()
    run(
        client,
        "INSERT INTO kept VALUES (1)",
        "CREATE TEMPORARY TABLE made AS SELECT id FROM t",
    )
    assert value(client, "SELECT COUNT(*) FROM made") == 200
    client.rollback()
    assert value(client, "SELECT COUNT(*) FROM kept") == 0


def test_a_failed_temporary_table_spares_the_table_it_would_hide(
    client: Connection,
) -> None:
    run(client, "CREATE TABLE made (v int)", "INSERT INTO made VALUES (5)")
    sql = "CREATE TEMPORARY TABLE made (id INT PRIMARY KEY) SELECT grp AS id FROM t"
    assert refusal(client, sql)[0] == 1062
    assert rows(client, "SELECT * FROM made") == [(5,)]


def test_without_create_there_is_no_table(
    client: Connection, server: Server, lake: Lake
) -> None:
    run(
        client,
        "DROP USER IF EXISTS reader",
        "CREATE USER reader IDENTIFIED BY 'pw'",
        "GRANT SELECT ON lake.* TO reader",
    )
    connection = server.connect(user="reader", password="pw", database=lake.schema)
    with closing(connection) as reader:
        number, text = refusal(reader, "CREATE TABLE made AS SELECT * FROM t")
    assert (number, "CREATE command denied" in text) == (1142, True)
    run(client, "DROP USER reader")


def test_the_names_of_the_columns_may_be_any(client: Connection) -> None:
    run(client, "CREATE TABLE made AS SELECT id AS `größe ``x```, name 'a b' FROM t")
    assert [name for name, _ in columns_of(client, "made")] == ["größe `x`", "a b"]
    assert value(client, "SELECT COUNT(`größe ``x```) FROM made") == 200
