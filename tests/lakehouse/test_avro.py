"""Avro files: their types as MySQL's, their values exactly, and what is refused."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import fastavro
import pyarrow as pa
import pytest

from heatproxy.errors import MySQLError
from heatproxy.lakehouse import reader
from heatproxy.lakehouse.dialect import Dialect
from heatproxy.lakehouse.streams import DataFile

AVRO = Dialect(format="avro")
Rows = list[dict[str, Any]]


def write(
    path: Path, fields: list[dict[str, Any]], rows: Rows, codec: str = "null"
) -> DataFile:
    schema = {"type": "record", "name": "r", "fields": fields}
    with open(path, "wb") as stream:
        fastavro.writer(stream, schema, rows, codec=codec)
    return DataFile(path, path.name, path.stat().st_size)


def logical(physical: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": physical, "logicalType": name, **more}


COLUMNS: list[tuple[str, Any, Any, str]] = [
    ("b", "boolean", True, "tinyint"),
    ("i", "int", -(2**31), "int"),
    ("l", "long", 2**63 - 1, "bigint"),
    ("f", "float", 0.5, "float"),
    ("d", "double", 1e300, "double"),
    ("s", "string", "ä€x", "varchar(3)"),
    ("y", "bytes", b"\x00\xff", "longblob"),
    ("e", {"type": "enum", "name": "e", "symbols": ["A", "BB"]}, "BB", "varchar(2)"),
    (
        "n",
        logical("bytes", "decimal", precision=38, scale=10),
        Decimal("-1234567890123456789012345678.0000000001"),
        "decimal(38,10)",
    ),
    ("day", logical("int", "date"), date(1969, 12, 31), "date"),
    ("t", logical("int", "time-millis"), time(23, 59, 59, 999000), "time(3)"),
    (
        "m",
        logical("long", "timestamp-micros"),
        datetime(2024, 2, 29, 12, 0, 0, 1, UTC),
        "datetime(6)",
    ),
    (
        "u",
        logical("string", "uuid"),
        UUID("12345678-1234-5678-1234-567812345678"),
        "varchar(36)",
    ),
]


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_every_type_keeps_its_value(tmp_path: Path, codec: str) -> None:
    fields = [{"name": n, "type": ["null", kind]} for n, kind, _, _ in COLUMNS]
    rows = [{n: value for n, _, value, _ in COLUMNS}, {n: None for n, *_ in COLUMNS}]
    file = write(tmp_path / "t.avro", fields, rows, codec)
    columns = reader.infer([file], AVRO).columns
    assert [c.type.sql() for c in columns] == [wanted for *_, wanted in COLUMNS]
    assert all(column.nullable for column in columns)
    table = reader.open_table([file], AVRO, columns).reader.read_all()
    found, nulls = table.to_pylist()
    assert set(nulls.values()) == {None}
    expected = {n: value for n, _, value, _ in COLUMNS}
    expected |= {
        "b": 1,
        "t": timedelta(hours=23, minutes=59, seconds=59, milliseconds=999),
        "m": datetime(2024, 2, 29, 12, 0, 0, 1),
        "u": str(expected["u"]),
    }
    assert found == expected


def test_what_is_not_a_union_with_null_is_not_null(tmp_path: Path) -> None:
    file = write(tmp_path / "t.avro", [{"name": "a", "type": "int"}], [{"a": 7}])
    (column,) = reader.infer([file], AVRO).columns
    assert not column.nullable


@pytest.mark.parametrize(
    ("kind", "value", "number"),
    [
        (["int", "string"], 1, 6078),
        (["null", "int", "string"], 1, 6078),
        ({"type": "array", "items": "int"}, [1], 6075),
        ({"type": "map", "values": "int"}, {"a": 1}, 6075),
        (
            {"type": "record", "name": "x", "fields": [{"name": "a", "type": "int"}]},
            {"a": 1},
            6075,
        ),
    ],
)
def test_what_is_no_column_of_mysqls_is_refused(
    tmp_path: Path, kind: Any, value: Any, number: int
) -> None:
    file = write(tmp_path / "t.avro", [{"name": "c", "type": kind}], [{"c": value}])
    with pytest.raises(MySQLError, match=r"Column 1 in t\.avro") as error:
        reader.infer([file], AVRO)
    assert error.value.number == number


def test_files_of_different_schemas_are_6072(tmp_path: Path) -> None:
    one = write(tmp_path / "1.avro", [{"name": "a", "type": "int"}], [{"a": 1}])
    two = write(tmp_path / "2.avro", [{"name": "b", "type": "int"}], [{"b": 1}])
    with pytest.raises(MySQLError, match=r"2\.avro") as error:
        reader.infer([one, two], AVRO)
    assert error.value.number == 6072


def test_a_file_that_is_no_avro_is_6103(tmp_path: Path) -> None:
    path = tmp_path / "t.avro"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(MySQLError, match=r"t\.avro") as error:
        reader.infer([DataFile(path, path.name, 8)], AVRO)
    assert error.value.number == 6103


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_a_file_cut_or_damaged_anywhere_is_an_error(tmp_path: Path, codec: str) -> None:
    rows = [{"a": n} for n in range(200)]
    whole = write(tmp_path / "t.avro", [{"name": "a", "type": "int"}], rows, codec)
    data = whole.path.read_bytes()
    (column,) = reader.infer([whole], AVRO).columns
    path = tmp_path / "cut.avro"
    for end in range(1, len(data), 7):
        path.write_bytes(data[:end])
        cut = DataFile(path, path.name, end)
        try:
            read = reader.open_table([cut], AVRO, (column,)).reader.read_all()
        except MySQLError as error:
            assert error.number in (6076, 6086, 6103)  # noqa: PT017 - of many cuts
        else:
            assert read.num_rows == 0  # all that is left is the header


def test_a_value_that_does_not_fit_names_its_column(tmp_path: Path) -> None:
    file = write(tmp_path / "t.avro", [{"name": "a", "type": "int"}], [{"a": 300}])
    small = reader.infer([file], AVRO).columns[0]
    narrow = type(small)("a", type(small.type)("tinyint"), nullable=True)
    with pytest.raises(MySQLError, match="tinyint exceeds max") as error:
        reader.open_table([file], AVRO, (narrow,)).reader.read_all()
    assert error.value.number == 6051


def test_rows_come_as_arrow(tmp_path: Path) -> None:
    file = write(tmp_path / "t.avro", [{"name": "a", "type": "int"}], [{"a": 1}])
    columns = reader.infer([file], AVRO).columns
    table = reader.open_table([file, file], AVRO, columns).reader.read_all()
    assert table.schema.types == [pa.int32()]
    assert table.num_rows == 2


def test_types_that_are_named_again_and_uuids_in_bytes(tmp_path: Path) -> None:
    colour = {"type": "enum", "name": "colour", "symbols": ["red", "blue"]}
    price = {"name": "price", "size": 8, **logical("fixed", "decimal", precision=9)}
    fields = [
        {"name": "a", "type": colour},
        {"name": "b", "type": ["null", "colour"]},
        {"name": "c", "type": price},
        {"name": "d", "type": "price"},
        {"name": "e", "type": {"name": "id", "size": 16, **logical("fixed", "uuid")}},
    ]
    row = {"a": "red", "b": "blue", "c": Decimal(7), "d": Decimal(-8)}
    one = UUID(int=5)
    file = write(tmp_path / "t.avro", fields, [row | {"e": one.bytes}])
    columns = reader.infer([file], AVRO).columns
    kinds = [column.type.sql() for column in columns]
    text = ["varchar(3)", "varchar(4)", "decimal(9,0)", "decimal(9,0)", "varchar(36)"]
    assert kinds == text
    table = reader.open_table([file], AVRO, columns).reader.read_all()
    assert table.to_pylist() == [row | {"e": str(one)}]
