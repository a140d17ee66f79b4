"""Typed files in declared columns: what fits, what does not, what is refused."""

from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heatproxy.datatypes import Column, parse
from heatproxy.errors import MySQLError
from heatproxy.lakehouse import reader
from heatproxy.lakehouse.dialect import Dialect
from heatproxy.lakehouse.reader import Reading
from heatproxy.lakehouse.streams import DataFile

Read = Callable[..., Reading]
EARLY = datetime(1969, 12, 31, 23, 59, 59, 400_000)
LATE = datetime(2020, 1, 2, 3, 4, 5, 600_000)
PARQUET = Dialect(format="parquet")


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Open a Parquet file of one column as a table that declares a type."""

    def opened(values: Any, declared: str, *, strict: bool = True) -> Reading:
        path = tmp_path / "t.parquet"
        pq.write_table(pa.table({"a": values}), path)
        file = DataFile(path, "t.parquet", path.stat().st_size)
        column = Column("a", parse(declared))
        return reader.open_table([file], PARQUET, (column,), strict=strict)

    return opened


@pytest.mark.parametrize(
    ("values", "declared", "kept"),
    [
        (["B", None], "enum('a','b')", ["b", None]),
        (['{"b":1,"a":[2.50]}'], "json", ['{"a": [2.5], "b": 1}']),
        ([b'{"a":1}'], "json", ['{"a": 1}']),
        (["ab  ", "  "], "char(4)", ["ab", ""]),
        (["ab  "], "varchar(4)", ["ab  "]),
        ([0, 1901, 2155], "year", [0, 1901, 2155]),
        ([LATE, None], "datetime", [datetime(2020, 1, 2, 3, 4, 6), None]),
        ([LATE], "timestamp(1)", [LATE]),
        ([EARLY], "datetime", [EARLY.replace(microsecond=0)]),
        ([date(2020, 1, 2)], "datetime", [datetime(2020, 1, 2)]),
        ([date(2020, 1, 2)], "varchar(10)", ["2020-01-02"]),
        ([True, False], "tinyint", [1, 0]),
        ([7, -8], "decimal(3,1)", [7, -8]),
        ([b"\x00\xff"], "varbinary(2)", [b"\x00\xff"]),
    ],
)
def test_a_value_is_kept_as_mysql_keeps_it(
    read: Read, values: list[Any], declared: str, kept: list[Any]
) -> None:
    found = read(values, declared).reader.read_all()["a"].to_pylist()
    assert found == kept


@pytest.mark.parametrize(
    ("values", "declared", "number"),
    [
        (["a", "x"], "enum('a','b')", 6045),
        (['{"a":1}', "{bad"], "json", 6045),
        ([1950, 1900], "year", 6045),
        ([1.5, -0.5], "double unsigned", 6045),
        ([LATE, datetime(9999, 12, 31, 23, 59, 59, 900_000)], "datetime", 6045),
        ([LATE, datetime(2039, 1, 1)], "timestamp", 6045),
    ],
)
def test_what_mysql_would_not_take_fails_or_is_null_with_a_warning(
    read: Read, values: list[Any], declared: str, number: int
) -> None:
    with pytest.raises(MySQLError, match="Column 1") as caught:
        read(values, declared).reader.read_all()
    assert caught.value.number == number
    reading = read(values, declared, strict=False)
    good, bad = reading.reader.read_all()["a"].to_pylist()
    assert (good is not None, bad) == (True, None)
    assert reading.warning_count == 1


@pytest.mark.parametrize(("declared", "octets"), [("tinytext", 256), ("blob", 65_536)])
@pytest.mark.parametrize("strict", [True, False])
def test_what_has_more_bytes_than_its_type_is_6066(
    read: Read, declared: str, octets: int, strict: bool
) -> None:
    with pytest.raises(MySQLError) as caught:
        read([b"x" * octets], declared, strict=strict).reader.read_all()
    assert caught.value.number == 6066


@pytest.mark.parametrize(
    ("values", "declared"),
    [
        (["a"], "set('a','b')"),
        ([b"a"], "binary(3)"),
        ([date(2020, 1, 2)], "int"),
        ([LATE], "date"),
        ([LATE], "time"),
        ([time(1, 2)], "varchar(9)"),
        ([True], "varchar(5)"),
        ([1.5], "varchar(5)"),
        ([1], "enum('a','b')"),
        ([1], "bit(8)"),
        ([1], "date"),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_a_type_without_a_rule_is_refused_by_name(
    read: Read, values: list[Any], declared: str, strict: bool
) -> None:
    with pytest.raises(MySQLError, match="column a of type") as caught:
        read(values, declared, strict=strict).reader.read_all()
    assert caught.value.number == 1235
