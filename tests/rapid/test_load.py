"""Tables of InnoDB in the engine: every value, in the key's order, of one moment."""

import datetime
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pymysql
import pytest

from heatproxy.backend.bulk import BulkReader
from heatproxy.errors import MySQLError
from heatproxy.rapid import ranges, snapshot
from heatproxy.rapid.describe import describe
from heatproxy.rapid.load import Loader
from heatproxy.rapid.ranges import queries
from heatproxy.rapid.tables import LoadStatus
from tests.asking import rows, run, value
from tests.background import running, until
from tests.conftest import Server
from tests.rapid.loading import Followed, a_loader, address_of, held_rows

pytestmark = pytest.mark.mysql

Connection = Any
NUMBERS = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})"
)


@pytest.fixture(scope="module")
def schema(server: Server) -> Iterator[str]:
    with closing(server.connect_backend()) as past:
        run(past, "DROP DATABASE IF EXISTS loading", "CREATE DATABASE loading")
        yield "loading"
        run(past, "DROP DATABASE loading")


@pytest.fixture
def past(server: Server, schema: str) -> Iterator[Connection]:
    """A session on the backend itself."""
    with closing(server.connect_backend(database=schema)) as connection:
        run(connection, "SET cte_max_recursion_depth = 1000000, time_zone = '+05:30'")
        run(connection, "DROP TABLE IF EXISTS t")
        yield connection
        run(connection, "DROP TABLE IF EXISTS t")


@pytest.fixture
def follower() -> Followed:
    return Followed()


@pytest.fixture
def loader(server: Server, tmp_path: Path, follower: Followed) -> Iterator[Loader]:
    with a_loader(server, tmp_path, follower) as made:
        yield made


# type: literals, and what the engine has of each
VALUES: dict[str, dict[str, Any]] = {
    "tinyint": {"-128": -128, "127": 127},
    "tinyint unsigned": {"255": 255},
    "mediumint": {"-8388608": -8388608},
    "int unsigned": {"4294967295": 4294967295},
    "bigint": {"-9223372036854775808": -(2**63)},
    "bigint unsigned": {"18446744073709551615": 2**64 - 1},
    "decimal(38,10)": {
        "-1234567890123456789012345678.0123456789": Decimal(
            "-1234567890123456789012345678.0123456789"
        )
    },
    "decimal(5,5)": {"-0.00001": Decimal("-0.00001")},
    "float": {"0.1": pytest.approx(0.1, rel=1e-7), "-3.4e38": pytest.approx(-3.4e38)},
    "double": {"0.1": 0.1, "-1.7976931348623157e308": -1.7976931348623157e308},
    "date": {
        "'1000-01-01'": datetime.date(1000, 1, 1),
        "'9999-12-31'": datetime.date(9999, 12, 31),
    },
    "datetime(6)": {
        "'9999-12-31 23:59:59.999999'": datetime.datetime(
            9999, 12, 31, 23, 59, 59, 999999
        )
    },
    "timestamp(3)": {
        "'2024-03-31 05:30:00.5'": datetime.datetime(2024, 3, 31, 0, 0, 0, 500000)
    },
    "time(6)": {
        "'-838:59:59'": -datetime.timedelta(hours=838, minutes=59, seconds=59),
        "'00:00:00.000001'": datetime.timedelta(microseconds=1),
    },
    "year": {"1901": 1901, "0": 0},
    "char(5)": {"'ab  '": "ab", "''": ""},
    "varchar(20)": {"'ab  '": "ab  ", "'é😀日本'": "é😀日本"},
    "varchar(20) charset latin1": {"'Größe €'": "Größe €"},
    "text charset gbk": {"'日本'": "日本"},
    "longtext": {"REPEAT('x', 100000)": "x" * 100_000},
    "binary(3)": {"X'00ff'": b"\x00\xff\x00"},
    "blob": {"X'00ff'": b"\x00\xff"},
    "bit(10)": {"b'1000000001'": b"\x02\x01"},
    "enum('a','it''s','x,y')": {"'it''s'": "it's", "'x,y'": "x,y"},
    "set('a','b','c')": {"'c,a'": "a,c", "''": ""},
    "json": {"""'{"bb": 1, "a": [1.0, null]}'""": '{"a": [1.0, null], "bb": 1}'},
}


