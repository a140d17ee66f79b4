"""Bad files: each a clear error with its number, or warnings and nothing lost."""

import bz2
import gzip
import io
import zipfile
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heatproxy.datatypes import Column, parse
from heatproxy.errors import MySQLError
from heatproxy.lakehouse import reader
from heatproxy.lakehouse.dialect import parse_dialect
from heatproxy.lakehouse.streams import DataFile

MakeFile = Callable[..., DataFile]
COMMA = {"field_delimiter": ",", "record_delimiter": "\n"}
TEXT = b"1,ann\n2,bob\n" * 400


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def as_parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue().to_pybytes())


def failing(file: DataFile, dialect: dict[str, object]) -> MySQLError:
    """The error of inferring and reading a file."""
    given = parse_dialect(dialect, "t")

    def read() -> None:
        found = reader.infer([file], given)
        reader.open_table([file], given, found.columns).reader.read_all()

    with pytest.raises(MySQLError) as caught:
        read()
    return caught.value


@pytest.mark.parametrize(
    ("content", "dialect", "number", "words"),
    [
        pytest.param(gzip.compress(TEXT)[:40], COMMA, 6445, "extract", id="cut-gzip"),
        pytest.param(bz2.compress(TEXT)[:30], COMMA, 6445, "extract", id="cut-bz2"),
        pytest.param(zipped(a=TEXT)[:80], COMMA, 6445, "not a zip", id="cut-zip"),
        pytest.param(zipped(a=TEXT, b=TEXT), COMMA, 6445, "2 files", id="two-in-a-zip"),
        pytest.param(zipped(), COMMA, 6445, "0 files", id="empty-zip"),
        pytest.param(
            TEXT, COMMA | {"compression": "gzip"}, 6445, "not gzip", id="not-packed"
        ),
        pytest.param(b"1,\xff\xfe\n", COMMA, 6061, "encoding", id="not-utf-8"),
        pytest.param(b"1,\xc3", COMMA, 6061, "encoding", id="cut-character"),
        pytest.param(
            b"a" * 999, COMMA | {"encoding": "utf16"}, 6061, "encoding", id="odd-utf16"
        ),
        pytest.param(b'1,"ann\n2,bob\n', COMMA, 6061, "quoted field", id="open-quote"),
        pytest.param(b"", COMMA, 6098, "No valid data", id="empty"),
        pytest.param(b"\n\n\n", COMMA, 6098, "No valid data", id="empty-lines"),
        pytest.param(
            b"id,name\n", COMMA | {"has_header": True}, 6098, "No valid", id="header"
        ),
        pytest.param(
            b"x\n", COMMA | {"skip_rows": 20}, 6098, "No valid data", id="all-skipped"
        ),
        pytest.param(
            b",".join([b"1"] * 1018) + b"\n", COMMA, 6063, "1017 column", id="columns"
        ),
        pytest.param(b"1,ann\n2\n", COMMA, 6062, "found 1", id="too-few-fields"),
        pytest.param(b"1,ann\n2,b,c\n", COMMA, 6062, "found 3", id="too-many-fields"),
        pytest.param(
            b"x" * (5 << 20) + b"\n", COMMA, 6106, "4194304 bytes", id="long-record"
        ),
        pytest.param(
            b'"' + b"x" * (64 << 20) + b'"\n', COMMA, 6106, "4194304", id="64-mb-field"
        ),
        pytest.param(b"PAR1", {"format": "parquet"}, 6104, "cannot open", id="short"),
        pytest.param(
            as_parquet(pa.table({"a": [1] * 999}))[:-30],
            *({"format": "parquet"}, 6104, "cannot open"),
            id="cut-parquet",
        ),
        pytest.param(
            as_parquet(pa.table({"a": [[1], [2]]})),
            *({"format": "parquet"}, 1235, "column a"),
            id="nested-parquet",
        ),
        pytest.param(TEXT, {"format": "avro"}, 6103, "avro header", id="not-avro"),
        pytest.param(b'{"a": 1}\n{"a"', {"format": "json"}, 6121, "JSON", id="json"),
    ],
)
def test_a_bad_file_is_an_error_with_its_number(
    make_file: MakeFile,
    content: bytes,
    dialect: dict[str, object],
    number: int,
    words: str,
) -> None:
    error = failing(make_file(content, "bad"), dialect)
    assert (error.number, words in error.message) == (number, True), error


def test_a_zip_bomb_is_read_no_further_than_its_first_record(
    make_file: MakeFile,
) -> None:
    bomb = gzip.compress(bytes(200 << 20), 1)
    assert failing(make_file(bomb, "bomb.gz"), COMMA).number == 6106


