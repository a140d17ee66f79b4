"""What is read from one table and inserted into another is the same."""

import itertools
from collections.abc import AsyncIterator

import pyarrow as pa
import pytest
import pytest_asyncio

from heatproxy.backend.connection import BackendConnection
from heatproxy.backend.insert import insert_batches, insert_rows
from heatproxy.datatypes import quote_name
from heatproxy.errors import MySQLError
from tests.backend.legs import connection_to
from tests.conftest import Server
from tests.rawclient import DEPRECATE_EOF

pytestmark = pytest.mark.mysql

# Each type with values as SQL; NULL comes in addition.
COLUMNS = {
    "tinyint": ["-128", "127"],
    "tinyint(1)": ["TRUE", "0"],
    "smallint unsigned": ["0", "65535"],
    "mediumint": ["-8388608"],
    "int": ["-2147483648", "2147483647"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "bigint unsigned": ["18446744073709551615"],
    "decimal(30,20)": ["0.00000000012345678901", "-1e-20", "9999999999.9", "0"],
    "decimal(65,30)": ["99999999999999999999999999999999999.5", "1e-30", "-1.25e-9"],
    "decimal(12,0)": ["0", "-999999999999"],
    "float": ["0.1", "-3.4e38", "1e-38", "16777216", "1e7", "0"],
    "double": ["0.1", "1e308", "-5e-324", "1e16", "123456789.123456789", "-0e0"],
    "date": ["'0001-01-01'", "'9999-12-31'", "'1969-12-31'"],
    "datetime": ["'2024-02-29 23:59:59'", "'1000-01-01'"],
    "datetime(6)": ["'2024-02-29 23:59:59.000001'", "'9999-12-31 23:59:59.999999'"],
    "timestamp(3)": ["'2024-02-29 23:59:59.125'"],
    "time": ["'-838:59:59'", "'838:59:59'", "'00:00:00'", "'-00:00:01'"],
    "time(6)": ["'-838:59:58.999999'", "'12:34:56.000001'", "'00:00:00.100000'"],
    "year": ["1901", "2155", "0"],
    "char(5)": ["'ab'", "''", "'é日'"],
    "varchar(50)": [
        *("''", r"'a\\b\'c\"d%_'", "'line\nbreak'", "' spaces '", "'😀'"),
        *("CHAR(0 USING utf8mb4)", "CHAR(26 USING utf8mb4)"),
    ],
    "varchar(20) character set latin1": ["'é€'", "'ä'"],
    "varchar(20) character set utf16": ["'日'"],
    "text": ["REPEAT('x', 60000)", "'y'"],
    "longtext": ["REPEAT('日', 400000)", "''"],
    "binary(4)": ["X'00ff'", "'abcd'"],
    "varbinary(20)": ["X''", "X'0027225c1a'"],
    "blob": ["REPEAT(X'00', 1000)", "X'ff'"],
    "enum('a','é,x','')": ["'a'", "'é,x'", "''"],
    "set('x','y')": ["''", "'x,y'"],
    "json": ['\'{"a": [1, 2.5, null, "é\\\\n"]}\'', "'null'", "'\"s\"'"],
    "bit(1)": ["b'1'", "b'0'"],
    "bit(64)": ["b'" + "1" * 64 + "'", "0"],
    "bit(12)": ["b'101'"],
}
SESSIONS = {
    "default": "DO 0",
    "no backslash escapes": "SET sql_mode = 'NO_BACKSLASH_ESCAPES'",
    "ansi": "SET sql_mode = 'ANSI,STRICT_ALL_TABLES,TRADITIONAL'",
    "latin1": "SET character_set_results = latin1, collation_connection = latin1_bin",
    "small packets": "DO 0",
}


@pytest_asyncio.fixture(params=[0, DEPRECATE_EOF], ids=["old", "new"])
async def backend(
    server: Server, request: pytest.FixtureRequest
) -> AsyncIterator[BackendConnection]:
    with server.connect_backend() as admin, admin.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS heat_insert")
        cursor.execute("CREATE DATABASE heat_insert")
        names = [f"c{i}" for i in range(len(COLUMNS))]
        definitions = [
            f"{n} {kind} NULL" for n, kind in zip(names, COLUMNS, strict=True)
        ]
        cursor.execute(
            "CREATE TABLE heat_insert.source (id INT AUTO_INCREMENT PRIMARY KEY, "
            + ", ".join(definitions)
            + ") CHARACTER SET utf8mb4"
        )
        cursor.execute("CREATE TABLE heat_insert.target LIKE heat_insert.source")
        for row in itertools.zip_longest(*COLUMNS.values(), fillvalue="NULL"):
            cursor.execute(
                f"INSERT INTO heat_insert.source ({', '.join(names)}) VALUES"
                f" ({', '.join(row)})"
            )
        cursor.execute("INSERT INTO heat_insert.source VALUES ()")
    async with connection_to(server, request.param, database="heat_insert") as made:
        yield made
    with server.connect_backend() as admin, admin.cursor() as cursor:
        cursor.execute("DROP DATABASE heat_insert")


@pytest.mark.parametrize("session", SESSIONS.values(), ids=SESSIONS)
async def test_every_type_is_inserted_as_it_was_read(
    backend: BackendConnection, session: str
) -> None:
    await backend.query(session)
    rows = await backend.read_table(b"SELECT * FROM source ORDER BY id")
    assert await insert_rows(backend, "target", rows) == rows.num_rows
    for index, kind in enumerate(COLUMNS):
        name = f"c{index}"
        differing = await backend.query(
            f"SELECT s.id, HEX(s.{name}), HEX(t.{name}) FROM source s JOIN target t"
            f" USING (id) WHERE NOT (BINARY s.{name} <=> BINARY t.{name})"
        )
        assert differing.texts() == [], kind
    count = await backend.scalar("SELECT COUNT(*) FROM target")
    assert count == str(rows.num_rows)


async def test_many_rows_take_several_statements(backend: BackendConnection) -> None:
    await backend.query("CREATE TABLE many (a INT, b MEDIUMTEXT)")
    numbers = list(range(40_000))
    texts = [None if n % 7 == 0 else "x" * (n % 900) for n in numbers]
    texts[5] = "y" * 9_000_000  # longer than a statement should be
    rows = pa.table({"a": pa.array(numbers, pa.int32()), "b": texts})
    assert await insert_rows(backend, "many", rows) == 40_000
    (found,) = (
        await backend.query(
            "SELECT COUNT(*), SUM(a), SUM(LENGTH(b)), COUNT(b), MAX(LENGTH(b))"
            " FROM many"
        )
    ).texts()
    lengths = [len(text) for text in texts if text is not None]
    expected = (40_000, sum(numbers), sum(lengths), len(lengths), 9_000_000)
    assert tuple(int(value or 0) for value in found) == expected


@pytest.mark.parametrize(
    ("array", "kind", "expected"),
    [
        (pa.array([True, False, None]), "TINYINT", ["1", "0", None]),
        (pa.array([1.5, None], pa.float32()), "FLOAT", ["1.5", None]),
        (pa.array([None, None], pa.null()), "INT", [None, None]),
        (pa.array(["a", None], pa.large_string()), "TEXT", ["a", None]),
        (pa.array([b"\x00", None], pa.large_binary()), "BLOB", ["\x00", None]),
        (pa.array([], pa.string()), "TEXT", []),
        (pa.array(["skipped", "é", None, ""])[1:], "TEXT", ["é", None, ""]),
        (pa.array([b"skipped", b"b"])[1:], "BLOB", ["b"]),
    ],
)
async def test_other_arrow_types(
    backend: BackendConnection, array: pa.Array, kind: str, expected: list[str | None]
) -> None:
    await backend.query(
        f"CREATE TABLE one (i INT AUTO_INCREMENT PRIMARY KEY, a {kind})"
    )
    await insert_rows(backend, "one", pa.table({"a": array}))
    found = await backend.query("SELECT a FROM one ORDER BY i")
    assert [row[0] for row in found.texts()] == expected


async def test_names_are_quoted(backend: BackendConnection) -> None:
    name = quote_name("wei`rd name")
    await backend.query(f"CREATE TABLE {name} (`a``b` INT, `select` INT, `é日` INT)")
    rows = pa.table({"a`b": [1], "select": [2], "é日": [3]})
    await insert_rows(backend, name, rows)
    assert (await backend.query(f"SELECT * FROM {name}")).texts() == [("1", "2", "3")]


async def test_what_no_column_holds_is_refused_by_name(
    backend: BackendConnection,
) -> None:
    rows = pa.table({"a": pa.array([[1]], pa.list_(pa.int32()))})
    with pytest.raises(MySQLError, match="list"):
        await insert_rows(backend, "source", rows)


async def test_a_refused_row_leaves_the_session_usable(
    backend: BackendConnection,
) -> None:
    with pytest.raises(MySQLError) as refusal:
        await insert_rows(backend, "source", pa.table({"c0": [1000]}))
    assert refusal.value.number == 1264
    assert await backend.scalar("SELECT 1") == "1"


async def test_batches_are_inserted_as_they_come(backend: BackendConnection) -> None:
    await backend.query("CREATE TEMPORARY TABLE came (id INT PRIMARY KEY)")
    seen: list[object] = []

    async def batches() -> AsyncIterator[pa.RecordBatch]:
        for number in range(3):
            seen.append(await backend.scalar("SELECT COUNT(*) FROM came"))
            yield pa.record_batch({"any": [2 * number, 2 * number + 1]})

    assert await insert_batches(backend, "came", ["id"], batches()) == 6
    assert [str(count) for count in seen] == ["0", "2", "4"]
