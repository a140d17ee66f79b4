"""One lent command from its bytes to its answer."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pymysql

from heatproxy import logs
from heatproxy.aftermath import Aftermath, leave_error
from heatproxy.answer import Answer
from heatproxy.backend import onlooker
from heatproxy.backend.account import ServiceAccount
from heatproxy.backend.connection import BackendConnection
from heatproxy.dialects import datasette, functions, redshift
from heatproxy.errors import MySQLError, ProtocolError, not_supported, unknown_error
from heatproxy.house import House
from heatproxy.loan import Loan
from heatproxy.session import Declined, Session
from heatproxy.sql.lexer import Token
from heatproxy.sql.prefilter import Prefilter, asks_after
from heatproxy.sql.versioned import creates_lakehouse, opened, predicts
from heatproxy.statements import (
    Handler,
    Text,
    Work,
    ansi,
    call,
    copied,
    create,
    ddl,
    diagnostics,
    explain,
    external,
    insert_select,
    kill,
    named,
    prepared,
    rowfunction,
    rpd,
    secondary,
    several,
    shell_alter,
    shell_show,
    show,
    traced,
    variables,
    views,
)
from heatproxy.statements import select as select_statement
from heatproxy.statements.passage import Passage
from heatproxy.statements.predicting import defined
from heatproxy.statements.sealed import REJECTED, SEALED, refusal, rejection
from heatproxy.timing import timed
from heatproxy.wire.channel import Statement
from heatproxy.wire.packets import Capability, Command, Status, parse_err, query_text
from heatproxy.wire.prepared import PreparedStatements

log = logging.getLogger(__name__)

# Asked in this order; the first that takes a statement answers it.
HANDLERS: tuple[Handler, ...] = (
    diagnostics.handle,
    traced.handle,
    variables.handle,
    shell_show.handle,
    show.handle,
    rpd.handle,
    call.handle,
    redshift.handle,
    datasette.handle,
    functions.handle,
    rowfunction.handle,
    explain.handle,
    select_statement.handle,
    create.handle,
    insert_select.handle,
    copied.handle,
    external.handle,
    shell_alter.handle,
    ddl.handle,
    secondary.handle,
    kill.handle,
)


async def serve_statement(house: House, loan: Loan, statement: Statement) -> None:
    """Answer a command, or give it back to the relay as MySQL's."""
    logs.connection.set(statement.thread_id)
    backend = BackendConnection(loan, statement.capabilities, statement.status)
    is_execution = statement.command[0] == Command.STMT_EXECUTE
    answer = Answer(loan, backend, binary=is_execution)
    metadata = partial(_metadata, house.account, statement.thread_id)
    passage = Passage(loan, backend, answer, _head(statement), metadata)
    watch = house.watches.of(statement.thread_id, backend, _text(statement))
    session = Session(house, backend, answer, passage, watch)
    session.aftermath = loan.aftermath if statement.aftermath else None
    session.next_transaction = statement.next_transaction
    session.rapid = loan.rapid
    session.notes = loan.notes
    names, refused = house.names_version, False
    try:
        work = partial(_answer, session, loan, statement)
        outcome = await watch.over(_declinable(passage.answer_described(work)))
        if outcome is not True:
            watch.require_no_kill()
            await session.put_back()
            lasting = isinstance(outcome, Declined) and outcome.lasting
            loan.forward(lasting=lasting)
            return
    except MySQLError as error:
        answer.more, refused = False, backend.refused is error
        if error.number == SEALED:
            error = refusal(house.shells, _text(statement), error)
        elif error.number == REJECTED and statement.error:
            number = int.from_bytes(statement.command[1:5], "little")
            executed = number if is_execution else 0
            error = await rejection(session, _text(statement), error, executed)
        if not answer.ended:  # else it was killed too late
            session.aftermath = await _refuse(answer, backend, error)
    except (ProtocolError, asyncio.CancelledError):
        raise
    except Exception as problem:
        log.exception("a statement failed")
        bug = unknown_error(f"{type(problem).__name__}: {problem}")
        if not answer.ended:
            session.aftermath = await _refuse(answer, backend, bug)
    loan.aftermath = session.aftermath
    if house.names_version != names:  # before this client's next statement
        in_transactions = house.config.rapid.offload_in_transactions
        loan.names(*house.filter_names(), in_transactions=in_transactions)
    loan.done(backend.status & ~Status.MORE_RESULTS, refused=refused)


def _metadata(account: ServiceAccount, thread_id: int) -> str | None:
    """A session's resultset_metadata, if the account may see it."""
    with suppress(pymysql.MySQLError, LookupError):
        return onlooker.result_metadata(account, thread_id)
    return None


async def _declinable(work: Awaitable[bool]) -> bool | Declined:
    """Whether the work has answered; why not, where it says so."""
    try:
        return await work
    except Declined as reason:
        return reason


async def _refuse(
    answer: Answer, backend: BackendConnection, error: MySQLError
) -> Aftermath | None:
    """Answer with an error; what it leaves behind in memory."""
    if error.packet or error.message.isascii():
        await answer.error(error)
        return await leave_error(backend, error)
    left = await leave_error(backend, error)  # first: MySQL spells it for the client
    await answer.error(error)
    return left


