"""Fields into typed Arrow values, and what happens to those that do not fit."""

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Context, Decimal

import pytest

from heatproxy.datatypes import Column, parse
from heatproxy.errors import MySQLError
from heatproxy.lakehouse import reader
from heatproxy.lakehouse.dialect import parse_dialect
from heatproxy.lakehouse.streams import DataFile

MakeFile = Callable[..., DataFile]

WIDE = Context(prec=100)


def read(make_file: MakeFile, values: list[str], kind: str, **options):
    nullable = not kind.endswith(" not null")
    column = Column("c", parse(kind.removesuffix(" not null")), nullable)
    given = parse_dialect({"field_delimiter": "|"} | options.pop("dialect", {}), "t")
    content = "".join(f"{value}\n" for value in values)
    reading = reader.open_table([make_file(content)], given, [column], **options)
    table = reading.reader.read_all()
    table.validate(full=True)
    return table["c"].to_pylist(), [warning.number for warning in reading.warnings]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("tinyint", "-128", -128),
        ("smallint unsigned", "65535", 65535),
        ("mediumint", " -8388608 ", -8388608),
        ("bigint", "-9223372036854775808", -(2**63)),
        ("bigint unsigned", "18446744073709551615", 2**64 - 1),
        ("int", "1.5e3", 1500),
        ("int", "007", 7),
        ("int", "12.0", 12),
        ("year", "2024", 2024),
        ("year", "69", 2069),
        ("decimal(5,2)", "-0.5", Decimal("-0.50")),
        ("decimal(38,10)", "1" * 28 + ".0123456789", Decimal("1" * 28 + ".0123456789")),
        ("decimal(36,18)", "-999999999999999999.999999999999999999",
         Decimal("-999999999999999999.999999999999999999")),
        ("double", "1e-300", 1e-300),
        ("double", "0.1", 0.1),
        ("float", "0.5", 0.5),
        ("date", "2024-2-9", date(2024, 2, 9)),
        ("date", "20240229", date(2024, 2, 29)),
        ("date", "0001-01-01", date(1, 1, 1)),
        ("datetime", "1969-12-31 23:59:59", datetime(1969, 12, 31, 23, 59, 59)),
        ("datetime", "2024-01-31", datetime(2024, 1, 31)),
        ("datetime(3)", "2024-01-31T01:02:03.4567",
         datetime(2024, 1, 31, 1, 2, 3, 457000)),
        ("datetime(6)", "9999-12-31 23:59:59.999999",
         datetime(9999, 12, 31, 23, 59, 59, 999999)),
        ("timestamp(6)", "2038-01-19 03:14:07.999999",
         datetime(2038, 1, 19, 3, 14, 7, 999999)),
        ("time", "-838:59:59", -timedelta(hours=838, minutes=59, seconds=59)),
        ("time(6)", "00:00:00.000001", timedelta(microseconds=1)),
        ("varchar(3)", "é€x", "é€x"),
        ("char(3)", "a  ", "a"),
        ("char(1)", "a  ", "a"),
        ("json", '{"b":1,"a":2.50}', '{"a": 2.5, "b": 1}'),
        ("year", "0", 2000),
        ("year", "00", 2000),
        ("year", "0000", 0),
        ("datetime(6)", "2024-01-31 23:59:59.9999995", datetime(2024, 2, 1)),
        ("time(3)", "00:00:01.00049999", timedelta(milliseconds=1001)),
        ("text", "x" * 300, "x" * 300),
        ("varbinary(4)", "ab", b"ab"),
        ("enum('Yes','No')", "yes", "Yes"),
    ],
)  # fmt: skip
def test_a_field_becomes_this_value(
    make_file: MakeFile, kind: str, text: str, value: object
) -> None:
    assert read(make_file, [text], kind) == ([value], [])


