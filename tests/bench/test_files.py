"""The files that bench load measures with are like flights, and always the same."""

import gzip
from pathlib import Path

import pytest

from heatproxy.bench import files
from heatproxy.lakehouse import reader
from heatproxy.lakehouse.dialect import parse_dialect
from heatproxy.lakehouse.streams import DataFile


def test_rows_made_up_have_the_columns_of_flights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(files.FLIGHTS, raising=False)
    monkeypatch.setattr(files, "_ROWS", files._ROWS.replace("300000", "500"))
    path = tmp_path / "flights.csv"
    files._write(path, 100_000)
    size = path.stat().st_size
    assert 100_000 <= size < 200_000
    found = reader.infer(
        [DataFile(path, path.name, size)], parse_dialect({"has_header": True}, "t")
    )
    assert [column.name for column in found.columns][:4] == [
        *("year", "month", "day", "dep_time")
    ]
    assert len(found.columns) == 19
    assert found.rows % 500 == 0
    assert found.warnings == ()


def test_a_file_that_is_given_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "given.csv.gz"
    given.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    monkeypatch.setenv(files.FLIGHTS, str(given))
    files._write(tmp_path / "flights.csv", 10)
    assert (tmp_path / "flights.csv").read_bytes() == b"a,b\n1,2\n1,2\n"