def test_files_of_different_widths_are_not_one_table(make_file: MakeFile) -> None:
    files = [make_file("1,2\n", "a.csv"), make_file("1,2,3\n", "b.csv")]
    with pytest.raises(MySQLError) as caught:
        reader.infer(files, parse_dialect(COMMA, "t"))
    assert (caught.value.number, caught.value.message) == (
        6093,
        "Column count mismatch between files: 'a.csv' has 2 columns, but 'b.csv' has"
        " 3 columns.",
    )


def test_bytes_that_are_no_text_are_told_where_they_are(make_file: MakeFile) -> None:
    file = make_file(b"1,caf\xc3\xa9\n2,\xff\xfe\n", "a.csv")
    with pytest.raises(MySQLError) as caught:
        reader.infer([file], parse_dialect(COMMA, "t"))
    assert caught.value.number == 6061
    assert caught.value.message.startswith("a.csv at byte offset 10: ")


def test_parquet_columns_are_matched_by_their_order_whatever_they_are_called(
    make_file: MakeFile,
) -> None:
    sure = pa.schema([pa.field("k", pa.int64(), nullable=False)])
    files = [
        make_file(as_parquet(one), name)
        for name, one in (
            ("a", pa.table({"k": [1]}, schema=sure)),
            ("b", pa.table({"other": pa.array([None, 7], pa.int64())})),
        )
    ]
    dialect = parse_dialect({"format": "parquet"}, "t")
    found = reader.infer(files, dialect)
    assert [(one.name, one.nullable) for one in found.columns] == [("k", True)]


def test_parquet_files_of_different_types_are_not_one_table(
    make_file: MakeFile,
) -> None:
    files = [
        make_file(as_parquet(pa.table({"k": [1], "w": values})), name)
        for name, values in (("a", ["x"]), ("b", [7]))
    ]
    with pytest.raises(MySQLError) as caught:
        reader.infer(files, parse_dialect({"format": "parquet"}, "t"))
    assert (caught.value.number, caught.value.message) == (
        6088,
        "Column 2 in b: Difference in column type among Parquet files. (`w`)",
    )


@pytest.mark.parametrize(
    ("kind", "value", "strictly", "warned", "kept"),
    [
        ("tinyint", "300", 6051, 6053, 127),
        ("tinyint", "-300", 6050, 6052, -128),
        ("int unsigned", "-1", 6050, 6052, 0),
        ("int", "x", 6045, 6045, 0),
        ("decimal(4,2)", "123.4", 6051, 6053, "99.99"),
        ("date", "2024-02-30", 6056, None, None),
        ("varchar(2)", "abc", 6066, 6057, "ab"),
        ("year", "1800", 6045, 6045, 0),
    ],
)
def test_a_value_that_does_not_fit(
    make_file: MakeFile,
    kind: str,
    value: str,
    strictly: int,
    warned: int | None,
    kept: object,
) -> None:
    """An error in strict mode; else a warning, the offset of the row, a value."""
    columns = (Column("k", parse("int")), Column("v", parse(kind), nullable=False))
    dialect = parse_dialect(COMMA, "t")
    file = make_file(f"2,{value}\n")
    with pytest.raises(MySQLError) as caught:
        reader.open_table([file], dialect, columns).reader.read_all()
    assert caught.value.number == strictly
    assert "row starting at t.csv:0" in caught.value.message or strictly == 6066
    lenient = reader.open_table([file], dialect, columns, strict=False)
    if warned is None:
        with pytest.raises(MySQLError):  # there is no date to put there
            lenient.reader.read_all()
        return
    table = lenient.reader.read_all()
    assert [str(table["v"][0])] == [str(kept)]
    assert [one.number for one in lenient.warnings][:1] == [warned]


def test_a_thousand_columns_are_read(make_file: MakeFile) -> None:
    line = ",".join(str(k) for k in range(1000))
    file = make_file(f"{line}\n" * 50)
    dialect = parse_dialect(COMMA, "t")
    found = reader.infer([file], dialect)
    table = reader.open_table([file], dialect, found.columns).reader.read_all()
    assert (table.num_rows, table.num_columns) == (50, 1000)
    assert table[999][49].as_py() == 999


def test_warnings_beyond_what_is_kept_are_counted(make_file: MakeFile) -> None:
    file = make_file("300\n" * 1500)
    columns = (Column("v", parse("tinyint")),)
    dialect = parse_dialect(COMMA, "t")
    reading = reader.open_table([file], dialect, columns, strict=False)
    assert reading.reader.read_all().num_rows == 1500
    assert len(reading.warnings) == reader.MOST_WARNINGS
    assert reading.warnings[3].message == (
        "Column 1 of row starting at t.csv:12 : tinyint exceeds max, setting to max"
        " value possible."
    )
    assert reading.warning_count == 1500
