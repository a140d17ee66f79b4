"""Find the delimiters of a CSV file whose dialect leaves them to ``auto``.

Source: HeatWave User Guide, "Lakehouse External Table Syntax": auto knows the
fields' ``|``, comma, tab and semicolon, the records' line ends and semicolon, and a
field delimiter followed by a line end.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from heatproxy.lakehouse.dialect import AUTO, Dialect
from heatproxy.lakehouse.streams import DataFile, TextStream

SAMPLE_BYTES = 1 << 18
_FIELDS = ("|", ",", "\t", ";")


def resolve(files: Sequence[DataFile], dialect: Dialect) -> Dialect:
    """The dialect with both delimiters known, from the first file that has text."""
    if AUTO not in (dialect.field_delimiter, dialect.record_delimiter):
        return dialect
    sample, whole = "", True
    for file in files:
        with TextStream(file, dialect) as stream:
            data = stream.read(SAMPLE_BYTES)
            whole = data is None or stream.read(1) is None
        if data:
            sample = data.decode(errors="ignore")
            break
    bare = _without_quoted(sample, dialect)
    record = dialect.record_delimiter
    line_end = _line_end(bare) if record == AUTO else record
    lines = bare.split(line_end)
    if not whole and len(lines) > 1:
        lines.pop()  # the sample cuts it
    lines = [line for line in lines[dialect.skip_rows :] if line]
    field = dialect.field_delimiter
    if field == AUTO:
        field = _field_delimiter(lines, exclude=line_end)
    if record == AUTO:
        closed = lines and all(line.endswith(field) for line in lines)
        record = field + line_end if closed else line_end
    return replace(dialect, field_delimiter=field, record_delimiter=record)


def _without_quoted(sample: str, dialect: Dialect) -> str:
    """The text with every quoted field emptied, so that its marks don't count."""
    quote, escape = dialect.quotation_marks, dialect.escape_character
    if not quote:
        return sample
    q, e = re.escape(quote), re.escape(escape)
    escaped = rf"|{e}." if escape != quote and escape else ""
    inner = rf"(?:[^{q}{e}]{escaped}|{q}{q})*"
    return re.sub(rf"(?<![^\s|,;]){q}{inner}{q}", quote * 2, sample, flags=re.DOTALL)


def _line_end(text: str) -> str:
    both = text.count("\r\n")
    newlines, returns = text.count("\n") - both, text.count("\r") - both
    if newlines or both:
        return "\r\n" if both > newlines else "\n"
    if returns:
        return "\r"
    others = any(mark in text for mark in ("|", ",", "\t"))
    return ";" if ";" in text and others else "\n"


def _field_delimiter(lines: Sequence[str], exclude: str) -> str:
    """The candidate that splits most lines into the same number of fields."""
    best, chosen = (0.0, 0), ","
    for mark in _FIELDS:
        if mark == exclude or not lines:
            continue
        counts = Counter(line.count(mark) for line in lines)
        number, times = counts.most_common(1)[0]
        score = (times / len(lines), number)
        if number and score > best:
            best, chosen = score, mark
    return chosen
