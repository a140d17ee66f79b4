"""The table options of external tables: where the files are, and how to read them.

What only Lakehouse knows is read; other options stay the bytes they are, for MySQL. The
values of string literals are MySQL's to say: they stay literals until it was asked.

Source: HeatWave User Guide, "Lakehouse External Table SQL Syntax".
"""

from collections.abc import Generator, Iterator, Mapping, Sequence

from heatproxy.errors import MySQLError, syntax_error
from heatproxy.sql.lexer import Kind, Token, closing, split_at_commas, text_of

Literal = bytes  # as it stands in the statement, quotes included
Value = Literal | str | int | bool | None

FLAGS = {
    b"ALLOW_MISSING_FILES": "allow_missing_files",
    b"VERIFY_KEY_CONSTRAINTS": "check_constraints",
    b"STRICT_LOAD": "is_strict_mode",
}
LOCATIONS = {
    b"URI": "uri",
    b"URL": "uri",
    b"FILE_NAME": "name",
    b"FILE_PATTERN": "pattern",
    b"FILE_PREFIX": "prefix",
}
FORMATS_OF = {b"DATE": "date_format", b"TIME": "time_format"}
FORMATS_OF |= {b"DATETIME": "timestamp_format", b"TIMESTAMP": "timestamp_format"}
OPTIONS = (
    *(b"ENGINE", b"SECONDARY_ENGINE", b"ENGINE_ATTRIBUTE", b"FILE_FORMAT", b"FILES"),
    *(*FLAGS, b"AUTO_REFRESH", b"AUTO_REFRESH_SOURCE"),
)


class TableOptions:
    """The options of one statement, read one after the other.

    ``kept`` are those for MySQL, ``dialect`` and ``files`` what the clauses say of the
    files, ``attribute`` is the text of ENGINE_ATTRIBUTE; ``auto_refresh`` names the
    first AUTO_REFRESH clause that asks for one.
    """

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
        word, value = words[at], behind_equals(words, at + 1)
        if word.is_word(b"ENGINE", b"SECONDARY_ENGINE"):
            wanted = b"LAKEHOUSE" if word.is_word(b"ENGINE") else b"RAPID"
            if value >= len(words) or _unquoted(words[value]).upper() != wanted:
                raise near(self._text, words, value)
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
                raise near(self._text, words, opening + 1)
            self.files = tuple(map(self._file, split_at_commas(inside)))
            return value
        if word.is_word(*FLAGS):
            self.dialect[FLAGS[word.text.upper()]] = self._flag(words, value)
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
            separates = words[at].is_word(*OPTIONS) or words[at].is_symbol(b",")
            if depth == 0 and separates:
                break
            at += 1
        self.kept.append(text_of(self._text, words[start:at]))
        return at

    def _format(self, words: Sequence[Token]) -> Iterator[tuple[str, Value]]:
        """The clauses between the parentheses of FILE_FORMAT."""
        at = 0
        while at < len(words):
            word, value = words[at], behind_equals(words, at + 1)
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
                value = behind_equals(words, value)
                yield "encoding", self._word(words, value).lower()
                at = value + 1
            elif word.is_word(b"HEADER"):
                if self._word(words, value).upper() not in ("ON", "OFF"):
                    raise near(self._text, words, value)
                yield "has_header", self._word(words, value).upper() == "ON"
                at = value + 1
            elif word.is_word(b"IGNORE"):
                if not words[value : value + 1] or not words[value].text.isdigit():
                    raise near(self._text, words, value)
                yield "skip_rows", int(words[value].text)
                unit = words[value + 1 : value + 2]
                at = value + 1 + bool(unit and unit[0].is_word(b"LINES", b"ROWS"))
            elif word.is_word(b"FIELDS", b"COLUMNS", b"LINES"):
                at = yield from self._delimiters(words, at)
            else:
                raise near(self._text, words, at)

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
            elif word.is_word(*FORMATS_OF) and not of_lines:
                key = FORMATS_OF[word.text.upper()]
            else:
                break
            filler = b"FORMAT" if word.is_word(*FORMATS_OF) else b"BY"
            if at + 1 >= len(words) or not words[at + 1].is_word(filler):
                raise near(self._text, words, at + 1)
            value = behind_equals(words, at + 2)
            yield key, self._string(words, value)
            at = value + 1
        if at == first:
            raise near(self._text, words, at)
        return at

    def _file(self, words: Sequence[Token]) -> Mapping[str, Value]:
        """One member of FILES: attributes separated by blanks."""
        found: dict[str, Value] = {}
        at = 0
        if words and words[0].is_symbol(b"("):  # parentheses of its own
            end = closing(words, 0)
            words = words[1:end] if end == len(words) - 1 else words
        while at < len(words):
            word, value = words[at], behind_equals(words, at + 1)
            if word.is_word(*LOCATIONS):
                found[LOCATIONS[word.text.upper()]] = self._string(words, value)
            elif word.is_word(b"ALLOW_MISSING_FILES", b"STRICT_LOAD"):
                flag = self._flag(words, value)
                if flag is not None:
                    found[FLAGS[word.text.upper()]] = flag
            else:
                raise near(self._text, words, at)
            at = value + 1
        if not found:
            raise near(self._text, words, 0)
        return found

    def _parenthesised(
        self, words: Sequence[Token], at: int
    ) -> tuple[Sequence[Token], int]:
        if at >= len(words) or not words[at].is_symbol(b"("):
            raise near(self._text, words, at)
        end = closing(words, at)
        if end is None:
            raise near(self._text, words, len(words))
        return words[at + 1 : end], end + 1

    def _string(self, words: Sequence[Token], at: int) -> Literal:
        if at >= len(words) or words[at].kind is not Kind.STRING:
            raise near(self._text, words, at)
        return words[at].text

    def _word(self, words: Sequence[Token], at: int) -> str:
        if at >= len(words) or words[at].kind not in (Kind.WORD, Kind.STRING):
            raise near(self._text, words, at)
        return _unquoted(words[at]).decode("latin1")

    def _flag(self, words: Sequence[Token], at: int) -> bool | None:
        """1, 0, or None for DEFAULT."""
        text = words[at].text.upper() if at < len(words) else b""
        if text not in (b"0", b"1", b"DEFAULT"):
            raise near(self._text, words, at)
        return None if text == b"DEFAULT" else text == b"1"


def behind_equals(words: Sequence[Token], at: int) -> int:
    """The index behind an ``=`` that may be there."""
    return at + 1 if at < len(words) and words[at].is_symbol(b"=") else at


def near(text: bytes, words: Sequence[Token], at: int) -> MySQLError:
    """1064 at the token of that index, or at the end of the text."""
    start = words[at].start if at < len(words) else len(text)
    line = text.count(b"\n", 0, start) + 1
    return syntax_error(text[start:].decode("utf-8", "replace"), line)


def _unquoted(word: Token) -> bytes:
    return word.text.strip(b"`'\"")
