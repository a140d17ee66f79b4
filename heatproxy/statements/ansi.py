"""Names between double quotes: under ANSI_QUOTES that is what they are.

The lexer reads them as strings, as every other sql_mode does. DDL and SHOW are written
anew here, with back-ticks. A statement that reads rows keeps its text, for MySQL calls
columns by it: only its tokens become names, and what is translated gets back-ticks.

Source: MySQL Reference Manual, "Schema Object Names".
"""

from collections.abc import Sequence
from dataclasses import replace

from heatproxy.datatypes import quote_name
from heatproxy.rapid.decision import Settings
from heatproxy.session import Session
from heatproxy.sql.lexer import Kind, Token, tokens
from heatproxy.sql.prefilter import CHANGES
from heatproxy.statements import Text

_DDL = frozenset([*CHANGES, b"CREATE", b"SHOW"])
_MODE = "ANSI_QUOTES"
_WITH_IT = (_MODE, "ANSI")  # what says so in a session's sql_mode


async def with_names(session: Session, statement: Text) -> Text:
    """The statement with its names as names; as it is where it has none of these."""
    words = statement.tokens
    if not any(map(_is_quoted, words)):
        return statement
    is_ddl = words[0].text.upper() in _DDL and not _names_columns(words)
    if is_ddl and statement.binding is not None:
        return statement
    found = named(statement)
    if not is_ddl and not _may_name(session, statement, found):
        return statement
    sql_mode = await session.backend.scalar("SELECT @@sql_mode") or ""
    if _MODE not in sql_mode.upper():
        return statement
    return rewritten(session, found) if is_ddl else found


def named(statement: Text) -> Text:
    """The statement with names for what stands between double quotes."""
    return replace(statement, tokens=[*map(_as_name, statement.tokens)])


def rewritten(session: Session, statement: Text) -> Text:
    """The statement's own text with back-ticks for double quotes around names."""
    text = backticked(statement)
    return Text(text, tokens(text, backslash_escapes=session.backslash_escapes))


def has_names(statement: Text) -> bool:
    """Whether there are names between double quotes."""
    return any(_stands_quoted(statement, word) for word in statement.tokens)


def translatable(settings: Settings) -> Settings:
    """The session's settings for a text that was written anew with back-ticks."""
    modes = settings["sql_mode"].split(",")
    left = ",".join(mode for mode in modes if mode.upper() not in _WITH_IT)
    return replace(settings, values={**settings.values, "sql_mode": left})


def backticked(statement: Text) -> bytes:
    """The statement's own text with back-ticks for the double quotes of its names."""
    pieces, done = [], statement.tokens[0].start
    for word in statement.tokens:
        if _stands_quoted(statement, word):
            pieces += [statement.text[done : word.start], word.text]
            done = word.end
    return b"".join([*pieces, statement.text[done : statement.tokens[-1].end]])


def _may_name(session: Session, statement: Text, found: Text) -> bool:
    """Whether the names between double quotes may matter to the engine."""
    house = session.house
    shells = house.names_over_shells()
    if found.names & shells:
        return True
    return bool((found.names - statement.names) & house.rapid.tables.names)


def _names_columns(words: Sequence[Token]) -> bool:
    """Whether it is CREATE TABLE ... SELECT, whose text gives names to columns."""
    return words[0].is_word(b"CREATE") and any(
        word.is_word(b"SELECT") for word in words
    )


def _as_name(word: Token) -> Token:
    if not _is_quoted(word):
        return word
    name = word.text[1:-1].replace(b'""', b'"').decode("utf-8", "replace")
    return replace(word, kind=Kind.NAME, text=quote_name(name).encode())


def _is_quoted(word: Token) -> bool:
    return word.kind is Kind.STRING and word.text.startswith(b'"')


def _stands_quoted(statement: Text, word: Token) -> bool:
    at = word.start
    return word.kind is Kind.NAME and statement.text[at : at + 1] == b'"'