def _text(statement: Statement) -> bytes:
    """The SQL text of a command; empty where it has none."""
    match statement.command[0]:
        case Command.QUERY:
            return query_text(statement.command, statement.capabilities)
        case Command.STMT_PREPARE:
            return statement.command[1:]
        case _:
            return b""


def _head(statement: Statement) -> bytes:
    """What stands before the text of a COM_QUERY: the query attributes."""
    if statement.command[0] != Command.QUERY:
        return b""
    text = query_text(statement.command, statement.capabilities)
    return statement.command[: len(statement.command) - len(text)]


async def _answer(session: Session, loan: Loan, statement: Statement) -> bool:
    """Answer a command that may be ours; False when it is MySQL's alone."""
    if statement.error:
        raise parse_err(statement.error)
    command, known = statement.command, loan.prepared
    match command[0]:
        case Command.QUERY:
            text = query_text(command, statement.capabilities)
            return await _answer_text(session, loan, statement, text)
        case Command.STMT_PREPARE:
            ours = await prepared.prepare(session, known, find, command[1:])
            if ours is not None:
                loan.prepared_is_ours(ours, known.by_id[ours])
            return ours is not None
        case Command.STMT_EXECUTE:
            await prepared.execute(
                session, known, find, command, unseen=statement.unseen
            )
            return True
        case _:
            return not prepared.note(known, command)


async def _answer_text(
    session: Session, loan: Loan, statement: Statement, text: bytes
) -> bool:
    escapes = session.backslash_escapes
    try:
        parts = several.segments(text, backslash_escapes=escapes)
    except MySQLError:  # a versioned comment: MySQL decides what it says
        if not creates_lakehouse(text) and not predicts(text):
            return False
        text = opened(text, backslash_escapes=escapes)
        parts = several.segments(text, backslash_escapes=escapes)
    look = partial(_find_in_text, loan)
    several_allowed = statement.capabilities & Capability.MULTI_STATEMENTS
    if len(parts) == 2 and not several_allowed and not parts[1].tokens:
        parts.pop()  # a comment
    if len(parts) > 1:
        if not several_allowed:
            return False  # MySQL says what is wrong with it
        wants = _Wants(session, loan.prepared)
        return await several.answer(session, look, wants, text)
    if not parts[0].tokens:
        return False
    work = await look(session, Text(text, parts[0].tokens))
    if work is not None:
        await work.run()
    return work is not None


class _Wants:
    """Says of a statement's text whether it may be ours, as things are by now."""

    def __init__(self, session: Session, known: PreparedStatements) -> None:
        self._session, self._known = session, known
        self._version: object = None
        self._prefilter = Prefilter()

    def __call__(self, text: bytes) -> bool:
        if self._session.aftermath is not None and asks_after(text):
            return True
        house = self._session.house
        if self._version != house.names_version:
            self._version = house.names_version
            self._prefilter = Prefilter(*house.filter_names())
        return self._prefilter.wants(text, named=bool(self._known.by_name))


async def find(session: Session, statement: Text) -> Work | None:
    """What answers a statement that can be prepared; None when it is MySQL's alone."""
    statement = await ansi.with_names(session, statement)
    if defines(statement.tokens):
        await ddl.require_definable(session, statement)
        written = await defined.as_mysql_takes_it(session, statement)
        work = await views.handle(session, written)
        if work is None and written is not statement:
            return defined.define(session, written)
        return work
    plain = rpd.without_hints(statement)
    for handle in HANDLERS:
        work = await handle(session, plain)
        if work is not None:
            if not await _is_utf8(session, statement.text, work):
                break
            kind = work.kind or handle.__module__.rpartition(".")[2]
            return replace(work, run=partial(timed, session.house, kind, work.run))
    return None if plain is statement else rpd.as_it_stands(session, plain)


async def _find_in_text(loan: Loan, session: Session, statement: Text) -> Work | None:
    """What answers a statement that a COM_QUERY holds."""
    work = await named.handle(loan.prepared, find, session, statement)
    return work or await find(session, statement)


async def _is_utf8(session: Session, text: bytes, work: Work) -> bool:
    """Whether the text is read as the characters that the client meant.

    Raises:
        MySQLError: 1235, it is not, and MySQL cannot answer it either.
    """
    if text.isascii():
        return True
    charset = await session.backend.scalar("SELECT @@character_set_client")
    if charset in ("utf8mb4", "utf8mb3"):
        return True
    if work.optional:
        return False
    raise not_supported(f"a statement in character set {charset} for HeatWave")


def defines(part: Sequence[Token]) -> bool:
    """Whether it is CREATE of a view, procedure, trigger: nothing in it runs now."""
    creates = len(part) > 1 and part[0].is_word(b"CREATE")
    ours = (b"TABLE", b"TEMPORARY", b"EXTERNAL", b"MODEL")
    return creates and not part[1].is_word(*ours)
