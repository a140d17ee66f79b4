"""CREATE TABLE of external tables: what it asks for, of MySQL and of Lakehouse.

Names, columns and ordinary table options stay the bytes they are, for MySQL to read.
What only Lakehouse knows is taken out.

Source: HeatWave User Guide, "CREATE EXTERNAL TABLE".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from heatproxy.errors import lakehouse_lacks_option
from heatproxy.sql.external_columns import Columns, Evaluate, read_definition
from heatproxy.sql.external_options import (
    Literal,
    TableOptions,
    Value,
    behind_equals,
    near,
)
from heatproxy.sql.lexer import Token, closing, qualified_name


@dataclass(frozen=True, slots=True)
class Given:
    """What a statement says of the files: ENGINE_ATTRIBUTE, or clauses in its place.

    ``auto_refresh`` names the first AUTO_REFRESH clause there is.
    """

    attribute: Literal | None = None
    dialect: Mapping[str, Value] | None = None
    files: tuple[Mapping[str, Value], ...] | None = None
    auto_refresh: str | None = None

    @property
    def by_clauses(self) -> bool:
        """Whether any clause says where the files are, or how to read them."""
        return self.files is not None or bool(self.dialect)

    def literals(self) -> list[Literal]:
        """Every string literal whose value must be asked for."""
        values: list[Value] = [self.attribute]
        for part in (self.dialect or {}, *(self.files or ())):
            values += part.values()
        return [value for value in values if isinstance(value, bytes)]

    def engine_attribute(self, evaluate: Evaluate) -> dict[str, Any]:
        """``file`` and ``dialect`` as ENGINE_ATTRIBUTE has them, from the clauses."""
        made: dict[str, Any] = {}
        if self.files is not None:
            made["file"] = [_evaluated(one, evaluate) for one in self.files]
        dialect = _evaluated(self.dialect or {}, evaluate)
        if dialect:
            made["dialect"] = dialect
        return made

    @property
    def resets(self) -> set[str]:
        """What the dialect is to say no more: it was set to DEFAULT."""
        return {key for key, value in (self.dialect or {}).items() if value is None}


@dataclass(frozen=True, slots=True)
class External:
    """An external table that is to be made.

    ``definition`` is what stands between the parentheses of CREATE TABLE, ``options``
    the table options for MySQL.
    """

    schema: str | None
    name: str
    if_not_exists: bool = False
    definition: Columns = field(default_factory=Columns)
    options: bytes = b""
    given: Given = field(default_factory=Given)

    def literals(self) -> list[Literal]:
        """Every string literal whose value must be asked for, each once."""
        formats = [one.literal for one in self.definition.formats]
        return list(dict.fromkeys([*self.given.literals(), *formats]))


def _evaluated(part: Mapping[str, Value], evaluate: Evaluate) -> dict[str, Any]:
    return {
        key: evaluate(value) if isinstance(value, bytes) else value
        for key, value in part.items()
        if value is not None
    }


def creates_external(words: Sequence[Token]) -> bool:
    """Whether a statement is CREATE TABLE of an external table, however written."""
    if len(words) < 3 or not words[0].is_word(b"CREATE"):
        return False
    if words[1].is_word(b"EXTERNAL"):
        return words[2].is_word(b"TABLE")
    at = 2 if words[1].is_word(b"TEMPORARY") else 1
    return words[at].is_word(b"TABLE") and _engine(words) == "lakehouse"


def _engine(words: Sequence[Token]) -> str | None:
    depth = 0
    for index, word in enumerate(words):
        depth += word.is_symbol(b"(") - word.is_symbol(b")")
        if depth == 0 and word.is_word(b"ENGINE"):
            at = behind_equals(words, index + 1)
            if at < len(words):
                return words[at].text.decode("latin1").strip("`'\"").lower()
    return None


def parse_create(text: bytes, words: Sequence[Token]) -> External:
    """Read a statement of which ``creates_external`` is true.

    Raises:
        MySQLError: 1064, it is not what the grammar allows; 1478, it is temporary.
    """
    if words[1].is_word(b"TEMPORARY"):
        raise lakehouse_lacks_option("TEMPORARY")
    at = 3 if words[1].is_word(b"EXTERNAL") else 2
    if_not_exists = at + 2 < len(words) and words[at].is_word(b"IF")
    if if_not_exists:
        at += 3
    named = qualified_name(words, at)
    if named is None:
        raise near(text, words, at)
    schema, name, at = named
    if at >= len(words) or not words[at].is_symbol(b"("):
        raise near(text, words, at)
    end = closing(words, at)
    if end is None:
        raise near(text, words, len(words))
    definition = read_definition(text, words[at + 1 : end])
    found = TableOptions(text)
    found.read(words[end + 1 :])
    options = b" ".join(found.kept)
    return External(schema, name, if_not_exists, definition, options, given(found))


def given(found: TableOptions) -> Given:
    """What the options read say of the files."""
    return Given(
        found.attribute, found.dialect or None, found.files, found.auto_refresh
    )