def test_every_value_comes_as_mysql_has_it(past: Connection, loader: Loader) -> None:
    columns = ", ".join(f"c{n} {kind}" for n, kind in enumerate(VALUES))
    run(past, f"CREATE TABLE t (id INT PRIMARY KEY, {columns})")
    most = max(len(values) for values in VALUES.values())
    expected = []
    for number in range(most + 1):
        literals, wanted = ["NULL"] * len(VALUES), [None] * len(VALUES)
        for place, values in enumerate(VALUES.values()):
            if number < len(values):
                literals[place], wanted[place] = list(values.items())[number]
        run(past, f"INSERT INTO t VALUES ({number}, {', '.join(literals)})")
        expected.append((number, *wanted))
    loaded = loader.load("loading", "t")
    assert held_rows(loader, loaded.table) == expected
    assert loaded.notes == []


KEYS = {
    "dense": ("id BIGINT PRIMARY KEY", "i"),
    "far apart": ("id BIGINT PRIMARY KEY", "IF(i = 9, POW(2, 61), (i * i) - 500000)"),
    "unsigned": ("id BIGINT UNSIGNED PRIMARY KEY", "18446744073709551615 - i"),
    "composite": ("id INT, k INT, PRIMARY KEY (id, k)", "i DIV 100, i"),
    "descending": ("id INT, PRIMARY KEY (id DESC)", "i"),
    "text": ("id VARCHAR(20) PRIMARY KEY", "LEFT(SHA2(i, 224), 20)"),
    "a prefix": ("id VARCHAR(20), PRIMARY KEY (id(8))", "LPAD(i, 8, '0')"),
    "a date": ("id DATETIME PRIMARY KEY", "'2020-01-01' + INTERVAL i SECOND"),
    "none": ("id INT", "i"),
}


