"""SHOW CREATE TABLE of a Lakehouse table, from what MySQL shows of its shell.

The text that comes out makes the same table again. A table that was described with
clauses is shown with them, one with ENGINE_ATTRIBUTE with that.

Source: HeatWave User Guide, "Lakehouse External Table SQL Syntax".
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from heatproxy.jsontext import json_text

ENGINE = "Lakehouse"
# Names and literals are passed over, whatever is in them.
_PIECES = re.compile(
    r"`(?:[^`]|``)*+`"
    r'|"(?:[^"]|"")*+"'
    r"| /\*!80021 SECONDARY_ENGINE_ATTRIBUTE(?P<of>[ =])'(?P<json>(?:[^'\\]|\\.|'')*+)'"
    r" \*/"
    r"|'(?:[^'\\]|\\.|'')*+'"
    r"|(?P<engine>(?<=\) )ENGINE=InnoDB\b)",
    re.DOTALL,
)
_ESCAPED = {"\0": "\\0", "\n": "\\n", "\r": "\\r", "\x1a": "\\Z", "\\": "\\\\"}
_UNESCAPED = {"0": "\0", "n": "\n", "r": "\r", "Z": "\x1a"}

_FIELDS = {
    "field_delimiter": "TERMINATED BY",
    "quotation_marks": "ENCLOSED BY",
    "escape_character": "ESCAPED BY",
    "date_format": "DATE FORMAT",
    "time_format": "TIME FORMAT",
    "timestamp_format": "DATETIME FORMAT",
}
_FLAGS = {
    "allow_missing_files": "ALLOW_MISSING_FILES",
    "check_constraints": "VERIFY_KEY_CONSTRAINTS",
    "is_strict_mode": "STRICT_LOAD",
}
_LOCATIONS = {
    "uri": "URI",
    "name": "FILE_NAME",
    "pattern": "FILE_PATTERN",
    "prefix": "FILE_PREFIX",
}


def create_table(shown: str, attribute: Mapping[str, Any], *, by_clauses: bool) -> str:
    """What a client is shown, from MySQL's CREATE TABLE of the shell."""

    def replaced(match: re.Match[str]) -> str:
        if match["engine"]:
            return f"ENGINE={ENGINE}"
        if match["json"] is None:
            return match[0]
        if match["of"] == "=":  # the table's
            if by_clauses:
                return " " + clauses(attribute)
            return f" /*!80021 ENGINE_ATTRIBUTE={literal(json_text(attribute))} */"
        own = _unescaped(match["json"])
        formats = list(json.loads(own).values())
        if by_clauses and len(formats) == 1:
            return f" EXTERNAL_FORMAT {literal(formats[0])}"
        return f" /*!80021 ENGINE_ATTRIBUTE {literal(own)} */"

    made = _PIECES.sub(replaced, shown)
    return made.replace("CREATE TABLE", "CREATE EXTERNAL TABLE", by_clauses)


def clauses(attribute: Mapping[str, Any]) -> str:
    """The table options that say what an ENGINE_ATTRIBUTE says."""
    dialect = dict(attribute.get("dialect") or {})
    listed = []
    inside = " ".join(_format(dialect))
    if inside:
        listed.append(f"FILE_FORMAT=({inside})")
    files = ", ".join(" ".join(_file(one)) for one in attribute.get("file") or ())
    if files:
        listed.append(f"FILES=({files})")
    listed += _flags(dialect)
    return " ".join(listed)


def literal(text: str) -> str:
    """A string literal as SHOW CREATE TABLE writes it."""
    escaped = "".join(_ESCAPED.get(character, character) for character in text)
    return "'" + escaped.replace("'", "''") + "'"


def _unescaped(text: str) -> str:
    """What a literal of SHOW CREATE TABLE says, without its quotes."""
    text = text.replace("''", "'")
    return re.sub(
        r"\\(.)", lambda one: _UNESCAPED.get(one[1], one[1]), text, flags=re.DOTALL
    )


def _format(dialect: Mapping[str, Any]) -> Iterator[str]:
    """The clauses inside FILE_FORMAT, in the order of the grammar."""
    if "format" in dialect:
        yield f"FORMAT {dialect['format']}"
    if dialect.get("compression"):
        yield f"COMPRESSION {literal(dialect['compression'])}"
    if "encoding" in dialect:
        yield f"CHARACTER SET {dialect['encoding']}"
    if "has_header" in dialect:
        yield f"HEADER {'ON' if dialect['has_header'] else 'OFF'}"
    fields = [f"{w} {literal(dialect[k])}" for k, w in _FIELDS.items() if k in dialect]
    if fields:
        yield "FIELDS " + " ".join(fields)
    if "record_delimiter" in dialect:
        yield f"LINES TERMINATED BY {literal(dialect['record_delimiter'])}"
    if "skip_rows" in dialect:
        yield f"IGNORE {dialect['skip_rows']} LINES"


def _file(file: Mapping[str, Any]) -> Iterator[str]:
    for key, word in _LOCATIONS.items():
        if key in file:
            yield f"{word}={literal(file[key])}"
    yield from _flags(file)


def _flags(given: Mapping[str, Any]) -> list[str]:
    return [f"{w}={int(given[k])}" for k, w in _FLAGS.items() if given.get(k) in (0, 1)]
