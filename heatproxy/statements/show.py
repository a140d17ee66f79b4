"""SHOW and DESCRIBE of the tables and variables that only RAPID has.

Each becomes the SELECT that MySQL itself makes of it, with ours among its rows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from heatproxy.aftermath import of_rows
from heatproxy.datatypes import quote_name, quote_text
from heatproxy.rapid.performance_schema import (
    FULL_COLUMNS,
    RPD_TABLES,
    SCHEMA,
    SHOWN_COLUMNS,
    RpdTable,
    create_table,
    described_rows,
    tables_query,
)
from heatproxy.rapid.status import NAMES
from heatproxy.rapid.variables import VARIABLES
from heatproxy.session import Session
from heatproxy.sql.lexer import Kind, Token, qualified_name, text_of
from heatproxy.sql.prefilter import MENTIONS
from heatproxy.sql.substitute import Substituted
from heatproxy.statements import Text, Work
from heatproxy.statements.agreement import require_layout
from heatproxy.statements.named import unquoted
from heatproxy.statements.rpd import answer, may_read, values_of

_DESCRIBES = (b"DESC", b"DESCRIBE", b"EXPLAIN")
_IN = (b"FROM", b"IN")


@dataclass(frozen=True, slots=True)
class Listed:
    """What a SHOW lists, and which part of it the client wants to see."""

    query: str  # under the names of columns that WHERE may name
    key: str  # the column that LIKE is about
    condition: Sequence[Token]  # LIKE or WHERE and what follows
    columns: str = "*"
    sorted: bool = True  # by the key


async def handle(session: Session, statement: Text) -> Work | None:
    """Take a SHOW or DESCRIBE that RAPID has rows for."""
    listed: Listed | Work | str | None = None
    words = statement.tokens
    if words[0].is_word(*_DESCRIBES) and MENTIONS.search(statement.own):
        listed = await _described(session, words, 1, full=False)
    elif words[0].is_word(b"SHOW"):
        listed = await _shown(session, statement)
    if listed is None or isinstance(listed, Work):
        return listed
    text = listed.encode() if isinstance(listed, str) else _select(listed, statement)
    return Work(partial(answer, session, statement, Substituted(text)), text)


def _select(listed: Listed, statement: Text) -> bytes:
    """The SELECT that a SHOW is."""
    key, condition = quote_name(listed.key), listed.condition
    ending = text_of(statement.text, condition)
    if condition and condition[0].is_word(b"LIKE"):
        ending = f"WHERE {key} ".encode() + ending
    text = f"SELECT {listed.columns} FROM ({listed.query}) AS heatproxy_rows ".encode()
    order = f" ORDER BY {key}" if listed.sorted else ""
    return text + ending + order.encode()


async def _shown(session: Session, statement: Text) -> Listed | Work | str | None:
    words = statement.tokens
    place = 1
    while _is(words, place, b"GLOBAL", b"SESSION", b"LOCAL", b"EXTENDED", b"FULL"):
        place += 1
    if _is(words, place, b"STATUS", b"VARIABLES"):
        kind = words[place].text.lower().decode()
        return await _variables(session, statement, words[place + 1 :], kind)
    if not MENTIONS.search(statement.own):
        return None
    full = any(word.is_word(b"FULL") for word in words[1:place])
    if _is(words, place, b"TABLES"):
        return await _tables(session, words, place + 1, full=full)
    if _is(words, place, b"COLUMNS", b"FIELDS") and _is(words, place + 1, *_IN):
        return await _described(session, words, place + 2, full=full)
    if _is(words, place, b"CREATE") and _is(words, place + 1, b"TABLE"):
        found = await _table_at(session, words, place + 2)
        if found is not None and found[1] == len(words):
            return _creation(found[0])
    return None


def _is(words: Sequence[Token], place: int, *keywords: bytes) -> bool:
    return place < len(words) and words[place].is_word(*keywords)


# --- status and system variables ----------------------------------------------------


async def _variables(
    session: Session, statement: Text, condition: Sequence[Token], kind: str
) -> Work | None:
    """SHOW STATUS or VARIABLES, if any of ours may be among its rows."""
    is_status = kind == "status"
    names = NAMES if is_status else tuple(VARIABLES)
    escapes = session.backslash_escapes
    if not _may_show(condition, names, backslash_escapes=escapes):
        return None
    return Work(partial(_answer_variables, session, statement, condition, kind))


async def _answer_variables(
    session: Session, statement: Text, condition: Sequence[Token], kind: str
) -> None:
    """MySQL's rows, ours among them in the order of their names.

    MySQL shows more here than performance_schema has.
    """
    only_global = statement.tokens[1].is_word(b"GLOBAL")
    scope = "global" if only_global else "session"
    values = await values_of(session, f"{scope}_{kind}")
    rows = ", ".join(f"ROW('{name}', '{value}')" for name, value in values.items())
    query = f"SELECT * FROM (VALUES {rows}) AS v (`Variable_name`, `Value`)"
    listed = Listed(query, "Variable_name", condition)
    binary = session.answer.binary
    ours = await session.backend.packed(_select(listed, statement), binary=binary)
    theirs = await session.backend.packed(statement.own, binary=binary)
    if binary:
        require_layout([column.type for column in ours.columns], theirs.columns)
    merged = {row[0]: row for row in (*theirs.rows, *ours.rows)}
    shown = sorted(merged.values(), key=lambda row: (row[0] or b"").lower()[1:])
    columns = statement.described(list(theirs.columns))
    await session.answer.packed_rows(columns, shown)
    session.aftermath = of_rows(len(shown))


def _may_show(
    condition: Sequence[Token], names: Sequence[str], *, backslash_escapes: bool
) -> bool:
    """Whether one of these may be among the rows that a condition leaves."""
    if not condition or condition[0].is_word(b"WHERE"):
        return True
    if len(condition) != 2 or not condition[0].is_word(b"LIKE"):
        return False  # MySQL says what is wrong with it
    if condition[1].kind is not Kind.STRING or condition[1].text[:1] not in b"'\"":
        return False
    text = unquoted(condition[1].text, backslash_escapes=backslash_escapes)
    pattern = _pattern(text.decode("utf-8", "replace"))
    return any(pattern.fullmatch(name) for name in names)


def _pattern(like: str) -> re.Pattern[str]:
    """A LIKE pattern as a regular expression."""
    pieces = []
    characters = iter(like)
    for character in characters:
        if character == "%":
            pieces.append(".*")
        elif character == "_":
            pieces.append(".")
        else:
            literal = next(characters, "\\") if character == "\\" else character
            pieces.append(re.escape(literal))
    return re.compile("".join(pieces), re.IGNORECASE | re.DOTALL)


# --- tables and their columns -------------------------------------------------------


async def _tables(
    session: Session, words: Sequence[Token], place: int, *, full: bool
) -> Listed | None:
    """SHOW TABLES of performance_schema."""
    schema = await session.schema()
    if _is(words, place, *_IN) and place + 1 < len(words):
        schema, place = words[place + 1].name, place + 2
    condition = words[place:]
    if (schema or "").lower() != SCHEMA or not await may_read(session):
        return None
    key = f"Tables_in_{SCHEMA}"
    title = key
    if condition and condition[0].is_word(b"LIKE"):
        if len(condition) != 2 or condition[1].kind is not Kind.STRING:
            return None
        escapes = session.backslash_escapes
        pattern = unquoted(condition[1].text, backslash_escapes=escapes)
        title = f"{key} ({pattern.decode('utf-8', 'replace')})"
    query = (
        f"SELECT TABLE_NAME AS `{key}`, TABLE_TYPE AS `Table_type`"
        f" FROM ({tables_query().decode()}) AS t WHERE TABLE_SCHEMA = '{SCHEMA}'"
    )
    columns = f"`{key}` AS {quote_name(title)}" + (", `Table_type`" if full else "")
    return Listed(query, key, condition, columns)


async def _described(
    session: Session, words: Sequence[Token], place: int, *, full: bool
) -> Listed | None:
    """SHOW COLUMNS or DESCRIBE of a table of RAPID's."""
    found = await _table_at(session, words, place)
    if found is None:
        return None
    table, place = found
    condition = words[place:]
    if words[0].is_word(*_DESCRIBES) and condition:
        if len(condition) != 1 or condition[0].name is None:
            return None  # a pattern, or no DESCRIBE of a table
        name = quote_text(condition[0].name)
        query = f"SELECT * FROM ({_columns_of(table)}) AS c WHERE `Field` = {name}"
        condition = ()
    else:
        query = _columns_of(table)
    shown = tuple(FULL_COLUMNS.columns) if full else SHOWN_COLUMNS
    columns = ", ".join(quote_name(name) for name in shown)
    return Listed(query, "Field", condition, columns, sorted=False)


def _columns_of(table: RpdTable) -> str:
    return FULL_COLUMNS.query(described_rows(table)).decode()


async def _table_at(
    session: Session, words: Sequence[Token], place: int
) -> tuple[RpdTable, int] | None:
    """The table of RAPID's that is named there, and where its name ends."""
    named = qualified_name(words, place)
    if named is None or named[1].lower() not in RPD_TABLES:
        return None
    schema, table, end = named
    if schema is None and _is(words, end, *_IN) and end + 1 < len(words):
        schema, end = words[end + 1].name, end + 2
    if schema is None:
        schema = await session.schema()
    if (schema or "").lower() != SCHEMA or not await may_read(session):
        return None
    return RPD_TABLES[table.lower()], end


def _creation(table: RpdTable) -> str:
    """SHOW CREATE TABLE of one."""
    return (
        f"SELECT {quote_text(table.name)} AS `Table`,"
        f" {quote_text(create_table(table))} AS `Create Table`"
    )
