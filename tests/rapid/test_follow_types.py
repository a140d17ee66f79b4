"""Random changes of rows of every type reach the engine as a load would bring them."""

import datetime
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pymysql
import pytest

from heatproxy.backend.account import Address
from heatproxy.backend.credentials import read_option_file
from tests.conftest import Server
from tests.rapid.following import Following, Run, runner

pytestmark = pytest.mark.mysql

SCHEMA = "follow_types"
TEXTS = [
    "",
    " ",
    "a",
    "A",
    "ä",
    "Straße",
    "x  ",
    "'\"\\",
    "日本",
    "😀",
    "\n\t\0",
    "z" * 90,
]
LATIN = ["", "a", "A", "é", "É", "ÿ", "ß", "a  ", "€", "ž", "x" * 60]
JSONS = [
    "null",
    "{}",
    "[]",
    '{"b": 1, "aa": [1, -2, 3.5, 1e20, 1e-7, true, false, null]}',
    '{"": "", "k": {"k": {"k": []}}}',
    '"quote \\" back \\\\ slash / tab \\t \\u0001 \\u001f ü 😀"',
    "12345678901234567890",
    "-9223372036854775808",
    "0.1",
    "-0.0",
    "3.0",
    "[70000, -70000, 2147483648, -2147483649, 4294967296]",
]
VALUES: dict[str, list[Any]] = {
    "tinyint": [-128, -1, 0, 127],
    "tinyint unsigned": [0, 255],
    "smallint": [-32768, 0, 32767],
    "smallint unsigned": [0, 65535],
    "mediumint": [-8388608, -1, 0, 8388607],
    "mediumint unsigned": [0, 16777215],
    "int": [-(2**31), -1, 0, 2**31 - 1],
    "int unsigned": [0, 2**32 - 1],
    "bigint": [-(2**63), -1, 0, 2**63 - 1],
    "bigint unsigned": [0, 2**64 - 1],
    "decimal(1,0)": [-9, 0, 9],
    "decimal(9,9)": [Decimal("-0.999999999"), Decimal("0.000000001"), 0],
    "decimal(10,2)": [Decimal("-99999999.99"), Decimal("0.01"), 0, Decimal("1.10")],
    "decimal(18,9)": [Decimal("-123456789.987654321"), Decimal("0.5")],
    "decimal(38,10)": [Decimal("9" * 28 + "." + "9" * 10), Decimal("-1"), 0],
    "decimal(38,0)": [Decimal("-" + "9" * 38), Decimal("1" + "0" * 37)],
    "decimal(30,30)": [Decimal("0." + "9" * 30), Decimal("-0." + "0" * 29 + "1")],
    "float": [0.0, -1.5, 3.4e38, 1.17549e-38, 0.1],
    "double": [0.0, -0.0, 1.7976931348623157e308, 5e-324, 0.1, -2.5],
    "date": ["1000-01-01", "9999-12-31", "2024-02-29", "1969-12-31"],
    "datetime": ["1000-01-01 00:00:00", "9999-12-31 23:59:59", "1970-01-01 00:00:00"],
    "datetime(1)": ["2024-02-29 12:34:56.7", "1969-12-31 23:59:59.9"],
    "datetime(3)": ["2024-02-29 12:34:56.789", "1000-01-01 00:00:00.001"],
    "datetime(6)": ["2024-02-29 12:34:56.789012", "9999-12-31 23:59:59.999999"],
    "timestamp": ["1970-01-01 00:00:01", "2038-01-19 03:14:07"],
    "timestamp(2)": ["1970-01-01 00:00:01.25", "2030-01-01 00:00:00.99"],
    "timestamp(6)": ["2038-01-19 03:14:07.999999", "2000-01-01 00:00:00.000001"],
    "time": ["-838:59:59", "838:59:59", "00:00:00", "-00:00:01", "12:34:56"],
    "time(1)": ["-00:00:00.1", "01:02:03.9", "-838:59:58.5"],
    "time(4)": ["-00:00:00.0001", "-12:34:56.7891", "838:59:58.9999"],
    "time(6)": ["-00:00:00.000001", "-01:00:00.5", "838:59:58.999999"],
    "year": [1901, 2155, 0, 2024],
    "char(90)": [text for text in TEXTS if not text.endswith(" ")],
    "varchar(90)": TEXTS,
    "varchar(90) collate utf8mb4_bin": TEXTS,
    "varchar(300)": [*TEXTS, "ü" * 300],
    "char(60) character set latin1": [text.rstrip() for text in LATIN],
    "varchar(60) character set latin1": LATIN,
    "varchar(60) character set utf8mb3": [text for text in TEXTS if "😀" not in text][
        :9
    ],
    "varchar(30) character set utf16": ["", "a", "ä", "日本", "😀"],
    "varchar(30) character set sjis": ["", "a", "日本", "表"],
    "varchar(30) character set gb18030": ["", "a", "日本", "😀"],
    "varchar(30) character set koi8r": ["", "a", "жук"],
    "tinytext": TEXTS,
    "text": [*TEXTS, "long " * 5000],
    "mediumtext character set latin1": [*LATIN, "é" * 70_000],
    "longtext": TEXTS,
    "enum('a','B','it''s','ü')": ["a", "B", "it's", "ü"],
    "set('x','y','z','ä')": ["", "x", "x,z", "y,ä", "x,y,z,ä"],
    "json": JSONS,
    "bit(1)": [0, 1],
    "bit(13)": [0, 8191, 4660],
    "bit(64)": [0, 2**64 - 1, 1],
    "binary(5)": [b"", b"\0\0", b"ab\0\0c", b"\xff" * 5],
    "varbinary(70)": [b"", b"\0", b"\xff\xfe", bytes(range(70))],
    "blob": [b"", b"\0" * 10, bytes(range(256))],
}
KEYS = {
    "int": "int",
    "ci_text": "varchar(30) collate utf8mb4_0900_ai_ci",
    "latin1": "varchar(30) character set latin1",
    "decimal": "decimal(20,5)",
    "time": "time(3)",
    "binary": "binary(4)",
    "none": None,
}


