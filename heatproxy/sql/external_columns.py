"""The column definitions of external tables, and the formats that single columns have.

A column's EXTERNAL_FORMAT or ENGINE_ATTRIBUTE is only Lakehouse's. MySQL keeps it as
the column's SECONDARY_ENGINE_ATTRIBUTE, so that it follows a column that is renamed.

Source: HeatWave User Guide, "Lakehouse External Table SQL Syntax", "External Table
JSON Syntax".
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from heatproxy.errors import MySQLError
from heatproxy.jsontext import json_text
from heatproxy.sql.external_options import (
    FORMATS_OF,
    Literal,
    behind_equals,
    near,
)
from heatproxy.sql.lexer import Kind, Token, split_at_commas, text_of

Evaluate = Callable[[Literal], str]

ATTRIBUTE_KEYS = ("date_format", "time_format", "datetime_format", "timestamp_format")
_OF_A_COLUMN = (b"EXTERNAL_FORMAT", b"ENGINE_ATTRIBUTE")


@dataclass(frozen=True, slots=True)
class Format:
    """How one column is written in the files: a clause, and what the column is."""

    clause: str  # EXTERNAL_FORMAT or ENGINE_ATTRIBUTE
    literal: Literal
    column: str
    type: str  # its first word, in upper case

    def attribute(self, evaluate: Evaluate) -> str:
        """The JSON text of it.

        Raises:
            MySQLError: 6510, a format for what is no date or time; 6407, an attribute
                that is none of a column's.
        """
        text = evaluate(self.literal)
        if self.clause == "EXTERNAL_FORMAT":
            key = FORMATS_OF.get(self.type.encode())
            if key is None:
                raise format_not_temporal(self.column)
            return json_text({key: text})
        try:
            given = json.loads(text)
        except json.JSONDecodeError as problem:
            raise wrong_attribute(f"{problem.msg} at position {problem.pos}") from None
        if not isinstance(given, dict):
            raise wrong_attribute("it must be a JSON object")
        for key, value in given.items():
            if key not in ATTRIBUTE_KEYS:
                raise wrong_attribute(f"unknown key '{key}'")
            if not isinstance(value, str) or not value:
                raise wrong_attribute(f"'{key}' must be a string")
        return json_text(given)


@dataclass(frozen=True, slots=True)
class Columns:
    """Column definitions: text for MySQL, and between it the formats."""

    pieces: tuple[bytes | Format, ...] = ()

    @property
    def plain(self) -> bytes:
        """The text without the formats."""
        return b"".join(piece for piece in self.pieces if isinstance(piece, bytes))

    @property
    def formats(self) -> tuple[Format, ...]:
        return tuple(piece for piece in self.pieces if isinstance(piece, Format))

    def sql(self, evaluate: Evaluate, *, backslash_escapes: bool) -> bytes:
        """The text as InnoDB takes it.

        Raises:
            MySQLError: as Format.attribute does.
        """
        return b"".join(
            piece
            if isinstance(piece, bytes)
            else b"SECONDARY_ENGINE_ATTRIBUTE "
            + quoted(
                piece.attribute(evaluate), backslash_escapes=backslash_escapes
            ).encode()
            for piece in self.pieces
        )


def quoted(text: str, *, backslash_escapes: bool) -> str:
    """A string literal of the session that runs it."""
    if backslash_escapes:
        text = text.replace("\\", "\\\\")
    return "'" + text.replace("'", "''") + "'"


def read_definition(text: bytes, words: Sequence[Token]) -> Columns:
    """The list between the parentheses of CREATE TABLE.

    Raises:
        MySQLError: 1064.
    """
    pieces: list[bytes | Format] = []
    at = words[0].start if words else 0
    for part in split_at_commas(words):
        if len(part) > 2:
            at = _read(text, part, 0, at, pieces)
    if words:
        pieces.append(text[at : words[-1].end])
    return Columns(tuple(pieces))


def read_column(text: bytes, words: Sequence[Token], name: int) -> Columns:
    """One action of ALTER TABLE, the column's new name being the token at ``name``.

    Raises:
        MySQLError: 1064.
    """
    pieces: list[bytes | Format] = []
    at = _read(text, words, name, words[0].start, pieces)
    return Columns((*pieces, text[at : words[-1].end]))


def without_formats(text: bytes, words: Sequence[Token]) -> Columns:
    """An action that defines no column."""
    return Columns((text_of(text, words),))


def _read(
    text: bytes,
    part: Sequence[Token],
    name: int,
    done: int,
    pieces: list[bytes | Format],
) -> int:
    """Take the formats of one column; how far the text has been taken."""
    at = name + 2
    while at < len(part):
        if not part[at].is_word(*_OF_A_COLUMN):
            at += 1
            continue
        value = behind_equals(part, at + 1)
        if value >= len(part) or part[value].kind is not Kind.STRING:
            raise near(text, part, value)
        pieces.append(text[done : part[at].start])
        clause = part[at].text.decode().upper()
        kind = part[name + 1].text.decode("latin1").upper()
        column = part[name].name or ""
        pieces.append(Format(clause, part[value].text, column, kind))
        done = part[value].end
        at = value + 1
    return done


def format_not_temporal(column: str) -> MySQLError:
    """ER_EXTERNAL_FORMAT_NOT_SUPPORTED."""
    text = f"Column '{column}': EXTERNAL_FORMAT is only supported for temporal data"
    return MySQLError(6510, "HY000", f"{text} types.")


def wrong_attribute(problem: str) -> MySQLError:
    """ER_LH_COLUMN_ENGINE_ATTR_ERR."""
    return MySQLError(6407, "HY000", f"Invalid column engine attribute: {problem}.")