@pytest.mark.parametrize("key", KEYS)
def test_all_rows_come_in_the_order_of_the_key(
    past: Connection, loader: Loader, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(ranges, "FEWEST_ROWS", 100)
    monkeypatch.setattr(ranges, "MOST_ROWS", 100)
    columns, expression = KEYS[key]
    run(
        past,
        f"CREATE TABLE t ({columns}, v INT NOT NULL)",
        f"INSERT INTO t {NUMBERS.format(3000)} SELECT {expression}, i FROM n",
        "ANALYZE TABLE t",
    )
    loaded = loader.load("loading", "t")
    held = held_rows(loader, loaded.table)
    names = ", ".join(loaded.table.primary_key)
    by_key = f" ORDER BY {names}" if names else ""
    expected = rows(past, f"SELECT * FROM t{by_key}")
    if key in ("none", "a prefix", "descending"):
        held, expected = sorted(held), sorted(expected)
    assert held == expected
    assert loaded.table.rows == 3000


@pytest.mark.parametrize("key", ["dense", "far apart", "unsigned", "composite"])
def test_a_key_of_integers_is_cut_into_ranges_of_few_rows(
    server: Server, past: Connection, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(ranges, "FEWEST_ROWS", 500)
    monkeypatch.setattr(ranges, "MOST_ROWS", 500)
    columns, expression = KEYS[key]
    run(
        past,
        f"CREATE TABLE t ({columns}, v CHAR(100) NOT NULL)",
        f"INSERT INTO t {NUMBERS.format(20000)} SELECT {expression}, i FROM n",
        "ANALYZE TABLE t",
    )
    with closing(BulkReader(address_of(server))) as reader:
        described = describe(reader.query, "loading", "t")
        assert described is not None
        texts, about = queries(reader.query, described)
        counts = [sum(b.num_rows for b in reader.select(text)) for text in texts]
    assert sum(counts) == 20000
    assert len(counts) >= 10
    assert max(counts) <= 5000
    assert 10000 <= about <= 40000


SHAPES = {
    "empty": "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(10))",
    "empty without a key": "CREATE TABLE t (v VARCHAR(10))",
    "wide": "CREATE TABLE t (id INT PRIMARY KEY, "
    + ", ".join(f"c{n} TINYINT" for n in range(1000))
    + f") AS {NUMBERS.format(5)} SELECT i AS id, i AS c7 FROM n",
    "partitioned": "CREATE TABLE t (id INT PRIMARY KEY, v INT) PARTITION BY HASH (id)"
    f" PARTITIONS 7 AS {NUMBERS.format(3000)} SELECT i AS id, i + 1 AS v FROM n",
    "one row": "CREATE TABLE t (id INT PRIMARY KEY) AS SELECT 7 AS id",
    "long rows": "CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT)"
    f" AS {NUMBERS.format(3)} SELECT i AS id, REPEAT('é', 8500000) AS v FROM n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_tables_of_any_shape_are_loaded(
    past: Connection, loader: Loader, shape: str
) -> None:
    run(past, SHAPES[shape])
    loaded = loader.load("loading", "t")
    key = " ORDER BY id" if loaded.table.primary_key else ""
    assert held_rows(loader, loaded.table) == rows(past, f"SELECT * FROM t{key}")
    assert loaded.table.status is LoadStatus.AVAILABLE
    assert loaded.table.progress == 100


def test_names_need_no_plain_letters(past: Connection, loader: Loader) -> None:
    names = ["a`b", 'a"b', "a'b", "日本", "a b", "select", "é#%s"]
    columns = ", ".join(f"`{name.replace('`', '``')}` INT" for name in names)
    table = "we\"ird `t` é'#"
    quoted = f"`{table.replace('`', '``')}`"
    run(
        past,
        f"CREATE TABLE {quoted} ({columns}, PRIMARY KEY (`a``b`))",
        f"INSERT INTO {quoted} VALUES (1,2,3,4,5,6,7)",
    )
    loaded = loader.load("loading", table)
    assert held_rows(loader, loaded.table) == [(1, 2, 3, 4, 5, 6, 7)]
    assert [column.name for column in loaded.table.columns] == names
    loader.unload(loaded.table)
    assert loader.engine.tables() == []


REFUSED = {
    "v DECIMAL(39,0)": "the engine has no type for decimal(39,0)",
    "v GEOMETRY": "the engine has no type for geometry",
    "v VECTOR(3)": "the engine has no type for vector(3)",
    "v INT NOT SECONDARY": "it is NOT SECONDARY",
    "v INT AS (id + 1) VIRTUAL": "its values are not stored",
    "v INT(5) UNSIGNED ZEROFILL": "it is ZEROFILL",
    "v ENUM('a\\\\b')": "a member of its type has characters that MySQL escapes",
}


@pytest.mark.parametrize("column", REFUSED)
def test_columns_that_are_not_held_are_said_to_be(
    past: Connection, loader: Loader, column: str
) -> None:
    with past.cursor() as cursor:
        cursor.execute(f"CREATE TABLE t (id INT PRIMARY KEY, {column}, w INT)")
        cursor.execute("INSERT INTO t (id, w) VALUES (1, 2)")
    loaded = loader.load("loading", "t")
    refusals = [one.refusal for one in loaded.table.columns]
    assert refusals == [None, REFUSED[column], None]
    assert held_rows(loader, loaded.table) == [(1, 2)]
    secondary = "NOT SECONDARY" in column
    text = f"Column 'v' is not loaded: {REFUSED[column]}"
    assert loaded.notes == ([] if secondary else [text])


def test_invisible_and_stored_columns_are_held(
    past: Connection, loader: Loader
) -> None:
    run(
        past,
        "CREATE TABLE t (id INT PRIMARY KEY, h INT INVISIBLE,"
        " s INT AS (id + 5) STORED)",
        "INSERT INTO t (id, h) VALUES (1, 2)",
    )
    loaded = loader.load("loading", "t")
    assert held_rows(loader, loaded.table) == [(1, 2, 6)]
    assert [one.visible for one in loaded.table.columns] == [True, False, True]


ODD_DATES = ["0000-00-00", "2024-00-10", "2024-02-31"]


@pytest.mark.parametrize("date", ODD_DATES)
@pytest.mark.parametrize("kind", ["DATE", "DATETIME"])
def test_a_column_with_a_date_of_no_calendar_is_left_out(
    past: Connection, loader: Loader, kind: str, date: str
) -> None:
    run(
        past,
        "SET sql_mode = 'ALLOW_INVALID_DATES'",
        f"CREATE TABLE t (id INT PRIMARY KEY, a {kind}, b {kind}, v INT)",
        f"INSERT INTO t VALUES (1, '2024-01-01', '2024-01-01', 1), (2, NULL, '{date}',"
        " 2), (3, '2024-01-03', NULL, 3)",
    )
    loaded = loader.load("loading", "t")
    a, b = loaded.table.columns[1:3]
    assert a.refusal is None
    assert b.refusal == "it contains dates or text that the engine cannot hold"
    assert [row[::2] for row in held_rows(loader, loaded.table)] == [
        (1, 1),
        (2, 2),
        (3, 3),
    ]
    assert loaded.notes == [f"Column 'b' is not loaded: {b.refusal}"]
    kept = {
        column.name for column in loader.engine.facts(loaded.table.engine_name).columns
    }
    assert kept == {"id", "a", "v"}


def test_a_primary_key_of_odd_dates_is_none_to_the_engine(
    past: Connection, loader: Loader
) -> None:
    run(
        past,
        "SET sql_mode = 'ALLOW_INVALID_DATES'",
        "CREATE TABLE t (d DATE, v INT, PRIMARY KEY (d))",
        "INSERT INTO t VALUES ('0000-00-00', 1), ('2024-01-01', 2)",
    )
    loaded = loader.load("loading", "t")
    assert loaded.table.primary_key == ()
    assert sorted(held_rows(loader, loaded.table)) == [(1,), (2,)]


FAILING = {
    "no such table": ("SELECT 1", "nothing", 1146),
    "a view": ("CREATE OR REPLACE VIEW w AS SELECT 1", "w", 1146),
    "another engine": ("CREATE TABLE t (a INT) ENGINE = MyISAM", "t", 1146),
    "no column of use": ("CREATE TABLE t (g GEOMETRY)", "t", 3877),
}


@pytest.mark.parametrize("case", FAILING)
def test_what_cannot_be_loaded_leaves_nothing(
    past: Connection, loader: Loader, case: str
) -> None:
    sql, table, number = FAILING[case]
    run(past, sql)
    with pytest.raises(MySQLError) as caught:
        loader.load("loading", table)
    assert caught.value.number == number
    assert loader.tables.all() == []
    assert loader.engine.tables() == []


def test_a_refusing_follower_is_asked_first(
    past: Connection, loader: Loader, follower: Followed
) -> None:
    run(past, "CREATE TABLE t (id INT PRIMARY KEY)")
    follower.refusal = MySQLError(3877, "HY000", "no binary log")
    with pytest.raises(MySQLError, match="no binary log"):
        loader.load("loading", "t")
    assert loader.tables.all() == []


def test_cascades_that_the_log_does_not_have_are_refused(
    server: Server, past: Connection
) -> None:
    """They were InnoDB's own until 9.6; here the backend is said to be older."""
    run(
        past,
        "CREATE TABLE t (id INT PRIMARY KEY)",
        "CREATE TABLE child (id INT PRIMARY KEY, t INT,"
        " CONSTRAINT falls FOREIGN KEY (t) REFERENCES t (id) ON DELETE CASCADE)",
    )
    try:
        with closing(BulkReader(address_of(server))) as reader:

            def older(sql: str) -> list[tuple[Any, ...]]:
                return [] if "native_foreign_keys" in sql else reader.query(sql)

            with pytest.raises(MySQLError, match="'falls' changes rows by cascades"):
                describe(older, "loading", "child")
            assert describe(reader.query, "loading", "child") is not None
            assert describe(older, "loading", "t") is not None
    finally:
        run(past, "DROP TABLE child")


@pytest.mark.parametrize("which", [0, 1])
def test_a_load_that_is_called_off_leaves_nothing(
    past: Connection, loader: Loader, follower: Followed, which: int
) -> None:
    run(
        past,
        "CREATE TABLE t (id INT PRIMARY KEY)",
        f"INSERT INTO t {NUMBERS.format(1000)} SELECT i FROM n",
    )
    stops: list[Any] = []

    def listen(stop: Any) -> None:
        stops.append(stop)
        if len(stops) == which + 1:
            stop()

    with pytest.raises(MySQLError) as caught:
        loader.load("loading", "t", listen)
    assert caught.value.number == 1317
    assert loader.tables.all() == []
    assert loader.engine.tables() == []
    assert follower.joined == []
    loaded = loader.load("loading", "t")  # and nothing is in the way of another
    assert loaded.table.rows == 1000


def test_loading_again_takes_the_place_of_the_first(
    past: Connection, loader: Loader, follower: Followed
) -> None:
    run(past, "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    first = loader.load("loading", "t").table
    run(past, "INSERT INTO t VALUES (2)")
    second = loader.load("loading", "t").table
    assert held_rows(loader, second) == [(1,), (2,)]
    assert loader.engine.tables() == [second.engine_name]
    assert loader.tables.all() == [second]
    assert first.engine_name in follower.left
    loader.unload(second)
    assert loader.tables.all() == []
    assert loader.engine.origins() == {}


# --- one moment, whose place in the binary log is known -------------------------------


def log_position(connection: Connection) -> tuple[str, int]:
    name, offset, *_ = rows(connection, "SHOW BINARY LOG STATUS")[0]
    return name, offset


def test_the_rows_are_those_of_the_position_that_the_load_names(
    server: Server, past: Connection, loader: Loader, follower: Followed
) -> None:
    """A writer notes where the log was behind each of its transactions."""
    run(past, "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (0)")
    ends = {0: log_position(past)}
    done = threading.Event()

    def write() -> None:
        with closing(server.connect_backend(database="loading")) as writer:
            number = 0
            while not done.is_set():
                number += 1
                run(writer, f"INSERT INTO t VALUES ({number})")
                ends[number] = log_position(writer)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(5):
            before = len(ends)
            until(lambda before=before: len(ends) > before + 20)
            loaded = loader.load("loading", "t")
            seen = len(held_rows(loader, loaded.table)) - 1
            until(lambda seen=seen: seen + 1 in ends)
            _, since, exact, _ = follower.joined[-1]
            assert exact
            assert since is not None
            position = since.file, since.offset
            assert ends[seen] <= position < ends[seen + 1]
    finally:
        done.set()
        thread.join()


def test_behind_a_long_transaction_rows_are_read_without_a_lock(
    server: Server, past: Connection, loader: Loader, follower: Followed
) -> None:
    run(past, "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    before = log_position(past)
    with closing(server.connect_backend(database="loading", autocommit=False)) as open_:
        run(open_, "INSERT INTO t VALUES (2)")
        loaded = loader.load("loading", "t")
        run(open_, "ROLLBACK")
    assert held_rows(loader, loaded.table) == [(1,)]
    _, since, exact, until_ = follower.joined[-1]
    assert not exact
    assert since is not None
    assert until_ is not None
    assert since < until_
    assert (since.file, since.offset) >= before


def test_without_a_key_there_must_be_a_moment_without_open_changes(
    server: Server,
    past: Connection,
    loader: Loader,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshot, "ATTEMPTS", 2)
    run(past, "CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1)")
    with closing(server.connect_backend(database="loading", autocommit=False)) as open_:
        run(open_, "INSERT INTO t VALUES (2)")
        with pytest.raises(
            MySQLError, match="No moment without open changes"
        ) as caught:
            loader.load("loading", "t")
        run(open_, "COMMIT")
    assert caught.value.number == 3877
    assert loader.tables.all() == []
    assert held_rows(loader, loader.load("loading", "t").table) == [(1,), (2,)]


def test_writers_do_not_wait_for_a_load_that_waits(
    server: Server,
    past: Connection,
    loader: Loader,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of the time that the load asks for its lock, most is free for others."""
    monkeypatch.setattr(snapshot, "ATTEMPTS", 20)
    run(past, "CREATE TABLE t (id INT)")
    load = threading.Thread(target=_may_fail, args=(loader,))
    with closing(server.connect_backend(database="loading", autocommit=False)) as open_:
        run(open_, "INSERT INTO t VALUES (0)", "SET innodb_lock_wait_timeout = 1")
        load.start()
        run(past, "SET lock_wait_timeout = 3")  # else it would wait for the other's end
        for number in range(100):
            run(past, f"INSERT INTO t VALUES ({number})")
        run(open_, "COMMIT")
    load.join()
    assert value(past, "SELECT COUNT(*) FROM t") == 101


def _may_fail(loader: Loader) -> None:
    with suppress(MySQLError):
        loader.load("loading", "t")


def test_ddl_waits_until_the_rows_are_read_and_no_longer(
    server: Server, past: Connection, loader: Loader
) -> None:
    run(past, "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    with (
        closing(server.connect_backend(database="loading")) as other,
        running(other, "ALTER TABLE t ADD COLUMN v INT") as changed,
    ):
        loaded = loader.load("loading", "t")
        changed.result()
    assert len(loaded.table.columns) in (1, 2)
    again = loader.load("loading", "t")
    assert held_rows(loader, again.table) == [(1, None)]


def test_a_backend_that_goes_away_ends_the_load(
    server: Server, past: Connection, loader: Loader, follower: Followed
) -> None:
    run(past, "CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1)")
    with closing(server.connect_backend(database="loading", autocommit=False)) as open_:
        run(open_, "INSERT INTO t VALUES (2)")
        problems: list[BaseException] = []

        def load() -> None:
            try:
                loader.load("loading", "t")
            except BaseException as problem:
                problems.append(problem)

        thread = threading.Thread(target=load)
        thread.start()
        sql = (
            "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE"
            " 'LOCK TABLES `loading`.`t` READ'"
        )
        (number,) = until(lambda: rows(past, sql))[0]
        with suppress(pymysql.MySQLError):  # it may have gone by itself
            run(past, f"KILL {number}")
        thread.join()
        run(open_, "ROLLBACK")
    assert len(problems) == 1
    assert loader.tables.all() == []
    assert loader.engine.tables() == []
