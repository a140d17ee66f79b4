"""Random tables through CSV dialects: what was written is what is read."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from heatproxy.lakehouse import reader
from heatproxy.lakehouse.dialect import Dialect, parse_dialect
from heatproxy.lakehouse.streams import DataFile

FIELDS = (",", "|", "\t", ";", "||", "<->", "€", "a,")
RECORDS = ("\n", "\r\n", "\r", ";;", "\\n#", "¶")
QUOTES = ('"', "'", "`", "")
ESCAPES = ("\\", "!", "")
TEXTS = st.text(
    st.sampled_from("ab ,|\t;\n\r\"'`\\!#<->€¶é😀0N1.-:"), min_size=0, max_size=12
)
PLAIN = st.one_of(
    st.integers(-(10**12), 10**12).map(str),
    st.decimals(-999, 999, places=3).map(str),
    st.dates().map(str),
    st.sampled_from(["NULL", "\\N", "+1", "007", "1e5", "12:00:00", "0", ""]),
)
ROWS = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.one_of(TEXTS, PLAIN, st.none()), min_size=width, max_size=width),
        min_size=1,
        max_size=8,
    )
)


@st.composite
def dialects(draw: st.DrawFn) -> dict[str, Any]:
    """Dialects whose marks can be told apart."""
    quote = draw(st.sampled_from(QUOTES))
    escape = draw(st.sampled_from(ESCAPES))
    field, record = draw(st.sampled_from(FIELDS)), draw(st.sampled_from(RECORDS))
    if not quote and not escape:  # nothing would keep a mark from being one
        escape = "\\"
    if record.startswith((escape or "none", field)):
        record = "\n"
    return {
        "field_delimiter": field,
        "record_delimiter": record,
        "quotation_marks": quote,
        "escape_character": escape,
        "has_header": draw(st.booleans()),
    }


def written(value: str | None, dialect: Dialect) -> str:
    """A field as a careful program writes it, NULL as nothing."""
    if value is None:
        return ""
    quote, escape = dialect.quotation_marks, dialect.escape_character
    if escape:
        value = value.replace(escape, escape * 2)
    if quote:
        return quote + value.replace(quote, quote * 2) + quote
    marks = {dialect.field_delimiter[0], dialect.record_delimiter[0]}
    return "".join(escape + char if char in marks else char for char in value)


def is_same(given: str | None, value: Any, kind: str) -> bool:
    """Whether a value of that type is what was written."""
    if given is None or value is None:
        return given is value
    if kind in ("varchar", "text"):
        return bool(value == given)
    if kind == "time":
        return f"0{value}" == given or str(value) == given
    if kind in ("date", "datetime"):
        return str(value) == given
    return Decimal(str(value)) == Decimal(given)


@seed(20260101)
@settings(
    max_examples=150,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=ROWS, given_dialect=dialects())
def test_what_is_written_is_what_is_read(
    tmp_path: Path, rows: list[list[str | None]], given_dialect: dict[str, Any]
) -> None:
    dialect = parse_dialect(given_dialect, "t")
    width = len(rows[0])
    if not dialect.quotation_marks:  # nothing tells an empty text from NULL there
        rows = [[value or None for value in row] for row in rows]
        rows = [[None if value == "NULL" else value for value in row] for row in rows]
    lines = [[written(value, dialect) for value in row] for row in rows]
    if dialect.has_header:
        lines.insert(0, [f"n{place}" for place in range(width)])
    record, field = dialect.record_delimiter, dialect.field_delimiter
    if any("".join(line) == "" for line in lines) and width == 1:
        return  # an empty line is no record
    text = record.join(field.join(line) for line in lines) + record
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    file = DataFile(path, "t.csv", len(text.encode()))
    found = reader.infer([file], dialect)
    table = reader.open_table([file], dialect, found.columns).reader.read_all()
    read = [list(row.values()) for row in table.to_pylist()]
    assert len(read) == len(rows)
    for place, column in enumerate(found.columns):
        for before, after in zip(rows, read, strict=True):
            kind = column.type.name
            assert is_same(before[place], after[place], kind), (kind, text)
