"""Columns inferred from a sample: the same as from all values, or the load says so."""

import bz2
import gzip
import io
import random
import zipfile
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heatproxy.lakehouse import parquet, reader, sample
from heatproxy.lakehouse.convert import Unforeseen
from heatproxy.lakehouse.dialect import parse_dialect
from heatproxy.lakehouse.inference import Inferred
from heatproxy.lakehouse.streams import DataFile

MakeFile = Callable[..., DataFile]
CSV = {"has_header": True, "field_delimiter": ",", "record_delimiter": "\n"}

# what each line has before the last one
GOOD = "7,1.25,2024-01-31,2024-01-31 10:00:00,12:30:00,ab,1.5e3,,2000000"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples of little, so that small files are much."""
    monkeypatch.setattr(sample, "READ_WHOLE_BYTES", 1000)
    monkeypatch.setattr(sample, "HEAD_BYTES", 100)
    monkeypatch.setattr(sample, "BLOCK_BYTES", 400)
    monkeypatch.setattr(sample, "BLOCKS", 3)
    monkeypatch.setattr("heatproxy.lakehouse.records.BUFFER_BYTES", 2000)


def read(file: DataFile, found: Inferred, *, strict: bool = True) -> pa.Table:
    dialect = parse_dialect(CSV, "t")
    opened = reader.open_table(
        [file], dialect, found.columns, strict=strict, expected=found
    )
    return opened.reader.read_all()


def content(*last: str, before: int = 300) -> str:
    header = "i,d,day,at,clock,word,real,nothing,big"
    return "\n".join([header, *([GOOD] * before), *last]) + "\n"


def test_a_sample_and_everything_give_the_same(make_file: MakeFile) -> None:
    rng = random.Random(7)  # noqa: S311
    lines = [
        f"{k},{rng.randint(-9, 999) / 100},{rng.choice(['', 'x' * rng.randint(1, 9)])}"
        for k in range(3000)
    ]
    file = make_file("k,d,w\n" + "\n".join(lines) + "\n")
    dialect = parse_dialect(CSV, "t")
    whole = reader.infer([file], dialect)
    found = reader.infer([file], dialect, sampling=True)
    assert (whole.sampled, found.sampled) == (False, True)
    assert 2400 < found.rows < 3600
    try:
        table = read(file, found)
    except Unforeseen:
        assert found.columns != whole.columns
    else:
        assert found.columns == whole.columns
        assert table.num_rows == whole.rows == 3000


def test_what_a_sample_shows_is_what_is_loaded(make_file: MakeFile) -> None:
    file = make_file(content())
    found = reader.infer([file], parse_dialect(CSV, "t"), sampling=True)
    assert [column.type.sql() for column in found.columns] == [
        *("tinyint unsigned", "decimal(3,2)", "date", "datetime", "time"),
        *("varchar(2)", "double", "varchar(1)", "mediumint unsigned"),
    ]
    assert found.unseen == {7}
    assert read(file, found).num_rows == 300


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *[(0, value) for value in ("300", "-1", "07", "+7", "7.0", "x", "1e1", "")],
        *[(1, value) for value in ("1.255", "10.1", "01.2", "+1.2", "1e0", "", '""')],
        *[(2, value) for value in ("2024-1-31", "20240131", "", "2024-01-31 00:00:00")],
        *[(2, value) for value in (" 2024-01-31", "2024-02-30", "0000-00-00")],
        *[(3, value) for value in ("2024-01-31", "2024-01-31 10:00:00.5", "later")],
        *[(4, value) for value in ("12:30", "12:30:00.5", "850:00:00")],
        *[(5, value) for value in ("abc", "ab ", "äöü", "", "\\N", "NULL")],
        *[(6, value) for value in ("07", "1.2345678901234567", "1e999", "x", "")],
        (7, "1"),
        *[(8, value) for value in ("16777216", "-1", "99999999999999999999")],
    ],
)
def test_a_value_of_another_type_is_found_out(
    make_file: MakeFile, place: int, value: str
) -> None:
    fields = GOOD.split(",")
    fields[place] = value
    # behind what a sample sees: its last block is not the file's end
    file = make_file(content(",".join(fields), *([GOOD] * 20)))
    dialect = parse_dialect(CSV, "t")
    found = reader.infer([make_file(content(), "s.csv")], dialect, sampling=True)
    whole = reader.infer([file], dialect)
    assert whole.columns != found.columns  # else there is nothing to be found out
    with pytest.raises(Unforeseen):
        read(file, found)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *[(0, value) for value in ("0", "255", " 7", "7 ")],
        *[(1, value) for value in ("9.99", "0", "-1.2", "1.2", "5", " 1.2")],
        *[(4, value) for value in ("-12:30:00", "838:59:59")],
        *[(5, value) for value in ("ä", "é!", '""', "a")],
        *[(6, value) for value in ("7", "1.5", "-1e-3")],
    ],
)
def test_a_value_of_the_same_type_is_none(
    make_file: MakeFile, place: int, value: str
) -> None:
    fields = GOOD.split(",")
    fields[place] = value
    file = make_file(content(",".join(fields)))
    dialect = parse_dialect(CSV, "t")
    found = reader.infer([make_file(content(), "s.csv")], dialect, sampling=True)
    assert reader.infer([file], dialect).columns == found.columns
    assert read(file, found).num_rows == 301


def test_records_of_another_width_are_looked_at_anew(make_file: MakeFile) -> None:
    file = make_file(content("7,1.25"))
    dialect = parse_dialect(CSV, "t")
    found = reader.infer([make_file(content(), "s.csv")], dialect, sampling=True)
    with pytest.raises(Unforeseen):
        read(file, found, strict=False)


def test_blocks_with_quotes_are_not_sampled(make_file: MakeFile) -> None:
    lines = ['1,"a\n2,b\n3,c"'] * 500
    file = make_file("n,w\n" + "\n".join(lines) + "\n")
    found = reader.infer([file], parse_dialect(CSV, "t"), sampling=True)
    assert [column.type.sql() for column in found.columns] == [
        *("tinyint unsigned", "varchar(9)")
    ]


def zipped(data: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", data)
    return sink.getvalue()


PACKED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "gzip": (gzip.compress, "utf8mb4"),
    "bzip2": (bz2.compress, "utf8mb4"),
    "zip": (zipped, "utf8mb4"),
    "zstd": (lambda data: pa.compress(data, "zstd", asbytes=True), "utf8mb4"),
    "another encoding": (lambda data: data.decode().encode("utf-16-be"), "utf16"),
    "both": (lambda data: gzip.compress(data.decode().encode("cp1251")), "cp1251"),
}


@pytest.mark.parametrize("kind", PACKED)
def test_of_what_is_packed_or_recoded_the_beginning_is_looked_at(
    make_file: MakeFile, kind: str
) -> None:
    pack, encoding = PACKED[kind]
    lines = ["n,w", *(f"{k % 100},ab" for k in range(5000)), "7,abc"]
    file = make_file(pack(("\n".join(lines) + "\n").encode()))
    dialect = parse_dialect({**CSV, "encoding": encoding}, "t")
    found = reader.infer([file], dialect, sampling=True)
    assert [column.type.sql() for column in found.columns] == [
        *("tinyint unsigned", "varchar(2)")
    ]
    assert found.sampled
    told: list[int] = []
    opened = reader.open_table(
        [file], dialect, found.columns, expected=found, progress=told.append
    )
    with pytest.raises(Unforeseen):
        opened.reader.read_all()
    assert 0 < sum(told) <= file.size_bytes
    whole = reader.infer([file], dialect)
    assert (whole.sampled, whole.rows) == (False, 5001)
    assert whole.columns[1].type.sql() == "varchar(3)"


def test_what_is_packed_and_little_is_looked_at_wholly(make_file: MakeFile) -> None:
    file = make_file(gzip.compress(b"n\n1\n300\n"))
    found = reader.infer([file], parse_dialect(CSV, "t"), sampling=True)
    assert (found.sampled, found.rows) == (False, 2)
    assert found.columns[0].type.sql() == "smallint unsigned"


def test_a_bomb_is_unpacked_for_a_sample_only(make_file: MakeFile) -> None:
    file = make_file(gzip.compress(b"n\n" + b"1\n" * (20 << 20), 1))
    unpacked = 0

    def cancelled() -> bool:
        nonlocal unpacked
        unpacked += 1
        return False

    found = reader.infer([file], parse_dialect(CSV, "t"), cancelled, sampling=True)
    assert found.sampled
    assert unpacked < 10  # of over a thousand parts


def test_lines_of_json_are_counted_in_a_sample(make_file: MakeFile) -> None:
    file = make_file(b'{"a": 1}\n' * 3000)
    found = reader.infer([file], parse_dialect({"format": "json"}, "t"), sampling=True)
    assert 2000 < found.rows < 4000


def test_longer_texts_of_parquet_are_found_out(
    make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "MOST_SAMPLED_ROWS", 100)
    monkeypatch.setattr(parquet, "ROWS_PER_BATCH", 100)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"w": ["ab"] * 500 + ["abc"], "k": range(501)}), sink, 100)
    file = make_file(sink.getvalue().to_pybytes(), "t.parquet")
    dialect = parse_dialect({"format": "parquet"}, "t")
    found = reader.infer([file], dialect, sampling=True)
    assert (found.sampled, found.columns[0].type.sql()) == (True, "varchar(2)")
    opened = reader.open_table([file], dialect, found.columns, expected=found)
    with pytest.raises(Unforeseen):
        opened.reader.read_all()
    whole = reader.infer([file], dialect)
    assert (whole.sampled, whole.columns[0].type.sql()) == (False, "varchar(3)")