@pytest.fixture(scope="module")
def address(server: Server) -> Address:
    login = read_option_file(server.data_dir / "service.cnf")
    return Address(login.user, login.password, socket=server.backend_socket)


@pytest.fixture(scope="module")
def run(server: Server) -> Iterator[Run]:
    connection: pymysql.Connection[Any] = server.connect_backend()
    run = runner(connection)
    run("SET time_zone = '+00:00', sql_mode = 'NO_ENGINE_SUBSTITUTION'")
    run(f"DROP DATABASE IF EXISTS {SCHEMA}")
    run(f"CREATE DATABASE {SCHEMA}")
    run(f"USE {SCHEMA}")
    yield run
    run(f"DROP DATABASE {SCHEMA}")
    connection.close()


@pytest.fixture
def following(address: Address, tmp_path: Path) -> Iterator[Following]:
    made = Following(address, tmp_path / "engine.duckdb")
    yield made
    made.stop()


def key_value(random: random.Random, kind: str) -> Any:
    number = random.randrange(60)
    return {
        "int": number - 30,
        "ci_text": random.choice("aAäÄbBß") + str(number % 9),
        "latin1": random.choice("aAéÉ") + str(number % 9),
        "decimal": Decimal(number - 30) / 7,
        "time": datetime.timedelta(milliseconds=(number - 30) * 1001),
        "binary": bytes([number % 3, number % 7, 0, 0]),
    }[kind]


@pytest.mark.parametrize("key", KEYS)
def test_random_changes_of_all_types_are_those_of_a_load(
    run: Run, following: Following, key: str
) -> None:
    chance = random.Random(f"follow {key}")  # noqa: S311 - test data
    kinds = list(VALUES)
    columns = ", ".join(f"c{n} {kind}" for n, kind in enumerate(kinds))
    table = f"t_{key}"
    keyed = f"k {KEYS[key]} PRIMARY KEY, " if KEYS[key] else ""
    run(f"CREATE TABLE {table} ({keyed}{columns}) ROW_FORMAT=DYNAMIC")

    def values(count: int) -> dict[str, Any]:
        chosen = chance.sample(range(len(kinds)), count)
        return {
            f"c{n}": None if chance.random() < 0.2 else chance.choice(VALUES[kinds[n]])
            for n in chosen
        }

    def insert() -> None:
        row = values(len(kinds))
        if keyed:
            row["k"] = key_value(chance, key)
        marks = ", ".join(["%s"] * len(row))
        verb = chance.choice(["INSERT IGNORE", "REPLACE"] if keyed else ["INSERT"])
        run(f"{verb} INTO {table} ({', '.join(row)}) VALUES ({marks})", *row.values())

    for _ in range(5):
        insert()
    loaded = following.load(SCHEMA, table)
    assert [column.name for column in loaded.columns if column.refusal] == []
    for _ in range(150):
        what = chance.random()
        where, picked = "MOD(c6, 2) = 0 OR c30 IS NULL", []
        if keyed and chance.random() < 0.8:
            where, picked = "k = %s", [key_value(chance, key)]
        if what < 0.45:
            insert()
        elif what < 0.6:
            run(f"DELETE FROM {table} WHERE {where} LIMIT 2", *picked)
        elif what < 0.9:
            row = values(chance.randrange(1, 6))
            if keyed and chance.random() < 0.3:
                row["k"] = key_value(chance, key)
            named = ", ".join(f"{name} = %s" for name in row)
            sql = f"UPDATE IGNORE {table} SET {named} WHERE {where} LIMIT 3"
            run(sql, *row.values(), *picked)
        elif what < 0.95:
            run("BEGIN")
            insert()
            run("SAVEPOINT here")
            insert()
            run("ROLLBACK TO here")
            insert()
            run(chance.choice(["COMMIT", "ROLLBACK"]))
        elif not keyed:
            run(f"INSERT INTO {table} SELECT * FROM {table} LIMIT 3")
    following.catch_up()
    assert following.find(loaded).rows > 0
    assert following.differences(loaded) == []
