"""How the bytes of a table's files are to be read: HeatWave's ``dialect`` object.

Source: HeatWave User Guide, "Lakehouse External Table JSON Syntax".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heatproxy.errors import MySQLError, not_supported, secondary_engine
from heatproxy.options import BadOption, Constraint, Flag, Number, OneOf, Options

AUTO = "auto"
BY_ORDER = "order"
DOCUMENTS = ("pdf", "ppt", "pptx", "doc", "docx", "html", "txt")
FORMATS = ("csv", "avro", "parquet", "json", "delta", *DOCUMENTS)
COMPRESSIONS = ("zip", "gzip", "bzip2", "zstd", "auto")

# MySQL's character sets that Python decodes exactly; latin1 is Windows-1252
CHARSETS = {
    "utf8mb4": "utf-8",
    "utf8mb3": "utf-8",
    "utf8": "utf-8",
    "ascii": "ascii",
    "latin1": "cp1252",
    "latin2": "iso8859-2",
    "latin5": "iso8859-9",
    "latin7": "iso8859-13",
    "greek": "iso8859-7",
    "hebrew": "iso8859-8",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "cp1256": "cp1256",
    "cp1257": "cp1257",
    "cp850": "cp850",
    "cp852": "cp852",
    "cp866": "cp866",
    "cp932": "cp932",
    "sjis": "shift_jis",
    "ujis": "euc_jp",
    "euckr": "cp949",
    "gb2312": "gb2312",
    "gbk": "gbk",
    "gb18030": "gb18030",
    "big5": "big5",
    "koi8r": "koi8-r",
    "koi8u": "koi8-u",
    "macroman": "mac-roman",
    "tis620": "tis-620",
    "utf16": "utf-16-be",
    "utf16le": "utf-16-le",
    "utf32": "utf-32-be",
    "ucs2": "utf-16-be",
}


@dataclass(frozen=True, slots=True)
class Characters:
    """A string of ``low`` to ``high`` characters."""

    low: int
    high: int
    default: str | None = None

    def convert(self, value: Any) -> str:
        if not isinstance(value, str) or not self.low <= len(value) <= self.high:
            raise BadOption(self.describe())
        return value

    def describe(self) -> str:
        return f"a string of {self.low} to {self.high} characters"


_EVERY_FORMAT: dict[str, Constraint] = {
    "format": OneOf(FORMATS, default="csv"),
    "is_strict_mode": Flag(),
    "allow_missing_files": Flag(default=False),
    "check_constraints": Flag(default=True),
    "compression": OneOf(COMPRESSIONS),
    "match_columns_by": OneOf(
        (BY_ORDER, "name_case_sensitive", "name_case_insensitive"), default=BY_ORDER
    ),
    "allow_missing_columns": Flag(default=False),
}
_TEXT_ONLY: dict[str, Constraint] = {  # csv and newline-delimited json
    "record_delimiter": Characters(1, 64),
    "encoding": OneOf(tuple(CHARSETS), default="utf8mb4"),
}
_CSV_ONLY: dict[str, Constraint] = {
    "field_delimiter": Characters(1, 64),
    "escape_character": Characters(0, 1, default="\\"),
    "quotation_marks": Characters(0, 1, default='"'),
    "skip_rows": Number(low=0, high=20, whole=True, default=0),
    "has_header": Flag(default=False),
    "date_format": Characters(1, 255, default=AUTO),
    "time_format": Characters(1, 255, default=AUTO),
    "timestamp_format": Characters(1, 255, default=AUTO),
    "trim_spaces": Flag(default=False),
}
_DOCUMENT_ONLY: dict[str, Constraint] = {
    "language": Characters(1, 64),
    "ocr": Flag(),
    "embed_model_id": Characters(1, 255),
}
DIALECT = Options(**_EVERY_FORMAT, **_TEXT_ONLY, **_CSV_ONLY, **_DOCUMENT_ONLY)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The dialect of one table; ``auto`` delimiters are found in the files."""

    format: str = "csv"
    field_delimiter: str = AUTO
    record_delimiter: str = AUTO
    escape_character: str = "\\"
    quotation_marks: str = '"'
    skip_rows: int = 0
    has_header: bool = False
    encoding: str = "utf8mb4"
    date_format: str = AUTO  # ``auto`` is the same as ``default``
    time_format: str = AUTO
    timestamp_format: str = AUTO
    trim_spaces: bool = False
    is_strict_mode: bool | None = None  # None: as the session's sql_mode is
    allow_missing_files: bool = False
    check_constraints: bool = True
    compression: str | None = None
    match_columns_by: str = BY_ORDER
    allow_missing_columns: bool = False
    column_formats: tuple[tuple[str, str], ...] = ()  # of single columns, by name

    @property
    def codec(self) -> str:
        """Python's name of the encoding."""
        return CHARSETS[self.encoding]


