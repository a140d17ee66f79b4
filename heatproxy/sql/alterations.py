"""ALTER TABLE of external tables: its actions, and which of them there are not.

Source: HeatWave User Guide, "Lakehouse Limitations for all File Formats".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from heatproxy.errors import (
    MySQLError,
    lakehouse_lacks,
    lakehouse_lacks_option,
    not_supported,
)
from heatproxy.sql.external import Given, given
from heatproxy.sql.external_columns import Columns, read_column, without_formats
from heatproxy.sql.external_options import (
    OPTIONS,
    Literal,
    TableOptions,
    behind_equals,
    near,
)
from heatproxy.sql.lexer import Token, qualified_name, split_at_commas

_LOADS = (b"SECONDARY_LOAD", b"SECONDARY_UNLOAD")
_ORDINARY = (b"COMMENT", b"DEFAULT", b"CHARSET", b"CHARACTER", b"COLLATE")
_HARMLESS = (b"ALGORITHM", b"LOCK")
_KEYS = (b"PRIMARY", b"UNIQUE", b"KEY", b"INDEX", b"FULLTEXT", b"SPATIAL", b"FOREIGN")
_DROPPED = (b"PRIMARY", b"KEY", b"INDEX", b"CHECK", b"CONSTRAINT")
_NOW = (b"CURRENT_TIMESTAMP", b"NOW", b"LOCALTIME", b"LOCALTIMESTAMP")
# CREATE TABLE of other engines has them
NO_OPTIONS = (
    *(b"AUTOEXTEND_SIZE", b"AUTO_INCREMENT", b"AVG_ROW_LENGTH", b"CHECKSUM"),
    *(b"COMPRESSION", b"CONNECTION", b"DATA", b"DELAY_KEY_WRITE", b"ENCRYPTION"),
    *(b"INDEX", b"INSERT_METHOD", b"KEY_BLOCK_SIZE", b"MAX_ROWS", b"MIN_ROWS"),
    *(b"PACK_KEYS", b"PASSWORD", b"ROW_FORMAT", b"STATS_AUTO_RECALC"),
    *(b"STATS_PERSISTENT", b"STATS_SAMPLE_PAGES", b"STORAGE", b"TABLESPACE"),
    *(b"UNION", b"START", b"PARTITION", b"SECONDARY_ENGINE_ATTRIBUTE"),
)


@dataclass(frozen=True, slots=True)
class Action:
    """One action that MySQL carries out on the shell.

    ``redefines``: the columns may be others afterwards; ``renames``: the table is.
    """

    columns: Columns
    redefines: bool = False
    renames: bool = False


@dataclass(frozen=True, slots=True)
class Alteration:
    """What one statement does to an external table."""

    actions: tuple[Action, ...] = ()
    given: Given = field(default_factory=Given)

    def literals(self) -> list[Literal]:
        """Every string literal whose value must be asked for, each once."""
        formats = [f.literal for one in self.actions for f in one.columns.formats]
        return list(dict.fromkeys([*self.given.literals(), *formats]))


def altered_table(words: Sequence[Token]) -> tuple[str | None, str, int] | None:
    """The table that ALTER TABLE names, and the index behind it."""
    if len(words) < 3 or not words[1].is_word(b"TABLE"):
        return None
    return qualified_name(words, 2)


def parse_alter(text: bytes, words: Sequence[Token], at: int) -> Alteration:
    """Read what ALTER TABLE of an external table does, from token ``at`` on.

    Raises:
        MySQLError: 1064; 1178 or 1478, there is nothing like it for external tables.
    """
    options = TableOptions(text)
    actions: list[Action] = []
    for part in split_at_commas(words[at:]):
        if not part:
            raise near(text, words, at)
        if part[0].is_word(*_LOADS) or part[-1].is_word(*_LOADS):
            raise near(text, part, 0)  # they stand alone
        if part[0].is_word(*OPTIONS, *_ORDINARY):
            actions += _options(text, part, options)
        else:
            actions.append(_action(text, part))
    return Alteration(tuple(actions), given(options))


def require_options(words: Sequence[Token]) -> None:
    """Refuse table options for MySQL that no external table has.

    Raises:
        MySQLError: 1478.
    """
    for word in words:
        if word.is_word(*NO_OPTIONS):
            raise lakehouse_lacks_option(word.text.decode().upper())


def _options(text: bytes, part: Sequence[Token], options: TableOptions) -> list[Action]:
    """Take table options; those for MySQL become actions."""
    for index, word in enumerate(part):
        value = part[behind_equals(part, index + 1) :][:1]
        if word.is_word(b"SECONDARY_ENGINE"):
            if value and value[0].is_word(b"NULL"):
                raise lakehouse_lacks("SECONDARY_ENGINE=NULL")
            raise _secondary("Table already has a secondary engine defined.")
        if word.is_word(b"ENGINE"):
            raise _secondary(
                "Cannot change the primary engine of a table with a defined secondary"
                " engine."
            )
    require_options(part)
    options.kept.clear()
    options.read(part)
    return [Action(Columns((kept,))) for kept in options.kept]


def _secondary(why: str) -> MySQLError:
    return MySQLError(3889, "HY000", f"Secondary engine operation failed. {why}")


def _action(text: bytes, part: Sequence[Token]) -> Action:
    first, rest = part[0], part[1:]
    columns = without_formats(text, part)
    if first.is_word(b"MODIFY", b"CHANGE"):
        at = 2 if len(part) > 1 and part[1].is_word(b"COLUMN") else 1
        at += first.is_word(b"CHANGE")
        if at + 1 >= len(part):
            raise near(text, part, at + 1)
        require_columns(part[at:])
        return Action(read_column(text, part, at), redefines=True)
    if first.is_word(b"RENAME"):
        of_part = bool(rest) and rest[0].is_word(b"COLUMN", b"INDEX", b"KEY")
        return Action(columns, redefines=of_part, renames=not of_part)
    if first.is_word(*_HARMLESS):
        return Action(columns)
    if first.is_word(b"ALTER") and any(word.is_word(b"DEFAULT") for word in rest):
        return Action(columns)
    if first.is_word(b"DROP") and rest and rest[0].is_word(*_DROPPED):
        return Action(columns)
    if first.is_word(b"ADD") and _is_unenforced(rest):
        return Action(columns)
    raise _refusal(text, part)


def _is_unenforced(rest: Sequence[Token]) -> bool:
    checks = any(word.is_word(b"CHECK") for word in rest)
    ends = len(rest) > 2 and rest[-2].is_word(b"NOT")
    return checks and ends and rest[-1].is_word(b"ENFORCED")


def require_columns(words: Sequence[Token]) -> None:
    """Refuse what columns and keys of external tables cannot be.

    Raises:
        MySQLError: 1164, 1178, 1214, 1464, what Lakehouse lacks; 1235, what it has
            and heatproxy has not.
    """
    depth = 0
    for at, word in enumerate(words):
        depth += word.is_symbol(b"(") - word.is_symbol(b")")
        if word.is_word(b"AUTO_INCREMENT"):
            text = "The used table type doesn't support AUTO_INCREMENT columns"
            raise MySQLError(1164, "42000", text)
        if word.is_word(b"FULLTEXT", b"SPATIAL"):
            kind = word.text.decode().upper()
            number = 1214 if kind == "FULLTEXT" else 1464
            text = f"The used table type doesn't support {kind} indexes"
            raise MySQLError(number, "HY000" if number == 1214 else "42000", text)
        computed = word.is_word(b"AS") and words[at + 1 : at + 2]
        if word.is_word(b"GENERATED") or (computed and computed[0].is_symbol(b"(")):
            raise not_supported(
                "GENERATED columns of a Lakehouse table: a view can compute them"
            )
        if word.is_word(b"INVISIBLE") and depth == 0:
            raise lakehouse_lacks("invisible columns")
        if word.is_word(b"REFERENCES", b"FOREIGN"):
            raise lakehouse_lacks("foreign keys")
        value = words[at + 1 : at + 2]
        if word.is_word(b"ON") and value and value[0].is_word(b"UPDATE"):
            raise lakehouse_lacks("default expressions")
        if word.is_word(b"DEFAULT") and value and _is_computed(value[0]):
            raise lakehouse_lacks("default expressions")
        if word.is_word(b"STORAGE", b"COLUMN_FORMAT") and depth == 0:
            raise lakehouse_lacks(f"{word.text.decode().upper()} of a column")


def _is_computed(value: Token) -> bool:
    return value.is_symbol(b"(") or value.is_word(*_NOW)


def _refusal(text: bytes, part: Sequence[Token]) -> MySQLError:
    """What to say of an action that external tables lack."""
    first = part[0]
    verb = first.text.decode("utf-8", "replace").upper()
    if first.is_word(b"ADD", b"DROP"):
        rest = part[1:]
        if first.is_word(b"ADD") and any(w.is_word(*_KEYS) for w in rest[:3]):
            require_columns(part)
            return lakehouse_lacks("ADD INDEX")
        if rest and rest[0].is_word(b"PARTITION"):
            return lakehouse_lacks(f"{verb} PARTITION")
        if any(word.is_word(b"CHECK") for word in rest[:3]):
            return lakehouse_lacks("enforced check constraints")
        return lakehouse_lacks(f"{verb} COLUMN")
    if first.is_word(*NO_OPTIONS):
        return lakehouse_lacks_option(verb)
    if len(part) == 1 and not first.is_word(b"FORCE"):
        return near(text, part, 0)
    words = b" ".join(word.text.upper() for word in part[:2])
    return lakehouse_lacks(words.decode("utf-8", "replace"))
