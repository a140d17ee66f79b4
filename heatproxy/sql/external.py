"""The DDL of external tables: what CREATE [EXTERNAL] TABLE and ALTER TABLE ask for.

Names, columns and ordinary table options stay the bytes they are, for MySQL to read.
What only Lakehouse knows is taken out: where the files are, and how to read them. The
values of its string literals are MySQL's to say, so they are kept as literals until
the caller has asked.

Source: HeatWave User Guide, "CREATE EXTERNAL TABLE", "Lakehouse External Table SQL
Syntax", "External Table JSON Syntax".
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heatproxy.errors import MySQLError, syntax_error
from heatproxy.sql.lexer import (
    Kind,
    Token,
    closing,
    qualified_name,
    split_at_commas,
    text_of,
)

Literal = bytes  # as it stands in the statement, quotes included
Value = Literal | str | int | bool | None
Evaluate = Callable[[Literal], str]

_FLAGS = {
    b"ALLOW_MISSING_FILES": "allow_missing_files",
    b"VERIFY_KEY_CONSTRAINTS": "check_constraints",
    b"STRICT_LOAD": "is_strict_mode",
}
_LOCATIONS = {
    b"URI": "uri",
    b"URL": "uri",
    b"FILE_NAME": "name",
    b"FILE_PATTERN": "pattern",
    b"FILE_PREFIX": "prefix",
}
_FORMATS_OF = {b"DATE": "date_format", b"TIME": "time_format"}
_FORMATS_OF |= {b"DATETIME": "timestamp_format", b"TIMESTAMP": "timestamp_format"}
_OF_A_COLUMN = (b"EXTERNAL_FORMAT", b"ENGINE_ATTRIBUTE")
_OPTIONS = (
    *(b"ENGINE", b"SECONDARY_ENGINE", b"ENGINE_ATTRIBUTE", b"FILE_FORMAT", b"FILES"),
    *(*_FLAGS, b"AUTO_REFRESH", b"AUTO_REFRESH_SOURCE"),
)


@dataclass(frozen=True, slots=True)
class External:
    """What one statement says of an external table.

    ``definition`` is the text between the parentheses of CREATE TABLE, and ``options``
    the table options for MySQL, both without what only Lakehouse knows.
    ``attribute`` is the text of ENGINE_ATTRIBUTE, ``dialect`` and ``files`` what the
    clauses say in its place; ``formats`` the format literals of single columns.
    ``auto_refresh`` names the first AUTO_REFRESH clause there is.
    """

    schema: str | None
    name: str
    if_not_exists: bool = False
    definition: bytes = b""
    options: bytes = b""
    attribute: Literal | None = None
    dialect: Mapping[str, Value] | None = None
    files: tuple[Mapping[str, Value], ...] | None = None
    formats: Mapping[str, tuple[str, Literal]] | None = None
    auto_refresh: str | None = None

    def literals(self) -> list[Literal]:
        """Every string literal whose value must be asked for, each once."""
        values: list[Value] = [self.attribute]
        for part in (self.dialect or {}, *(self.files or ())):
            values += part.values()
        values += [literal for _, literal in (self.formats or {}).values()]
        return list(dict.fromkeys(v for v in values if isinstance(v, bytes)))

    def engine_attribute(self, evaluate: Evaluate) -> dict[str, Any]:
        """``file`` and ``dialect`` as ENGINE_ATTRIBUTE has them, from the clauses."""
        made: dict[str, Any] = {}
        if self.files is not None:
            made["file"] = [_evaluated(one, evaluate) for one in self.files]
        if self.dialect:
            made["dialect"] = _evaluated(self.dialect, evaluate)
        return made


def _evaluated(part: Mapping[str, Value], evaluate: Evaluate) -> dict[str, Any]:
    return {k: evaluate(v) if isinstance(v, bytes) else v for k, v in part.items()}


def creates_external(words: Sequence[Token]) -> bool:
    """Whether a statement is CREATE TABLE of an external table, however written."""
    if len(words) < 3 or not words[0].is_word(b"CREATE"):
        return False
    if words[1].is_word(b"EXTERNAL"):
        return words[2].is_word(b"TABLE")
    return words[1].is_word(b"TABLE") and _engine(words) == "lakehouse"


def _engine(words: Sequence[Token]) -> str | None:
    depth = 0
    for index, word in enumerate(words):
        depth += word.is_symbol(b"(") - word.is_symbol(b")")
        if depth == 0 and word.is_word(b"ENGINE"):
            at = _behind_equals(words, index + 1)
            if at < len(words):
                return words[at].text.decode("latin1").strip("`'\"").lower()
    return None


def parse_create(text: bytes, words: Sequence[Token]) -> External:
    """Read a statement of which ``creates_external`` is true.

    Raises:
        MySQLError: 1064, it is not what the grammar allows; 1235 by the caller for
            what it does not support.
    """
    at = 3 if words[1].is_word(b"EXTERNAL") else 2
    if_not_exists = at + 2 < len(words) and words[at].is_word(b"IF")
    if if_not_exists:
        at += 3
    named = qualified_name(words, at)
    if named is None:
        raise _near(text, words, at)
    schema, name, at = named
    if at >= len(words) or not words[at].is_symbol(b"("):
        raise _near(text, words, at)
    end = closing(words, at)
    if end is None:
        raise _near(text, words, len(words))
    definition, formats = _definition(text, words[at + 1 : end])
    found = _Options(text)
    found.read(words[end + 1 :])
    return External(
        schema,
        name,
        if_not_exists,
        definition,
        b" ".join(found.kept),
        found.attribute,
        found.dialect or None,
        found.files,
        formats or None,
        found.auto_refresh,
    )


def parse_alter(text: bytes, words: Sequence[Token], at: int) -> External | None:
    """The table options of ALTER TABLE, ``at`` being the table's name.

    None, when it does something else too, or nothing that only Lakehouse knows.

    Raises:
        MySQLError: 1064.
    """
    named = qualified_name(words, at)
    if named is None:
        return None
    schema, name, at = named
    first = words[at] if at < len(words) else None
    if first is None or not first.is_word(*_OPTIONS[2:]):
        return None
    found = _Options(text)
    for part in split_at_commas(words[at:]):
        found.read(part)
    if found.kept:
        raise _near(text, words, at)
    return External(
        schema,
        name,
        attribute=found.attribute,
        dialect=found.dialect or None,
        files=found.files,
        auto_refresh=found.auto_refresh,
    )


class _Options:
    """Table options, one after the other."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self.kept: list[bytes] = []
        self.attribute: Literal | None = None
        self.dialect: dict[str, Value] = {}
        self.files: tuple[Mapping[str, Value], ...] | None = None
        self.auto_refresh: str | None = None

    def read(self, words: Sequence[Token]) -> None:
        at = 0
        while at < len(words):
            if words[at].is_symbol(b","):
                at += 1
                continue
            at = self._option(words, at)

    def _option(self, words: Sequence[Token], at: int) -> int:
        word, value = words[at], _behind_equals(words, at + 1)
        if word.is_word(b"ENGINE", b"SECONDARY_ENGINE"):
            wanted = b"LAKEHOUSE" if word.is_word(b"ENGINE") else b"RAPID"
            if value >= len(words) or _plain(words[value]).upper() != wanted:
                raise _near(self._text, words, value)
            return value + 1
        if word.is_word(b"ENGINE_ATTRIBUTE"):
            self.attribute = self._string(words, value)
            return value + 1
        if word.is_word(b"FILE_FORMAT"):
            inside, value = self._parenthesised(words, value)
            self.dialect |= dict(self._format(inside))
            return value
        if word.is_word(b"FILES"):
            opening = value
            inside, value = self._parenthesised(words, value)
            if not inside:
                raise _near(self._text, words, opening + 1)
            self.files = tuple(map(self._file, split_at_commas(inside)))
            return value
        if word.is_word(*_FLAGS):
            flag = self._flag(words, value)
            if flag is not None:
                self.dialect[_FLAGS[word.text.upper()]] = flag
            return value + 1
        if word.is_word(b"AUTO_REFRESH", b"AUTO_REFRESH_SOURCE"):
            off = value < len(words) and words[value].is_word(b"NONE", b"DEFAULT")
            if not off and not (value < len(words) and words[value].text == b"0"):
                self.auto_refresh = word.text.decode().upper()
            return value + 1
        return self._keep(words, at)

    def _keep(self, words: Sequence[Token], at: int) -> int:
        """An option of MySQL's: up to the next one that is ours."""
        start, depth = at, 0
        at += 1
        while at < len(words):
            depth += words[at].is_symbol(b"(") - words[at].is_symbol(b")")
            separates = words[at].is_word(*_OPTIONS) or words[at].is_symbol(b",")
            if depth == 0 and separates:
                break
            at += 1
        self.kept.append(text_of(self._text, words[start:at]))
        return at

    def _format(self, words: Sequence[Token]) -> Iterator[tuple[str, Value]]:
        """The clauses between the parentheses of FILE_FORMAT."""
        at = 0
        while at < len(words):
            word, value = words[at], _behind_equals(words, at + 1)
            if word.is_symbol(b","):
                at += 1
            elif word.is_word(b"FORMAT"):
                yield "format", self._word(words, value).lower()
                at = value + 1
            elif word.is_word(b"COMPRESSION"):
                yield "compression", self._string(words, value)
                at = value + 1
            elif word.is_word(b"CHARACTER", b"CHARSET"):
                value = at + (2 if word.is_word(b"CHARACTER") else 1)
                value = _behind_equals(words, value)
                yield "encoding", self._word(words, value).lower()
                at = value + 1
            elif word.is_word(b"HEADER"):
                if self._word(words, value).upper() not in ("ON", "OFF"):
                    raise _near(self._text, words, value)
                yield "has_header", self._word(words, value).upper() == "ON"
                at = value + 1
            elif word.is_word(b"IGNORE"):
                if not words[value : value + 1] or not words[value].text.isdigit():
                    raise _near(self._text, words, value)
                yield "skip_rows", int(words[value].text)
                unit = words[value + 1 : value + 2]
                at = value + 1 + bool(unit and unit[0].is_word(b"LINES", b"ROWS"))
            elif word.is_word(b"FIELDS", b"COLUMNS", b"LINES"):
                at = yield from self._delimiters(words, at)
            else:
                raise _near(self._text, words, at)

    def _delimiters(
        self, words: Sequence[Token], at: int
    ) -> Generator[tuple[str, Value], None, int]:
        """What FIELDS, COLUMNS or LINES says; returns the index behind it."""
        of_lines = words[at].is_word(b"LINES")
        at += 1
        first = at
        while at < len(words):
            word = words[at]
            if word.is_word(b"OPTIONALLY"):
                at += 1
                continue
            if word.is_word(b"TERMINATED"):
                key = "record_delimiter" if of_lines else "field_delimiter"
            elif word.is_word(b"ENCLOSED") and not of_lines:
                key = "quotation_marks"
            elif word.is_word(b"ESCAPED") and not of_lines:
                key = "escape_character"
            elif word.is_word(*_FORMATS_OF) and not of_lines:
                key = _FORMATS_OF[word.text.upper()]
            else:
                break
            filler = b"FORMAT" if word.is_word(*_FORMATS_OF) else b"BY"
            if at + 1 >= len(words) or not words[at + 1].is_word(filler):
                raise _near(self._text, words, at + 1)
            value = _behind_equals(words, at + 2)
            yield key, self._string(words, value)
            at = value + 1
        if at == first:
            raise _near(self._text, words, at)
        return at

    def _file(self, words: Sequence[Token]) -> Mapping[str, Value]:
        """One member of FILES: attributes separated by blanks."""
        found: dict[str, Value] = {}
        at = 0
        if words and words[0].is_symbol(b"("):  # parentheses of its own
            end = closing(words, 0)
            words = words[1:end] if end == len(words) - 1 else words
        while at < len(words):
            word, value = words[at], _behind_equals(words, at + 1)
            if word.is_word(*_LOCATIONS):
                found[_LOCATIONS[word.text.upper()]] = self._string(words, value)
            elif word.is_word(b"ALLOW_MISSING_FILES", b"STRICT_LOAD"):
                flag = self._flag(words, value)
                if flag is not None:
                    found[_FLAGS[word.text.upper()]] = flag
            else:
                raise _near(self._text, words, at)
            at = value + 1
        if not found:
            raise _near(self._text, words, 0)
        return found

    def _parenthesised(
        self, words: Sequence[Token], at: int
    ) -> tuple[Sequence[Token], int]:
        if at >= len(words) or not words[at].is_symbol(b"("):
            raise _near(self._text, words, at)
        end = closing(words, at)
        if end is None:
            raise _near(self._text, words, len(words))
        return words[at + 1 : end], end + 1

    def _string(self, words: Sequence[Token], at: int) -> Literal:
        if at >= len(words) or words[at].kind is not Kind.STRING:
            raise _near(self._text, words, at)
        return words[at].text

    def _word(self, words: Sequence[Token], at: int) -> str:
        if at >= len(words) or words[at].kind not in (Kind.WORD, Kind.STRING):
            raise _near(self._text, words, at)
        return _plain(words[at]).decode("latin1")

    def _flag(self, words: Sequence[Token], at: int) -> bool | None:
        """1, 0, or None for DEFAULT."""
        text = words[at].text.upper() if at < len(words) else b""
        if text not in (b"0", b"1", b"DEFAULT"):
            raise _near(self._text, words, at)
        return None if text == b"DEFAULT" else text == b"1"


