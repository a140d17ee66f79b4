"""EXPLAIN of a statement with predictions: MySQL's own, and a note on who predicts."""

from collections.abc import Sequence

from heatproxy.aftermath import Aftermath, Condition, conditions_of
from heatproxy.session import Session
from heatproxy.sql.calls import RoutineCall
from heatproxy.sql.lexer import Token
from heatproxy.sql.predictions_gather import Rewriting
from heatproxy.statements.predicting.calls import is_constant
from heatproxy.statements.predicting.gathered import Unforeseen, require_repeatable
from heatproxy.statements.predicting.plain import plain

NOTE, PLUGIN = "Note", 3877
_EXPLAINS = (b"EXPLAIN", b"DESC", b"DESCRIBE")
_BEGINS = (
    *(b"SELECT", b"WITH", b"TABLE", b"VALUES", b"INSERT", b"REPLACE"),
    *(b"UPDATE", b"DELETE"),
)


def explains(part: Sequence[Token]) -> bool:
    """Whether a statement is an EXPLAIN that runs nothing."""
    if not part[0].is_word(*_EXPLAINS):
        return False
    return not any(token.is_word(b"ANALYZE") for token in part[1:2])


async def explain(
    session: Session,
    text: bytes,
    part: Sequence[Token],
    calls: Sequence[RoutineCall],
) -> None:
    """Give the client MySQL's plan, and a note for each function that is called.

    Raises:
        MySQLError: MySQL's.
    """
    backend = session.backend
    found = await backend.packed(text, binary=session.answer.binary)
    conditions = await conditions_of(backend)
    how = await _how(session, text, part, calls)
    names = dict.fromkeys(f"sys.{call.name}" for call in calls)
    conditions += [
        Condition(NOTE, PLUGIN, f"{name} is computed by heatproxy: {how}")
        for name in names
    ]
    session.answer.warnings = len(conditions)
    await session.answer.packed_rows(found.columns, found.rows)
    session.aftermath = Aftermath(len(found.rows), -1, conditions)


async def _how(
    session: Session, text: bytes, part: Sequence[Token], calls: Sequence[RoutineCall]
) -> str:
    escapes = session.backslash_escapes
    begins = [i for i, token in enumerate(part) if token.is_word(*_BEGINS)]
    inner = part[begins[0] :] if begins else part
    if all(is_constant(a, escapes=escapes) for c in calls for a in c.arguments):
        return "once, before MySQL runs the statement"
    if plain(text, inner, calls, escapes=escapes) is not None:
        return "a batch of rows at a time, as MySQL's rows go to the client"
    rewriting = Rewriting(text, inner, calls)
    try:
        await require_repeatable(session, rewriting.repeated(), calls)
    except Unforeseen as reason:
        return f"one row after the other, as MySQL asks for it, for {reason}"
    return (
        "for all rows of a call in one batch, which MySQL looks up in temporary"
        " tables as it runs the statement"
    )
