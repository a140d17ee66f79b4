"""The DuckDB engine: whole loads, faithful types, one cursor a query."""

import datetime
import os
import signal
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from heatproxy.datatypes import Column, parse
from heatproxy.engine import ENGINES, DuckDB, Engine, Trap
from heatproxy.errors import MySQLError

TYPES: list[tuple[str, Any]] = [
    ("tinyint", -128),
    ("tinyint unsigned", 255),
    ("smallint unsigned", 65535),
    ("mediumint", -8388608),
    ("mediumint unsigned", 16777215),
    ("int unsigned", 2**32 - 1),
    ("bigint", -(2**63)),
    ("bigint unsigned", 2**64 - 1),
    ("decimal(38,10)", Decimal("1234567890123456789012345678.0123456789")),
    ("decimal(5,2) unsigned", Decimal("999.99")),
    ("float", 0.5),
    ("double", 1e300),
    ("date", datetime.date(1000, 1, 1)),
    ("datetime(6)", datetime.datetime(9999, 12, 31, 23, 59, 59, 999999)),
    ("timestamp", datetime.datetime(2038, 1, 19, 3, 14, 7)),
    ("time", datetime.timedelta(hours=-838, minutes=-59, seconds=-59)),
    ("time(6)", datetime.timedelta(hours=838, microseconds=1)),
    ("year", 2155),
    ("char(5)", "é😀"),
    ("longtext", "a\0b" * 1000),
    ("json", '{"a": 1}'),
    ("enum('a','b')", "b"),
    ("set('a','b')", "a,b"),
    ("varbinary(9)", b"\x00\xff"),
    ("bit(64)", b"\xff" * 8),
]


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    held = DuckDB(tmp_path / "e.duckdb", "300MB", 2)
    yield held
    held.close()


def columns(*types: str) -> list[Column]:
    return [Column(f"x{n}", parse(kind)) for n, kind in enumerate(types)]


def rows(defined: list[Column], *values: tuple[Any, ...]) -> pa.RecordBatchReader:
    arrays = [
        pa.array([row[n] for row in values], column.type.arrow())
        for n, column in enumerate(defined)
    ]
    batch = pa.RecordBatch.from_arrays(arrays, [column.name for column in defined])
    return pa.RecordBatchReader.from_batches(batch.schema, [batch])


