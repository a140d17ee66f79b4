"""Queries that are asked again: on the rows as they are then, each by itself."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from heatproxy.datatypes import Column, parse
from heatproxy.engine import DuckDB, Trap
from heatproxy.engine.changes import TableChanges
from heatproxy.engine.repeated import MOST, Repeated
from heatproxy.errors import MySQLError

ROWS = 300_000  # several batches
SUM = "SELECT count(*), sum(a) FROM t"
ALL = "SELECT a FROM t"


def load(engine: DuckDB, values: pa.Array, kind: str = "bigint") -> None:
    table = pa.table({"a": values})
    engine.load("t", [Column("a", parse(kind))], table.to_reader())


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDB]:
    held = DuckDB(tmp_path / "e.duckdb", "300MB", 2)
    load(held, pa.array(range(ROWS)))
    yield held
    held.close()


def answer(engine: DuckDB, sql: str) -> list[tuple[object, ...]]:
    table = engine.run(sql).reader.read_all()
    return [tuple(row.values()) for row in table.to_pylist()]


def test_it_sees_what_has_changed_since(engine: DuckDB) -> None:
    whole = sum(range(ROWS))
    assert answer(engine, SUM) == [(ROWS, whole)]
    for more in (1_000_000, 2_000_000):
        changes = engine.apply()
        gone, come = pa.table({"a": pa.array([], pa.int64())}), pa.table({"a": [more]})
        changes.make(TableChanges("t", gone, come, unique=True, checked=True))
        changes.commit()
        whole += more
        assert answer(engine, SUM)[0][1] == whole


def test_it_is_of_the_table_that_bears_the_name(engine: DuckDB) -> None:
    assert len(answer(engine, ALL)) == ROWS
    load(engine, pa.array(["x", "y"]), "varchar(9)")
    assert answer(engine, ALL) == [("x",), ("y",)]
    engine.drop("t")
    with pytest.raises(Exception, match="does not exist"):
        answer(engine, ALL)
    load(engine, pa.array([7]))
    assert answer(engine, ALL) == [(7,)]


def test_several_may_ask_it_at_a_time(engine: DuckDB) -> None:
    queries = [engine.run(ALL) for _ in range(4)]
    first = [query.reader.read_next_batch().num_rows for query in queries]
    rest = [query.reader.read_all().num_rows for query in queries]
    assert [a + b for a, b in zip(first, rest, strict=True)] == [ROWS] * 4
    assert len(answer(engine, ALL)) == ROWS


def test_who_has_cancelled_does_not_meet_the_next_one(engine: DuckDB) -> None:
    before = engine.run(ALL)
    assert before.reader.read_all().num_rows == ROWS
    after = engine.run(ALL)
    first = after.reader.read_next_batch().num_rows
    before.cancel()
    before.close()
    assert first + after.reader.read_all().num_rows == ROWS


def test_what_was_cancelled_can_be_asked_again(engine: DuckDB) -> None:
    query = engine.run(ALL)
    query.reader.read_next_batch()
    query.cancel()
    with pytest.raises(MySQLError) as ended:
        query.reader.read_all()
    assert ended.value.number == 1317
    query.close()
    assert len(answer(engine, ALL)) == ROWS


def test_what_was_trapped_is_trapped_again(engine: DuckDB) -> None:
    sql = "SELECT CASE WHEN a = 250000 THEN error('no') ELSE a END FROM t"
    for _ in range(3):
        with pytest.raises(Trap):
            answer(engine, sql)


def test_parameters_are_those_of_the_call(engine: DuckDB) -> None:
    sql = "SELECT count(*) FROM t WHERE a < ?"
    for limit in (5, 7):
        found = engine.run(sql, [limit]).reader.read_all()
        assert found.column(0).to_pylist() == [limit]


def test_few_are_kept_and_none_when_it_closes(engine: DuckDB) -> None:
    repeated = Repeated(engine._connection)
    for number in range(MOST + 3):
        bound = repeated.take(f"SELECT {number}")
        assert bound.relation is None
        bound.relation = bound.cursor.sql(bound.sql)
        repeated.give_back(bound)
    assert repeated.take("SELECT 0").relation is None
    last = repeated.take(f"SELECT {MOST + 2}")
    assert last.relation is not None
    repeated.close()
    repeated.give_back(last)
    assert repeated.take(last.sql).relation is None
