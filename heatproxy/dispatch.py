"""One lent statement from its text to its answer."""

import asyncio
import logging
from collections.abc import Sequence

from heatproxy.answer import Answer
from heatproxy.backend.connection import BackendConnection
from heatproxy.errors import MySQLError, ProtocolError, not_supported, unknown_error
from heatproxy.loan import Loan
from heatproxy.session import House, Session
from heatproxy.sql.lexer import Token, statements, tokens
from heatproxy.statements import Handler, Text, Work, call, create, ddl, rowfunction
from heatproxy.statements import select as select_statement
from heatproxy.statements.sealed import SEALED, refusal
from heatproxy.wire.channel import Statement
from heatproxy.wire.packets import Command, Status, parse_err, query_text

log = logging.getLogger(__name__)

# Asked in this order; the first that takes a statement answers it.
HANDLERS: tuple[Handler, ...] = (
    call.handle,
    rowfunction.handle,
    select_statement.handle,
    create.handle,
    ddl.handle,
)


async def serve_statement(house: House, loan: Loan, statement: Statement) -> None:
    """Answer a statement, or give it back to the relay as MySQL's."""
    backend = BackendConnection(loan, statement.capabilities, statement.status)
    answer = Answer(loan, backend)
    session = Session(house, backend, answer, loan, statement.thread_id)
    names = house.shells.version
    try:
        work = await _work_for(session, statement)
        if work is None:
            loan.forward()
            return
        await work()
    except MySQLError as error:
        if error.number == SEALED:
            error = refusal(house.shells, statement, error)
        await answer.error(error)
    except (ProtocolError, asyncio.CancelledError):
        raise
    except Exception as problem:
        log.exception("a statement failed")
        await answer.error(unknown_error(f"{type(problem).__name__}: {problem}"))
    if house.shells.version != names:  # before this client's next statement
        loan.names(house.shells.tables, house.shells.schemas)
    loan.done(backend.status & ~Status.MORE_RESULTS)


async def _work_for(session: Session, statement: Statement) -> Work | None:
    """What answers the statement; None when it is MySQL's alone."""
    if statement.error:
        raise refusal(session.house.shells, statement, parse_err(statement.error))
    if statement.command[0] != Command.QUERY:
        return None
    text = query_text(statement.command, statement.capabilities)
    try:
        found = tokens(text, backslash_escapes=session.backslash_escapes)
    except MySQLError:  # a versioned comment: MySQL decides what it says
        return None
    parts = statements(found)
    if parts and _defines_a_program(parts[0]):
        return None
    for part in parts:
        for handle in HANDLERS:
            work = await handle(session, Text(text, part))
            if work is not None and len(parts) > 1:
                raise not_supported(
                    "several statements in one packet when HeatWave's are among them"
                )
            if work is not None:
                await _require_utf8(session, text)
                return work
    return None


async def _require_utf8(session: Session, text: bytes) -> None:
    """Refuse text that would be read as other characters than the client meant."""
    if text.isascii():
        return
    charset = await session.backend.scalar("SELECT @@character_set_client")
    if charset not in ("utf8mb4", "utf8mb3"):
        raise not_supported(f"a statement in character set {charset} for HeatWave")


def _defines_a_program(part: Sequence[Token]) -> bool:
    """Whether it is CREATE of a view, procedure, trigger: nothing in it runs now."""
    creates = len(part) > 1 and part[0].is_word(b"CREATE")
    return creates and not part[1].is_word(b"TABLE", b"TEMPORARY")
