"""CSV files as Lakehouse reads them: dialects, records, widths, speed of light."""

import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from heatproxy.datatypes import Column, parse
from heatproxy.errors import MySQLError
from heatproxy.lakehouse import reader, records
from heatproxy.lakehouse.dialect import parse_dialect
from heatproxy.lakehouse.streams import DataFile

MakeFile = Callable[..., DataFile]

BANK = Path(__file__).parents[3] / "shared/data/bank-marketing/bank-full.csv"


def rows_of(file: DataFile, dialect: dict, types: str | None = None, **options):
    given = parse_dialect(dialect, "t")
    if types is None:
        columns = reader.infer([file], given).columns
    else:
        columns = tuple(
            Column(f"c{k}", parse(kind)) for k, kind in enumerate(types.split(";"))
        )
    reading = reader.open_table([file], given, columns, **options)
    table = reading.reader.read_all()
    table.validate(full=True)
    return [tuple(row.values()) for row in table.to_pylist()], reading.warnings


TEXT3 = "varchar(40);varchar(40);varchar(40)"


@pytest.mark.parametrize(
    ("content", "dialect", "rows"),
    [
        pytest.param("a|b|c\nd|e|f\n", {}, ["abc", "def"], id="auto-pipe"),
        pytest.param("a,b,c\nd,e,f\n", {}, ["abc", "def"], id="auto-comma"),
        pytest.param("a\tb\tc\nd\te\tf", {}, ["abc", "def"], id="auto-tab-no-end"),
        pytest.param("a;b;c\r\nd;e;f\r\n", {}, ["abc", "def"], id="auto-crlf"),
        pytest.param("a;b;c\rd;e;f\r", {}, ["abc", "def"], id="auto-cr"),
        pytest.param("a|b|c|\nd|e|f|\n", {}, ["abc", "def"], id="auto-closed-lines"),
        pytest.param(
            '"a","b",1\n"d","e",2\n',
            {"escape_character": ""},
            ["ab1", "de2"],
            id="auto-quoted-no-escape",
        ),
        pytest.param("a|b|c|\nd|e|f|", {}, ["abc", "def"], id="closed-last-no-end"),
        pytest.param("a,b,c;d,e,f;", {}, ["abc", "def"], id="auto-semicolon-records"),
        pytest.param(
            "a||b||c##d||e||f",
            {"field_delimiter": "||", "record_delimiter": "##"},
            ["abc", "def"],
            id="long-delimiters",
        ),
        pytest.param(
            "a€b€c¶d€e€f¶",
            {"field_delimiter": "€", "record_delimiter": "¶"},
            ["abc", "def"],
            id="delimiters-beyond-ascii",
        ),
        pytest.param(
            "x\ny\na,b,c\nd,e,f\n", {"skip_rows": 2}, ["abc", "def"], id="skip-rows"
        ),
        pytest.param(
            "note\nh,i,j\nd,e,f\n",
            {"skip_rows": 1, "has_header": True},
            ["def"],
            id="skip-rows-then-header",
        ),
        pytest.param("a,b,c\n\n\nd,e,f\n\n", {}, ["abc", "def"], id="empty-lines"),
        pytest.param(" a , b,c \n", {"trim_spaces": True}, ["abc"], id="trimmed"),
        pytest.param(" a, b,c \n", {}, [(" a", " b", "c ")], id="not-trimmed"),
        pytest.param(
            '"a" , "b","c"\n', {"trim_spaces": True}, ["abc"], id="trim-around-quotes"
        ),
        pytest.param(
            '"a,1","b\n2","c""3"\n', {}, [("a,1", "b\n2", 'c"3')], id="quoted"
        ),
        pytest.param(
            "'a,1','it''s',\"x\"\n",
            {"quotation_marks": "'"},
            [("a,1", "it's", '"x"')],
            id="other-quotes",
        ),
        pytest.param(
            '"a,b,c\n', {"quotation_marks": ""}, [('"a', "b", "c")], id="no-quotes"
        ),
        pytest.param(
            'a"b,"c"d","e" f"\n', {}, [('a"b', 'c"d', 'e" f')], id="stray-quotes"
        ),
        pytest.param(
            "a\\,1,b\\\n2,\\t\\\\\\x\n", {}, [("a,1", "b\n2", "\t\\x")], id="escapes"
        ),
        pytest.param(
            '"a\\"1","\\n",c\n', {}, [('a"1', "\n", "c")], id="escapes-in-quotes"
        ),
        pytest.param(
            "a\\,b#,1,c\n",
            {"escape_character": "#"},
            [("a\\", "b,1", "c")],
            id="other-escape",
        ),
        pytest.param(
            'a\\,"b""2",c\n',
            {"escape_character": ""},
            [("a\\", 'b"2', "c")],
            id="no-escape",
        ),
        pytest.param(
            'a,"b""2","c"\n',
            {"escape_character": '"'},
            [("a", 'b"2', "c")],
            id="escape-is-the-quote",
        ),
        pytest.param(
            '\\N,NULL,"NULL"\n,"",x\n',
            {},
            [(None, None, "NULL"), (None, "", "x")],
            id="nulls",
        ),
        pytest.param("\ufeffa,b,c\n", {}, ["abc"], id="byte-order-mark"),
    ],
)
def test_a_dialect_gives_these_fields(
    make_file: MakeFile, content: str, dialect: dict, rows: list
) -> None:
    found, _ = rows_of(make_file(content), dialect, TEXT3)
    assert found == [tuple(row) for row in rows]