def parse_dialect(
    given: Mapping[str, Any] | None, where: str, profile: str = "9.2"
) -> Dialect:
    """The dialect that a JSON object describes.

    Args:
        where: what the object belongs to, for the error text.
        profile: the release whose delimiter defaults hold: "9.2" and later detect
            them, earlier ones take ``|`` and ``|\\n``.

    Raises:
        MySQLError: 3877, an unknown key, a bad value, or a key that the format
            does not have; 1235, something known that heatproxy cannot do.
    """
    try:
        values = DIALECT.check(given)
    except BadOption as problem:
        raise _wrong(where, str(problem)) from None
    given = given or {}
    kind = values["format"]
    refused: set[str] = set(_DOCUMENT_ONLY)
    if kind != "csv":
        refused |= set(_CSV_ONLY)
    if kind not in ("csv", "json"):
        refused |= set(_TEXT_ONLY)
    if kind in DOCUMENTS:
        raise not_supported(f"Lakehouse files of format {kind}")
    for key in given:
        if key in refused and given[key] is not None:
            raise _wrong(where, f"option '{key}' is not for files of format {kind}")
    if kind in ("avro", "parquet") and values["compression"] not in (None, "auto"):
        raise _wrong(where, f"option 'compression' must be auto for format {kind}")
    by_name = values["match_columns_by"] != BY_ORDER
    if by_name and (kind == "json" or (kind == "csv" and not values["has_header"])):
        raise _wrong(where, "match_columns_by a name needs files that have names")
    old = _release(profile) < (9, 2)
    kept = {k: values[k] for k in Dialect.__dataclass_fields__ if k in values}
    kept["field_delimiter"] = values["field_delimiter"] or ("|" if old else AUTO)
    default_record = "|\n" if old and kind == "csv" else AUTO
    kept["record_delimiter"] = values["record_delimiter"] or default_record
    kept["skip_rows"] = int(values["skip_rows"])
    dialect = Dialect(**kept)
    _check_characters(dialect, where)
    return dialect


def _check_characters(dialect: Dialect, where: str) -> None:
    """Refuse marks that cannot be told apart or that need more than one byte."""
    quote, escape = dialect.quotation_marks, dialect.escape_character
    for key, mark in (("quotation_marks", quote), ("escape_character", escape)):
        if mark and not mark.isascii():
            raise _wrong(where, f"option '{key}' must be an ASCII character")
    for key in ("field_delimiter", "record_delimiter"):
        delimiter = getattr(dialect, key)
        for mark in (quote, escape):
            if mark and delimiter.startswith(mark):
                raise _wrong(
                    where, f"option '{key}' must not start with {mark!r}, another mark"
                )
    if dialect.field_delimiter == dialect.record_delimiter != AUTO:
        raise _wrong(where, "field_delimiter and record_delimiter must differ")


def _release(profile: str) -> tuple[int, ...]:
    return tuple(int(part) for part in profile.split(".")[:2])


def _wrong(where: str, problem: str) -> MySQLError:
    return secondary_engine(f"Invalid dialect of {where}: {problem}")
