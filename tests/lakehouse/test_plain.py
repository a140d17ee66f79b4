"""Columns read in one pass are what they are when each is read by itself."""

import random
from collections.abc import Callable

import pyarrow as pa
import pytest

from heatproxy.datatypes import Column, parse
from heatproxy.lakehouse import plain, reader
from heatproxy.lakehouse.convert import Unforeseen
from heatproxy.lakehouse.dialect import parse_dialect
from heatproxy.lakehouse.inference import Inferred
from heatproxy.lakehouse.streams import DataFile

MakeFile = Callable[..., DataFile]

DIALECT = parse_dialect({"field_delimiter": ","}, "t")
KINDS = (
    "tinyint", "smallint unsigned", "mediumint", "int", "bigint", "bigint unsigned",
    "decimal(9,2)", "decimal(18,0)", "decimal(30,3)", "decimal(38,18)", "varchar(4)",
    "varchar(80)", "text", "char(3)", "date", "datetime", "datetime(3)", "timestamp",
    "double", "year",
)  # fmt: skip
NUMBERS = ("0", "-0", "-1", "7", "007", "12", "127", "128", "-128", "-129", "65535")
LARGE = (
    "999999999999999999",
    "1000000000000000000",
    "-9223372036854775808",
    "18446744073709551615",
)
FRACTIONS = ("1.", ".5", "1.5", "-0.25", "12.345", "1.005", "-", "+3", " 4 ", "1e2", "")
DATES = (
    "2024-02-29", "2023-02-29", "0001-01-01", "0000-01-01", "9999-12-31", "1900-02-29",
    "2024-13-01", "2024-00-10", "2024-01-3x", "2024/01/31", "20240131",
    "2024-01-31 23:59:59", "1969-12-31T00:00:01", "2024-01-31 24:00:00",
    "2024-01-31 00:00:00.5", "2024-01-31 00-00-00",
)  # fmt: skip
TEXTS = ("a", "abcd", "abcde", "żółć", "żółćż", "x" * 31, "y" * 32, "z" * 33, '""')
VALUES = (*NUMBERS, *LARGE, *FRACTIONS, *DATES, *TEXTS, "NULL", r"\N", "a  ")


def read(files, columns, *, exact: bool):
    expected = Inferred(tuple(columns), 1, 1, sampled=True) if exact else None
    reading = reader.open_table(
        files, DIALECT, columns, strict=False, expected=expected
    )
    try:
        table = reading.reader.read_all()
    except (Unforeseen, pa.ArrowException) as problem:
        return type(reading.failure or problem)
    table.validate(full=True)
    return table, [(one.number, one.message) for one in reading.warnings]


def one_by_one(monkeypatch, files, columns, *, exact: bool):
    with monkeypatch.context() as patched:
        patched.setattr(plain.PlainColumns, "arrays", lambda *_: {})
        return read(files, columns, exact=exact)


@pytest.mark.parametrize("exact", [False, True], ids=["any value", "foreseen only"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_value_is_as_its_column_by_itself_has_it(
    kind, exact, make_file: MakeFile, monkeypatch
):
    columns = [Column("c", parse(kind), True), Column("n", parse("int"), True)]
    for value in VALUES:
        files = [make_file(f"{value},1\n{value},2\n")]
        ours = read(files, columns, exact=exact)
        assert ours == one_by_one(monkeypatch, files, columns, exact=exact), value


@pytest.mark.parametrize("nullable", [True, False])
def test_many_rows_are_as_their_columns_by_themselves_have_them(
    nullable, make_file: MakeFile, monkeypatch
):
    draw = random.Random(5)  # noqa: S311
    moment = "2024-01-31 23:59:59"
    usual = {"date": "2024-02-29", "datetime": moment, "timestamp": moment}
    columns = [Column(kind, parse(kind), nullable) for kind in KINDS]
    lines = []
    for row in range(3 * plain.ROWS_AT_ONCE + 7):
        line = [usual.get(kind.partition("(")[0], str(row % 99)) for kind in KINDS]
        if draw.random() < 0.01:
            at = draw.randrange(len(line))
            # what is no date has no value to become where there must be one
            if nullable or KINDS[at].partition("(")[0] not in usual:
                line[at] = draw.choice(VALUES)
        lines.append(",".join(line))
    files = [make_file("\n".join(lines))]
    ours = read(files, columns, exact=False)
    assert ours == one_by_one(monkeypatch, files, columns, exact=False)


def test_plain_values_are_read_in_one_pass(make_file: MakeFile, monkeypatch):
    def refuse(*_):
        raise AssertionError("a column was read by itself")

    monkeypatch.setattr("heatproxy.lakehouse.csv.convert", refuse)
    kinds = ("tinyint unsigned", "bigint", "decimal(5,2)", "varchar(9)", "date", "text")
    columns = [Column(kind, parse(kind), True) for kind in (*kinds, "datetime")]
    files = [
        make_file("1,-5,1.25,abc,2024-02-29,,2024-02-29 01:02:03\n\\N,,,,,NULL,\n")
    ]
    table, _ = read(files, columns, exact=False)
    assert table.to_pydict()["decimal(5,2)"][1] is None
    assert table["text"].null_count == 2
