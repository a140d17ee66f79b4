"""Every data set beside the project: what is inferred holds all of its values."""

import csv
import gzip
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from heatproxy.datatypes import Column
from heatproxy.lakehouse import reader
from heatproxy.lakehouse.dialect import Dialect, parse_dialect
from heatproxy.lakehouse.streams import DataFile

DATA = Path(__file__).parents[3] / "shared" / "data"
FILES = sorted(DATA.rglob("*.csv*"))
NUMBERS = ("tinyint", "smallint", "mediumint", "int", "bigint", "decimal")


def lenient_name(path: Path) -> str:
    return path.relative_to(DATA).as_posix()


def same(column: Column, place: int) -> str:
    """DuckDB's condition for a value to be what the text says."""
    text, value = f"t.c{place}", f"v.c{place}"
    kind = column.type
    if kind.name in NUMBERS:
        scale = kind.scale or 0
        text = f"CAST({text} AS DECIMAL(38, {scale}))"
    elif kind.name == "double":
        text = f"CAST({text} AS DOUBLE)"
    elif kind.name in ("date", "datetime"):
        text = f"CAST({text} AS {kind.duckdb()})"
    return f"{text} IS NOT DISTINCT FROM {value}"


def texts(path: Path, dialect: Dialect, width: int) -> str:
    """The file as DuckDB reads it by itself, every field a text."""
    columns = {f"c{place}": "VARCHAR" for place in range(width)}
    return (
        f"read_csv('{path}', header=true, columns={columns}, auto_detect=false,"
        f" delim='{dialect.field_delimiter}', quote='\"', escape='\"',"
        " nullstr=['', 'NULL', '\\N'], allow_quoted_nulls=false, parallel=false)"
    )


@pytest.mark.skipif(not FILES, reason=f"there are no data sets in {DATA}")
@pytest.mark.parametrize("path", FILES, ids=lenient_name)
def test_every_value_of_a_data_set_is_kept(path: Path) -> None:
    file = DataFile(path, path.name, path.stat().st_size)
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as lines:
        header = next(csv.reader([lines.readline()], delimiter=","))
    separated = {"field_delimiter": ";"} if ";" in header[0] else {}
    # the files know no escape character; HeatWave has one unless it is told otherwise
    plain = {"has_header": True, "escape_character": ""}
    dialect = parse_dialect(plain | separated, "t")
    dialect = reader.resolve([file], dialect)
    found = reader.infer([file], dialect)
    opened_table = reader.open_table([file], dialect, found.columns)
    rows = opened_table.reader.read_all()
    assert opened_table.warning_count == 0
    assert rows.num_rows == found.rows
    width = len(found.columns)
    values = rows.rename_columns([f"c{place}" for place in range(width)])
    values = values.append_column("n", pa.array(range(len(values)), pa.int64()))
    wrong = ", ".join(
        f"count(*) FILTER (NOT ({same(column, place)}))"
        for place, column in enumerate(found.columns)
    )
    with duckdb.connect() as connection:
        connection.register("v", values)
        counts = connection.execute(
            f"SELECT count(*), {wrong} FROM"
            f" (SELECT row_number() OVER () - 1 AS n, * FROM"
            f" {texts(path, dialect, width)}) AS t JOIN v USING (n)"
        ).fetchone()
    assert counts is not None
    assert counts[0] == rows.num_rows
    assert dict(zip([c.name for c in found.columns], counts[1:], strict=True)) == {
        column.name: 0 for column in found.columns
    }
