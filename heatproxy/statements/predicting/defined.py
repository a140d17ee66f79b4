"""Definitions of views and programs that predict, spelled so that MySQL takes them.

MySQL keeps such a definition in words of its own anyhow. What stands in strings for
PREPARE is spelled when it is prepared.
"""

from functools import partial

from heatproxy.session import Session
from heatproxy.sql.calls import find_calls
from heatproxy.sql.lexer import tokens
from heatproxy.sql.predictions import spelled
from heatproxy.statements import Text, Work
from heatproxy.statements.predicting.calls import FUNCTIONS, arity_of, function_of

_READ_AS_IT_IS = ("utf8mb4", "utf8mb3")


async def as_mysql_takes_it(session: Session, statement: Text) -> Text:
    """CREATE VIEW, PROCEDURE, FUNCTION, TRIGGER or EVENT with its calls written out."""
    text, words = statement.text, statement.tokens
    calls = [
        call
        for call in find_calls(text, words, FUNCTIONS)
        if (call.schema or "").lower() == "sys"
        and len(call.arguments) in function_of(call).arities
    ]
    if not calls:
        return statement
    whole = spelled(text, words, calls, arity_of)
    if not whole.changes:
        return statement
    if not text.isascii():
        charset = await session.backend.scalar("SELECT @@character_set_client")
        if charset not in _READ_AS_IT_IS:  # MySQL says what it has against the text
            return statement
    escapes = session.backslash_escapes
    made = tokens(whole.text, backslash_escapes=escapes)
    return Text(whole.text, made, statement.binding)


def define(session: Session, statement: Text) -> Work:
    """Have MySQL keep a definition in the place of the client's own text."""
    return Work(partial(session.relay, statement.own), statement.own)
