"""The types that columns get from their values."""

from collections.abc import Callable

import pytest

from heatproxy.errors import MySQLError
from heatproxy.lakehouse import reader
from heatproxy.lakehouse.dialect import parse_dialect
from heatproxy.lakehouse.inference import column_names
from heatproxy.lakehouse.streams import DataFile

MakeFile = Callable[..., DataFile]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (["0", "255"], "tinyint unsigned NOT NULL"),
        (["-128", "127"], "tinyint NOT NULL"),
        (["-1", "128"], "smallint NOT NULL"),
        (["256"], "smallint unsigned NOT NULL"),
        (["16777215"], "mediumint unsigned NOT NULL"),
        (["-8388608"], "mediumint NOT NULL"),
        (["4294967295"], "int unsigned NOT NULL"),
        (["-2147483649"], "bigint NOT NULL"),
        (["18446744073709551615"], "bigint unsigned NOT NULL"),
        (["18446744073709551616"], "decimal(20,0) NOT NULL"),
        (["-1", "9223372036854775808"], "decimal(19,0) NOT NULL"),
        (["9" * 38], "decimal(38,0) NOT NULL"),
        (["9" * 39], "varchar(39) NOT NULL"),
        (["0.004492535"], "decimal(10,9) NOT NULL"),
        (["53.200000760"], "decimal(11,9) NOT NULL"),
        (["1", "2.5", "-100.25"], "decimal(5,2) NOT NULL"),
        (["1e3", "2.5"], "double NOT NULL"),
        (["1e3", "1.2345678901234567"], "varchar(18) NOT NULL"),
        (["007", "8"], "varchar(3) NOT NULL"),
        (["+49"], "varchar(3) NOT NULL"),
        (["nan"], "varchar(3) NOT NULL"),
        (["1_000"], "varchar(5) NOT NULL"),
        (["0x1F"], "varchar(4) NOT NULL"),
        (["."], "varchar(1) NOT NULL"),
        ([" 12", "3 "], "tinyint unsigned NOT NULL"),
        (["1", ""], "tinyint unsigned"),
        (["1", "\\N"], "tinyint unsigned"),
        (["a", "NULL"], "varchar(1)"),
        (["a", '""'], "varchar(1) NOT NULL"),
        (["\\N", "\\N"], "varchar(1)"),
        (["2024-02-29", "1999-12-31"], "date NOT NULL"),
        (["2023-02-29"], "varchar(10) NOT NULL"),
        (["0000-00-00"], "varchar(10) NOT NULL"),
        (["2024-01-01 10:00:00"], "datetime NOT NULL"),
        (["2024-01-01T10:00:00.125"], "datetime(3) NOT NULL"),
        (["2024-01-01", "2024-01-01 10:00:00"], "varchar(19) NOT NULL"),
        (["2024-01-01T10:00:00Z"], "varchar(20) NOT NULL"),
        (["10:00:00", "-838:59:59"], "time NOT NULL"),
        (["10:00"], "varchar(5) NOT NULL"),
        (["1", "x"], "varchar(1) NOT NULL"),
        (["é€𝄞"], "varchar(3) NOT NULL"),
        (["x" * 16_384], "text NOT NULL"),
        (["x" * 70_000], "mediumtext NOT NULL"),
    ],
    ids=lambda value: (
        "+".join(v[:20] for v in value) if isinstance(value, list) else ""
    ),
)
def test_a_column_gets_the_smallest_type_that_keeps_every_value(
    make_file: MakeFile, values: list[str], shown: str
) -> None:
    file = make_file("".join(f"{value},k\n" for value in values))
    given = parse_dialect({}, "t")
    inferred = reader.infer([file], given)
    column = inferred.columns[0]
    assert column.type.sql() + ("" if column.nullable else " NOT NULL") == shown
    # whatever was inferred loads in strict mode
    table = reader.open_table([file], given, inferred.columns).reader.read_all()
    assert table.num_rows == inferred.rows == len(values)


