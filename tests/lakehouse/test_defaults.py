"""Declared DEFAULTs: where a file or a record lacks a column, and empty fields."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heatproxy.datatypes import Column, parse
from heatproxy.errors import MySQLError
from heatproxy.lakehouse.dialect import parse_dialect
from heatproxy.lakehouse.reader import open_table
from heatproxy.lakehouse.streams import DataFile
from tests.lakehouse.conftest import MakeFile

LINES = {
    "field_delimiter": ",",
    "record_delimiter": "\n",
    "allow_missing_columns": True,
}
BY_NAME = LINES | {"has_header": True, "match_columns_by": "name_case_sensitive"}


def declared(
    kind: str, default: str | None, nullable: bool = False, computed: bool = False
) -> Column:
    return Column("b", parse(kind), nullable, default, computed)


def read(
    file: DataFile, dialect: dict[str, Any], column: Column, strict: bool
) -> tuple[list[Any], list[int]]:
    """The values of b, and the numbers of the warnings."""
    columns = [Column("a", parse("int")), column]
    reading = open_table([file], parse_dialect(dialect, "t"), columns, strict)
    values = reading.reader.read_all().column("b").to_pylist()
    return values, [one.number for one in reading.warnings]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("nullable", [True, False])
@pytest.mark.parametrize(
    ("kind", "default", "given", "value"),
    [
        ("int", "7", "5", 7),
        ("bigint unsigned", "18446744073709551615", "5", 2**64 - 1),
        ("varchar(9)", "none", "x", "none"),
        ("varchar(9)", "", "x", ""),
        ("char(3)", "é", "x", "é"),
        ("enum('x','Yes')", "Yes", "x", "Yes"),
        ("varbinary(4)", "0x00FF", "x", b"\x00\xff"),
        ("double", "1.5", "2", 1.5),
        ("year", "2024", "2020", 2024),
    ],
)
def test_a_record_or_a_file_without_the_column_gets_its_default(
    make_file: MakeFile,
    kind: str,
    default: str,
    given: str,
    value: object,
    nullable: bool,
    strict: bool,
) -> None:
    column = declared(kind, default, nullable)
    short = make_file(f"1\n2,{given}\n3\n")
    values, warned = read(short, LINES, column, strict)
    assert (values[0], values[2], warned) == (value, value, [])
    assert values[1] != value
    assert read(make_file("a\n1\n2\n"), BY_NAME, column, strict) == ([value] * 2, [])


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ("decimal(5,2)", "7.25"),
        ("date", "2020-02-29"),
        ("datetime(3)", "2020-02-29 01:02:03.500"),
        ("time", "-01:02:03"),
    ],
)
def test_a_default_is_read_as_a_field_that_says_the_same(
    make_file: MakeFile, kind: str, default: str
) -> None:
    values, _ = read(
        make_file(f"1\n2,{default}\n"), LINES, declared(kind, default), True
    )
    assert values[0] == values[1] is not None


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("nullable", [True, False])
def test_a_parquet_file_without_the_column_gets_its_default(
    make_file: MakeFile, nullable: bool, strict: bool
) -> None:
    held = io.BytesIO()
    pq.write_table(pa.table({"a": pa.array([1, 2], pa.int32())}), held)
    dialect = {"format": "parquet", "allow_missing_columns": True}
    file = make_file(held.getvalue(), "t.parquet")
    column = declared("decimal(5,2)", "7.25", nullable)
    values, warned = read(file, dialect, column, strict)
    assert ([str(value) for value in values], warned) == (["7.25", "7.25"], [])


def test_an_empty_field_of_a_not_null_column_gets_the_default_with_6044(
    make_file: MakeFile,
) -> None:
    file = make_file("1,\n2,5\n")
    assert read(file, LINES, declared("int", "7"), False) == ([7, 5], [6044])
    assert read(file, LINES, declared("int", None), False) == ([0, 5], [6044])
    day = declared("date", "2020-01-02")
    values, warned = read(make_file("1,\n", "day.csv"), LINES, day, False)
    assert ([str(value) for value in values], warned) == (["2020-01-02"], [6044])
    with pytest.raises(MySQLError) as error:
        read(file, LINES, declared("int", "7"), True)
    assert error.value.number == 6043


def test_null_and_empty_text_are_values_and_no_default(make_file: MakeFile) -> None:
    column = declared("int", "7", nullable=True)
    assert read(make_file("1,\\N\n2,\n"), LINES, column, True) == ([None, None], [])
    text = declared("varchar(3)", "x")
    assert read(make_file("1,\n2\n"), LINES, text, True) == (["", "x"], [])


def test_without_a_default_6042_is_as_ever(make_file: MakeFile) -> None:
    file = make_file("1\n2,5\n")
    assert read(file, LINES, declared("int", None), False) == ([0, 5], [6042])
    with pytest.raises(MySQLError) as error:
        read(file, LINES, declared("int", None), True)
    assert error.value.number == 6042


@pytest.mark.parametrize(
    "column",
    [
        declared("datetime", "CURRENT_TIMESTAMP", computed=True),
        declared("int", "(1 + 1)", nullable=True, computed=True),
        declared("timestamp", "2020-01-01 00:00:00"),
        declared("date", "0000-00-00"),
    ],
)
def test_a_default_that_is_not_known_here_is_refused_by_name_where_it_is_needed(
    make_file: MakeFile, column: Column
) -> None:
    for file, dialect in ((make_file("1\n"), LINES), (make_file("a\n1\n"), BY_NAME)):
        with pytest.raises(MySQLError, match=r"DEFAULT .* of column b") as error:
            read(file, dialect, column, False)
        assert error.value.number == 1235


def test_a_default_that_is_not_known_here_does_no_harm_to_whole_records(
    make_file: MakeFile,
) -> None:
    column = declared("datetime", "CURRENT_TIMESTAMP", computed=True)
    values, warned = read(make_file("1,2020-01-02 03:04:05\n"), LINES, column, True)
    assert (str(values[0]), warned) == ("2020-01-02 03:04:05", [])
