"""What holds for every declared format, and what the lesser ones do."""

import json
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heatproxy.datatypes import Column, parse
from heatproxy.errors import MySQLError
from heatproxy.lakehouse import parquet, reader
from heatproxy.lakehouse.dialect import FORMATS as NAMES
from heatproxy.lakehouse.dialect import Dialect
from heatproxy.lakehouse.formats import FORMATS, Format, format_of
from heatproxy.lakehouse.streams import DataFile

MakeFile = Callable[..., DataFile]
INT_FIELD = {"name": "a", "type": "int"}
# a Delta table is no file but a folder, see test_delta
BY_FILE = [one for one in FORMATS if one.name != "delta"]


def sample(name: str, folder: Path) -> DataFile:
    path = folder / f"sample.{name}"
    if name == "parquet":
        pq.write_table(pa.table({"a": [1, 2, 3]}), path)
    elif name == "avro":
        schema = {"type": "record", "name": "r", "fields": [INT_FIELD]}
        with open(path, "wb") as stream:
            fastavro.writer(stream, schema, [{"a": n} for n in (1, 2, 3)])
    else:
        path.write_text({"csv": "1,x\n2,y\n3,z\n", "json": '{"a":1}\n2\n"x"\n'}[name])
    return DataFile(path, path.name, path.stat().st_size)


@pytest.mark.parametrize("one", BY_FILE, ids=lambda one: one.name)
def test_what_a_format_infers_it_reads_in_exactly_those_types(
    one: Format, tmp_path: Path
) -> None:
    file, dialect = sample(one.name, tmp_path), Dialect(format=one.name)
    seen: list[int] = []
    inferred = reader.infer([file], dialect, progress=seen.append)
    assert inferred.rows == 3
    assert sum(seen) > 0
    reading = reader.open_table([file, file], dialect, inferred.columns)
    table = reading.reader.read_all()
    assert table.num_rows == reading.rows_read == 6
    assert table.schema.types == [column.type.arrow() for column in inferred.columns]


@pytest.mark.parametrize("one", BY_FILE, ids=lambda one: one.name)
def test_a_format_can_be_cancelled(one: Format, tmp_path: Path) -> None:
    file, dialect = sample(one.name, tmp_path), Dialect(format=one.name)
    columns = reader.infer([file], dialect).columns
    reading = reader.open_table([file], dialect, columns, cancelled=lambda: True)
    with pytest.raises(MySQLError) as error:
        reading.reader.read_all()
    assert error.value.number == 1317


@pytest.mark.parametrize("name", sorted(set(NAMES) - {one.name for one in FORMATS}))
def test_a_format_without_a_reader_is_refused_by_name(name: str) -> None:
    with pytest.raises(MySQLError, match=f"format {name}") as error:
        format_of(Dialect(format=name))
    assert error.value.number == 1235


def test_parquet_types_become_mysqls(tmp_path: Path) -> None:
    table = pa.table(
        {
            "i": pa.array([1, None], pa.int16()),
            "u": pa.array([1, 2], pa.uint64()),
            "b": pa.array([True, False]),
            "f": pa.array([0.5, float("nan")]),
            "d": pa.array([Decimal("1.25"), None], pa.decimal128(9, 2)),
            "s": pa.array(["ab", "ä€x"]),
            "day": pa.array([date(2024, 1, 2), None]),
            "ts": pa.array([datetime(2024, 1, 2, 3), None], pa.timestamp("us")),
            "t": pa.array([time(1, 2, 3), None], pa.time64("us")),
        }
    )
    path = tmp_path / "t.parquet"
    pq.write_table(table, path)
    file, dialect = DataFile(path, "t", 1), Dialect(format="parquet")
    columns = reader.infer([file], dialect).columns
    assert [column.type.sql() for column in columns] == [
        "smallint", "bigint unsigned", "tinyint", "double", "decimal(9,2)",
        "varchar(3)", "date", "datetime(6)", "time(6)",
    ]  # fmt: skip
    read = reader.open_table([file], dialect, columns).reader.read_all()
    assert read["f"].to_pylist() == [0.5, None]
    assert read["b"].to_pylist() == [1, 0]
    assert read["t"].cast(pa.int64()).to_pylist() == [3_723_000_000, None]


def test_a_nested_parquet_column_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"deep": [[1]]}), path)
    with pytest.raises(MySQLError, match="column deep") as error:
        reader.infer([DataFile(path, "t", 1)], Dialect(format="parquet"))
    assert error.value.number == 1235


def test_a_file_that_is_no_parquet_is_6104(make_file: MakeFile) -> None:
    with pytest.raises(MySQLError, match=r"t\.csv") as error:
        reader.infer([make_file("hello")], Dialect(format="parquet"))
    assert error.value.number == 6104


def test_json_lines_are_documents_and_bad_ones_are_6121(make_file: MakeFile) -> None:
    lines = ['{"a": "x, \\"y\\""}', "", "[1,2]", " 3 "]
    columns = (Column("doc", parse("json")),)
    file = make_file("\n".join(lines))
    table = reader.open_table([file], Dialect(format="json"), columns).reader.read_all()
    found = [json.loads(text) for text in table["doc"].to_pylist()]
    assert found == [{"a": 'x, "y"'}, [1, 2], 3]
    bad = make_file('{"a": 1}\n{a}\nNULL\n')
    with pytest.raises(MySQLError, match=r"t\.csv:9") as error:
        reader.open_table([bad], Dialect(format="json"), columns).reader.read_all()
    assert error.value.number == 6121
    lenient = reader.open_table([bad], Dialect(format="json"), columns, strict=False)
    assert lenient.reader.read_all()["doc"].to_pylist() == ['{"a": 1}', None, None]
    assert lenient.warning_count == 2


@pytest.mark.parametrize("is_fetched", [True, False])
def test_a_parquet_file_is_the_same_mapped_or_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_fetched: bool
) -> None:
    """And what was read of a mapped one is given back again and again."""
    monkeypatch.setattr(parquet, "ROWS_PER_BATCH", 100)
    monkeypatch.setattr(parquet, "BATCHES_MAPPED", 2)
    path = tmp_path / "t.parquet"
    texts = [f"text {k % 7}" for k in range(5000)]
    written = pa.table({"k": range(5000), "v": texts})
    pq.write_table(written, path, row_group_size=700)
    file = DataFile(path, path.name, path.stat().st_size, is_fetched=is_fetched)
    dialect = Dialect(format="parquet")
    columns = reader.infer([file], dialect).columns
    found = reader.open_table([file], dialect, columns).reader.read_all()
    assert found.to_pylist() == written.to_pylist()
    for content in (b"", b"PAR1 and no more"):
        path.write_bytes(content)
        size = len(content)
        broken = DataFile(path, path.name, size, is_fetched=is_fetched)
        with pytest.raises(MySQLError) as caught:
            reader.infer([broken], dialect)
        assert caught.value.number == 6104
