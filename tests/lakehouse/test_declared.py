"""Typed files in declared columns: what fits, what does not, what is refused."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
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
FLOAT, FLOAT_MAX = float(np.float32(999.995)), float(np.finfo(np.float32).max)
NANOS, DAY_NS = pa.timestamp("ns"), 86_400 * 10**9
ZERO, ONE, TWO = (datetime(1970, 1, 1, 0, 0, 0, micros) for micros in range(3))
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
        ([7, None], "decimal(5,2) unsigned", [7, None]),
        ([time(23, 59, 59, 999_900)], "time(3)", [timedelta(days=1)]),
        ([time(1, 2, 3, 499_999)], "time", [timedelta(seconds=3723)]),
        (["12:34:56", None], "time", [timedelta(seconds=45296), None]),
        (["0", "00", "0000", "70"], "year", [2000, 2000, 0, 1970]),
        (["2024-01-02 03:04:05.9999999"], "datetime", [datetime(2024, 1, 2, 3, 4, 6)]),
        (["20240102"], "date", [date(2024, 1, 2)]),
        ([None, " 5", "1e2"], "int", [None, 5, 100]),
        (["1.5", "-1e-3"], "double", [1.5, -0.001]),
        (pa.array([Decimal("1.50000")], pa.decimal128(38, 5)), "double", [1.5]),
        (pa.array([Decimal("999.99500")], pa.decimal128(38, 5)), "float", [FLOAT]),
        ([1.25, None], "decimal(5,2)", [Decimal("1.25"), None]),
        ([2**53 + 1, None], "double", [2.0**53, None]),
        (pa.array([0.5, None], pa.float16()), "float", [0.5, None]),
        (pa.array([1499, -500, None], NANOS), "datetime(6)", [ONE, ZERO, None]),
        (pa.array([1500], pa.timestamp("ns", "UTC")), "datetime(6)", [TWO]),
        (pa.array([DAY_NS - 1], pa.time64("ns")), "time(6)", [timedelta(days=1)]),
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
        (["5", "0x10"], "int", 6045),
        (["5", ""], "int", 6045),
        (["5", "1_0"], "decimal(40,3)", 6045),
        (["1e3", "nan"], "double", 6045),
        ([1.0, float("-inf")], "double", 6045),
        (["12:00", "839:00:00"], "time", 6056),
        (['{"a":1}', "{bad"], "json", 6045),
        ([1950, 1900], "year", 6045),
        ([1.5, -0.5], "double unsigned", 6045),
        ([LATE, datetime(9999, 12, 31, 23, 59, 59, 900_000)], "datetime", 6045),
        ([LATE, datetime(2038, 1, 19, 3, 14, 8)], "timestamp", 6045),
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


@pytest.mark.parametrize(
    ("values", "declared", "kept"),
    [
        ([1.005, 2.5], "decimal(5,2)", [Decimal("1.01"), Decimal("2.50")]),
        (pa.array([0.1], pa.float32()), "decimal(5,2)", [Decimal("0.10")]),
        ([Decimal("2.345")], "decimal(5,2)", [Decimal("2.35")]),
        (["2.345"], "decimal(5,2)", [Decimal("2.35")]),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_digits_that_a_decimal_loses_are_told_of(
    read: Read, values: Any, declared: str, kept: list[Any], strict: bool
) -> None:
    reading = read(values, declared, strict=strict)
    assert reading.reader.read_all()["a"].to_pylist() == kept
    assert [one.number for one in reading.warnings] == [6048]


@pytest.mark.parametrize(
    ("values", "declared", "error", "kept", "warning"),
    [
        ([1e300], "float", 6051, FLOAT_MAX, 6053),
        (["1e400"], "double", 6051, 1.7976931348623157e308, 6053),
        ([1000.0], "decimal(5,2)", 6051, Decimal("999.99"), 6053),
        ([Decimal("2.5")], "int", 6045, 3, 6057),
        (["-2.5"], "tinyint", 6045, -3, 6057),
        (["-1"], "decimal(5,2) unsigned", 6050, 0, 6052),
        ([300], "tinyint", 6051, 127, 6053),
        ([-(2**63)], "mediumint", 6050, -(2**23), 6052),
        ([-1], "bigint unsigned", 6050, 0, 6052),
        (pa.array([2**64 - 1], pa.uint64()), "bigint", 6051, 2**63 - 1, 6053),
        ([2.5], "int", 6045, 2, 6057),
        ([2.0**63], "bigint", 6051, 2**63 - 1, 6053),
        ([2.0**64], "bigint unsigned", 6051, 2**64 - 1, 6053),
        ([float("-inf")], "smallint", 6050, -(2**15), 6052),
        ([1000], "decimal(5,2)", 6051, Decimal("999.99"), 6053),
    ],
)
def test_a_number_that_does_not_fit_is_the_nearest_that_does(
    read: Read, values: Any, declared: str, error: int, kept: Any, warning: int
) -> None:
    with pytest.raises(MySQLError) as caught:
        read(values, declared).reader.read_all()
    assert caught.value.number == error
    reading = read(values, declared, strict=False)
    assert reading.reader.read_all()["a"].to_pylist() == [kept]
    assert [one.number for one in reading.warnings] == [warning]


@pytest.mark.parametrize(
    ("value", "declared", "kept"),
    [
        ("x" * 256, "tinytext", "x" * 255),
        ("x" * 254 + "\u20ac", "tinytext", "x" * 254),
        (b"\xff" * 65_536, "blob", b"\xff" * 65_535),
    ],
)
def test_what_has_more_bytes_than_its_type_is_6066_or_cut(
    read: Read, value: Any, declared: str, kept: Any
) -> None:
    with pytest.raises(MySQLError) as caught:
        read([value], declared).reader.read_all()
    assert caught.value.number == 6066
    reading = read([None, value, value[:3]], declared, strict=False)
    assert reading.reader.read_all()["a"].to_pylist() == [None, kept, value[:3]]
    assert [one.number for one in reading.warnings] == [6057]


def test_of_many_rows_only_those_that_do_not_fit_are_changed(read: Read) -> None:
    values = [*range(-200, 200), None] * 500
    reading = read(values, "tinyint", strict=False)
    found = reading.reader.read_all()["a"].to_pylist()
    assert found == [v if v is None else max(-128, min(127, v)) for v in values]
    assert reading.counts == {6052: 72 * 500, 6053: 72 * 500}


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_moments_beyond_what_arrow_counts_are_null(
    read: Read, zone: str | None
) -> None:
    moments = pa.array([0, 2**60, None, 1], pa.timestamp("ms", zone))
    with pytest.raises(MySQLError, match="Column 1") as caught:
        read(moments, "datetime(3)").reader.read_all()
    assert caught.value.number == 6045
    reading = read(moments, "datetime(3)", strict=False)
    found = reading.reader.read_all()["a"].to_pylist()
    assert [one is None for one in found] == [False, True, True, False]
    assert reading.warning_count == 1


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