def test_any_text_written_as_csv_reads_back_whatever_the_chunks(
    make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(7)  # noqa: S311
    alphabet = 'ab|;,"\\\n\r\té€ N'

    def field(value: str | None) -> str:
        if value is None:
            return "\\N"
        if rng.random() < 0.5:
            body = value.replace("\\", "\\\\").replace('"', rng.choice(['""', '\\"']))
            return f'"{body}"'
        plain = "".join(
            "\\n" if c == "\n" else f"\\{c}" if c in '|;"\\' else c for c in value
        )
        return plain if value not in ("", "NULL") else f'"{value}"'

    expected = []
    for _ in range(3000):
        row = tuple(
            None
            if rng.random() < 0.1
            else "".join(rng.choices(alphabet, k=rng.randrange(12)))
            for _ in range(3)
        )
        expected.append(row)
    text = "".join("|;".join(map(field, row)) + ";|\n" for row in expected)
    dialect = {"field_delimiter": "|;", "record_delimiter": ";|\n"}
    file = make_file(text)
    for size in (300, 1021, 1 << 20):
        monkeypatch.setattr(records, "BUFFER_BYTES", size)
        monkeypatch.setattr(records, "READ_BYTES", max(7, size // 5))
        found, _ = rows_of(file, dialect, TEXT3)
        assert found == expected


def test_a_record_of_another_width_stops_a_strict_load(make_file: MakeFile) -> None:
    file = make_file("1,2,3\n4,5\n")
    with pytest.raises(MySQLError, match=r"t.csv:6: .*Expected 3, found 2") as error:
        rows_of(file, {}, TEXT3)
    assert error.value.number == 6062


def test_a_lenient_load_pads_and_cuts_records_and_says_so(make_file: MakeFile) -> None:
    found, warnings = rows_of(
        make_file("1,2,3\n4,5\n6,7,8,9\n"), {}, TEXT3, strict=False
    )
    assert found == [("1", "2", "3"), ("4", "5", None), ("6", "7", "8")]
    assert [warning.number for warning in warnings] == [6062, 6062]


def test_the_dialects_strictness_comes_before_the_sessions(
    make_file: MakeFile,
) -> None:
    file = make_file("1,x\n")
    found, warnings = rows_of(file, {"is_strict_mode": False}, "int;int")
    assert found == [(1, None)]
    assert warnings[0].number == 6045
    strict = DataFile(file.path, file.display, file.size_bytes, is_strict_mode=True)
    with pytest.raises(MySQLError, match=r"Column 2 of row starting at t\.csv:0"):
        rows_of(strict, {"is_strict_mode": False}, "int;int")


def test_a_quote_that_never_closes_is_an_error_with_its_place(
    make_file: MakeFile,
) -> None:
    with pytest.raises(MySQLError, match=r"t\.csv at byte offset 4: .*quoted") as error:
        rows_of(make_file('a,b\n"c,d\ne,f\n'), {}, "varchar(9);varchar(9)")
    assert error.value.number == 6061


def test_a_record_over_four_megabytes_is_refused(make_file: MakeFile) -> None:
    content = b'a,"' + b"x" * (9 << 20) + b'"\n'
    with pytest.raises(MySQLError, match="longer than 4194304 bytes"):
        rows_of(make_file(content), {"field_delimiter": ","}, "text;longtext")


def test_a_cancelled_load_stops_with_1317(make_file: MakeFile) -> None:
    with pytest.raises(MySQLError) as error:
        rows_of(make_file("1,2\n"), {}, "int;int", cancelled=lambda: True)
    assert error.value.number == 1317


def test_the_reading_keeps_the_error_that_a_consumer_would_flatten(
    make_file: MakeFile,
) -> None:
    column = (Column("a", parse("int")),)
    given = parse_dialect({"field_delimiter": ","}, "t")
    reading = reader.open_table([make_file("x\n")], given, column)
    with pytest.raises((MySQLError, pa.ArrowException)):
        reading.reader.read_all()
    assert reading.failure is not None
    assert reading.failure.number == 6045
    assert "`a` int: 'x'" in reading.failure.message


@pytest.mark.skipif(not BANK.exists(), reason="the bank-marketing data is not here")
def test_the_bank_marketing_file_gives_the_columns_of_the_lab() -> None:
    file = DataFile(BANK, BANK.name, BANK.stat().st_size)
    dialect = parse_dialect(
        {"field_delimiter": ";", "record_delimiter": "\n", "has_header": True}, "t"
    )
    inferred = reader.infer([file], dialect)
    assert inferred.rows == 45_211
    assert inferred.file_bytes == 4_610_348
    assert inferred.warnings == ()
    shown = {column.name: column.type.sql() for column in inferred.columns}
    assert shown["age"] == "tinyint unsigned"
    assert shown["balance"] == "mediumint"
    assert shown["job"] == "varchar(13)"
    assert shown["y"] == "varchar(3)"
    assert not any(column.nullable for column in inferred.columns)
    table = reader.open_table([file], dialect, inferred.columns).reader.read_all()
    assert table.num_rows == 45_211
    counts = table["y"].value_counts().to_pylist()
    assert {one["values"]: one["counts"] for one in counts} == {
        "no": 39_922,
        "yes": 5_289,
    }
    assert sum(table["balance"].to_pylist()) == 61_589_682