def _definition(
    text: bytes, words: Sequence[Token]
) -> tuple[bytes, dict[str, tuple[str, Literal]]]:
    """The column list without formats of single columns, and those formats.

    A format's kind is the column's type: it is the format of what the column holds.
    """
    kept, formats = [], {}
    for part in split_at_commas(words):
        rest: list[bytes] = []
        begin = at = 0
        while at < len(part):
            if not part[at].is_word(*_OF_A_COLUMN) or at < 2:
                at += 1
                continue
            value = _behind_equals(part, at + 1)
            if value >= len(part) or part[value].kind is not Kind.STRING:
                raise _near(text, part, value)
            rest.append(text_of(text, part[begin:at]))
            kind = part[at].text.decode().upper()
            formats[part[0].name or ""] = (kind, part[value].text)
            begin = at = value + 1
        rest.append(text_of(text, part[begin:]))
        kept.append(b" ".join(filter(None, rest)))
    return b", ".join(kept), formats


def _behind_equals(words: Sequence[Token], at: int) -> int:
    return at + 1 if at < len(words) and words[at].is_symbol(b"=") else at


def _plain(word: Token) -> bytes:
    return word.text.strip(b"`'\"")


def _near(text: bytes, words: Sequence[Token], at: int) -> MySQLError:
    start = words[at].start if at < len(words) else len(text)
    line = text.count(b"\n", 0, start) + 1
    return syntax_error(text[start:].decode("utf-8", "replace"), line)