@pytest.mark.parametrize(
    ("key", "text", "value", "shown"),
    [
        ("date_format", "%d.%m.%Y", "31.12.2024", "date"),
        ("date_format", "%b %e, %Y", '"Mar 5, 2024"', "date"),
        ("date_format", "%M %d %y", "September 05 24", "date"),
        ("timestamp_format", "%m/%d/%Y %h:%i %p", "1/31/2024 12:05 AM", "datetime"),
        ("time_format", "%H.%i", "23.59", "time"),
        ("date_format", "%Y%m%d", "20240131", "date"),
        ("date_format", "%d.%m.%Y", "2024-12-31", "varchar(10)"),
    ],
)
def test_a_given_format_decides_what_is_a_date(
    make_file: MakeFile, key: str, text: str, value: str, shown: str
) -> None:
    given = parse_dialect({key: text, "field_delimiter": "|"}, "t")
    inferred = reader.infer([make_file(f"{value}|x\n")], given)
    assert inferred.columns[0].type.sql() == shown


@pytest.mark.parametrize(
    ("header", "names", "warnings"),
    [
        (None, ("col_1", "col_2", "col_3"), []),
        (("a", "b", "c"), ("a", "b", "c"), []),
        (("a", "", "A"), ("a", "col_2", "col_3"), ["2 as they are empty", "3 as"]),
        (("x" * 65, "b", "c"), ("col_1", "b", "c"), ["1 as they are too long"]),
        (("", "col_1", "c"), ("col_1", "col_2", "c"), ["1 as", "2 as they are dup"]),
        (("größe", "b\n", "c"), ("größe", "col_2", "c"), ["2 as they are invalid"]),
    ],
)
def test_unusable_headers_become_default_names_with_a_warning(
    header: tuple[str, ...] | None, names: tuple[str, ...], warnings: list[str]
) -> None:
    found, said = column_names(header, 3)
    assert found == names
    assert len(said) == len(warnings)
    for condition, part in zip(said, warnings, strict=True):
        assert condition.number == 6100
        assert f"column index(es) {part}" in condition.message


def test_wide_rows_turn_their_longest_strings_into_text(make_file: MakeFile) -> None:
    wide = ",".join("x" * size for size in (9000, 8000, 50))
    columns = reader.infer([make_file(wide + "\n")], parse_dialect({}, "t")).columns
    assert [column.type.sql() for column in columns] == [
        "text",
        "varchar(8000)",
        "varchar(50)",
    ]


def test_files_are_inferred_together(make_file: MakeFile) -> None:
    files = [make_file("h,i\n1,a\n", "1.csv"), make_file("h,i\n-300,\n", "2.csv")]
    inferred = reader.infer(files, parse_dialect({"has_header": True}, "t"))
    shown = [(c.name, c.type.sql(), c.nullable) for c in inferred.columns]
    assert shown == [("h", "smallint", False), ("i", "varchar(1)", True)]
    assert inferred.rows == 2


def test_a_file_of_another_width_is_6093(make_file: MakeFile) -> None:
    files = [make_file("1,2\n", "1.csv"), make_file("1,2,3\n", "2.csv")]
    with pytest.raises(
        MySQLError, match="Column count mismatch between files"
    ) as error:
        reader.infer(files, parse_dialect({}, "t"))
    assert error.value.number == 6093


def test_rows_of_another_width_are_left_out_and_counted(make_file: MakeFile) -> None:
    inferred = reader.infer([make_file("1,2\n3\n4,5\n")], parse_dialect({}, "t"))
    assert inferred.rows == 2
    assert inferred.warnings[0].message.startswith("Skipped 1 line(s)")


def test_no_rows_is_6098(make_file: MakeFile) -> None:
    for content in ("", "a,b\n"):
        with pytest.raises(MySQLError) as error:
            reader.infer([make_file(content)], parse_dialect({"has_header": True}, "t"))
        assert error.value.number == 6098
