"""Names between double quotes: under ANSI_QUOTES that is what they are.

The lexer reads them as strings, as every other sql_mode does. DDL and SHOW are written
anew here, with back-ticks; what a SELECT says its columns are called would change with
it, and who translates one knows the sql_mode.

Source: MySQL Reference Manual, "Schema Object Names".
"""

from heatproxy.datatypes import quote_name
from heatproxy.session import Session
from heatproxy.sql.lexer import Kind, Token, tokens
from heatproxy.sql.prefilter import CHANGES
from heatproxy.statements import Text

_DDL = frozenset([*CHANGES, b"CREATE", b"SHOW"])
_MODE = "ANSI_QUOTES"


async def with_names(session: Session, statement: Text) -> Text:
    """The statement with its names as names; as it is where it has none of these."""
    words = statement.tokens
    if words[0].text.upper() not in _DDL or statement.binding is not None:
        return statement
    if not any(map(_is_quoted, words)):
        return statement
    sql_mode = await session.backend.scalar("SELECT @@sql_mode") or ""
    if _MODE not in sql_mode.upper():
        return statement
    text = backticked(statement)
    found = tokens(text, backslash_escapes=session.backslash_escapes)
    return Text(text, found)


def backticked(statement: Text) -> bytes:
    """The statement's own text with back-ticks for double quotes."""
    pieces, done = [], statement.tokens[0].start
    for word in statement.tokens:
        if _is_quoted(word):
            name = word.text[1:-1].replace(b'""', b'"').decode("utf-8", "replace")
            pieces += [statement.text[done : word.start], quote_name(name).encode()]
            done = word.end
    return b"".join([*pieces, statement.text[done : statement.tokens[-1].end]])


def _is_quoted(word: Token) -> bool:
    return word.kind is Kind.STRING and word.text.startswith(b'"')