@pytest.mark.parametrize(
    ("kind", "text", "error", "kept", "warning"),
    [
        ("tinyint", "128", 6051, 127, 6053),
        ("tinyint", "-129", 6050, -128, 6052),
        ("int unsigned", "-1", 6050, 0, 6052),
        ("bigint", "9" * 40, 6051, 2**63 - 1, 6053),
        ("int", "12abc", 6045, None, 6045),
        ("int not null", "abc", 6045, 0, 6045),
        ("int", "12.5", 6045, 13, 6057),
        ("int", "-12.5", 6045, -13, 6057),
        ("int not null", '""', 6043, 0, 6044),
        ("int not null", "\\N", 6041, 0, 6041),
        ("decimal(3,1)", "100", 6051, Decimal("99.9"), 6053),
        ("double", "1e999", 6051, 1.7976931348623157e308, 6053),
        ("double", "abc", 6045, None, 6045),
        ("date", "2023-02-29", 6056, None, 6056),
        ("date", "2024-01-01 10:00:00", 6056, None, 6056),
        ("time", "839:00:00", 6056, None, 6056),
        ("time", "838:59:59.9", 6056, None, 6056),
        ("datetime", "9999-12-31 23:59:59.9", 6056, None, 6056),
        ("timestamp", "1970-01-01 00:00:00", 6056, None, 6056),
        ("timestamp", "2038-01-19 03:14:08", 6056, None, 6056),
        ("varbinary(1)", "a ", 6066, b"a", 6057),
        ("varchar(3)", "abcd", 6066, "abc", 6057),
        ("varchar(2)", "é€x", 6066, "é€", 6057),
        ("tinytext", "é" * 200, 6066, "é" * 127, 6057),
        ("varchar(3) not null", "\\N", 6041, "", 6041),
        ("enum('a')", "b", 6045, None, 6045),
        ("year", "1900", 6045, None, 6045),
        ("decimal(40,3)", "1_0", 6045, None, 6045),
        ("decimal(40,3)", "nan", 6045, None, 6045),
        ("decimal(5,2)", "\u0661e1", 6045, None, 6045),
        ("json", "{bad", 6045, None, 6045),
        ("decimal(5,2) not null", '""', 6043, Decimal("0.00"), 6044),
        ("json not null", '""', 6043, "null", 6044),
    ],
)
def test_what_does_not_fit_is_an_error_if_strict_and_told_otherwise(
    make_file: MakeFile, kind: str, text: str, error: int, kept: object, warning: int
) -> None:
    with pytest.raises(MySQLError) as raised:
        read(make_file, ["", text] if "not null" not in kind else [text], kind)
    assert raised.value.number == error
    assert raised.value.message.startswith(
        ("Column 1 of row starting", "Column 1 in row")
    )
    assert "`c`" in raised.value.message
    assert read(make_file, [text], kind, strict=False) == ([kept], [warning])


def test_a_date_that_may_not_be_null_has_no_default(make_file: MakeFile) -> None:
    with pytest.raises(MySQLError, match="date format"):
        read(make_file, ["x"], "date not null", strict=False)


def test_decimals_are_rounded_in_strict_mode_too_with_a_warning(
    make_file: MakeFile,
) -> None:
    found, warnings = read(make_file, ["1.005", "1.00"], "decimal(4,2)")
    assert found == [Decimal("1.01"), Decimal("1.00")]
    assert warnings == [6048]


@pytest.mark.parametrize("kind", ["varchar(1)", "tinytext"])
def test_blanks_that_are_cut_are_told_of_in_strict_mode_too(
    make_file: MakeFile, kind: str
) -> None:
    found, warnings = read(make_file, ["a" + " " * 256], kind)
    assert [one.rstrip() for one in found] == ["a"]
    assert warnings == [6057]


def test_an_empty_field_of_a_required_string_is_the_empty_string(
    make_file: MakeFile,
) -> None:
    values = ['""', "a", '""']
    assert read(make_file, values, "varchar(3) not null") == (["", "a", ""], [])


@pytest.mark.parametrize(
    "kind", ["decimal(18,4)", "decimal(36,6)", "decimal(38,19)", "bigint"]
)
def test_random_numbers_equal_exact_decimal_arithmetic(
    make_file: MakeFile, kind: str
) -> None:
    rng = random.Random(3)  # noqa: S311
    mysql = parse(kind)
    digits, scale = mysql.precision or 18, mysql.scale or 0
    texts = []
    for _ in range(2000):
        whole = rng.randrange(10 ** rng.randrange(1, digits - scale))
        tail = f".{rng.randrange(10**9):09}" if scale else ""
        texts.append(f"{rng.choice(['', '-'])}{whole}{tail}")
    found, _ = read(make_file, texts, kind)

    def scaled(text: str) -> int:
        whole, _, tail = text.removeprefix("-").partition(".")
        value, cut = int(whole + tail), len(tail) - scale
        if cut > 0:
            value = (value + 10**cut // 2) // 10**cut
        else:
            value *= 10**-cut
        return -value if text[0] == "-" else value

    got = [int(one.scaleb(scale, WIDE)) if scale else one for one in found]
    assert got == [scaled(text) for text in texts]


def test_a_type_without_a_rule_is_refused_by_name(make_file: MakeFile) -> None:
    with pytest.raises(MySQLError, match="BIT columns in CSV files") as error:
        read(make_file, ["{}"], "bit(3)")
    assert error.value.number == 1235


def test_an_unreadable_format_specifier_is_refused_by_name(
    make_file: MakeFile,
) -> None:
    with pytest.raises(MySQLError, match="specifier %j"):
        read(make_file, ["1"], "date", dialect={"date_format": "%Y %j"})