def answer(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    table = engine.run(sql).reader.read_all()
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


@pytest.mark.parametrize("make", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize(("kind", "value"), TYPES, ids=[kind for kind, _ in TYPES])
def test_a_value_comes_back_in_the_type_it_travels_in(
    tmp_path: Path, make: Any, kind: str, value: Any
) -> None:
    engine = make(tmp_path / "e", "300MB", 1)
    defined = columns(kind)
    engine.load("t", defined, rows(defined, (value,), (None,)))
    table = engine.read("t").reader.read_all()
    engine.close()
    assert table.column(0).to_pylist() == [value, None]
    assert table.schema.field(0).type == defined[0].type.arrow()


def test_columns_are_read_by_name(engine: DuckDB) -> None:
    defined = columns("int", "time", "int")
    engine.load("t", defined, rows(defined, (1, datetime.timedelta(1), 3)))
    table = engine.read("t", ["x2", "x1"]).reader.read_all()
    assert table.to_pylist() == [{"x2": 3, "x1": datetime.timedelta(1)}]


def test_a_load_replaces_the_table_of_its_name(engine: DuckDB) -> None:
    old, new = columns("int"), columns("varchar(9)", "int")
    engine.load("a.b", old, rows(old, (1,), (2,)))
    facts = engine.load("a.b", new, rows(new, ("x", 7)))
    assert answer(engine, 'SELECT * FROM "a.b"') == [("x", 7)]
    assert engine.tables() == ["a.b"]
    assert engine.facts("a.b") == facts
    assert facts.rows == 1


def broken(defined: list[Column]) -> pa.RecordBatchReader:
    whole = next(iter(rows(defined, (1,), (2,))))

    def batches() -> Any:
        yield whole
        raise RuntimeError("the source broke")

    return pa.RecordBatchReader.from_batches(whole.schema, batches())


def test_a_load_that_fails_leaves_nothing_and_keeps_the_old(engine: DuckDB) -> None:
    defined = columns("int")
    with pytest.raises(RuntimeError, match="the source broke"):
        engine.load("t", defined, broken(defined))
    assert engine.tables() == []
    engine.load("t", defined, rows(defined, (5,)))
    with pytest.raises(RuntimeError, match="the source broke"):
        engine.load("t", defined, broken(defined))
    assert answer(engine, "SELECT * FROM t") == [(5,)]
    assert engine.facts("t").rows == 1


def test_a_value_that_does_not_fit_fails_the_load(engine: DuckDB) -> None:
    wide = columns("int")
    with pytest.raises(pa.ArrowInvalid):
        engine.load("t", columns("tinyint"), rows(wide, (300,)))
    assert engine.tables() == []


def test_names_that_differ_in_letter_case_only_are_refused(engine: DuckDB) -> None:
    defined = columns("int")
    engine.load("db.T", defined, rows(defined))
    with pytest.raises(MySQLError, match="letter case") as refusal:
        engine.load("db.t", defined, rows(defined))
    assert refusal.value.number == 1235


def test_a_dropped_table_is_gone(engine: DuckDB) -> None:
    defined = columns("int")
    engine.load("t", defined, rows(defined, (1,)))
    engine.drop("t")
    engine.drop("t")
    assert engine.tables() == []
    with pytest.raises(KeyError):
        engine.facts("t")


@pytest.mark.parametrize(
    ("texts", "ascii_only", "clean", "longest"),
    [
        (["a", "b", None], True, True, 1),
        (["a", "A"], True, False, 1),
        (["a", "a "], True, False, 2),
        (["a", "a", "~ !"], True, True, 3),
        (["é"], False, False, 1),
        (["a\tb"], False, False, 3),
        (["a\nb"], False, False, 3),
        (["a\0b"], False, False, 3),
        (["\x7f"], False, False, 1),
        ([None], True, True, 0),
        ([], True, True, 0),
    ],
)
def test_text_facts_are_those_of_the_rows(
    engine: DuckDB, texts: list[str], ascii_only: bool, clean: bool, longest: int
) -> None:
    defined = columns("varchar(20)")
    facts = engine.load("t", defined, rows(defined, *((text,) for text in texts)))
    found = facts.texts["x0"]
    assert (found.ascii, found.clean, found.longest) == (ascii_only, clean, longest)


def test_tables_and_facts_outlive_a_kill(tmp_path: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_duck import *
engine = DuckDB(Path({str(tmp_path / "e")!r}), "300MB", 1)
defined = columns("int", "enum('a','b')")
engine.load("db.t", defined, rows(defined, (1, "a"), (2, "b")))
print("loaded", flush=True)
try:
    engine.load("db.t", defined[:1], broken(defined[:1]))
finally:
    sys.stdin.read()
"""
    child = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert child.stdout
    assert child.stdin
    assert child.stdout.readline() == b"loaded\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdin.close()
    child.stdout.close()
    engine = DuckDB(tmp_path / "e", "300MB", 1)
    assert engine.tables() == ["db.t"]
    assert answer(engine, 'SELECT * FROM "db.t" ORDER BY 1') == [(1, "a"), (2, "b")]
    assert engine.facts("db.t").columns == tuple(columns("int", "enum('a','b')"))
    engine.close()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "COPY (SELECT 1) TO '/tmp/heatproxy_never.csv'",
        "ATTACH '/tmp/heatproxy_never.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SELECT * FROM 'http://127.0.0.1:9/x.parquet'",
        "SELECT * FROM local_rows",
    ],
)
def test_sql_reaches_no_file_network_or_variable(engine: DuckDB, sql: str) -> None:
    local_rows = pa.table({"secret": [1]})
    assert local_rows
    with pytest.raises((duckdb.Error, Trap)):
        engine.run(sql).reader.read_all()


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT error('heatproxy: zero') FROM range(3)", "heatproxy: zero"),
        ("SELECT 9223372036854775807 + range FROM range(3)", "Overflow in addition"),
        ("SELECT CAST(range || 'x' AS INTEGER) FROM range(3)", "Could not convert"),
        (
            "SELECT CASE WHEN range = 900000 THEN error('late') ELSE range END"
            " FROM range(1000000)",
            "late",
        ),
    ],
)
def test_rows_that_cannot_be_answered_are_traps(
    engine: DuckDB, sql: str, reason: str
) -> None:
    with pytest.raises(Trap, match=reason):
        engine.run(sql).reader.read_all()


def test_a_cancelled_query_ends_as_mysql_ends_it(engine: DuckDB) -> None:
    query = engine.run("SELECT a.range + b.range FROM range(10000000) a, range(1000) b")
    threading.Timer(0.05, query.cancel).start()
    with pytest.raises(MySQLError) as ended:
        for _ in query.reader:
            pass
    assert ended.value.number == 1317
    query.cancel()


def test_a_query_read_in_part_leaves_others_alone(engine: DuckDB) -> None:
    first = engine.run("SELECT range FROM range(1000000)")
    first.reader.read_next_batch()
    assert answer(engine, "SELECT 1") == [(1,)]
    first.close()
    first.cancel()


def test_threads_load_and_read_together(engine: DuckDB) -> None:
    defined = columns("int", "varchar(9)")
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(4):
                engine.load(f"t{number}", defined, rows(defined, (turn, "a")))
                assert answer(engine, f"SELECT * FROM t{number}") == [(turn, "a")]
                engine.load("shared", defined, rows(defined, (number, "s")))
                assert len(answer(engine, "SELECT * FROM shared")) == 1
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert engine.tables() == ["shared", "t0", "t1", "t2", "t3"]


def test_parameters_are_values(engine: DuckDB) -> None:
    table = engine.run("SELECT ? + 1, ?", [41, "a'b"]).reader.read_all()
    assert [column[0].as_py() for column in table.columns] == [42, "a'b"]
